"""Which examples hold nearly the same: a text in other case, a picture or a sound saved once more, a video again."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tlzoo.data.alike.texts import plain
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tlzoo.data.dataset import Listing

T = TypeVar("T")
V = TypeVar("V")

MEANING = {
    "audio": "the same sound at another rate, loudness or shift",
    "image": "the same picture saved again, resized or cropped",
    "video": "the same video saved again, resized or cropped",
}
"""What nearly the same means of a kind of input; of any other, which are texts, :data:`OF_TEXTS`."""
OF_TEXTS = "the same text but for case and punctuation"


def near_repeats(listing: Listing, first: Sequence[int]) -> list[int]:
    """For each example of a listing the first one that holds the same or nearly the same, directly or through others.

    The cost grows with the number of examples, not of pairs. What cannot be read is like nothing else.

    Args:
        listing: The examples.
        first: The first example with exactly the same content, for each.
    """
    from tlzoo.data.alike.nearest import joined

    exact = [(each, i) for i, each in enumerate(first) if each != i]
    single = [i for i, each in enumerate(first) if each == i]
    return joined(len(first), [*exact, *_pairs(listing, single)])


def _pairs(listing: Listing, which: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Pairs of examples that hold nearly the same."""
    if listing.kind in MEANING:
        values = [listing.inputs[i] for i in which]
        pairs = {"audio": _sounds, "image": _pictures, "video": _videos}[listing.kind](values)
        yield from ((which[one], which[other]) for one, other in pairs)
        return
    beside = listing.identity or [""] * len(listing.inputs)
    seen: dict[tuple[str, str], int] = {}
    for i in which:
        if listing.inputs[i].strip():
            key = plain(listing.inputs[i]), plain(beside[i])
            if (earlier := seen.setdefault(key, i)) != i:
                yield earlier, i


def _pictures(values: Sequence[Any]) -> Iterator[tuple[int, int]]:
    from tlzoo.data.alike import pictures
    from tlzoo.data.media.image import decode

    def small(value: Any) -> pictures.Small:
        return pictures.shrink(decode(value, at_least=2 * pictures.SIDE))

    return _compared((_read(value, small) for value in values), pictures.describe, pictures.is_same, pictures.RADIUS)


def _videos(values: Sequence[Any]) -> Iterator[tuple[int, int]]:
    from tlzoo.data.alike import videos
    from tlzoo.data.media.video import decode

    def small(value: Any) -> NDArray[np.uint8]:
        return np.stack(videos.shrink(decode(value, videos.FRAMES)))

    return _compared((_read(value, small) for value in values), videos.describe, videos.is_same, videos.RADIUS)


def _sounds(values: Sequence[Any]) -> Iterator[tuple[int, int]]:
    from tlzoo.data.alike import sounds
    from tlzoo.data.alike.nearest import near_pairs
    from tlzoo.data.media.audio import decode

    @lru_cache(maxsize=64)
    def samples(index: int) -> sounds.Samples:
        return decode(values[index], sounds.RATE)[: sounds.SECONDS * sounds.RATE]

    descriptors = [_read(index, lambda index: sounds.describe(samples(index))) for index in range(len(values))]
    return near_pairs(descriptors, sounds.RADIUS, lambda one, other: sounds.is_same(samples(one), samples(other)))


def _read(value: V, read: Callable[[V], T]) -> T | None:
    """What is read of a value; None if it cannot be."""
    try:
        return read(value)
    except InputError:
        return None


def _compared(
    read: Iterable[NDArray[np.uint8] | None],
    describe: Callable[[Any], NDArray[np.float32] | None],
    is_same: Callable[[Any, Any], bool],
    radius: float,
) -> Iterator[tuple[int, int]]:
    """Pairs that are the same among what was read, and is kept in a file: in memory it would grow with the data."""
    from tlzoo.data.alike.nearest import near_pairs

    with tempfile.TemporaryFile() as file:
        descriptors: list[NDArray[np.float32] | None] = []
        places: list[int] = []
        for each in read:
            descriptors.append(None if each is None else describe(each))
            places.append(file.tell())
            if each is not None:
                np.save(file, each)

        def stored(index: int) -> NDArray[np.uint8]:
            file.seek(places[index])
            array: NDArray[np.uint8] = np.load(file)
            return array

        yield from near_pairs(descriptors, radius, lambda one, other: is_same(stored(one), stored(other)))
