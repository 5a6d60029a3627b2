"""Examples that hold the same as another one, or nearly so; worst where one is to train and the other to test on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tlzoo.data.alike import MEANING, OF_TEXTS, near_repeats
from tlzoo.data.repeats import firsts
from tlzoo.data.suspects import Kind, Suspect

if TYPE_CHECKING:
    from tlzoo.data.dataset import Listing


def copies(listing: Listing) -> Iterator[Suspect]:
    """Each example that repeats an earlier one, once."""
    first = firsts(listing)
    alike = near_repeats(listing, first)
    splits = listing.splits or [""] * len(first)
    for i, (exact, near) in enumerate(zip(first, alike, strict=True)):
        if near == i:
            continue
        other = exact if exact != i else near
        same = "the same as" if exact != i else f"nearly the same as ({MEANING.get(listing.kind, OF_TEXTS)})"
        kind: Kind = "repeat" if exact != i else "near repeat"
        where = ""
        if listing.targets is None and listing.labels[i] != listing.labels[other]:
            kind, where = "contradiction", f": {listing.labels[i]!r} and {listing.labels[other]!r}"
        elif splits[i] != splits[other]:
            kind, where = "leak", f": one in {splits[i]}, one in {splits[other]}"
        yield Suspect(kind, f"{same} {listing.names[other]}{where}", listing.names[i], listing.names[other])
