"""The nuclei U-Net against the BioImage Model Zoo's own test tensors, and as a model to start from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.support.published import or_skip
from tests.support.training import learn, scores
from tlzoo.adapters.weights import resolve
from tlzoo.architectures.unet import UNet2d
from tlzoo.cards import catalogue
from tlzoo.errors import InputError
from tlzoo.tasks.detection import ObjectDetection
from tlzoo.tasks.image_segmentation import Segmentation

pytestmark = pytest.mark.usefixtures("one_thread")
SAMPLE = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "unet2d_nuclei"


@or_skip()
def published(**config: Any) -> UNet2d:
    model = UNet2d(**config)
    model.load_official(resolve(catalogue.get("unet"), "official", "nuclei").paths())
    return model.eval()


def sample() -> tuple[np.ndarray, np.ndarray]:
    """Raw intensities and probabilities, ``(512, 512)``."""
    if not SAMPLE.is_dir():
        pytest.skip("the test tensors are not in this checkout")
    return tuple(np.load(SAMPLE / f"test_{name}.npy")[0, 0] for name in ("input", "output"))  # type: ignore[return-value]


def test_the_network_reproduces_the_published_output() -> None:
    model, (raw, wanted) = published(), sample()
    pixels = torch.from_numpy((raw - raw.mean()) / (raw.std() + 1e-6))[None, None]
    with torch.inference_mode():
        found = model.network(pixels).sigmoid()[0, 0].numpy()
    assert np.abs(found - wanted).max() < 1e-4


def test_pictures_are_normalised_as_published() -> None:
    model, (raw, wanted) = published(size=512), sample()
    picture = Image.fromarray((raw / raw.max() * 255).astype(np.uint8))
    with torch.inference_mode():
        (found,) = model.predict(model.preprocess([{"image": picture}]))
    assert found.labels == ["background", "nucleus"]
    assert (found.mask == (wanted > 0.5)).mean() > 0.99


def test_what_surrounds_a_picture_does_not_count() -> None:
    model = UNet2d(size=64)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 50, (20, 64, 3), dtype=np.uint8))
    pixels = model.pixels(model.preprocess([{"image": picture}]))[0, 0]
    assert not pixels[:22].any() and not pixels[42:].any()
    inside = pixels[22:42]
    assert inside.mean().abs() < 1e-4 and abs(inside.std(correction=0) - 1) < 1e-4


def test_the_same_classes_keep_the_last_layer_and_others_do_not() -> None:
    model = published()
    model.for_task(Segmentation.of(("background", "nucleus")))
    assert model.output.out_channels == 1
    kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.for_task(Segmentation.of(("background", "square", "disc")))
    assert model.output.out_channels == 3
    changed = {n for n, t in model.state_dict().items() if t.shape != kept[n].shape or not torch.equal(t, kept[n])}
    assert changed == {"output.weight", "output.bias"}
    assert model.stages()[-1] is model.output


def test_it_learns(scenes: Any) -> None:
    torch.manual_seed(0)
    task = Segmentation.of(("background", "square", "disc"))
    model = UNet2d(in_channels=3, widths=(8, 16, 32), size=48)
    model.for_task(task)
    losses = learn(model, scenes, rate=1e-2)
    assert losses[-1] < losses[0] / 2
    assert scores(task, model, scenes)["miou"] > 0.6


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="multiple of 8"):
        UNet2d(size=100)
    with pytest.raises(InputError, match="image-segmentation, not on object-detection"):
        UNet2d(size=64).for_task(ObjectDetection.of(("square",)))
    with pytest.raises(InputError, match=r"weights\.pt: does not fit"):
        published(size=64, widths=(16, 32))
