"""From the table to a model, and to predictions in another process."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import ModelCard

from tlzoo.data.catalogue import find, load
from tlzoo.errors import UnavailableError
from tlzoo.leaderboard.rank_metrics import spearman
from tlzoo.run.finetune import LIMITS, finetune
from tlzoo.run.predict import open_model, predict

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module", params=["probe", "lora"])
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
        "--variant", "tiny", "--strategy", request.param,
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
    table = tmp_path / "pairs.csv"
    table.write_text("text1,text2,similarity\n" + "\n".join(lines))
    notices: list[str] = []
    try:
        done = finetune(
            "bert", "text-embedding", str(table), tmp_path / "out", strategy="scratch", variant="nano", progress=False,
            say=notices.append,
        )  # fmt: skip
    except UnavailableError as error:
        pytest.skip(str(error))
    assert (
        "pairs.csv: sentence1 from column 'text1', sentence2 from column 'text2', score from column 'similarity'"
        in notices
    )
    assert "scores are from 2 to 4 in training, which became 0 and 1" in notices
    assert "Classes" not in (tmp_path / "out/README.md").read_text()
    test = load(find("text-embedding", str(table), LIMITS)).splits["test"]
    found = {row["input"]: row["score"] for row in predict(open_model(str(tmp_path / "out")), [table])}
    pairs = [[found[name], score] for name, score in zip(test["id"], test["score"], strict=True)]
    assert spearman(pairs, np.ones((1, len(pairs))))[0] == pytest.approx(done.value, abs=1e-6)


def predictions(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    return {row["input"]: row for row in map(json.loads, done.stdout.splitlines())}


def test_the_folder_is_complete_and_has_no_pickle(model: Path) -> None:
    names = {p.name for p in model.iterdir()}
    assert names == {"model.safetensors", "config.json", "preprocessor_config.json", "recipe.json", "README.md"}
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


def test_batch_size_does_not_change_a_prediction(model: Path, tlzoo: Command, folder: Path) -> None:
    alone, together = (predictions(tlzoo("predict", model, folder / "test", "--batch-size", n)) for n in (1, 42))
    for name, row in alone.items():
        assert row["scores"] == pytest.approx(together[name]["scores"], abs=1e-4)


def test_a_bad_file_among_good_ones(model: Path, tlzoo: Command, folder: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound")
    good = sorted((folder / "test").rglob("*.wav"))[:2]
    done = tlzoo("predict", model, good[0], bad, "missing.wav", good[1])
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert ["error" in row for row in rows] == [False, True, True, False]
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("tlzoo: 2 of 4 inputs unreadable:")


def test_a_damaged_model_is_refused(model: Path, tlzoo: Command, folder: Path, tmp_path: Path) -> None:
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(model, broken)
    (broken / "model.safetensors").write_bytes(b"\x00" * 100)
    done = tlzoo("predict", broken, folder / "test")
    assert done.returncode == 2
    assert "model.safetensors" in done.stderr


def test_a_published_model_predicts_as_it_is(tlzoo: Command, official: None, folder: Path) -> None:
    (row,) = predictions(tlzoo("predict", "crepe", sorted((folder / "test" / "note0").iterdir())[0])).values()
    middle = row["frequency"][len(row["frequency"]) // 2]
    assert 210 < middle < 230, "a note of 220 Hz, within 3 per cent"


def test_a_folder_of_somebody_elses_is_not_overwritten(tlzoo: Command, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    done = tlzoo("finetune", "crepe", "--task", "audio-classification", "--data", folder, "--out", tmp_path)
    assert done.returncode == 2
    assert "holds no fine-tuned model" in done.stderr
