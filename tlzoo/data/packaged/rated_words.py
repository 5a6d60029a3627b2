"""Words whose feeling ten people rated from -4 to 4: the lexicon of VADER (Hutto 2014, ICWSM)."""

from __future__ import annotations

import re
from collections.abc import Container
from pathlib import Path

from tlzoo.data.dataset import Listing

MIN_MEAN = 0.5
"""Minimum distance of the mean rating from neutral; the ratings' standard deviation is less than that distance."""

_IRREGULAR = {
    **{"best": "good", "bett": "good", "wors": "bad", "foug": "figh", "stan": "stin", "stol": "ste", "wept": "weep"},
    **{"lied": "lie", "lies": "lie", "liin": "lie", "loss": "los", "lost": "los"},
}  # beginnings of words that are forms of another one


def vader_words(lexicon: Path) -> Listing:
    """Negative and positive words on whose sign people agree; those with the same beginning are one group.

    Args:
        lexicon: ``vader_lexicon.txt``: word, mean, standard deviation and ratings, with tabs between them.
    """
    rated: dict[str, tuple[float, float]] = {}
    for line in lexicon.read_text(encoding="utf-8").splitlines():
        word, *numbers, _ = line.split("\t")
        if re.fullmatch("[a-z]{3,}", word):
            rated.setdefault(word, (float(numbers[0]), float(numbers[1])))
    examples = Listing("text", [], [], [], groups=[])
    assert examples.groups is not None
    for word, (mean, deviation) in rated.items():
        if abs(mean) > max(MIN_MEAN, deviation):
            examples.inputs.append(word)
            examples.labels.append("positive" if mean > 0 else "negative")
            examples.names.append(word)
            examples.groups.append(beginning(word, rated))
    return examples


def beginning(word: str, words: Container[str]) -> str:
    """The letters that a word shares with all of its forms, and with other words: three or four of them.

    Three where they are a word themselves, as in ``sadly``, or where the fourth one may change, as in ``hate`` and
    ``hating``.

    Args:
        word: In lower case, of three letters or more.
        words: All words.
    """
    spelt = word.replace("y", "i")
    start = spelt[:3] if spelt[:3] in words or word[:3] in words or spelt[3:4] in tuple("aeiou") else spelt[:4]
    return _IRREGULAR.get(start, start)
