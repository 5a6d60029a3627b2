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
from tlzoo.tasks import task_type
from tlzoo.tasks.video_generation import PERFECT, VideoGeneration, naive, psnr, ssim
from tlzoo.vocabulary import task_facts

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
    simple = naive(CLIP, exact.places, exact.given)
    gains = {
        name: task.statistics(replace(exact, frames=each), rows[0])["psnr_gain"][0] for name, each in simple.items()
    }
    assert max(gains.values()) == 0 and gains["mean"] == 0 > gains["repeated"], "in noise a plain grey is hard to beat"
    assert task.statistics(replace(exact, bits_per_dim=3.5), rows[0])["bits_per_dim"] == [3.5]


def test_psnr_is_the_mean_of_the_frames() -> None:
    other = CLIP.copy()
    other[:, 0] = 0
    each = [peak_signal_noise_ratio(a, b) for a, b in zip(CLIP, other, strict=True)]
    assert psnr(CLIP, other) == pytest.approx(np.mean(each))


def test_what_needs_no_model() -> None:
    after = naive(CLIP, [3, 9], [0, 1, 2])
    assert np.array_equal(after["repeated"], CLIP[[2, 2]]) and np.array_equal(after["blended"], CLIP[[2, 2]])
    middle = naive(CLIP, [5], [0, 15])
    assert np.abs(middle["blended"][0] - (CLIP[0] * (2 / 3) + CLIP[15] / 3)).max() <= 0.51, "the ends blended"
    assert np.array_equal(middle["repeated"][0], CLIP[0])
    ground = np.full((3, 8, 8, 3), (10, 20, 30), np.uint8)
    ground[:, 2:4, 2:4] = 255
    plain = naive(ground, [2], [0, 1])
    assert (plain["median"] == (10, 20, 30)).all(), "what moves on a plain ground is not in it"
    assert (plain["mean"] == (25, 35, 44)).all()


def test_frames_to_come_are_not_looked_at() -> None:
    changed = CLIP.copy()
    changed[3:] = 0
    made, again = (naive(each, [3], [0, 1]) for each in (CLIP, changed))
    assert all(np.array_equal(made[name], again[name]) for name in made)


def test_similarity_is_as_published() -> None:
    """Formula (13) of the paper, with Gaussian weights in 11 x 11 pixels, at one place."""
    a, b = CLIP[0, :11, :11, :1], CLIP[1, :11, :11, :1]
    steps = np.arange(-5, 6)
    window = np.exp(-(steps[:, None] ** 2 + steps**2) / (2 * 1.5**2))
    window /= window.sum()
    x, y = a[..., 0].astype(float), b[..., 0].astype(float)
    mx, my = (window * x).sum(), (window * y).sum()
    vx, vy, xy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum(), (window * (x - mx) * (y - my)).sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    expected = (2 * mx * my + c1) * (2 * xy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    assert ssim(a[None], b[None]) == pytest.approx(expected, abs=1e-9)
    assert ssim(CLIP[:2], CLIP[:2]) == pytest.approx(1)


def test_models_with_a_likelihood_are_ranked_by_it_and_others_by_their_frames() -> None:
    facts = task_facts("video-generation")
    assert facts.headline("video") == "bits_per_dim" and facts.headline("ends") == "psnr"
    for kind in facts.inputs:
        assert task_type("video-generation", kind).of(()).metrics == facts.metrics_of(kind)


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
