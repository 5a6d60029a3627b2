"""Classes that are much larger than others, or too small to learn and to test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tlzoo.data.suspects import Suspect

RATIO = 3
"""How many times the smallest class the largest may be."""
FEW = 10
"""Examples below which a class can hardly be learnt and tested."""


def sizes(classes: Mapping[str, int]) -> Iterator[Suspect]:
    """What is suspicious about the numbers of examples by class."""
    if not classes:
        return
    small, large = min(classes, key=lambda name: classes[name]), max(classes, key=lambda name: classes[name])
    if classes[large] > RATIO * classes[small]:
        times = classes[large] / classes[small]
        yield Suspect(
            "imbalance",
            f"{large} has {classes[large]:,} examples, {times:.0f} times as many as {small} ({classes[small]:,})",
        )
    for name, count in classes.items():
        if count < FEW:
            yield Suspect("few examples", f"class {name} has {count}")
