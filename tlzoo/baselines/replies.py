"""Baselines of choosing a reply: all are as good; that which shares most words with the message."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tlzoo.baselines.fitted import Fitted, best
from tlzoo.baselines.words import Unigrams, vectorizers, words
from tlzoo.core.predictions import Reply

if TYPE_CHECKING:
    from tlzoo.core.batch import Row
    from tlzoo.core.task import Task

Rows = Sequence["Row"]
Scorer = Callable[["Row"], Sequence[float]]
"""Of a row a score of each candidate."""


class _Likelihood:
    """How likely a reply is, word by word, whatever the message; its end counts as a word."""

    def __init__(self, train: Rows) -> None:
        replies = [row["candidates"][row["target"]].split() for row in train]
        self._unigrams = Unigrams(word for reply in replies for word in reply)
        total = sum(map(len, replies))
        self._end = (len(replies) + 1) / (total + len(replies) + 2)  # (Laplace's rule)

    def nats(self, reply: str) -> float:
        """Negative log-likelihood of a reply and its end."""
        spelt = reply.split()
        unended = -math.log1p(-self._end) * len(spelt)
        return sum(map(self._unigrams.nats, spelt)) + unended - math.log(self._end)


def trivial(task: Task, kind: str, train: Rows) -> Fitted:
    """All candidates have the same score; their likelihood is that of their words, each by itself."""
    likelihood = _Likelihood(train)
    return Fitted("all candidates alike; likelihood of single words", partial(_scored, likelihood, None))


def classical(task: Task, kind: str, train: Rows, validation: Rows) -> Fitted:
    """The number of shared words, the cosine of tf-idf, or the reply to the most similar message of training."""
    likelihood = _Likelihood(train)
    messages, replies = [row["text"] for row in train], [row["candidates"][row["target"]] for row in train]
    texts = list(dict.fromkeys([*messages, *(reply for row in train for reply in row["candidates"])]))
    scorers: dict[str, Scorer] = {"number of shared words": _shared}
    for name, vectorizer in vectorizers().items():
        vectorizer.fit(texts)
        scorers[f"cosine of {name}"] = partial(_cosines, vectorizer)
        given = vectorizer.transform(messages), vectorizer.transform(replies)
        scorers[f"reply to a similar message by {name}"] = partial(_retrieved, vectorizer, *given)
    variants = [Fitted(name, partial(_scored, likelihood, scorer)) for name, scorer in scorers.items()]
    return best(task, variants, validation)


def _scored(likelihood: _Likelihood, scorer: Scorer | None, rows: Rows) -> list[Reply]:
    replies = []
    for row in rows:
        candidates = row["candidates"]
        scores = [0.0] * len(candidates) if scorer is None else [float(score) for score in scorer(row)]
        text = candidates[int(np.argmax(scores))] if candidates else ""
        nats = [likelihood.nats(candidate) for candidate in candidates]
        replies.append(Reply(text, candidate_scores=scores, candidate_nats=nats))
    return replies


def _shared(row: Row) -> list[float]:
    message = Counter(words(row["text"]))
    return [float((message & Counter(words(candidate))).total()) for candidate in row["candidates"]]


def _cosines(vectorizer: Any, row: Row) -> Any:
    return (vectorizer.transform(row["candidates"]) @ vectorizer.transform([row["text"]]).T).toarray()[:, 0]


def _retrieved(vectorizer: Any, messages: Any, replies: Any, row: Row) -> Any:
    """Of each candidate how similar it is to a reply of training, times how similar that one's message is."""
    near = (messages @ vectorizer.transform([row["text"]]).T).toarray()
    return ((replies @ vectorizer.transform(row["candidates"]).T).toarray() * near).max(0)
