"""Drawn predictions: pictures, pitch curves, transcripts and videos, one renderer for each type of prediction."""

from __future__ import annotations

from functools import singledispatch
from pathlib import Path
from typing import Any

from tlzoo.core.predictions import Boxes, ClassScores, Clip, Entities, Mask, PitchTrack, Poses, Prediction, Transcript
from tlzoo.draw.renderer import Renderer
from tlzoo.errors import InputError
from tlzoo.files import writable_folder
from tlzoo.vocabulary import column

KINDS = ("image", "audio", "video")
"""Input columns of models whose predictions may be drawn."""


@singledispatch
def renderer_for(prediction: Prediction, kind: str) -> Renderer[Any] | None:
    """The renderer of a prediction; None where there is none for its type.

    Args:
        prediction: The prediction.
        kind: Kind of the model's input.
    """
    return None


@renderer_for.register
def _(prediction: ClassScores | Boxes | Mask | Poses, kind: str) -> Renderer[Any] | None:
    if kind != "image":
        return None
    from tlzoo.draw.image import ImageRenderer

    return ImageRenderer()


@renderer_for.register
def _(prediction: PitchTrack, kind: str) -> Renderer[Any]:
    from tlzoo.draw.pitch import PitchRenderer

    return PitchRenderer()


@renderer_for.register
def _(prediction: Transcript, kind: str) -> Renderer[Any]:
    from tlzoo.draw.transcript import TranscriptRenderer

    return TranscriptRenderer()


@renderer_for.register
def _(prediction: Entities, kind: str) -> Renderer[Any]:
    from tlzoo.draw.entities import EntitiesRenderer

    return EntitiesRenderer()


@renderer_for.register
def _(prediction: Clip, kind: str) -> Renderer[Any]:
    from tlzoo.draw.video import VideoRenderer

    return VideoRenderer()


class DrawingFolder:
    """A folder of drawn predictions."""

    def __init__(self, kind: str, folder: Path) -> None:
        """Check kind and folder before anything is predicted.

        Args:
            kind: Kind of the model's input.
            folder: Where to draw.

        Raises:
            InputError: Predictions from this kind of input are not drawn, or the folder cannot be written.
        """
        if column(kind) not in KINDS:
            raise InputError(f"--draw {folder}: predictions of {', '.join(KINDS)} are drawn; this model takes {kind}")
        self.kind, self.folder = kind, writable_folder(folder, "--draw")
        self._taken: set[Path] = set()
        self._renderers: dict[type[Prediction], Renderer[Any] | None] = {}

    def draw(self, source: Path, prediction: Prediction) -> Path | None:
        """Draw the prediction of a file.

        Returns:
            The file that was written; None where predictions of this type are not drawn.

        Raises:
            InputError: The file cannot be written.
        """
        if type(prediction) not in self._renderers:  # a renderer keeps the colour of each label
            self._renderers[type(prediction)] = renderer_for(prediction, self.kind)
        renderer = self._renderers[type(prediction)]
        if renderer is None:
            return None
        target = self._target(source, renderer)
        renderer.render(source, prediction, target)
        return target

    def _target(self, source: Path, renderer: Renderer[Any]) -> Path:
        """``<stem>.<suffix>`` or ``<stem>-2...``: never the same twice, nor a file that somebody else wrote."""
        count = 1
        while True:
            path = self.folder / f"{source.stem}{f'-{count}' if count > 1 else ''}{renderer.suffix}"
            if path not in self._taken and (not path.exists() or renderer.was_written_by_tlzoo(path)):
                self._taken.add(path)
                return path
            count += 1
