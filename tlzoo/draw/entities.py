"""Entities as text: a list beside a text, and a table of right and wrong ones, marked where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tlzoo.core.predictions import Entities
from tlzoo.draw.renderer import MARK, TextRenderer, write_text

if TYPE_CHECKING:
    from datasets import Dataset

_HEAD = f"<!-- {MARK} -->\n"


class EntitiesRenderer(TextRenderer[Entities]):
    """Writes entities as Markdown."""

    suffix, sheet_suffix = ".md", ".md"
    examples_of_each = 12
    head = _HEAD

    def render(self, source: Path, prediction: Entities, target: Path) -> None:
        """Write a line for each entity.

        Raises:
            InputError: The file cannot be written.
        """
        lines = [f"- {entity.text} ({entity.label}, {entity.score:.0%})" for entity in prediction.entities]
        write_text(target, "\n".join([_HEAD, *(lines or ["No entities"]), ""]))

    def contact_sheet(self, rows: Dataset, predictions: Sequence[Entities], right: Sequence[bool], path: Path) -> None:
        """Write a Markdown table of some right and some wrong texts, with the true and the predicted entities marked.

        Raises:
            InputError: The file cannot be written.
        """
        names = rows.features["entities"]["label"].feature.names
        lines = [_HEAD, "| | true | predicted |", "| --- | --- | --- |"]
        for title, places in self.examples(right):
            for place in places:
                row = rows[place]
                columns = row["entities"]
                true = [
                    (start, end, names[label])
                    for start, end, label in zip(columns["start"], columns["end"], columns["label"], strict=True)
                ]
                predicted = [(entity.start, entity.end, entity.label) for entity in predictions[place].entities]
                cells = (title, marked(row["text"], true), marked(row["text"], predicted))
                lines.append(f"| {' | '.join(' '.join(cell.replace('|', '/').split()) for cell in cells)} |")
        hits = int(np.sum(right))
        write_text(path, "\n".join([*lines, "", f"{hits} of {len(right)} texts are right in every entity.", ""]))


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
