"""The Pareto front: points that no other point dominates."""

from __future__ import annotations

from collections.abc import Sequence


def front(costs: Sequence[Sequence[float]]) -> list[int]:
    """Indices that no other point dominates, by rising first cost.

    Args:
        costs: One tuple a point; less is better in each place.

    Returns:
        Indices of the points for which no other is at least as good in all costs and better in one.
    """

    def dominated(point: Sequence[float]) -> bool:
        return any(
            all(a <= b for a, b in zip(other, point, strict=True)) and tuple(other) != tuple(point) for other in costs
        )

    return sorted((i for i, point in enumerate(costs) if not dominated(point)), key=lambda i: tuple(costs[i]))
