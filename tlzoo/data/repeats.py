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

from tlzoo.data.alike import MEANING, OF_TEXTS, near_repeats
from tlzoo.data.alike.nearest import joined
from tlzoo.data.cuts import divide_groups
from tlzoo.data.protocol import SPLITS, Limits, check_learnable, check_sides, divide, without_repeats

if TYPE_CHECKING:
    from tlzoo.data.dataset import Listing

DRAW_VERSION = 2
"""Version of the draw of the Hub's data sets with a name, in their fingerprint; raised when other rows are drawn."""
OWN_DRAW_VERSION = 4
"""The same of a person's own data."""
_TAIL = 4096  # bytes at a file's end, where sounds of one length differ
_SHOWN = 3
_MAX_MERGED = 0.5  # of all examples, in groups that repeats joined


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


def drawn(listing: Listing, limits: Limits, is_own: bool = False) -> Drawn:
    """Draw a listing's examples, after what repeats another one is dealt with.

    * Given splits: training examples that are in validation or test as well are left out, and validation's in the test.
      One split alone is no division: all of it is there to be divided.
    * Of examples to learn or to divide that have the same content and the same class, the first one is taken. A given
      validation and a given test stay whole; copies there are one group.
    * Examples of the same content and different classes, or with other targets than classes, stay on one side.
    * Where the source has groups, these decide the sides; what is then on two of them is left out of the earlier one.

    Of a person's own data more is known to go wrong, and less is given:

    * What nearly repeats another example (:func:`~tlzoo.data.alike.near_repeats`) stays on its side, like a copy.
    * Groups with examples that repeat each other are one group, and groups are cut such that sizes and classes come out
      as wanted (:func:`~tlzoo.data.cuts.divide_groups`).
    * A class of the test that training lacks is refused.

    Args:
        listing: All examples.
        limits: Maximum number of examples of each split.
        is_own: Whether they are a person's own rather than those of a data set with a name, whose draw stays as it was.

    Raises:
        InputError: Nothing can be learnt or tested with what is left; says why, and the way out.
    """
    first, splits, classed = firsts(listing), _given(listing.splits, len(listing.inputs)), listing.targets is None
    alike = near_repeats(listing, first) if is_own else first
    notices = []
    own, grouped = listing.groups or listing.names, bool(listing.groups)
    if is_own and listing.groups:
        own = [group or name for group, name in zip(listing.groups, listing.names, strict=True)]
        if not (grouped := len(set(own)) > 1):
            notices, own = [f"all rows are of one group, {own[0]!r}, which is ignored"], listing.names
    size = Counter(own)
    groups = [own[alike[i]] if size[own[i]] == 1 else own[i] for i in range(len(own))]
    if is_own and grouped:
        groups = _merged(own, alike)
    sides = {name: [i for i, split in enumerate(splits) if split == name] for name in SPLITS}
    rows = _apart(sides, alike)
    notices += [*(_near(listing, first, alike) if is_own else []), *_crossing(sides, rows)]
    if classed:
        rows["train"], remarks = _once(rows["train"], list(chain.from_iterable(sides.values())), first, alike, listing)
        notices += remarks
    # Without groups of their own, examples of one content are the units that are dealt.
    units: dict[int, list[int]] = defaultdict(list)
    for i in sorted(chain.from_iterable(rows.values())):
        units[i if grouped else alike[i]].append(i)
    dealt = list(units.values())
    labels, parts = [listing.labels[unit[0]] for unit in dealt], [splits[unit[0]] for unit in dealt]
    named = [groups[unit[0]] for unit in dealt] if grouped else None
    if is_own and named is not None:
        division = divide_groups(labels, named, parts, limits)
        divided = division.indices
        notices += division.notices
    else:
        divided = divide(labels, named, parts, limits)
    sides = {name: [i for place in divided[name] for i in dealt[int(place)]] for name in SPLITS}
    rows = _apart(sides, alike)
    notices += _crossing(sides, rows)
    classes = {name: [listing.labels[i] for i in rows[name]] for name in SPLITS}
    if is_own and classed and all(classes.values()):
        check_learnable(classes, [groups[i] for i in rows["test"]] if grouped else None)
    check_sides(classes, classed, notices)
    return Drawn(
        {name: rows[name][: getattr(limits, name)] for name in SPLITS},
        {name: len(rows[name]) for name in SPLITS},
        groups,
        notices,
    )


def _merged(own: Sequence[str], alike: Sequence[int]) -> list[str]:
    """The group of each example after groups with repeats of each other are joined, and named as the first of them.

    If that joined most of all examples, such as by an answer that everybody gave, groups stay as they are.
    """
    place = {name: i for i, name in reversed(list(enumerate(own)))}
    pairs = [(place[name], i) for i, name in enumerate(own)] + [(first, i) for i, first in enumerate(alike)]
    merged = [own[i] for i in joined(len(own), pairs)]
    share = max(Counter(merged).values()) / len(own)
    return list(own) if share > _MAX_MERGED and share > max(Counter(own).values()) / len(own) else merged


def _near(listing: Listing, first: Sequence[int], alike: Sequence[int]) -> list[str]:
    """Says how many examples nearly repeat another one, without the exact repeats."""
    pairs = [(alike[i], i) for i in range(len(alike)) if first[i] == i != alike[i]]
    if not pairs:
        return []
    shown = "; ".join(f"{listing.names[one]} and {listing.names[other]}" for one, other in pairs[:_SHOWN])
    what = MEANING.get(listing.kind, OF_TEXTS)
    return [f"{len(pairs):,} rows nearly repeat another one ({what}) and stay on its side, such as {shown}"]


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
    rows: Sequence[int], every: Sequence[int], first: Sequence[int], alike: Sequence[int], listing: Listing
) -> tuple[list[int], list[str]]:
    """Examples of one content and one class once; and what is to be said of that, and of those of several classes."""
    classes: dict[int, dict[str, int]] = defaultdict(dict)
    near: dict[int, dict[str, int]] = defaultdict(dict)
    for i in (*rows, *every):
        classes[first[i]].setdefault(listing.labels[i], i)
        near[alike[i]].setdefault(listing.labels[i], i)
    once = [i for i in rows if len(classes[first[i]]) > 1 or classes[first[i]][listing.labels[i]] == i]
    mixed = [each for each in near.values() if len(each) > 1]
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
