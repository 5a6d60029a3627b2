"""Baselines of named entities: none; logistic regression of each word's spelling and neighbours."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from tlzoo.baselines.fitted import Fitted, best
from tlzoo.core.predictions import Entities, Entity
from tlzoo.data.files.conll import spans_of, tagged, words_of

if TYPE_CHECKING:
    from tlzoo.core.batch import Row
    from tlzoo.core.task import Task

Rows = Sequence["Row"]
_PENALTIES = (1.0, 10.0)
_NEIGHBOURS = 2  # words before and after that are looked at


def trivial(task: Task, kind: str, train: Rows) -> Fitted:
    """No word is a part of an entity."""
    return Fitted("no entities", lambda rows: [Entities([])] * len(rows))


def classical(task: Task, kind: str, train: Rows, validation: Rows) -> Fitted:
    """Tags of words by logistic regression, each by itself (features of Ratinov 2009, W09-1119, section 3)."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    features = [each for row in train for each in _features(row["text"], _words(row))]
    tags = [tag for row in train for tag in _tags(task, row)]
    if len(set(tags)) < 2:
        return trivial(task, kind, train)
    variants = []
    for penalty in _PENALTIES:
        counted = CountVectorizer(analyzer=_as_given)
        pipeline = make_pipeline(counted, LogisticRegression(C=penalty, max_iter=100, tol=1e-3))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "lbfgs failed to converge")
            pipeline.fit(features, tags)
        name = f"logistic regression of words and their neighbours (C={penalty:g})"
        variants.append(Fitted(name, partial(_predicted, pipeline)))
    return best(task, variants, validation)


def _as_given(features: list[str]) -> list[str]:
    return features


def _predicted(pipeline: Any, rows: Rows) -> list[Entities]:
    return [Entities(list(_entities(pipeline, row))) for row in rows]


def _entities(pipeline: Any, row: Row) -> Iterator[Entity]:
    text, words = row["text"], _words(row)
    if not words:
        return
    probabilities = pipeline.predict_proba(list(_features(text, words)))
    tags = [str(pipeline.classes_[place]) for place in probabilities.argmax(1)]
    for first, after, label in tagged(tags):
        start, end = words[first][0], words[after - 1][1]
        yield Entity(start, end, text[start:end], label, float(probabilities[first:after].max(1).mean()))


def _words(row: Row) -> list[tuple[int, int]]:
    """Places of words: as the row has them, else as its text is cut."""
    return spans_of(row["words"]) if row.get("words") else words_of(row["text"])


def _tags(task: Task, row: Row) -> list[str]:
    """The tag of each word in IOB2."""
    words = _words(row)
    tags = ["O"] * len(words)
    for (start, end), label in zip(spans_of(row["entities"]), row["entities"]["label"], strict=True):
        inside = [i for i, word in enumerate(words) if word[0] < end and word[1] > start]
        for i in inside:
            tags[i] = f"{'B' if i == inside[0] else 'I'}-{task.labels[label]}"
    return tags


def _features(text: str, words: Sequence[tuple[int, int]]) -> Iterator[list[str]]:
    """Spelling of each word: itself, its shape, its first and last letters; and words and shapes about it."""
    spelt = [text[start:end] for start, end in words]
    edged = [""] * _NEIGHBOURS + spelt + [""] * _NEIGHBOURS
    for place, word in enumerate(spelt):
        features = [f"first {place == 0}"]
        for offset in range(2 * _NEIGHBOURS + 1):
            near = edged[place + offset]
            features += [f"{offset} word {near.casefold()}", f"{offset} shape {_shape(near)}"]
        folded = word.casefold()
        features += [f"begins {folded[:n]}" for n in (1, 2, 3)] + [f"ends {folded[-n:]}" for n in (1, 2, 3, 4)]
        yield features


def _shape(word: str) -> str:
    """Its form in signs, of which repeated ones are one: ``Mr.`` is ``Xx.``."""
    signs = ["X" if c.isupper() else "x" if c.isalpha() else "0" if c.isdigit() else c for c in word]
    return "".join(sign for i, sign in enumerate(signs) if i == 0 or sign != signs[i - 1])
