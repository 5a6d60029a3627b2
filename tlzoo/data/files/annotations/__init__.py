"""Layouts of annotated pictures other than COCO's, each read into COCO's form, so that all give the same boxes.

A layout is a module with ``matches(folder)``, whether a folder is of it, and ``parts(folder)``, its splits.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tlzoo.data.files.annotations.content import Part

LAYOUTS = ("yolo", "voc", "labelme", "cvat", "label_studio", "tables")
"""Modules of this package, in the order in which they are tried."""
KNOWN = (
    "COCO (.json), YOLO (.txt), Pascal VOC (.xml), LabelMe (.json), CVAT (.xml), Label Studio (.json), a table of "
    "boxes (.csv) or metadata.jsonl with objects"
)
"""Names of the layouts, and of COCO's, for people."""


def other_layout(folder: Path) -> list[Part]:
    """The splits of a folder in one of the layouts; none if it is in no such layout.

    Raises:
        InputError: It is in a layout, but cannot be read; names the file and the line or field.
    """
    for name in LAYOUTS:
        layout = import_module(f"{__name__}.{name}")
        if layout.matches(folder):
            read: list[Part] = layout.parts(folder)
            return read
    return []
