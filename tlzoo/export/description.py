"""What an exported file says of itself: its input, its classes, where it is from, and its certificate.

Each field is one entry of the metadata of ONNX, its value JSON; the names are those of the fields.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from tlzoo.errors import InputError

FORMAT = 1
"""Version of the metadata."""
TOKENIZER = "tokenizer"
"""Entry of the metadata that is the ``tokenizer.json`` of a model of texts, which cuts long ones by itself."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InputDescription(_Record):
    """What a graph takes.

    Attributes:
        kind: ``image``, ``audio`` or ``text``.
        names: Of the graph's inputs.
        shape: Of each of them; names stand for sizes that are free.
        dtype: Of each of them.
        range: Least and largest value; absent of tokens.
        rate: Samples a second, of sounds.
        max_tokens: Maximum length of a text, in tokens.
        pad: The id that fills shorter texts of a batch, and the side where it stands.
        columns: The texts of an example, each of which has a vector, of a pair of texts.
        about: In words, what comes before the graph.
    """

    kind: Literal["image", "audio", "text"]
    names: tuple[str, ...]
    shape: tuple[str | int, ...]
    dtype: str
    range: tuple[float, float] | None = None
    rate: int | None = None
    max_tokens: int | None = None
    pad: tuple[int, Literal["left", "right"]] | None = None
    columns: tuple[str, ...] = ()
    about: str


class DataDescription(_Record):
    """The data that a model was trained on, without their place.

    Attributes:
        name: What boards call it.
        fingerprint: Of the data set, and of what decides its splits.
        where: ``rendered``, ``files``, ``hub`` or ``folder``.
        options: How a person's own data were read, such as their columns.
        limits: Maximum examples per split.
        is_whole: Whether the model learnt from all of them, those for a test included.
    """

    name: str
    fingerprint: str
    where: str
    options: dict[str, str]
    limits: dict[str, int | None]
    is_whole: bool = False


class Certificate(_Record):
    """What a file was measured to do before it was written.

    Attributes:
        data: Name of the data set of the test examples.
        is_own_test: Whether these are the test examples of the data that the model was trained on.
        is_seen: Whether the model learnt from these examples, as where it was trained on all there are: then only the
            agreement means something, and the metric does not.
        test_sha256: Fingerprint of the test examples: their inputs as they are stored, and their targets.
        examples: Number of test examples.
        equal: Share of them for which the file predicts the same as PyTorch: the same label, or a vector in the same
            direction (cosine of at least .9999).
        largest_difference: Of any score, or value of a vector, from PyTorch's.
        metric: Name of the metric.
        torch: Its value with PyTorch.
        onnx: Its value with ONNX Runtime.
        labels: The class that ONNX Runtime predicts of each test example, by its place, -1 for ``unknown``; empty where
            there are none.
        latency_ms: Median time from a decoded example to its prediction in ONNX Runtime, in milliseconds.
        torch_latency_ms: The same in PyTorch.
        threads: Of both.
        versions: Of the libraries.
    """

    data: str
    is_own_test: bool
    is_seen: bool
    test_sha256: str
    examples: int
    equal: float
    largest_difference: float
    metric: str
    torch: float
    onnx: float
    labels: tuple[int, ...]
    latency_ms: float
    torch_latency_ms: float
    threads: int
    versions: dict[str, str]


class Description(_Record):
    """The metadata of a file.

    Attributes:
        tlzoo: :data:`FORMAT`.
        task: The task.
        card: The card that the model started from.
        variant: The card's variant.
        weights_sha256: Of the file of weights in the folder that was exported.
        labels: Classes, in the order of the scores; empty for vectors.
        threshold: Of the output ``distance``, the value above which an input is unlike all training examples, and its
            label ``unknown``; absent of models that cannot tell.
        precision: ``float32``, or ``int8`` where weights and activations are quantised.
        input: What the graph takes.
        output: Name of its first output, ``scores`` or ``vector``, float32 of shape ``(examples, values)``.
        data: What the model was trained on.
        certificate: What was measured.
    """

    tlzoo: int = FORMAT
    task: str
    card: str
    variant: str
    weights_sha256: str
    labels: tuple[str, ...]
    threshold: float | None = None
    precision: Literal["float32", "int8"]
    input: InputDescription
    output: Literal["scores", "vector"]
    data: DataDescription
    certificate: Certificate

    def entries(self) -> dict[str, str]:
        """The entries of the metadata: JSON by name."""
        fields = self.model_dump(mode="json", exclude_none=True)
        return {name: json.dumps(value, ensure_ascii=False) for name, value in fields.items()}

    @classmethod
    def of(cls, entries: Mapping[str, str], place: str) -> Self:
        """Read the metadata of a file.

        Args:
            entries: JSON by name; others than the fields are not read.
            place: Name of the file, for errors.

        Raises:
            InputError: They are not those of a file that tlzoo wrote, or of another version.
        """
        try:
            fields = {name: json.loads(entries[name]) for name in cls.model_fields if name in entries}
        except (ValueError, RecursionError):
            fields = {}
        if fields.get("tlzoo") != FORMAT:
            raise InputError(
                f"{place}: its metadata are of version {fields.get('tlzoo', 'none')}; this version reads {FORMAT}"
            )
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"]))
            raise InputError(f"{place}: metadata, field {field!r}: {first['msg']}; export it again") from None
