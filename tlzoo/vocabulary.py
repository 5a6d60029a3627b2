"""The words that cards, tasks and boards share: domains, tasks, outputs, tiers, strategies.

Plain data, so that listing cards and boards never imports a deep-learning library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from tlzoo.errors import unknown

Domain = Literal["image", "text", "audio", "video"]
Tier = Literal["official", "stand-in", "none"]
Strategy = Literal["zero-shot", "few-shot", "scratch", "probe", "partial", "full", "lora", "further"]
Output = Literal[
    "pooled",  # one vector an example, (batch, dim)
    "tokens",  # a sequence of vectors, (batch, time, dim)
    "pyramid",  # feature maps at several strides
    "faces",  # boxes of faces with a probability
    "boxes",  # boxes with a class and a score
    "masks",  # a class or an instance per pixel
    "keypoints",  # named points of a body
    "text",  # generated text
    "replies",  # scores of given replies
    "tracks",  # values along a DNA sequence
    "pitch",  # f0 and voicing over time
    "frames",  # generated video frames
]
InputKind = Literal[
    "image",
    "text",
    "dna",
    "audio",
    "video",
    "ends",  # of a video: its first and its last frame
]
Adapter = Literal["own", "openai", "litert", "smp", "timm", "torchvision", "transformers"]
"""Library families that build models; :data:`tlzoo.adapters.ADAPTERS` has the module of each."""
_COLUMNS = {"ends": "video"}

DOMAINS: tuple[str, ...] = get_args(Domain)
TIERS: tuple[str, ...] = get_args(Tier)
STRATEGIES: tuple[str, ...] = get_args(Strategy)
UNTRAINED: tuple[Strategy, ...] = ("zero-shot", "few-shot")
TRAINED: tuple[str, ...] = ("scratch", "probe", "partial", "full", "lora", "further")


@dataclass(frozen=True)
class TaskFacts:
    """What is known of a task without importing it.

    Attributes:
        domain: The domain that lists it.
        pipeline_tag: The Hub's name for the task.
        inputs: The kinds of input a model may take for it.
        needs: Alternatives; a model can do the task if its outputs include one of these sets.
        metrics: The metrics, headline first.
        epochs: Most times that training sees an example, where that is not what the recipe says: a text is in several
            pairs, and seen in each.
        untrained: Whether it can be done with what a backbone gives, without a head: by any, zero-shot.
        longest_hop: Of sounds: most seconds from one token to the next with which it can be done.
        own_metrics: Of a kind of input with which the task is another one, its metrics, headline first.
    """

    domain: Domain
    pipeline_tag: str
    inputs: frozenset[str]
    needs: tuple[frozenset[str], ...]
    metrics: tuple[str, ...]
    epochs: int | None = None
    untrained: bool = False
    own_metrics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    longest_hop: float | None = None

    def headline(self, kind: str) -> str:
        """The metric that a board of models with this kind of input is ranked by."""
        return self.own_metrics.get(kind, self.metrics)[0]

    @property
    def headlines(self) -> frozenset[str]:
        """The headline of each kind of input."""
        return frozenset(map(self.headline, self.inputs))

    @property
    def is_dense(self) -> bool:
        """Whether heads for it read maps, and not one vector an example."""
        return frozenset({"pyramid"}) in self.needs

    @property
    def is_cacheable(self) -> bool:
        """Whether what heads for it read is as large for every example, so that frozen features are kept once computed.

        Sequences are not: their heads are trained on top of the frozen network.
        """
        return frozenset({"tokens"}) not in self.needs


def _task(
    domain: Domain,
    tag: str,
    needs: list[set[str]],
    metrics: list[str],
    own: dict[str, tuple[str, ...]] | None = None,
    *,
    epochs: int | None = None,
    untrained: bool = False,
    longest_hop: float | None = None,
) -> TaskFacts:
    own = own or {}
    kinds = frozenset({domain, *own})
    return TaskFacts(
        domain, tag, kinds, tuple(map(frozenset, needs)), tuple(metrics), epochs, untrained, own, longest_hop
    )


TASKS: dict[str, TaskFacts] = {
    "image-classification": _task("image", "image-classification", [{"pooled"}], ["accuracy", "macro_f1"]),
    "face-detection": _task("image", "object-detection", [{"faces"}, {"pyramid"}, {"boxes"}], ["ap50", "ap"]),
    "object-detection": _task("image", "object-detection", [{"boxes"}, {"pyramid"}], ["ap", "ap50"]),
    "image-segmentation": _task("image", "image-segmentation", [{"masks"}, {"pyramid"}], ["miou", "dice"]),
    "pose-estimation": _task("image", "keypoint-detection", [{"keypoints"}, {"pyramid"}], ["pck", "oks_ap"]),
    "text-classification": _task("text", "text-classification", [{"pooled"}], ["accuracy", "macro_f1"]),
    "text-embedding": _task("text", "feature-extraction", [{"pooled"}], ["spearman"], epochs=10, untrained=True),
    "text-generation": _task("text", "text-generation", [{"text"}, {"replies"}], ["recall_at_1", "perplexity"]),
    "question-answering": _task("text", "question-answering", [{"tokens"}], ["f1", "exact_match"]),
    "language-modeling": _task(
        "text", "text-generation", [{"text"}, {"tracks"}], ["cloze_accuracy", "perplexity"], {"dna": ("pearson",)}
    ),
    "audio-classification": _task("audio", "audio-classification", [{"pooled"}], ["accuracy", "macro_f1"]),
    "audio-embedding": _task(
        "audio", "feature-extraction", [{"pooled"}], ["knn_accuracy", "linear_accuracy"], untrained=True
    ),
    "pitch-extraction": _task(
        "audio", "audio-to-audio", [{"pitch"}, {"tokens"}], ["rpa", "rca", "voicing_recall", "voicing_false_alarm"]
    ),
    "speech-recognition": _task(
        "audio", "automatic-speech-recognition", [{"text"}, {"tokens"}], ["wer", "cer"], longest_hop=0.05
    ),
    "video-classification": _task("video", "video-classification", [{"pooled"}], ["accuracy", "macro_f1"]),
    "video-generation": _task(
        "video",
        "image-to-video",
        [{"frames"}],
        ["psnr", "ssim", "psnr_gain", "bits_per_dim"],
        {"ends": ("psnr", "ssim", "psnr_gain")},
    ),
}


def column(kind: str) -> str:
    """Name of the column that holds an input of a kind."""
    return _COLUMNS.get(kind, kind)


def task_facts(name: str) -> TaskFacts:
    """Look a task up by name.

    Raises:
        InputError: The task is unknown; names the closest one.
    """
    if name not in TASKS:
        raise unknown("task", name, TASKS)
    return TASKS[name]
