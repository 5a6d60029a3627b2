"""Real nuclei, pixel by pixel: the fluorescence picture that StarDist's wheel carries, with its hand-made annotation.

One picture of 512 x 512 pixels with 125 nuclei is all there is (of the Data Science Bowl 2018, BBBC038, Caicedo 2019).
It is cut into three bands, and each band into regions that do not overlap; of a region come three tiles that share most
of their pixels. So the 24 + 12 + 24 tiles are worth 8 + 4 + 8 independent ones: the bootstrap resamples regions, and a
share of the training tiles shows more of the picture than its number says.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value
from datasets import Image as ImageFeature
from numpy.typing import NDArray
from PIL import Image

from tlzoo.blobs import Blob, fetch
from tlzoo.data.dataset import table
from tlzoo.data.media.image import IGNORED, encode_png

CLASSES = ("background", "nucleus")

FEATURES = Features(
    {
        "image": ImageFeature(decode=False),
        "mask": ImageFeature(decode=False),
        "classes": List(ClassLabel(names=list(CLASSES))),
        "group": Value("string"),
        "id": Value("string"),
    }
)
"""``mask`` is a PNG of class indices, 255 ignored; ``classes`` are those present; ``group`` is the region."""


def _blob(name: str, sha256: str) -> Blob:
    wheels = ("manylinux_2_28_x86_64", "win_amd64")  # the same files in each; any machine may unpack either
    places = (
        f"pypi:stardist==0.9.2;python=311,implementation=cp,abi=cp311,platform={wheel}/stardist/data/images/{name}"
        for wheel in wheels
    )
    return Blob(name, tuple(places), sha256)


PICTURE = _blob("img2d.tif", "f9ccc1571b92c861ff87e28463068b43f61bd47357ed0503f711e5cd1eb97750")
"""Grey, 16 bits, 512 x 512 pixels."""
NUCLEI = _blob("mask2d.tif", "59ad5e820b7982ca9d13e946fa6e7f64e2714899e00a2ae6c69aa79aad53d46f")
"""Index of the nucleus at each pixel of the picture, 0 for none."""

BANDS = {"train": (0, 192), "validation": (208, 304), "test": (320, 512)}
"""First row of each split and the row after its last; the rows between them are in none."""

TILE = 96
"""Side of a tile, pixels."""

_REGION = (96, 128)  # height and width
_STEP = 16  # from one tile of a region to the next, pixels
_DARK, _BRIGHT = 1, 99  # percentiles that become black and white; the few brightest nuclei, dividing, are cut off


def nuclei() -> DatasetDict:
    """Cut the picture into tiles of 96 x 96 pixels; nothing is drawn at random.

    Grey values are stretched between the 1st and the 99th percentile of the training band. The nuclei that reach into
    two bands are ignored in both.

    Returns:
        Splits ``train`` (24), ``validation`` (12) and ``test`` (24), rows as in ``FEATURES``.

    Raises:
        UnavailableError: No wheel of stardist 0.9.2 is available.
    """
    picture, numbers = _read(PICTURE).astype(np.float64), _read(NUCLEI)
    low, high = np.percentile(picture[slice(*BANDS["train"])], (_DARK, _BRIGHT))
    grey = ((picture - low) / (high - low) * 255).round().clip(0, 255).astype(np.uint8)
    mask = (numbers > 0).astype(np.uint8)
    bands = [set(np.unique(numbers[slice(*rows)])) - {0} for rows in BANDS.values()]
    crossing = (bands[0] & bands[1]) | (bands[1] & bands[2]) | (bands[0] & bands[2])
    mask[np.isin(numbers, list(crossing))] = IGNORED
    return DatasetDict({split: _tiles(split, grey, mask) for split in BANDS})


def _read(blob: Blob) -> NDArray[np.uint16]:
    with Image.open(fetch(blob)) as image:
        return np.asarray(image, np.uint16)


def _tiles(split: str, grey: NDArray[np.uint8], mask: NDArray[np.uint8]) -> Dataset:
    columns: dict[str, list[Any]] = {name: [] for name in FEATURES}
    first, end = BANDS[split]
    for top in range(first, end, _REGION[0]):
        for left in range(0, grey.shape[1], _REGION[1]):
            for x in range(left, left + _REGION[1] - TILE + 1, _STEP):
                name, here = f"{split}-{top:03d}-{x:03d}", np.s_[top : top + TILE, x : x + TILE]
                png = encode_png(np.repeat(grey[here][..., None], 3, axis=2))
                columns["image"].append({"bytes": png, "path": f"{name}.png"})
                columns["mask"].append({"bytes": encode_png(mask[here]), "path": f"{name}-mask.png"})
                columns["classes"].append([c for c in range(len(CLASSES)) if (mask[here] == c).any()])
                columns["group"].append(f"{split}-{top:03d}-{left:03d}")
                columns["id"].append(name)
    return table(FEATURES, columns)
