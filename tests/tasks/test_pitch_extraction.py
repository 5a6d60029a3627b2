"""Pitch: mir_eval's figures, a head that learns, and the published tracker on its task."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from datasets import DatasetDict
from mir_eval import melody

from tlzoo.core.predictions import PitchTrack
from tlzoo.data.rendered.pitches import pitches
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.tasks.pitch_extraction import Pitches, PitchExtraction, estimated


@pytest.fixture(scope="module")
def data() -> DatasetDict:
    return pitches(sizes=(8, 2, 4))


@pytest.fixture(scope="module")
def task(data: DatasetDict) -> PitchExtraction:
    return PitchExtraction(data["train"].features)


def exact(row: dict[str, Any], factor: float = 1.0) -> PitchTrack:
    hz = np.array(row["f0"]["hz"])
    return PitchTrack(row["f0"]["time"], np.where(hz > 0, hz * factor, 300).tolist(), (hz > 0).tolist())


def values(task: PitchExtraction, rows: Any, factor: float) -> dict[str, float]:
    each = [task.statistics(exact(row, factor), row) for row in rows]
    ones = np.ones((1, len(each)))
    return {m: float(METRICS[m].reduce([e[m] for e in each], ones)[0]) for m in task.metrics}


def test_what_is_right_an_octave_off_or_a_semitone_off(task: PitchExtraction, data: DatasetDict) -> None:
    assert values(task, data["train"], 1) == {"rpa": 1, "rca": 1, "voicing_recall": 1, "voicing_false_alarm": 0}
    octave = values(task, data["train"], 2)
    assert octave["rpa"] == 0 and octave["rca"] == 1
    semitone = values(task, data["train"], 2 ** (1 / 12))
    assert semitone["rpa"] == semitone["rca"] == 0 and semitone["voicing_recall"] == 1


def test_one_sound_has_mir_evals_own_figures(task: PitchExtraction, data: DatasetDict) -> None:
    row = data["train"][1]
    rng = np.random.default_rng(0)
    guess = exact(row)
    guess = replace(guess, confidence=rng.random(100).tolist())
    guess = replace(guess, frequency=(np.array(guess.frequency) * 2 ** rng.normal(0, 0.05, 100)).tolist())
    truth = (np.array(row["f0"]["time"]), np.array(row["f0"]["hz"]))
    own = melody.evaluate(*truth, *estimated(guess, truth[0][-1]))
    found = task.statistics(guess, row)
    assert np.divide(*found["rpa"]) == pytest.approx(own["Raw Pitch Accuracy"])
    assert np.divide(*found["rca"]) == pytest.approx(own["Raw Chroma Accuracy"])
    assert np.divide(*found["voicing_recall"]) == pytest.approx(own["Voicing Recall"])


def test_one_frame_is_an_estimate_too(task: PitchExtraction, data: DatasetDict) -> None:
    found = task.statistics(PitchTrack([0.5], [220.0], [0.9]), data["train"][0])
    assert found["voicing_recall"][0] == found["voicing_recall"][1]


@pytest.mark.filterwarnings("error")
def test_sounds_without_any_pitch_are_counted_in_silence(task: PitchExtraction, data: DatasetDict) -> None:
    row = data["train"][0]
    rest = {"f0": {"time": row["f0"]["time"], "hz": [0.0] * 100}}
    found = task.statistics(replace(exact(row), confidence=[1.0] * 100), rest)
    assert found["rpa"] == found["rca"] == found["voicing_recall"] == [0, 0]
    assert found["voicing_false_alarm"] == [100, 100]
    missed = task.statistics(replace(exact(row), confidence=[0.0] * 100), row)
    assert missed["rpa"][0] == missed["rpa"][1] > 0, "a pitch is right though it is said to be none"
    assert missed["voicing_recall"][0] == 0


def test_targets_follow_the_clock_of_the_tokens(task: PitchExtraction, data: DatasetDict) -> None:
    row = data["train"][0]
    target = task.target(row, {})
    assert target.shape == (100,) and target.numpy() == pytest.approx(np.array(row["f0"]["hz"]))
    coarse = {"f0": {"time": [0.0, 0.5], "hz": [100.0, 200.0]}}
    assert task.target(coarse, {})[[0, 10, 24, 26, 50]].tolist() == [100, 100, 100, 200, 200], "the nearest value"
    fine = {"f0": {"time": np.arange(991) / 1000, "hz": 100.0 + np.arange(991)}}
    assert task.target(fine, {}).numpy() == pytest.approx(100 + 10 * np.arange(100)), "not what is 5 ms early"


def test_nothing_is_learnt_after_the_end_of_a_track(task: PitchExtraction) -> None:
    logits = torch.zeros(9, 360, requires_grad=True)
    hz = torch.full((3,), 220.0)  # 0, 10 and 20 ms
    batch = {"target": hz, "target_lengths": torch.tensor([3])}
    task.loss(Pitches(logits, torch.tensor([9]), 0.0, 0.01), batch).backward()
    assert logits.grad is not None
    taught = logits.grad.abs().sum(1) > 0
    assert taught.tolist() == [True] * 4 + [False] * 5
    assert task.loss(Pitches(logits, torch.tensor([9]), 5.0, 0.01), batch) == 0
