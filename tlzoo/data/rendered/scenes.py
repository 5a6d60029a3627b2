"""Pictures composed from cut-outs, with exact boxes and masks: letters and drawings as source, digits as target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict, TypeVar

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value
from datasets import Image as ImageFeature
from numpy.typing import NDArray
from PIL import Image

from tlzoo.data.dataset import table
from tlzoo.data.media.image import encode_png
from tlzoo.data.media.pasting import (
    Cutout,
    Mask,
    Pixels,
    box_of,
    cut,
    finished,
    ground,
    inked,
    paste,
    recoloured,
    take,
    turned,
)
from tlzoo.data.media.stored import Stored
from tlzoo.data.packaged import digits
from tlzoo.data.packaged.photographs import regions, source_grounds
from tlzoo.data.protocol import SPLITS
from tlzoo.data.rendered import letters
from tlzoo.data.rendered.sprites import KINDS, Drawing, drawings

DIGITS = ("0", "1", "2", "3", "4")
"""Classes of :func:`digit_scenes`. With ten, a class would have some 40 examples in 200 pictures, too few to learn from
scratch; with five it has about 80, and training from scratch is hard but possible."""

MASKS = ("background", *KINDS)
"""Classes of :func:`sprite_masks`, by their index in a mask."""


def boxed(names: Sequence[str]) -> Features:
    """Features of pictures with boxes: ``bbox`` is ``[x, y, width, height]`` in pixels."""
    objects = {"bbox": List(List(Value("float32"))), "category": List(ClassLabel(names=list(names)))}
    return Features(
        {"image": ImageFeature(decode=False), "objects": objects, "group": Value("string"), "id": Value("string")}
    )


def masked(names: Sequence[str]) -> Features:
    """Features of pictures with masks: a PNG of class indices, and the classes that occur in it."""
    picture = ImageFeature(decode=False)
    classes = List(ClassLabel(names=list(names)))
    return Features(
        {"image": picture, "mask": picture, "classes": classes, "group": Value("string"), "id": Value("string")}
    )


class _Boxes(TypedDict):
    bbox: list[list[float]]
    category: list[int]


class _BoxRow(TypedDict):
    """A row of :func:`boxed`."""

    image: Stored
    objects: _Boxes
    group: str
    id: str


class _MaskRow(TypedDict):
    """A row of :func:`masked`."""

    image: Stored
    mask: Stored
    classes: list[int]
    group: str
    id: str


Glyph = TypeVar("Glyph")


@dataclass
class Scene:
    """A picture and what was pasted into it.

    Attributes:
        canvas: Values from 0 to 255, of shape ``(height, width, 3)``.
        masks: For each thing, where it is solid and not covered, of shape ``(height, width)``.
        classes: The class of each.
    """

    canvas: Pixels
    masks: list[Mask]
    classes: list[int]

    def add(self, cutout: Cutout, x: int, y: int, label: int) -> None:
        """Paste a cut-out at ``(x, y)``, over what is there."""
        mask = paste(self.canvas, cutout, x, y)
        self.masks = [other & ~mask for other in self.masks] + [mask]
        self.classes.append(label)

    def indices(self) -> NDArray[np.uint8]:
        """One mask of all things, uint8 of shape ``(height, width)``: 0 for none, else a thing's class and one."""
        whole = np.zeros(self.canvas.shape[:2], np.uint8)
        for mask, label in zip(self.masks, self.classes, strict=True):
            whole[mask] = label + 1
        return whole


def letter_scenes(seed: int = 0, sizes: tuple[int, int] = (2400, 120)) -> DatasetDict:
    """Printed letters on any ground: scenes as those of :func:`digit_scenes`, of 37 classes.

    A row is a pure function of seed, split and index. Fonts and photographs are of one split only.

    Args:
        seed: Seed of everything random.
        sizes: Rows of train and validation.

    Returns:
        Splits ``train`` and ``validation``, rows as :func:`boxed`.

    Raises:
        UnavailableError: A wheel (of scikit-image 0.25.2 or scikit-learn 1.7.2) is not available.
    """
    grounds, splits = source_grounds(), {}
    for stream, (split, size) in enumerate(zip(letters.FONTS, sizes, strict=True)):
        written = [[glyph for _, glyph in fonts] for fonts in letters.glyphs(split)]
        rows = []
        for index in range(size):
            rng = np.random.default_rng((seed, stream, index))
            canvas = ground(rng, grounds[split], *_size(rng))
            scene = written_scene(rng, canvas, written, lambda glyph: glyph)
            rows.append(_box_row(rng, scene, f"letter-scenes/{split}/{seed}/{index:04}"))
        splits[split] = _rows(boxed(letters.NAMES), rows)
    return DatasetDict(splits)


def sprite_masks(seed: int = 0, sizes: tuple[int, int] = (2400, 120)) -> DatasetDict:
    """Drawings on any ground, one over another: 96-128 pixels a side, 1-4 drawings of 24-96 pixels, six classes.

    A row is a pure function of seed, split and index. No drawing or photograph is in both splits.

    Args:
        seed: Seed of everything random.
        sizes: Rows of train and validation.

    Returns:
        Splits ``train`` and ``validation``, rows as :func:`masked`.

    Raises:
        UnavailableError: A wheel (of arcade 3.3.3, scikit-image 0.25.2, scikit-learn 1.7.2) is not available.
    """
    grounds, splits = source_grounds(), {}
    for stream, (split, parted) in enumerate(drawings(seed).items()):
        things = list(parted.values())
        rows = []
        for index in range(sizes[stream]):
            rng = np.random.default_rng((seed, stream, index))
            scene = sprite_pile(rng, things, grounds[split])
            rows.append(_mask_row(rng, scene, f"sprite-masks/{split}/{seed}/{index:04}"))
        splits[split] = _rows(masked(MASKS), rows)
    return DatasetDict(splits)


def digit_scenes(seed: int = 0, train: int = 200, validation: int = 60, test: int = 200) -> DatasetDict:
    """Real handwritten digits in real photographs: 128-192 pixels a side, 0-4 digits of 16-60 pixels, five classes.

    A row is a pure function of seed, split and index. Digits are of the splits of
    :func:`tlzoo.data.packaged.digits.digits`, photographs of those of
    :func:`tlzoo.data.packaged.photographs.regions`; neither is in two.

    Args:
        seed: Decides which digits belong to which split, and everything else.
        train: Number of training images.
        validation: Number of validation images.
        test: Number of test images.

    Returns:
        Splits ``train``, ``validation`` and ``test``, rows as :func:`boxed`; ``group`` is the region of a photograph.

    Raises:
        UnavailableError: A wheel (of scikit-image 0.25.2 or scikit-learn 1.7.2) is not available.
    """
    ink, labels = digits.inks()
    lines = digits.parted(labels, seed)
    features, splits = boxed(DIGITS), {}
    for split, size in zip(SPLITS, (train, validation, test), strict=True):
        grounds = list(regions(split).items())
        written = [[ink[i] for i in lines[split] if labels[i] == int(name)] for name in DIGITS]
        rows = []
        for index in range(size):
            rng = np.random.default_rng((seed, SPLITS.index(split), index))
            group, photograph = grounds[index % len(grounds)]
            scene = written_scene(rng, cut(rng, photograph, *_size(rng)), written, _stroke)
            rows.append(_box_row(rng, scene, f"digit-scenes/{split}/{seed}/{index:04}", group))
        splits[split] = _rows(features, rows)
    return DatasetDict(splits)


def sprite_pile(rng: np.random.Generator, things: Sequence[Sequence[Drawing]], photographs: Sequence[Pixels]) -> Scene:
    """One picture of :func:`sprite_masks`, of the drawings of each class."""
    height, width = map(int, rng.integers(96, 129, 2))
    scene = Scene(ground(rng, photographs, height, width), [], [])
    for _ in range(rng.integers(1, 5)):
        label, cutout = _any(rng, things, int(rng.integers(24, 97)))
        high, wide = cutout.size
        scene.add(cutout, int(rng.integers(width - wide + 1)), int(rng.integers(height - high + 1)), label)
    return scene


def written_scene(
    rng: np.random.Generator,
    canvas: Pixels,
    written: Sequence[Sequence[Glyph]],
    drawn: Callable[[Glyph], Image.Image],
) -> Scene:
    """Set 0-4 glyphs of 16-60 pixels apart on a canvas, each in a colour that stands out.

    Args:
        rng: Decides.
        canvas: The background, changed in place.
        written: Glyphs of each class.
        drawn: Turns a glyph into a picture of mode RGBA, opaque where there is ink.
    """
    scene = Scene(canvas, [], [])
    taken = np.zeros(canvas.shape[:2], dtype=np.bool_)
    for _ in range(rng.choice(5, p=(0.1, 0.25, 0.3, 0.2, 0.15))):
        label = int(rng.integers(len(written)))
        glyph = written[label][int(rng.integers(len(written[label])))]
        cutout = turned(rng, drawn(glyph), int(rng.integers(16, 61)), letters.TILT, mirrored=False)
        if (place := take(rng, taken, cutout.size)) is not None:
            scene.add(inked(rng, cutout, canvas, *place), *place, label)
    return scene


def _size(rng: np.random.Generator) -> tuple[int, int]:
    """Height and width of a scene with glyphs."""
    height, width = map(int, rng.integers(128, 193, 2))
    return height, width


def _box_row(rng: np.random.Generator, scene: Scene, title: str, group: str | None = None) -> _BoxRow:
    """A scene with boxes; without a group it is one of its own."""
    objects: _Boxes = {"bbox": [box_of(mask) for mask in scene.masks], "category": scene.classes}
    return {"image": _image(rng, scene, title), "objects": objects, "group": group or title, "id": title}


def _mask_row(rng: np.random.Generator, scene: Scene, title: str) -> _MaskRow:
    indices = scene.indices()
    mask: Stored = {"bytes": encode_png(indices), "path": f"{title}-mask.png"}
    classes: list[int] = np.unique(indices).tolist()
    return {"image": _image(rng, scene, title), "mask": mask, "classes": classes, "group": title, "id": title}


def _image(rng: np.random.Generator, scene: Scene, title: str) -> Stored:
    return {"bytes": encode_png(finished(rng, scene.canvas)), "path": f"{title}.png"}


def _rows(features: Features, rows: Sequence[Mapping[str, object]]) -> Dataset:
    return table(features, {column: [row[column] for row in rows] for column in features})


def _any(rng: np.random.Generator, things: Sequence[Sequence[Drawing]], side: int) -> tuple[int, Cutout]:
    """A drawing of a random class, all equally likely, in random light."""
    label = int(rng.integers(len(things)))
    _, picture = things[label][int(rng.integers(len(things[label])))]
    return label, recoloured(rng, turned(rng, picture, side))


def _stroke(ink: NDArray[np.float32]) -> Image.Image:
    """Ink of 8 x 8 as a smooth stroke: white, opaque where there is ink, 80 pixels a side."""
    padded = Image.fromarray((np.pad(ink, 1) * 255).round().astype(np.uint8))
    fine = np.asarray(padded.resize((80, 80), Image.Resampling.BICUBIC), np.float32) / 255
    image = Image.new("RGBA", (80, 80), "white")
    image.putalpha(Image.fromarray(((fine - 0.25) / 0.4 * 255).clip(0, 255).astype(np.uint8)))
    return image
