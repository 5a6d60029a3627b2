"""Mannequins to pretrain nano pose estimators: outlined dolls, robots and stick men over patterns.

They share the poses of ``tlzoo.data.rendered.people`` but not its appearance: flat colours with outlines and stripes
instead of lit clothes, patterns instead of photographs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict
from numpy.typing import NDArray

from tlzoo.data.dataset import table
from tlzoo.data.rendered.canvas import Canvas, Colour, people_row
from tlzoo.data.rendered.patterns import pattern
from tlzoo.data.rendered.skeleton import Points, pose
from tlzoo.data.schemas import PEOPLE_FEATURES

_LIMBS = (
    ("arm", "shoulder", "elbow", 0.03),
    ("forearm", "elbow", "wrist", 0.025),
    ("forearm", "wrist", "hand", 0.022),
    ("thigh", "hip", "knee", 0.045),
    ("shin", "knee", "ankle", 0.034),
    ("shin", "ankle", "toe", 0.024),
)
"""Part, where it begins and ends, and half of its width."""
_EDGE = 0.008  # width of an outline, in the body's units


def mannequins(seed: int = 0, train: int = 1600, validation: int = 60) -> DatasetDict:
    """Draw one mannequin a picture, 128-160 pixels a side; one in ten is cut off by the picture's edge.

    Args:
        seed: Seed of everything random; a smaller split is the beginning of a larger one.
        train: Number of training pictures.
        validation: Number of validation pictures.

    Returns:
        Splits ``train`` and ``validation``, rows as in ``tlzoo.data.schemas.PEOPLE_FEATURES``; each is a group of
        its own.
    """
    return DatasetDict(
        {
            split: _split(seed, split, stream, size)
            for stream, (split, size) in enumerate({"train": train, "validation": validation}.items())
        }
    )


def _split(seed: int, split: str, stream: int, size: int) -> Dataset:
    columns: dict[str, list[Any]] = {name: [] for name in PEOPLE_FEATURES}
    for i in range(size):
        rng = np.random.default_rng([seed, 10 + stream, i])  # streams that figures do not draw from
        name = f"{split}-{i:04d}"
        for column, value in people_row(*_scene(rng), name, name).items():
            columns[column].append(value)
    return table(PEOPLE_FEATURES, columns)


def _scene(rng: np.random.Generator) -> tuple[NDArray[np.uint8], Canvas]:
    height, width = (int(n) for n in rng.integers(128, 161, 2))
    canvas = Canvas(pose(rng), height, width, rng, cut_off=rng.random() < 0.1)
    _draw(canvas, str(rng.choice(["doll", "robot", "stick"], p=(0.5, 0.3, 0.2))), rng)
    ground = pattern(rng, height, width)
    drawn, cover = canvas.rendered()
    picture = ground + (drawn - ground) * cover[..., None]
    if rng.random() < 0.15:
        front = canvas.screen(rng)
        picture = np.where(front[..., None], pattern(rng, height, width), picture)
    picture = picture + rng.normal(0, rng.uniform(0, 8), (height, width, 1))
    return picture.round().clip(0, 255).astype(np.uint8), canvas


def _draw(canvas: Canvas, style: str, rng: np.random.Generator) -> None:
    """Draw a mannequin in a style."""
    main, second, line = _colour(rng), _colour(rng), _colour(rng, dark=rng.random() < 0.7)
    at, width = canvas.body.points, canvas.body.build * {"doll": 1.0, "robot": 1.0, "stick": 0.45}[style]
    stripes = style != "stick" and rng.random() < 0.4
    for side in ("left", "right"):
        for part, begin, end, half in _LIMBS:
            start, stop = at[f"{side}_{begin}"], at[f"{side}_{end}"]
            _segment(canvas, f"{side}_{part}", start, stop, half * width, main, line, style)
            if stripes:
                for share in (0.3, 0.5, 0.7):
                    band = start + share * (stop - start)
                    _segment(
                        canvas,
                        f"{side}_{part}",
                        band,
                        band + 0.06 * (stop - start),
                        half * width,
                        second,
                        None,
                        style,
                        0.01,
                    )
            if style == "doll":
                radius = 0.75 * half * width
                for extra, colour in ((_EDGE, line), (0.0, second)):
                    canvas.limb(
                        f"{side}_{part}", start, start, radius + extra, radius + extra, colour, None, 0.012 - extra
                    )
    _trunk(canvas, style, main, second, line)
    _head(canvas, second if rng.random() < 0.5 else main, line, rng)


def _segment(
    canvas: Canvas,
    part: str,
    start: Points,
    stop: Points,
    half: float,
    colour: Colour,
    line: Colour | None,
    style: str,
    nearer: float = 0.0,
) -> None:
    """One limb: a rod, a bulge or a box, with an outline where ``line`` is a colour."""
    for extra, ink in ((_EDGE, line), (0.0, colour)):
        if ink is None:
            continue
        near = nearer - 0.1 * extra
        if style == "robot":
            along = (stop - start)[:2] / max(1e-6, float(np.linalg.norm((stop - start)[:2])))
            across = half * np.array([along[1], -along[0], 0])
            corners = np.stack([start - across, start + across, stop + across, stop - across])
            canvas.hull(part, corners, 0.004 + extra, ink, None, near)
        elif style == "doll":
            middle = start + 0.4 * (stop - start)
            canvas.limb(part, start, middle, 0.7 * half + extra, half + extra, ink, None, near)
            canvas.limb(part, middle, stop, half + extra, 0.6 * half + extra, ink, None, near)
        else:
            canvas.limb(part, start, stop, half + extra, half + extra, ink, None, near)


def _trunk(canvas: Canvas, style: str, main: Colour, second: Colour, line: Colour) -> None:
    at = canvas.body.points
    hips, shoulders = (np.stack([at[f"left_{n}"], at[f"right_{n}"]]) for n in ("hip", "shoulder"))
    middle = (hips.mean(0) + shoulders.mean(0)) / 2
    thick = {"doll": 0.04, "robot": 0.02, "stick": 0.012}[style]
    for extra, one, other in ((_EDGE, line, line), (0.0, main, second)):
        near = -0.1 * extra
        if style == "stick":
            canvas.limb("trunk", hips.mean(0), at["neck"], thick + extra, thick + extra, one, None, near)
            for pair in (hips, shoulders):
                canvas.limb("trunk", pair[0], pair[1], thick + extra, thick + extra, one, None, near)
        else:
            waist = np.stack([middle + 0.5 * (h - hips.mean(0)) for h in hips])
            canvas.hull("trunk", np.concatenate([hips, waist]), thick + extra, other, None, near)
            canvas.hull("trunk", np.concatenate([shoulders, waist]), thick + extra, one, None, near)
        canvas.limb("trunk", at["neck"], at["head"], 0.02 + extra, 0.02 + extra, other, None, near)


def _head(canvas: Canvas, colour: Colour, line: Colour, rng: np.random.Generator) -> None:
    body = canvas.body
    at, r, axes = body.points, body.radius, body.head
    ears, nose = _colour(rng), _colour(rng)
    for name in ("left_ear", "right_ear"):
        if body.faces(name):
            canvas.ball("head", at[name], 0.28 * r, 0.28 * r, axes, line, None)
            canvas.ball("head", at[name], 0.2 * r, 0.2 * r, axes, ears, None, 0.001)
    canvas.ball("head", at["head"], 0.8 * r + _EDGE, r + _EDGE, axes, line, None, -0.001)
    canvas.ball("head", at["head"], 0.8 * r, r, axes, colour, None)
    eyes = float(rng.uniform(0.12, 0.24)) * r
    for name in ("left_eye", "right_eye"):
        if body.faces(name):
            canvas.ball("head", at[name], eyes, eyes, axes, line, None)
            canvas.ball("head", at[name], 0.5 * eyes, 0.5 * eyes, axes, (255, 255, 255), None, 0.001)
    if body.faces("nose"):
        canvas.ball("head", at["nose"], 0.14 * r, 0.14 * r, axes, nose, None)
        mouth = at["head"] + axes.T @ np.array([0, 0.55 * r, 0.8 * r])
        canvas.limb("head", mouth - 0.25 * r * axes[0], mouth + 0.25 * r * axes[0], 0.05 * r, 0.05 * r, line, None)


def _colour(rng: np.random.Generator, dark: bool = False) -> Colour:
    r, g, b = (int(c) for c in rng.integers(0, 60 if dark else 256, 3))
    return r, g, b
