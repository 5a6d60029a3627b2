"""Baselines of pose estimation: the mean pose; that of the most similar picture, or a linear map of gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tlzoo.baselines.fitted import Fitted, best
from tlzoo.baselines.pictures import gradients, picture, pixels, small
from tlzoo.core.predictions import Poses

if TYPE_CHECKING:
    from tlzoo.core.batch import Row
    from tlzoo.core.task import Task

Rows = Sequence["Row"]
Array = NDArray[np.float64]
_PENALTIES = (10.0, 100.0, 1000.0)


def trivial(task: Task, kind: str, train: Rows) -> Fitted:
    """The mean place of each point of the largest person of each training row, as a share of the picture."""
    mean = _filled(task, train)[1].mean(0)
    return Fitted("the mean pose", lambda rows: [_pose(task, mean, picture(row).size) for row in rows])


def classical(task: Task, kind: str, train: Rows, validation: Rows) -> Fitted:
    """The pose of the most similar training picture, or ridge regression of the points on oriented gradients."""
    people, poses = _filled(task, train)
    images = [small(row) for row in people]
    return best(task, _variants(task, images, poses), validation)


def _variants(task: Task, images: Sequence[Array], poses: Array) -> Iterator[Fitted]:
    from sklearn.linear_model import Ridge
    from sklearn.neighbors import KNeighborsRegressor

    flat = poses.reshape(len(poses), -1)
    for name, features in (("pixels", pixels), ("oriented gradients", gradients)):
        given = features(images)
        nearest = KNeighborsRegressor(1).fit(given, flat)
        yield Fitted(f"pose of the picture nearest in {name}", partial(_predicted, task, features, nearest))
        for penalty in _PENALTIES:
            linear = Ridge(penalty).fit(given, flat)
            yield Fitted(f"ridge regression of {name} ({penalty:g})", partial(_predicted, task, features, linear))


class _Regressor(Protocol):
    def predict(self, given: Array) -> Any: ...


def _predicted(
    task: Task, features: Callable[[Sequence[Array]], Array], regressor: _Regressor, rows: Rows
) -> list[Poses]:
    poses = []
    for row in rows:
        points = np.asarray(regressor.predict(features([small(row)])))
        poses.append(_pose(task, points.reshape(-1, 2), picture(row).size))
    return poses


def _filled(task: Task, train: Rows) -> tuple[list[Row], Array]:
    """Training rows with a person, and the largest one's points as shares of width and height.

    Points without a label are where they are on average; of a name that is never labelled, in the middle.
    """
    people: list[Row] = []
    poses = []
    for row in train:
        boxes = np.asarray(row["people"]["bbox"], np.float64).reshape(-1, 4)
        if len(boxes):
            largest = int(boxes[:, 2:].prod(1).argmax())
            points = np.asarray(row["people"]["keypoints"][largest], np.float64)
            places = points[:, :2] / picture(row).size
            poses.append(np.where(points[:, 2:] > 0, places, np.nan))
            people.append(row)
    if not people:
        people, poses = [train[0]], [np.full((len(task.labels), 2), np.nan)]
    known = np.stack(poses)
    labelled = ~np.isnan(known)
    middle = np.where(labelled.any(0), np.where(labelled, known, 0).sum(0) / np.maximum(labelled.sum(0), 1), 0.5)
    return people, np.where(labelled, known, middle)


def _pose(task: Task, shares: Array, size: tuple[int, int]) -> Poses:
    points = np.clip(shares, 0, 1) * size
    return Poses([points.tolist()], [[1.0] * len(points)], [1.0], list(task.labels))
