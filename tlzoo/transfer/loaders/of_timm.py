"""Models of timm, in a folder that ``timm.create_model("local-dir:FOLDER", pretrained=True)`` opens."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from tlzoo.cards.schema import Variant
from tlzoo.core.image import ImageBackbone
from tlzoo.core.model import HeadedModel
from tlzoo.data.media.geometry import CROP
from tlzoo.transfer.loaders.interface import WEIGHTS, Description, Loader, folded, linear_of, unfold

_EXAMPLE = """import timm, torch
from PIL import Image
model = timm.create_model("local-dir:FOLDER", pretrained=True).eval()
transform = timm.data.create_transform(**timm.data.resolve_data_config(model=model))
with torch.inference_mode():
    scores = model(transform(Image.open("picture.jpg").convert("RGB"))[None]).softmax(-1)[0]
print(dict(zip(model.pretrained_cfg["label_names"], scores.tolist())))"""


class Timm(Loader):
    """timm: classifiers of pictures whose last layer reads the mean of the last map, or the vector that ours reads."""

    name = "timm"

    def takes(self, model: HeadedModel, variant: Variant) -> bool:
        """Whether timm has the network under a name, with one linear layer behind what our head reads."""
        import timm

        from tlzoo.adapters.timm import TimmBackbone
        from tlzoo.tasks.classification import ImageClassification

        backbone, task = model.backbone, model.task
        if not isinstance(backbone, TimmBackbone) or not isinstance(task, ImageClassification):
            return False
        if linear_of(model.head) is None or backbone.spec.height != backbone.spec.width:
            return False
        name = variant.model  # a dot is of a tag of weights, or of a class that has no name in timm
        return variant.adapter == "timm" and timm.is_model(name) and ("." not in name or timm.is_model_pretrained(name))

    def write(self, model: HeadedModel, variant: Variant, folder: Path) -> Description:
        """Write the weights under timm's names."""
        network: Any = model.backbone.network
        known, labels = network.pretrained_cfg, list(model.task.labels)
        name, settings = (
            variant.model.partition(".")[0],
            {k: v for k, v in variant.config.items() if k != "num_classes"},
        )
        weight, bias = folded(model)
        head = known["classifier"]
        state = {name: tensor.cpu().contiguous().clone() for name, tensor in network.state_dict().items()}
        save_file(state | {f"{head}.weight": weight, f"{head}.bias": bias}, folder / WEIGHTS)
        return Description(
            {
                "architecture": name,
                "num_classes": len(labels),
                "num_features": network.num_features,
                "label_names": labels,
                "model_args": settings,
                "pretrained_cfg": {
                    "architecture": name,
                    "num_classes": len(labels),
                    "classifier": head,
                    "first_conv": known.get("first_conv"),
                    "label_names": labels,
                    **_preprocessing(model.backbone),
                },
            },
            _EXAMPLE,
        )

    def read(self, model: HeadedModel, variant: Variant, folder: Path) -> None:
        """Load the network, and the head from its last layer."""
        network: Any = model.backbone.network
        tensors = load_file(folder / WEIGHTS)
        name = network.pretrained_cfg["classifier"]
        head = tensors.pop(f"{name}.weight"), tensors.pop(f"{name}.bias")
        network.load_state_dict(tensors)
        unfold(model, *head)

    def compared(self, model: HeadedModel, variant: Variant, folder: Path) -> Iterator[tuple[Tensor, Tensor]]:
        """Of noise, one picture wider and one higher than the input."""
        import timm.data

        library: Any = timm
        network: Any = library.create_model(f"local-dir:{folder}", pretrained=True).eval()
        transform: Any = library.data.create_transform(**library.data.resolve_data_config(model=network))
        side = model.spec.height or 0
        random = np.random.default_rng(0)
        for size in ((side + 37, 2 * side + 11), (2 * side + 3, side + 8)):
            picture = Image.fromarray(random.integers(0, 256, (*size, 3), np.uint8))
            batch = model.collate([model.backbone.encode(picture)])
            yield model(batch), network(transform(picture)[None])


def _preprocessing(backbone: Any) -> dict[str, Any]:
    """How timm brings pictures to the input as the backbone does."""
    assert isinstance(backbone, ImageBackbone)
    side = backbone.spec.height
    assert side
    resized = backbone.crop.resize or round(side / CROP)
    share = side / resized
    while math.floor(side / share) < resized:  # timm rounds down
        share = math.nextafter(share, 0)
    return {
        "input_size": [3, side, side],
        "interpolation": backbone.crop.interpolation,
        "crop_pct": share,
        "crop_mode": "center",
        "mean": backbone.mean.flatten().tolist(),
        "std": backbone.std.flatten().tolist(),
    }
