"""Cross-validation of few examples: every one is tested once, by a model that was trained without its group.

One split of a few hundred examples tests a third of them; folds test all, and so show smaller differences
(Kohavi 1995, "A study of cross-validation and bootstrap for accuracy estimation and model selection").
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from datasets import DatasetDict, concatenate_datasets

from tlzoo.data.cuts import SHARES, group_cut
from tlzoo.data.dataset import Prepared
from tlzoo.data.protocol import Indices, stratified_order
from tlzoo.errors import InputError


@dataclass(frozen=True)
class Fold:
    """One fold of a cross-validation.

    Attributes:
        number: Which fold is tested, from 0.
        count: Number of folds.
        seed: Seed of the deal; another one makes a repetition with other folds.
    """

    number: int
    count: int
    seed: int


def folded(data: Prepared, fold: Fold) -> Prepared:
    """The same examples, split so that one fold is tested and the others are learnt from.

    Folds are stratified by class, and no group is on two sides; validation is cut from the training examples likewise.

    Args:
        data: A data set of which no part was given as a test.
        fold: The fold.

    Raises:
        InputError: There are fewer groups than folds.
    """
    rows = concatenate_datasets([data.splits[name] for name in ("train", "validation", "test")])
    labels: Sequence[Hashable] = rows["label"][:] if "label" in rows.column_names else [0] * len(rows)
    groups: list[str] = rows["group"][:]
    if len(set(groups)) < fold.count:
        raise InputError(
            f"--folds {fold.count}: the data have {len(set(groups))} groups; give that many folds or fewer"
        )
    dealt = deal(labels, groups, [1 / fold.count] * fold.count, fold.seed)
    test, rest = np.flatnonzero(dealt == fold.number), np.flatnonzero(dealt != fold.number)
    share = SHARES["validation"] / (SHARES["train"] + SHARES["validation"])
    parts = deal([labels[int(i)] for i in rest], [groups[int(i)] for i in rest], [1 - share, share], fold.seed)
    sides = {"train": rest[parts == 0], "validation": rest[parts == 1], "test": test}
    ordered = {name: side[stratified_order([labels[int(i)] for i in side], fold.seed)] for name, side in sides.items()}
    return replace(data, splits=DatasetDict({name: rows.select(side) for name, side in ordered.items()}))


def deal(labels: Sequence[Hashable], groups: Sequence[str], shares: Sequence[float], seed: int) -> Indices:
    """The part of each example: whole groups, stratified by class, near the wanted shares.

    Args:
        labels: Class of each example; all equal where there are no classes.
        groups: Group of each example.
        shares: Wanted share of each part; they add up to 1.
        seed: Seed of the deal.

    Returns:
        Shape ``(len(labels),)``.
    """
    if len(set(groups)) < len(groups):
        return group_cut(labels, groups, shares, seed)
    order = stratified_order(labels, seed)
    if len(set(shares)) == 1:  # class by class, an example to each part in turn
        codes = {label: code for code, label in enumerate(dict.fromkeys(labels))}
        by_class = sorted(order.tolist(), key=lambda index: codes[labels[index]])
        parts = np.empty(len(labels), np.int64)
        parts[by_class] = np.arange(len(labels)) % len(shares)
        return parts
    places = np.empty(len(labels))
    places[order] = (np.arange(len(labels)) + 0.5) / len(labels)
    return np.searchsorted(np.cumsum(shares)[:-1], places, side="right").astype(np.int64)
