"""Inception-ResNet v1 by the names in facenet-pytorch's file; v2 against timm's; maps on the input's grid."""

from pathlib import Path

import pytest
import timm
import torch
from torch import Tensor, nn

from tests.architectures.parity.torch_files import inception_resnet_v1
from tlzoo.architectures.inception_resnet import InceptionResNetV1, InceptionResNetV2
from tlzoo.cards import catalogue
from tlzoo.core.image import on_grid
from tlzoo.errors import InputError

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL = {"width": 0.125, "blocks": (2, 2, 2)}
BORDER = 2
"""Cells at the borders that are zeros or see zeros."""


def image(size: int, count: int = 2) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {"image": torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, generator=generator)}


def test_v1_has_the_tensors_of_facenets_file() -> None:
    with torch.device("meta"):
        model = InceptionResNetV1()
    assert {name: tuple(t.shape) for name, t in model.state_dict().items()} == inception_resnet_v1()
    assert sum(p.numel() for p in model.parameters()) == 27_910_327
    model.drop_published_head()
    assert sum(p.numel() for p in model.parameters()) == 23_482_624
    assert model.published_model() is None


@pytest.mark.parametrize("with_classifier", [True, False])
def test_v1_loads_facenets_file(with_classifier: bool, tmp_path: Path) -> None:
    path = tmp_path / "20180402-114759-vggface2.pt"
    generator = torch.Generator().manual_seed(0)
    tensors = {
        name: torch.rand(shape, generator=generator) / 50 if shape else torch.tensor(1)
        for name, shape in inception_resnet_v1().items()
        if with_classifier or not name.startswith("logits")
    }
    torch.save(tensors, path)
    model = InceptionResNetV1().eval()
    model.load_official({path.name: path})
    assert (model.logits is not None) == with_classifier
    torch.testing.assert_close(
        model.get_submodule("repeat_3.4.branch1.2.conv").weight, tensors["repeat_3.4.branch1.2.conv.weight"]
    )
    with torch.inference_mode():
        outputs = model(image(160, 1))
    torch.testing.assert_close(outputs["pooled"].norm(dim=1), torch.ones(1))
    sizes = [(192, 40), (256, 20), (896, 10), (1792, 5)]
    assert [tuple(m.shape[1:]) for m in outputs["pyramid"]] == [(c, side, side) for c, side in sizes]


def test_the_embedding_follows_the_last_norm() -> None:
    """1503.03832, section 3: on the unit sphere; facenet-pytorch normalises what ``last_bn`` gives."""
    torch.manual_seed(0)
    model = InceptionResNetV1(**SMALL, embedding=16, classes=0).eval()
    nn.init.normal_(model.last_bn.bias)
    batch = image(160)
    with torch.inference_mode():
        last, _ = model.maps(batch)
        raw = model.last_bn(model.last_linear(last.mean((2, 3))))
        torch.testing.assert_close(model(batch)["pooled"], raw / raw.norm(dim=1, keepdim=True))


def test_one_picture_trains() -> None:
    model = InceptionResNetV1(**SMALL, embedding=16, classes=0, size=64, aligned=True).train()
    pooled = model(image(64, 1))["pooled"]
    assert pooled.isfinite().all()


def test_v1_keeps_facenets_standardisation() -> None:
    model = InceptionResNetV1(**SMALL, classes=0)
    batch = image(160)
    torch.testing.assert_close(model.pixels(batch), (batch["image"].float() - 127.5) / 128, atol=1e-5, rtol=1e-5)
    assert catalogue.get("inception-resnet-v1").input.mean == pytest.approx(model.mean.flatten().tolist())
    assert catalogue.get("inception-resnet-v1").input.std == pytest.approx(model.std.flatten().tolist())


def test_v2_is_timms(tmp_path: Path) -> None:
    torch.manual_seed(0)
    reference = timm.create_model("inception_resnet_v2").eval()
    for name, buffer in reference.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.1)
    path = tmp_path / "model.pth"
    torch.save(reference.state_dict(), path)
    model = InceptionResNetV2().eval()
    model.load_official({path.name: path})
    batch = image(107, 1)
    with torch.inference_mode():
        outputs = model(batch)
        last, maps = reference.forward_intermediates(batch["image"].float() / 127.5 - 1, indices=[1, 2, 3, 4])
    torch.testing.assert_close(outputs["pooled"], last.mean((2, 3)), atol=1e-5, rtol=1e-4)
    for found, (channels, stride), values in zip(outputs["pyramid"], model.spec.pyramid, maps, strict=True):
        assert found.shape[1] == values.shape[1] == channels
        torch.testing.assert_close(found, on_grid(values, 107, 107, stride), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", [InceptionResNetV1, InceptionResNetV2])
@pytest.mark.parametrize(("size", "aligned"), [(75, False), (32, True)])
def test_the_smallest_input_has_four_maps(kind: type, size: int, aligned: bool) -> None:
    model = kind(**SMALL, size=size, aligned=aligned).eval()
    with torch.inference_mode():
        outputs = model(image(size))
    assert [m.shape[2] for m in outputs["pyramid"]] == [-(-size // s) for s in (4, 8, 16, 32)]
    assert outputs["pooled"].isfinite().all()
    with pytest.raises(InputError, match=f"minimum {size} pixels"):
        kind(size=size - 1, aligned=aligned)


def test_cells_lie_where_their_pixels_are() -> None:
    """A bright spot lights the cells that cover it, wherever it is, though the network does not pad."""
    model = InceptionResNetV2(**SMALL).eval()
    for module in model.modules():  # each cell sums what it sees
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
    for x, y in ((60, 200), (150, 150), (240, 70)):
        batch = {"image": torch.zeros(1, 3, 299, 299, dtype=torch.uint8)}
        dark, _ = _energies(model, batch)
        batch["image"][:, :, y - 8 : y + 8, x - 8 : x + 8] = 255
        lit, strides = _energies(model, batch)
        for before, after, stride in list(zip(dark, lit, strides, strict=True))[:2]:
            change = (after - before).abs()
            rows, columns = ((torch.arange(n) + BORDER + 0.5) * stride for n in change.shape)
            centre = (change.sum(0) @ columns / change.sum()).item(), (change.sum(1) @ rows / change.sum()).item()
            assert centre == pytest.approx((x, y), abs=stride)


def _energies(model: InceptionResNetV2, batch: dict[str, Tensor]) -> tuple[list[Tensor], list[int]]:
    with torch.inference_mode():
        maps = model(batch)["pyramid"]
    return [m[0].abs().sum(0)[BORDER:-BORDER, BORDER:-BORDER] for m in maps], [s for _, s in model.spec.pyramid]


def test_a_file_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    torch.save({"conv2d_1a.conv.weight": torch.zeros(1)}, path)
    with pytest.raises(InputError, match=r"other\.pt: not the weights of InceptionResNetV1.*and \d+ more"):
        InceptionResNetV1(**SMALL, classes=0).load_official({path.name: path})
