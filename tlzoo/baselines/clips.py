"""Baselines of making the frames of a clip: the best of some blends; a linear map of the pixels nearby.

The likelihood of the true frames is that of histograms: of all values, or of the errors of the map, one histogram for
each degree of contrast among the given pixels nearby.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tlzoo.baselines.fitted import Fitted
from tlzoo.core.predictions import Clip
from tlzoo.data.media.clips import FRAMES, SIDE, clip
from tlzoo.tasks.video_generation import naive, psnr

if TYPE_CHECKING:
    from tlzoo.core.batch import Row
    from tlzoo.core.task import Task

Rows = Sequence["Row"]
Frames = NDArray[np.uint8]
Array = NDArray[np.float64]
GIVEN = {"video": (0, 1, 2), "ends": (0, FRAMES - 1)}
"""Places of the frames that are given, by the kind of input, as the models of the catalogue have them."""
_NAMES = {
    "repeated": "the nearest given frame",
    "blended": "a blend of the given frames before and after",
    "mean": "frames of one mean colour",
    "median": "frames of one median colour",
}
"""What makes the frames, by its name in :func:`tlzoo.tasks.video_generation.naive`."""
_REACH = 3
"""Pixels to each side that the linear map looks at."""
_SCORED = 4  # frames whose likelihood is taken, the first ones after those given, as for models
_CONTRASTS = (0.02, 0.1, 0.3, 0.6)  # of given pixels nearby, between which there is a histogram of errors each
_MOST_CLIPS = 100  # that the map is fitted to
_SAMPLED = 400  # pixels of each frame of a clip that the map is fitted to
_PENALTY = 1e-3
_SEED = 0


def trivial(task: Task, kind: str, train: Rows) -> Fitted:
    """The best on the training clips of repeating, blending, and frames of one colour."""
    given = GIVEN[kind]
    places = _places(given)
    clips = [_read(row) for row in _some(train)]
    makes = [naive(whole, places, given) for whole in clips]
    reached = {
        name: np.mean([psnr(whole[places], made[name]) for whole, made in zip(clips, makes, strict=True)])
        for name in makes[0]
    }
    best = max(reached, key=lambda name: reached[name])
    counts = np.bincount(np.concatenate([whole[places].ravel() for whole in clips]), minlength=256)
    bits = -np.log2((counts + 1) / (counts.sum() + 256))

    def predict(rows: Rows) -> list[Clip]:
        predictions = []
        for row in rows:
            whole = _read(row)
            likelihood = float(bits[whole[places[:_SCORED]]].mean()) if kind == "video" else None
            predictions.append(Clip(naive(whole, places, given)[best], places, list(given), likelihood))
        return predictions

    return Fitted(_NAMES[best], predict)


def classical(task: Task, kind: str, train: Rows, validation: Rows) -> Fitted:
    """A linear map from the given frames' pixels nearby to each pixel, another one for each frame to make."""
    given = GIVEN[kind]
    clips = np.stack([_read(row) for row in _some(train)])
    fitted = _Linear.fit(clips, given)

    def predict(rows: Rows) -> list[Clip]:
        predictions = []
        for row in rows:
            whole = _read(row)
            frames, likelihood = fitted.predicted(whole, kind == "video")
            predictions.append(Clip(frames, _places(given), list(given), likelihood))
        return predictions

    size = 2 * _REACH + 1
    return Fitted(f"ridge regression of {size} x {size} pixels of each given frame", predict)


@dataclass(frozen=True)
class _Linear:
    """A linear map for each frame to make.

    Attributes:
        given: Places of the given frames.
        weights: Of the pixels nearby in each given frame, and a constant, ``(frames, inputs + 1)``.
        table: Bits of a true value, by contrast and the value predicted, ``(scored frames, contrasts, 256, 256)``.
    """

    given: tuple[int, ...]
    weights: Array
    table: Array

    @classmethod
    def fit(cls, clips: Frames, given: tuple[int, ...]) -> _Linear:
        """Fit the maps to clips, ``(clips, frames, height, width, 3)``."""
        rng = np.random.default_rng(_SEED)
        places = _places(given)
        inputs, outputs = [], []
        for whole in clips:
            near = _nearby(whole[list(given)])
            chosen = rng.integers(near.shape[0], size=_SAMPLED)
            inputs.append(near[chosen])
            outputs.append(whole[places].reshape(len(places), -1)[:, chosen].T / 255)
        x, y = np.concatenate(inputs), np.concatenate(outputs)
        inner = x.T @ x / len(x) + _PENALTY * np.diag([*np.ones(x.shape[1] - 1), 0.0])
        weights = np.linalg.solve(inner, x.T @ y / len(x)).T
        unscored = cls(given, weights, np.zeros((0, 0, 256, 256)))
        counts = np.full((_SCORED, len(_CONTRASTS) + 1, 511), 1 / 511)
        for whole in clips:
            near = _nearby(whole[list(given)])
            made, contrast = unscored._made(near), _contrast(near)
            for i, place in enumerate(places[:_SCORED]):
                error = whole[place].ravel().astype(np.int64) - made[i]
                counts[i] += np.bincount(contrast * 511 + error + 255, minlength=counts[i].size).reshape(-1, 511)
        errors = counts + counts.sum(1, keepdims=True) / counts.sum((1, 2), keepdims=True)
        wanted = np.arange(256) - np.arange(256)[:, None] + 255  # the error that gives a value, by what is predicted
        likely = errors[:, :, wanted]
        return cls(given, weights, -np.log2(likely / likely.sum(3, keepdims=True)))

    def _made(self, near: Array) -> NDArray[np.int64]:
        """Values, 0 to 255, of each frame to make, ``(frames, values)``."""
        return np.asarray(((self.weights @ near.T).clip(0, 1) * 255).round(), np.int64)

    def predicted(self, whole: Frames, likely: bool) -> tuple[Frames, float | None]:
        """The frames that are not given, ``(frames, height, width, 3)``, and bits per value of the first true ones."""
        near = _nearby(whole[list(self.given)])
        made, bits = self._made(near), None
        if likely:
            contrast, true = _contrast(near), whole[_places(self.given)].reshape(len(made), -1)
            bits = float(np.mean([self.table[i][contrast, made[i], true[i]].mean() for i in range(len(self.table))]))
        return made.astype(np.uint8).reshape(-1, *whole.shape[1:]), bits


def _contrast(near: Array) -> NDArray[np.int64]:
    """Which of :data:`_CONTRASTS` lie below the difference of the highest and the lowest given value nearby."""
    given = near[:, :-1]
    return np.asarray(np.searchsorted(_CONTRASTS, given.max(1) - given.min(1)), np.int64)


def _nearby(frames: Frames) -> Array:
    """Values about each value in its channel of each frame, 0 to 1, and a constant, ``(values, inputs + 1)``."""
    size = 2 * _REACH + 1
    padded = np.pad(frames / 255.0, ((0, 0), (_REACH, _REACH), (_REACH, _REACH), (0, 0)), mode="edge")
    spans = sliding_window_view(padded, (size, size), axis=(1, 2))  # (frames, height, width, 3, size, size)
    values = np.moveaxis(spans, 0, 3).reshape(frames[0].size, -1)
    return np.concatenate([values, np.ones((len(values), 1))], 1)


def _places(given: Sequence[int]) -> list[int]:
    return [place for place in range(FRAMES) if place not in given]


def _read(row: Row) -> Frames:
    frames: Frames = clip(row, FRAMES, SIDE).permute(0, 2, 3, 1).numpy()
    return frames


def _some(rows: Rows) -> list[Row]:
    return [rows[i] for i in range(min(len(rows), _MOST_CLIPS))]
