"""A user's own pictures with masks: files of the same name in ``images`` and ``masks``, whose values are classes.

Masks of 0 and 255 alone have one class. In other masks 255 is ignored, and every other value is a class of its own,
named by ``classes.txt`` (one name a line, the first for value 0) or ``class_1``, ``class_2``... A palette's colours do
not matter. A mask refers to its picture's pixels as they are stored, unless its size says otherwise
(``tlzoo.data.media.image.annotated``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from datasets import Features
from numpy.typing import NDArray

from tlzoo.data.dataset import Listing, Target
from tlzoo.data.files.boxes import rarest
from tlzoo.data.files.coco.targets import mask_columns
from tlzoo.data.files.folder import SUFFIXES, walk
from tlzoo.data.files.split_names import by_folder, split_of
from tlzoo.data.files.text_files import read_text
from tlzoo.data.media.image import IGNORED, annotated, read_values
from tlzoo.data.media.stored import Stored
from tlzoo.data.schemas import mask_features
from tlzoo.errors import InputError

MASK_SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".gif")
"""Lossless formats, which store a mask's values exactly."""
MAX_UNNAMED_CLASSES = 100
"""Maximum number of classes in masks without ``classes.txt``; more values are shades of a picture."""


@dataclass(frozen=True)
class MaskFiles:
    """Masks as files, as :class:`~tlzoo.data.dataset.Targets`.

    Attributes:
        names: Class names, the background first.
        masks: The mask of each picture, as it is stored.
        table: Class of each value, shape ``(256,)``.
    """

    names: Sequence[str]
    masks: Sequence[Stored]
    table: NDArray[np.uint8]

    @property
    def features(self) -> Features:
        """``mask`` and ``classes``."""
        return mask_features(self.names)

    def of(self, index: int, value: Stored) -> Target:
        """The mask of one picture."""
        values = read_values(self.masks[index])
        place = annotated(value, (values.shape[1], values.shape[0]))
        return Target(mask_columns(place.pixels(self.table[values])))


def has_masks(path: Path) -> bool:
    """Whether a folder has this layout rather than COCO's."""
    return any(_is_dir(folder, "masks") for folder in (path, *_split_folders(path)))


def listing(path: Path) -> Listing:
    """List a folder of pictures and masks.

    Args:
        path: Folder with ``images`` and ``masks``; ``train``, ``val`` and ``test`` are folders around both, or in both.

    Raises:
        InputError: No picture has a mask, or the values cannot be classes.
    """
    examples = Listing("image", [], [], [], [], [])
    masks: list[Stored] = []
    splits: list[str | None] = []
    for folder in [f for f in (path, *_split_folders(path)) if _is_dir(f, "masks")]:
        pictures = folder / "images"
        if not pictures.is_dir():
            raise InputError(f"{folder}: has a folder 'masks', but no folder 'images' beside it")
        mask_by_name = {
            f.relative_to(folder / "masks").with_suffix("").as_posix(): f
            for f in _files(folder / "masks", MASK_SUFFIXES)
        }
        listed = [picture.relative_to(pictures) for picture in _files(pictures, SUFFIXES["image"])]
        for relative, (inner, _) in zip(listed, by_folder(listed), strict=True):
            picture = pictures / relative
            name = picture.relative_to(path).as_posix()
            mask = mask_by_name.get(relative.with_suffix("").as_posix())
            if mask is None:
                examples.problems.append(f"{name}: no mask {relative.with_suffix('.png')} in {folder / 'masks'}")
                continue
            splits.append(inner if folder == path else split_of(folder.name))
            examples.inputs.append({"bytes": None, "path": str(picture)})
            examples.names.append(name)
            masks.append({"bytes": None, "path": str(mask)})
            examples.files += [picture, mask]
    if not masks:
        first = f"; {examples.problems[0]}" if examples.problems else ""
        raise InputError(f"{path}: no picture in 'images' with a mask of the same name in 'masks'{first}")
    names = path / "classes.txt"
    given = None
    if names.is_file():
        examples.files.append(names)
        given = [line.strip() for line in read_text(names).splitlines() if line.strip()]
    examples.splits = [split or "train" for split in splits] if any(splits) else None
    examples.groups = None
    attach(examples, masks, given, str(names if given else path / "masks"))
    return examples


def attach(examples: Listing, masks: Sequence[Stored], given: Sequence[str] | None, where: str) -> None:
    """Make masks the targets of examples, and remove the examples whose mask cannot be read.

    Args:
        examples: Examples whose labels and targets are still missing.
        masks: The mask of each example, as it is stored.
        given: Names of the values, from 0 on, where known.
        where: Name of the source in messages.

    Raises:
        InputError: The values cannot be classes, or outnumber the names.
    """
    values: list[NDArray[np.intp]] = []
    good = []
    for i, mask in enumerate(masks):
        try:
            read = read_values(mask)
            annotated(examples.inputs[i], (read.shape[1], read.shape[0]))
        except InputError as error:
            examples.problems.append(f"{examples.names[i]}: {error}")
        else:
            values.append(np.flatnonzero(np.bincount(read.ravel(), minlength=256)))
            good.append(i)
    used = sorted({int(v) for present in values for v in present})
    if not good:
        raise InputError(f"{where}: no picture with a mask that can be used, such as {examples.problems[-1]}")
    names, table = classes(used, given, where, examples.notices)
    examples.inputs, examples.names = [examples.inputs[i] for i in good], [examples.names[i] for i in good]
    examples.groups, examples.splits = (part and [part[i] for i in good] for part in (examples.groups, examples.splits))
    examples.labels = rarest([[names[c] for c in table[present] if 0 < c < IGNORED] for present in values])
    examples.targets = MaskFiles(names, [masks[i] for i in good], table)


def classes(
    used: Sequence[int], given: Sequence[str] | None, where: str, notices: list[str]
) -> tuple[list[str], NDArray[np.uint8]]:
    """Decide which class each value of the masks is.

    Args:
        used: Values that occur, sorted.
        given: Names of the values, from 0 on; the background may be left out.
        where: Name of the source in messages.
        notices: Receives a line for each guess.

    Returns:
        Class names, ``background`` first, and the class of each value, shape ``(256,)``.

    Raises:
        InputError: There is no class but the background, there are too many, or more than there are names.
    """
    table = np.full(256, IGNORED, dtype=np.uint8)
    table[0] = 0
    values = [v for v in used if 0 < v < IGNORED]
    if set(used) <= {0, IGNORED} and IGNORED in used:
        values = [1]
        table[IGNORED] = 1
        notices.append("masks of 0 and 255: 255 is the class")
    if not values:
        raise InputError(f"{where}: the masks have no value but 0, the background")
    if given is None:
        if len(values) > MAX_UNNAMED_CLASSES:
            raise InputError(
                f"{where}: the masks have {len(values)} values; expected classes, not shades of a picture (maximum "
                f"without classes.txt: {MAX_UNNAMED_CLASSES})"
            )
        table[values] = np.arange(1, len(values) + 1)
        return ["background", *(f"class_{v}" for v in values)], table
    names = list(given)
    if len(set(names)) != len(names):
        raise InputError(f"{where}: a name occurs twice: {', '.join(names)}")
    if names and names[0].lower().strip("_") == "background":
        names[0] = "background"
    elif len(names) == values[-1]:
        names = ["background", *names]
        notices.append(f"classes.txt names the values from 1 ({names[1]}) on; 0 is the background")
    elif names:
        # 0 is a class like the others, so all indices move up by one and the background does not occur.
        notices.append(f"classes.txt names the values from 0 ({names[0]}) on; there is no background")
        table[0] = 1
        names = ["background", *names]
    offset = int(table[0])
    if len(names) - offset <= values[-1] or len(names) > IGNORED:
        raise InputError(f"{where}: {len(given)} names, but the masks have the value {values[-1]}")
    named = np.arange(1, len(names) - offset)
    if table[IGNORED] == IGNORED:
        table[named] = named + offset
    return names, table


def _split_folders(path: Path) -> list[Path]:
    return [p for p in sorted(path.iterdir()) if p.is_dir() and split_of(p.name)] if path.is_dir() else []


def _is_dir(folder: Path, name: str) -> bool:
    return (folder / name).is_dir()


def _files(folder: Path, suffixes: Sequence[str] | frozenset[str]) -> list[Path]:
    return [path for path in walk(folder) if path.suffix.lower() in suffixes]
