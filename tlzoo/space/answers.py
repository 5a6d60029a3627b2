"""A prediction as HTML: its headline, its picture or video, its values, and the model that made it."""

from __future__ import annotations

import base64
import json
import mimetypes
from functools import singledispatch
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from tlzoo.core.predictions import (
    AnswerSpan,
    Boxes,
    ClassScores,
    Clip,
    Completion,
    DnaTracks,
    Embedding,
    Entities,
    Mask,
    PitchTrack,
    Poses,
    Prediction,
    Reply,
    Similarity,
    Transcript,
)

if TYPE_CHECKING:
    from tlzoo.run.predict import Predicted

MAX_CHARACTERS = 4000
"""Characters of a prediction's values that are shown."""
MIN_SCORE = 0.5
"""Score from which on a box, a body or a pitch counts."""
NEXT_CLASSES = 4
"""Classes that are shown after the best one."""


def shown(predicted: Predicted, model: str, seconds: float) -> str:
    """A prediction as HTML.

    Args:
        predicted: The input and its prediction.
        model: Name of the model.
        seconds: Time that the prediction took.
    """
    prediction = predicted.prediction
    assert prediction is not None, "errors are shown as such"
    facts = {key: value for key, value in predicted.to_json().items() if key not in ("input", "drawn")}
    text = json.dumps(facts, ensure_ascii=False, indent=1)
    text = text if len(text) < MAX_CHARACTERS else text[:MAX_CHARACTERS] + " ..."
    classes = _classes(prediction) if isinstance(prediction, ClassScores) else ""
    drawn = _picture(predicted.drawn) if predicted.drawn is not None else ""
    return (
        f"<div class=tlzoo aria-live=polite><h3>{escape(headline(prediction))}</h3>{classes}{drawn}"
        f"<p class=quiet>{escape(model)}, {seconds * 1000:.0f} ms</p>"
        f"<details><summary>All that it gives</summary><pre>{escape(text)}</pre></details></div>"
    )


@singledispatch
def headline(prediction: Prediction) -> str:
    """The prediction in a line; never empty."""
    return "An answer without a summary"


@headline.register
def _(prediction: ClassScores) -> str:
    return f"{prediction.label} ({prediction.score:.0%})"


@headline.register
def _(prediction: AnswerSpan) -> str:
    return f"{prediction.text or 'No answer in the context'} ({prediction.score:.0%})"


@headline.register
def _(prediction: Reply) -> str:
    return prediction.text or "No reply: there are no candidates"


@headline.register
def _(prediction: Completion | Transcript) -> str:
    return prediction.text or "No words"


@headline.register
def _(prediction: Similarity) -> str:
    return f"Similarity {prediction.score:.2f}, of at most 1"


@headline.register
def _(prediction: Embedding) -> str:
    first = ", ".join(f"{value:.3f}" for value in prediction.embedding[:4])
    return f"A vector of {len(prediction.embedding)} numbers: {first}, ..."


@headline.register
def _(prediction: PitchTrack) -> str:
    frames = zip(prediction.frequency, prediction.confidence, strict=True)
    voiced = sorted(hz for hz, confidence in frames if confidence >= MIN_SCORE)
    if not voiced:
        return "No pitch"
    share = len(voiced) / len(prediction.frequency)
    return f"Pitch {voiced[len(voiced) // 2]:.0f} Hz (median), in {share:.0%} of the time"


@headline.register
def _(prediction: Mask) -> str:
    areas = sorted(prediction.masks, key=lambda area: -area.area_share)
    return ", ".join(f"{area.label} {area.area_share:.0%}" for area in areas) or "Nothing was found"


@headline.register
def _(prediction: Poses) -> str:
    count = sum(score >= MIN_SCORE for score in prediction.scores)
    return f"{_counted(count, 'body', 'bodies')} of {_counted(len(prediction.names), 'point', 'points')}"


@headline.register
def _(prediction: Boxes) -> str:
    boxes = zip(prediction.labels, prediction.scores, strict=True)
    likely = [f"{label} ({score:.0%})" for label, score in boxes if score >= MIN_SCORE]
    return ", ".join(likely) or f"Nothing with a score of {MIN_SCORE:.0%} or more"


@headline.register
def _(prediction: DnaTracks) -> str:
    tracks = prediction.tracks
    best = max(tracks, key=lambda track: float(track.max))
    return (
        f"{_counted(len(tracks), 'track', 'tracks')} of {prediction.bins} bins; the highest value is "
        f"{best.max:.3g}, of {best.label}, at bases {best.at[0]:,} to {best.at[1]:,}"
    )


@headline.register
def _(prediction: Clip) -> str:
    return f"{_counted(len(prediction.places), 'frame', 'frames')} made from {len(prediction.given)} that were given"


@headline.register
def _(prediction: Entities) -> str:
    return ", ".join(f"{entity.text} ({entity.label})" for entity in prediction.entities) or "No entities"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _classes(prediction: ClassScores) -> str:
    """The next classes, and the number of all classes that the model lists."""
    scores = prediction.scores
    following = sorted(scores, key=lambda name: -scores[name])[1 : NEXT_CLASSES + 1]
    rest = ", ".join(f"{escape(name)} ({scores[name]:.0%})" for name in following)
    return f"<p class=quiet>of {len(scores)} classes that it knows; next: {rest}</p>"


def _picture(path: Path) -> str:
    mime = mimetypes.guess_type(path.name)[0] or ""
    data = base64.b64encode(path.read_bytes()).decode()
    if mime.startswith("image/"):
        return f'<p><img src="data:{mime};base64,{data}" alt="the prediction, drawn"></p>'
    if mime.startswith("video/"):
        return f'<p><video src="data:{mime};base64,{data}" controls autoplay loop muted></video></p>'
    return ""
