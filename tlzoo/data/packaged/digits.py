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

FORMS = (0, 130, 256, 386, 516, 646, 776, 906, 1029, 1157, 1287, 1415, 1545, 1667)
"""The line that each form begins at. The file is in the order of its writers, each of whom filled in a form: the same
130 digits in the same order, of which some are missing here. Who the writers are is not told; there are 13, so two of
the forms may be of one (https://archive.ics.uci.edu/dataset/80)."""
_FORMS_OF = {"train": 6, "validation": 2, "test": 6}

NAMES = tuple("0123456789")
SIDE = 32
"""Height and width of a picture, in pixels."""

FEATURES = class_features("image", NAMES)
"""``group`` is the form, see :data:`FORMS`."""


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
    """Deal the lines out one by one, to data sets that draw scenes and clips with the digits of a split.

    Returns:
        Lines of each split, 800, 200 and 797; every beginning of a split has the classes' proportions. No line is in
        two splits, but hands are.
    """
    order = stratified_order(labels, seed)
    return dict(zip(SPLITS, np.split(order, [800, 1000]), strict=True))


def by_form(labels: list[int], seed: int) -> dict[str, Indices]:
    """Deal whole forms out, so that nobody's hand is in two splits.

    Returns:
        Lines of each split, of six, two and six forms; every beginning of a split has the classes' proportions.
    """
    forms = np.split(np.arange(len(labels)), FORMS[1:])
    order = iter(np.random.default_rng(seed).permutation(len(forms)))
    parts = {}
    for split, count in _FORMS_OF.items():
        lines = np.sort(np.concatenate([forms[next(order)] for _ in range(count)]))
        parts[split] = lines[stratified_order([labels[int(line)] for line in lines], seed)]
    return parts


def digits(seed: int = 0, train: int = 800, validation: int = 200, test: int = 1000) -> DatasetDict:
    """Real digits, white on black, enlarged from 8 x 8 to 32 x 32 pixels, to be read in hands that are not in training.

    Args:
        seed: Decides which forms belong to which split; a smaller split is the beginning of a larger one.
        train: Maximum number of training images; there are some 780.
        validation: Maximum number of validation images.
        test: Maximum number of test images; there are some 770.

    Returns:
        Splits ``train``, ``validation`` and ``test``, rows as in ``FEATURES``.

    Raises:
        UnavailableError: The wheel of scikit-learn 1.7.2 is not available.
    """
    ink, labels = inks()
    sizes = {"train": train, "validation": validation, "test": test}
    splits = {}
    for split, lines in by_form(labels, seed).items():
        chosen = [int(line) for line in lines[: sizes[split]]]
        forms = np.searchsorted(FORMS, chosen, side="right")
        names = [f"digit-{line:04}" for line in chosen]
        columns: dict[str, list[Any]] = {
            "image": [{"bytes": encode_png(_enlarged(ink[i])), "path": f"digit-{i:04}.png"} for i in chosen],
            "label": [labels[i] for i in chosen],
            "group": [f"form-{number:02}" for number in forms],
            "id": names,
        }
        splits[split] = table(FEATURES, columns)
    return DatasetDict(splits)


def _enlarged(ink: NDArray[np.float32]) -> Image.Image:
    grey = Image.fromarray((ink * 255).round().astype(np.uint8))
    return grey.resize((SIDE, SIDE), Image.Resampling.BICUBIC).convert("RGB")
