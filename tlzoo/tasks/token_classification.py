"""Token classification: the named entities of a text, as its words are tagged one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from datasets import Features, List, Value
from nervaluate.entities import Entity
from nervaluate.strategies import StrictEvaluation
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.predictions import Entities
from tlzoo.core.predictions import Entity as PredictedEntity
from tlzoo.core.task import HeadTask
from tlzoo.data.files.conll import spans_of, tagged, words_of
from tlzoo.data.schemas import entity_features
from tlzoo.errors import InputError

_IGNORED = -100  # what cross-entropy leaves out: every piece of a word but its first


class TokenClassification(HeadTask):
    """Which words of a text are an entity, and of which class.

    A row is ``{"text", "words": {"start", "end"}, "entities": {"start", "end", "label"}}``, in characters (see
    ``tlzoo.data.files.conll``).

    The head gives each token a score for each tag of IOB2. A word is tagged as its first piece is, and its other pieces
    are not trained on (Devlin 2018, 1810.04805, section 5.3). A text longer than the model's input is read in windows
    that overlap, and each word in the window where it is farthest from an edge, so that no word is left out.
    """

    name = "token-classification"
    output = "tokens"
    windowed = True

    def __init__(self, features: Features) -> None:  # noqa: D107
        super().__init__(features)
        self.need_strings("text")
        entities = features.get("entities")
        if not isinstance(entities, Mapping) or not all(
            isinstance(entities.get(name), List) for name in ("start", "end", "label")
        ):
            raise InputError(
                f"{self.name} needs a column 'entities' with lists 'start', 'end' and 'label'; "
                f"columns: {', '.join(features)}"
            )
        self._names = tuple(entities["label"].feature.names)
        self._tags = ("O", *(f"{prefix}-{name}" for name in self._names for prefix in "BI"))

    @classmethod
    def features_of(cls, labels: Sequence[str]) -> Features:
        """Features of texts with entities of these classes."""
        own = {name: Value("string") for name in ("group", "id")}
        return Features({"text": Value("string"), **entity_features(labels), **own})

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self._names

    @property
    def tags(self) -> tuple[str, ...]:
        """Names of the tags, IOB2, in the order of the logits."""
        return self._tags

    def head(self, spec: Spec) -> nn.Linear:
        """One linear layer: of each token a score a tag."""
        return nn.Linear(spec.outputs[self.output], len(self._tags))

    def layout(self, row: Row) -> Example:
        """``words``, first character and the one after the last: as the row has them, else as its text is cut."""
        words = spans_of(row["words"]) if row.get("words") else words_of(row["text"])
        return {"words": words}

    def has_target(self, row: Row) -> bool:
        """Whether its entities are known."""
        return "entities" in row

    def target(self, row: Row, example: Example) -> Tensor:
        """The tag of each word at its first piece, int64 of shape ``(tokens,)``; -100 at all other tokens."""
        words = example["words"]
        tags = torch.zeros(len(words), dtype=torch.int64)
        for (start, end), label in zip(spans_of(row["entities"]), row["entities"]["label"], strict=True):
            inside = [i for i, word in enumerate(words) if word[0] < end and word[1] > start]
            tags[inside[:1]], tags[inside[1:]] = 1 + 2 * label, 2 + 2 * label
        pieces = first_pieces(example["offsets"], example["windows"].tolist(), words)
        target = torch.full((len(example["offsets"]),), _IGNORED)
        target[pieces[pieces >= 0]] = tags[pieces >= 0]
        return target

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """Cross-entropy of the words' tags, mean over words."""
        target: Tensor = batch["target"]
        total = F.cross_entropy(output.float(), target, ignore_index=_IGNORED, reduction="sum")
        return total / (target != _IGNORED).sum().clamp(min=1)

    def decode(self, output: Tensor, batch: Batch) -> list[Entities]:
        """The entities in each word's likeliest tag."""
        values, tags = output.float().softmax(1).max(1)
        counts = batch["windows_lengths"].tolist()
        windows = [part.tolist() for part in torch.split(batch["windows"].cpu(), counts)]
        lengths = [sum(part) for part in windows]
        parts = (torch.split(each.cpu(), lengths) for each in (batch["offsets"], values, tags))
        return [
            Entities(self._entities(text, words, first_pieces(offsets, sizes, words), scores, numbers))
            for text, words, sizes, offsets, scores, numbers in zip(
                batch["context"], batch["words"], windows, *parts, strict=True
            )
        ]

    def _entities(
        self, text: str, words: Sequence[Sequence[int]], pieces: Tensor, scores: Tensor, numbers: Tensor
    ) -> list[PredictedEntity]:
        named = [self._tags[int(numbers[piece])] if piece >= 0 else self._tags[0] for piece in pieces.tolist()]
        entities: list[PredictedEntity] = []
        for first, after, label in tagged(named):
            start, end = words[first][0], words[after - 1][1]
            score = float(scores[pieces[first:after]].mean())
            entities.append(PredictedEntity(start, end, text[start:end], label, score))
        return entities

    def statistics(self, prediction: Entities, row: Row) -> dict[str, list[float]]:
        """How many entities are right in span and class, and how many there are: micro-averages, as of ``seqeval``."""
        right = self._given(row)
        predicted = [Entity(entity.label, entity.start, entity.end - 1) for entity in prediction.entities]
        counts, _ = StrictEvaluation().evaluate(right, predicted, list(self.labels))
        return {
            "entity_f1": [2 * counts.correct, counts.actual + counts.possible],
            "entity_precision": [counts.correct, counts.actual],
            "entity_recall": [counts.correct, counts.possible],
        }

    def _given(self, row: Row) -> list[Entity]:
        names = [self.labels[label] for label in row["entities"]["label"]]
        places = spans_of(row["entities"])
        return [Entity(name, start, end - 1) for name, (start, end) in zip(names, places, strict=True)]

    def is_right(self, prediction: object, row: Row, statistic: Sequence[float]) -> bool:
        """Whether every entity is right, and none is there that should not be."""
        return statistic[0] == statistic[1]


def first_pieces(offsets: Tensor, windows: Sequence[int], words: Sequence[Sequence[int]]) -> Tensor:
    """The token that is the first piece of each word.

    Args:
        offsets: Of the tokens of all windows of a text: first character, and the one after the last; of tokens that
            stand for no character, not above 0; shape ``(tokens, 2)``.
        windows: Tokens of each window.
        words: First character of each word, and the one after its last.

    Returns:
        Of each word, the place of its first piece in the window where that is farthest from the nearer edge; -1 where
        no token stands for it. Shape ``(words,)``.
    """
    places = torch.tensor(words, dtype=torch.int64).reshape(-1, 2)
    best, depth = torch.full((len(places),), -1), torch.full((len(places),), -1)
    first = 0
    for length in windows:
        inside = (offsets[first : first + length, 1] > 0).nonzero()[:, 0]
        spans = offsets[first : first + length][inside]
        if len(spans):
            token = torch.searchsorted(spans[:, 1].contiguous(), places[:, 0].contiguous(), right=True)
            token = token.clamp(max=len(spans) - 1)
            touches = (spans[token, 0] < places[:, 1]) & (spans[token, 1] > places[:, 0])
            far = torch.minimum(token, len(spans) - 1 - token)
            better = touches & (far > depth)
            best, depth = torch.where(better, inside[token] + first, best), torch.where(better, far, depth)
        first += length
    return best
