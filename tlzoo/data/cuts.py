"""How whole groups are dealt to the parts of a data set, so that sizes and class shares come out as wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tlzoo.data.protocol import SPLITS, VTAB, Indices, Limits, divide, stratified_order

SHARES = {"train": 0.55, "validation": 0.15, "test": 0.3}
"""Wanted share of each split."""
MIN_OF_WANTED = 1 / 3
"""Minimum size of a split, as a share of the wanted one, for which groups are kept whole."""
STARTS = 8
"""Random orders that are tried; the best outcome counts."""
ROUNDS = 20
"""Maximum rounds of improvement of each."""
MAX_SWAPPED = 60
"""Maximum number of groups of which pairs are exchanged; with more, moving one at a time is enough."""
_ABSENT = 4.0
"""Cost of a class that the first part lacks, above that of any size; a part without examples costs more than all."""

Counts = NDArray[np.float64]


def group_cut(
    labels: Sequence[Hashable], groups: Sequence[str], shares: Sequence[float], seed: int = 0
) -> NDArray[np.int64]:
    """Deal whole groups to parts, near the wanted sizes and with each class in the same shares.

    A part's deviation is the square of the difference between its share and the wanted one, of all examples and of each
    class; the sum over parts is minimised by a greedy deal in several random orders, largest groups first, and then by
    moving and exchanging groups while that helps. The first part is what is learnt from: a class that others have and
    it lacks costs more than any deviation.

    Args:
        labels: Class of each example; all equal where there are no classes.
        groups: Group of each example.
        shares: Wanted share of each part, of which the first one is trained on; they add up to 1.
        seed: Seed of the orders.

    Returns:
        The part of each example, shape ``(len(labels),)``.
    """
    names, group = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    place = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    members = np.zeros((len(names), len(place)))
    np.add.at(members, (group, np.array([place[label] for label in labels])), 1.0)
    search = _Search(members, np.asarray(shares, dtype=np.float64))
    rng = np.random.default_rng(seed)
    starts = STARTS if len(names) <= MAX_SWAPPED else 1
    deals = [search.deal(rng) for _ in range(starts)]
    return np.asarray(min(deals, key=search.cost)[group], np.int64)


@dataclass(frozen=True)
class Division:
    """Groups divided into splits.

    Attributes:
        indices: Examples of each split, in an order whose prefixes are stratified.
        notices: Which groups could not be kept on one side.
    """

    indices: Mapping[str, Indices]
    notices: Sequence[str] = field(default=())


def divide_groups(
    labels: Sequence[Hashable],
    groups: Sequence[str],
    splits: Sequence[str] | None,
    limits: Limits = VTAB,
    seed: int = 0,
) -> Division:
    """Divide examples into train, validation and test, groups as a whole (see :func:`group_cut`).

    Given splits are kept; what is missing is cut from the training examples. If two groups are all there are,
    validation is cut by example; if a group is so large that a split would be tiny, groups are broken, and a notice
    says so.

    Args:
        labels: Class of each example; all equal where there are no classes.
        groups: Group of each example.
        splits: ``train``, ``validation`` or ``test`` for each example, where the source has them.
        limits: Maximum examples per split; splits that are cut are about as large at most.
        seed: Seed of the cut.
    """
    named = np.array(splits if splits is not None else ["train"] * len(labels))
    given = {name: np.flatnonzero(named == name) for name in SPLITS}
    if not len(given["test"]) and len(given["validation"]):
        given["test"], given["validation"] = given["validation"], given["test"]
    missing = [name for name in SPLITS[1:] if not len(given[name])]
    pool = given["train"]
    if not missing or not len(pool):
        return Division(_ordered(given, labels, seed))
    of_pool, its_labels = [groups[int(i)] for i in pool], [labels[int(i)] for i in pool]
    trials = [missing] if missing != ["validation", "test"] else [missing, ["test"]]
    unlearnt: Division | None = None
    for cut in trials:
        shares = _shares(cut, len(pool), limits)
        parts = group_cut(its_labels, of_pool, list(shares.values()), seed)
        sizes = np.bincount(parts, minlength=len(shares)) / len(pool)
        if any(size < MIN_OF_WANTED * share for size, share in zip(sizes, shares.values(), strict=True)):
            continue
        sides = given | {name: pool[parts == part] for part, name in enumerate(shares)}
        notices = []
        if cut != missing:
            inner = divide(
                [labels[int(i)] for i in sides["train"]], None, None, Limits(None, limits.validation, 0), seed
            )
            sides |= {name: sides["train"][inner[name]] for name in ("train", "validation")}
            notices = [f"{_named(of_pool)}: validation shares groups with train, and the test has its own"]
        division = Division(_ordered(sides, labels, seed), notices)
        if {labels[int(i)] for i in sides["test"]} <= {labels[int(i)] for i in sides["train"]}:
            return division
        unlearnt = unlearnt or division
    if unlearnt is not None:
        return unlearnt
    largest, count = Counter(of_pool).most_common(1)[0]
    notice = (
        f"groups had to be broken: {_named(of_pool)}, and {largest!r} has {count:,} of {len(pool):,} rows; "
        f"{' and '.join(missing)} shares groups with train, so the score does not say how new groups are done"
    )
    return Division(divide(labels, None, splits, limits, seed), [notice])


def _shares(cut: Sequence[str], count: int, limits: Limits) -> dict[str, float]:
    """Wanted shares of some examples, of train first."""
    wanted = {}
    for name in cut:
        most = getattr(limits, name)
        wanted[name] = SHARES[name] if most is None else min(SHARES[name], most / count)
    return {"train": 1 - sum(wanted.values())} | wanted


def _ordered(sides: Mapping[str, Indices], labels: Sequence[Hashable], seed: int) -> dict[str, Indices]:
    return {name: sides[name][stratified_order([labels[int(i)] for i in sides[name]], seed)] for name in SPLITS}


def _named(groups: Sequence[str]) -> str:
    """How many groups there are, with their names where these are few."""
    names = sorted(set(groups))
    shown = f" ({', '.join(names)})" if len(names) <= 3 else ""
    return f"{len(names):,} {'group' if len(names) == 1 else 'groups'}{shown}"


class _Search:
    """A search for the best deal of groups, given how many examples of each class each of them has."""

    def __init__(self, members: Counts, shares: Counts) -> None:
        self.members, self.shares = members, shares
        self.totals = members.sum(axis=0)
        self.wanted = shares[:, None] * self.totals

    def cost(self, part: NDArray[np.int64]) -> float:
        """Cost of a deal, the part of each group."""
        return float(self._cost(self._filled(part)))

    def deal(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """A deal that no move or exchange improves, from groups in a random order of those of about one size."""
        count, parts = len(self.members), len(self.shares)
        order = np.argsort(-self.members.sum(axis=1) * rng.uniform(0.7, 1.3, count), kind="stable")
        part = np.zeros(count, np.int64)
        filled = np.zeros_like(self.wanted)
        for group in order:
            options = np.repeat(filled[None], parts, axis=0)
            options[np.arange(parts), np.arange(parts)] += self.members[group]
            part[group] = int(np.argmin(self._gaps(options)))
            filled[part[group]] += self.members[group]
        best = self.cost(part)
        for _ in range(ROUNDS):
            before = best
            best = self._move(part, best, rng)
            best = self._swap(part, best) if count <= MAX_SWAPPED else best
            if best >= before - 1e-12:
                break
        return part

    def _filled(self, part: NDArray[np.int64]) -> Counts:
        filled = np.zeros_like(self.wanted)
        np.add.at(filled, part, self.members)
        return np.asarray(filled)

    def _gaps(self, filled: Counts) -> Counts:
        """What is missing in each part while groups are dealt, ``(..., parts, classes)``; too much counts double."""
        gap = (filled - self.wanted) / np.maximum(self.totals, 1)
        size = (filled.sum(axis=-1) - self.wanted.sum(axis=-1)) / self.totals.sum()
        by_class = (np.where(gap > 0, 2.0, 1.0) * gap**2).mean(axis=-1).sum(axis=-1)
        return np.asarray(by_class + (np.where(size > 0, 2.0, 1.0) * size**2).sum(axis=-1))

    def _cost(self, filled: Counts) -> Counts:
        """Cost of parts filled so, ``(..., parts, classes)``."""
        gap = (filled - self.wanted) / np.maximum(self.totals, 1)
        size = (filled.sum(axis=-1) - self.wanted.sum(axis=-1)) / self.totals.sum()
        empty = (filled.sum(axis=-1) == 0).sum(axis=-1)
        unlearnt = ((filled[..., 0, :] == 0) & (self.totals > 0)).sum(axis=-1)
        deviation = (gap**2).mean(axis=-1).sum(axis=-1) + (size**2).sum(axis=-1)
        return np.asarray(deviation + _ABSENT * (empty * (len(self.totals) + 1) + unlearnt))

    def _move(self, part: NDArray[np.int64], best: float, rng: np.random.Generator) -> float:
        """Move single groups wherever that lowers the cost."""
        filled = self._filled(part)
        parts = np.arange(len(self.shares))
        for group in rng.permutation(len(part)):
            options = np.repeat(filled[None], len(parts), axis=0)
            options[:, part[group]] -= self.members[group]
            options[parts, parts] += self.members[group]
            costs = self._cost(options)
            chosen = int(np.argmin(costs))
            if costs[chosen] < best - 1e-12:
                best, filled, part[group] = float(costs[chosen]), options[chosen], chosen
        return best

    def _swap(self, part: NDArray[np.int64], best: float) -> float:
        """Exchange pairs of groups of two parts wherever that lowers the cost."""
        filled = self._filled(part)
        for one in range(len(part)):
            others = np.flatnonzero(part != part[one])
            if not len(others):
                continue
            difference = self.members[others] - self.members[one]
            options = np.repeat(filled[None], len(others), axis=0)
            options[:, part[one]] += difference
            options[np.arange(len(others)), part[others]] -= difference
            costs = self._cost(options)
            chosen = int(np.argmin(costs))
            if costs[chosen] < best - 1e-12:
                best, filled = float(costs[chosen]), options[chosen]
                other = others[chosen]
                part[one], part[other] = part[other], part[one]
        return best
