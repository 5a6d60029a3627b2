"""``tlzoo export``: a fine-tuned folder becomes one file that carries its own certificate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tlzoo.adapters.text_encoder import TextEncoder
from tlzoo.core.model import HeadedModel
from tlzoo.errors import DivergedError, InputError, TlzooError
from tlzoo.export import seal
from tlzoo.export.certificate import certify, scored
from tlzoo.export.description import TOKENIZER, Description, InputDescription
from tlzoo.export.graph import Graph, exported, vectors_of
from tlzoo.export.heldout import described, held_out, recipe_of
from tlzoo.export.session import Runtime, Session, need
from tlzoo.files import sha256_of, write_whole
from tlzoo.leaderboard.metrics import METRICS, Metric
from tlzoo.run.execute import threads
from tlzoo.transfer import bundle

if TYPE_CHECKING:
    from onnx import ModelProto

    from tlzoo.core.batch import Row
    from tlzoo.core.task import Task

SUFFIX = ".onnx"
WITHIN = 1e-3
"""Maximum difference of a score from PyTorch's."""
INT8_WITHIN = 0.01
"""By how much the metric may be worse with int8, on validation examples and on test examples."""


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes:
        path: The file.
        description: What it says of itself.
        sha256: Its checksum.
        bytes: Its size.
    """

    path: Path
    description: Description
    sha256: str
    bytes: int


def export(
    folder: Path,
    out: Path | None = None,
    *,
    data: str | None = None,
    given: Mapping[str, str] | None = None,
    int8: bool = False,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Exported:
    """Write a fine-tuned model as one ONNX file, compared with PyTorch on test examples first.

    Args:
        folder: A folder that ``tlzoo finetune`` wrote.
        out: The file; by default ``model.onnx`` in the folder, or ``model-int8.onnx``.
        data: The data whose test examples are compared, as ``--data`` names them; by default those of the training.
        given: Columns of own data.
        int8: Whether weights and activations are quantised.
        overwrite: Whether a file of that name is replaced.
        say: Takes one-line notices.

    Returns:
        The file, and what it says of itself.

    Raises:
        InputError: The folder holds no model that can be exported, the data cannot be found, or the file exists.
        UnavailableError: The libraries of the extra ``onnx`` are not installed, or the data do not answer.
        TlzooError: The graph does not predict what the model predicts, or int8 costs too much accuracy.
    """
    need("onnx", "onnxruntime", "onnxscript")
    path = out if out is not None else folder / bundle.EXPORTS[int8]
    if path.suffix != SUFFIX:
        raise InputError(f"--out {path}: expected a file named *{SUFFIX}")
    if path.exists() and not overwrite:
        raise InputError(f"--out {path}: exists; name another file, or replace it with --overwrite")
    if not path.parent.is_dir():
        raise InputError(f"--out {path}: there is no folder {path.parent}; make it first")
    model = bundle.load(folder)
    vectors_of(model)  # complains before data are read
    assert isinstance(model, HeadedModel)
    config = bundle.described(folder) or {}
    trained = described(recipe_of(folder))
    tests = held_out(trained, config["task"], model.spec.input, model.task.labels, data, given or {}, str(folder))
    if not tests.is_own_test:
        say(f"data: {tests.name} is not what the model was trained on; examples of its training may be among these")
    graph = exported(model)
    labels = model.task.labels if graph.output == "scores" else ()
    inputs, tokenizer = input_of(model), tokenizer_of(model)
    threshold = model.novelty.threshold if labels and model.novelty is not None else None
    cores = threads()

    def session(proto: ModelProto) -> Session:
        return Session(Runtime(proto.SerializeToString(), cores), inputs, labels, threshold, tokenizer)

    proto = graph.proto
    if int8:
        splits = tests.data.splits
        proto = in_8_bits(graph, session, tests.task, splits["validation"], splits["train"], say)
    certificate = certify(model, session(proto), tests, cores)
    if int8:
        where = f"{certificate.examples} test examples"
        about_as_good(METRICS[certificate.metric], certificate.onnx, certificate.torch, where)
    elif apart := disagreement(certificate.equal, certificate.largest_difference):
        raise DivergedError(f"{folder}: {apart}; nothing is written, tlzoo predict runs the folder itself")
    description = Description(
        task=config["task"],
        card=config["card"],
        variant=config["variant"]["id"],
        weights_sha256=sha256_of(folder / bundle.WEIGHTS),
        labels=labels,
        threshold=threshold,
        precision="int8" if int8 else "float32",
        input=inputs,
        output=graph.output,
        data=trained,
        certificate=certificate,
    )
    content = packed(proto, description, tokenizer)
    _write(path, content)
    return Exported(path, description, seal.checksum(content), len(content))


def disagreement(equal: float, largest_difference: float) -> str:
    """What a graph predicts otherwise than its model; empty where it does what it must.

    Args:
        equal: Share of test examples of which both predict the same label, or direction.
        largest_difference: Of a score.
    """
    if equal == 1 and largest_difference <= WITHIN:
        return ""
    return (
        f"its graph predicts something else: {equal:.1%} of the test examples as PyTorch does, scores up to "
        f"{largest_difference:.2g} apart"
    )


def in_8_bits(
    graph: Graph,
    session: Callable[[ModelProto], Session],
    task: Task,
    validation: Sequence[Row],
    train: Sequence[Row],
    say: Callable[[str], None] = lambda line: None,
) -> ModelProto:
    """A graph in int8, if it is about as good on validation examples.

    Args:
        graph: The graph.
        session: Opens one.
        task: The task, bound to the data.
        validation: The examples that decide.
        train: The examples that it is calibrated on.
        say: Takes a line with both scores.

    Raises:
        TlzooError: It is worse.
    """
    from tlzoo.export.int8 import quantised

    full = session(graph.proto)
    proto = quantised(graph, full.feeds, train)
    before, after = (scored(each.predict, task, validation, train) for each in (full, session(proto)))
    metric = METRICS[before.metric]
    say(about_as_good(metric, after.value, before.value, f"{len(validation)} validation examples"))
    return proto


def about_as_good(metric: Metric, int8: float, float32: float, where: str) -> str:
    """Both values of a metric in a line.

    Raises:
        TlzooError: That with int8 is worse by more than :data:`INT8_WITHIN`.
    """
    figures = f"{metric.label} {int8:.3f} with int8, {float32:.3f} with float32, on {where}"
    if metric.sign * (float32 - int8) > INT8_WITHIN:
        raise TlzooError(f"{figures}: it may lose {INT8_WITHIN:g}; export without int8")
    return figures


def input_of(model: HeadedModel) -> InputDescription:
    """Describe what the graph of a model takes."""
    kind = model.spec.input
    if kind == "image":
        return InputDescription(
            kind="image",
            names=("image",),
            shape=("height", "width", 3),
            dtype="uint8",
            range=(0, 255),
            about="RGB pixels of one decoded picture of any size, its EXIF rotation applied, transparent pixels laid "
            "over white; the graph resizes, crops and normalises",
        )
    if kind == "audio":
        return InputDescription(
            kind="audio",
            names=("audio",),
            shape=("samples",),
            dtype="float32",
            range=(-1, 1),
            rate=model.spec.sample_rate,
            about="samples of one sound of any length, the mean of its channels, resampled to the rate before (tlzoo: "
            "soxr, quality HQ) and clipped to the range; the graph makes windows and spectrograms",
        )
    backbone = model.backbone
    assert isinstance(backbone, TextEncoder)
    return InputDescription(
        kind="text",
        names=("input_ids", "attention_mask", "token_type_ids"),
        shape=("texts", "tokens"),
        dtype="int64",
        max_tokens=backbone.max_tokens,
        pad=(backbone.network.config.pad_token_id, "left" if backbone.family.left else "right"),
        columns=tuple(model.task.inputs),
        about=f"tokens by the tokenizer in the metadata ({TOKENIZER}), which adds the special ones and cuts long texts",
    )


def tokenizer_of(model: HeadedModel) -> str | None:
    """The tokenizer of a model of texts as JSON, which cuts texts to what the model reads."""
    from tokenizers import Tokenizer

    backbone = model.backbone
    if not isinstance(backbone, TextEncoder):
        return None
    tokenizer = Tokenizer.from_str(backbone.tokenizer.to_str())
    tokenizer.enable_truncation(backbone.max_tokens)
    text: str = tokenizer.to_str()
    return text


def packed(proto: ModelProto, description: Description, tokenizer: str | None) -> bytes:
    """A graph with its metadata and its checksum as the content of a file."""
    from onnx import ModelProto, helper

    whole = ModelProto()
    whole.CopyFrom(proto)
    whole.producer_name = "tlzoo"
    whole.producer_version = ""
    entries = description.entries() | ({TOKENIZER: tokenizer} if tokenizer is not None else {})
    helper.set_model_props(whole, entries | {seal.NAME: seal.BLANK})
    content: bytes = whole.SerializeToString()
    return seal.sealed(content)


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, lambda new: new.write_bytes(content))
    except OSError as error:
        raise InputError(f"--out {path}: cannot be written: {error.strerror or error}") from None
