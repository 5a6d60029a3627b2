"""From the table to a model, and to predictions in another process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from huggingface_hub import ModelCard

from tlzoo.data.catalogue import find, load
from tlzoo.errors import InputError, UnavailableError
from tlzoo.leaderboard.rank_metrics import spearman
from tlzoo.run.finetune import LIMITS, Finetuned, finetune
from tlzoo.run.predict import open_model, predict, trained_columns

ROOT = Path(__file__).resolve().parents[3]
Command = Callable[..., subprocess.CompletedProcess[str]]


QUICKLY = {"probe": ("--folds", 2), "lora": ("--folds", 1, "--lr", 3e-3, "--epochs", 8)}


@pytest.fixture(scope="module", params=QUICKLY)
def model(
    request: pytest.FixtureRequest,
    tlzoo: Command,
    official: None,
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    out = tmp_path_factory.mktemp("models") / request.param
    done = tlzoo(
        "finetune", "crepe", "--task", "audio-classification", "--data", folder, "--out", out,
        "--variant", "tiny", "--strategy", request.param, *QUICKLY[request.param],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "on 42 test examples" in done.stdout
    return out


def test_pairs_of_texts_from_a_table_and_back(tmp_path: Path) -> None:
    """The test score again, from the folder and the table alone."""
    colours, animals = ("red", "green", "blue", "black"), ("cat", "dog", "cow", "hen")
    texts = [f"the {colour} {animal} {i} sleeps" for i in range(8) for colour in colours for animal in animals]
    lines = [
        f"{a},{b},{sum(x == y for x, y in zip(a.split(), b.split(), strict=True))}"
        for a, b in zip(texts[::2], np.random.default_rng(0).permutation(texts[1::2]).tolist(), strict=True)
    ]
    table = tmp_path / "pairs"
    table.mkdir()
    for name, part in (("train.csv", lines[12:]), ("test.csv", lines[:12])):
        (table / name).write_text("text1,text2,similarity\n" + "\n".join(part))
    notices: list[str] = []
    try:
        done = finetune(
            "bert", "text-embedding", str(table), tmp_path / "out", strategy="scratch", variant="nano", folds=1,
            progress=False, say=notices.append,
        )  # fmt: skip
    except UnavailableError as error:
        pytest.skip(str(error))
    assert any(
        "sentence1 from column 'text1', sentence2 from column 'text2', score from column 'similarity'" in notice
        for notice in notices
    )
    assert any("in training, mapped to 0 and 1" in notice for notice in notices)
    assert "Classes" not in (tmp_path / "out/README.md").read_text()
    assert trained_columns(str(tmp_path / "out")) == {"sentence1": "text1", "sentence2": "text2"}
    test = load(find("text-embedding", str(table), LIMITS)).splits["test"]
    lines = [predicted.to_json() for predicted in predict(open_model(str(tmp_path / "out")), [table / "test.csv"])]
    found = {line["input"]: line["score"] for line in lines}
    pairs = [[found[name], score] for name, score in zip(test["id"], test["score"], strict=True)]
    assert spearman(pairs, np.ones((1, len(pairs))))[0] == pytest.approx(done.value, abs=1e-6)


def test_texts_are_predicted_from_the_column_that_was_learnt(tlzoo: Command, tmp_path: Path) -> None:
    """Whatever else the table has; and nothing else is read in its stead."""
    words = ("good", "bad")
    lines = [f"{i},the film number {i} was {words[i % 2]},{words[i % 2]}" for i in range(60)]
    (tmp_path / "mine.csv").write_text("\n".join(["id,customer note,label", *lines]))
    out = tmp_path / "out"
    done = tlzoo(
        "finetune", "bert", "--task", "text-classification", "--data", tmp_path / "mine.csv", "--out", out,
        "--variant", "nano", "--strategy", "scratch",
    )  # fmt: skip
    if "is not available" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    assert "mine.csv: text from column 'customer note', label from column 'label'" in done.stderr
    assert json.loads((out / "config.json").read_text())["columns"] == {"text": "customer note"}

    new = [f'what was it?;the film number {i} was {words[i % 2]};"{i}"' for i in range(80, 90)]
    (tmp_path / "new.csv").write_text("\n".join(["question;Customer_Note;id", *new]))
    done = tlzoo("predict", out, tmp_path / "new.csv", "--out", tmp_path / "with.csv")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "with.csv").read_text().startswith("question,Customer_Note,id,input,label,score,scores")
    assert done.stderr.strip() == "new.csv: text from column 'Customer_Note'"
    answers = [row.get("nearest", row["label"]) for row in map(json.loads, done.stdout.splitlines())]
    assert len(answers) == 10 and len(set(answers)) == 2, "questions are all the same, and notes are not"
    alone = tlzoo("predict", out, *(line.split(";")[1] for line in new))
    assert [row.get("nearest", row["label"]) for row in map(json.loads, alone.stdout.splitlines())] == answers
    own = tlzoo("predict", out, tmp_path / "mine.csv").stdout.splitlines()
    known = [json.loads(line)["label"] for line in own]
    assert known.count("unknown") <= 3, "nothing that it learnt from is unlike all that it learnt from"

    (tmp_path / "other.csv").write_text("question,note\nwhat was it?,good\n")
    done = tlzoo("predict", out, tmp_path / "other.csv")
    assert done.returncode == 2
    assert (
        done.stderr.strip()
        .splitlines()[-1]
        .endswith(
            f"{tmp_path}/other.csv: no column 'customer note', from which the model's text is read; "
            "columns: question, note"
        )
    )
    done = tlzoo("predict", out, tmp_path / "other.csv", "--text", "note")
    assert done.returncode == 0 and done.stderr.strip() == "other.csv: text from column 'note'"
    (tmp_path / "raw.txt").write_text('[{"text": "good"}]')
    done = tlzoo("predict", out, tmp_path / "raw.txt")
    assert done.returncode == 2 and "JSON rather than plain text" in done.stderr.strip().splitlines()[-1]


def predictions(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    return {row["input"]: row for row in map(json.loads, done.stdout.splitlines())}


def test_the_folder_is_complete_and_has_no_pickle(model: Path) -> None:
    names = {p.name for p in model.iterdir()}
    assert names - {"novelty.safetensors"} == {
        "model.safetensors", "config.json", "preprocessor_config.json", "recipe.json", "README.md", "confusion.png",
    }  # fmt: skip
    assert ("novelty.safetensors" in names) == (model.name == "probe"), "one fold of few examples does not tell"
    assert len({p.stat().st_mode for p in model.iterdir()}) == 1
    config = json.loads((model / "config.json").read_text())
    assert config["id2label"] == {"0": "note0", "1": "note1", "2": "note2"}


def test_its_card_has_a_model_index(model: Path) -> None:
    card = ModelCard.load(model / "README.md")
    result = card.data.eval_results[0]
    recipe = json.loads((model / "recipe.json").read_text())
    assert result.metric_type == "accuracy"
    assert result.metric_value == pytest.approx(recipe["results"][0]["value"], abs=1e-4)


def test_another_process_gives_the_test_score_again(model: Path, tlzoo: Command, folder: Path) -> None:
    found = predictions(tlzoo("predict", model, folder / "test"))
    assert len(found) == 42
    right = sum(Path(name).parent.name == row["label"] for name, row in found.items()) / 42
    recipe = json.loads((model / "recipe.json").read_text())
    assert right == pytest.approx(recipe["results"][0]["value"], abs=1e-9)
    assert right >= 0.9


def test_a_bad_file_among_good_ones(model: Path, tlzoo: Command, folder: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound")
    good = sorted((folder / "test").rglob("*.wav"))[:2]
    done = tlzoo("predict", model, good[0], bad, "missing.wav", good[1])
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert ["error" in row for row in rows] == [False, True, True, False]
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("tlzoo: 2 of 4 inputs have no prediction:")
    many = [*sorted((folder / "test").rglob("*.wav"))[:12], bad]
    done = tlzoo("predict", model, *many, "--out", tmp_path / "out.csv", "--top", 1)
    assert done.returncode == 0, "a few that cannot be read are a warning"
    assert done.stderr.strip().splitlines()[-1].startswith("tlzoo: 1 of 13 inputs have no prediction:")
    table = pd.read_csv(tmp_path / "out.csv")
    assert list(table["input"]) == list(map(str, many)) and table["label"].isna().sum() == 1
    assert all(len(json.loads(scores)) == 1 for scores in table["scores"].dropna())
    assert tlzoo("predict", model, *many, "--strict").returncode == 2
    wrong = tlzoo("predict", model, good[0], "--out", tmp_path / "out.txt")
    assert "expected a file named .csv, .parquet, .jsonl" in wrong.stderr


def test_a_damaged_model_is_refused(model: Path, tlzoo: Command, folder: Path, tmp_path: Path) -> None:
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(model, broken)
    (broken / "model.safetensors").write_bytes(b"\x00" * 100)
    done = tlzoo("predict", broken, folder / "test")
    assert done.returncode == 2
    assert "model.safetensors: differs from its checksum" in done.stderr


def test_a_published_model_predicts_as_it_is(tlzoo: Command, official: None, folder: Path) -> None:
    (row,) = predictions(tlzoo("predict", "crepe", sorted((folder / "test" / "note0").iterdir())[0])).values()
    middle = row["frequency"][len(row["frequency"]) // 2]
    assert 210 < middle < 230, "a note of 220 Hz, within 3 per cent"


def test_a_folder_of_somebody_elses_is_not_overwritten(tlzoo: Command, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    done = tlzoo("finetune", "crepe", "--task", "audio-classification", "--data", folder, "--out", tmp_path)
    assert done.returncode == 2
    assert "holds no fine-tuned model" in done.stderr


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    """Four steps of training."""
    from tlzoo.transfer.recipe import Recipe

    recipe = Recipe(steps=4, learning_rates=(1e-3,), batch_size=8, looks=1)
    monkeypatch.setattr("tlzoo.run.plan.recipe_for", lambda *_: recipe)


@pytest.fixture
def untrained(short: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be trained."""

    def train(*_: Any) -> None:
        pytest.fail("it was trained before the folder was tried")

    monkeypatch.setattr("tlzoo.run.execute.train", train)


def tuned(data: Path, out: Path, **options: Any) -> Finetuned:
    return finetune(
        "yamnet", "audio-classification", str(data), out, strategy="scratch", variant="nano", progress=False,
        say=lambda line: None, folds=1, **options,
    )  # fmt: skip


def test_random_weights_are_trained_from_scratch_or_not_at_all(untrained: None, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--weights none: only --strategy scratch starts from random weights"):
        finetune("yamnet", "audio-classification", str(folder), tmp_path / "out", weights="none", variant="nano")
    assert not (tmp_path / "out").exists()


def in_the_way(tmp_path: Path) -> Path:
    (tmp_path / "out").write_text("x")
    return tmp_path / "out"


def below_a_file(tmp_path: Path) -> Path:
    return in_the_way(tmp_path) / "deeper"


def where_nobody_writes(tmp_path: Path) -> Path:
    return Path("/proc/out")


@pytest.mark.parametrize("place", [in_the_way, below_a_file, where_nobody_writes])
def test_a_folder_that_cannot_be_made_is_told_before_training(
    place: Callable[[Path], Path], untrained: None, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"--out .*: cannot be written \(.+\); name a folder that can be") as caught:
        tuned(folder, place(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_disk_that_is_read_only_or_full_is_told_before_training(
    untrained: None, folder: Path, small_disk: Path
) -> None:
    with pytest.raises(OSError, match="No space"), open(small_disk / "fill", "wb") as file:
        file.write(bytes(1 << 20))
    (small_disk / "out").mkdir()
    with pytest.raises(InputError, match="the disk is full"):
        tuned(folder, small_disk / "out")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(InputError, match="Read-only file system"):
        tuned(folder, small_disk / "new")


def test_an_earlier_model_is_replaced_only_when_asked(
    short: None, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned(folder, tmp_path / "out")
    weights = (tmp_path / "out" / "model.safetensors").read_bytes()
    with pytest.raises(InputError, match=r"holds a model \(yamnet, fine-tuned for audio-.*or replace it with --over"):
        tuned(folder, tmp_path / "out", seed=1)
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == weights
    for name in ("model.onnx", "notes.txt"):
        (tmp_path / "out" / name).touch()
    tuned(folder, tmp_path / "out", seed=1, overwrite=True)
    assert not (tmp_path / "out" / "model.onnx").exists(), "it was exported of the earlier model"
    assert (tmp_path / "out" / "notes.txt").exists()
    assert (tmp_path / "out" / "model.safetensors").read_bytes() != weights
    assert json.loads((tmp_path / "out" / "recipe.json").read_text())["run"]["seed"] == 1
    assert open_model(str(tmp_path / "out"))


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_checkpoint_of_somebody_elses_is_never_overwritten(
    untrained: None, folder: Path, tmp_path: Path, overwrite: bool
) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "model.safetensors").write_bytes(b"precious")
    with pytest.raises(InputError, match="holds no fine-tuned model of tlzoo"):
        tuned(folder, tmp_path, overwrite=overwrite)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {
        "config.json": b'{"model_type": "bert"}',
        "model.safetensors": b"precious",
    }


def test_two_into_one_folder_are_never_mixed(
    short: None, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tlzoo.run import execute

    train = execute.train
    refused: list[str] = []

    def meanwhile(*arguments: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(execute, "train", train)
            code = (
                "import sys; from pathlib import Path; from tests.run.finetune.test_finetune import tuned; "
                "tuned(Path(sys.argv[1]), Path(sys.argv[2]), overwrite=True)"
            )
            command = [sys.executable, "-c", code, str(folder), str(tmp_path / "out")]
            done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=250)
            refused.append(done.stderr.strip().splitlines()[-1])
        return train(*arguments)

    monkeypatch.setattr(execute, "train", meanwhile)
    tuned(folder, tmp_path / "out")
    assert f"--out {tmp_path / 'out'}: in use by process {os.getpid()} on " in refused[0]
    assert open_model(str(tmp_path / "out"))


def test_a_training_that_fails_leaves_no_folder(
    short: None, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(*_: Any) -> None:
        assert (tmp_path / "out").is_dir()
        raise RuntimeError("diverged")

    monkeypatch.setattr("tlzoo.run.execute.train", train)
    with pytest.raises(RuntimeError, match="diverged"):
        tuned(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_written_names_no_person_and_no_place(
    short: None, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    home = tmp_path / "home" / "marie-curie"
    data = shutil.copytree(folder, home / "private" / "notes")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TLZOO_CACHE", str(home / "cache"))
    monkeypatch.setenv("TLZOO_MIRROR", str(home / "mirror"))
    tuned(data, Path("~/out"))
    written = {path.name: path.read_bytes() for path in (home / "out").iterdir()}
    assert len(written) == 6
    for name, content in written.items():
        for word in (b"marie", b"private", str(tmp_path).encode()):
            assert word not in content, name
    source = json.loads(written["recipe.json"])["run"]["source"]
    assert source["name"] == "notes" and len(source["fingerprint"]) == 64 and source["place"] is None
    assert "fine-tuned on notes" in written["README.md"].decode()


def test_files_of_weights_are_written_down_as_on_the_card(tmp_path: Path) -> None:
    from tlzoo.adapters.weights import Checkpoint
    from tlzoo.cards import catalogue
    from tlzoo.data.catalogue import Source
    from tlzoo.run.finetune import _facts
    from tlzoo.run.plan import Run
    from tlzoo.transfer.recipe import Recipe

    card = catalogue.get("crepe")
    (variant,) = (v for v in card.variants if v.id == "tiny")
    (file,) = variant.weights[0].files
    notice = f"since official: {tmp_path}: not there"
    checkpoint = Checkpoint("crepe", "tiny", "official", "0" * 64, ((file.name, str(tmp_path / file.name)),), notice)
    source = Source("notes", "audio-classification", "audio", "1" * 64, "folder", str(tmp_path), notice=str(tmp_path))
    run = Run(checkpoint, source.task, source, "full", 0, 1.0, Recipe(4, (1e-3,)), "2" * 64)
    facts = _facts(run, variant)
    assert facts["checkpoint"]["files"] == {file.name: list(file.places)}
    assert str(tmp_path) not in json.dumps(facts)
