"""Models of the catalogue side by side: their vectors are those of each, and one folder holds all of them."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tlzoo.adapters.weights import Checkpoint, resolve
from tlzoo.core.model import Backbone, HeadedModel
from tlzoo.core.task import HeadTask
from tlzoo.drafting import adhoc
from tlzoo.errors import InputError
from tlzoo.leaderboard.store import Store
from tlzoo.run.evaluate import evaluate
from tlzoo.run.rerun import rerun
from tlzoo.tasks import task_type
from tlzoo.transfer import bundle
from tlzoo.transfer.assemble import assemble

SOUNDS, TEXTS = "concat:yamnet/nano+openl3/nano", "concat:bert/nano+electra/nano"


def checkpoint_of(name: str) -> Checkpoint:
    return resolve(adhoc.find(name))


def model_of(checkpoint: Checkpoint, task: HeadTask) -> HeadedModel:
    backbone = assemble(checkpoint, task)
    assert isinstance(backbone, Backbone)
    return backbone.for_task(task)


def task_of(name: str, kind: str) -> HeadTask:
    task = task_type(name, kind).of(["one", "other"])
    assert isinstance(task, HeadTask)
    return task


def vectors(model: HeadedModel, row: dict[str, object]) -> torch.Tensor:
    model.eval()
    with torch.inference_mode():
        read = model.backbone.output_for(model.preprocess([row, row]), model.task)
    assert isinstance(read, torch.Tensor)
    return read


def test_vectors_are_those_of_each_at_its_own_sample_rate(tmp_path: Path) -> None:
    wave = np.random.default_rng(0).normal(0, 0.1, 12_000).astype(np.float32)
    soundfile.write(tmp_path / "sound.wav", wave, 8_000)
    row = {"id": "0", "audio": {"bytes": (tmp_path / "sound.wav").read_bytes(), "path": "sound.wav"}}
    checkpoint, task = checkpoint_of(SOUNDS), task_of("audio-classification", "audio")
    assert len(checkpoint.parts) == 2 and checkpoint.tier == "stand-in" and checkpoint.name == SOUNDS
    model = model_of(checkpoint, task)
    assert model.spec.sample_rate == 48_000
    expected = torch.cat([vectors(model_of(part, task), row) for part in checkpoint.parts], dim=1)
    assert torch.equal(vectors(model, row), expected)
    with pytest.raises(InputError, match="different sample rates take files"):
        model.backbone.encode(wave)


def test_a_folder_holds_all_of_it_and_predicts_the_same(tmp_path: Path) -> None:
    card = adhoc.find(TEXTS)
    task, row = task_of("text-classification", "text"), {"id": "0", "text": "a very good day"}
    model = model_of(resolve(card), task).eval()
    bundle.save(model, task, card, card.default, tmp_path, {}, "")
    loaded = bundle.load(tmp_path)
    with torch.inference_mode():
        (before,), (after,) = model.predict(model.preprocess([row])), loaded.predict(loaded.preprocess([row]))
    assert before == after
    config = json.loads((tmp_path / "config.json").read_text())
    config["variant"]["config"]["parts"][1]["facts"] = "0"
    (tmp_path / "config.json").write_text(json.dumps({k: v for k, v in config.items() if k != "sha256"}))
    with pytest.raises(InputError, match="electra/nano has changed since it became a part"):
        bundle.load(tmp_path)


def test_it_is_evaluated_and_run_again_as_any_other(folder: Path, tmp_path: Path) -> None:
    evaluate(
        "audio-classification",
        models=[SOUNDS],
        strategies=["probe"],
        data=folder,
        seeds=[0],
        fractions=[1.0],
        out=tmp_path,
        baselines=False,
    )
    rows = Store(tmp_path / "results").read().to_pylist()
    assert {(row["card"], row["status"], row["license"]) for row in rows} == {(SOUNDS, "ok", "apache-2.0 and mit")}
    assert rows[0]["value"] > 0.5, "of three classes"
    assert rerun(rows, str(folder), progress=False).is_reproduced


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("concat:yamnet/nano", "expected two or three different models"),
        ("concat:yamnet/nano+yamnet/nano", "expected two or three different models"),
        ("concat:yamnet/nano+bert/nano", r"bert/nano \(text in, .* gives no vector of one audio"),
        ("concat:yamnet/nano+no-such-model", "no-such-model"),
        ("concat:yamnet/nano+trill/tiny", "unknown variant 'tiny'"),
    ],
)
def test_what_cannot_be_put_side_by_side_is_refused(name: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        adhoc.find(name)


def test_its_licence_is_that_of_all_parts() -> None:
    given = adhoc.find(SOUNDS).provenance.license
    assert given.weights == given.code == "apache-2.0 and mit"
    assert adhoc.find_again(SOUNDS, "any").id == SOUNDS
