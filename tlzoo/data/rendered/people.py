"""People drawn over real photographs, with exact keypoints: clothed bodies, lit from one side.

Figures are as sharp and as noisy as a photograph of their size, a part of the photograph may lie in front of them, and
they may extend beyond the picture. No photograph occurs in two splits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from tlzoo.data.dataset import table
from tlzoo.data.media.pasting import Pixels, cut
from tlzoo.data.packaged.photographs import PHOTOGRAPHS, regions
from tlzoo.data.rendered.canvas import Canvas, Colour, people_row
from tlzoo.data.rendered.skeleton import Body, Points, pose
from tlzoo.data.schemas import PEOPLE_FEATURES

_SKIN = ((246, 214, 188), (232, 186, 150), (205, 150, 110), (160, 108, 74), (112, 72, 48), (74, 48, 34))
_HAIR = ((24, 20, 18), (62, 42, 28), (120, 82, 48), (196, 158, 96), (150, 60, 36), (150, 148, 146))


def figures(seed: int = 0, train: int = 200, validation: int = 60, test: int = 200) -> DatasetDict:
    """Draw one person a picture, 128-192 pixels a side, over a photograph of scikit-image.

    One person in eight is cut off by the picture's edge, one in six partly behind something.

    Args:
        seed: Seed of everything random; a smaller split is the beginning of a larger one.
        train: Number of training pictures.
        validation: Number of validation pictures.
        test: Number of test pictures.

    Returns:
        Splits ``train``, ``validation`` and ``test``, rows as in ``tlzoo.data.schemas.PEOPLE_FEATURES``; ``group``
        is the photograph.

    Raises:
        UnavailableError: The wheel of scikit-image 0.25.2 is not available.
    """
    sizes = {"train": train, "validation": validation, "test": test}
    return DatasetDict({split: _split(seed, split, size) for split, size in sizes.items()})


def _split(seed: int, split: str, size: int) -> Dataset:
    photographs = regions(split)
    names = list(photographs)
    columns: dict[str, list[Any]] = {name: [] for name in PEOPLE_FEATURES}
    for i in range(size):
        rng = np.random.default_rng([seed, list(PHOTOGRAPHS).index(split), i])
        name = names[i % len(names)]
        row = people_row(*_scene(rng, photographs[name]), name, f"{split}-{i:04d}")
        for column, value in row.items():
            columns[column].append(value)
    return table(PEOPLE_FEATURES, columns)


def _scene(rng: np.random.Generator, photograph: Pixels) -> tuple[NDArray[np.uint8], Canvas]:
    """A picture, and the canvas that knows where the person is on it."""
    height, width = (int(n) for n in rng.integers(128, 193, 2))
    canvas = Canvas(pose(rng), height, width, rng, cut_off=rng.random() < 0.125)
    _dressed(canvas, canvas.body, rng)
    ground = cut(rng, photograph, height, width)
    drawn, cover = canvas.rendered()
    drawn = _lit(rng, drawn, ground)
    cover = np.asarray(
        Image.fromarray((cover * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.6)), np.float32
    )
    picture = ground + (drawn - ground) * cover[..., None] / 255
    if rng.random() < 1 / 6:
        front = canvas.screen(rng)
        other = cut(rng, photograph, height, width)
        picture = np.where(front[..., None], other, picture)
    return picture.round().clip(0, 255).astype(np.uint8), canvas


def _lit(rng: np.random.Generator, drawn: Pixels, ground: Pixels) -> Pixels:
    """Light, cloth and grain: a slope of brightness over the figure, soft blotches, and the camera's noise."""
    height, width = drawn.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    slope = np.add.outer(np.sin(angle) * np.linspace(-1, 1, height), np.cos(angle) * np.linspace(-1, 1, width))
    coarse = Image.fromarray(rng.normal(0, 1, (height // 4, width // 4)).astype(np.float32))
    blotches = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
    light = 1 + 0.2 * slope + rng.uniform(0, 0.1) * blotches + 0.0015 * (ground.mean() - 110)
    grain = rng.normal(0, rng.uniform(1, 6), (height, width, 1))
    return np.asarray(drawn * light[..., None] + grain, np.float32)


def _dressed(canvas: Canvas, body: Body, rng: np.random.Generator) -> None:
    """Draw a clothed person, from far to near."""
    skin = _near(rng, _SKIN[rng.integers(len(_SKIN))], 10)
    hair = _near(rng, _HAIR[rng.integers(len(_HAIR))], 12)
    shirt, trousers, shoes = (_near(rng, tuple(rng.integers(20, 236, 3)), 0) for _ in range(3))
    light = np.array([rng.uniform(-0.4, 0.4), rng.uniform(-0.5, -0.1)])
    sleeve, leg = rng.choice(3, p=(0.15, 0.5, 0.35)), rng.choice(2, p=(0.3, 0.7))
    skirt = rng.random() < 0.2
    at, b = body.points, body.build
    for side in ("left", "right"):
        shoulder, elbow, wrist, hand = (at[f"{side}_{n}"] for n in ("shoulder", "elbow", "wrist", "hand"))
        upper, lower = (skin, skin) if sleeve == 0 else (shirt, skin if sleeve == 1 else shirt)
        canvas.limb(f"{side}_arm", shoulder, elbow, 0.036 * b, 0.028 * b, upper, light)
        if sleeve == 1 and rng.random() < 0.5:  # a short sleeve ends above the elbow
            canvas.limb(
                f"{side}_arm", shoulder + 0.6 * (elbow - shoulder), elbow, 0.03 * b, 0.027 * b, skin, light, 0.001
            )
        canvas.limb(f"{side}_forearm", elbow, wrist, 0.028 * b, 0.02 * b, lower, light)
        canvas.limb(f"{side}_forearm", wrist, hand, 0.021, 0.017, skin, light)
        hip, knee, ankle, toe = (at[f"{side}_{n}"] for n in ("hip", "knee", "ankle", "toe"))
        bare = skin if leg == 0 or skirt else trousers
        canvas.limb(f"{side}_thigh", hip, knee, 0.056 * b, 0.04 * b, trousers, light)
        canvas.limb(f"{side}_shin", knee, ankle, 0.038 * b, 0.024 * b, bare, light)
        canvas.limb(f"{side}_shin", ankle, toe, 0.026, 0.02, shoes, light)
    _trunk(canvas, body, shirt, trousers, light, skirt)
    _head(canvas, body, skin, hair, light, rng)


def _trunk(canvas: Canvas, body: Body, shirt: Colour, trousers: Colour, light: Points, skirt: bool) -> None:
    at, b = body.points, body.build
    hips, shoulders = (np.stack([at[f"left_{n}"], at[f"right_{n}"]]) for n in ("hip", "shoulder"))
    waist = shoulders + 0.62 * (hips - shoulders)
    waist = waist.mean(0) + 0.85 * (waist - waist.mean(0))
    canvas.hull("trunk", np.concatenate([waist, hips]), 0.05 * b, trousers, light)
    canvas.hull("trunk", np.concatenate([shoulders, waist]), 0.045 * b, shirt, light, nearer=0.001)
    if skirt:
        knees = np.stack([at["left_knee"], at["right_knee"]])
        hem = hips + 0.6 * (knees - hips)
        canvas.hull("trunk", np.concatenate([hips, hem]), 0.055 * b, trousers, light, nearer=0.03)


def _head(canvas: Canvas, body: Body, skin: Colour, hair: Colour, light: Points, rng: np.random.Generator) -> None:
    at, r = body.points, body.radius
    canvas.limb("trunk", at["neck"], at["head"], 0.034, 0.032, _times(skin, 0.9), light, nearer=0.002)
    canvas.ball("head", at["head"], 0.8 * r, r, body.head, skin, light)
    for name in ("left_ear", "right_ear"):
        if body.faces(name):
            canvas.ball("head", at[name], 0.16 * r, 0.26 * r, body.head, _times(skin, 0.88), light)
    back = at["head"] + body.head.T @ np.array([0, -0.3 * r, -0.38 * r])
    canvas.ball("head", back, 0.82 * r, 0.86 * r, body.head, hair, light, nearer=-0.02 if body.head[2, 2] > 0 else 0.02)
    if rng.random() < 0.35:  # long hair hides the ears
        for side in ("left", "right"):
            low = at[f"{side}_ear"] + body.head.T @ np.array([0, 1.1 * r, -0.1 * r])
            canvas.limb("hair", at[f"{side}_ear"] - 0.4 * r * body.head[1], low, 0.26 * r, 0.3 * r, hair, light)
    cap = at["head"] + body.head.T @ np.array([0, -0.66 * r, 0.1 * r])
    canvas.ball("head", cap, 0.72 * r, 0.42 * r, body.head, hair, light, nearer=0.1 * r)
    mouth = at["head"] + body.head.T @ np.array([0, 0.5 * r, 0.85 * r])
    if body.faces("nose"):
        canvas.limb(
            "head",
            mouth - 0.2 * r * body.head[0],
            mouth + 0.2 * r * body.head[0],
            0.06 * r,
            0.06 * r,
            (150, 70, 66),
            None,
        )
        bridge = at["nose"] - 0.3 * r * body.head[1]
        canvas.limb("head", bridge, at["nose"], 0.07 * r, 0.12 * r, _times(skin, 0.8), None)
    for name in ("left_eye", "right_eye"):
        if body.faces(name):
            canvas.ball("head", at[name], 0.17 * r, 0.11 * r, body.head, (235, 235, 230), None)
            canvas.ball("head", at[name], 0.09 * r, 0.1 * r, body.head, (30, 24, 20), None, nearer=0.01 * r)
            brow = at[name] - 0.24 * r * body.head[1]
            canvas.limb(
                "head", brow - 0.17 * r * body.head[0], brow + 0.17 * r * body.head[0], 0.05 * r, 0.05 * r, hair, None
            )


def _near(rng: np.random.Generator, colour: tuple[int, ...], spread: float) -> Colour:
    r, g, b = (int(np.clip(c + rng.normal(0, spread or 1e-9), 0, 255)) for c in colour)
    return r, g, b


def _times(colour: Colour, factor: float) -> Colour:
    r, g, b = (min(255, int(c * factor)) for c in colour)
    return r, g, b
