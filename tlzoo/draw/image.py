"""Pictures with their predictions, or with the truth, drawn onto them."""

from __future__ import annotations

import colorsys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache, singledispatch
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo
from scipy.ndimage import binary_erosion
from torchvision.transforms.functional import pil_to_tensor, to_pil_image
from torchvision.utils import draw_bounding_boxes, draw_segmentation_masks

from tlzoo.core.batch import Row
from tlzoo.core.predictions import Boxes, ClassScores, Mask, Poses, Prediction
from tlzoo.data.media.geometry import IGNORED
from tlzoo.data.media.image import decode
from tlzoo.data.media.keypoints import COCO_LIMBS
from tlzoo.draw.renderer import MARK, Renderer, writing

if TYPE_CHECKING:
    from datasets import Dataset, Features

Area = tuple[int, int, int, int]
Colour = tuple[int, int, int]
Legend = list[tuple[Colour | None, str]]
"""Entries below a picture: a colour, where one is explained, and a text."""

MIN_SCORE = 0.3
"""Boxes and people with a lower score are not drawn, but counted in the legend."""
MIN_POINT_SCORE = 0.2
"""Keypoints with a lower score are not drawn."""
_MIN_SIDE = 640  # pixels: shorter pictures are enlarged, so that text fits
_BACKGROUND = "background"
_INK, _PAPER = (30, 30, 30), (255, 255, 255)
_CELL = 320  # pixels, longer side of a picture on a contact sheet


class Palette:
    """A colour for each label, in the order in which they are met; the first dozen are well apart."""

    def __init__(self) -> None:
        """Start without labels."""
        self._places: dict[str, int] = {}

    def __getitem__(self, label: str) -> Colour:
        """The colour of a label; always the same one."""
        place = self._places.setdefault(label, len(self._places))
        hue = (0.02 + place * 0.618034) % 1  # the golden ratio: each new hue falls into the widest gap
        red, green, blue = colorsys.hsv_to_rgb(hue, (0.95, 0.6)[place // 6 % 2], (0.95, 0.7)[place // 12 % 2])
        return round(255 * red), round(255 * green), round(255 * blue)


class ImageRenderer(Renderer[Prediction]):
    """Draws classes, boxes, masks and poses onto their pictures; a label has the same colour in all of them."""

    suffix = sheet_suffix = ".png"
    examples_of_each = 6

    def __init__(self) -> None:
        """Start with an empty palette."""
        self.palette = Palette()

    def render(self, source: Path, prediction: Prediction, target: Path) -> None:
        """Draw a prediction onto its picture.

        Raises:
            InputError: The file cannot be written.
        """
        save(annotated(decode({"bytes": None, "path": str(source)}), prediction, self.palette), target)

    def contact_sheet(
        self, rows: Dataset, predictions: Sequence[Prediction], right: Sequence[bool], path: Path
    ) -> None:
        """Draw some right and some wrong predictions beside the truth.

        Raises:
            InputError: The file cannot be written.
        """
        palette = Palette()
        strips: list[Image.Image] = []
        for title, places in self.examples(right):
            count = sum(is_right == (title == "right") for is_right in right)
            strips.append(_line(f"{title}: {count} of {len(right)}", 20))
            strips += _lines_of([_cell(rows[i], rows.features, predictions[i], palette) for i in places])
        sheet = Image.new("RGB", (max(s.width for s in strips) + 16, sum(s.height + 8 for s in strips) + 8), _PAPER)
        top = 8
        for strip in strips:
            sheet.paste(strip, (8, top))
            top += strip.height + 8
        save(sheet, path)


def annotated(
    picture: Image.Image, prediction: Prediction, palette: Palette, side: int | None = None, is_truth: bool = False
) -> Image.Image:
    """Draw a prediction onto its picture.

    Args:
        picture: RGB; is not changed.
        prediction: Classes, boxes, a mask or poses.
        palette: Colours of the labels.
        side: Longer side of the drawn picture, pixels; by default its own, or more where it is small.
        is_truth: Whether it is the truth, whose scores are not written.

    Returns:
        The picture with boxes and labels, a mask, or limbs, and below it a legend where there is one.
    """
    canvas, scale = _resized(picture, side)
    return _above(*_overlay(prediction, canvas, palette, scale, is_truth))


def save(picture: Image.Image, path: Path) -> None:
    """Write a drawn picture as PNG, with the mark of tlzoo.

    Raises:
        InputError: The file cannot be written.
    """
    info = PngInfo()
    info.add_text(ImageRenderer.mark_field, MARK)
    with writing(path):
        picture.save(path, format="PNG", pnginfo=info)


def truth(row: Row, features: Features) -> Prediction:
    """The right answer for a row, as a prediction whose scores are 1."""
    if "objects" in row:
        boxes = [[x, y, x + w, y + h] for x, y, w, h in row["objects"]["bbox"]]
        names = features["objects"]["category"].feature.names
        return Boxes(boxes, [1.0] * len(boxes), [names[c] for c in row["objects"]["category"]])
    if "mask" in row:
        from tlzoo.data.media.image import read_values

        return Mask(read_values(row["mask"]), features["classes"].feature.names)
    if "people" in row:
        people = row["people"]["keypoints"]
        visible = [[float(point[2] > 0) for point in person] for person in people]
        points = [[point[:2] for point in person] for person in people]
        return Poses(points, visible, [1.0] * len(points), features["parts"].feature.names)
    label = features["label"].int2str(row["label"])
    return ClassScores(label, 1.0, {label: 1.0})


def _resized(picture: Image.Image, side: int | None) -> tuple[Image.Image, float]:
    """A copy whose longer side is as wanted, or at least ``_MIN_SIDE``; and its scale."""
    longest = max(picture.size)
    scale = side / longest if side else max(1, -(-_MIN_SIDE // longest))
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    canvas = picture.resize(size, Image.Resampling.BICUBIC) if size != picture.size else picture.copy()
    return canvas, scale


@singledispatch
def _overlay(
    prediction: Prediction, canvas: Image.Image, palette: Palette, scale: float, is_truth: bool
) -> tuple[Image.Image, Legend]:
    """The canvas with a prediction drawn onto it, and the legend that goes below."""
    raise TypeError(f"{type(prediction).__name__} is not drawn onto pictures")


@_overlay.register
def _(
    prediction: Boxes, canvas: Image.Image, palette: Palette, scale: float, is_truth: bool
) -> tuple[Image.Image, Legend]:
    line, size = _measures(canvas)
    labels, scores = prediction.labels, prediction.scores
    order, others = _chosen(scores, "boxes")
    areas = {i: _area(prediction.boxes[i], scale) for i in order}
    backwards = order[::-1]  # the best one on top
    if order:
        corners = torch.tensor([areas[i] for i in backwards])
        colours = [palette[labels[i]] for i in backwards]
        canvas = to_pil_image(draw_bounding_boxes(pil_to_tensor(canvas), corners, colors=colours, width=line))
    draw = ImageDraw.Draw(canvas)
    for i in backwards:
        for x, y in prediction.keypoints[i] if prediction.keypoints is not None else ():
            draw.circle((x * scale, y * scale), line, fill=palette[labels[i]])
    taken: list[Area] = []
    for i in order:
        text = labels[i] if is_truth else _scored(labels[i], scores[i])
        _tag(canvas, draw, areas[i], text, palette[labels[i]], size, taken)
    count = Counter(labels[i] for i in order)
    return canvas, [(palette[label], f"{label}: {n}") for label, n in count.most_common()] + others


@_overlay.register
def _(
    prediction: Poses, canvas: Image.Image, palette: Palette, scale: float, is_truth: bool
) -> tuple[Image.Image, Legend]:
    draw, (line, size) = ImageDraw.Draw(canvas), _measures(canvas)
    place = {name: i for i, name in enumerate(prediction.names)}
    limbs = [(place[a], place[b]) for a, b in COCO_LIMBS if a in place and b in place]
    order, others = _chosen(prediction.scores, "people")
    taken: list[Area] = []
    for number, i in reversed(list(enumerate(order))):
        points = np.asarray(prediction.keypoints[i], dtype=np.float64).reshape(-1, 2) * scale
        visible = np.asarray(prediction.keypoint_scores[i], dtype=np.float64) >= MIN_POINT_SCORE
        colour = palette[f"person {number}"]
        for a, b in limbs:  # torchvision's draw_keypoints has white limbs only, which do not tell people apart
            if visible[a] and visible[b]:
                draw.line((*points[a], *points[b]), fill=colour, width=2 * line)
        for x, y in points[visible]:
            draw.circle((x, y), 2 * line, fill=_PAPER, outline=colour, width=line)
        if visible.any() and not is_truth:
            low, high = points[visible].min(0).astype(int) - 2 * line, points[visible].max(0).astype(int) + 2 * line
            _tag(canvas, draw, (*low, *high), _scored("person", prediction.scores[i]), colour, size, taken)
    return canvas, others


@_overlay.register
def _(
    prediction: Mask, canvas: Image.Image, palette: Palette, scale: float, is_truth: bool
) -> tuple[Image.Image, Legend]:
    mask, names = np.asarray(prediction.mask, dtype=np.uint8), prediction.labels
    values = [value for value in np.unique(mask) if value != IGNORED and names[value] != _BACKGROUND]
    if not values:
        return canvas, [(None, "no class but the background")]
    colours = [palette[names[value]] for value in values]
    large = np.asarray(Image.fromarray(mask).resize(canvas.size, Image.Resampling.NEAREST))
    areas = np.stack([large == value for value in values])
    width = _measures(canvas)[0]
    edges = areas & ~np.stack([binary_erosion(area, iterations=width, border_value=1) for area in areas])
    pixels = draw_segmentation_masks(pil_to_tensor(canvas), torch.from_numpy(areas), 0.5, colours)
    pixels = draw_segmentation_masks(pixels, torch.from_numpy(edges), 1.0, colours)
    texts = [f"{names[value]} {100 * (mask == value).mean():.1f} %" for value in values]
    return to_pil_image(pixels), list(zip(colours, texts, strict=True))


@_overlay.register
def _(
    prediction: ClassScores, canvas: Image.Image, palette: Palette, scale: float, is_truth: bool
) -> tuple[Image.Image, Legend]:
    best = sorted(prediction.scores, key=lambda name: -prediction.scores[name])[:3]
    return canvas, [(None, _scored(name, prediction.scores[name])) for name in best]


def _area(box: Sequence[float], scale: float) -> Area:
    x1, y1, x2, y2 = (round(value * scale) for value in box)
    return x1, y1, max(x1, x2), max(y1, y2)


def _chosen(scores: Sequence[float], what: str) -> tuple[list[int], Legend]:
    """Which of several things to draw, the best one first, and a legend for the others."""
    if not len(scores):
        return [], [(None, f"no {what}")]
    order = [i for i in sorted(range(len(scores)), key=lambda i: -scores[i]) if scores[i] >= MIN_SCORE]
    others = len(scores) - len(order)
    best = "" if order else f" (best {max(scores):.2f})"
    return order, [(None, f"{others} {what} below {MIN_SCORE}{best}")] if others else []


def _scored(name: str, score: float) -> str:
    return f"{name} {score:.2f}"


def _measures(canvas: Image.Image) -> tuple[int, int]:
    """Width of lines and size of text, in pixels."""
    longest = max(canvas.size)
    return max(1, round(longest / 320)), max(11, round(longest / 42))


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which matplotlib brings: it has Latin, Greek and Cyrillic letters."""
    import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def _tag(
    canvas: Image.Image,
    draw: ImageDraw.ImageDraw,
    area: Sequence[int],
    text: str,
    colour: Colour,
    size: int,
    taken: list[Area],
) -> None:
    """Draw a label on its colour above an area, else below or inside it; never over another label or outside."""
    font = _font(size)
    pad = size // 5
    width, height = round(font.getlength(text)) + 2 * pad, size + 2 * pad
    x = min(max(area[0], 0), max(0, canvas.width - width))
    for y in (area[1] - height, area[3], area[1]):
        free = all(x + width <= a or c <= x or y + height <= b or d <= y for a, b, c, d in taken)
        if free and (0 <= y <= canvas.height - height or y == area[1] == 0):
            break
    else:
        return
    taken.append((x, y, x + width, y + height))
    draw.rectangle((x, y, x + width, y + height), fill=colour)
    dark = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] > 140
    draw.text((x + pad, y + height / 2), text, fill=_INK if dark else _PAPER, font=font, anchor="lm")


def _above(canvas: Image.Image, legend: Legend) -> Image.Image:
    """A picture with its legend below it."""
    if not legend:
        return canvas
    size = _measures(canvas)[1]
    font, gap = _font(size), size // 2
    placed: list[tuple[float, int, Colour | None, str]] = []
    x, line = float(gap), 0
    for colour, text in legend:
        width = font.getlength(text) + (1.5 * size if colour else 0)
        if x > gap and x + width > canvas.width - gap:
            x, line = float(gap), line + 1
        placed.append((x, line, colour, text))
        x += width + size
    step = round(1.5 * size)
    wide = max(canvas.width, round(max(p[0] + font.getlength(p[3]) + 2 * size for p in placed)))
    whole = Image.new("RGB", (wide, canvas.height + gap + (line + 1) * step), _PAPER)
    whole.paste(canvas, (0, 0))
    draw = ImageDraw.Draw(whole)
    for x, row, colour, text in placed:
        middle = canvas.height + gap // 2 + row * step + step / 2
        if colour:
            draw.rectangle((x, middle - size / 2, x + size, middle + size / 2), fill=colour)
            x += 1.5 * size
        draw.text((x, middle), text, fill=_INK, font=font, anchor="lm")
    return whole


def _cell(row: Row, features: Features, prediction: Prediction, palette: Palette) -> Image.Image:
    """One example of a contact sheet: truth and prediction side by side; of a class, one picture."""
    picture, right = decode(row["image"]), truth(row, features)
    if isinstance(right, ClassScores) and isinstance(prediction, ClassScores):
        pictures = [_resized(picture, _CELL)[0]]
        words = [f"truth: {right.label}", f"predicted: {_scored(prediction.label, prediction.score)}"]
    else:
        pictures = [
            annotated(picture, right, palette, _CELL, is_truth=True),
            annotated(picture, prediction, palette, _CELL),
        ]
        words = ["truth | predicted"]
    lines = [_line(text, 12) for text in (str(row.get("id", ""))[-40:], *words)]
    wide, high = max(p.width for p in pictures) + 4, max(p.height for p in pictures)
    cell = Image.new("RGB", (wide * len(pictures), high + sum(line.height for line in lines)), _PAPER)
    for i, drawn in enumerate(pictures):
        cell.paste(drawn, (i * wide, 0))
    for i, line in enumerate(lines):
        cell.paste(line, (0, high + i * line.height))
    return cell


def _line(text: str, size: int) -> Image.Image:
    font = _font(size)
    line = Image.new("RGB", (round(font.getlength(text)) + size, round(1.6 * size)), _PAPER)
    ImageDraw.Draw(line).text((0, 0.8 * size), text, fill=_INK, font=font, anchor="lm")
    return line


def _lines_of(cells: Sequence[Image.Image]) -> Iterator[Image.Image]:
    """Cells side by side, as many as fit."""
    most = max(1, 4 * (_CELL + 4) // max((c.width for c in cells), default=1))
    for start in range(0, len(cells), most):
        few = cells[start : start + most]
        line = Image.new("RGB", (sum(c.width + 8 for c in few), max(c.height for c in few)), _PAPER)
        left = 0
        for cell in few:
            line.paste(cell, (left, 0))
            left += cell.width + 8
        yield line
