"""The words that cards, tasks and boards share: domains, tasks, outputs, tiers, strategies.

Plain data, so that listing cards and boards never imports a deep-learning library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypedDict, get_args

from tlzoo.errors import unknown

Domain = Literal["image", "text", "audio", "video"]
Tier = Literal["official", "stand-in", "none", "baseline"]
ModelStrategy = Literal["zero-shot", "few-shot", "scratch", "probe", "partial", "full", "lora", "further"]
Baseline = Literal["trivial", "classical"]
Strategy = Literal[ModelStrategy, Baseline]
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
NOUNS: Mapping[str, str] = {
    "image": "pictures",
    "text": "texts",
    "dna": "sequences",
    "audio": "clips",
    "video": "videos",
    "ends": "videos",
}
"""What people call several examples of each kind of input."""
Interpolation = Literal["bilinear", "bicubic"]
"""How pictures are resized."""
ADAPTERS: Mapping[str, str] = {
    "own": "builtin",
    "concat": "concat",
    "openai": "chat_api.model",
    "litert": "litert",
    "smp": "smp",
    "timm": "timm",
    "torchvision": "torchvision",
    "transformers": "transformers",
}
"""Library families that build models, with the module of ``tlzoo.adapters`` whose ``build`` does it."""
Head = Literal[
    "vector",  # reads one vector an example
    "maps",  # reads feature maps
    "sequence",  # reads a sequence of vectors
    "ctc",  # reads a sequence of vectors, and spells by connectionist temporal classification
    "frames",  # generates videos; no head on a backbone
]
Annotation = Literal[
    "class",  # one class an example
    "boxes",  # boxes with a class each
    "faces",  # boxes of one class
    "mask",  # a class for each pixel
    "keypoints",  # named points of bodies
    "transcript",  # what is said
]
_COLUMNS = {"ends": "video"}

AD_HOC: tuple[str, ...] = ("timm", "hub", "folder", "concat")
"""What the ids of models begin with, before a colon, that are not in the catalogue."""
SHORT_REVISION = 12
"""Digits of a commit or a hash that tell versions apart."""
DOMAINS: tuple[str, ...] = get_args(Domain)
TIERS: tuple[str, ...] = get_args(Tier)
BASELINE: Tier = "baseline"
"""The tier of rows that are no model: what they predict costs a few lines."""
STRATEGIES: tuple[str, ...] = get_args(Strategy)
MODEL_STRATEGIES: tuple[ModelStrategy, ...] = get_args(ModelStrategy)
BASELINES: tuple[Baseline, ...] = get_args(Baseline)
"""Strategies of the tier :data:`BASELINE`, which no model has."""
UNTRAINED: tuple[Strategy, ...] = ("zero-shot", "few-shot")
TRAINED: tuple[str, ...] = ("scratch", "probe", "partial", "full", "lora", "further")
PRETRAINED_ON: Mapping[Domain, str] = {
    "image": "letters",
    "text": "wikipedia",
    "audio": "spoken-words",
    "video": "letter-motions",
}
"""The data set that small models of each domain are usually pretrained on."""


class Pretraining(TypedDict, total=False):
    """How stand-ins are pretrained: fields of ``tlzoo.transfer.recipe.Recipe`` that differ from the usual ones."""

    steps: int
    learning_rates: tuple[float, ...]
    batch_size: int
    looks: int
    augment: bool


@dataclass(frozen=True)
class OtherKind:
    """What a task is for a kind of input that is not its domain's own; such models have a board of their own.

    Attributes:
        metrics: The metrics, headline first.
        code: As of :class:`TaskFacts`; absent where it is the same.
        standard: As of :class:`TaskFacts`; absent where it is the same.
    """

    metrics: tuple[str, ...]
    code: str | None = None
    standard: tuple[str | None, str] | None = None


@dataclass(frozen=True)
class TaskFacts:
    """What is known of a task without importing it.

    Attributes:
        domain: The domain that lists it.
        pipeline_tag: The Hub's name for the task.
        needs: Alternatives; a model can do the task if its outputs include one of these sets.
        metrics: The metrics, headline first.
        code: Its class, ``module:Class`` of ``tlzoo.tasks``.
        standard: For ``--data auto``: the data set on the Hub, where there is one, and the one that is always at hand.
        reader: What lists a person's own data, ``module:function`` of ``tlzoo.data.files``; absent where class folders
            or COCO annotations are read.
        row_reader: What reads the rows of a file to predict, likewise; absent where the kind of input decides.
        table_reader: Reader of a Hub data set's splits as tables, likewise; absent where its columns are media files.
        annotation: How data are annotated; absent where only this task's data are annotated so.
        columns: Its input columns; absent where the only one is named after the kind of input.
        target: The column of what is right.
        head: What its heads read of a backbone.
        stand_in: The data set that small models are pretrained on for it, where it is not the domain's.
        pretraining: How small models are pretrained on its data.
        other_kinds: Other kinds of input that a model may take for it.
        epochs: Maximum number of times that training sees an example, where that is not what the recipe says: a text is
            in several pairs, and seen in each.
        untrained: Whether it can be done with what a backbone gives, without a head: by any, zero-shot.
        longest_hop: Of sounds: maximum number of seconds from one token to the next with which it can be done.
    """

    domain: Domain
    pipeline_tag: str
    needs: tuple[frozenset[str], ...]
    metrics: tuple[str, ...]
    code: str
    standard: tuple[str | None, str]
    reader: str | None = None
    row_reader: str | None = None
    table_reader: str | None = None
    annotation: Annotation | None = None
    columns: tuple[str, ...] = ()
    target: str = "label"
    head: Head = "vector"
    stand_in: str | None = None
    pretraining: Pretraining = field(default_factory=Pretraining)
    other_kinds: Mapping[str, OtherKind] = field(default_factory=dict)
    epochs: int | None = None
    untrained: bool = False
    longest_hop: float | None = None

    @property
    def inputs(self) -> frozenset[str]:
        """The kinds of input a model may take for it."""
        return frozenset({self.domain, *self.other_kinds})

    def metrics_of(self, kind: str) -> tuple[str, ...]:
        """The metrics of models with this kind of input, headline first."""
        return self.other_kinds[kind].metrics if kind in self.other_kinds else self.metrics

    def code_of(self, kind: str | None) -> str:
        """The class for a kind of input; by default for the domain's own."""
        other = self.other_kinds.get(kind or "")
        return other.code if other and other.code else self.code

    def standard_of(self, kind: str) -> tuple[str | None, str]:
        """The data sets for a kind of input."""
        other = self.other_kinds.get(kind)
        return other.standard if other and other.standard else self.standard

    def headline(self, kind: str) -> str:
        """The metric that a board of models with this kind of input is ranked by."""
        return self.metrics_of(kind)[0]

    @property
    def headlines(self) -> frozenset[str]:
        """The headline of each kind of input."""
        return frozenset(map(self.headline, self.inputs))

    def noun(self, metric: str) -> str:
        """What people call several examples, of the kind of input that a metric is of."""
        kind = next((kind for kind, other in self.other_kinds.items() if metric in other.metrics), self.domain)
        return NOUNS[kind]

    @property
    def input_columns(self) -> tuple[str, ...]:
        """The columns that are its input."""
        return self.columns or (column(self.domain),)

    @property
    def pretrained_on(self) -> str:
        """The data set that a small model is pretrained on for it."""
        return self.stand_in or PRETRAINED_ON[self.domain]

    @property
    def is_dense(self) -> bool:
        """Whether heads for it read maps, and not one vector an example."""
        return self.head == "maps"

    @property
    def is_cacheable(self) -> bool:
        """Whether what heads for it read is as large for every example, so that frozen features are kept once computed.

        Sequences are not: their heads are trained on top of the frozen network.
        """
        return self.head not in ("sequence", "ctc")


def is_ad_hoc(card_id: str) -> bool:
    """Whether an id is not of a card of the catalogue, but of a model that a person named."""
    return card_id.partition(":")[0] in AD_HOC and ":" in card_id


def shown(card_id: str, variant: str) -> str:
    """A variant as boards show it: of an ad-hoc model the start of its commit or hash, which is long."""
    return variant[:SHORT_REVISION] if is_ad_hoc(card_id) else variant


def _one_of(*outputs: str) -> tuple[frozenset[str], ...]:
    """Needs that any one of these outputs meets."""
    return tuple(frozenset({output}) for output in outputs)


_RENDERED = Pretraining(steps=200, batch_size=16, looks=4, augment=False)
"""Rendered pictures are not augmented: they vary in many ways, and in so few steps a network hardly learns more."""

TASKS: dict[str, TaskFacts] = {
    "image-classification": TaskFacts(
        "image",
        "image-classification",
        _one_of("pooled"),
        ("accuracy", "macro_f1"),
        "classification:ImageClassification",
        ("cifar10", "textures"),
        annotation="class",
        pretraining={**_RENDERED, "steps": 400, "batch_size": 32},
    ),
    "face-detection": TaskFacts(
        "image",
        "object-detection",
        _one_of("faces", "pyramid", "boxes"),
        ("ap50", "ap"),
        "detection:FaceDetection",
        ("wider-face", "faces"),
        annotation="faces",
        head="maps",
        stand_in="drawn-faces",
        pretraining=_RENDERED,
        target="objects",
    ),
    "object-detection": TaskFacts(
        "image",
        "object-detection",
        _one_of("boxes", "pyramid"),
        ("ap", "ap50"),
        "detection:ObjectDetection",
        ("cppe-5", "digit-scenes"),
        annotation="boxes",
        head="maps",
        stand_in="letter-scenes",
        pretraining={**_RENDERED, "steps": 300, "learning_rates": (6e-3,)},
        target="objects",
    ),
    "image-segmentation": TaskFacts(
        "image",
        "image-segmentation",
        _one_of("masks", "pyramid"),
        ("miou", "miou_foreground", "dice"),
        "image_segmentation:Segmentation",
        ("human-parsing", "nuclei"),
        annotation="mask",
        head="maps",
        stand_in="sprite-masks",
        pretraining=_RENDERED,
        target="mask",
    ),
    "pose-estimation": TaskFacts(
        "image",
        "keypoint-detection",
        _one_of("keypoints", "pyramid"),
        ("oks_ap", "pck"),
        "pose_estimation:Pose",
        (None, "figures"),
        annotation="keypoints",
        head="maps",
        stand_in="mannequins",
        pretraining=_RENDERED,
        target="people",
    ),
    "text-classification": TaskFacts(
        "text",
        "text-classification",
        _one_of("pooled"),
        ("accuracy", "macro_f1"),
        "classification:TextClassification",
        ("sst2", "chatterbot-topics"),
        reader="tables:listing",
        table_reader="tables:listed",
        annotation="class",
    ),
    "text-embedding": TaskFacts(
        "text",
        "feature-extraction",
        _one_of("pooled"),
        ("spearman",),
        "text_embedding:TextEmbedding",
        ("stsbenchmark", "lee"),
        reader="pairs:listing",
        row_reader="pairs:rows",
        epochs=10,
        untrained=True,
        table_reader="pairs:listed",
        columns=("sentence1", "sentence2"),
        target="score",
    ),
    "text-generation": TaskFacts(
        "text",
        "text-generation",
        _one_of("text", "replies"),
        ("recall_at_1", "perplexity"),
        "text_generation:Replies",
        ("daily-dialog", "chatterbot"),
        reader="replies:listing",
        table_reader="replies:listed",
        columns=("text", "candidates"),
        stand_in="wikipedia-replies",
        target="target",
    ),
    "question-answering": TaskFacts(
        "text",
        "question-answering",
        _one_of("tokens"),
        ("f1", "exact_match", "f1_has_answer", "f1_no_answer"),
        "question_answering:QuestionAnswering",
        ("squad", "news-spans"),
        reader="squad:listing",
        row_reader="squad:rows",
        table_reader="squad:of_tables",
        columns=("question", "context"),
        head="sequence",
        stand_in="wikipedia-spans",
        pretraining={"steps": 400, "learning_rates": (1e-3,), "batch_size": 16, "looks": 4},
        target="answers",
    ),
    "token-classification": TaskFacts(
        "text",
        "token-classification",
        _one_of("tokens"),
        ("entity_f1", "entity_precision", "entity_recall"),
        "token_classification:TokenClassification",
        ("wnut17", "rendered-names"),
        reader="conll:listing",
        row_reader="conll:rows",
        table_reader="conll:listed",
        head="sequence",
        target="entities",
    ),
    "language-modeling": TaskFacts(
        "text",
        "text-generation",
        _one_of("text", "tracks"),
        ("cloze_accuracy", "perplexity"),
        "language_modeling:Cloze",
        ("lambada", "news-cloze"),
        reader="passages:listing",
        table_reader="passages:listed",
        other_kinds={"dna": OtherKind(("pearson",), "dna_tracks:Tracks", (None, "promoters"))},
        pretraining={"steps": 2400, "learning_rates": (1e-3,), "batch_size": 8},
        target="target",
    ),
    "audio-classification": TaskFacts(
        "audio",
        "audio-classification",
        _one_of("pooled"),
        ("accuracy", "macro_f1"),
        "classification:AudioClassification",
        ("esc50", "spoken-digits"),
        annotation="class",
    ),
    "audio-embedding": TaskFacts(
        "audio",
        "feature-extraction",
        _one_of("pooled"),
        ("knn_accuracy", "linear_accuracy"),
        "audio_embedding:AudioEmbedding",
        ("hear-esc50", "spoken-voices"),
        untrained=True,
        annotation="class",
    ),
    "pitch-extraction": TaskFacts(
        "audio",
        "audio-to-audio",
        _one_of("pitch", "tokens"),
        ("rpa", "rca", "voicing_recall", "voicing_false_alarm"),
        "pitch_extraction:PitchExtraction",
        (None, "noisy-pitches"),
        reader="f0_folder:listing",
        head="sequence",
        target="f0",
    ),
    "speech-recognition": TaskFacts(
        "audio",
        "automatic-speech-recognition",
        _one_of("text", "tokens"),
        ("wer", "cer"),
        "speech_recognition:SpeechRecognition",
        ("librispeech", "spoken-numbers"),
        reader="transcripts:listing",
        longest_hop=0.05,
        annotation="transcript",
        head="ctc",
        target="text",
    ),
    "video-classification": TaskFacts(
        "video",
        "video-classification",
        _one_of("pooled"),
        ("accuracy", "macro_f1"),
        "classification:VideoClassification",
        ("ucf101-subset", "digit-motions"),
        annotation="class",
    ),
    "video-generation": TaskFacts(
        "video",
        "image-to-video",
        _one_of("frames"),
        ("bits_per_dim", "psnr", "ssim", "psnr_gain"),
        "video_generation:VideoGeneration",
        (None, "moving-digits"),
        reader="video_folder:listing",
        other_kinds={"ends": OtherKind(("psnr", "ssim", "psnr_gain"), "video_generation:FramesBetween")},
        head="frames",
        stand_in="moving-letters",
    ),
}
"""Everything that is known of a task outside of its own module, in one record each."""


def annotated(*annotations: Annotation) -> tuple[str, ...]:
    """Tasks whose data have one of these kinds of annotation."""
    return tuple(name for name, facts in TASKS.items() if facts.annotation in annotations)


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
