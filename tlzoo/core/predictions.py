"""Predictions: one type a shape, which tasks score, ``tlzoo predict`` prints and ``tlzoo.draw`` renders.

Each field is annotated with its meaning, unit and range; ``docs/predictions.md`` is generated from that. The
module imports neither torch nor datasets.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, cast, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class About:
    """Documentation of a field.

    Attributes:
        meaning: What it is.
        unit: Its unit, where it has one.
        range: Its smallest and largest value, where they are known.
    """

    meaning: str
    unit: str = ""
    range: str = ""


@dataclass(frozen=True)
class Prediction:
    """What a model predicts of one example.

    Attributes:
        written: Names of the fields and properties in the JSON form; empty for all fields.
        essential: The field that is enough for the metrics; empty where several are.
    """

    written: ClassVar[tuple[str, ...]] = ()
    essential: ClassVar[str] = ""

    @classmethod
    def json_names(cls) -> tuple[str, ...]:
        """Names in the JSON form, in their order; optional ones included."""
        return cls.written or tuple(field.name for field in fields(cls))

    def to_json(self) -> dict[str, Any]:
        """The prediction as values that JSON takes; optional fields are left out where they are None."""
        line: dict[str, Any] = {}
        for name in self.json_names():
            value = getattr(self, name)
            if isinstance(value, Request):
                line |= _plain(value)
            elif value is not None:
                line[name] = _plain(value)
        return line

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Self:
        """The prediction that :meth:`to_json` gave; fields that the line lacks are 0 or empty.

        Raises:
            TypeError: The JSON form of this type is a summary, such as that of a mask.
        """
        if cls.written:
            raise TypeError(f"{cls.__name__} cannot be read from its JSON form")
        request = {"request": Request(line["usage"], line["seconds"])} if "usage" in line else {}
        return _read(cls, {**line, **request})  # type: ignore[no-any-return]

    def is_finite(self) -> bool:
        """Whether no value is NaN or infinite."""
        return all(_is_finite(value) for value in vars(self).values())


@dataclass(frozen=True)
class ClassScores(Prediction):
    """The class of an example."""

    essential = "label"

    label: Annotated[
        str,
        About("name of the class with the highest score; `unknown` of an input unlike all that the model learnt from"),
    ]
    score: Annotated[float, About("score of the class with the highest score: its probability", range="0 to 1")]
    scores: Annotated[
        Mapping[str, float],
        About("score by class; models published with hundreds of classes list the best five, best first", "", "0 to 1"),
    ]
    nearest: Annotated[str | None, About("of an `unknown` input, the class with the highest score")] = None

    def top(self, count: int) -> ClassScores:
        """The same with the best few classes alone, best first."""
        ranked = sorted(self.scores.items(), key=lambda item: -item[1])
        return replace(self, scores=dict(ranked[:count]))

    @classmethod
    def best(cls, scores: Tensor, labels: Sequence[str], count: int = 5) -> ClassScores:
        """The best few classes, best first.

        Args:
            scores: Scores of all classes, ``(classes,)``.
            labels: Their names.
            count: Maximum number of classes to list.
        """
        values, places = scores.topk(min(count, len(labels)))
        best = {labels[i]: value for i, value in zip(places.tolist(), values.tolist(), strict=True)}
        label = next(iter(best))
        return cls(label, best[label], best)


@dataclass(frozen=True)
class Boxes(Prediction):
    """Detected objects or faces."""

    boxes: Annotated[
        Sequence[Sequence[float]],
        About("corners of each box: x1, y1, x2, y2 from the top left", "pixels of the picture"),
    ]
    scores: Annotated[Sequence[float], About("score of each box, best first", range="0 to 1")]
    labels: Annotated[Sequence[str], About("class of each box")]
    keypoints: Annotated[
        Sequence[Sequence[Sequence[float]]] | None,
        About(
            "x, y of points of each face (detectors with landmarks only): left eye, right eye, nose, left and right "
            "corner of the mouth, as seen in the picture",
            "pixels of the picture",
        ),
    ] = None

    def above(self, threshold: float) -> Boxes:
        """The boxes whose score is the threshold or more."""
        places = [place for place, score in enumerate(self.scores) if score >= threshold]
        return Boxes(
            [self.boxes[i] for i in places],
            [self.scores[i] for i in places],
            [self.labels[i] for i in places],
            None if self.keypoints is None else [self.keypoints[i] for i in places],
        )


@dataclass(frozen=True)
class RunLengths:
    """A set of pixels as COCO encodes it (``pycocotools.mask``)."""

    size: Annotated[Sequence[int], About("height and width of the picture", "pixels")]
    counts: Annotated[str, About("compressed run lengths")]


@dataclass(frozen=True)
class ClassArea:
    """The pixels of one class."""

    label: Annotated[str, About("name of the class")]
    area_share: Annotated[float, About("share of the picture's pixels", range="0 to 1")]
    rle: Annotated[RunLengths, About("the pixels in COCO's run-length encoding (`pycocotools.mask`)")]


@dataclass(frozen=True, eq=False)
class Mask(Prediction):
    """The class of each pixel."""

    written = ("masks",)

    mask: Annotated[
        NDArray[np.uint8],
        About("place of each pixel's class in ``labels``, shape (height, width); 255 for pixels that do not count"),
    ]
    labels: Annotated[Sequence[str], About("names of all classes")]

    @property
    def masks(self) -> Annotated[list[ClassArea], About("one entry for each class in the picture")]:
        """The area of each class that occurs, the background included, in the order of ``labels``."""
        from pycocotools.mask import encode

        from tlzoo.data.media.geometry import IGNORED

        mask = np.asarray(self.mask, dtype=np.uint8)
        areas = []
        for value in np.unique(mask[mask != IGNORED]).tolist():
            inside = mask == value
            encoded = encode(np.asfortranarray(inside, dtype=np.uint8))
            rle = RunLengths([int(side) for side in encoded["size"]], encoded["counts"].decode("ascii"))
            areas.append(ClassArea(self.labels[value], float(inside.mean()), rle))
        return areas


@dataclass(frozen=True)
class Poses(Prediction):
    """Named points of people."""

    keypoints: Annotated[
        Sequence[Sequence[Sequence[float]]], About("x, y of each point of each person", "pixels of the picture")
    ]
    keypoint_scores: Annotated[Sequence[Sequence[float]], About("score of each point of each person", range="0 to 1")]
    scores: Annotated[Sequence[float], About("score of each person: the mean of the points' scores", range="0 to 1")]
    names: Annotated[Sequence[str], About("name of each point")]


@dataclass(frozen=True)
class PitchTrack(Prediction):
    """The fundamental frequency along a sound, one value a frame."""

    time: Annotated[Sequence[float], About("middle of each frame", "s", "0 and above")]
    frequency: Annotated[
        Sequence[float], About("pitch of each frame; without meaning where the confidence is low", "Hz", "above 0")
    ]
    confidence: Annotated[
        Sequence[float], About("how surely each frame has a pitch; from 0.5 on it counts as voiced", range="0 to 1")
    ]


@dataclass(frozen=True)
class Word:
    """A word of a transcript."""

    text: Annotated[str, About("the word")]
    start: Annotated[float, About("when it begins", "s", "0 and above")]
    end: Annotated[float, About("when it ends", "s", "0 and above")]


@dataclass(frozen=True)
class Transcript(Prediction):
    """What is said in a sound."""

    essential = "text"

    text: Annotated[str, About("the transcript; empty where no word is recognised")]
    words: Annotated[Sequence[Word], About("its words, in order")]

    @classmethod
    def of(cls, spelt: Mapping[str, Any]) -> Transcript:
        """The transcript that ``tlzoo.data.media.spelling.read_back`` gives."""
        return cls(spelt["text"], [Word(**word) for word in spelt["words"]])


@dataclass(frozen=True, eq=False)
class Clip(Prediction):
    """Generated frames of a video."""

    written = ("places", "given", "bits_per_dim")

    frames: Annotated[NDArray[np.uint8], About("the generated frames, RGB, shape (frames, height, width, 3)")]
    places: Annotated[Sequence[int], About("place in the clip of each generated frame", "frames", "0 and above")]
    given: Annotated[Sequence[int], About("places of the frames that the model was given", "frames", "0 and above")]
    bits_per_dim: Annotated[
        float | None,
        About("negative log-likelihood of the true frames (models with a likelihood only)", "bits per dimension"),
    ] = None


@dataclass(frozen=True)
class Span:
    """A part of a passage."""

    text: Annotated[str, About("the characters of the context from ``start`` to ``end``")]
    start: Annotated[int, About("first character", "characters of the context", "0 and above")]
    end: Annotated[int, About("one past the last character", "characters of the context", "0 and above")]
    score: Annotated[float, About("probability among the best spans and no answer", range="0 to 1")]


@dataclass(frozen=True)
class AnswerSpan(Span, Prediction):
    """The span of a passage that answers a question; without an answer ``text`` is empty and both places are 0."""

    essential = "text"

    type: Annotated[str, About("type of the answer: `short`, `long`, `yes`, `no` or `none`")]
    none: Annotated[float, About("probability that the context has no answer", range="0 to 1")]
    best: Annotated[Sequence[Span], About("the best spans, whether or not they are more probable than no answer")]


@dataclass(frozen=True)
class Entity:
    """A named entity in a text."""

    start: Annotated[int, About("first character", "characters of the text", "0 and above")]
    end: Annotated[int, About("one past the last character", "characters of the text", "0 and above")]
    text: Annotated[str, About("the characters of the text from ``start`` to ``end``")]
    label: Annotated[str, About("name of the class")]
    score: Annotated[float, About("mean probability of the tags of its words", range="0 to 1")]


@dataclass(frozen=True)
class Entities(Prediction):
    """The named entities of a text."""

    entities: Annotated[Sequence[Entity], About("the entities, in the order of the text")]


@dataclass(frozen=True)
class Request:
    """What the request to an API took; its values stand among those of the prediction."""

    usage: Annotated[
        Mapping[str, object] | None,
        About(
            "`prompt_tokens` and `completion_tokens` of the request; null where the endpoint does not count", "tokens"
        ),
    ]
    seconds: Annotated[float, About("time that the request took when it was sent", "s")]


@dataclass(frozen=True)
class Reply(Prediction):
    """A reply to a message."""

    essential = "candidate_scores"

    text: Annotated[str, About("the best reply; empty where there is none")]
    scores: Annotated[
        Mapping[str, float] | None,
        About("scores of the best five replies, best first (models with a list of replies only)", "", "above 0"),
    ] = None
    candidate_scores: Annotated[
        Sequence[float] | None, About("score of each given candidate, in their order; higher is better")
    ] = None
    candidate_nats: Annotated[
        Sequence[float] | None,
        About("negative log-likelihood of each candidate, its end included (language models only)", "nats"),
    ] = None
    request: Annotated[Request | None, About("what the request took (API models only)")] = field(
        default=None, compare=False
    )


@dataclass(frozen=True)
class Completion(Prediction):
    """The word that completes a passage."""

    essential = "text"

    text: Annotated[str, About("the word; empty where there is none")]
    nats: Annotated[
        float | None,
        About(
            "negative log-likelihood of the right word, its end included, where it is given (language models)", "nats"
        ),
    ] = None
    request: Annotated[Request | None, About("what the request took (API models only)")] = field(
        default=None, compare=False
    )


@dataclass(frozen=True)
class TrackSummary:
    """One track along a sequence."""

    label: Annotated[str, About("name of the track")]
    mean: Annotated[float, About("mean over the bins", "the track's", "0 and above")]
    max: Annotated[float, About("highest value of a bin", "the track's", "0 and above")]
    at: Annotated[
        Sequence[int],
        About("where that bin is: first base and one past the last", "bases from the sequence's first, 0"),
    ]


@dataclass(frozen=True, eq=False)
class DnaTracks(Prediction):
    """Values along a sequence of DNA."""

    written = ("tracks", "bin_size", "start", "bins")

    values: Annotated[
        NDArray[np.float32], About("value of each bin and track, shape (bins, tracks)", "", "0 and above")
    ]
    labels: Annotated[Sequence[str], About("names of the tracks")]
    bin_size: Annotated[int, About("length of a bin", "bases")]
    start: Annotated[int, About("where the first bin begins", "bases from the sequence's first, 0")]

    @property
    def bins(self) -> Annotated[int, About("number of bins")]:
        """Number of bins."""
        return len(self.values)

    @property
    def tracks(self) -> Annotated[list[TrackSummary], About("one entry for each track")]:
        """Mean, and place and height of the highest bin, of each track."""
        values = np.asarray(self.values)
        first = self.start + values.argmax(0) * self.bin_size
        columns = zip(self.labels, values.mean(0), values.max(0), first.tolist(), strict=True)
        return [
            TrackSummary(label, mean, highest, [place, place + self.bin_size])
            for label, mean, highest, place in columns
        ]


@dataclass(frozen=True)
class Embedding(Prediction):
    """A vector that stands for an example."""

    essential = "embedding"

    embedding: Annotated[Sequence[float], About("the vector; similar examples have a similar direction")]


@dataclass(frozen=True)
class Similarity(Prediction):
    """How similar two texts are."""

    essential = "score"

    score: Annotated[float, About("cosine of the two texts' vectors", range="-1 to 1")]


def _read(kind: Any, value: Any) -> Any:
    """A value of a type from what JSON has of it; the empty value of the type from None."""
    origin, parts = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        hints, names = get_type_hints(kind), [field.name for field in fields(kind)]
        absent = {field.name for field in fields(kind) if field.default is None}
        given = {name: value[name] for name in absent if value.get(name) is not None}
        read = {name: _read(hints[name], value.get(name)) for name in names if name not in absent}
        return cast("type", kind)(**given, **read)
    if origin is Sequence:
        return [_read(parts[0], part) for part in value or ()]
    if origin is Mapping:
        return value or {}
    return kind() if value is None else value


def _plain(value: Any) -> Any:
    """A value in types that JSON takes."""
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value.tolist() if hasattr(value, "tolist") else value  # arrays, tensors and their scalars


def _is_finite(value: object) -> bool:
    if hasattr(value, "dtype"):  # arrays, tensors and their scalars
        array = np.asarray(value)
        return array.dtype.kind != "f" or bool(np.isfinite(array).all())
    if isinstance(value, float):
        return math.isfinite(value)
    return all(map(_is_finite, _parts(value)))


def _parts(value: object) -> Iterator[object]:
    if is_dataclass(value):
        yield from vars(value).values()
    elif isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list | tuple):
        yield from value
