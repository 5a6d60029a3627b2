"""Pairs of near examples among many, by descriptors whose nearest neighbours are looked at one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = 16
"""Nearest examples that each one is compared with; more copies of it are joined through those."""

Descriptors = NDArray[np.float32]


def near_pairs(
    descriptors: Sequence[Descriptors | None], radius: float, is_same: Callable[[int, int], bool]
) -> Iterator[tuple[int, int]]:
    """Yield pairs of examples that are the same, after :func:`is_same` was asked about near ones only.

    Args:
        descriptors: Of each example, shape ``(values,)``, near for what may be the same; None is like nothing.
        radius: Maximum distance of two descriptors.
        is_same: Decides about a pair.
    """
    usable = [i for i, descriptor in enumerate(descriptors) if descriptor is not None]
    if len(usable) < 2:
        return
    from scipy.spatial import cKDTree

    points = np.stack([descriptors[i] for i in usable])  # type: ignore[misc]
    tree = cKDTree(points)
    distances, places = tree.query(points, min(NEIGHBOURS + 1, len(usable)), distance_upper_bound=radius)
    for one, (near, far) in enumerate(zip(places, distances, strict=True)):
        for other in near[np.isfinite(far)].tolist():
            is_seen = other < one and one in places[other][np.isfinite(distances[other])]
            pair = (usable[min(one, other)], usable[max(one, other)])
            if one != other and not is_seen and is_same(*pair):
                yield pair


def joined(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """For each of ``count`` examples the first one that it is connected with by pairs; itself without any."""
    parent = list(range(count))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for pair in pairs:
        first, second = sorted(map(root, pair))
        parent[second] = first
    return [root(i) for i in range(count)]
