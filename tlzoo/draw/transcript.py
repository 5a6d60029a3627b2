"""Transcripts for people: WebVTT beside a sound, and a table of right and wrong ones.

WebVTT: https://www.w3.org/TR/webvtt1/ (cues, section 4.1; comments, which begin with NOTE, the same).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tlzoo.errors import InputError

if TYPE_CHECKING:
    from datasets import Dataset

SUFFIX, SHEET = ".vtt", ".md"
_HEAD = "WEBVTT\n\nNOTE tlzoo\n"
_PAUSE = 0.8
"""Seconds without a word, after which a new cue begins."""
_LONGEST = 6.0
"""Seconds of a cue: what people read at once."""
_OF_EACH = 12  # of a sheet: right ones and wrong ones


def artist() -> Callable[[Path, Mapping[str, Any], Path], None]:
    """What writes the transcript of a sound's file as WebVTT."""
    return draw


def draw(source: Path, prediction: Mapping[str, Any], target: Path) -> None:
    """Write the words as cues, cut at pauses; a sound in which nothing is heard has none.

    Raises:
        InputError: The file cannot be written.
    """
    cues = [
        f"\n{_clock(cue[0]['start'])} --> {_clock(max(cue[-1]['end'], cue[0]['start'] + 0.001))}\n"
        f"{' '.join(word['text'] for word in cue)}\n"
        for cue in _cues(prediction["words"])
    ]
    _write(target, _HEAD + "".join(cues))


def sheet(rows: Dataset, predictions: Sequence[Mapping[str, Any]], right: Sequence[bool], path: Path) -> None:
    """Write a Markdown table of some right and some wrong transcripts, beside what was said.

    Raises:
        InputError: The file cannot be written.
    """
    lines = ["<!-- tlzoo -->", "| | said | heard | sound |", "| --- | --- | --- | --- |"]
    for mark, hit in (("right", True), ("wrong", False)):
        of_kind = np.flatnonzero(np.asarray(right, dtype=bool) == hit)
        some = np.unique(np.linspace(0, len(of_kind) - 1, min(_OF_EACH, len(of_kind))).round().astype(int))
        for index in of_kind[some].tolist():
            row = rows[index]
            cells = (mark, row["text"], predictions[index]["text"] or "(nothing)", row["id"])
            lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    hits = int(np.sum(right))
    _write(path, "\n".join([*lines, "", f"{hits} of {len(right)} transcripts are right in every word.", ""]))


def is_ours(path: Path) -> bool:
    """Whether a file was written here."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(len(_HEAD)) == _HEAD
    except (OSError, UnicodeDecodeError):
        return False


def _cues(words: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    cue: list[Mapping[str, Any]] = []
    for word in words:
        if cue and (word["start"] - cue[-1]["end"] > _PAUSE or word["end"] - cue[0]["start"] > _LONGEST):
            yield cue
            cue = []
        cue.append(word)
    if cue:
        yield cue


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
