"""From the table to a model, and to predictions in another process."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

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
