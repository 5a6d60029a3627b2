"""How splits are drawn: VTAB-1k sized, stratified, nested, without leaks (Zhai 2019, 1910.04867, section 2)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tlzoo.errors import InputError

Indices = NDArray[np.int64]
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Limits:
    """Maximum examples per split; None takes all."""

    train: int | None = 800
    validation: int | None = 200
    test: int | None = 1000


VTAB = Limits()


def stratified_order(labels: Sequence[Hashable], seed: int) -> Indices:
    """A random order in which every prefix has the proportions of the classes, as nearly as whole examples allow.

    Args:
        labels: Class of each example; all equal where there are no classes.
        seed: Seed of the order.

    Returns:
        A permutation, shape ``(len(labels),)``.
    """
    rng = np.random.default_rng(seed)
    count = Counter(labels)
    seen: Counter[Hashable] = Counter()
    place = np.empty(len(labels))
    for index in rng.permutation(len(labels)):
        label = labels[int(index)]
        place[index] = (seen[label] + 0.5) / count[label]
        seen[label] += 1
    return np.lexsort((rng.random(len(labels)), place)).astype(np.int64)


def subset(labels: Sequence[Hashable], fraction: float, seed: int) -> Indices:
    """Indices of a fraction of the training examples; for one seed, a smaller fraction lies inside a larger one."""
    count = max(len(set(labels)), round(fraction * len(labels)))
    return stratified_order(labels, seed)[:count]


def shots(labels: Sequence[Hashable], count: int, seed: int) -> Indices:
    """Indices of a few examples for a prompt, as many of each class as of any other, in random order.

    Args:
        labels: Class of each example; all equal where there are no classes.
        count: Maximum number of examples.
        seed: Seed of choice and order.
    """
    rng = np.random.default_rng(seed)
    seen: Counter[Hashable] = Counter()
    place = np.empty(len(labels))
    for index in rng.permutation(len(labels)):
        label = labels[int(index)]
        place[index] = seen[label]
        seen[label] += 1
    chosen = np.lexsort((rng.random(len(labels)), place))[:count]
    return rng.permutation(chosen).astype(np.int64)


def draw(
    labels: Sequence[Hashable],
    groups: Sequence[str] | None,
    splits: Sequence[str] | None,
    limits: Limits = VTAB,
    seed: int = 0,
) -> dict[str, Indices]:
    """Divide examples into train, validation and test (see :func:`divide`), and take what the limits allow of each.

    Raises:
        InputError: Too few examples for three splits.
    """
    divided = divide(labels, groups, splits, limits, seed)
    for name, indices in divided.items():
        if not len(indices):
            raise InputError(f"too few examples ({len(labels)}) to have any for {name}")
    return {name: indices[: getattr(limits, name)] for name, indices in divided.items()}


def divide(
    labels: Sequence[Hashable],
    groups: Sequence[str] | None,
    splits: Sequence[str] | None,
    limits: Limits = VTAB,
    seed: int = 0,
) -> dict[str, Indices]:
    """Divide examples into train, validation and test.

    Given splits are kept; what is missing is cut from the training examples: by group where groups are given (no group
    on two sides), else stratified by class.

    Args:
        labels: Class of each example.
        groups: Speaker, document, scene... of each example, where examples are not independent.
        splits: ``train``, ``validation`` or ``test`` for each example, where the source has them.
        limits: Maximum examples per split; splits that are cut are not larger.
        seed: Seed of the draw.

    Returns:
        Indices of each split, all of them, in an order whose prefixes are stratified; a split may be empty.
    """
    named = np.array(splits if splits is not None else ["train"] * len(labels))
    given = {name: np.flatnonzero(named == name) for name in SPLITS}
    if not len(given["test"]) and len(given["validation"]):
        given["test"], given["validation"] = given["validation"], given["test"]
    crossing = groups is not None and bool(
        {groups[int(i)] for i in given["train"]} & {groups[int(i)] for i in given["test"]}
    )
    by = None if crossing else groups
    for name, share, most, leave in (("test", 0.3, limits.test, 2), ("validation", 0.15, limits.validation, 1)):
        if not len(given[name]):
            size = round(share * len(given["train"]))
            size = size if most is None else min(size, most)
            given[name], given["train"] = _cut(given["train"], labels, by, size, leave, seed)
    return {name: given[name][stratified_order([labels[int(i)] for i in given[name]], seed)] for name in SPLITS}


def cut_splits(splits: Sequence[str] | None) -> tuple[str, ...]:
    """The splits that :func:`divide` cuts from the training examples, by those that the source has."""
    given = set(splits or ())
    if "test" not in given and "validation" in given:
        given = given - {"validation"} | {"test"}
    return tuple(name for name in SPLITS[1:] if name not in given)


def _cut(
    indices: Indices,
    labels: Sequence[Hashable],
    groups: Sequence[str] | None,
    size: int,
    leave: int,
    seed: int,
) -> tuple[Indices, Indices]:
    """Cut about ``size`` examples off: whole groups, of which ``leave`` stay, or a stratified sample.

    With too few groups for both sides, examples are all there is to tell apart, and a stratified sample is cut.
    """
    names = sorted({groups[int(i)] for i in indices}) if groups is not None else []
    if groups is None or len(names) <= leave:
        order = indices[stratified_order([labels[int(i)] for i in indices], seed)]
        return order[:size], order[size:]
    count = Counter(groups[int(i)] for i in indices)
    taken: list[str] = []
    for name in np.random.default_rng(seed).permutation(names)[: len(names) - leave].tolist():
        taken.append(name)
        if sum(count[t] for t in taken) >= size:
            break
    inside = np.isin([groups[int(i)] for i in indices], taken)
    return indices[inside], indices[~inside]


MORE_ROWS = "give more rows that differ, or no splits and groups of your own, and splits are cut by class"


def check_sides(
    labels: Mapping[str, Sequence[Hashable]], is_classed: bool, reasons: Sequence[str] = (), remedy: str = MORE_ROWS
) -> None:
    """Refuse splits with which nothing can be learnt, chosen or tested.

    Args:
        labels: Class of each example of each split.
        is_classed: Whether these classes are to be learnt.
        reasons: What was left out, which may be the cause.
        remedy: What to do.

    Raises:
        InputError: A split is empty, training has one class, or shares none with the test; with the number of examples
            in each split, and a remedy.
    """
    empty = [name for name in SPLITS if not labels[name]]
    if empty:
        fault = f"no row is left for {' and '.join(empty)}"
    elif is_classed and len(set(labels["train"])) < 2:
        fault = f"train has no class but {labels['train'][0]!r}"
    elif is_classed and not set(labels["test"]) & set(labels["train"]):
        fault = "train has no class of the test"
    else:
        return
    counts = ", ".join(f"{name} {len(labels[name]):,}" for name in SPLITS)
    raise InputError("; ".join([f"{counts} rows: {fault}", *reasons, remedy]))


def check_learnable(labels: Mapping[str, Sequence[Hashable]], groups: Sequence[str] | None = None) -> None:
    """Refuse a test with a class that training lacks: it would count as wrong whatever is learnt.

    Args:
        labels: Class of each example of each split.
        groups: Group of each test example, where there are groups.

    Raises:
        InputError: There is such a class; names it, and the groups that have it.
    """
    count = Counter(labels["test"])
    absent = sorted((label for label in count if label not in set(labels["train"])), key=str)
    if not absent:
        return
    label = absent[0]
    more = f" (and {len(absent) - 1} more classes)" if len(absent) > 1 else ""
    where, remedy = "", "move some of its rows to train, or leave it out of the test"
    if groups is not None:
        names = sorted({group for group, own in zip(groups, labels["test"], strict=True) if own == label})
        where = f": the groups that have it are in the test ({', '.join(names[:3])}{' ...' if len(names) > 3 else ''})"
        remedy = "give rows of it from more groups, or leave it out"
    raise InputError(f"class {label!r}{more} has {count[label]:,} test and no training rows{where}; {remedy}")


def smallest_visible_gain(
    n_test: int, discordance: float = 0.15, power: float = 0.8, significance: float = 0.05
) -> float:
    """The smallest gain of a score like accuracy that a test can be expected to show.

    Two models answer the same test examples; the gain is the difference of their shares of right answers, tested in
    both directions (McNemar's test, with the sample size of Connor 1987, "Sample size for testing differences in
    proportions for the paired-sample design").

    Args:
        n_test: Test examples, each independent of the others.
        discordance: Share of examples that exactly one of the two answers right; at least the gain itself.
        power: Wanted probability that the gain shows.
        significance: Of the test, two-sided.

    Returns:
        In (0, 1]; 1 where no gain shows.
    """
    quantile = NormalDist().inv_cdf
    low, high = 0.0, 1.0
    for _ in range(50):
        gain = (low + high) / 2
        share = max(discordance, gain)
        needed = quantile(1 - significance / 2) * math.sqrt(share) + quantile(power) * math.sqrt(share - gain**2)
        low, high = (low, gain) if needed <= gain * math.sqrt(n_test) else (gain, high)
    return high


def without_repeats(content: Mapping[str, Sequence[Hashable]]) -> dict[str, list[int]]:
    """Drop training examples whose content is also in validation or test, and validation's that is in test.

    Args:
        content: What each split's examples hold, in order; equal where two hold the same.

    Returns:
        Positions to keep, by split.
    """
    remaining: dict[str, list[int]] = {}
    seen: set[Hashable] = set()
    for name in reversed(SPLITS):
        remaining[name] = [i for i, key in enumerate(content[name]) if key not in seen]
        seen.update(content[name])
    return remaining


def balanced_choice(count: int, index: int, seed: tuple[int, ...]) -> int:
    """Choose one of ``count`` options at random, each exactly once in every ``count`` consecutive indices."""
    pack, place = divmod(index, count)
    return int(np.random.default_rng((*seed, pack)).permutation(count)[place])
