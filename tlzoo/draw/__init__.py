"""Predictions in a form that people look at or listen along to: which module draws what, and under which names.

A module that draws has ``SUFFIX`` (of one drawn prediction) and ``SHEET`` (of a sheet of several), and

- ``artist()``: a function ``(source, prediction, target)`` that draws the prediction of one file to a file;
- ``sheet(rows, predictions, right, path)``: some right and some wrong predictions of a data set beside the truth;
- ``is_ours(path)``: whether a file was drawn by it, and may be overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from tlzoo.errors import InputError
from tlzoo.files import writable_folder
from tlzoo.vocabulary import column

FORMS: dict[str, str] = {
    "frames": "tlzoo.draw.video",
    "frequency": "tlzoo.draw.pitch",
    "words": "tlzoo.draw.transcript",
    "entities": "tlzoo.draw.entities",
}
"""By what only such a prediction has."""
FORM_OF_KIND = {"image": "tlzoo.draw.image"}
"""For all other predictions, by the kind of input."""
KINDS = ("image", "audio", "video")
"""Columns of input of which there is something to draw."""


def form(prediction: Mapping[str, Any], kind: str) -> Any:
    """The module that draws a prediction; None where nothing does.

    Args:
        prediction: Of any task.
        kind: Kind of the model's input.
    """
    name = next((FORMS[key] for key in FORMS if key in prediction), FORM_OF_KIND.get(kind))
    return import_module(name) if name else None


class Artist:
    """Draws predictions of files into a folder."""

    def __init__(self, kind: str, folder: Path) -> None:
        """Check what can be checked before anything is predicted.

        Args:
            kind: Kind of the model's input.
            folder: Where to draw.

        Raises:
            InputError: Nothing of this kind is drawn, or the folder cannot be written.
        """
        if column(kind) not in KINDS:
            raise InputError(f"--draw {folder}: predictions of {', '.join(KINDS)} are drawn; this model takes {kind}")
        self.kind, self.folder = kind, writable_folder(folder, "--draw")
        self._taken: set[Path] = set()
        self._draw: dict[str, Callable[[Path, Mapping[str, Any], Path], None]] = {}

    def __call__(self, source: Path, prediction: Mapping[str, Any]) -> Path | None:
        """Draw one prediction; gives the file, or None where its form is not drawn.

        Raises:
            InputError: The file cannot be written.
        """
        module = form(prediction, self.kind)
        if module is None:
            return None
        target = self._name(source, module)
        self._draw.setdefault(module.__name__, module.artist())(source, prediction, target)
        return target

    def _name(self, source: Path, module: Any) -> Path:
        """``<stem>.<suffix>``, else ``<stem>-2...``: never the same twice, nor that of a file that is not ours."""
        count = 1
        while True:
            path = self.folder / f"{source.stem}{f'-{count}' if count > 1 else ''}{module.SUFFIX}"
            if path not in self._taken and (not path.exists() or module.is_ours(path)):
                self._taken.add(path)
                return path
            count += 1
