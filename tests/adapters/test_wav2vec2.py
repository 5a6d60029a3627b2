"""wav2vec 2.0: published names, the published head, and batches that change nothing."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

from tlzoo.adapters import build
from tlzoo.adapters.wav2vec2 import SpeechEncoder, Transcriber
from tlzoo.cards import catalogue
from tlzoo.data.media.audio import encode_wav
from tlzoo.errors import InputError

CARD = catalogue.get("wav2vec2")
NANO = CARD.variants[-1]
SYMBOLS = ["<pad>", "<s>", "</s>", "<unk>", "|", *"ETAONIHSRDLUMWCFGYPBVK'XJQZ"]
"""Of facebook/wav2vec2-base-960h's ``vocab.json``, by number."""


def network() -> SpeechEncoder:
    torch.manual_seed(0)
    found = build(NANO, CARD.input_of(NANO))
    assert isinstance(found, SpeechEncoder)
    return found.eval()


def sound(samples: int, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(samples).astype(np.float32)


def published(folder: Path, **changed: Any) -> tuple[Wav2Vec2ForCTC, dict[str, Path]]:
    """Files as those of facebook/wav2vec2-base-960h, at nano size.

    ``Wav2Vec2ForCTC`` of transformers gives the names; in the published file, of 2021, the positional convolution has
    the weight norm's old ones, and there is no ``masked_spec_embed``.
    """
    torch.manual_seed(1)
    model = Wav2Vec2ForCTC(Wav2Vec2Config(**NANO.config, vocab_size=len(SYMBOLS))).eval()
    old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    weights = {}
    for name, value in model.state_dict().items():
        for new, before in old.items():
            name = name.replace(new, before)
        if name != "wav2vec2.masked_spec_embed":
            weights[name] = value.contiguous().clone()
    files = {"model.safetensors": folder / "model.safetensors", "vocab.json": folder / "vocab.json"}
    save_file(weights | changed, files["model.safetensors"])
    files["vocab.json"].write_text(json.dumps({s: i for i, s in enumerate(SYMBOLS)}))
    return model, files


def test_a_published_checkpoint_transcribes_as_transformers_does(tmp_path: Path) -> None:
    theirs, files = published(tmp_path)
    ours = network()
    assert ours.published_model() is None, "no head before the weights"
    ours.load_official(files)
    model = ours.published_model()
    assert isinstance(model, Transcriber)
    samples = sound(16_000)
    row = {"audio": {"bytes": encode_wav(samples, 16_000), "path": "a.wav"}}
    batch = model.preprocess([row])
    with torch.inference_mode():
        logits = theirs(batch["samples"][None]).logits[0]
        states = ours(batch)["tokens"]
        torch.testing.assert_close(ours.lm_head(states), logits, rtol=1e-4, atol=1e-5)
    (found,) = model.eval().predict(batch)
    kept = torch.unique_consecutive(logits.argmax(-1)).tolist()
    text = "".join(SYMBOLS[i].lower() for i in kept if i > 3).replace("|", " ")
    assert found.text == " ".join(text.split())
    assert [word.text for word in found.words] == found.text.split()
    ours.drop_published_head()
    assert ours.published_model() is None and ours.spec.labels == ()


def test_wrong_files_are_one_line(tmp_path: Path) -> None:
    _, files = published(tmp_path)
    files["vocab.json"].write_text('{"<pad>": 0, "A": 2}')
    with pytest.raises(InputError, match="expected symbols numbered from 0"):
        network().load_official(files)
    files["vocab.json"].write_text('{"<pad>": 0, "|": 1}')
    with pytest.raises(InputError, match=r"of another shape: lm_head\.weight \(32, 96\), expected \(2, 96\)"):
        network().load_official(files)
    _, files = published(tmp_path, **{"wav2vec2.extra": torch.zeros(1)})
    with pytest.raises(InputError, match="unknown extra"):
        network().load_official(files)


def test_a_sound_is_brought_to_mean_0_and_variance_1() -> None:
    samples = network().encode(3 + 5 * sound(4000))["samples"]
    assert abs(samples.mean()) < 1e-4 and samples.std() == pytest.approx(1, abs=1e-3)
    assert network().encode(np.zeros(500, np.float32))["samples"].abs().max() == 0


def test_training_takes_sounds_shorter_than_a_mask() -> None:
    model = network().train()
    loss = model({"samples": torch.randn(1600), "samples_lengths": torch.tensor([1600])})["tokens"].square().mean()
    loss.backward()
    assert all(p.grad is not None for n, p in model.named_parameters() if "masked_spec_embed" not in n)


def test_the_published_head_makes_the_card_zero_shot() -> None:
    assert CARD.brings_head("speech-recognition") and not CARD.is_native_on("speech-recognition")
    assert "zero-shot" not in (NANO.strategies or ())
