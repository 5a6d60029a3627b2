"""Real handwritten digits: the 1,797 of Alpaydin and Kaynak (1998) that scikit-learn's wheel carries."""

from __future__ import annotations

import gzip
from typing import Any

import numpy as np
from datasets import DatasetDict
from numpy.typing import NDArray
from PIL import Image

from tlzoo.blobs import Blob, fetch
from tlzoo.data.dataset import table
from tlzoo.data.media.image import encode_png
from tlzoo.data.protocol import SPLITS, Indices, stratified_order
from tlzoo.data.schemas import class_features

DIGITS = Blob(
    "digits.csv.gz",
    ("pypi:scikit-learn==1.7.2/sklearn/datasets/data/digits.csv.gz",),
    "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
)
"""A digit a line: 64 counts of ink, 0 to 16, on a grid of 8 x 8, and what it is. No two are alike."""

NAMES = tuple("0123456789")
SIDE = 32
"""Height and width of a picture, in pixels."""

FEATURES = class_features("image", NAMES)
"""``group`` is the line of the file; the writer is unknown."""


def inks() -> tuple[NDArray[np.float32], list[int]]:
    """Read the digits.

    Returns:
        Ink in [0, 1], of shape ``(1797, 8, 8)``, and the class of each.

    Raises:
        UnavailableError: The wheel of scikit-learn 1.7.2 is not available.
    """
    with gzip.open(fetch(DIGITS), "rt", encoding="ascii") as file:
        lines = np.loadtxt(file, np.float32, delimiter=",")
    return lines[:, :-1].reshape(-1, 8, 8) / np.float32(16), [int(label) for label in lines[:, -1]]


def parted(labels: list[int], seed: int) -> dict[str, Indices]:
    """Lines of each split, 800, 200 and 797; every beginning of a split has the classes' proportions."""
    order = stratified_order(labels, seed)
    return dict(zip(SPLITS, np.split(order, [800, 1000]), strict=True))


def digits(seed: int = 0, train: int = 800, validation: int = 200, test: int = 797) -> DatasetDict:
    """Real digits, white on black, enlarged from 8 x 8 to 32 x 32 pixels.

    Args:
        seed: Decides which digits belong to which split; a smaller split is the beginning of a larger one.
        train: Maximum number of training images.
        validation: Maximum number of validation images.
        test: Maximum number of test images.

    Returns:
        Splits ``train``, ``validation`` and ``test``, rows as in ``FEATURES``.

    Raises:
        UnavailableError: The wheel of scikit-learn 1.7.2 is not available.
    """
    ink, labels = inks()
    sizes = {"train": train, "validation": validation, "test": test}
    splits = {}
    for split, lines in parted(labels, seed).items():
        chosen = [int(line) for line in lines[: sizes[split]]]
        names = [f"digit-{line:04}" for line in chosen]
        columns: dict[str, list[Any]] = {
            "image": [{"bytes": encode_png(_enlarged(ink[i])), "path": f"digit-{i:04}.png"} for i in chosen],
            "label": [labels[i] for i in chosen],
            "group": names,
            "id": names,
        }
        splits[split] = table(FEATURES, columns)
    return DatasetDict(splits)


def _enlarged(ink: NDArray[np.float32]) -> Image.Image:
    grey = Image.fromarray((ink * 255).round().astype(np.uint8))
    return grey.resize((SIDE, SIDE), Image.Resampling.BICUBIC).convert("RGB")
