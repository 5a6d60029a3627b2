"""What a model made of an input, as HTML: the answer in a line, its picture or film, its numbers, and who gave it."""

from __future__ import annotations

import base64
import json
import mimetypes
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

LONGEST = 4000
"""Characters of a prediction's numbers."""
SURE = 0.5
"""Score of a box, a body or a pitch that counts."""
NEXT = 4
"""Classes that are shown after the best one."""

Answer = Mapping[str, Any]


def shown(answer: Answer, model: str, seconds: float) -> str:
    """A prediction for people.

    Args:
        answer: As of ``tlzoo.run.predict.predict``.
        model: Who gave it.
        seconds: In what time.
    """
    facts = {key: value for key, value in answer.items() if key not in ("input", "drawn")}
    text = json.dumps(facts, ensure_ascii=False, indent=1)
    text = text if len(text) < LONGEST else text[:LONGEST] + " ..."
    return (
        f"<div class=tlzoo aria-live=polite><h3>{escape(headline(facts))}</h3>{_classes(facts)}{_drawn(answer)}"
        f"<p class=quiet>{escape(model)}, {seconds * 1000:.0f} ms</p>"
        f"<details><summary>All that it gives</summary><pre>{escape(text)}</pre></details></div>"
    )


def headline(facts: Answer) -> str:
    """The answer in a line; never empty.

    Args:
        facts: A prediction of any task, in values that JSON takes.
    """
    return next((say(facts) for key, say in _HEADLINES.items() if key in facts), "An answer without a summary")


def _label(facts: Answer) -> str:
    return f"{facts['label']} ({facts['score']:.0%})" if "score" in facts else str(facts["label"])


def _span(facts: Answer) -> str:
    return f"{facts['text'] or 'No answer in the context'} ({facts['score']:.0%})"


def _reply(facts: Answer) -> str:
    return str(facts["text"]) or "No reply: there are no candidates"


def _text(facts: Answer) -> str:
    return str(facts["text"]) or "No words"


def _similarity(facts: Answer) -> str:
    return f"Similarity {facts['score']:.2f}, of at most 1"


def _vector(facts: Answer) -> str:
    vector = facts["embedding"]
    first = ", ".join(f"{value:.3f}" for value in vector[:NEXT])
    return f"A vector of {len(vector)} numbers: {first}, ..."


def _pitch(facts: Answer) -> str:
    voiced = sorted(f for f, sure in zip(facts["frequency"], facts["confidence"], strict=True) if sure >= SURE)
    if not voiced:
        return "No pitch"
    return (
        f"Pitch {voiced[len(voiced) // 2]:.0f} Hz (median), in {len(voiced) / len(facts['frequency']):.0%} of the time"
    )


def _areas(facts: Answer) -> str:
    areas = sorted(facts["masks"], key=lambda mask: -mask["area_share"])
    return ", ".join(f"{mask['label']} {mask['area_share']:.0%}" for mask in areas) or "Nothing was found"


def _bodies(facts: Answer) -> str:
    count = sum(score >= SURE for score in facts["scores"])
    return f"{_counted(count, 'body', 'bodies')} of {_counted(len(facts['names']), 'point', 'points')}"


def _boxes(facts: Answer) -> str:
    scores = facts["scores"]
    names = facts.get("labels") or ["face"] * len(scores)
    sure = [f"{name} ({score:.0%})" for name, score in zip(names, scores, strict=True) if score >= SURE]
    return ", ".join(sure) or f"Nothing with a score of {SURE:.0%} or more"


def _entities(facts: Answer) -> str:
    return ", ".join(f"{each['text']} ({each['label']})" for each in facts["entities"]) or "No entities"


def _tracks(facts: Answer) -> str:
    best = max(facts["tracks"], key=lambda track: float(track["max"]))
    return (
        f"{_counted(len(facts['tracks']), 'track', 'tracks')} of {facts['bins']} bins; the highest value is "
        f"{best['max']:.3g}, of {best['label']}, at bases {best['at'][0]:,} to {best['at'][1]:,}"
    )


def _frames(facts: Answer) -> str:
    count = _counted(len(facts["places"]), "frame", "frames")
    return f"{count} made from {len(facts['given'])} that were given"


_HEADLINES: dict[str, Callable[[Answer], str]] = {
    "label": _label,
    "none": _span,
    "candidate_scores": _reply,
    "text": _text,
    "embedding": _vector,
    "frequency": _pitch,
    "masks": _areas,
    "entities": _entities,
    "names": _bodies,
    "boxes": _boxes,
    "tracks": _tracks,
    "places": _frames,
    "score": _similarity,
}
"""By what only such a prediction has; the first that fits counts."""


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _classes(facts: Answer) -> str:
    """The classes that come next, and how many there are: what the model knows."""
    scores = facts.get("scores") if "label" in facts else None
    if not isinstance(scores, Mapping):
        return ""
    after = sorted(scores, key=lambda name: -scores[name])[1 : NEXT + 1]
    rest = ", ".join(f"{escape(name)} ({scores[name]:.0%})" for name in after)
    return f"<p class=quiet>of {len(scores)} classes that it knows; next: {rest}</p>"


def _drawn(answer: Answer) -> str:
    if answer.get("drawn") is None:
        return ""
    path = Path(answer["drawn"])
    mime = mimetypes.guess_type(path.name)[0] or ""
    data = base64.b64encode(path.read_bytes()).decode()
    if mime.startswith("image/"):
        return f'<p><img src="data:{mime};base64,{data}" alt="the prediction, drawn"></p>'
    if mime.startswith("video/"):
        return f'<p><video src="data:{mime};base64,{data}" controls autoplay loop muted></video></p>'
    return ""
