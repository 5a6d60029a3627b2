"""Extractive question answering: the span of a passage that answers a question, or that none does."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import torch
from datasets import Features, List, Value
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from tlzoo.adapters.spans import select_windows
from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.predictions import AnswerSpan, Span
from tlzoo.core.task import HeadTask
from tlzoo.data.schemas import ANSWER_TYPES, QUESTION_FEATURES
from tlzoo.errors import InputError

MAX_ANSWER_TOKENS = 30
"""Maximum length of an answer, tokens."""
MAX_SPANS = 20
"""Maximum number of spans of a passage that are compared, as in BERT's ``run_squad.py``."""
LISTED_SPANS = 5
"""Maximum number of spans that a prediction lists."""
NONE, SHORT = ANSWER_TYPES.index("none"), ANSWER_TYPES.index("short")


class QuestionAnswering(HeadTask):
    """Where a passage answers a question.

    A row is ``{"question", "context", "answers": {"text": [...], "answer_start": [...]}, "answer_type"}``, no answers
    where there is none (see ``tlzoo.data.files.squad``).

    The head has for each token a score as the answer's start, one as its end, and, read at the classifier's token, one
    for each type of answer: BERT-joint (Alberti 2019, 1901.08634, section 3). Start and end at the classifier's token
    mean no answer (Devlin 2018, 1810.04805, section 4.3).
    """

    name = "question-answering"
    output = "tokens"
    inputs = ("question", "context")
    windowed = True

    def __init__(self, features: Features) -> None:  # noqa: D107
        super().__init__(features)
        answers = features.get("answers")
        fits = isinstance(answers, Mapping) and all(isinstance(answers.get(c), List) for c in ("text", "answer_start"))
        wrong = [c for c in self.inputs if not isinstance(features.get(c), Value)] + ["answers"] * (not fits)
        if wrong:
            raise InputError(
                f"{self.name} needs columns 'question' and 'context' of strings and 'answers' with lists 'text' and "
                f"'answer_start'; not so: {', '.join(wrong)}; columns: {', '.join(features)}"
            )

    @classmethod
    def features_of(cls, labels: Sequence[str]) -> Features:
        """Questions have no classes."""
        return QUESTION_FEATURES

    def head(self, spec: Spec) -> nn.Linear:
        """One linear layer: of each token start, end, and types."""
        return nn.Linear(spec.outputs[self.output], 2 + len(ANSWER_TYPES))

    def has_target(self, row: Row) -> bool:
        """Whether the row has answers."""
        return "answers" in row

    def target(self, row: Row, example: Example) -> Tensor:
        """Starts and ends of answers, int64 of shape ``(tokens, 2)``.

        0 for tokens where no answer starts (first column) or ends (second), else 1 plus the answer's type. A window
        without a whole answer has both, with the type ``none``, at the classifier's token.
        """
        offsets: Tensor = example["offsets"]
        target = torch.zeros_like(offsets)
        kind = row.get("answer_type", NONE if not row["answers"]["text"] else SHORT)
        answers = zip(row["answers"]["answer_start"], row["answers"]["text"], strict=True)
        spans = [(start, start + len(text)) for start, text in answers]
        first = 0
        for length in example["windows"].tolist():
            part, marks = offsets[first : first + length], target[first : first + length]
            inside = part[:, 1] > 0
            for start, end in spans:
                touched = (inside & (part[:, 1] > start) & (part[:, 0] < end)).nonzero()[:, 0]
                if len(touched) and part[touched[0], 0] <= start and part[touched[-1], 1] >= end:
                    marks[touched[0], 0] = marks[touched[-1], 1] = 1 + kind
            if not marks.any():
                marks[part[:, 1] == 0] = 1 + NONE
            first += length
        return target

    def augment(self, batch: Batch) -> Batch:
        """Keep one random window of those without an answer, of each example: they are many, and teach little.

        BERT-joint keeps 2% of them for the same reason (``include_unknowns`` of its code).
        """
        used = batch["target"][_unanswered(batch), 0] == 0
        drawn = torch.rand(len(used)).to(used.device).masked_fill(used, -1)
        first = 0
        for values in torch.split(drawn, batch["windows_lengths"].tolist()):
            used[first + int(values.argmax())] = True
            first += len(values)
        return select_windows(batch, used, frozenset({"ids", "segments", "offsets", "target"}))

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """Cross-entropy of start, end and type, summed (Alberti 2019, section 3), mean over windows.

        Where an answer occurs several times, the probabilities of all its places are summed (the summed
        objective of Clark and Gardner 2018, 1710.10723).
        """
        scores = output[:, :2].masked_fill(batch["offsets"][:, 1:] < 0, -torch.inf)
        marks = batch["target"]
        right = scores.masked_fill(marks == 0, -torch.inf)
        spans = _by_window(scores, batch).logsumexp(1) - _by_window(right, batch).logsumexp(1)
        kinds = _by_window(marks, batch, 0).amax((1, 2)) - 1
        return spans.sum(1).mean() + F.cross_entropy(output[_unanswered(batch), 2:], kinds)

    def decode(self, output: Tensor, batch: Batch) -> list[AnswerSpan]:
        """The best span of all windows, or no answer if that is more probable.

        The output of a head without types of answers, as those of SQuAD are, has starts and ends only; a span is then a
        short answer.

        The score of a span is that of its start and its end, minus that of no answer in its window (Alberti 2019,
        section 3).
        """
        lengths = batch["windows"].tolist()
        parts = (torch.split(values.cpu(), lengths) for values in (output.float(), batch["offsets"]))
        windows = zip(*parts, strict=True)
        predictions = []
        for context, count in zip(batch["context"], batch["windows_lengths"].tolist(), strict=True):
            spans: dict[tuple[int, int], tuple[float, str]] = {}
            for scores, offsets in islice(windows, count):
                types = scores[offsets[:, 1] == 0, 2 : 2 + NONE]
                kind = ANSWER_TYPES[int(types.argmax()) if types.numel() else SHORT]
                for value, span in _best(scores[:, :2], offsets):
                    if span not in spans or value > spans[span][0]:
                        spans[span] = value, kind
            predictions.append(_prediction(context, spans))
        return predictions

    def statistics(self, prediction: AnswerSpan, row: Row) -> dict[str, list[float]]:
        """F1 of words and exact match, the best over the right answers (Rajpurkar 2016, 1606.05250, section 6.1).

        An empty answer is right where there is none, and only there (Rajpurkar 2018, 1806.03822). F1 also counts among
        the questions with an answer, and among those without: a score, and 1 where the question is one of them.
        """
        given, right = prediction.text, row["answers"]["text"]
        if given and right:
            exact = max(float(normalise(given) == normalise(text)) for text in right)
            share = max(f1(given, text) for text in right)
        else:
            share = exact = float(not given and not right)
        has, none = float(bool(right)), float(not right)
        return {
            "f1": [share],
            "exact_match": [exact],
            "f1_has_answer": [share * has, has],
            "f1_no_answer": [share * none, none],
        }


def normalise(text: str) -> str:
    """Remove case, ASCII punctuation, articles and repeated spaces from an answer, as SQuAD's script does."""
    plain = "".join(c for c in text.lower() if c not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", plain).split())


def f1(given: str, right: str) -> float:
    """Harmonic mean of precision and recall of an answer's words; 1 if neither answer has any left."""
    words, wanted = normalise(given).split(), normalise(right).split()
    if not words or not wanted:
        return float(words == wanted)
    return 2 * (Counter(words) & Counter(wanted)).total() / (len(words) + len(wanted))


def _unanswered(batch: Batch) -> Tensor:
    """The place of each window's token for no answer, ``(windows,)``."""
    offsets: Tensor = batch["offsets"]
    return (offsets[:, 1] == 0).nonzero()[:, 0]


def _by_window(values: Tensor, batch: Batch, fill: float = -torch.inf) -> Tensor:
    """Values of tokens, ``(tokens, n)``, as ``(windows, most tokens, n)``."""
    return pad_sequence(list(torch.split(values, batch["windows"].tolist())), batch_first=True, padding_value=fill)


def _best(scores: Tensor, offsets: Tensor) -> Iterator[tuple[float, tuple[int, int]]]:
    """Yield the best spans of a window, with their scores relative to no answer."""
    inside = offsets[:, 1] > 0
    starts, ends = scores[inside].T
    if not len(starts):
        return
    pairs = starts[:, None] + F.pad(ends, (0, MAX_ANSWER_TOKENS - 1), value=-torch.inf).unfold(0, MAX_ANSWER_TOKENS, 1)
    values, places = (pairs - scores[offsets[:, 1] == 0].sum()).flatten().topk(min(MAX_SPANS, pairs.numel()))
    characters = offsets[inside].tolist()
    for value, place in zip(values.tolist(), places.tolist(), strict=True):
        first, more = divmod(place, MAX_ANSWER_TOKENS)
        if value > -torch.inf:
            yield value, (characters[first][0], characters[first + more][1])


def _prediction(context: str, spans: Mapping[tuple[int, int], tuple[float, str]]) -> AnswerSpan:
    """A prediction from spans with score and type; no answer has the score 0."""
    ranked = sorted(spans.items(), key=lambda item: -item[1][0])[:MAX_SPANS]
    *shares, none = torch.tensor([*(value for _, (value, _) in ranked), 0.0]).softmax(0).tolist()
    best = [
        Span(context[start:end], start, end, share) for ((start, end), _), share in zip(ranked, shares, strict=True)
    ]
    if best and best[0].score > none:
        first, kind = best[0], ranked[0][1][1]
    else:
        first, kind = Span("", 0, 0, none), ANSWER_TYPES[NONE]
    return AnswerSpan(first.text, first.start, first.end, first.score, kind, none, best[:LISTED_SPANS])
