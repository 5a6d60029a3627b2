"""What is said in a sound: transcripts as symbols, and a person's own ones.

Text is written in small letters without punctuation, but for apostrophes inside words; numbers stay as they are.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import ClassLabel, Features, List, Value

from tlzoo.data.dataset import Listing, Target
from tlzoo.data.folder import GROUP_COLUMNS, SPLIT_NAMES
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from tlzoo.adapters.base import Spec, Tokens

BLANK, SPACE = "", " "
"""CTC's blank is a symbol that writes nothing; the first one here."""
COLUMNS = ("transcription", "transcript", "text", "sentence")
"""Of metadata.csv, what is said."""
_LIBRISPEECH = "*.trans.txt"


def tidy(text: str) -> str:
    """A transcript as it is learnt and compared: small letters, single blanks, no punctuation."""
    kept = re.sub(r"[^\w' ]|_", " ", text.lower().replace("’", "'"))
    return " ".join(word.strip("'") for word in kept.split() if word.strip("'"))


def alphabet(texts: Iterable[str]) -> list[str]:
    """Symbols of tidy texts, sorted, after CTC's blank."""
    return [BLANK, *sorted(set("".join(texts)))]


def text_features(symbols: Sequence[str]) -> Features:
    """Features of transcripts: the text, and the numbers of its symbols."""
    names = [_NAMES.get(symbol, symbol) for symbol in symbols]
    return Features({"text": Value("string"), "symbols": List(ClassLabel(names=names))})


_NAMES = {BLANK: "<blank>", SPACE: "<space>"}
"""What the classes of symbols are called that would not be seen."""


def symbols_of(features: Features) -> tuple[str, ...]:
    """The symbols that features were made of."""
    back = {name: symbol for symbol, name in _NAMES.items()}
    return tuple(back.get(name, name) for name in features["symbols"].feature.names)


def columns(text: str, symbols: Sequence[str]) -> dict[str, Any]:
    """A tidy text's values of :func:`text_features`."""
    place = {symbol: i for i, symbol in enumerate(symbols)}
    return {"text": text, "symbols": [place[character] for character in text]}


def greedy(logits: Tokens, symbols: Sequence[str], spec: Spec) -> list[dict[str, Any]]:
    """Read the likeliest symbol of each token: repeats are one, and what writes nothing separates (Graves 2006, 3.2).

    Args:
        logits: Of the symbols, ``(sum of lengths, symbols)``.
        symbols: What each writes.
        spec: Says when the tokens are.

    Returns:
        For each sound ``text``, and ``words``: each its ``text``, ``start`` and ``end`` in s.
    """
    assert spec.hop_seconds is not None
    found = []
    for best in logits.values.argmax(-1).split(logits.lengths.tolist()):
        words: list[dict[str, Any]] = []
        previous, is_new = -1, True
        for place, number in enumerate(best.tolist()):
            written = symbols[number]
            middle = spec.start_seconds + place * spec.hop_seconds
            if written == SPACE:
                is_new = True
            elif written and number != previous:
                if is_new:
                    words.append({"text": "", "start": max(0.0, middle - spec.hop_seconds / 2)})
                is_new = False
                words[-1]["text"] += written
            if written not in (BLANK, SPACE):
                words[-1]["end"] = middle + spec.hop_seconds / 2
            previous = number
        found.append({"text": " ".join(word["text"] for word in words), "words": words})
    return found


def listing(folder: Path) -> Listing:
    """List sounds and what is said in them.

    Either ``metadata.csv`` with ``file_name`` and one of :data:`COLUMNS`, at the top or inside ``train``, ``validation``
    and ``test``; or LibriSpeech's own folders with ``*.trans.txt``. A speaker stands on one side only.

    Raises:
        InputError: No such folder, no transcripts, or a line that cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected sounds with metadata.csv (file_name, transcription)")
    parts = {p: SPLIT_NAMES[p.name.lower()] for p in sorted(folder.iterdir()) if p.name.lower() in SPLIT_NAMES}
    parts = {p: split for p, split in parts.items() if p.is_dir()}
    found = Listing("audio", [], [], [], [], [] if parts else None)
    texts: list[str] = []
    for part, split in (parts or {folder: ""}).items():
        read = _metadata if (part / "metadata.csv").is_file() else _librispeech
        for path, said, speaker in read(part, found):
            name, text = str(path.relative_to(folder)), tidy(said)
            if not text:
                found.problems.append(f"{name}: the transcript {said!r} has no letters")
                continue
            found.inputs.append({"bytes": None, "path": str(path)})
            found.labels.append("")
            found.names.append(name)
            texts.append(text)
            assert found.groups is not None
            found.groups.append(speaker or name)
            if found.splits is not None:
                found.splits.append(split)
            found.files.append(path)
    if not texts:
        raise InputError(
            f"{folder}: no transcripts; expected metadata.csv with file_name and {' or '.join(COLUMNS[:2])}, "
            f"or LibriSpeech's {_LIBRISPEECH}"
        )
    found.targets = _Texts(texts)
    return found


class _Texts:
    """What is said in each sound, as ``tlzoo.data.dataset.Targets``."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts, self.symbols = texts, alphabet(texts)

    @property
    def features(self) -> Features:
        return text_features(self.symbols)

    def of(self, index: int, value: Any) -> Target:
        return Target(columns(self.texts[index], self.symbols))


def listed(texts: Sequence[str]) -> _Texts:
    """Targets of tidy transcripts."""
    return _Texts(texts)


def _metadata(part: Path, found: Listing) -> Iterator[tuple[Path, str, str]]:
    table = part / "metadata.csv"
    found.files.append(table)
    with table.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        names = reader.fieldnames or []
        said = next((c for c in COLUMNS if c in names), None)
        if "file_name" not in names or said is None:
            raise InputError(
                f"{table}: expected columns file_name and {' or '.join(COLUMNS)}; found {', '.join(names)}"
            )
        speaker = next((c for c in GROUP_COLUMNS if c in names), None)
        for line, row in enumerate(reader, start=2):
            path = part / (row["file_name"] or "")
            if not path.resolve().is_relative_to(part.resolve()):
                raise InputError(f"{table}:{line}: file_name {row['file_name']!r} leaves the folder")
            yield path, row[said] or "", (row[speaker] or "") if speaker else ""


def _librispeech(part: Path, found: Listing) -> Iterator[tuple[Path, str, str]]:
    for table in sorted(part.rglob(_LIBRISPEECH)):
        found.files.append(table)
        for line, text in enumerate(table.read_text(encoding="utf-8").splitlines(), start=1):
            name, _, said = text.partition(" ")
            if not said:
                raise InputError(f"{table}:{line}: expected a name and what is said, found {text!r}")
            yield table.with_name(f"{name}.flac"), said, name.split("-")[0]
