"""Text files with a class and a text on each line, such as TREC's ``DESC:manner How did ...`` and fastText's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tlzoo.data.files.text_files import OLD, read_text

SUFFIXES = ("", ".txt", ".label", ".labels", ".ft", ".fasttext", ".train", ".test", ".valid")
MARK = "__label__"
"""What fastText writes before a class."""
MIN_A_CLASS = 3
"""Lines of a class, on average, below which first words are no classes."""
MAX_SINGLE = 0.4
"""Share of first words that may stand on one line alone; in plain text more do."""


def read(path: Path) -> dict[str, list[str]] | None:
    """The texts and classes of a file: the class is the first word of a line, or follows its last tab or semicolon.

    Args:
        path: The file; what is not UTF-8 is taken for Windows-1252.

    Returns:
        Columns ``text`` and ``label``; None if the lines are not of this form.

    Raises:
        InputError: The file cannot be read.
    """
    if path.suffix.lower() not in SUFFIXES:
        return None
    lines = [line.strip() for line in read_text(path, OLD).splitlines() if line.strip()]
    for separator, first in (("\t", False), ("\t", True), (";", False), (None, True)):
        pairs = [_cut(line, separator, first) for line in lines]
        labels = Counter(label for label, text in pairs if label and text)
        if separator is None and _are_words(labels):
            continue
        if labels.total() == len(lines) and 2 <= len(labels) <= len(lines) / MIN_A_CLASS:
            return {"text": [text for _, text in pairs], "label": [label.removeprefix(MARK) for label, _ in pairs]}
    return None


def _are_words(labels: Mapping[str, int]) -> bool:
    """Whether the first words of lines are words of a text rather than classes."""
    single = [label for label, count in labels.items() if count == 1 and not label.startswith(MARK)]
    return len(single) > max(1, MAX_SINGLE * len(labels))


def _cut(line: str, separator: str | None, first: bool) -> tuple[str, str]:
    """The class of a line and its text; empty where it has but one of them."""
    parts = line.split(separator, 1) if first else line.rsplit(separator, 1)
    if len(parts) < 2:
        return "", ""
    label, text = parts if first else reversed(parts)
    return label.strip(), text.strip()
