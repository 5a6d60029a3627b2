"""How much prepared data there are: rows, classes and groups of each split, and what a test of them cannot tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tlzoo.data.protocol import smallest_visible_gain

MAX_CLASSES_SHOWN = 6
FEW_ROWS = 1000
"""Labelled rows below which it is said what gain the test can show."""
FEW_GROUPS = 6
"""Groups in the test below which its intervals are provisional."""


@dataclass(frozen=True)
class Counts:
    """How much data there is.

    Attributes:
        rows: Rows of each split.
        available: Number of rows that each split was drawn from, if known.
        classes: Rows of each class in all splits together; empty without classes.
        groups: Independent units of each split, such as speakers, documents or scenes.
        all_groups: Groups of all splits together.
        shared_groups: Groups of the test that are in training as well.
        cut: Splits that were cut from the examples to train on, since the source has none.
    """

    rows: Mapping[str, int]
    available: Mapping[str, int]
    classes: Mapping[str, int]
    groups: Mapping[str, int]
    all_groups: int
    shared_groups: int
    cut: Sequence[str] = ()

    def __str__(self) -> str:
        """One line: ``train 800 of 8,803, validation 200, test 1,000 rows; 2 classes (cat 1,200, dog 800)...``."""
        parts = [", ".join(map(self._split, self.rows)) + " rows"]
        if self.classes:
            parts.append(class_counts(self.classes, "rows "))
        if any(count < self.rows[split] for split, count in self.groups.items()):
            counts = ", ".join(f"{split} {count:,}" for split, count in self.groups.items())
            also = f", of which {self.shared_groups:,} in train as well" if self.shared_groups else ""
            parts.append(f"{self.all_groups:,} {'group' if self.all_groups == 1 else 'groups'} ({counts}{also})")
        return "; ".join(parts)

    def cautions(self, folds: int | None = None) -> list[str]:
        """What the test cannot tell, one line each: of few rows, and of few groups.

        Args:
            folds: Number of folds of cross-validation, by which all rows are tested.
        """
        lines = []
        tested, groups = self.rows["test"], self.groups["test"]
        if folds:
            tested, groups = sum(self.rows.values()), self.all_groups
            lines.append(f"cross-validation in {folds} folds: each of {tested:,} rows is tested once a seed")
        if self.classes and sum(self.rows.values()) < FEW_ROWS:
            gain = smallest_visible_gain(tested)
            shown = f"a gain under {gain:.2f} will not show" if gain < 1 else "no gain will show"
            lines.append(f"with {tested:,} test examples {shown}")
        if groups == 1 and tested > 1:
            lines.append("1 group in the test: no interval")
        elif groups < FEW_GROUPS and groups < tested:
            lines.append(f"{groups} groups in the test: intervals are provisional")
        return lines

    def _split(self, split: str) -> str:
        count, whole = self.rows[split], self.available.get(split, 0)
        drawn = f" of {whole:,}" if whole > count else ""
        return f"{split} {count:,}{drawn}{' (cut from train)' if split in self.cut else ''}"


def _class(name: str, count: int) -> str:
    return f"{name!r} {count:,}" if name.isdecimal() else f"{name} {count:,}"


def class_counts(counts: Mapping[str, int], unit: str = "") -> str:
    """Number of classes, and of each the number of its members, of which ``unit`` is the name."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if ranked[0][1] == ranked[-1][1]:
        shown = f"{ranked[0][1]:,} {unit}each"
    elif len(ranked) > MAX_CLASSES_SHOWN:
        shown = f"smallest {_class(*ranked[-1])}, largest {_class(*ranked[0])}"
    else:
        shown = ", ".join(_class(*item) for item in ranked)
    return f"{len(ranked)} {'class' if len(ranked) == 1 else 'classes'} ({shown})"
