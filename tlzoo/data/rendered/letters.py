"""Printed letters in many variations, to pretrain nano models of images.

The fonts are those of matplotlib's wheel: DejaVu, STIX, and the TeX fonts of the Basic collection.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import DatasetDict
from PIL import Image, ImageDraw, ImageFont

from tlzoo.data.dataset import table
from tlzoo.data.media.image import encode_png
from tlzoo.data.media.pasting import Pixels, finished, ground, inked, paste, turned
from tlzoo.data.protocol import balanced_choice
from tlzoo.data.schemas import class_features

FONTS = {
    "train": (
        "DejaVuSans",
        "DejaVuSans-Bold",
        "DejaVuSans-Oblique",
        "DejaVuSansMono-Bold",
        "DejaVuSansMono-Oblique",
        "DejaVuSerif",
        "DejaVuSerif-Bold",
        "DejaVuSerif-Italic",
        "STIXGeneral",
        "STIXGeneralBol",
        "STIXGeneralBolIta",
        "cmb10",
        "cmmi10",
        "cmr10",
        "cmss10",
    ),
    "validation": ("DejaVuSansMono", "DejaVuSerif-BoldItalic", "STIXGeneralItalic", "cmti10", "cmtt10"),
}
"""Fonts of each split; no font is in both."""

NAMES = (*string.ascii_uppercase, *"abdefghnqrt")
"""The 37 classes of letters that EMNIST's balanced split tells apart (Cohen 2017, 1702.05373); none is a digit."""

FEATURES = class_features("image", NAMES)
"""``group`` is the font."""

SIDE = 64
"""Height and width of a picture of :func:`letters`, in pixels."""
TILT = 15
"""Maximum rotation of a letter in either direction, degrees."""
_HEIGHT = 100  # of a font's line, pixels; more than a letter is ever pasted with

Glyph = tuple[str, Image.Image]
"""Font, and picture of mode RGBA: white, opaque where the letter is, without margins."""


def glyphs(split: str) -> list[list[Glyph]]:
    """Every letter of ``NAMES`` in every font of a split."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fonts = {name: ImageFont.truetype(folder / f"{name}.ttf", _HEIGHT) for name in FONTS[split]}
    return [[(name, _drawn(letter, font)) for name, font in fonts.items()] for letter in NAMES]


def letters(seed: int = 0, sizes: tuple[int, int] = (3000, 300)) -> DatasetDict:
    """Render one letter a picture: turned, 44-62 of 64 pixels large, in any colour on another, or on a rendered ground.

    A row is a pure function of seed, split and index; classes are balanced in every beginning, to within one row.

    Args:
        seed: Seed of everything random.
        sizes: Rows of train and validation.

    Returns:
        Splits ``train`` and ``validation``, rows as in ``FEATURES``.
    """
    splits = {}
    for stream, (split, size) in enumerate(zip(FONTS, sizes, strict=True)):
        rows = list(_rows(f"letters/{split}/{seed}", (seed, stream), size, glyphs(split)))
        splits[split] = table(FEATURES, {column: [row[column] for row in rows] for column in FEATURES})
    return DatasetDict(splits)


def _rows(
    title: str, key: tuple[int, int], size: int, written: Sequence[Sequence[Glyph]]
) -> Iterator[Mapping[str, Any]]:
    for index in range(size):
        label = balanced_choice(len(NAMES), index, (*key, 0))
        rng = np.random.default_rng((*key, 1, index))
        font, glyph = written[label][int(rng.integers(len(written[label])))]
        name = f"{title}/{index:04}"
        image = {"bytes": encode_png(finished(rng, _picture(rng, glyph))), "path": f"{name}.png"}
        yield {"image": image, "label": label, "group": font, "id": name}


def _picture(rng: np.random.Generator, glyph: Image.Image) -> Pixels:
    plain = np.broadcast_to(rng.uniform(0, 255, 3).astype(np.float32), (SIDE, SIDE, 3)).copy()
    canvas = plain if rng.random() < 0.75 else ground(rng, (), SIDE, SIDE)
    cutout = turned(rng, glyph, int(rng.integers(44, 63)), TILT, mirrored=False)
    height, width = cutout.size
    x, y = int(rng.integers(SIDE - width + 1)), int(rng.integers(SIDE - height + 1))
    paste(canvas, inked(rng, cutout, canvas, x, y), x, y)
    return canvas


def _drawn(letter: str, font: ImageFont.FreeTypeFont) -> Image.Image:
    alpha = Image.new("L", (3 * _HEIGHT, 3 * _HEIGHT))
    ImageDraw.Draw(alpha).text((_HEIGHT, _HEIGHT), letter, 255, font)
    alpha = alpha.crop(alpha.getbbox())
    glyph = Image.new("RGBA", alpha.size, "white")
    glyph.putalpha(alpha)
    return glyph
