"""An exported model, run by ONNX Runtime alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tlzoo.core.novelty import UNKNOWN
from tlzoo.core.predictions import ClassScores, Embedding, Prediction, Similarity
from tlzoo.data.media.inputs import read_input
from tlzoo.errors import InputError, UnavailableError
from tlzoo.export import seal
from tlzoo.export.description import TOKENIZER, Description, InputDescription

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from tlzoo.core.batch import Row

Feed = dict[str, NDArray[Any]]
"""What a graph takes, by the names of its inputs."""


def need(*libraries: str) -> None:
    """Check that libraries of the extra ``onnx`` are installed.

    Raises:
        UnavailableError: One is not.
    """
    absent = [name for name in libraries if find_spec(name) is None]
    if absent:
        raise UnavailableError(f"{' and '.join(absent)} not installed: pip install 'tlzoo[onnx]'")


class Runtime:
    """A graph in ONNX Runtime on the CPU.

    Attributes:
        names: Of its inputs.
        metadata: Of the file.
    """

    def __init__(self, content: bytes, threads: int = 1, place: str = "the graph") -> None:
        """Load a graph.

        Args:
            content: The file.
            threads: To compute with.
            place: Name of the file, for errors.

        Raises:
            InputError: ONNX Runtime cannot read it.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises many types
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"{place}: ONNX Runtime cannot read it: {reason}") from None
        self.names: list[str] = [each.name for each in self._session.get_inputs()]
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)

    def outputs(self, feed: Feed) -> list[NDArray[np.float32]]:
        """The outputs: ``(examples, values)``, and of some graphs the distance, ``(examples,)``."""
        outputs: list[NDArray[np.float32]] = self._session.run(None, feed)
        return outputs

    def run(self, feed: Feed) -> list[NDArray[np.float32]]:
        """The outputs of one example: ``(values,)``, and of some graphs the distance, ``()``."""
        return [output[0] for output in self.outputs(feed)]


class Session:
    """An exported model that predicts rows.

    Attributes:
        input: What it takes.
        labels: Classes, in the order of the scores; empty where the output is a vector.
        threshold: Distance above which an input is unlike all training examples, and its label ``unknown``.
        run: The outputs of one example, from what the graph takes.
    """

    def __init__(
        self,
        runtime: Runtime,
        given: InputDescription,
        labels: tuple[str, ...] = (),
        threshold: float | None = None,
        tokenizer: str | None = None,
    ) -> None:
        """Describe a graph.

        Args:
            runtime: The graph.
            given: What it takes.
            labels: Classes, in the order of the scores; empty where the output is a vector.
            threshold: Distance above which an input is unlike all training examples.
            tokenizer: Of texts, their tokenizer as JSON.
        """
        self.input, self.labels, self.threshold, self.run = given, labels, threshold, runtime.run
        self._names, self._json = runtime.names, tokenizer

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        assert self._json is not None, "a model of texts has a tokenizer"
        return Tokenizer.from_str(self._json)

    def feed(self, source: Any) -> Feed:
        """What the graph takes, from a decoded input.

        Args:
            source: A picture of PIL or its pixels, RGB; samples at the model's rate, mono; or a text.
        """
        if self.input.kind == "text":
            return tokens_of(self._tokenizer, source, self._names)
        return {self.input.names[0]: np.asarray(source, self.input.dtype)}

    def feeds(self, row: Row) -> list[Feed]:
        """What the graph takes of a row, decoded: once, or once for each text of a pair.

        Raises:
            InputError: It cannot be decoded.
        """
        if self.input.columns:
            return [self.feed(row[name]) for name in self.input.columns]
        return [self.feed(read_input(row, self.input.kind, self.input.rate))]

    def predict(self, rows: Iterable[Row]) -> Iterator[Prediction]:
        """Predictions of rows, one after another."""
        for row in rows:
            yield self.prediction([self.run(feed) for feed in self.feeds(row)])

    def prediction(self, outputs: Sequence[Sequence[NDArray[np.float32]]]) -> Prediction:
        """A prediction from the outputs for a row, of a pair of texts for each."""
        values = [each[0] for each in outputs]
        if self.labels:
            return self._class(values[0], outputs[0][1:])
        return Embedding(values[0].tolist()) if len(values) == 1 else Similarity(cosine(*values))

    def _class(self, scores: NDArray[np.float32], distance: Sequence[NDArray[np.float32]]) -> ClassScores:
        label, best = self.labels[int(scores.argmax())], float(scores.max())
        by_name = dict(zip(self.labels, scores.tolist(), strict=True))
        if self.threshold is None or not distance or distance[0] <= np.float32(self.threshold):
            return ClassScores(label, best, by_name)
        return ClassScores(UNKNOWN, best, by_name, nearest=label)


def tokens_of(tokenizer: Tokenizer, text: str, names: Iterable[str]) -> Feed:
    """Tokens of one text, each int64 of shape ``(1, tokens)``; halves of surrogate pairs become question marks."""
    encoding = tokenizer.encode(text.encode("utf-8", "replace").decode("utf-8"))
    parts = {
        "input_ids": encoding.ids,
        "attention_mask": encoding.attention_mask,
        "token_type_ids": encoding.type_ids,
    }
    return {name: np.array([parts[name]], np.int64) for name in names}


def cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Cosine of two vectors."""
    return float(one @ other / max(float(np.linalg.norm(one)) * float(np.linalg.norm(other)), 1e-8))


def opened(path: Path, threads: int = 1) -> tuple[Session, Description, str]:
    """Open an exported file, after its checksum was compared.

    Args:
        path: The file.
        threads: To compute with.

    Returns:
        The model, what it says of itself, and its checksum.

    Raises:
        InputError: It cannot be read, or it was changed since the export.
        UnavailableError: ONNX Runtime is not installed.
    """
    need("onnxruntime")
    content = seal.read(path)
    runtime = Runtime(content, threads, str(path))
    description = Description.of(runtime.metadata, str(path))
    session = Session(
        runtime, description.input, description.labels, description.threshold, runtime.metadata.get(TOKENIZER)
    )
    return session, description, seal.checksum(content)
