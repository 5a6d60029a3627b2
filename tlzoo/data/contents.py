"""What prepared data hold, in words: lengths of texts and sounds, sizes of pictures, scripts, boxes and entities."""

from __future__ import annotations

import statistics
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

from datasets import Dataset, DatasetDict, Features, Value

from tlzoo.data.counts import class_counts
from tlzoo.errors import InputError

MAX_LOOKED_AT = 300
"""Maximum number of files of which the header is read."""
MIN_SHARE = 0.01
"""Share of the letters from which on a script is named."""
MARKS = {("objects", "category"): ("box", "boxes"), ("entities", "label"): ("entity", "entities")}
"""What the lists of classes in a column mark."""
SCRIPTS = {"CJK": "Han"}
"""Scripts by the first word of their characters' names, where they are not called so."""


def contents(splits: DatasetDict) -> list[str]:
    """What the rows of all splits hold, a part for each kind of thing; empty where nothing can be said.

    Args:
        splits: Prepared data.

    Returns:
        Such as ``["300 sounds of 0.40 to 2.10 s (median 0.62)", "1,204 boxes in 2 classes (cat 800, dog 404)"]``.
    """
    features = next(iter(splits.values())).features
    rows = [split for split in splits.values() if len(split)]
    return [*_marks(rows, features), *_media(rows, features), *_texts(rows, features)]


def _marks(rows: Sequence[Dataset], features: Features) -> Iterator[str]:
    for (name, inner), (one, many) in MARKS.items():
        if name in features:
            names = features[name][inner].feature.names
            counts = Counter(names[i] for split in rows for each in split[name] for i in each[inner])
            total = sum(counts.values())
            where = f" in {class_counts(counts)}" if counts else ""
            yield f"{total:,} {one if total == 1 else many}{where}"
    if "people" in features:
        counted = sum(len(each["bbox"]) for split in rows for each in split["people"])
        yield f"{counted:,} {'person' if counted == 1 else 'people'}"


def _media(rows: Sequence[Dataset], features: Features) -> Iterator[str]:
    """Sizes in the headers of files, of some of them where there are many."""
    for kind, (what, describe) in _MEDIA.items():
        if kind not in features:
            continue
        places = [(split, i) for split in rows for i in range(len(split))]
        step = max(1, -(-len(places) // MAX_LOOKED_AT))
        sizes = []
        for split, i in places[::step]:
            try:
                size = import_module(f"tlzoo.data.media.{kind}").extent(split[i][kind])
            except InputError:
                continue  # changed since it was prepared; the run names it
            if size is not None:
                sizes.append(size)
        if sizes:
            share = f", by {len(sizes):,} of them" if len(sizes) < len(places) else ""
            yield f"{what} {describe(sizes)}{share}"


def _seconds(sizes: Sequence[float]) -> str:
    return f"of {_span(sizes, 's', '.2f')}"


def _pixels(sizes: Sequence[tuple[int, int]]) -> str:
    ordered = sorted(sizes, key=lambda size: (size[0] * size[1], size))
    (w1, h1), (w2, h2) = ordered[0], ordered[-1]
    return f"of {w1} x {h1}" + (f" to {w2} x {h2}" if (w1, h1) != (w2, h2) else "") + " pixels"


_MEDIA: dict[str, tuple[str, Callable[[Any], str]]] = {
    "audio": ("sounds", _seconds),
    "image": ("pictures", _pixels),
    "video": ("videos", lambda sizes: f"of {_span(sizes, 'frames')}"),
}


def _texts(rows: Sequence[Dataset], features: Features) -> Iterator[str]:
    for name, feature in features.items():
        if name in ("group", "id") or feature != Value("string"):
            continue
        texts = [text for split in rows for text in split[name][:] if text]
        if not texts:
            continue
        yield f"{name!r} of {_span([len(text) for text in texts], 'characters')}{_scripts(texts)}"


def _span(values: Sequence[float], unit: str, form: str = ",.0f") -> str:
    low, middle, high = (format(each, form) for each in (min(values), statistics.median(values), max(values)))
    return f"{low} {unit}" if low == high else f"{low} to {high} {unit} (median {middle})"


def _scripts(texts: Sequence[str]) -> str:
    """The scripts of the letters, unless all are Latin; of texts spread over all where there are many."""
    step = max(1, len(texts) // MAX_LOOKED_AT)
    letters = Counter(character for text in texts[::step] for character in text if character.isalpha())
    counts: Counter[str] = Counter()
    for character, count in letters.items():
        word = unicodedata.name(character, "UNKNOWN").split()[0].split("-")[0]
        counts[SCRIPTS.get(word, word.title())] += count
    total = sum(counts.values())
    named = [(script, count / total) for script, count in counts.most_common() if count >= MIN_SHARE * total]
    if not named or [script for script, _ in named] == ["Latin"]:
        return ""
    return f", in {', '.join(f'{script} ({share:.0%})' for script, share in named)}"
