"""How certain a model may be, and what is unlike its examples."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tlzoo.core.novelty import Novelty
from tlzoo.core.predictions import ClassScores
from tlzoo.transfer.calibration import calibration_error, cool, novelty_of, relative, temperature_of, tempered


def drawn(temperature: float, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Scores that are too certain by a known temperature, and classes drawn from what they should have been."""
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(count, 5)) * 2
    honest = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = np.array([generator.choice(5, p=row) for row in honest])
    shown = np.exp(logits * temperature)
    return shown / shown.sum(1, keepdims=True), labels


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_of_scores_that_are_too_certain_is_found(temperature: float) -> None:
    scores, labels = drawn(temperature)
    assert temperature_of(scores, labels) == pytest.approx(temperature, rel=0.06)
    assert calibration_error(tempered(scores, temperature), labels) < 0.02
    assert (calibration_error(scores, labels) > 0.05) == (temperature != 1)


def test_few_examples_that_are_all_right_do_not_make_scores_certain() -> None:
    scores = np.tile([0.95, 0.05], (60, 1))
    assert 0.2 < temperature_of(scores, [0] * 60) < 1
    assert 0.95 < tempered(scores, temperature_of(scores, [0] * 60))[0, 0] < 0.99999


def test_the_calibration_error_by_hand() -> None:
    scores = np.array([[0.9, 0.1], [0.92, 0.08], [0.6, 0.4], [0.35, 0.65]])
    gap = abs(1 - 0.9 + 0 - 0.92) + abs(1 - 0.6) + abs(1 - 0.65)  # three bins of a fifteenth
    assert calibration_error(scores, [0, 1, 0, 1]) == pytest.approx(gap / 4)


def test_a_head_is_cooled_in_its_weights() -> None:
    head = nn.Sequential(nn.BatchNorm1d(4, affine=False), nn.Linear(4, 3)).eval()
    vectors = torch.randn(5, 4)
    before = head(vectors).detach()
    assert cool(head, 2.5)
    assert torch.allclose(head(vectors), before / 2.5, atol=1e-6)
    assert not cool(nn.Sequential(nn.Linear(4, 3), nn.ReLU()), 2.5)


def test_what_is_far_from_all_examples_is_unknown_and_keeps_its_nearest_class() -> None:
    generator = torch.Generator().manual_seed(0)
    inside = torch.randn(300, 16, generator=generator) * 0.1 + torch.eye(16)[0]
    outside = torch.randn(300, 16, generator=generator)
    unit = nn.functional.normalize(inside, dim=1)
    novelty = novelty_of(relative(unit[:150], unit[150:]), unit)
    assert novelty.false_alarms == pytest.approx(0.01, abs=0.005)
    scores = [ClassScores("a", 0.9, {"a": 0.9, "b": 0.1})] * 300
    known = novelty.judged(scores, torch.randn(300, 16, generator=generator) * 0.1 + torch.eye(16)[0])
    assert sum(each.label == "unknown" for each in known) <= 20
    strange = novelty.judged(scores, outside)
    assert sum(each.label == "unknown" for each in strange) >= 280
    assert {each.nearest for each in strange if each.label == "unknown"} == {"a"}
    assert strange[0].to_json() == {"label": "unknown", "score": 0.9, "scores": {"a": 0.9, "b": 0.1}, "nearest": "a"}


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    novelty = Novelty(nn.functional.normalize(torch.randn(7, 3), dim=1), 0.25, 0.01)
    novelty.save(tmp_path)
    read = Novelty.load(tmp_path)
    assert read is not None and (read.threshold, read.false_alarms) == (0.25, 0.01)
    assert torch.allclose(read.neighbours, novelty.neighbours, atol=1e-3)
    assert Novelty.load(tmp_path / "elsewhere") is None


def test_a_model_that_crowds_its_examples_more_than_the_folds_did_does_not_reject_them() -> None:
    generator = torch.Generator().manual_seed(0)
    unit = [
        nn.functional.normalize(torch.randn(200, 16, generator=generator) * width + torch.eye(16)[0], dim=1)
        for width in (0.01, 0.3)
    ]
    for fold, final in (unit, unit[::-1]):
        novelty = novelty_of(relative(fold[:100], fold[100:]), final)
        judged = novelty.judged([ClassScores("a", 1.0, {"a": 1.0})] * 200, final)
        assert sum(each.label == "unknown" for each in judged) <= 10
    same = torch.eye(16)[:1].repeat(60, 1)
    assert novelty_of(relative(same, same), same).judged([ClassScores("a", 1.0, {"a": 1.0})], same[:1])[0].label == "a"
