"""Baselines of question answering: always no answer; the span whose surroundings share most with the question.

Source: Rajpurkar 2016, 1606.05250, section 5 (sliding window, and logistic regression of features of spans).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tlzoo.baselines.fitted import Fitted, score
from tlzoo.core.predictions import AnswerSpan, Span

if TYPE_CHECKING:
    from tlzoo.core.batch import Row
    from tlzoo.core.task import Task

Rows = Sequence["Row"]
Array = NDArray[np.float64]
_TOKEN = re.compile(r"[^\W_]+(?:['’.,-][^\W_]+)*|\S")
_MOST_WORDS = 4  # of a span
_NEAR = 8  # words to either side of a span that count as its surroundings
_THRESHOLDS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)
_LISTED = 5


def trivial(task: Task, kind: str, train: Rows) -> Fitted:
    """No question has an answer."""
    none = AnswerSpan("", 0, 0, 1.0, type="none", none=1.0, best=[])
    return Fitted("always no answer", lambda rows: [none] * len(rows))


def classical(task: Task, kind: str, train: Rows, validation: Rows) -> Fitted:
    """Logistic regression of spans: words shared with the question nearby, spelling, length.

    The probability of the best span below which there is no answer is chosen on the validation rows.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    counts = Counter(word for row in train for word in {word for word, _, _ in _tokens(row["context"])})
    rarity = {word: math.log(len(train) / count) for word, count in counts.items()}
    parts = [_candidates(row, rarity, math.log(len(train))) for row in train]
    right = [_is_right(row, spans) for row, (spans, _) in zip(train, parts, strict=True)]
    labels = np.concatenate(right)
    if labels.all() or not labels.any():
        return trivial(task, kind, train)
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
    classifier.fit(np.concatenate([features for _, features in parts]), labels)
    ranked = partial(_ranked, classifier, rarity, math.log(len(train)))
    known = list(map(ranked, validation))
    threshold = max(_THRESHOLDS, key=lambda least: score(task, [_answer(r, least) for r in known], validation))
    name = f"logistic regression of spans (an answer from {threshold:g} on)"
    return Fitted(name, lambda rows: [_answer(ranked(row), threshold) for row in rows])


_Token = tuple[str, int, int]


def _tokens(text: str) -> list[_Token]:
    """Words and signs in small letters, with first character and the one after the last."""
    return [(match.group().casefold(), *match.span()) for match in _TOKEN.finditer(text)]


def _candidates(row: Row, rarity: Mapping[str, float], most: float) -> tuple[list[tuple[int, int]], Array]:
    """Spans of a passage, in characters, and their features, ``(spans, features)``."""
    context, tokens = row["context"], _tokens(row["context"])
    question = [word for word, _, _ in _tokens(row["question"])]
    asked, pairs = set(question), set(pairwise(question))
    weight = np.array([rarity.get(word, most) if word in asked and word[0].isalnum() else 0 for word, _, _ in tokens])
    sums = np.r_[0, np.cumsum(weight)]
    sentence = np.cumsum([word in ".!?" for word, _, _ in tokens])
    edges = np.searchsorted(sentence, np.arange(int(sentence[-1]) + 2 if len(tokens) else 1))
    spans, features = [], []
    kind = question[0] if question else ""
    for first in range(len(tokens)):
        for after in range(first + 1, min(first + _MOST_WORDS, len(tokens)) + 1):
            inner = tokens[first:after]
            if sentence[after - 1] != sentence[first] or not (_is_word(inner[0]) and _is_word(inner[-1])):
                continue
            start, end = inner[0][1], inner[-1][2]
            low, high = max(0, first - _NEAR), min(len(tokens), after + _NEAR)
            here = int(sentence[first])
            begin, stop = edges[here], edges[here + 1] if here + 1 < len(edges) else len(tokens)
            own = sums[after] - sums[first]
            capitals = sum(context[token[1]].isupper() for token in inner) / len(inner)
            numbers = sum(token[0][0].isdigit() for token in inner) / len(inner)
            before = tokens[first - 1][0] if first else ""
            behind = tokens[after][0] if after < len(tokens) else ""
            spans.append((start, end))
            features.append(
                [
                    sums[high] - sums[low] - own,
                    sums[stop] - sums[begin] - own,
                    own,
                    float(before in asked),
                    float(behind in asked),
                    float((before, "_") in pairs),
                    float(("_", behind) in pairs),
                    capitals,
                    float(capitals == 1),
                    float(first > 0 and context[tokens[first - 1][1]].isupper()),
                    float(after < len(tokens) and context[tokens[after][1]].isupper()),
                    numbers,
                    float(len(inner)),
                    rarity.get(inner[0][0], most),
                    rarity.get(inner[-1][0], most),
                    numbers * (kind in ("when", "how")),
                    capitals * (kind in ("who", "where")),
                    first / len(tokens),
                ]
            )
    return spans, np.array(features, np.float64).reshape(len(spans), -1)


def _is_word(token: _Token) -> bool:
    return token[0][0].isalnum()


def _is_right(row: Row, spans: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    texts = {text.casefold() for text in row["answers"]["text"]}
    return np.array([row["context"][start:end].casefold() in texts for start, end in spans], dtype=bool)


def _ranked(classifier: Any, rarity: Mapping[str, float], most: float, row: Row) -> list[Span]:
    """The likeliest spans of a row, best first."""
    context, (spans, features) = row["context"], _candidates(row, rarity, most)
    if not spans:
        return []
    scores = classifier.predict_proba(features)[:, 1]
    return [
        Span(context[spans[i][0] : spans[i][1]], spans[i][0], spans[i][1], float(scores[i]))
        for i in np.argsort(-scores, kind="stable")[:_LISTED].tolist()
    ]


def _answer(ranked: Sequence[Span], least: float) -> AnswerSpan:
    """The likeliest span, or no answer where its probability is less than so much."""
    top = ranked[0] if ranked else Span("", 0, 0, 0.0)
    if ranked and top.score >= least:
        return AnswerSpan(top.text, top.start, top.end, top.score, type="short", none=1 - top.score, best=ranked)
    return AnswerSpan("", 0, 0, 1 - top.score, type="none", none=1 - top.score, best=ranked)
