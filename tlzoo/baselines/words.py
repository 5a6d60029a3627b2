"""Words of texts: how to tell them apart, weigh them, and how likely one is."""

from __future__ import annotations

import math
import re
import sys
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer

_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_CODE_POINTS = sys.maxunicode + 1


def spelt(text: str) -> list[str]:
    """The words of a text as they are spelt, without the punctuation around them."""
    return _WORD.findall(text)


def words(text: str) -> list[str]:
    """The words of a text, in small letters, without the punctuation around them."""
    return [word.casefold() for word in spelt(text)]


def vectorizers() -> dict[str, TfidfVectorizer]:
    """New vectorizers of texts by tf-idf (Salton 1988, doi:10.1016/0306-4573(88)90021-0), by what they count."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return {
        "tf-idf of words": TfidfVectorizer(tokenizer=words, token_pattern=None, ngram_range=(1, 2), sublinear_tf=True),
        "tf-idf of characters": TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
    }


class Unigrams:
    """How likely a word is whatever comes before it; a proper distribution over all strings.

    A word is drawn by its count in training, or else spelt letter by letter by the counts of letters, with one count
    for any character that Unicode has together (Witten 1991, doi:10.1109/18.87000, method C: the share of what is
    spelt is that of words that were new when they were counted).
    """

    def __init__(self, counted: Iterable[str]) -> None:
        """Count words."""
        self._words = Counter(counted)
        self._letters: Counter[str] = Counter()
        for word in self._words:
            self._letters.update([*word, ""])  # the empty one ends a word
        self._total, self._spelt = self._words.total(), self._letters.total()
        self._new = (len(self._words) + 1) / (self._total + len(self._words) + 1)

    def nats(self, word: str) -> float:
        """Negative log-likelihood of a word."""
        new = math.log(self._new) + sum(map(self._log_letter, [*word, ""]))
        if not self._words[word]:
            return -new
        known = math.log((1 - self._new) * self._words[word] / self._total)
        return -max(known, new) - math.log1p(math.exp(-abs(known - new)))

    def _log_letter(self, letter: str) -> float:
        any_letter = 1 / (self._spelt + 1)
        return math.log((1 - any_letter) * self._letters[letter] / max(self._spelt, 1) + any_letter / _CODE_POINTS)
