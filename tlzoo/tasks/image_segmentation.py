"""Semantic segmentation: a class for every pixel, compared by the overlap of each class's area."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from datasets import ClassLabel, Features, List
from datasets import Image as ImageFeature
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.predictions import Mask
from tlzoo.core.segmenter import masks
from tlzoo.core.task import HeadTask
from tlzoo.data.media.augmentation import varied
from tlzoo.data.media.geometry import IGNORED, mask_to_input
from tlzoo.data.media.image import read_values
from tlzoo.errors import InputError
from tlzoo.tasks.heads import MapHead


class Segmentation(HeadTask):
    """A class for every pixel; a backbone's head is a feature pyramid network.

    A row is ``{"image", "mask", "classes"}``: the mask a picture with one channel of class indices, ``IGNORED`` where a
    pixel does not count; the classes those that occur.

    :meth:`loss` and :meth:`decode` take logits over the input, ``(batch, classes, height, width)``, from any network.
    """

    name = "image-segmentation"
    output = "pyramid"
    framing = "letterbox"

    def __init__(self, features: Features) -> None:  # noqa: D107
        super().__init__(features)
        classes = features.get("classes")
        label = classes.feature if isinstance(classes, List) else None
        for column in ("image", "mask"):
            if not isinstance(features.get(column), ImageFeature):
                raise InputError(f"{self.name} needs a column {column!r} of images; columns: {', '.join(features)}")
        if not isinstance(label, ClassLabel):
            raise InputError(
                f"{self.name} needs a column 'classes' with a list of classes (those in the mask); "
                f"columns: {', '.join(features)}"
            )
        if not 2 <= label.num_classes <= IGNORED:
            raise InputError(f"{self.name} needs 2 to {IGNORED} classes; found {label.num_classes}")
        self._label = label
        self._size: tuple[int, int] | None = None

    @classmethod
    def features_of(cls, labels: Sequence[str]) -> Features:
        """Pictures with masks of these classes."""
        picture = ImageFeature(decode=False)
        return Features({"image": picture, "mask": picture, "classes": List(ClassLabel(names=list(labels)))})

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names, by their index in masks."""
        return tuple(self._label.names)

    def head(self, spec: Spec) -> MapHead:
        """Logits over the input; targets without a picture are of its size from now on."""
        assert spec.height and spec.width
        self._size = spec.height, spec.width
        return MapHead(spec, len(self.labels), whole=True)

    def has_target(self, row: Row) -> bool:
        """Whether the row has a mask."""
        return "mask" in row

    def target(self, row: Row, example: Example) -> Tensor:
        """The mask in the input, uint8 of shape ``(height, width)``.

        Raises:
            InputError: The mask cannot be used (see :meth:`reference`), or is not of its picture's size.
        """
        frame = example["frame"]
        mask = self.reference(row)
        picture = int(frame[5]), int(frame[4])
        if mask.shape != picture:
            raise InputError(f"{_name(row)}: the mask is {_sides(mask.shape)} pixels, its picture {_sides(picture)}")
        size = example["image"].shape[-2:] if "image" in example else self._size
        assert size is not None, "frozen features are read by a head of this task"
        return mask_to_input(mask, frame, *size)

    def reference(self, row: Row) -> NDArray[np.uint8]:
        """The mask of a row, shape ``(height, width)``.

        Raises:
            InputError: It cannot be read, or holds an index without a class.
        """
        mask = read_values(row["mask"])
        areas = np.bincount(mask.ravel(), minlength=256)
        wrong = np.flatnonzero(areas[:IGNORED][len(self.labels) :]) + len(self.labels)
        if len(wrong):
            raise InputError(f"{_name(row)}: the mask has class {wrong[0]}; there are {len(self.labels)} and {IGNORED}")
        return mask

    def augment(self, batch: Batch) -> Batch:
        """Mirrored, moved, scaled, coloured."""
        return varied(batch, flip=True)

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """Cross-entropy and soft Dice (Milletari 2016, 1606.04797, section 3) of the classes that the batch holds.

        Args:
            output: Logits over the input, ``(batch, classes, height, width)``.
            batch: Its ``target`` is ``(batch, height, width)``; pixels with ``IGNORED`` count in neither.
        """
        target = batch["target"].long()
        logs = output.float().log_softmax(1)
        counted = target != IGNORED
        entropy = F.nll_loss(logs, target, ignore_index=IGNORED, reduction="sum") / counted.sum().clamp(min=1)
        probabilities = logs.exp() * counted[:, None]
        true = target[counted]
        right = probabilities.gather(1, (target * counted)[:, None])[:, 0][counted]
        wanted = torch.bincount(true, minlength=logs.shape[1])
        shared = torch.zeros_like(logs[0, :, 0, 0]).index_add(0, true, right)
        missed = 1 - 2 * shared / (probabilities.sum((0, 2, 3)) + wanted).clamp(min=1)
        present = wanted > 0
        total: Tensor = entropy + (missed * present).sum() / present.sum().clamp(min=1)
        return total

    def decode(self, output: Tensor, batch: Batch) -> list[Mask]:
        """The likeliest class of each pixel of the picture, from logits over the input that ``frame`` says."""
        return masks(output.detach(), batch["frame"], self.labels)

    def statistics(self, prediction: Mask, row: Row) -> dict[str, list[float]]:
        """Statistics for ``mean_iou`` and ``mean_dice``: shared, predicted and true pixels of each class.

        Those of ``miou_foreground`` are without the class ``background``, and absent if the data set has none.
        Predicted classes are matched by name; a class that the data set does not have counts as background, if
        the data set has that.

        Raises:
            InputError: The prediction is not of the picture's size.
        """
        names = self.labels
        true = self.reference(row)
        mask = np.asarray(prediction.mask)
        if mask.shape != true.shape:
            raise InputError(
                f"{_name(row)}: the prediction is {_sides(mask.shape)} pixels, the mask {_sides(true.shape)}"
            )
        none = names.index("background") if "background" in names else len(names)
        place = np.full(256, none)
        place[: len(prediction.labels)] = [names.index(n) if n in names else none for n in prediction.labels]
        counted = true != IGNORED
        pairs = true[counted] * (len(names) + 1) + place[mask[counted]]
        table = np.bincount(pairs, minlength=len(names) * (len(names) + 1)).reshape(len(names), -1).astype(np.float64)
        areas = np.stack([table.diagonal(), table.sum(0)[:-1], table.sum(1)])
        statistics = {"miou": areas.ravel().tolist()}
        if none < len(names):
            statistics["miou_foreground"] = np.delete(areas, none, axis=1).ravel().tolist()
        return statistics


def _name(row: Row) -> str:
    return str(row.get("id") or "a row")


def _sides(shape: Sequence[int]) -> str:
    return " x ".join(str(side) for side in reversed(shape))
