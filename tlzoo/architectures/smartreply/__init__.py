"""Smart Reply on the device: a hashed table from short chat messages to a fixed list of replies.

Sources: Kannan et al. 2016, arXiv 1606.04870 (the task); Ravi 2017, arXiv 1708.00630 (the projections); the published
TensorFlow Lite file, and for its operators tensorflow/examples, ``lite/examples/smart_reply/android/app/libs/cc``, and
tensorflow/tensorflow, ``tensorflow/lite/kernels``. The file is read, and its six operators are done here:
``Normalize``, ``SKIP_GRAM``, ``ExtractFeatures`` and ``LSH_PROJECTION`` in
:mod:`tlzoo.architectures.smartreply.text`, ``Predict`` and ``HASHTABLE_LOOKUP`` in :class:`SmartReply`.
"""

from __future__ import annotations

import struct
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlzoo.architectures.smartreply.text import codes, features, normalise, project, sentences, skip_grams, utf8
from tlzoo.checkpoints import tflite
from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.model import Model
from tlzoo.core.predictions import Reply
from tlzoo.errors import InputError

OPERATORS = ("Normalize", "SKIP_GRAM", "ExtractFeatures", "LSH_PROJECTION", "Predict", "HASHTABLE_LOOKUP")
"""Operators of the published file, in order."""


class SmartReply(Model):
    """The published table: 60 hash codes of a sentence open a bucket each, and the replies in them add up.

    A row has ``text``, one message, and where replies are to be ranked ``candidates``, a list of strings. All of the
    model, from the string on, runs in :meth:`predict`, so that its time is the model's. Nothing here can be trained:
    the parameters are the weights of the replies in the buckets, as published, and no gradient reaches them.

    Attributes:
        texts: The replies; empty before :meth:`load_official`.
        seeds: Seeds of the hash functions, one a bit, ``(hashes, bits)``.
        keys: Indices of the buckets, ascending, ``(buckets,)``.
        labels: Places in ``texts`` of the replies in each bucket, ``(buckets, neighbours)``.
        weights: Their weights, ``(buckets, neighbours)``; 0 where a bucket has fewer.
    """

    seeds: Tensor
    keys: Tensor
    labels: Tensor

    def __init__(
        self,
        hashes: int = 60,
        bits: int = 12,
        ngram: int = 3,
        max_skip: int = 2,
        buckets: int = 239_952,
        neighbours: int = 5,
        replies: int = 4001,
        top: int = 30,
        min_score: float = 0.08,
    ) -> None:
        """Build an empty table.

        Args:
            hashes: Hash functions.
            bits: Bits of a hash code.
            ngram: Maximum number of words of a skip-gram.
            max_skip: Maximum number of words left out between two words of a skip-gram.
            buckets: Non-empty buckets of all hash functions together.
            neighbours: Places for replies in a bucket.
            replies: Replies in the list.
            top: Maximum number of replies that a sentence suggests.
            min_score: Minimum score of a suggestion.
        """
        super().__init__()
        self.ngram, self.max_skip, self.replies, self.top, self.min_score = ngram, max_skip, replies, top, min_score
        self.register_buffer("seeds", torch.zeros(hashes, bits))
        self.register_buffer("keys", torch.zeros(buckets, dtype=torch.int32))
        self.register_buffer("labels", torch.zeros(buckets, neighbours, dtype=torch.int32))
        self.weights = nn.Parameter(torch.zeros(buckets, neighbours), requires_grad=False)
        self.texts: tuple[str, ...] = ()
        self._places: dict[bytes, list[int]] = {}
        self.spec = Spec("text")

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load the published table.

        Args:
            files: The one file, ``model.tflite``.

        Raises:
            InputError: The file is not TensorFlow Lite, holds another model, or has a table of another size.
        """
        (path,) = files.values()
        try:
            table = _read(path)
        except (struct.error, ValueError, IndexError, AttributeError, TypeError) as error:
            raise InputError(f"{path}: not Smart Reply's table: {error}") from error
        config = {"ngram": self.ngram, "max_skip": self.max_skip, "top": self.top, "min_score": self.min_score}
        shapes = {name: tuple(getattr(self, name).shape) for name in ("seeds", "keys", "labels", "weights")}
        expected = config | shapes | {"replies": self.replies}
        arrays = table.arrays
        actual = table.settings | {name: arrays[name].shape for name in shapes} | {"replies": len(table.texts)}
        wrong = [
            f"{name} {actual[name]}, expected {value}" for name, value in expected.items() if actual[name] != value
        ]
        if wrong:
            raise InputError(f"{path}: not Smart Reply's table at this configuration: {'; '.join(wrong)}")
        order, labels = arrays["ids"], arrays["labels"]
        arrays["labels"] = np.searchsorted(order, labels)  # places in the list instead of ids
        if not np.array_equal(order[arrays["labels"].clip(max=len(order) - 1)], labels):
            raise InputError(f"{path}: not Smart Reply's table: a bucket holds a reply that is not in the list")
        for name in shapes:
            getattr(self, name).copy_(torch.from_numpy(arrays[name].copy()))
        self.texts = tuple(text.decode() for text in table.texts)
        self._places = _places(self.texts)

    def published_model(self) -> Model | None:
        """The model itself; absent before :meth:`load_official`."""
        return self if self.texts else None

    def encode(self, row: Row) -> Example:
        """Take the row's ``text`` as UTF-8, and its ``candidates`` where there are any.

        Raises:
            InputError: The text holds half of a surrogate pair.
        """
        example: Example = {"text": utf8(row["text"])}
        if "candidates" in row:
            example["candidates"] = [utf8(candidate) for candidate in row["candidates"]]
        return example

    @torch.inference_mode()
    def predict(self, batch: Batch) -> list[Reply]:
        """Reply to each message.

        Args:
            batch: ``text``, and where there are any ``candidates``, as of :meth:`encode`.

        Returns:
            For each message the best reply and the scores of the best five suggestions; with candidates also theirs
            (see :meth:`candidate_scores`).
        """
        candidates = batch.get("candidates", [None] * len(batch["text"]))
        return [self._predict(*pair) for pair in zip(batch["text"], candidates, strict=True)]

    def _predict(self, message: bytes, candidates: Sequence[bytes] | None) -> Reply:
        totals = self._totals(message)
        suggested = self._suggestions(totals)
        best = dict(list(suggested.items())[:5])
        ranked = None if candidates is None else self._candidate_scores(totals, candidates)
        return Reply(next(iter(suggested), ""), best, ranked)

    @torch.inference_mode()
    def suggest(self, message: str) -> dict[str, float]:
        """All suggestions for a message, as the published app would show them, without its stock replies.

        The scores of its sentences add up; each sentence suggests at most ``top`` replies, each of at least
        ``min_score``.

        Args:
            message: One message, of any length.

        Returns:
            Scores by reply, best first; empty where there is nothing to suggest. They are sums of weights, above 0 and
            not bounded by 1.

        Raises:
            InputError: The text holds half of a surrogate pair.
        """
        return self._suggestions(self._totals(utf8(message)))

    @torch.inference_mode()
    def candidate_scores(self, message: str, candidates: Sequence[str]) -> list[float]:
        """Rank given replies.

        A candidate is looked up in the list of replies by its normalised form, whatever its case, full stops,
        contractions, ``?`` and ``!``. Neither ``top`` nor ``min_score`` cuts its score.

        Args:
            message: One message.
            candidates: Replies.

        Returns:
            A score each, in order; 0 for one that is not in the list, or in none of the opened buckets. Several zeros
            say nothing about which is better: a ranking has to break such ties by chance.

        Raises:
            InputError: A text holds half of a surrogate pair.
        """
        return self._candidate_scores(self._totals(utf8(message)), [utf8(c) for c in candidates])

    def _totals(self, message: bytes) -> list[tuple[Tensor, int]]:
        """Scores of all replies, ``(replies,)``, for each distinct sentence, and how often it occurs."""
        return [(self._scores(sentence), count) for sentence, count in Counter(sentences(message)).items()]

    def _scores(self, sentence: bytes) -> Tensor:
        """Mean weight over the hash functions of each reply in the buckets that one sentence opens, ``(replies,)``."""
        grams = skip_grams(normalise(sentence), self.ngram, self.max_skip)
        opened = codes(project(*features(grams), self.seeds.numpy(force=True)))
        wanted = torch.from_numpy(opened).to(self.keys)  # its device and type
        rows = torch.searchsorted(self.keys, wanted).clamp(max=len(self.keys) - 1)
        rows = rows[self.keys[rows] == wanted]
        scores = self.weights.new_zeros(self.replies)
        return scores.index_add_(0, self.labels[rows].flatten(), self.weights[rows].flatten() / len(opened))

    def _suggestions(self, totals: Sequence[tuple[Tensor, int]]) -> dict[str, float]:
        suggested: defaultdict[str, float] = defaultdict(float)  # some replies are in the list twice
        for scores, count in totals:
            values, places = scores.topk(min(self.top, self.replies))
            for value, place in zip(values.tolist(), places.tolist(), strict=True):
                if value >= self.min_score:
                    suggested[self.texts[place]] += count * value
        return dict(sorted(suggested.items(), key=lambda item: -item[1]))

    def _candidate_scores(self, totals: Sequence[tuple[Tensor, int]], candidates: Sequence[bytes]) -> list[float]:
        summed = sum((count * scores for scores, count in totals), self.weights.new_zeros(self.replies)).tolist()
        return [sum(summed[place] for place in self._places.get(_form(c), ())) for c in candidates]


def _form(reply: bytes) -> bytes:
    """The normalised reply without ``?`` and ``!``; replies that say the same have the same form."""
    return b" ".join(word for word in normalise(reply).split() if word not in (b"?", b"!"))


def _places(texts: Sequence[str]) -> dict[bytes, list[int]]:
    """Places in the list by form; some forms have several."""
    places: defaultdict[bytes, list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        places[_form(text.encode())].append(place)
    return dict(places)


@dataclass(frozen=True)
class _Table:
    """The contents of the published file.

    Attributes:
        settings: Options of the operators.
        arrays: Tensors by our names.
        texts: The replies.
    """

    settings: dict[str, object]
    arrays: dict[str, np.ndarray]
    texts: list[bytes]


def _read(path: Path) -> _Table:
    """Read the published file.

    Raises:
        InputError: The file is not TensorFlow Lite, or holds another model.
    """
    import tflite as schema

    model = tflite.read(path)
    graph = model.Subgraphs(0)
    kinds = schema.BuiltinOperator
    builtin = {getattr(kinds, name): name for name in OPERATORS if hasattr(kinds, name)}
    operators = [graph.Operators(i) for i in range(graph.OperatorsLength())]
    kind = [model.OperatorCodes(operator.OpcodeIndex()) for operator in operators]
    names = [k.CustomCode().decode() if k.BuiltinCode() == kinds.CUSTOM else builtin.get(k.BuiltinCode()) for k in kind]
    if tuple(names) != OPERATORS:
        raise InputError(f"{path}: not Smart Reply: operators {names}, expected {list(OPERATORS)}")
    _, grams, _, projection, predict, lookup = operators
    skip, hashing = schema.SkipGramOptions(), schema.LSHProjectionOptions()
    for options, operator in ((skip, grams), (hashing, projection)):
        options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
    if hashing.Type() != schema.LSHProjectionType.SPARSE or not skip.IncludeAllNgrams():
        raise InputError(f"{path}: not Smart Reply: its projection is dense, or its skip-grams are of one size only")
    top, min_score = struct.unpack("<if", predict.CustomOptionsAsNumpy().tobytes())
    settings: dict[str, object] = {
        "ngram": skip.NgramSize(),
        "max_skip": skip.MaxSkipSize(),
        "top": top,
        "min_score": round(min_score, 6),
    }

    def data(operator: Any, place: int, dtype: type) -> np.ndarray:
        tensor = graph.Tensors(operator.Inputs(place))
        values: np.ndarray = model.Buffers(tensor.Buffer()).DataAsNumpy().view(dtype)
        return values.reshape(tensor.ShapeAsNumpy())

    strings = model.Buffers(graph.Tensors(lookup.Inputs(2)).Buffer()).DataAsNumpy().tobytes()
    (count,) = struct.unpack_from("<i", strings)
    bounds = struct.unpack_from(f"<{count + 1}i", strings, 4)
    arrays = {
        "seeds": data(projection, 0, np.float32),
        "keys": data(predict, 1, np.int32),
        "labels": data(predict, 2, np.int32),
        "weights": data(predict, 3, np.float32),
        "ids": data(lookup, 1, np.int32),
    }
    return _Table(settings, arrays, [strings[start:end] for start, end in pairwise(bounds)])
