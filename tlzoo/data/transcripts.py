"""What is said in a sound: how a transcript is written, spelt and read back, and a person's own transcribed sounds."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from datasets import Audio, ClassLabel, Features, List, Value

from tlzoo.data.dataset import Listing, Target
from tlzoo.data.folder import GROUP_COLUMNS, METADATA, SUFFIXES, named_files, walk
from tlzoo.data.split_names import by_folder
from tlzoo.data.text_files import column_named, lines, read_sheet
from tlzoo.errors import InputError

TEXT_COLUMNS = ("transcription", "text", "sentence", "transcript")
"""Columns of ``metadata.csv`` that may hold the transcript, in the order in which they are looked for."""
_APOSTROPHES = str.maketrans("\u2019\u02bc\u0060\u00b4", "''''")
_SHOWN = 5  # of the characters that are of no use


def normalise(text: str) -> str:
    """Write a transcript as all of them are compared: lower case, letters and apostrophes, single spaces.

    Punctuation is left out, and hyphens become spaces, as in LibriSpeech (Panayotov 2015, section 4).

    Raises:
        InputError: Nothing is left, or it holds what has no sound of its own, such as digits; says which.
    """
    lower = unicodedata.normalize("NFC", text).translate(_APOSTROPHES).lower()
    kinds = {character: unicodedata.category(character) for character in lower}
    wrong = sorted({c for c, kind in kinds.items() if kind[0] in "NS" or kind in ("Co", "Cn", "Cs")})
    if wrong:
        raise InputError(
            f"transcript {text[:40]!r} holds {' '.join(wrong[:_SHOWN])}; only letters and apostrophes are spelt, so "
            "write numbers and signs as words"
        )
    kept = "".join(
        c if c == "'" or kinds[c][0] in "LM" else " " if kinds[c] in ("Zs", "Pd", "Cc") else "" for c in lower
    )
    words = [word for word in kept.split() if word.strip("'")]
    if not words:
        raise InputError(f"transcript {text[:40]!r} has no words")
    return " ".join(words)


def characters_of(texts: Iterable[str]) -> tuple[str, ...]:
    """The characters of transcripts, sorted: what a model of them has to spell with; the space is always one."""
    return tuple(sorted({" ", *(character for text in texts for character in text)}))


def text_features(characters: Sequence[str]) -> Features:
    """Columns of a transcript: ``text``, and ``letters``, the same as numbers of these characters."""
    return Features({"text": Value("string"), "letters": List(ClassLabel(names=list(characters)))})


def speech_features(characters: Sequence[str]) -> Features:
    """Features of sounds with transcripts in these characters."""
    own = {"group": Value("string"), "id": Value("string")}
    return Features({"audio": Audio(decode=False), **text_features(characters), **own})


def spell(text: str, characters: Sequence[str]) -> list[int]:
    """The places of a text's characters."""
    place = {character: i for i, character in enumerate(characters)}
    return [place[character] for character in text]


def read_back(best: Sequence[int], symbols: Sequence[str], blank: int, start: float, hop: float) -> dict[str, Any]:
    """A transcript from the best symbol of each moment: repeats are one, blanks none (Graves 2006, section 3.1).

    Args:
        best: Place of the best symbol, of each moment.
        symbols: The symbols; a space ends a word, and an empty one is not written.
        blank: Place of the blank.
        start: When the first moment is, s.
        hop: From one to the next, s.

    Returns:
        ``text``, and ``words``, each its ``text`` with ``start`` and ``end`` in s: from the first moment at which one
        of its letters is heard to the end of the last one.
    """
    words: list[dict[str, Any]] = []
    last, open_word = blank, False
    for moment, symbol in enumerate(best):
        letter = symbols[symbol] if symbol != blank else ""
        if letter == " ":
            open_word = False
        elif letter:
            end = round(start + hop * (moment + 0.5), 4)
            if not open_word:
                words.append({"text": "", "start": round(max(0.0, end - hop), 4), "end": end})
                open_word = True
            words[-1]["end"] = end
            words[-1]["text"] += letter if symbol != last else ""
        last = symbol
    return {"text": " ".join(word["text"] for word in words), "words": words}


class Transcripts:
    """The transcript of each sound, as ``tlzoo.data.dataset.Targets``."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Keep the transcripts as they are written; those of no use are said when they are read."""
        self.texts = texts
        usable = []
        for text in texts:
            try:
                usable.append(normalise(text))
            except InputError:
                continue
        self.characters = characters_of(usable)

    @property
    def features(self) -> Features:
        """Columns ``text`` and ``letters``."""
        return text_features(self.characters)

    def of(self, index: int, value: Any) -> Target:
        """Its transcript; a sound of silence alone has none that could be learnt."""
        from tlzoo.data.audio import is_silent

        written = self.texts[index]
        text = normalise(written)
        if is_silent(value):
            raise InputError("silence: every sample is the same")
        left_out = Counter(text)["'"] + sum(map(str.isalpha, text)) < sum(not c.isspace() for c in written)
        remarks = {"transcripts of which punctuation was left out": 1} if left_out else {}
        return Target({"text": text, "letters": spell(text, self.characters)}, remarks)


def listing(folder: Path) -> Listing:
    """List transcribed sounds: LibriSpeech's layout, else ``metadata.csv``, at the top or inside split folders.

    Raises:
        InputError: No such folder, or it has no transcripts.
    """
    wanted = "metadata.csv with file_name and transcription, or LibriSpeech's *.trans.txt"
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected sounds and {wanted}")
    found = Listing("audio", [], [], [], [], [])
    texts: list[str] = []
    sources = [p.relative_to(folder) for p in walk(folder) if p.name.endswith(".trans.txt") or p.name == METADATA]
    for place, (split, _) in zip(sources, by_folder(sources), strict=True):
        source = folder / place
        found.files.append(source)
        for path, text, speaker in _metadata(source, found) if source.suffix == ".csv" else _librispeech(source):
            name = str(path.relative_to(folder))
            if not path.is_file():
                found.problems.append(f"{name}: named in {source.name}, and no such file")
                continue
            assert found.groups is not None and found.splits is not None
            found.inputs.append({"bytes": None, "path": str(path)})
            found.labels.append("")
            found.names.append(name)
            found.groups.append(speaker or name)
            found.splits.append(split or "train")
            found.files.append(path)
            texts.append(text)
    if not texts:
        told = f"; {found.problems[0]}" if found.problems else ""
        raise InputError(f"{folder}: no transcribed sounds; expected {wanted}{told}")
    found.targets = Transcripts(texts)
    return found


def _metadata(path: Path, found: Listing) -> Iterator[tuple[Path, str, str]]:
    sheet = read_sheet(path)
    text, speaker = column_named(sheet.columns, TEXT_COLUMNS), column_named(sheet.columns, GROUP_COLUMNS)
    if text is None:
        raise InputError(
            f"{path}: needs columns 'file_name' and one of {', '.join(TEXT_COLUMNS)}; "
            f"columns: {', '.join(sheet.columns)}"
        )
    notice = f"metadata.csv: transcript from column {text!r}" + (f", groups from column {speaker!r}" if speaker else "")
    if notice not in found.notices:
        found.notices.append(notice)
    for row, target in enumerate(named_files(path, sheet)):
        yield target, sheet.columns[text][row], sheet.columns[speaker][row] if speaker else ""


def _librispeech(path: Path) -> Iterator[tuple[Path, str, str]]:
    """Lines of ``<speaker>-<chapter>.trans.txt``: the name of a sound beside it, and what is said."""
    for number, line in enumerate(lines(path), start=1):
        name, _, text = line.strip().partition(" ")
        if not name:
            continue
        if Path(name).name != name:
            raise InputError(f"{path}:{number}: {name!r} leaves the folder")
        beside = (path.with_name(name + suffix) for suffix in sorted(SUFFIXES["audio"]))
        yield next((p for p in beside if p.is_file()), path.with_name(f"{name}.flac")), text, name.partition("-")[0]
