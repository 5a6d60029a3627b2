"""Features of rows: which columns a task's data have, whatever they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from datasets import Audio, ClassLabel, Features, Image, List, Value, Video

from tlzoo.data.media.keypoints import COCO_NAMES


def storage(kind: str) -> Audio | Image | Video | Value:
    """The feature that keeps an input as bytes, undecoded."""
    undecoded: dict[str, Audio | Image | Video] = {
        "audio": Audio(decode=False),
        "image": Image(decode=False),
        "video": Video(decode=False),
    }
    return undecoded.get(kind, Value("string"))


def class_features(kind: str, names: Sequence[str]) -> Features:
    """Features of rows with one class each: the input by its kind, ``label``, ``group`` and ``id``."""
    own = {"group": Value("string"), "id": Value("string")}
    return Features({kind: storage(kind), "label": ClassLabel(names=list(names)), **own})


def mask_features(names: Sequence[str]) -> Features:
    """Features of a mask of classes."""
    return Features({"mask": Image(decode=False), "classes": List(ClassLabel(names=list(names)))})


PEOPLE_FEATURES = Features(
    {
        "image": Image(decode=False),
        "people": {"bbox": List(List(Value("float32"))), "keypoints": List(List(List(Value("float32"))))},
        "parts": List(ClassLabel(names=list(COCO_NAMES))),
        "group": Value("string"),
        "id": Value("string"),
    }
)
"""``bbox`` is ``[x, y, width, height]``, of each person ``keypoints`` are ``[x, y, visibility]``, in pixels; visibility
is COCO's: 0 outside of the picture, 1 hidden, 2 visible. ``parts`` are the indices of all keypoints."""


CLIP_FEATURES = Features(video=Video(decode=False), group=Value("string"), id=Value("string"))


HOP = 0.01
"""Seconds from one value of f0 to the next."""


F0 = {"time": List(Value("float32")), "hz": List(Value("float32"))}
"""Feature of a pitch track: seconds, and Hz, 0 where there is no pitch."""


def pitch_features(extra: Mapping[str, object] | None = None) -> Features:
    """Features of rows with a pitch track."""
    own = {"group": Value("string"), "id": Value("string")}
    return Features({"audio": Audio(decode=False), "f0": F0, **(extra or {}), **own})


def text_features(characters: Sequence[str]) -> Features:
    """Columns of a transcript: ``text``, and ``letters``, the same as numbers of these characters."""
    return Features({"text": Value("string"), "letters": List(ClassLabel(names=list(characters)))})


def speech_features(characters: Sequence[str]) -> Features:
    """Features of sounds with transcripts in these characters."""
    own = {"group": Value("string"), "id": Value("string")}
    return Features({"audio": Audio(decode=False), **text_features(characters), **own})


def track_features(bins: int, tracks: int) -> Features:
    """Features of what is measured along a sequence.

    Args:
        bins: Bins of each row; -1 where that varies.
        tracks: Tracks.

    Returns:
        ``tracks``, values of each bin and track, and ``bin_size``, in bases; 0 is the model's own.
    """
    rows = List(List(Value("float32"), length=tracks), length=bins)
    return Features({"tracks": rows, "bin_size": Value("int32")})


ANSWER_TYPES = ("short", "long", "yes", "no", "none")
"""Kinds of answers, as BERT-joint tells them apart (Alberti 2019, 1901.08634, section 3); ``none``: no answer."""


ANSWER_COLUMNS = {
    "context": Value("string"),
    "answers": {"text": List(Value("string")), "answer_start": List(Value("int32"))},
    "answer_type": ClassLabel(names=list(ANSWER_TYPES)),
}


QUESTION_FEATURES = Features(
    {"question": Value("string"), **ANSWER_COLUMNS, "group": Value("string"), "id": Value("string")}
)
"""Rows: ``answers`` has the texts that are right and the characters of the context at which they begin, none where
there is no answer; ``group`` is the document."""


CLOZE_FEATURES = Features({name: Value("string") for name in ("text", "target", "group", "id")})


CHOICE_FEATURES = Features({**CLOZE_FEATURES, "candidates": List(Value("string"))})
"""Rows of passages with words to choose from, of which ``target`` is one."""


REPLY_TARGETS = Features({"candidates": List(Value("string")), "target": Value("int64")})
"""Targets of one message: the replies to choose from, and the place of the right one."""


REPLY_FEATURES = Features({"text": Value("string"), **REPLY_TARGETS, "group": Value("string"), "id": Value("string")})
"""Rows: the message, its targets, its theme and conversation (``group``), its name."""


def entity_features(names: Sequence[str]) -> Features:
    """Features of marked texts: first character of each word and each entity, the one after the last, and the class."""
    place = {"start": List(Value("int32")), "end": List(Value("int32"))}
    return Features({"words": place, "entities": {**place, "label": List(ClassLabel(names=list(names)))}})
