"""Pairs of texts: which hang together, so that no text is on two sides."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def components(pairs: Sequence[tuple[Hashable, Hashable]]) -> list[int]:
    """The connected component of each pair: pairs that share a member, or whose partners do, are in one."""
    place: dict[Hashable, int] = {}
    ends = np.array([[place.setdefault(member, len(place)) for member in pair] for pair in pairs]).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(place), len(place)))
    _, component = connected_components(graph, directed=False)
    return [int(c) for c in component[ends[:, 0]]]
