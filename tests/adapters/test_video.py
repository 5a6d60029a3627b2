"""VideoMAE and ViViT: published names, the features that published heads read, and batches that change nothing."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import save_file

from tlzoo.adapters import build
from tlzoo.adapters.video import PUBLISHED, VideoEncoder
from tlzoo.cards import catalogue
from tlzoo.errors import InputError

KINDS = {
    "videomae": ("VideoMAEForVideoClassification", "VideoMAEConfig"),
    "vivit": ("VivitForVideoClassification", "VivitConfig"),
}


def network(card_id: str) -> VideoEncoder:
    torch.manual_seed(0)
    card = catalogue.get(card_id)
    found = build(card.variants[-1], card.input_of(card.variants[-1]))
    assert isinstance(found, VideoEncoder)
    return found.eval()


def clip(frames: int = 8, height: int = 64, width: int = 64, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (frames, height, width, 3)).astype(np.uint8)


def batched(examples: list[Any]) -> dict[str, torch.Tensor]:
    return {"video": torch.stack([example["video"] for example in examples])}


def published(card_id: str) -> tuple[Any, dict[str, torch.Tensor]]:
    """A classifier of transformers at nano size, and its tensors under the names of the published files.

    Those are of transformers 4 (``q_bias``, ``encoder.layer.0.attention.attention.query``...).
    """
    torch.manual_seed(1)
    kind, config = (getattr(transformers, name) for name in KINDS[card_id])
    variant = catalogue.get(card_id).variants[-1]
    model = kind(config(**variant.config, num_labels=5)).eval()
    for value in model.parameters():  # biases too, which begin at zero
        torch.nn.init.normal_(value, std=0.1)
    tensors = {}
    for name, value in model.state_dict().items():
        if card_id == "vivit":
            name = name.replace("mlp.fc1", "intermediate.dense").replace("mlp.fc2", "output.dense")
            for old, new in list(PUBLISHED["VivitModel"].items())[:5]:
                name = name.replace(new, old)
        else:
            name = name.replace("query.bias", "q_bias").replace("value.bias", "v_bias")
        tensors[name] = value.contiguous().clone()
    return model, tensors


@pytest.mark.parametrize("card_id", KINDS)
@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
def test_published_files_give_what_the_published_head_reads(card_id: str, file: str, tmp_path: Path) -> None:
    model, tensors = published(card_id)
    first = "videomae.encoder.layer.0.attention.attention.q_bias"
    assert (first if card_id == "videomae" else "vivit.encoder.layer.0.attention.attention.query.weight") in tensors
    path = tmp_path / file
    save_file(tensors, path) if file.endswith("safetensors") else torch.save(tensors, path)
    ours = network(card_id)
    ours.load_official({file: path})
    batch = batched([ours.encode(clip())])
    with torch.inference_mode():
        logits = model(pixel_values=ours.pixels(batch)).logits
        found = model.classifier(ours(batch)["pooled"])
    torch.testing.assert_close(found, logits, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("card_id", KINDS)
def test_the_published_head_answers_as_the_librarys_model(card_id: str, tmp_path: Path) -> None:
    model, tensors = published(card_id)
    path, config = tmp_path / "pytorch_model.bin", tmp_path / "config.json"
    torch.save(tensors, path)
    config.write_text(json.dumps({"id2label": {str(i): f"action {i}" for i in range(5)}}))
    ours = network(card_id)
    assert ours.published_model() is None
    before = ours.state_dict().keys()
    ours.load_official({each.name: each for each in (path, config)})
    classifier = ours.published_model()
    assert classifier is not None and classifier.spec.labels == tuple(f"action {i}" for i in range(5))
    batch = classifier.collate([ours.encode(clip(seed=seed)) for seed in range(2)])
    with torch.inference_mode():
        expected = model(pixel_values=ours.pixels(batch)).logits.softmax(-1)
        torch.testing.assert_close(ours.scores(batch), expected, atol=1e-5, rtol=0)
    for prediction, scores in zip(classifier.predict(batch), expected, strict=True):
        assert prediction.label == f"action {scores.argmax()}"
        assert prediction.score == pytest.approx(scores.max().item(), abs=1e-5)
    assert len(classifier.stages()) == len(ours.stages()) + 1
    ours.drop_published_head()
    assert ours.published_model() is None and ours.state_dict().keys() == before


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ('{"id2label": {"0": "a", "2": "b"}}', "id2label"),
        ("[]", "id2label"),
        ('{"id2label": {"0": "a"}}', "another shape"),
    ],
)
def test_classes_that_are_not_the_classifiers_are_refused(config: str, told: str, tmp_path: Path) -> None:
    _, tensors = published("videomae")
    path = tmp_path / "pytorch_model.bin"
    torch.save(tensors, path)
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(InputError, match=told):
        network("videomae").load_official({each.name: each for each in tmp_path.iterdir()})


@pytest.mark.parametrize("card_id", KINDS)
def test_a_file_that_lacks_a_layer_is_refused(card_id: str, tmp_path: Path) -> None:
    _, tensors = published(card_id)
    path = tmp_path / "model.safetensors"
    save_file({name: t for name, t in tensors.items() if "layer.1." not in name}, path)
    with pytest.raises(InputError, match="without"):
        network(card_id).load_official({path.name: path})


def test_the_middle_of_a_wide_video_is_seen() -> None:
    wide = np.zeros((8, 64, 192, 3), np.uint8)
    wide[:, :, 64:128] = 200
    assert (network("videomae").encode(wide)["video"] == 200).float().mean() > 0.95


def test_frames_are_framed_as_the_processors_of_the_published_files_do() -> None:
    """Within a value of a pixel, as torch and PIL round; the settings are those of their ``preprocessor_config.json``.

    ViViT's sets ``do_normalize``, too, and transformers then shifts twice; the authors' code does so once.
    """
    sizes = {"size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}, "resample": 2}
    given = {card_id: catalogue.get(card_id).input for card_id in KINDS}
    mean = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    processors = {
        "videomae": transformers.VideoMAEImageProcessor(**sizes, **mean),
        "vivit": transformers.VivitImageProcessor(**sizes, rescale_factor=1 / 127.5, offset=True, do_normalize=False),
    }
    for card_id, processor in processors.items():
        card = catalogue.get(card_id)
        with torch.device("meta"):
            ours = build(card.default, card.input_of(card.default))
        ours.normalise_by(given[card_id].mean, given[card_id].std)
        for height, width in ((240, 320), (300, 201)):
            frames = clip(2, height, width)
            expected = processor(list(frames), return_tensors="pt")["pixel_values"][0]
            found = ours.pixels(batched([ours.encode(frames)]))[0]
            assert found.shape == expected.shape
            assert (found - expected).abs().max() <= 1.01 / 255 / min(given[card_id].std), card_id
