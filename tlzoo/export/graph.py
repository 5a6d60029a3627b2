"""From a fine-tuned model to one ONNX graph that takes decoded inputs and gives the task's numbers.

The graph holds what a model does with an input after decoding it: resizing and normalising of pictures, windows and
spectrograms of sounds, and of texts what comes after the tokenizer.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from tlzoo.adapters.text_encoder import TextEncoder
from tlzoo.adapters.wav2vec2 import SpeechEncoder
from tlzoo.architectures.crepe import CREPE
from tlzoo.architectures.openl3 import OpenL3
from tlzoo.architectures.patches import PatchBackbone
from tlzoo.architectures.trill import TRILL, TRILLsson
from tlzoo.architectures.wav2vec import Wav2Vec
from tlzoo.architectures.yamnet import YAMNet
from tlzoo.core.image import ImageBackbone
from tlzoo.core.model import HeadedModel, Model
from tlzoo.core.novelty import distances
from tlzoo.errors import InputError
from tlzoo.export.resize import Cropping
from tlzoo.export.sound import Decibels, Frames, MirroredPatches, Patches, Samples
from tlzoo.tasks.audio_embedding import AudioEmbedding
from tlzoo.tasks.classification import Classification
from tlzoo.tasks.text_embedding import TextEmbedding

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 20
NETWORK = "vectors.backbone"
"""Name of the part between preprocessing and head, for the exporter."""
DISTANCE = "distance"
"""Name of the output that is high where an input is unlike all training examples, float32 of shape ``(examples,)``."""
ABLE = "models of image-, audio- and text-classification, audio-embedding and text-embedding"
"""What can be exported."""
MAX_BYTES = 2**31 - 2**20
"""Of a file of ONNX, which is a protocol buffer."""
DYNAMIC = torch.export.Dim.DYNAMIC


@dataclass(frozen=True)
class Graph:
    """A model as a graph.

    Attributes:
        proto: The graph.
        output: ``scores`` of classes, or ``vector``, float32 of shape ``(examples, values)``; where the model tells
            what is unlike its training examples, there is a second one, the distance from them.
        network: Names of the backbone's nodes, without preprocessing and head.
    """

    proto: ModelProto
    output: Literal["scores", "vector"]
    network: tuple[str, ...]


class PictureVectors(nn.Module):
    """The vector of one picture, uint8 of shape ``(height, width, 3)``."""

    def __init__(self, backbone: ImageBackbone) -> None:
        """Put resizing and cropping before a backbone."""
        super().__init__()
        assert backbone.spec.height and backbone.spec.width
        self.front = Cropping(backbone.spec.height, backbone.spec.width, backbone.crop)
        self.backbone = backbone

    def forward(self, image: Tensor) -> Tensor:
        """``(1, dim)``."""
        vector: Tensor = self.backbone({"image": self.front(image)[None]})["pooled"]
        return vector


class PatchVectors(nn.Module):
    """The vector of one sound that is read part by part, float32 of shape ``(samples,)``."""

    def __init__(self, backbone: PatchBackbone | CREPE, front: nn.Module) -> None:
        """Put the cutting of parts before a backbone."""
        super().__init__()
        self.front, self.backbone = front, backbone

    def forward(self, audio: Tensor) -> Tensor:
        """``(1, dim)``."""
        return self.backbone.embed(self.front(audio)).mean(0, keepdim=True)


class SampleVectors(nn.Module):
    """The vector of one sound that is read as a whole, float32 of shape ``(samples,)``."""

    def __init__(self, backbone: Wav2Vec | SpeechEncoder) -> None:
        """Put levelling and silence before a backbone."""
        super().__init__()
        is_levelled = isinstance(backbone, SpeechEncoder)
        self.front = Samples(
            backbone.min_samples if isinstance(backbone, SpeechEncoder) else backbone.least, is_levelled
        )
        self.backbone = backbone

    def forward(self, audio: Tensor) -> Tensor:
        """``(1, dim)``."""
        sounds = self.front(audio)
        if isinstance(self.backbone, SpeechEncoder):
            states: Tensor = self.backbone.network(sounds).last_hidden_state
            return states.mean(1)
        maps: Tensor = self.backbone.feature_aggregator(self.backbone.feature_extractor(sounds))
        return maps.mean(2)


class TextVectors(nn.Module):
    """The vectors of texts of tokens, each int64 of shape ``(texts, tokens)``."""

    def __init__(self, backbone: TextEncoder) -> None:
        """Take a backbone."""
        super().__init__()
        self.backbone = backbone
        # XLNet subtracts the mask from 1.0, which the exporter cannot do with whole numbers
        self.is_subtracted = backbone.variant.model == "XLNetModel"

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """``(texts, dim)``, the mean over tokens."""
        seen = attention_mask.float() if self.is_subtracted else attention_mask
        states = self.backbone.states(input_ids=input_ids, attention_mask=seen, token_type_ids=token_type_ids)
        mask = attention_mask.to(states.dtype).unsqueeze(-1)
        return (states * mask).sum(1) / mask.sum(1)


class Whole(nn.Module):
    """A backbone with its preprocessing, and a task's head."""

    def __init__(self, vectors: nn.Module, model: HeadedModel) -> None:
        """Put the parts together.

        Args:
            vectors: From an input to its vector.
            model: Whose head reads the vector.
        """
        super().__init__()
        self.vectors, self.head, self.task, self.novelty = vectors, model.head, model.task, model.novelty

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Scores of classes in [0, 1], or an embedding, ``(examples, values)``; of some models also the distance."""
        vectors = self.vectors(*inputs)
        if isinstance(self.task, AudioEmbedding):
            return (self.head(vectors).vectors,)
        if not isinstance(self.task, Classification):  # each text of a pair has its vector
            return (self.head([vectors])[0],)
        scores = self.head(vectors).softmax(-1)
        if self.novelty is None:
            return (scores,)
        return scores, distances(vectors, self.novelty.neighbours)


def exported(model: Model) -> Graph:
    """Write a fine-tuned model as a graph.

    Args:
        model: The model, on the CPU; it is left in evaluation mode.

    Raises:
        InputError: Models of its kind cannot be exported.
    """
    import onnx

    vectors = vectors_of(model)
    assert isinstance(model, HeadedModel)
    whole = Whole(vectors, model).eval()
    names, example = _example(model.spec.input)
    axes = tuple(dict.fromkeys(range(2), DYNAMIC) if part.ndim > 1 else {0: DYNAMIC} for part in example)
    output: Literal["scores", "vector"] = "scores" if isinstance(model.task, Classification) else "vector"
    has_distance = output == "scores" and model.novelty is not None
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                whole,
                example,
                dynamo=True,
                opset_version=OPSET,
                dynamic_shapes=(axes,),
                input_names=names,
                output_names=[output, DISTANCE] if has_distance else [output],
                verbose=False,
            )
    except Exception as error:  # the exporter raises many types
        reason = " ".join(str(error).split())[:200]
        if __import__("os").environ.get("DBG"):
            raise
        raise InputError(
            f"{type(model.backbone).__name__}: cannot be written as a graph of ONNX ({reason}); "
            "tlzoo predict runs the folder itself"
        ) from None
    assert program is not None
    proto = program.model_proto
    assert proto is not None
    network = tuple(node.name for node in proto.graph.node if _is_of_network(node))
    _strip(proto)
    size = proto.ByteSize()
    if size > MAX_BYTES:
        raise InputError(f"the model takes {size / 1e9:.1f} GB, and a file of ONNX holds 2; export a smaller variant")
    onnx.checker.check_model(proto)
    return Graph(proto, output, network)


def vectors_of(model: Model) -> nn.Module:
    """The part of a model from an input to its vector, with preprocessing.

    Raises:
        InputError: Models of its kind cannot be exported.
    """
    task = model.task
    if not isinstance(model, HeadedModel) or not isinstance(task, Classification | AudioEmbedding | TextEmbedding):
        name = task.name if task is not None else type(model).__name__
        raise InputError(f"a model of {name} cannot be exported, since its output is not one vector; {ABLE} can")
    backbone = model.backbone
    if isinstance(backbone, ImageBackbone) and model.task.framing == "crop":
        return PictureVectors(backbone)
    if isinstance(backbone, YAMNet | TRILL):
        return PatchVectors(backbone, Patches())
    if isinstance(backbone, TRILLsson):
        return PatchVectors(backbone, MirroredPatches(backbone))
    if isinstance(backbone, OpenL3):
        return PatchVectors(backbone, Decibels(backbone))
    if isinstance(backbone, CREPE):
        return PatchVectors(backbone, Frames(backbone))
    if isinstance(backbone, Wav2Vec | SpeechEncoder):
        return SampleVectors(backbone)
    if isinstance(backbone, TextEncoder):
        return TextVectors(backbone)
    raise InputError(
        f"{type(backbone).__name__} cannot be exported: no graph of its preprocessing is known; {ABLE} can"
    )


def _example(kind: str) -> tuple[list[str], tuple[Tensor, ...]]:
    """Names of the inputs of a kind, and values to trace the graph with."""
    if kind == "image":
        return ["image"], (torch.zeros(91, 77, 3, dtype=torch.uint8),)
    if kind == "audio":
        return ["audio"], (torch.linspace(-0.5, 0.5, 100_001),)
    ids = torch.arange(14).reshape(2, 7)
    return ["input_ids", "attention_mask", "token_type_ids"], (ids, torch.ones_like(ids), torch.zeros_like(ids))


def _is_of_network(node: Any) -> bool:
    """Whether a node is of the backbone, by the modules that the exporter says it is from."""
    return any(NETWORK in entry.value for entry in node.metadata_props if entry.key == "namespace")


def _strip(proto: ModelProto) -> None:
    """Remove what the exporter says of where nodes come from, which names files of this machine."""
    graph = proto.graph
    for part in (proto, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    for function in proto.functions:
        for part in (function, *function.node):
            del part.metadata_props[:]
            part.doc_string = ""


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's remarks, which are about its own work, from the terminal."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
