"""BCCD: photographs of blood through a microscope, with a box around each cell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from tlzoo.blobs.archives import contents
from tlzoo.data.dataset import Listing
from tlzoo.data.files.boxes import Objects, Size, rarest

NAMES = ("Platelets", "RBC", "WBC")
_SPLITS = {"train": "train", "val": "validation", "test": "test"}


def bccd(files: Path) -> Listing:
    """All 364 photographs with their published splits, of 205, 87 and 72.

    Two boxes that begin and end at one pixel are left out.

    Args:
        files: A tar file in the layout of Pascal VOC: ``Annotations``, ``ImageSets/Main`` and ``JPEGImages``.
    """
    content = contents(files)
    examples = Listing("image", [], [], [], splits=[])
    assert examples.splits is not None
    present: list[list[str]] = []
    boxes: list[NDArray[np.float64]] = []
    sizes: list[Size | None] = []
    for part, split in _SPLITS.items():
        for name in content[f"ImageSets/Main/{part}.txt"].decode().split():
            photograph = f"JPEGImages/{name}.jpg"
            classes, corners, size = _annotated(content, name)
            examples.inputs.append({"bytes": content[photograph], "path": photograph})
            examples.names.append(name)
            examples.splits.append(split)
            present.append(classes)
            boxes.append(corners)
            sizes.append(size)
    examples.labels = rarest(present)
    examples.targets = Objects(NAMES, boxes, [[NAMES.index(name) for name in names] for names in present], sizes)
    return examples


def _annotated(content: Mapping[str, bytes], name: str) -> tuple[list[str], NDArray[np.float64], Size]:
    """Class and box (x, y, width, height) of each object, and the size that the picture is annotated at.

    Corners in Pascal VOC are pixels that belong to the object, counted from 1 (its development kit, section 4).
    """
    root = ElementTree.fromstring(content[f"Annotations/{name}.xml"])  # noqa: S314, the file is known by its hash
    classes, boxes = [], []
    for each in root.iterfind("object"):
        x, y, right, bottom = (int(each.findtext(f"bndbox/{side}") or "") for side in ("xmin", "ymin", "xmax", "ymax"))
        if right > x and bottom > y:
            classes.append(each.findtext("name") or "")
            boxes.append([x - 1, y - 1, right - x + 1, bottom - y + 1])
    size = int(root.findtext("size/width") or ""), int(root.findtext("size/height") or "")
    return classes, np.array(boxes, np.float64).reshape(-1, 4), size
