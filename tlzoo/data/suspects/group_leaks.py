"""Groups, such as speakers, that are in the examples to train on and in those to test on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tlzoo.data.files.grouping import proposal
from tlzoo.data.suspects import Suspect

if TYPE_CHECKING:
    from tlzoo.data.dataset import Listing


def group_leaks(listing: Listing) -> Iterator[Suspect]:
    """What looks like groups, and each group on two sides of the source's own splits."""
    proposed = proposal(listing)
    groups: Sequence[str | None] = listing.groups or []
    if proposed is not None:
        yield Suspect("groups", proposed.line)
        groups = proposed.values
    if not groups or not listing.splits:
        return
    sides: dict[str, set[str]] = defaultdict(set)
    for group, split in zip(groups, listing.splits, strict=True):
        if group:
            sides[group].add(split)
    for group, splits in sides.items():
        if len(splits) > 1 and "test" in splits:
            yield Suspect("group leak", f"group {group} is in {' and '.join(sorted(splits))}", group)
