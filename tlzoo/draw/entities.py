"""Entities as text: each in brackets with its class behind it, and a table of right and wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tlzoo.errors import InputError

if TYPE_CHECKING:
    from datasets import Dataset

    from tlzoo.core.batch import Row
    from tlzoo.tasks.token_classification import NamedEntity

Prediction = Mapping[str, "Sequence[NamedEntity]"]
SUFFIX, SHEET = ".md", ".md"
_HEAD = "<!-- tlzoo -->\n"
_MAX_OF_EACH = 12
"""Right ones and wrong ones of a sheet."""


def artist() -> Callable[[Path, Prediction, Path], None]:
    """What writes the entities of a text as Markdown."""
    return draw


def draw(source: Path, prediction: Prediction, target: Path) -> None:
    """Write a line for each entity.

    Raises:
        InputError: The file cannot be written.
    """
    lines = [f"- {each['text']} ({each['label']}, {each['score']:.0%})" for each in prediction["entities"]]
    _write(target, "\n".join([_HEAD, *(lines or ["No entities"]), ""]))


def marked(text: str, entities: Sequence[tuple[int, int, str]]) -> str:
    """A text with its entities in brackets, such as ``[Anna](person) lives in [Perth](location)``.

    Args:
        text: The text.
        entities: First character, the one after the last, and class of each, in the text's order.
    """
    parts, last = [], 0
    for start, end, label in entities:
        parts += [text[last:start], f"[{text[start:end]}]({label})"]
        last = end
    return "".join([*parts, text[last:]])


def sheet(rows: Dataset, predictions: Sequence[Prediction], right: Sequence[bool], path: Path) -> None:
    """Write a Markdown table of some right and some wrong texts, beside what is marked in them.

    Raises:
        InputError: The file cannot be written.
    """
    names = rows.features["entities"]["label"].feature.names
    lines = [_HEAD, "| | marked | predicted |", "| --- | --- | --- |"]
    for mark, hit in (("right", True), ("wrong", False)):
        of_kind = np.flatnonzero(np.asarray(right, dtype=bool) == hit)
        some = np.unique(np.linspace(0, len(of_kind) - 1, min(_MAX_OF_EACH, len(of_kind))).round().astype(int))
        for index in of_kind[some].tolist():
            row: Row = rows[index]
            columns = row["entities"]
            marks = [
                (start, end, names[label])
                for start, end, label in zip(columns["start"], columns["end"], columns["label"], strict=True)
            ]
            given = [(each["start"], each["end"], each["label"]) for each in predictions[index]["entities"]]
            cells = (mark, marked(row["text"], marks), marked(row["text"], given))
            lines.append(f"| {' | '.join(' '.join(cell.replace('|', '/').split()) for cell in cells)} |")
    _write(path, "\n".join([*lines, "", f"{int(np.sum(right))} of {len(right)} texts are right in every entity.", ""]))


def is_ours(path: Path) -> bool:
    """Whether a file was written here."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(len(_HEAD)) == _HEAD
    except (OSError, UnicodeDecodeError):
        return False


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
