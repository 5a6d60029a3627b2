"""Faces in photographs with exact boxes: real face crops set into real pictures, all from scikit-image's wheel.

Nothing but the face should give a pasted crop away: everything is grey, since the crops are; the crops' edges are
feathered and their tone moved towards what they cover; and patches of other photographs, as coarse as the crops and
pasted in the same way, are decoys. Faces are small, most are blurred, and a part of some is covered. Neither a face
crop nor a photograph occurs in two splits. (The crops carry no names, so a person photographed twice may be in two.)
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value
from datasets import Image as ImageFeature
from PIL import Image, ImageFilter

from tlzoo.blobs import Blob, fetch
from tlzoo.data.media.image import encode_png
from tlzoo.data.media.pasting import Pixels, cut, resized
from tlzoo.data.packaged.photographs import PHOTOGRAPHS, regions

FEATURES = Features(
    {
        "image": ImageFeature(decode=False),
        "objects": {"bbox": List(List(Value("float32"))), "category": List(ClassLabel(names=["face"]))},
        "group": Value("string"),
        "id": Value("string"),
    }
)
"""``bbox`` is ``[x, y, width, height]`` in pixels, of all of a face; ``group`` is the region of a photograph."""


CROPS = Blob(
    "lfw_subset.npy",
    ("pypi:scikit-image==0.25.2/skimage/data/lfw_subset.npy",),
    "9560ec2f5edfac01973f63a8a99d00053fecd11e21877e18038fbe500f8e872c",
)
"""200 grey crops of 25 x 25 pixels in [0, 1]; the first 100 are faces of Labeled Faces in the Wild (Huang 2007)."""

_FACE_CROPS = {"train": slice(0, 50), "validation": slice(50, 65), "test": slice(65, 100)}  # of the shuffled face crops
_FACES = (0.15, 0.25, 0.2, 0.2, 0.1, 0.1)  # shares of pictures with no face, one, ...
_TALL = (12, 40)  # pixels from hairline to chin
_SIDE = 25
_FACE = np.array([2.0, 0.0, 20.0, 24.0]) / _SIDE
"""Where the face is in a crop, (x1, y1, x2, y2), read off the mean of the 100: cheek to cheek, hairline to chin."""


def faces(seed: int = 0, train: int = 200, validation: int = 50, test: int = 200) -> DatasetDict:
    """Render faces in photographs: 160-240 pixels a side, 0-5 faces of 12-40 pixels, 0-3 decoys.

    Args:
        seed: Decides which faces belong to which split, and everything else; a smaller split is the beginning of a
            larger one.
        train: Number of training images.
        validation: Number of validation images.
        test: Number of test images.

    Returns:
        Splits ``train``, ``validation`` and ``test``, rows as in ``FEATURES``.

    Raises:
        UnavailableError: The wheel of scikit-image 0.25.2 is not available.
    """
    crops = np.load(fetch(CROPS))[:100].astype(np.float32) * 255
    crops = crops[np.random.default_rng(seed).permutation(len(crops))]
    sizes = {"train": train, "validation": validation, "test": test}
    return DatasetDict({split: _split(seed, split, crops[_FACE_CROPS[split]], size) for split, size in sizes.items()})


def _split(seed: int, split: str, crops: Pixels, size: int) -> Dataset:
    photographs = regions(split, "L")
    names = list(photographs)
    rows = []
    for i in range(size):
        rng = np.random.default_rng([seed, list(PHOTOGRAPHS).index(split), i])
        group, name = names[i % len(names)], f"{split}-{i:04d}"
        image, boxes = _scene(rng, photographs[group], crops, list(photographs.values()))
        png = encode_png(image.round().clip(0, 255).astype(np.uint8))
        rows.append(
            {
                "image": {"bytes": png, "path": f"{name}.png"},
                "objects": {"bbox": boxes, "category": [0] * len(boxes)},
                "group": group,
                "id": name,
            }
        )
    return Dataset(pa.Table.from_pylist(rows, schema=FEATURES.arrow_schema))


def _scene(
    rng: np.random.Generator, photograph: Pixels, crops: Pixels, others: list[Pixels]
) -> tuple[Pixels, list[list[float]]]:
    """One image, and the boxes of its faces as ``[x, y, width, height]``."""
    height, width = rng.integers(160, 241, 2)
    image = cut(rng, photograph, height, width)
    patches = [(crops[k], True) for k in rng.choice(len(crops), rng.choice(6, p=_FACES), replace=False)]
    patches += [(cut(rng, others[rng.integers(len(others))], _SIDE, _SIDE), False) for _ in range(rng.integers(4))]
    taken = np.zeros(image.shape, dtype=bool)
    boxes = []
    for patch, is_face in patches:
        face = _FACE
        if rng.random() < 0.5:
            patch, face = patch[:, ::-1], np.array([1 - _FACE[2], _FACE[1], 1 - _FACE[0], _FACE[3]])
        for _ in range(20):  # places tried; a patch that fits nowhere is left out
            side = round(np.exp(rng.uniform(*np.log(_TALL))) / (_FACE[3] - _FACE[1]))
            x, y = int(rng.integers(width - side)), int(rng.integers(height - side))
            place = np.s_[y : y + side, x : x + side]
            if not taken[place].any():
                taken[place] = True
                seen = _covered(rng, _blurred(rng, resized(patch, side, side)), others)
                image[place] = _blended(seen, image[place])
                if is_face:
                    x1, y1, x2, y2 = face * side + (x, y, x, y)
                    boxes.append([float(x1), float(y1), float(x2 - x1), float(y2 - y1)])
                break
    return image, boxes


def _blurred(rng: np.random.Generator, patch: Pixels) -> Pixels:
    """A patch out of focus, by up to a twelfth of its side."""
    blur = ImageFilter.GaussianBlur(rng.uniform(0, len(patch) / 12))
    return np.asarray(Image.fromarray(patch.clip(0, 255).astype(np.uint8)).filter(blur), np.float32)


def _covered(rng: np.random.Generator, patch: Pixels, others: list[Pixels]) -> Pixels:
    """A patch of which in a third of all cases up to 40 % lie below another photograph, from any of its four sides."""
    if rng.random() > 1 / 3:
        return patch
    side = len(patch)
    depth, turns = round(side * rng.uniform(0.2, 0.4)), int(rng.integers(4))
    turned = np.rot90(patch, turns).copy()
    turned[:depth] = cut(rng, others[rng.integers(len(others))], side, side)[:depth]
    return np.rot90(turned, -turns)


def _blended(patch: Pixels, ground: Pixels) -> Pixels:
    """A patch with its mean moved by 0.3 towards the ground's, over 8 % of its side faded into it."""
    patch = patch + 0.3 * (ground.mean() - patch.mean())
    side = len(patch)
    edge = np.minimum(np.arange(side), np.arange(side)[::-1]) + 0.5
    ramp = np.clip(edge / (0.08 * side), 0, 1).astype(np.float32)
    mask = ramp[:, None] * ramp
    return mask * patch + (1 - mask) * ground
