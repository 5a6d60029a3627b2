"""Which rows of a data set of the Hub are downloaded: those that the protocol may take.

Targets and groups are small, and all of them are read. Splits are drawn from them as of any other data, with some rows
to spare, since a picture, a sound or a video that repeats another one is found only when it is here.

Parquet is downloaded in row groups, and random rows of a large data set lie in almost all of them. Where that would be
more than :data:`MAX_BYTES`, row groups are drawn first, at random, until there are as many rows of each class as the
protocol takes of it: a sample in two stages, whose rows are as random as those of one row group are alike.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from datasets import Features

from tlzoo.data.dataset import Listing, Target
from tlzoo.data.files.hub.rows import Block
from tlzoo.data.protocol import SPLITS, Limits
from tlzoo.data.repeats import drawn

VERSION = 1
"""Version of the choice, in the fingerprint of data sets of the Hub; raised when other rows are chosen."""
ALL = Limits(None, None, None)
"""Every row."""
MAX_BYTES = 256 * 1024 * 1024
"""Maximum download for which rows are drawn from all of the data."""
SPARE = 1.25
"""Rows that are downloaded for each that is taken."""


@dataclass(frozen=True)
class Choice:
    """Rows to download.

    Attributes:
        splits: Split of each row that is chosen, by its place in the listing.
        available: Number of rows that each split is drawn from.
        notices: What a person should know.
    """

    splits: Mapping[int, str]
    available: Mapping[str, int]
    notices: Sequence[str]


def choose(
    examples: Listing,
    origin: Sequence[tuple[str, int]],
    blocks: Mapping[str, Sequence[Block]],
    limits: Limits,
    is_own: bool,
    is_classed: bool,
) -> Choice:
    """Choose the rows to download.

    Args:
        examples: All rows, with their labels, groups and splits; their inputs do not matter.
        origin: The split of the source of each row, and its place there.
        blocks: What each split of the source is downloaded in.
        limits: Maximum number of examples of each split.
        is_own: Whether they are of no named data set (``tlzoo.data.repeats.drawn``).
        is_classed: Whether the labels are what is learnt.

    Raises:
        InputError: Nothing can be learnt or tested with any choice.
    """
    spare = Limits(*(most and math.ceil(SPARE * most) for most in (limits.train, limits.validation, limits.test)))
    every = list(range(len(examples.labels)))
    choice = _drawn(examples, every, spare, is_own, is_classed)
    size, number = _cost([origin[i] for i in choice.splits], blocks)
    if size <= MAX_BYTES or None in (spare.train, spare.validation, spare.test):
        return choice
    some = _few_blocks(examples, origin, blocks, spare)
    fewer = _drawn(examples, some, spare, is_own, is_classed)
    small, few = _cost([origin[i] for i in fewer.splits], blocks)
    if small >= size:
        return choice
    notice = (
        f"rows are drawn from {few:,} of {number:,} row groups: {_mega(small)} to download instead of {_mega(size)}"
    )
    return Choice(fewer.splits, choice.available, [*fewer.notices, notice])


class _Unread:
    """Targets that are not classes, and are read later."""

    features = Features({})

    def of(self, index: int, value: object) -> Target:
        return Target({})


def _drawn(examples: Listing, places: Sequence[int], limits: Limits, is_own: bool, is_classed: bool) -> Choice:
    """Draw from some rows, as if no row repeated another one."""
    rows = Listing(
        "text",
        [str(i) for i in places],
        [examples.labels[i] for i in places],
        [examples.names[i] for i in places],
        examples.groups and [examples.groups[i] for i in places],
        examples.splits and [examples.splits[i] for i in places],
        targets=None if is_classed else _Unread(),
    )
    choice = drawn(rows, limits, is_own)
    splits = {places[i]: split for split, chosen in choice.chosen.items() for i in chosen}
    return Choice({i: splits[i] for i in sorted(splits)}, choice.available, choice.notices)


def _cost(rows: Sequence[tuple[str, int]], blocks: Mapping[str, Sequence[Block]]) -> tuple[int, int]:
    """Bytes and number of the blocks that hold some rows."""
    places: dict[str, list[int]] = defaultdict(list)
    for split, place in rows:
        places[split].append(place)
    touched = [
        block
        for split, wanted in places.items()
        for block in blocks[split]
        if np.any((np.asarray(wanted) >= block.rows.start) & (np.asarray(wanted) < block.rows.stop))
    ]
    return sum(block.bytes for block in touched), len(touched)


def _few_blocks(
    examples: Listing, origin: Sequence[tuple[str, int]], blocks: Mapping[str, Sequence[Block]], limits: Limits
) -> list[int]:
    """Rows of random blocks, as many of each class as the limits take of it; blocks that add nothing are left out."""
    members: dict[str, dict[int, int]] = defaultdict(dict)
    for i, (split, place) in enumerate(origin):
        members[split][place] = i
    given = {
        split: examples.splits[next(iter(rows.values()))] if examples.splits else "train"
        for split, rows in members.items()
    }
    present = set(given.values()) & set(SPLITS)
    chosen: list[int] = []
    for split, rows in members.items():
        missing = [each.name for each in fields(limits) if each.name not in present or len(present) == 1]
        own = {given[split], *(missing if given[split] == "train" or len(present) == 1 else ())}
        wanted = sum(getattr(limits, name) for name in own if name in SPLITS)
        total = Counter(examples.labels[i] for i in rows.values())
        lacking = {label: min(n, math.ceil(wanted * n / len(rows))) for label, n in total.items()}
        for place in np.random.default_rng(0).permutation(len(blocks[split])):
            inside = [rows[row] for row in blocks[split][place].rows if row in rows]
            count = Counter(examples.labels[i] for i in inside)
            if any(lacking[label] > 0 for label in count):
                chosen += inside
                for label, n in count.items():
                    lacking[label] -= n
    return sorted(chosen)


def _mega(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
