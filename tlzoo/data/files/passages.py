"""A user's own texts for language modeling: passages whose last word is to be guessed; or tracks along DNA."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from datasets import Features, Value

from tlzoo.data.dataset import Listing, Target
from tlzoo.data.files import fasta, squad
from tlzoo.data.files.tables import is_table, listing_by, note_columns, read_tables
from tlzoo.data.files.tables.table import Table
from tlzoo.data.files.text_files import read_text
from tlzoo.data.packaged.news import passages
from tlzoo.errors import InputError

WORD_COLUMNS = ("target", "word", "answer", "completion")


class Words:
    """The missing word of each passage, as ``tlzoo.data.dataset.Targets``."""

    features = Features({"target": Value("string")})

    def __init__(self, words: list[str]) -> None:
        """Keep the words, in the listing's order."""
        self.words = words

    def of(self, index: int, value: Any) -> Target:
        """The missing word of one passage."""
        return Target({"target": self.words[index]})


def listing(path: Path) -> Listing:
    """List passages without their last word, and that word; for a table of DNA sequences, list its tracks.

    A table has both as columns, or whole texts; a SQuAD file has contexts; in any other file each paragraph is a text.
    Whole texts are cut where the last word can be guessed (``tlzoo.data.packaged.news.passages``), and no text is in
    two splits.

    Raises:
        InputError: The data cannot be read, or have no passage that ends in a word to guess.
    """
    tables = read_tables(path, []) if is_table(path) else []
    if fasta.is_fasta(path) or any(table.find(fasta.SEQUENCE_COLUMNS) for table in tables):
        return fasta.listing(path)
    if tables:
        return listing_by(path, listed)
    examples = Listing("text", [], [], [], [], files=[path])
    words: list[str] = []
    for name, text in _texts(path):
        words += _add(examples, name, list(passages(text)), None)
    return _finished(examples, words, str(path))


def listed(tables: Sequence[Table], where: str, cut: str = "") -> Listing:
    """List the passages of tables.

    Args:
        tables: The tables; if there are several, each names its split.
        where: Name of the source in messages.
        cut: ``"last"`` if each text is one passage, as in LAMBADA (Paperno 2016, 1606.06031), whose last word is to be
            guessed.

    Raises:
        InputError: No column fits, or no text has a passage that ends in a word to guess.
    """
    examples = Listing("text", [], [], [], [], [] if len(tables) > 1 else None)
    words: list[str] = []
    for table in tables:
        word = table.find(WORD_COLUMNS)
        text = table.text([word] if word else [])
        note_columns(examples, table, text=text, target=word)
        examples.columns = examples.columns or {"text": text}
        for row, value in enumerate(table.columns[text]):
            whole = value if isinstance(value, str) else ""
            if word:
                parts = [(whole, str(table.columns[word][row]))]
            else:
                parts = _last_word(whole) if cut == "last" else list(passages(whole))
            words += _add(examples, table.name(row), parts, table.split)
    return _finished(examples, words, where)


def _last_word(text: str) -> list[tuple[str, str]]:
    """A passage without its last word, and that word; none of a text of one word."""
    passage, _, word = text.strip().rpartition(" ")
    plain = word.strip(".,;:!?\"'()[]")
    return [(passage.strip(), plain)] if passage.strip() and plain else []


def _finished(examples: Listing, words: list[str], where: str) -> Listing:
    if not examples.inputs:
        raise InputError(f"{where}: no passage of 30 to 80 words ends in a word that occurs earlier in it")
    examples.targets = Words(words)
    return examples


def _add(examples: Listing, name: str, cut: list[tuple[str, str]], split: str | None) -> Iterator[str]:
    """Add the passages of one text, and yield their missing words."""
    for number, (passage, word) in enumerate(cut, start=1):
        examples.inputs.append(passage)
        examples.labels.append("")
        examples.names.append(f"{name}, {number}" if len(cut) > 1 else name)
        assert examples.groups is not None
        examples.groups.append(name)
        if examples.splits is not None:
            examples.splits.append(split or "train")
        yield word


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    """Whole texts with their names; in a SQuAD file these are its documents."""
    if path.suffix.lower() == ".json":
        documents: dict[str, dict[str, None]] = {}
        for question in squad.in_file(path, answered=False):
            documents.setdefault(question.document, {})[question.context] = None
        yield from ((name, " ".join(contexts)) for name, contexts in documents.items())
        return
    if not path.is_file():
        raise InputError(
            f"{path}: neither a text file nor a table nor a SQuAD file; put texts into one file, with an empty line "
            "between them"
        )
    for number, paragraph in enumerate(re.split(r"\n\s*\n", re.sub(r"\r\n?", "\n", read_text(path))), start=1):
        yield f"{path.name} paragraph {number}", paragraph
