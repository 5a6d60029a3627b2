"""Questions made from real text: a sentence with a gap, and one or two others of its passage with the missing span.

Cloze questions over documents teach reading without annotators (Hermann 2015, 1506.03340, section 2), and are what
question answering can be pretrained on (Lewis 2019, 1906.04980; Glass 2020, 1909.04120: the answer stands elsewhere in
the passage, and some questions have none).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import TypedDict

import numpy as np
from datasets import Dataset, DatasetDict

from tlzoo.data.files.squad import whole_words
from tlzoo.data.packaged import news, wikipedia
from tlzoo.data.protocol import SPLITS, VTAB, Limits, balanced_choice
from tlzoo.data.schemas import ANSWER_TYPES, QUESTION_FEATURES

GAP = "_"
"""Stands for the missing span; a single token in any vocabulary."""
UNANSWERED = 10
"""One question in this many is asked about sentences of another document, which have no answer."""
KINDS = {True: "Which number?", False: "Which name?"}
"""What a question begins with, by whether the span begins with a digit."""

_SENTENCE = range(6, 41)  # words of a sentence that becomes a question
_MAX_SPAN = 5  # words
_PASSAGE = 120  # approximate words of a passage
_MAX_QUESTIONS = 5  # of a passage
_MAX_SAME_ANSWER = 2  # questions of a passage with the same answer
_SPLIT_CYCLE = ("test", *["train", "test"] * 4, "validation")  # of every ten stories
_MAX_TRAINING = 3000  # questions of articles to train on
_INNER = ("and", "de", "for", "in", "la", "of", "on", "the", "to", "van", "von")  # may stand inside a name
_SHORT = """
a ago all am an and any are as at be but by can did do each few for get got had has he her him his how i if in is it its
la let lot may me mr mrs ms my no nor not now of off old on one or our out own per put s say see set she so t the to
too two up us use via was way we who why yet you today tomorrow overnight tonight
"""
_FUNCTION_WORDS = news.FUNCTION_WORDS | frozenset(_SHORT.split())
_PARTS = re.compile(r"""\S.*?(?:[.!?]["')\]]*(?=\s+["'(\[]?[A-Z0-9])|$)""", re.S)
_WORD = re.compile(r"[^\W_]+(?:[.,-][^\W_]+)*")


class _Answers(TypedDict):
    text: list[str]
    answer_start: list[int]


class _QuestionRow(TypedDict):
    """A row of ``tlzoo.data.schemas.QUESTION_FEATURES``."""

    question: str
    context: str
    answers: _Answers
    answer_type: int
    group: str
    id: str


@dataclass(frozen=True)
class Gap:
    """A question made from a passage.

    Attributes:
        question: What the span is, of :data:`KINDS`, and a sentence of the passage with ``GAP`` in place of the span.
        context: The first other sentence of the passage with the span, and the one beside it.
        answer: The span.
        starts: Positions of the span in the context, as whole words; at least one.
    """

    question: str
    context: str
    answer: str
    starts: tuple[int, ...]


def gaps(passage: str) -> Iterator[Gap]:
    """Make questions from a passage, at most one from a sentence.

    A span is a name or number of one to five words that also occurs in another sentence; the longest one is taken. It
    does not open the sentence, unless it stands within another sentence of the passage.
    """
    made: Counter[str] = Counter()
    sentences = [part[0] for part in _PARTS.finditer(passage)]
    for place, sentence in enumerate(sentences):
        if len(sentence.split()) not in _SENTENCE:
            continue
        for first, last in _spans(sentence):
            answer = sentence[first:last]
            context = _context(answer, sentences, place)
            if context and made[answer] < _MAX_SAME_ANSWER and len(whole_words(answer, sentence)) == 1:
                made[answer] += 1
                question = f"{KINDS[answer[0].isdigit()]} {sentence[:first]}{GAP}{sentence[last:]}"
                yield Gap(question, context, answer, tuple(whole_words(answer, context)))
                break


def _context(answer: str, sentences: Sequence[str], asked: int) -> str:
    """The first sentence with an answer, but for the one ``asked``, and the next or else the previous; or nothing."""
    others = (i for i, sentence in enumerate(sentences) if i != asked and whole_words(answer, sentence))
    if (here := next(others, None)) is None:
        return ""
    beside = [i for i in (here + 1, here - 1) if 0 <= i < len(sentences) and i != asked][:1]
    return " ".join(" ".join(sentences[i] for i in sorted([here, *beside])).split())


def news_spans() -> DatasetDict:
    """Questions over the stories of :func:`tlzoo.data.packaged.news.documents`; a story is in one split only.

    Returns:
        Splits of at most 800, 200 and 1,000 rows, as in ``tlzoo.data.schemas.QUESTION_FEATURES``.

    Raises:
        UnavailableError: The file is not available.
    """
    stories = news.documents()
    splits = {name: _SPLIT_CYCLE[balanced_choice(len(_SPLIT_CYCLE), i, (0, 2))] for i, name in enumerate(stories)}
    return _rows(stories, splits, VTAB)


def wikipedia_spans() -> DatasetDict:
    """Questions over the articles of :func:`tlzoo.data.packaged.wikipedia.pages`; an article is in one split only.

    Returns:
        Splits of at most 3,000, 200 and 1,000 rows, as in ``tlzoo.data.schemas.QUESTION_FEATURES``.

    Raises:
        UnavailableError: The file is not available.
    """
    return _rows(wikipedia.pages(), wikipedia.splits(), replace(VTAB, train=_MAX_TRAINING))


def passages(text: str) -> Iterator[str]:
    """Cut a text between sentences into parts of about the same length, some 120 words."""
    length = len(text.split())
    count = max(1, round(length / _PASSAGE))
    part: list[str] = []
    words = made = 0
    for sentence in _PARTS.finditer(text):
        part.append(sentence[0])
        words += len(sentence[0].split())
        if words >= length * (made + 1) / count:
            yield " ".join(part)
            part, made = [], made + 1


def _rows(documents: Mapping[str, str], split_of: Mapping[str, str], limits: Limits) -> DatasetDict:
    """Questions from each split's documents; some are asked about sentences of another document."""
    splits = {}
    for number, split in enumerate(SPLITS):
        rng = np.random.default_rng(number)
        sources = [(name, p) for name, text in documents.items() if split_of[name] == split for p in passages(text)]
        made = ((name, gap) for name, passage in sources for gap in islice(gaps(passage), _MAX_QUESTIONS))
        rows = [_row(gap, name, f"{name} {i}") for i, (name, gap) in enumerate(made, start=1)]
        chosen = [rows[int(i)] for i in rng.permutation(len(rows))[: getattr(limits, split)]]
        contexts = [(row["group"], row["context"]) for row in chosen]
        for row in chosen[::UNANSWERED]:
            answer = row["answers"]["text"][0].lower()
            others = [text for name, text in contexts if name != row["group"] and answer not in text.lower()]
            if not others:
                continue
            row["context"] = others[int(rng.integers(len(others)))]
            row["answers"] = {"text": [], "answer_start": []}
            row["answer_type"] = ANSWER_TYPES.index("none")
        splits[split] = Dataset.from_list([dict(row) for row in chosen], features=QUESTION_FEATURES)
    return DatasetDict(splits)


def _row(gap: Gap, document: str, name: str) -> _QuestionRow:
    return {
        "question": gap.question,
        "context": gap.context,
        "answers": {"text": [gap.answer] * len(gap.starts), "answer_start": list(gap.starts)},
        "answer_type": ANSWER_TYPES.index("short"),
        "group": document,
        "id": name,
    }


def _spans(sentence: str) -> list[tuple[int, int]]:
    """First and last character of the names and numbers of a sentence, longest first."""
    words = list(_WORD.finditer(sentence))
    plain = [word[0] for word in words]
    joined = [*(sentence[a.end() : b.start()] == " " for a, b in pairwise(words)), False]  # to the next word
    content = [word.lower() not in _FUNCTION_WORDS for word in plain]
    proper = [word[0].isupper() or word[0].isdigit() for word in plain]

    def is_name(i: int, j: int) -> bool:
        """Capitalised words and numbers, joined by small ones; neither cut short, nor only what opens a sentence."""
        ends = proper[i] and proper[j] and content[i] and content[j]
        inside = all(proper[k] or plain[k] in _INNER for k in range(i + 1, j))
        return ends and inside and not (joined[j] and proper[j + 1]) and j > 0 and (j > i or len(plain[i]) > 1)

    spans = []
    for i in range(len(words)):
        for j in range(i, min(i + _MAX_SPAN, len(words))):
            if j > i and not joined[j - 1]:
                break
            if is_name(i, j):
                spans.append((i - j, i, j))
    return [(words[i].start(), words[j].end()) for _, i, j in sorted(spans)]
