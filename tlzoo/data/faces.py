"""Faces in photographs with exact boxes: real face crops set into real pictures, all from scikit-image's wheel.

What would give a pasted face away is taken care of: everything is grey, since the crops are; the crops' edges are
feathered and their tone moved towards what they cover; and patches of other photographs, as coarse as the crops and set
in the same way, are decoys. Neither a face crop nor a photograph occurs in two splits. (The crops carry no names, so a
person photographed twice may be in two.)
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value
from datasets import Image as ImageFeature
from numpy.typing import NDArray
from PIL import Image

from tlzoo.blobs import Blob, fetch
from tlzoo.data.image import decode, encode_png

Pixels = NDArray[np.float32]

FEATURES = Features(
    {
        "image": ImageFeature(decode=False),
        "objects": {"bbox": List(List(Value("float32"))), "category": List(ClassLabel(names=["face"]))},
        "group": Value("string"),
        "id": Value("string"),
    }
)
"""``bbox`` is ``[x, y, width, height]`` in pixels; ``group`` is the photograph."""


def _blob(name: str, sha256: str) -> Blob:
    return Blob(name, (f"pypi:scikit-image==0.25.2/skimage/data/{name}",), sha256)


CROPS = _blob("lfw_subset.npy", "9560ec2f5edfac01973f63a8a99d00053fecd11e21877e18038fbe500f8e872c")
"""200 grey crops of 25 x 25 pixels in [0, 1]; the first 100 are faces of Labeled Faces in the Wild (Huang 2007)."""

PHOTOGRAPHS: dict[str, tuple[Blob, ...]] = {
    "train": (
        _blob("brick.png", "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf"),
        _blob("coffee.png", "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7"),
        _blob("grass.png", "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89"),
        _blob("hubble_deep_field.jpg", "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4"),
        _blob("ihc.png", "f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef"),
        _blob("motorcycle_left.png", "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179"),
    ),
    "validation": (
        _blob("cell.png", "8d23a7fb81f7cc877cd09f330357fc7f595651306e84e17252f6e0a1b3f61515"),
        _blob("retina.jpg", "38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6"),
    ),
    "test": (
        _blob("chelsea.png", "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb"),
        _blob("gravel.png", "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12"),
        _blob("moon.png", "78739619d11f7eb9c165bb5d2efd4772cee557812ec847532dbb1d92ef71f577"),
        _blob("rocket.jpg", "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c"),
    ),
}
"""Photographs of each split, without people (and without the coins, which show heads)."""

_PEOPLE = {"train": slice(0, 50), "validation": slice(50, 65), "test": slice(65, 100)}  # of the shuffled face crops
_SIDE = 25
_FACE = np.array([2.0, 0.0, 20.0, 24.0]) / _SIDE
"""Where the face is in a crop, (x1, y1, x2, y2), read off the mean of the 100: cheek to cheek, hairline to chin."""


def faces(seed: int = 0, train: int = 200, validation: int = 50, test: int = 200) -> DatasetDict:
    """Render faces in photographs: 160-240 pixels a side, 0-3 faces from crops scaled to 30-110 pixels, 0-2 decoys.

    Args:
        seed: Decides which faces belong to which split, and everything else; a split is a prefix of any longer one.
        train: Number of training images.
        validation: Number of validation images.
        test: Number of test images.

    Returns:
        Splits ``train``, ``validation`` and ``test``, rows as in ``FEATURES``.

    Raises:
        UnavailableError: The wheel of scikit-image 0.25.2 cannot be had.
    """
    crops = np.load(fetch(CROPS))[:100].astype(np.float32) * 255
    crops = crops[np.random.default_rng(seed).permutation(len(crops))]
    sizes = {"train": train, "validation": validation, "test": test}
    return DatasetDict({split: _split(seed, split, crops[_PEOPLE[split]], size) for split, size in sizes.items()})


def _split(seed: int, split: str, crops: Pixels, size: int) -> Dataset:
    paths = {blob.name.partition(".")[0]: fetch(blob) for blob in PHOTOGRAPHS[split]}
    photographs = {
        name: np.asarray(decode({"bytes": None, "path": path}).convert("L"), np.float32) for name, path in paths.items()
    }
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
    image = _cut(rng, photograph, height, width)
    patches = [(crops[k], True) for k in rng.choice(len(crops), rng.choice(4, p=(0.2, 0.4, 0.25, 0.15)), replace=False)]
    patches += [(_cut(rng, others[rng.integers(len(others))], _SIDE, _SIDE), False) for _ in range(rng.integers(3))]
    taken = np.zeros(image.shape, dtype=bool)
    boxes = []
    for patch, is_face in patches:
        face = _FACE
        if rng.random() < 0.5:
            patch, face = patch[:, ::-1], np.array([1 - _FACE[2], _FACE[1], 1 - _FACE[0], _FACE[3]])
        for _ in range(20):  # places tried; what finds none is left out
            side = int(rng.integers(30, 111))
            x, y = int(rng.integers(width - side)), int(rng.integers(height - side))
            place = np.s_[y : y + side, x : x + side]
            if not taken[place].any():
                taken[place] = True
                image[place] = _blended(_resized(patch, side, side), image[place])
                if is_face:
                    x1, y1, x2, y2 = face * side + (x, y, x, y)
                    boxes.append([float(x1), float(y1), float(x2 - x1), float(y2 - y1)])
                break
    return image, boxes


def _cut(rng: np.random.Generator, photograph: Pixels, height: int, width: int) -> Pixels:
    """A random part of a photograph, mirrored half of the time, resized to ``(height, width)``."""
    largest = min(photograph.shape[0] / height, photograph.shape[1] / width)
    scale = largest * rng.uniform(0.4, 1.0)
    h, w = int(height * scale), int(width * scale)
    y, x = rng.integers(photograph.shape[0] - h + 1), rng.integers(photograph.shape[1] - w + 1)
    part = photograph[y : y + h, x : x + w]
    return _resized(part[:, ::-1] if rng.random() < 0.5 else part, height, width)


def _resized(pixels: Pixels, height: int, width: int) -> Pixels:
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.array(image.resize((int(width), int(height)), Image.Resampling.LANCZOS))


def _blended(patch: Pixels, ground: Pixels) -> Pixels:
    """A patch with its mean moved by 0.3 towards the ground's, over 8 % of its side faded into it."""
    patch = patch + 0.3 * (ground.mean() - patch.mean())
    side = len(patch)
    edge = np.minimum(np.arange(side), np.arange(side)[::-1]) + 0.5
    ramp = np.clip(edge / (0.08 * side), 0, 1).astype(np.float32)
    mask = ramp[:, None] * ramp
    return mask * patch + (1 - mask) * ground
