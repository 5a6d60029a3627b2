"""Transcripts as WebVTT beside their sounds, and a table of right and wrong ones.

WebVTT: https://www.w3.org/TR/webvtt1/ (cues and comments, which begin with NOTE: section 4.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tlzoo.core.predictions import Transcript, Word
from tlzoo.draw.renderer import MARK, TextRenderer, write_text

if TYPE_CHECKING:
    from datasets import Dataset

_HEAD = f"WEBVTT\n\nNOTE {MARK}\n"
_PAUSE_SECONDS = 0.8
"""A pause of this length begins a new cue."""
_MAX_CUE_SECONDS = 6.0
"""Maximum length of a cue: what people read at once."""


class TranscriptRenderer(TextRenderer[Transcript]):
    """Writes transcripts as subtitles."""

    suffix, sheet_suffix = ".vtt", ".md"
    examples_of_each = 12
    head = _HEAD

    def render(self, source: Path, prediction: Transcript, target: Path) -> None:
        """Write the words as cues, cut at pauses; a transcript without words has no cues.

        Raises:
            InputError: The file cannot be written.
        """
        cues = [
            f"\n{_clock(cue[0].start)} --> {_clock(max(cue[-1].end, cue[0].start + 0.001))}\n"
            f"{' '.join(word.text for word in cue)}\n"
            for cue in _cues(prediction.words)
        ]
        write_text(target, _HEAD + "".join(cues))

    def contact_sheet(
        self, rows: Dataset, predictions: Sequence[Transcript], right: Sequence[bool], path: Path
    ) -> None:
        """Write a Markdown table of some right and some wrong transcripts, beside the true ones.

        Raises:
            InputError: The file cannot be written.
        """
        lines = [f"<!-- {MARK} -->", "| | said | heard | sound |", "| --- | --- | --- | --- |"]
        for title, places in self.examples(right):
            for place in places:
                row = rows[place]
                cells = (title, row["text"], predictions[place].text or "(nothing)", row["id"])
                lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
        hits = int(np.sum(right))
        write_text(path, "\n".join([*lines, "", f"{hits} of {len(right)} transcripts are right in every word.", ""]))


def _cues(words: Sequence[Word]) -> Iterator[list[Word]]:
    cue: list[Word] = []
    for word in words:
        if cue and (word.start - cue[-1].end > _PAUSE_SECONDS or word.end - cue[0].start > _MAX_CUE_SECONDS):
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
