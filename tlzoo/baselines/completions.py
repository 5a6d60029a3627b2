"""Baselines of completing a passage: the most frequent word; the word that the passage has most often.

Where there are words to choose from, only these.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from tlzoo.baselines.fitted import Fitted, best
from tlzoo.baselines.words import Unigrams, spelt, words
from tlzoo.core.predictions import Completion

if TYPE_CHECKING:
    from tlzoo.core.batch import Row
    from tlzoo.core.task import Task

Rows = Sequence["Row"]
_SHARES = (0.0, 0.1, 0.25, 0.5, 0.75)


def trivial(task: Task, kind: str, train: Rows) -> Fitted:
    """The most frequent right word of the training rows."""
    counts = Counter(row["target"] for row in train)
    word = counts.most_common(1)[0][0]
    unigrams = _unigrams(train)

    def predict(rows: Rows) -> list[Completion]:
        return [Completion(_chosen(row, counts, word), _nats(row, unigrams, {}, 0.0)) for row in rows]

    return Fitted(f"the most frequent word, {word}", predict)


def classical(task: Task, kind: str, train: Rows, validation: Rows) -> Fitted:
    """The most frequent word of the passage that is not a frequent word of the training rows' passages."""
    unigrams = _unigrams(train)
    passages = Counter(word for row in train for word in set(words(row["text"])))
    weights: Mapping[str, Callable[[str], float]] = {
        "the passage's most frequent word": lambda word: 1.0,
        "the passage's word of the highest tf-idf": lambda word: math.log((len(train) + 1) / (passages[word] + 1)),
    }
    share = min(_SHARES, key=lambda share: _perplexity(validation, unigrams, share))
    variants = []
    for name, weight in weights.items():
        for last in (False, True):
            which = f"{name}{', later ones first' if last else ''}"
            variants.append(Fitted(which, partial(_completed, unigrams, weight, last, share)))
    return best(task, variants, validation)


def _chosen(row: Row, counts: Mapping[str, int], word: str) -> str:
    """The candidate that is most often right in training, the first of several; without candidates the word."""
    offered: Sequence[str] = row.get("candidates") or [word]
    return max(offered, key=lambda candidate: counts.get(candidate, 0))


def _unigrams(train: Rows) -> Unigrams:
    return Unigrams(word for row in train for word in [*spelt(row["text"]), row["target"]])


def _completed(
    unigrams: Unigrams, weight: Callable[[str], float], last: bool, share: float, rows: Rows
) -> list[Completion]:
    completions = []
    for row in rows:
        given = spelt(row["text"])
        counts = Counter(word.casefold() for word in given)
        place = {word.casefold(): i for i, word in enumerate(given)}
        offered = {word.casefold() for word in row.get("candidates") or place}
        order = -1 if last else 1
        ranked = sorted(offered & place.keys(), key=lambda word: (-counts[word] * weight(word), order * place[word]))
        text = given[place[ranked[0]]] if ranked else ""
        completions.append(Completion(text, _nats(row, unigrams, Counter(given), share)))
    return completions


def _nats(row: Row, unigrams: Unigrams, given: Mapping[str, int], share: float) -> float | None:
    """Negative log-likelihood of the right word, if it is known, in a mixture of the passage's and training's words.

    The word is the last one, so its end costs nothing.
    """
    word = row.get("target")
    if word is None:
        return None
    total = sum(given.values())
    inside = share * given.get(word, 0) / total if total else 0.0
    outside = unigrams.nats(word) - math.log1p(-(share if total else 0.0))
    return outside if not inside else -math.log(inside + math.exp(-outside))


def _perplexity(rows: Rows, unigrams: Unigrams, share: float) -> float:
    nats = [_nats(row, unigrams, Counter(spelt(row["text"])), share) for row in rows]
    return sum(each for each in nats if each is not None)
