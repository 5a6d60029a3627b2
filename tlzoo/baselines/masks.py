"""Baselines of segmentation: the most frequent class everywhere; a threshold, or a classifier of pixels."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tlzoo.baselines.fitted import Fitted, best
from tlzoo.baselines.pictures import picture
from tlzoo.core.predictions import Mask
from tlzoo.data.media.geometry import IGNORED
from tlzoo.data.media.image import read_values

if TYPE_CHECKING:
    from tlzoo.core.batch import Row
    from tlzoo.core.task import Task

Rows = Sequence["Row"]
Pixels = NDArray[np.uint8]
_SAMPLED = 20_000  # pixels of all training pictures that the classifier learns from
_SCALES = (1.0, 2.0, 4.0)  # standard deviations of the Gaussians that pixels are blurred with
_SEED = 0


def trivial(task: Task, kind: str, train: Rows) -> Fitted:
    """The most frequent class of the pixels of the training rows, everywhere."""
    areas = [np.bincount(read_values(row["mask"]).ravel(), minlength=IGNORED + 1) for row in train]
    most = int(np.argmax(np.sum(areas, axis=0)[: len(task.labels)]))

    def predict(rows: Rows) -> list[Mask]:
        return [Mask(np.full(picture(row).size[::-1], most, np.uint8), task.labels) for row in rows]

    return Fitted(f"the most frequent class everywhere, {task.labels[most]}", predict)


def classical(task: Task, kind: str, train: Rows, validation: Rows) -> Fitted:
    """Otsu's threshold where there are two classes, or logistic regression of pixels and their surroundings."""
    return best(task, [*_thresholds(task), _of_pixels(task, train)], validation)


def _thresholds(task: Task) -> Iterator[Fitted]:
    """Otsu's threshold of each picture (1979, doi:10.1109/TSMC.1979.4310076); either class may be its bright part."""
    if len(task.labels) == 2:
        for bright in range(2):
            what = f"Otsu's threshold, {task.labels[bright]} is bright"
            yield Fitted(what, partial(_divided, task.labels, bright))


def _divided(labels: Sequence[str], bright: int, rows: Rows) -> list[Mask]:
    masks = []
    for row in rows:
        grey = _grey(row)
        masks.append(Mask(np.where(grey > otsu(grey), bright, 1 - bright).astype(np.uint8), labels))
    return masks


def otsu(grey: Pixels) -> float:
    """The threshold between the two parts of a picture whose means are farthest apart; of one colour, that."""
    from skimage import filters

    return float(filters.threshold_otsu(grey))


def _of_pixels(task: Task, train: Rows) -> Fitted:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(_SEED)
    share = max(1, _SAMPLED // len(train))
    features, labels = [], []
    for row in train:
        mask = read_values(row["mask"]).ravel()
        counted = np.flatnonzero(mask < len(task.labels))
        chosen = rng.choice(counted, min(share, len(counted)), replace=False)
        features.append(_surroundings(row)[0][chosen])
        labels.append(mask[chosen])
    known = np.unique(np.concatenate(labels))
    if len(known) < 2:
        return trivial(task, "image", train)
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "lbfgs failed to converge")
        classifier.fit(np.concatenate(features), np.concatenate(labels))
    return Fitted("logistic regression of each pixel's surroundings", partial(_classified, task.labels, classifier))


def _classified(labels: Sequence[str], classifier: Any, rows: Rows) -> list[Mask]:
    masks = []
    for row in rows:
        features, size = _surroundings(row)
        masks.append(Mask(classifier.predict(features).reshape(size).astype(np.uint8), labels))
    return masks


def _grey(row: Row) -> Pixels:
    return np.asarray(picture(row).convert("L"))


def _surroundings(row: Row) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """Colour of each pixel, sharp and blurred, how much brightness varies about it, and their squares.

    Returns:
        ``(pixels, features)``, and the picture's height and width.
    """
    from scipy.ndimage import gaussian_filter

    image = np.asarray(picture(row), np.float32) / 255
    grey = image.mean(2)
    maps = [image]
    for scale in _SCALES:
        maps.append(gaussian_filter(image, (scale, scale, 0)))
        spread = gaussian_filter(grey**2, scale) - gaussian_filter(grey, scale) ** 2
        maps.append(np.sqrt(np.maximum(spread, 0))[..., None])
    features = np.concatenate(maps, 2)
    return np.concatenate([features, features**2], 2).reshape(grey.size, -1), (image.shape[0], image.shape[1])
