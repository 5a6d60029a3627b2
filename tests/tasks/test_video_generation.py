"""How generated frames are judged, and which models meet on a board."""

from dataclasses import replace

import numpy as np
import pytest
from datasets import Dataset
from skimage.metrics import peak_signal_noise_ratio

from tlzoo.cards import catalogue
from tlzoo.core.predictions import Clip
from tlzoo.data.catalogue import find
from tlzoo.data.dataset import table
from tlzoo.data.media.video import encode
from tlzoo.data.schemas import CLIP_FEATURES
from tlzoo.run.plan import plan, sources
from tlzoo.run.request import EvaluationRequest
from tlzoo.tasks.video_generation import PERFECT, VideoGeneration, naive, psnr

CLIP = np.random.default_rng(0).integers(0, 256, (16, 64, 64, 3), dtype=np.uint8)


@pytest.fixture
def rows() -> Dataset:
    return table(CLIP_FEATURES, {"video": [{"bytes": encode(CLIP, 8), "path": "a.mkv"}], "group": ["a"], "id": ["a"]})


def test_frames_as_they_were_are_perfect(rows: Dataset) -> None:
    task = VideoGeneration(rows.features)
    exact = Clip(CLIP[3:], list(range(3, 16)), [0, 1, 2])
    found = task.statistics(exact, rows[0])
    assert found["psnr"] == [PERFECT] and found["ssim"][0] == pytest.approx(1)
    assert task.is_right(exact, rows[0], found["psnr"])
    repeated = replace(exact, frames=naive(CLIP, exact.places, exact.given))
    assert task.statistics(repeated, rows[0])["psnr_gain"] == [0]
    assert task.statistics(replace(exact, bits_per_dim=3.5), rows[0])["bits_per_dim"] == [3.5]


def test_psnr_is_the_mean_of_the_frames() -> None:
    other = CLIP.copy()
    other[:, 0] = 0
    each = [peak_signal_noise_ratio(a, b) for a, b in zip(CLIP, other, strict=True)]
    assert psnr(CLIP, other) == pytest.approx(np.mean(each))


def test_what_needs_no_model() -> None:
    assert np.array_equal(naive(CLIP, [3, 9], [0, 1, 2]), CLIP[[2, 2]]), "the last one again"
    middle = naive(CLIP, [5], [0, 15])[0].astype(float)
    assert np.abs(middle - (CLIP[0] * (2 / 3) + CLIP[15] / 3)).max() <= 0.51, "the ends blended"


def test_continuing_and_filling_in_are_two_boards() -> None:
    found = sources(EvaluationRequest("video-generation"))
    assert [(s.name, s.kind) for s in found] == [("moving-digits", "video"), ("moving-digits-ends", "ends")]
    assert found[0].fingerprint != found[1].fingerprint
    runs = plan(EvaluationRequest("video-generation", weights="none", strategies=["scratch"]), found).runs
    assert {(r.checkpoint.card, r.source.name) for r in runs} == {
        ("videoflow-encoder", "moving-digits"),
        ("videoflow-generator", "moving-digits"),
        ("tweening-conv3d", "moving-digits-ends"),
    }
    assert find("video-generation", "real-clips", kind="ends").name == "real-clips-ends"
    assert catalogue.get("tweening-conv3d").input.kind == "ends"
