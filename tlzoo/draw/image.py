"""Pictures with what a model found in them, or with what is right, drawn so that people can read them."""

from __future__ import annotations

import colorsys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from tlzoo.data.media.image import decode
from tlzoo.data.media.keypoints import COCO_LIMBS
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from datasets import Dataset, Features

Area = tuple[int, int, int, int]
Colour = tuple[int, int, int]
Legend = list[tuple[Colour | None, str]]
"""Entries below a picture: a colour, where one is explained, and a text."""

LEAST_SCORE = 0.3
"""Boxes and people below it are not drawn, but counted in the legend."""
LEAST_POINT = 0.2
"""Keypoints below it are not drawn."""
SUFFIX = SHEET = ".png"
_SMALL = 640  # pixels: shorter pictures are enlarged, or no text would fit
_IGNORED = 255
_BACKGROUND = "background"
_INK, _PAPER = (30, 30, 30), (255, 255, 255)
_MARK = ("Software", "tlzoo")
_OF_EACH, _CELL = 6, 320  # of a contact sheet: examples of right and of wrong ones, pixels of a picture's side


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


def drawn(
    picture: Image.Image, prediction: Mapping[str, Any], palette: Palette, side: int | None = None
) -> Image.Image:
    """Draw a prediction onto its picture.

    Args:
        picture: RGB; stays as it is.
        prediction: Of any image task; without scores it is what is right.
        palette: Colours of the labels.
        side: Longer side of the drawn picture, pixels; by default its own, or more where it is small.

    Returns:
        The picture with boxes and labels, a mask, or limbs, and below it a legend where there is one.
    """
    longest = max(picture.size)
    scale = side / longest if side else max(1, -(-_SMALL // longest))
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    canvas = picture.resize(size, Image.Resampling.BICUBIC) if size != picture.size else picture.copy()
    if "mask" in prediction:
        canvas, legend = _with_mask(canvas, prediction, palette)
    elif "boxes" in prediction:
        legend = _add_boxes(canvas, prediction, palette, scale)
    elif "keypoints" in prediction:
        legend = _add_people(canvas, prediction, palette, scale)
    else:
        legend = _classes(prediction)
    return _above(canvas, legend)


def save(picture: Image.Image, path: Path) -> None:
    """Write a drawn picture as PNG, marked as ours.

    Raises:
        InputError: The file cannot be written.
    """
    mark = PngInfo()
    mark.add_text(*_MARK)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, format="PNG", pnginfo=mark)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None


def artist() -> Callable[[Path, Mapping[str, Any], Path], None]:
    """What draws a prediction of a picture's file; a label has the same colour in all of them."""
    palette = Palette()

    def draw(source: Path, prediction: Mapping[str, Any], target: Path) -> None:
        save(drawn(decode({"bytes": None, "path": str(source)}), prediction, palette), target)

    return draw


def sheet(rows: Dataset, predictions: Sequence[Mapping[str, Any]], right: Sequence[bool], path: Path) -> None:
    """Draw some right and some wrong predictions beside the truth.

    Args:
        rows: Examples of an image task, with its features.
        predictions: One a row.
        right: Whether each of them is right.
        path: A PNG file; at most six right ones and six wrong ones are on it.

    Raises:
        InputError: The file cannot be written.
    """
    palette = Palette()
    indices = np.arange(len(predictions))
    strips: list[Image.Image] = []
    for title, hit in (("right", True), ("wrong", False)):
        of_kind = indices[np.asarray(right, dtype=bool) == hit]
        some = np.unique(np.linspace(0, len(of_kind) - 1, min(_OF_EACH, len(of_kind))).round().astype(int))
        strips.append(_line(f"{title}: {len(of_kind)} of {len(indices)}", 20))
        cells = [_cell(rows[int(i)], rows.features, predictions[int(i)], palette) for i in of_kind[some]]
        strips += _lines_of(cells)
    whole = Image.new("RGB", (max(s.width for s in strips) + 16, sum(s.height + 8 for s in strips) + 8), _PAPER)
    top = 8
    for strip in strips:
        whole.paste(strip, (8, top))
        top += strip.height + 8
    save(whole, path)


def truth(row: Mapping[str, Any], features: Features) -> dict[str, Any]:
    """What is right for a row, in the form of its task's prediction, without scores."""
    if "objects" in row:
        boxes = [[x, y, x + w, y + h] for x, y, w, h in row["objects"]["bbox"]]
        names = features["objects"]["category"].feature.names
        return {"boxes": boxes, "labels": [names[c] for c in row["objects"]["category"]]}
    if "mask" in row:
        from tlzoo.data.media.image import read_values

        return {"mask": read_values(row["mask"]), "labels": features["classes"].feature.names}
    if "people" in row:
        people = row["people"]["keypoints"]
        seen = [[float(point[2] > 0) for point in person] for person in people]
        points = [[point[:2] for point in person] for person in people]
        return {"keypoints": points, "keypoint_scores": seen, "names": features["parts"].feature.names}
    return {"label": features["label"].int2str(row["label"])}


def _add_boxes(canvas: Image.Image, prediction: Mapping[str, Any], palette: Palette, scale: float) -> Legend:
    draw, (line, size) = ImageDraw.Draw(canvas), _measures(canvas)
    boxes, labels = prediction["boxes"], prediction["labels"]
    points = prediction.get("keypoints") or [()] * len(boxes)  # some detectors of faces give them
    scores = prediction.get("scores")
    order, others = _shown(len(boxes), scores, "boxes")
    for i in reversed(order):
        x1, y1, x2, y2 = (round(v * scale) for v in boxes[i])
        draw.rectangle((x1, y1, max(x1, x2), max(y1, y2)), outline=palette[labels[i]], width=line)
        for x, y in points[i]:
            draw.circle((x * scale, y * scale), line, fill=palette[labels[i]])
    taken: list[Area] = []
    for i in order:
        area = tuple(round(v * scale) for v in boxes[i])
        _tag(canvas, draw, area, _scored(labels[i], scores and scores[i]), palette[labels[i]], size, taken)
    count = Counter(labels[i] for i in order)
    return [(palette[label], f"{label}: {n}") for label, n in count.most_common()] + others


def _add_people(canvas: Image.Image, prediction: Mapping[str, Any], palette: Palette, scale: float) -> Legend:
    draw, (line, size) = ImageDraw.Draw(canvas), _measures(canvas)
    place = {name: i for i, name in enumerate(prediction["names"])}
    limbs = [(place[a], place[b]) for a, b in COCO_LIMBS if a in place and b in place]
    scores = prediction.get("scores")
    order, others = _shown(len(prediction["keypoints"]), scores, "people")
    taken: list[Area] = []
    for number, i in reversed(list(enumerate(order))):
        points = np.asarray(prediction["keypoints"][i], dtype=np.float64).reshape(-1, 2) * scale
        seen = np.asarray(prediction["keypoint_scores"][i], dtype=np.float64) >= LEAST_POINT
        colour = palette[f"person {number}"]
        for a, b in limbs:
            if seen[a] and seen[b]:
                draw.line((*points[a], *points[b]), fill=colour, width=2 * line)
        for x, y in points[seen]:
            draw.circle((x, y), 2 * line, fill=_PAPER, outline=colour, width=line)
        if seen.any() and scores:
            low, high = points[seen].min(0).astype(int) - 2 * line, points[seen].max(0).astype(int) + 2 * line
            _tag(canvas, draw, (*low, *high), _scored("person", scores[i]), colour, size, taken)
    return others


def _with_mask(canvas: Image.Image, prediction: Mapping[str, Any], palette: Palette) -> tuple[Image.Image, Legend]:
    """Classes laid over the picture, half transparent, and their outlines."""
    mask = np.asarray(prediction["mask"], dtype=np.uint8)
    names = prediction["labels"]
    shown = np.asarray(Image.fromarray(mask).resize(canvas.size, Image.Resampling.NEAREST))
    pixels = np.array(canvas, dtype=np.float32)
    legend: Legend = []
    for value in np.unique(mask):
        if value == _IGNORED or names[value] == _BACKGROUND:
            continue
        colour, inside = palette[names[value]], shown == value
        pixels[inside] = 0.5 * pixels[inside] + 0.5 * np.array(colour, dtype=np.float32)
        pixels[_outline(inside, _measures(canvas)[0])] = colour
        legend.append((colour, f"{names[value]} {100 * (mask == value).mean():.1f} %"))
    return Image.fromarray(pixels.round().astype(np.uint8)), legend or [(None, "no class but the background")]


def _outline(inside: np.ndarray[Any, np.dtype[np.bool_]], width: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Pixels inside an area that are ``width`` pixels or less from its edge, along a row or a column."""
    edge = np.zeros_like(inside)
    edge[:, width:] |= ~inside[:, :-width]
    edge[:, :-width] |= ~inside[:, width:]
    edge[width:] |= ~inside[:-width]
    edge[:-width] |= ~inside[width:]
    return np.asarray(edge & inside)


def _classes(prediction: Mapping[str, Any]) -> Legend:
    scores = prediction.get("scores")
    if not isinstance(scores, Mapping):
        return [(None, _scored(str(prediction["label"]), prediction.get("score")))] if "label" in prediction else []
    best = sorted(scores, key=lambda name: -scores[name])[:3]
    return [(None, _scored(name, scores[name])) for name in best]


def _shown(count: int, scores: Sequence[float] | None, what: str) -> tuple[list[int], Legend]:
    """Which of many things to draw, the best one first, and what is said of the others."""
    if not count:
        return [], [(None, f"no {what}")]
    if scores is None:
        return list(range(count)), []
    order = [i for i in sorted(range(count), key=lambda i: -scores[i]) if scores[i] >= LEAST_SCORE]
    left = count - len(order)
    best = "" if order else f" (best {max(scores):.2f})"
    return order, [(None, f"{left} {what} below {LEAST_SCORE}{best}")] if left else []


def _scored(name: str, score: float | None) -> str:
    return name if score is None else f"{name} {score:.2f}"


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
    """A label on its colour above an area, else below or inside of it; not where another one is, nor outside."""
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


def _cell(row: Mapping[str, Any], features: Features, prediction: Mapping[str, Any], palette: Palette) -> Image.Image:
    """One example of a contact sheet: truth and prediction side by side; of a class, one picture."""
    picture, right = decode(row["image"]), truth(row, features)
    if "label" in right:
        shown = [drawn(picture, {}, palette, _CELL)]
        words = [f"truth: {right['label']}", f"predicted: {_scored(prediction['label'], prediction.get('score'))}"]
    else:
        shown = [drawn(picture, each, palette, _CELL) for each in (right, prediction)]
        words = ["truth | predicted"]
    lines = [_line(text, 12) for text in (str(row.get("id", ""))[-40:], *words)]
    wide, high = max(p.width for p in shown) + 4, max(p.height for p in shown)
    cell = Image.new("RGB", (wide * len(shown), high + sum(line.height for line in lines)), _PAPER)
    for i, each in enumerate(shown):
        cell.paste(each, (i * wide, 0))
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


def is_ours(path: Path) -> bool:
    """Whether a file is a picture that was drawn here."""
    try:
        with Image.open(path) as image:
            return image.info.get(_MARK[0]) == _MARK[1]
    except (OSError, Image.DecompressionBombError):
        return False
