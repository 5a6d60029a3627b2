"""YAMNet against LiteRT, which runs the published file itself, on a spoken clip; and what needs no file."""

import copy
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tlzoo.architectures.yamnet import HOP as FRAME_HOP
from tlzoo.architectures.yamnet import (
    PATCH_HOP,
    PATCH_SAMPLES,
    SAMPLE_RATE,
    CentredNorm,
    YAMNet,
    log_mel,
    mel_matrix,
)
from tlzoo.core.batch import collate
from tlzoo.errors import InputError

SHARED = Path(__file__).parents[2].parent / "shared"
NAME = "yamnet_audio_classifier_with_metadata.tflite"
FILE = SHARED / "mirror/10c95ea3eb9a7bb4cb8bddf6feb023250381008177ac162ce169694d05c317de" / NAME
SPEECH = SHARED / "data/audio_clips/speech.wav"
HOP_SAMPLES = PATCH_HOP * FRAME_HOP


@pytest.fixture(scope="module")
def published() -> YAMNet:
    if not FILE.exists():
        pytest.skip(f"{FILE} is absent")
    model = YAMNet()
    model.load_official({NAME: FILE})
    return model.eval()


class Reference:
    """The file as LiteRT runs it, window by window."""

    def __init__(self) -> None:
        interpreter = pytest.importorskip("ai_edge_litert.interpreter")
        with pytest.warns(UserWarning, match="preserve_all_tensors"):
            self.run = interpreter.Interpreter(str(FILE), experimental_preserve_all_tensors=True)
        self.run.allocate_tensors()
        self.index = {t["name"].removesuffix(";"): t["index"] for t in self.run.get_tensor_details()}

    def __call__(self, window: np.ndarray, name: str) -> np.ndarray:
        self.run.set_tensor(self.run.get_input_details()[0]["index"], window)
        self.run.invoke()
        return self.run.get_tensor(self.index[name]).copy()


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference()


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    if not SPEECH.exists():
        pytest.skip(f"{SPEECH} is absent")
    waveform, rate = soundfile.read(SPEECH, dtype="float32")
    assert rate == SAMPLE_RATE
    count = 1 + -(-(len(waveform) - PATCH_SAMPLES) // HOP_SAMPLES)
    padded = np.pad(waveform, (0, PATCH_SAMPLES + (count - 1) * HOP_SAMPLES - len(waveform)))
    return np.stack([padded[i * HOP_SAMPLES :][:PATCH_SAMPLES] for i in range(count)])


def test_log_mel_is_the_files(published, reference, windows):
    np.testing.assert_allclose(mel_matrix().T, reference(windows[0], "mel_spectrogram"), atol=1e-6)
    waveform, _ = soundfile.read(SPEECH, dtype="float32")
    patches = published.encode(waveform)["patches"]
    assert patches.shape == (len(windows), 1, 96, 64)
    for patch, window in zip(patches, windows, strict=True):
        np.testing.assert_allclose(patch[0], reference(window, "log_mel_spectrogram"), atol=1e-3)


def test_scores_are_the_files(published, reference, windows):
    output = reference.run.get_output_details()[0]["name"]
    expected = np.stack([reference(window, output)[0] for window in windows]).mean(0)
    waveform, _ = soundfile.read(SPEECH, dtype="float32")
    model = published.published_model()
    batch = model.collate([published.encode(waveform)])
    with torch.no_grad():
        scores = model.backbone.scores(batch)[0].numpy()
    assert scores @ expected / np.linalg.norm(scores) / np.linalg.norm(expected) >= 0.97
    (prediction,) = model.predict(batch)
    top = [model.spec.labels[i] for i in np.argsort(-expected)[:5]]
    assert prediction.label == top[0] == "Speech"
    assert prediction.score == pytest.approx(expected.max(), abs=0.05)
    assert next(iter(prediction.scores)) == "Speech"
    assert len(set(prediction.scores) & set(top)) >= 4


def test_published_reads_rows(published):
    if not SPEECH.exists():
        pytest.skip(f"{SPEECH} is absent")
    model = published.published_model()
    row = {"audio": {"bytes": SPEECH.read_bytes(), "path": None}}
    predictions = model.predict(model.preprocess([row, row]))
    assert [p.label for p in predictions] == ["Speech", "Speech"]
    assert len(model.stages()) == 15


def test_folded_norms_stay_frozen(published):
    norms = [m for m in published.modules() if isinstance(m, CentredNorm)]
    assert len(norms) == 27
    generator = np.random.default_rng(0)
    clips = [generator.normal(0, 0.1, samples).astype(np.float32) for samples in (8_000, 32_000)]
    batch = collate([published.encode(clip) for clip in clips], published.ragged)
    restored = YAMNet()
    restored.load_state_dict(published.state_dict())
    for model in (published, restored):
        with torch.no_grad():
            before, after = model.eval()(batch)["pooled"], model.train()(batch)["pooled"]
        assert model.training
        torch.testing.assert_close(before, after, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(before, published.eval()(batch)["pooled"], atol=1e-5, rtol=1e-5)
    assert not any(m.running_mean.any() for m in norms)


def test_files_of_another_layout(published, tmp_path):
    with pytest.raises(InputError, match="not YAMNet at this width"):
        YAMNet(width=0.5).load_official({NAME: FILE})
    other = tmp_path / "other.tflite"
    other.write_bytes(b"no flatbuffer")
    with pytest.raises(InputError, match=r"other\.tflite: not a TensorFlow Lite file"):
        YAMNet().load_official({NAME: other})
    bare = tmp_path / "bare.tflite"
    data = FILE.read_bytes()
    with zipfile.ZipFile(FILE) as archive:
        bare.write_bytes(data[: archive.infolist()[0].header_offset])
    with pytest.raises(InputError, match=r"no yamnet_label_list\.txt"):
        YAMNet().load_official({NAME: bare})


def test_drop_published_head(published):
    model = copy.deepcopy(published)
    model.drop_published_head()
    assert model.published_model() is None
    assert model.spec.labels == ()
    assert sum(p.numel() for p in model.parameters()) == 3_729_481 - 521 * 1025


def test_unknown_activation():
    with pytest.raises(InputError, match="known: relu, relu6"):
        YAMNet(activation="gelu")


@pytest.mark.parametrize(
    ("samples", "patches"), [(0, 1), (1, 1), (15_600, 1), (15_601, 2), (15_600 + 7_680, 2), (160_000, 20)]
)
def test_count_of_patches(samples, patches):
    encoded = YAMNet(0.25, classes=0).encode(np.zeros(samples, np.float32))["patches"]
    assert encoded.shape == (patches, 1, 96, 64)
    torch.testing.assert_close(encoded, torch.full_like(encoded, np.log(0.001)))


def test_a_tone_lies_in_its_band():
    tone = torch.sin(2 * np.pi * 1000 * torch.arange(PATCH_SAMPLES) / SAMPLE_RATE)
    frames = log_mel(tone)
    assert frames.shape == (96, 64)
    assert set(frames.argmax(1).tolist()) == {int(mel_matrix()[round(1000 * 512 / SAMPLE_RATE)].argmax())}


@pytest.mark.parametrize("number", [0, 2, 4])
def test_tokens_are_where_the_spec_says(number):
    model = YAMNet(0.25, classes=0)
    assert model.spec.hop_seconds is not None
    middle = model.spec.start_seconds + number * model.spec.hop_seconds
    click = np.zeros(4 * SAMPLE_RATE, np.float32)
    click[round(middle * SAMPLE_RATE)] = 1
    patch = model.encode(click)["patches"][number, 0]
    loudest = patch.sum(1).topk(2).indices.float().mean()
    assert abs(float(loudest) - (len(patch) - 1) / 2) <= 1, "the click is in the middle of its patch"
