"""Examples with the same content, and how a listing is drawn so that none of them is in two splits."""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlzoo.data.protocol import SPLITS, Limits, check_sides, divide, without_repeats

if TYPE_CHECKING:
    from tlzoo.data.dataset import Listing

DRAW_VERSION = 2
"""Version of the draw, in the fingerprint of a person's own data and of the Hub's; raised when other rows are drawn."""
_TAIL = 4096  # bytes at a file's end, where sounds of one length differ
_SHOWN = 3


@dataclass(frozen=True)
class Drawn:
    """Examples of a listing that were drawn.

    Attributes:
        chosen: Indices of each split.
        available: Number of examples that each split was drawn from.
        groups: Group of each example of the listing: its own, else that of the first example with the same content.
        notices: What was left out, and contradictory labels.
    """

    chosen: dict[str, list[int]]
    available: dict[str, int]
    groups: list[str]
    notices: list[str]


def same_text(text: str) -> str:
    """A text without differences of case and white space."""
    return " ".join(text.casefold().split())


def firsts(listing: Listing) -> list[int]:
    """For each example of a listing the first that holds the same: the same bytes, or the same text.

    Files are compared by size, then by their last bytes, then by a hash of all: most are never read whole, and none is
    kept in memory. What is empty, or cannot be read, is like nothing else, so that each is named when it is read.
    """
    if all(isinstance(value, str) for value in listing.inputs):
        beside = listing.identity or [""] * len(listing.inputs)
        texts = [(same_text(a), same_text(b)) for a, b in zip(listing.inputs, beside, strict=True)]
        steps: Sequence[Callable[[int], Hashable]] = [lambda i: texts[i] if texts[i][0] else None]
    else:
        steps = [_reading(listing.inputs, measure) for measure in (_size, _tail, _hash)]
    first = list(range(len(listing.inputs)))
    alike = [first.copy()]
    for step in steps:
        parts: list[list[int]] = []
        for members in alike:
            by_key: dict[Hashable, list[int]] = defaultdict(list)
            for i in members:
                if (key := step(i)) is not None:
                    by_key[key].append(i)
            parts += [part for part in by_key.values() if len(part) > 1]
        alike = parts
    for members in alike:
        for i in members:
            first[i] = members[0]
    return first


def drawn(listing: Listing, limits: Limits) -> Drawn:
    """Draw a listing's examples, after what repeats another one is dealt with.

    * Given splits: training examples that are in validation or test as well are left out, and validation's in the test.
      One split alone is no division: all of it is there to be divided.
    * Of examples to learn or to divide that have the same content and the same class, the first one is taken. A given
      validation and a given test stay whole; copies there are one group.
    * Examples of the same content and different classes, or with other targets than classes, stay on one side.
    * Where the source has groups, these decide the sides; what is then on two of them is left out of the earlier one.

    Args:
        listing: All examples.
        limits: Maximum number of examples of each split.

    Raises:
        InputError: Nothing can be learnt or tested with what is left; says why, and the way out.
    """
    first, splits, classed = firsts(listing), _given(listing.splits, len(listing.inputs)), listing.targets is None
    own = listing.groups or listing.names
    size = Counter(own)
    groups = [own[first[i]] if size[own[i]] == 1 else own[i] for i in range(len(own))]
    sides = {name: [i for i, split in enumerate(splits) if split == name] for name in SPLITS}
    rows = _apart(sides, first)
    notices = _crossing(sides, rows)
    if classed:
        rows["train"], remarks = _once(rows["train"], list(chain.from_iterable(sides.values())), first, listing)
        notices += remarks
    # Without groups of their own, examples of one content are the units that are dealt.
    units: dict[int, list[int]] = defaultdict(list)
    for i in sorted(chain.from_iterable(rows.values())):
        units[i if listing.groups else first[i]].append(i)
    dealt = list(units.values())
    divided = divide(
        [listing.labels[unit[0]] for unit in dealt],
        [groups[unit[0]] for unit in dealt] if listing.groups else None,
        [splits[unit[0]] for unit in dealt],
        limits,
    )
    sides = {name: [i for place in divided[name] for i in dealt[int(place)]] for name in SPLITS}
    rows = _apart(sides, first)
    notices += _crossing(sides, rows)
    check_sides({name: [listing.labels[i] for i in rows[name]] for name in SPLITS}, classed, notices)
    return Drawn(
        {name: rows[name][: getattr(limits, name)] for name in SPLITS},
        {name: len(rows[name]) for name in SPLITS},
        groups,
        notices,
    )


def _given(splits: Sequence[str] | None, count: int) -> Sequence[str]:
    """The split of each example; one split alone is none."""
    present = set(splits or ()) & set(SPLITS)
    if splits is None or not present:
        return ["train"] * count
    return splits if len(present) > 1 else ["train" if split in present else split for split in splits]


def _apart(sides: Mapping[str, Sequence[int]], first: Sequence[int]) -> dict[str, list[int]]:
    """Without the examples that hold what one of a later split does."""
    remaining = without_repeats({name: [first[i] for i in rows] for name, rows in sides.items()})
    return {name: [sides[name][place] for place in remaining[name]] for name in SPLITS}


def _crossing(before: Mapping[str, Sequence[int]], after: Mapping[str, Sequence[int]]) -> list[str]:
    lost = {name: len(before[name]) - len(after[name]) for name in SPLITS[:-1]}
    counts = " and ".join(f"{count:,} {name}" for name, count in lost.items() if count)
    return [f"{counts} rows repeat a later split's content and were left out"] if counts else []


def _once(
    rows: Sequence[int], every: Sequence[int], first: Sequence[int], listing: Listing
) -> tuple[list[int], list[str]]:
    """Examples of one content and one class once; and what is to be said of that, and of those of several classes."""
    classes: dict[int, dict[str, int]] = defaultdict(dict)
    for i in (*rows, *every):
        classes[first[i]].setdefault(listing.labels[i], i)
    once = [i for i in rows if len(classes[first[i]]) > 1 or classes[first[i]][listing.labels[i]] == i]
    mixed = [each for each in classes.values() if len(each) > 1]
    remarks = []
    if count := len(rows) - len(once):
        remarks.append(f"{count:,} of {len(rows):,} rows repeat another one and its class, and were left out")
    if mixed:
        pairs = (", ".join(f"{listing.names[i]} is {label!r}" for label, i in each.items()) for each in mixed[:_SHOWN])
        remarks.append(f"contents with several classes: {len(mixed):,}, such as: {'; '.join(pairs)}")
    return once, remarks


def _reading(values: Sequence[Any], measure: Callable[[Mapping[str, Any]], Hashable]) -> Callable[[int], Hashable]:
    def read(index: int) -> Hashable:
        try:
            return measure(values[index])
        except OSError:
            return None

    return read


def _size(value: Mapping[str, Any]) -> int | None:
    size = len(value["bytes"]) if value["bytes"] is not None else Path(value["path"]).stat().st_size
    return size or None


def _tail(value: Mapping[str, Any]) -> bytes:
    if value["bytes"] is not None:
        return bytes(value["bytes"][-_TAIL:])
    with Path(value["path"]).open("rb") as file:
        file.seek(-min(_TAIL, file.seek(0, os.SEEK_END)), os.SEEK_END)
        return file.read()


def _hash(value: Mapping[str, Any]) -> bytes:
    if value["bytes"] is not None:
        return hashlib.sha256(value["bytes"]).digest()
    with Path(value["path"]).open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
