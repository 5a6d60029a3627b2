"""Predictions as JSON and as pictures."""

import gzip
import json
import math
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco

from tests.support.file_server import Server
from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.model import Model
from tlzoo.core.predictions import Boxes, ClassScores, Mask, Reply, Similarity
from tlzoo.data.media.image import decode
from tlzoo.errors import InputError
from tlzoo.run.predict import expand, open_model, predict, with_columns
from tlzoo.tasks.text_embedding import TextEmbedding

Command = Callable[..., subprocess.CompletedProcess[str]]


class Thresholds(Model):
    """Segments a picture into dark and bright."""

    spec = Spec(input="image")

    def encode(self, row: Row) -> Example:
        return {"grey": np.asarray(decode(row["image"]).convert("L"))}

    def predict(self, batch: Batch) -> list[Mask]:
        return [Mask((g > 100).astype(np.uint8) * 2, ["background", "x", "bright"]) for g in batch["grey"]]


class SameLength(Model):
    """Finds texts alike that are equally long."""

    spec = Spec(input="text")
    task = TextEmbedding.of(())

    def encode(self, row: Row) -> Example:
        return {"score": float(len(row["sentence1"]) == len(row["sentence2"]))}

    def predict(self, batch: Batch) -> list[Similarity]:
        return [Similarity(score) for score in batch["score"]]


class Unsure(SameLength):
    """Gives no number for texts of different length."""

    def predict(self, batch: Batch) -> list[Similarity]:
        return [Similarity(score or math.nan) for score in batch["score"]]


def lines(*arguments: Any, **options: Any) -> list[dict[str, Any]]:
    """What ``tlzoo predict`` prints."""
    return [predicted.to_json() for predicted in predict(*arguments, **options)]


def test_a_prediction_that_is_no_number_is_an_error_and_its_batch_goes_on(tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("text1,text2\nabc,xyz\nabc,de\nab,cd\n")
    found = lines(Unsure(), [table])
    assert found == [
        {"input": "pairs.csv row 1", "score": 1},
        {"input": "pairs.csv row 2", "error": "its prediction holds NaN or infinite numbers"},
        {"input": "pairs.csv row 3", "score": 1},
    ]
    json.dumps(found, allow_nan=False)


def test_the_columns_of_a_table_are_kept_beside_the_prediction(tmp_path: Path) -> None:
    (table := tmp_path / "pairs.csv").write_text("id,text1,text2,score\n007,abc,xyz,good\n8,abc,,bad\n")
    answers = list(predict(SameLength(), [table]))
    fields = {name for each in answers for name in each.to_json()}
    rows = [with_columns(each.columns, each.to_json(), fields) for each in answers]
    assert [list(row) for row in rows] == [
        ["id", "text1", "text2", "given_score", "input", "score"],
        ["id", "text1", "text2", "given_score", "input", "error"],
    ]
    assert [(row["id"], row["text2"], row["given_score"]) for row in rows] == [
        ("007", "xyz", "good"),
        ("8", "", "bad"),
    ]
    assert rows[0]["score"] == 1 and rows[1]["error"] == "'text2' is empty"


def test_every_row_of_a_table_of_pairs_is_predicted(tmp_path: Path) -> None:
    table, other = tmp_path / "pairs.csv", tmp_path / "pairs.tsv"
    table.write_text("id,text1,text2\n1,abc,xyz\n2,abc,\n3,abc,de\n")
    other.write_bytes(b"text1\ttext2\nna\xefve\tx\n")
    found = lines(SameLength(), [table, other, tmp_path / "none.csv", "a text"], batch_size=2)
    assert found[:3] == [
        {"input": "pairs.csv row 1", "score": 1},
        {"input": "pairs.csv row 2", "error": "'text2' is empty"},
        {"input": "pairs.csv row 3", "score": 0},
    ]
    assert found[3] == {"input": "pairs.tsv row 1", "score": 0}, "it is not UTF-8, and read as Windows-1252"
    assert found[4]["error"].endswith("No such file or directory")
    assert found[5] == {"input": "a text", "error": "one text, where a table of sentence1 and sentence2 is read"}


@pytest.fixture
def halves(tmp_path: Path) -> list[Path]:
    """Pictures of the same name, dark on the left and bright on the right, one of them broken."""
    paths = [tmp_path / folder / "half.png" for folder in "abc"]
    for path in paths:
        path.parent.mkdir()
        picture = np.zeros((20, 30, 3), np.uint8)
        picture[:, 20:] = 200
        Image.fromarray(picture).save(path)
    paths[1].write_bytes(b"no picture")
    return paths


class Shouts(Model):
    """Replies louder, or with the longest candidate; takes no half characters."""

    spec = Spec(input="text")

    def encode(self, row: Row) -> Example:
        if not row["text"].isprintable():
            raise InputError("not printable")
        return {"said": max(row.get("candidates", [row["text"].upper()]), key=len)}

    def predict(self, batch: Batch) -> list[Reply]:
        return [Reply(said) for said in batch["said"]]


def test_texts_are_lines_rows_and_what_is_said_on_the_command_line(tmp_path: Path) -> None:
    plain, table, chats = (tmp_path / name for name in ("lines.txt", "table.csv", "chats.jsonl"))
    plain.write_text("Hi there\n\n  \nשלום 👋\n", encoding="utf-8")
    table.write_text("id,Message\n1,one\n2,\n", encoding="utf-8")
    chats.write_text(json.dumps({"prompt": "Tea?", "candidates": ["No", "Yes, please"]}), encoding="utf-8")
    (tmp_path / "notes.bin").write_bytes(b"\0\1")
    said = ["Are you in?", "a\0 b", "half \ud83d", "x " * 5000, "Great", "好极了", "v1.2", "Really?!"]
    inputs = expand([str(tmp_path), *said, str(tmp_path / "none.txt"), str(tmp_path / "notes.bin")], "text")
    found = lines(Shouts(), inputs, batch_size=3)
    assert found[:5] == [
        {"input": "chats.jsonl row 1", "text": "Yes, please"},
        {"input": "lines.txt line 1", "text": "HI THERE"},
        {"input": "lines.txt line 4", "text": "שלום 👋"},
        {"input": "table.csv row 1", "text": "ONE"},
        {"input": "table.csv row 2", "error": "'Message' is empty"},
    ]
    assert found[5] == {"input": "Are you in?", "text": "ARE YOU IN?"}
    assert [row["error"] for row in found[6:8]] == ["not printable"] * 2
    assert found[7]["input"] == "half ?"
    assert found[8]["text"] == "X " * 5000
    assert [row["text"] for row in found[9:13]] == ["GREAT", "好极了", "V1.2", "REALLY?!"]
    assert found[13] == {"input": str(tmp_path / "none.txt"), "error": "No such file or directory"}
    assert "a NUL byte" in found[14]["error"]
    assert len(found) == 15


def test_an_input_is_a_name_a_text_or_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Great").write_text("a\nb")
    (tmp_path / "rows.csv.gz").write_bytes(gzip.compress(b"text\na\n"))
    assert list(expand(["Great", "Grand", "no.csv", "x/y", "-", "."], "text")) == [
        Path("Great"), "Grand", Path("no.csv"), Path("x/y"), Path("/dev/stdin"), Path("rows.csv.gz")
    ]  # fmt: skip
    assert list(expand(["Grand", "-"], "image")) == [Path("Grand"), Path("/dev/stdin")]
    for name in ("", " "):
        with pytest.raises(InputError, match="one of the inputs is empty"):
            list(expand([name], "text"))


def test_patterns_and_homes_are_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("a/1.png", "a/2.png", "b/3.jpg", "[x].png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert list(expand(["a/*.png", "~/b", "[x].png"], "image")) == [
        Path("a/1.png"), Path("a/2.png"), tmp_path / "b" / "3.jpg", Path("[x].png")
    ]  # fmt: skip
    assert list(expand(["**/*.jpg"], "image")) == [Path("b/3.jpg")]
    with pytest.raises(InputError, match=r"c/\*: no file fits this pattern"):
        list(expand(["c/*"], "image"))


def test_an_address_is_downloaded_and_removed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    paths = expand([f"{server.url}/pictures/a.png", f"{server.url}/missing.png"], "image")
    path = next(paths)
    assert isinstance(path, Path) and path.name == "a.png" and path.read_bytes() == server.content
    server.status = 404
    with pytest.raises(InputError, match=r"missing\.png: "):
        next(paths)
    assert not path.exists()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match="is not downloaded, since --offline asks nobody"):
        list(expand([f"{server.url}/pictures/a.png"], "image"))
    server.close()


def test_boxes_above_a_threshold_and_the_best_classes() -> None:
    boxes = Boxes([[0, 0, 1, 1], [0, 0, 2, 2], [0, 0, 3, 3]], [0.9, 0.5, 0.4], ["a", "b", "c"], [[[1, 1]]] * 3)
    assert boxes.above(0.5) == Boxes([[0, 0, 1, 1], [0, 0, 2, 2]], [0.9, 0.5], ["a", "b"], [[[1, 1]]] * 2)
    assert boxes.above(1) == Boxes([], [], [], [])
    scores = ClassScores("b", 0.6, {"a": 0.3, "b": 0.6, "c": 0.1})
    assert list(scores.top(2).scores.items()) == [("b", 0.6), ("a", 0.3)]


def test_a_name_that_is_no_utf_8_can_be_written_down(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt"))
    path.write_text("one\ntwo")
    found = lines(Shouts(), [path, path.with_suffix(".none")])
    assert [row["input"] for row in found] == [
        "caf\ufffd.txt line 1",
        "caf\ufffd.txt line 2",
        f"{tmp_path}/caf\ufffd.none",
    ]
    json.dumps(found, ensure_ascii=False).encode()


def test_what_is_read_is_said_once(tmp_path: Path) -> None:
    for name, head in (("a.csv", "text,note"), ("b.csv", "Note,text"), ("c.csv", "text,note"), ("d.csv", "text")):
        (tmp_path / name).write_text(f"{head}\n{'x,y' if ',' in head else 'x'}\n")
    said: list[str] = []
    paths = sorted(tmp_path.iterdir())
    found = lines(Shouts(), paths, columns={"text": "note"}, say=said.append)
    assert [row.get("text") for row in found] == ["Y", "X", "Y", None]
    assert said == ["a.csv: text from column 'note'", "b.csv: text from column 'Note'"]
    wanted = "no column 'note', from which the model's text is read; columns: text"
    assert found[3] == {"input": str(tmp_path / "d.csv"), "error": wanted}


def test_a_mask_is_run_lengths_of_each_class(halves: list[Path]) -> None:
    rows = [json.loads(json.dumps(row)) for row in lines(Thresholds(), halves, 2)]
    assert rows[0]["input"] == str(halves[0]) and "labels" not in rows[0] and "drawn" not in rows[0]
    assert [(m["label"], round(m["area_share"], 4)) for m in rows[0]["masks"]] == [
        ("background", 0.6667),
        ("bright", 0.3333),
    ]
    bright = coco.decode(rows[0]["masks"][1]["rle"])
    assert bright.shape == (20, 30) and bright[:, 20:].all() and not bright[:, :20].any()
    assert set(rows[1]) == {"input", "error"} and rows[2]["masks"] == rows[0]["masks"]


def test_pictures_of_the_same_name_are_drawn_apart(halves: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    rows = lines(Thresholds(), halves, 2, out)
    assert [Path(row.get("drawn", "none")).name for row in rows] == ["half.png", "none", "half-2.png"]
    assert sorted(p.name for p in out.iterdir()) == ["half-2.png", "half.png"]
    beside = lines(Thresholds(), halves[:1], 2, halves[0].parent)
    assert Path(beside[0]["drawn"]).name == "half-2.png", "the input itself is not overwritten"
    assert decode({"bytes": None, "path": str(halves[0])}).size == (30, 20)


def test_a_file_in_the_way_is_one_line(halves: list[Path], tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(InputError, match=r"--draw .*out: cannot be written \(File exists\)"):
        lines(Thresholds(), halves, 2, tmp_path / "out")


def test_faces_are_drawn_from_the_command_line(tlzoo: Command, tmp_path: Path) -> None:
    photograph = Path(str(pytest.importorskip("skimage").__file__)).parent / "data" / "astronaut.png"
    if not photograph.is_file():
        pytest.skip("this scikit-image carries no photograph of a face")
    done = tlzoo("predict", "mtcnn", photograph, "--draw", tmp_path / "out")
    if done.returncode == 1:
        pytest.skip(f"MTCNN's weights are not available: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert row["drawn"] == str(tmp_path / "out" / "astronaut.png") and row["labels"] == ["face"]
    before, after = (np.asarray(Image.open(p).convert("RGB"), int) for p in (photograph, row["drawn"]))
    scale = after.shape[1] / before.shape[1]
    left, top, _, bottom = (round(v * scale) for v in row["boxes"][0])
    edge = after[(top + bottom) // 2 : bottom, left : left + 2]
    assert np.ptp(edge.reshape(-1, 3), axis=0).max() == 0, "one colour along the left edge of the face's box"


def test_a_file_of_questions_is_answered_one_by_one(tmp_path: Path) -> None:
    from tests.support.encoders import encoder
    from tlzoo.adapters.weights import variant_of
    from tlzoo.cards import catalogue
    from tlzoo.run.predict import open_model
    from tlzoo.tasks.question_answering import QuestionAnswering
    from tlzoo.transfer.bundle import save

    task, card = QuestionAnswering.of([]), catalogue.get("tf2nq")
    save(encoder("tf2nq").for_task(task), task, card, variant_of(card, "nano"), tmp_path / "model", {}, "")
    contexts = ["Ada wrote the notes in 1843. " * (1 + 200 * i) for i in range(2)]
    paragraphs = [
        {"context": context, "qas": [{"id": f"{i}{name}", "question": name} for name in ("When?", "Who?", " ")]}
        for i, context in enumerate(contexts)
    ]
    (tmp_path / "questions.json").write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}))
    (tmp_path / "other.json").write_text("{}")
    model = open_model(str(tmp_path / "model"))
    found = lines(model, [tmp_path / "questions.json", tmp_path / "other.json"], 2)
    assert [row.get("id") for row in found] == ["0When?", "0Who?", "0 ", "1When?", "1Who?", "1 ", None]
    for i, row in enumerate(found[:6]):
        assert row["input"].endswith("questions.json") and row["question"] in row["id"]
        if i % 3 == 2:
            assert row["error"].endswith("question is empty")
        else:
            assert contexts[i // 3][row["start"] : row["end"]] == row["text"]
            assert json.loads(json.dumps(row)) == row
    assert "not a SQuAD file" in found[6]["error"]


def test_a_folder_of_another_kind_does_not_hide_a_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tlzoo.cards import catalogue
    from tlzoo.run import predict as module
    from tlzoo.transfer import bundle

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "published", lambda card, task, weights: f"the card {card.id}")
    monkeypatch.setattr(bundle, "load", lambda folder: f"the folder {folder}")
    said: list[str] = []
    assert open_model("crepe", said.append) == "the card crepe" and said == []
    (tmp_path / "crepe").mkdir()
    (tmp_path / "crepe" / "config.json").write_text('{"model_type": "bert"}')
    assert open_model("crepe", said.append) == "the card crepe"
    assert said.pop() == (
        "crepe is the name of a folder and of a card; opening the card, as the folder is not a fine-tuned model"
    )
    (tmp_path / "crepe" / "config.json").write_text('{"tlzoo": 2}')
    assert open_model("crepe", said.append) == "the folder crepe"
    assert said.pop() == "crepe is the name of a folder and of a card; opening the fine-tuned model in the folder"
    (tmp_path / "mine").mkdir()
    assert "mine" not in catalogue.read_all()
    with pytest.raises(InputError, match=r"^model mine: there is no config\.json; read are models of timm"):
        open_model("mine", said.append)
    (tmp_path / "mine" / "config.json").write_text('{"tlzoo": 2}')
    assert open_model("mine", said.append) == "the folder mine" and said == []
