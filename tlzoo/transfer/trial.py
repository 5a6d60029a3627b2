"""A training of seconds, which shows whether a precision runs on a device and learns what float32 does."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.core.batch import Batch, Example, Row, to_device
from tlzoo.core.model import Learner
from tlzoo.transfer.loop import fit
from tlzoo.transfer.recipe import Recipe

DTYPES = {"no": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
SIZE, TRAIN, TEST = 8, 128, 64


class Corners(Learner):
    """A small network of the usual layers, which says which corner of a picture is the brightest."""

    def __init__(self) -> None:  # noqa: D107
        super().__init__()
        maps = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.GELU(), nn.AvgPool2d(4))
        self.layers = nn.Sequential(maps, nn.Flatten(), nn.LayerNorm(64), nn.Linear(64, 4))
        self.dtype = torch.float32

    def encode(self, row: Row) -> Example:
        """Take an example as it is: ``image``, ``(3, SIZE, SIZE)``, and ``target``."""
        return dict(row)

    def loss(self, batch: Batch) -> Tensor:
        """Cross entropy of the corner."""
        scores = self.layers(batch["image"])
        self.dtype = scores.dtype
        return F.cross_entropy(scores, batch["target"])


def train(precision: str, device: str) -> tuple[float, float]:
    """Train the network on pictures that are made here, from a start that is always the same.

    Args:
        precision: ``no``, ``bf16`` or ``fp16``.
        device: ``cpu``, ``cuda``, ``mps`` or ``xpu``.

    Returns:
        Cross entropy of the last steps in nats, which begins near 1.4, and accuracy of examples that were not learnt
        from.

    Raises:
        ArithmeticError: The device was not trained on in this precision, or only emulates it, which is slow.
    """
    if (precision, device) == ("bf16", "cuda") and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise ArithmeticError("this GPU only emulates bf16")
    torch.manual_seed(0)
    images, targets = torch.rand(TRAIN + TEST, 3, SIZE, SIZE), torch.randint(4, (TRAIN + TEST,))
    for image, target in zip(images, targets.tolist(), strict=True):
        image.chunk(2, 1)[target // 2].chunk(2, 2)[target % 2].add_(0.2)
    examples: list[Example] = [{"image": a, "target": b} for a, b in zip(images, targets, strict=True)]
    net = Corners()
    held_out = to_device(net.collate(examples[TRAIN:]), device)

    @torch.inference_mode()
    def accuracy(current: Corners) -> float:
        return float((current.layers(held_out["image"]).argmax(1) == held_out["target"]).float().mean())

    recipe = Recipe(steps=24, learning_rates=(4e-3,), batch_size=16, looks=4, precision=precision)
    last = fit(net, examples[:TRAIN], accuracy, recipe, seed=0, device=device, progress=False).history[-1]
    if net.dtype != DTYPES[precision]:
        raise ArithmeticError(f"it was computed in {net.dtype} there")
    return last.loss, last.score
