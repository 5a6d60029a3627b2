"""A user's own pictures with masks: files of the same name in ``images`` and ``masks``, whose values are classes.

Masks of 0 and 255 alone have one class. In other masks 255 is ignored, unless they are of spread greys, and every other
value is a class of its own, named by ``classes.txt`` (one name a line, the first for value 0) or ``class_1``,
``class_2``... A palette's colours do not matter; in coloured masks each colour is a class, named by ``class_dict.csv``
(name, r, g, b) or ``labelmap.txt`` (CVAT's), and black is the background. A mask refers to its picture's pixels as they
are stored, unless its size says otherwise (``tlzoo.data.media.image.annotated``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from datasets import Features
from numpy.typing import NDArray

from tlzoo.data.dataset import Listing, Target
from tlzoo.data.files.annotations.content import pictures as pictures_in
from tlzoo.data.files.boxes import rarest
from tlzoo.data.files.coco.targets import mask_columns
from tlzoo.data.files.split_names import by_folder, split_of
from tlzoo.data.files.text_files import read_text
from tlzoo.data.media.image import IGNORED, annotated, read_samples, read_values
from tlzoo.data.media.stored import Stored
from tlzoo.data.schemas import mask_features
from tlzoo.errors import InputError

LAYOUTS = {
    "masks": ("images", "imgs", "image"),
    "mask": ("images", "image", "img"),
    "SegmentationClass": ("JPEGImages", "images"),
    "labels": ("images", "imgs"),
    "label": ("image", "images", "imgs"),
    "annotations": ("images",),
    "gt": ("images", "imgs"),
}
"""Folders of masks, and of the pictures beside each; case does not matter."""
BESIDE = ("annot", "_masks", "_labels", "_annot")
"""What the name of a folder of pictures is followed by in that of its masks, such as ``train`` and ``trainannot``."""
MARKS = re.compile(r"[-_ ](mask|masks|label|labels|seg|segmentation|gt|L|labelIds|annotation)$", re.IGNORECASE)
"""What a mask's name may have after its picture's."""
LOSSY = frozenset({".jpg", ".jpeg", ".webp"})
"""Formats that do not store values exactly."""
NOISE = 40
"""Distance from 0 and from 255 that values of a mask of two may have after lossy storing."""
SPREAD = 64
"""Greys of masks as pictures: a value from here on, among few, is no number of a class, and 255 is a class then."""
MAX_BETWEEN = 0.2
"""Share of a mask's pixels that may be neither black nor white, at the edges, after lossy storing."""
MAX_GREYS = 8
"""Number of values below which greys may be spread."""
MAX_UNNAMED_CLASSES = 100
"""Maximum number of classes in masks without ``classes.txt``; more values are shades of a picture."""


@dataclass(frozen=True)
class MaskFiles:
    """Masks as files, as :class:`~tlzoo.data.dataset.Targets`.

    Attributes:
        names: Class names, the background first.
        masks: The mask of each picture, as it is stored.
        table: Class of each value, shape ``(256,)``.
        colours: The colour of each value in coloured masks, ``(values, 3)``.
    """

    names: Sequence[str]
    masks: Sequence[Stored]
    table: NDArray[np.uint8]
    colours: NDArray[np.uint8] | None = None

    @property
    def features(self) -> Features:
        """``mask`` and ``classes``."""
        return mask_features(self.names)

    def of(self, index: int, value: Stored) -> Target:
        """The mask of one picture."""
        values = _values(self.masks[index], self.colours)
        place = annotated(value, (values.shape[1], values.shape[0]))
        return Target(mask_columns(place.pixels(self.table[values])))


def _values(mask: Stored, colours: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """The values of a mask, ``(height, width)``; of a coloured one the numbers of its colours.

    Raises:
        InputError: It cannot be read, is coloured though no colours are known, or stored such that values are lost.
    """
    if colours is None:
        values = read_values(mask)
        return _two(values, mask) if is_noisy(values, mask) else values
    samples = read_samples(mask)
    if samples.ndim == 2:
        samples = np.repeat(samples[..., None], 3, axis=2)
    distinct, number = np.unique(samples.reshape(-1, 3), axis=0, return_inverse=True)
    same = (distinct[:, None] == colours[None]).all(axis=2)
    numbers = np.where(same.any(axis=1), same.argmax(axis=1), IGNORED).astype(np.uint8)
    return numbers[number].reshape(samples.shape[:2])


def is_noisy(values: NDArray[np.uint8], mask: Stored) -> bool:
    """Whether a mask's values are not exact: a lossy format, or several close to black and several to white."""
    if Path(mask["path"] or "").suffix.lower() in LOSSY:
        return True
    used = np.unique(values)
    dark, light = used <= NOISE, used >= IGNORED - NOISE
    return bool((dark | light).all() and dark.sum() > 1 and light.sum() > 1)


def _two(values: NDArray[np.uint8], mask: Stored) -> NDArray[np.uint8]:
    """A mask of 0 and 255 whose values are not exact any more."""
    between = ((values > NOISE) & (values < IGNORED - NOISE)).mean()
    if between > MAX_BETWEEN:
        raise InputError(
            f"{mask['path']}: its format does not store values exactly, so classes are lost; save masks as PNG"
        )
    return np.where(values > IGNORED // 2, IGNORED, 0).astype(np.uint8)


def folders(path: Path) -> list[tuple[Path, Path, str | None]]:
    """Folders of pictures, each with that of its masks and the split that a folder around or both are named after."""
    places = []
    for around in (path, *_split_folders(path)):
        split = split_of(around.name) if around != path else None
        by_name = {place.name.casefold(): place for place in _folders_in(around)}
        for name, pictures in LAYOUTS.items():
            masks = by_name.get(name.casefold())
            beside = next((by_name[each.casefold()] for each in pictures if each.casefold() in by_name), None)
            if masks and beside and (name == "masks" or any(pictures_in(masks))):
                places.append((beside, masks, split))
                break
    if not places:
        for pictures_folder in _folders_in(path):
            for mark in BESIDE:
                masks_folder = path / f"{pictures_folder.name}{mark}"
                if masks_folder.is_dir() and any(pictures_in(masks_folder)):
                    places.append((pictures_folder, masks_folder, split_of(pictures_folder.name)))
    return places


def has_masks(path: Path) -> bool:
    """Whether a folder has this layout rather than COCO's."""
    return bool(folders(path)) or any(place.name.casefold() == "masks" for place in _folders_in(path))


def listing(path: Path) -> Listing:
    """List a folder of pictures and masks.

    Args:
        path: Folder with ``images`` and ``masks``, or as :data:`LAYOUTS` and :data:`BESIDE` name them; ``train``,
            ``val`` and ``test`` are folders around both, or in both.

    Raises:
        InputError: No picture has a mask, or the values cannot be classes.
    """
    examples = Listing("image", [], [], [], [], [])
    masks: list[Stored] = []
    splits: list[str | None] = []
    places = folders(path)
    if not places:
        raise InputError(f"{path}: has a folder 'masks', but no folder 'images' beside it")
    around = {masks.parent for _, masks, _ in places}
    if path not in around and (
        bare := [p.name for p in _split_folders(path) if p not in around and any(pictures_in(p))]
    ):
        examples.notices.append(f"folders of splits without masks, left out: {', '.join(bare)}")
    for pictures, mask_folder, split in places:
        mask_by_name = {_plain(file.relative_to(mask_folder)): file for file in pictures_in(mask_folder)}
        listed = [picture.relative_to(pictures) for picture in pictures_in(pictures)]
        for relative, (inner, _) in zip(listed, by_folder(listed), strict=True):
            picture = pictures / relative
            name = picture.relative_to(path).as_posix()
            mask = mask_by_name.get(_plain(relative))
            if mask is None:
                examples.problems.append(f"{name}: no mask {relative.with_suffix('.png')} in {mask_folder}")
                continue
            splits.append(split or inner)
            examples.inputs.append({"bytes": None, "path": str(picture)})
            examples.names.append(name)
            masks.append({"bytes": None, "path": str(mask)})
            examples.files += [picture, mask]
    if not masks:
        first = f"; {examples.problems[0]}" if examples.problems else ""
        where, beside = places[0][0].name, places[0][1].name
        raise InputError(f"{path}: no picture in {where!r} with a mask of the same name in {beside!r}{first}")
    names = path / "classes.txt"
    given = None
    if names.is_file():
        examples.files.append(names)
        given = [line.strip() for line in read_text(names).splitlines() if line.strip()]
    examples.splits = [split or "train" for split in splits] if any(splits) else None
    examples.groups = None
    table = next((path / name for name in COLOUR_FILES if (path / name).is_file()), None)
    if table is not None:
        examples.files.append(table)
    attach(examples, masks, given, str(names if given else places[0][1]), _named_colours(table))
    return examples


def _plain(relative: Path) -> str:
    """A path without suffix, and without what marks a mask."""
    return relative.with_name(MARKS.sub("", relative.stem)).as_posix()


COLOUR_FILES = ("class_dict.csv", "labelmap.txt")
"""Files that name colours."""
Colour = tuple[int, int, int]


def _named_colours(table: Path | None) -> dict[Colour, str]:
    """Names of colours, by a table ``name,r,g,b`` or CVAT's lines ``name:r,g,b::``."""
    named: dict[Colour, str] = {}
    for number, line in enumerate(read_text(table).splitlines() if table else [], start=1):
        if not line.strip() or line.startswith("#") or line.lower().startswith("name,"):
            continue
        match = re.match(r"([^:,]+)[:,]\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)", line)
        if match is None:
            raise InputError(f"{table}:{number}: {line.strip()[:60]!r}; expected a name and red, green and blue")
        named[int(match[2]), int(match[3]), int(match[4])] = match[1].strip()
    return named


def attach(
    examples: Listing,
    masks: Sequence[Stored],
    given: Sequence[str] | None,
    where: str,
    named: Mapping[Colour, str] | None = None,
) -> None:
    """Make masks the targets of examples, and remove the examples whose mask cannot be read.

    Args:
        examples: Examples whose labels and targets are still missing.
        masks: The mask of each example, as it is stored.
        given: Names of the values, from 0 on, where known.
        where: Name of the source in messages.
        named: Names of the colours of coloured masks, where known.

    Raises:
        InputError: The values cannot be classes, or outnumber the names.
    """
    colours = _colours(masks, where) if _is_coloured(masks) else None
    if colours is not None:
        given = ["background", *(_colour_name(colour, named or {}) for colour in colours[1:].tolist())]
        shown = ", ".join(f"{name} {tuple(c)}" for name, c in zip(given, colours.tolist(), strict=True))
        examples.notices.append(f"coloured masks, a class a colour: {shown}")
    values: list[NDArray[np.intp]] = []
    good, noisy, void = [], 0, 0.0
    for i, mask in enumerate(masks):
        try:
            read = _values(mask, colours)
            annotated(examples.inputs[i], (read.shape[1], read.shape[0]))
        except InputError as error:
            examples.problems.append(f"{examples.names[i]}: {error}")
        else:
            count = np.bincount(read.ravel(), minlength=256)
            values.append(np.flatnonzero(count))
            void += float(count[IGNORED] / read.size)
            noisy += int(colours is None and bool(read.max() == IGNORED) and is_noisy(read_values(mask), mask))
            good.append(i)
    used = sorted({int(v) for present in values for v in present})
    if not good:
        raise InputError(f"{where}: no picture with a mask that can be used, such as {examples.problems[-1]}")
    if noisy:
        examples.notices.append(f"masks whose values are not exact, read as black and white: {noisy:,}")
    names, table = classes(used, given, where, examples.notices)
    if table[IGNORED] == IGNORED and void:
        share = void / len(good)
        examples.notices.append(f"value 255 is void, and counts neither way: {share:.1%} of the pixels")
    examples.inputs, examples.names = [examples.inputs[i] for i in good], [examples.names[i] for i in good]
    examples.groups, examples.splits = (part and [part[i] for i in good] for part in (examples.groups, examples.splits))
    examples.labels = rarest([[names[c] for c in table[present] if 0 < c < IGNORED] for present in values])
    examples.targets = MaskFiles(names, [masks[i] for i in good], table, colours)


def _is_coloured(masks: Sequence[Stored]) -> bool:
    """Whether the first mask that can be read has colours."""
    for mask in masks:
        try:
            return read_samples(mask).ndim == 3
        except InputError:
            continue
    return False


def _colours(masks: Sequence[Stored], where: str) -> NDArray[np.uint8]:
    """The colours of masks, ``(colours, 3)``: black or else the most frequent one first, the others in order.

    Raises:
        InputError: There are too many to be classes.
    """
    count: Counter[Colour] = Counter()
    for mask in masks:
        try:
            samples = read_samples(mask)
        except InputError:
            continue
        flat = (samples if samples.ndim == 3 else np.repeat(samples[..., None], 3, axis=2)).reshape(-1, 3)
        colours, counts = np.unique(flat, axis=0, return_counts=True)
        count.update({(int(r), int(g), int(b)): int(n) for (r, g, b), n in zip(colours, counts, strict=True)})
        if len(count) > MAX_UNNAMED_CLASSES:
            raise InputError(
                f"{where}: the masks have more than {MAX_UNNAMED_CLASSES} colours; expected one a class, stored "
                "exactly (PNG)"
            )
    background = (0, 0, 0) if (0, 0, 0) in count else count.most_common(1)[0][0]
    return np.array([background, *sorted(count.keys() - {background})], np.uint8)


def _colour_name(colour: Sequence[int], named: Mapping[Colour, str]) -> str:
    red, green, blue = colour
    return named.get((red, green, blue), f"colour_{red}_{green}_{blue}")


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
    elif given is None and values and values[-1] >= SPREAD and IGNORED in used and len(values) < MAX_GREYS:
        values.append(IGNORED)
        notices.append(f"masks of the greys {', '.join(map(str, used))}: 255 is a class like the others")
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


def _folders_in(path: Path) -> list[Path]:
    return [place for place in sorted(path.iterdir()) if place.is_dir()] if path.is_dir() else []


def _split_folders(path: Path) -> list[Path]:
    return [place for place in _folders_in(path) if split_of(place.name)]
