"""The interface of renderers, and what they share: examples on contact sheets, marks of tlzoo's own files, errors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

import numpy as np
from PIL import Image

from tlzoo.core.predictions import Prediction
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from datasets import Dataset

P = TypeVar("P", bound=Prediction)
MARK = "tlzoo"
"""What files written here say of their origin."""


class Renderer(ABC, Generic[P]):
    """Draws predictions of one type.

    Attributes:
        suffix: Suffix of the file of one prediction.
        sheet_suffix: Suffix of a contact sheet.
        examples_of_each: Maximum number of right and of wrong examples on a contact sheet.
        mark_field: Field of a picture's metadata that holds the mark.
    """

    suffix: ClassVar[str]
    sheet_suffix: ClassVar[str]
    examples_of_each: ClassVar[int]
    mark_field: ClassVar[str] = "Software"

    @abstractmethod
    def render(self, source: Path, prediction: P, target: Path) -> None:
        """Draw the prediction of a file.

        Args:
            source: The file.
            prediction: Its prediction.
            target: The file to write.

        Raises:
            InputError: The target cannot be written.
        """

    @abstractmethod
    def contact_sheet(self, rows: Dataset, predictions: Sequence[P], right: Sequence[bool], path: Path) -> None:
        """Draw some right and some wrong predictions beside the truth.

        Args:
            rows: Examples, with the features of their task.
            predictions: One for each row.
            right: Whether each prediction is right.
            path: The file to write.

        Raises:
            InputError: The file cannot be written.
        """

    def was_written_by_tlzoo(self, path: Path) -> bool:
        """Whether a file carries the mark, and may be overwritten."""
        try:
            with Image.open(path) as image:
                return image.info.get(self.mark_field) in (MARK, MARK.encode())
        except (OSError, Image.DecompressionBombError):
            return False

    def examples(self, right: Sequence[bool]) -> Iterator[tuple[str, list[int]]]:
        """Evenly spaced examples for a contact sheet: the title ``right`` with places, then ``wrong``."""
        for title, is_right in (("right", True), ("wrong", False)):
            places = np.flatnonzero(np.asarray(right, dtype=bool) == is_right)
            count = min(self.examples_of_each, len(places))
            yield title, places[np.unique(np.linspace(0, len(places) - 1, count).round().astype(int))].tolist()


class TextRenderer(Renderer[P]):
    """Writes predictions of one type as text.

    Attributes:
        head: Beginning of every file, with the mark.
    """

    head: ClassVar[str]

    def was_written_by_tlzoo(self, path: Path) -> bool:
        """Whether a file begins as those written here."""
        try:
            with path.open(encoding="utf-8") as file:
                return file.read(len(self.head)) == self.head
        except (OSError, UnicodeDecodeError):
            return False


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Make the folder of a file that is written inside the block.

    Raises:
        InputError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None


def write_text(path: Path, text: str) -> None:
    """Write a text, and make its folder.

    Raises:
        InputError: The file cannot be written.
    """
    with writing(path):
        path.write_text(text, encoding="utf-8")
