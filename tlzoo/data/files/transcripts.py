"""A user's own transcribed sounds: in a table, in LibriSpeech's or LJSpeech's layout, or a text file beside each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets import Features

from tlzoo.data.dataset import Listing, Target
from tlzoo.data.files import metadata
from tlzoo.data.files.names import GROUP_COLUMNS, SUFFIXES
from tlzoo.data.files.split_names import by_folder, split_of
from tlzoo.data.files.text_files import lines, read_text
from tlzoo.data.files.text_files.delimited import column_named
from tlzoo.data.files.walk import check_folder, is_file, walk
from tlzoo.data.media.spelling import characters_of, normalise, spell
from tlzoo.data.schemas import text_features
from tlzoo.errors import InputError

TEXT_COLUMNS = ("transcription", "text", "sentence", "transcript")
"""Columns of ``metadata.csv`` that may hold the transcript, by priority."""


class Transcripts:
    """The transcript of each sound, as ``tlzoo.data.dataset.Targets``."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Keep the transcripts as they are written; unusable ones are reported when they are read."""
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
        """The transcript of one sound.

        Raises:
            InputError: The sound is silent, or nothing of the transcript can be spelt.
        """
        from tlzoo.data.media.audio import is_silent

        written = self.texts[index]
        text = normalise(written)
        if is_silent(value):
            raise InputError("silence: every sample is the same")
        left_out = sum(not c.isspace() for c in text) < sum(not c.isspace() for c in written)
        remarks = {"transcripts of which punctuation was left out": 1} if left_out else {}
        return Target({"text": text, "letters": spell(text, self.characters)}, remarks)


SOUND_FOLDERS = ("clips", "wavs", "wav", "audio")
"""Folders of sounds beside a table whose names lack them, as in Common Voice and LJSpeech."""
WANTED = (
    "a table (metadata.csv, .tsv or .jsonl) with file_name and transcription, LibriSpeech's *.trans.txt, LJSpeech's "
    "metadata.csv, Common Voice's .tsv, or a .txt beside each sound"
)
Row = tuple[Path, str, str, str | None, Mapping[str, str]]
"""A sound with its transcript, speaker, split if a column names it, and other columns."""


def listing(folder: Path, label: str | None = None) -> Listing:
    """List transcribed sounds, at the top or inside split folders.

    Args:
        folder: The folder.
        label: The column of transcripts in a table; by default one with a usual name.

    Raises:
        InputError: The folder does not exist, or has no transcripts.
    """
    check_folder(folder, f"sounds and {WANTED}")
    examples = Listing("audio", [], [], [], [], [])
    texts: list[str] = []
    given: list[bool] = []
    assert examples.groups is not None and examples.splits is not None
    for source, rows in _sources(folder, examples, TEXT_COLUMNS if label is None else (label,)):
        examples.files.append(source)
        for path, text, speaker, split, beside in rows:
            name = str(path.relative_to(folder))
            if not is_file(path):
                examples.problems.append(f"{name}: named in {source.name}, but there is no such file")
                continue
            examples.inputs.append({"bytes": None, "path": str(path)})
            examples.labels.append("")
            examples.names.append(name)
            examples.groups.append(speaker or name)
            examples.splits.append(split or "train")
            given.append(split is not None)
            examples.put_beside(beside)
            examples.files.append(path)
            texts.append(text)
    for place, (split, _) in enumerate(by_folder([Path(name) for name in examples.names])):
        if split and not given[place]:
            examples.splits[place] = split
    if not texts:
        reason = f"; {examples.problems[0]}" if examples.problems else ""
        raise InputError(f"{folder}: no transcribed sounds; expected {WANTED}{reason}")
    examples.targets = Transcripts(texts)
    named = set(examples.files)
    if left := sum(path.suffix.lower() in SUFFIXES["audio"] and path not in named for path in walk(folder)):
        examples.notices.append(f"sounds without a transcript, left out: {left:,}")
    return examples


def _sources(folder: Path, examples: Listing, names: Sequence[str]) -> Iterator[tuple[Path, Iterator[Row]]]:
    """Files of transcripts, with what they say; text files beside sounds, where there are no others."""
    files = list(walk(folder))
    tables = [path for path in files if path.name.endswith(".trans.txt") or _is_table(path)]
    beside = [
        path
        for path in files
        if not tables and path.suffix.lower() == ".txt" and _sound(path.with_suffix("")) is not None
    ]
    sources = [path.relative_to(folder) for path in tables or beside]
    for place, (split, _) in zip(sources, by_folder(sources), strict=True):
        source = folder / place
        if source.name.endswith(".trans.txt"):
            rows = _librispeech(source)
        elif source.suffix.lower() == ".txt":
            rows = _beside(source)
        else:
            rows = _table(source, examples, names)
        named = split or (split_of(source.stem) if source.name not in metadata.NAMES else None)
        yield source, ((path, text, who, own or named, more) for path, text, who, own, more in rows)


def _is_table(path: Path) -> bool:
    """Whether a file is a table of sounds: by its name, or as Common Voice's by its columns."""
    if path.name in metadata.NAMES:
        return True
    if path.suffix != ".tsv" or split_of(path.stem) is None:
        return False
    columns = next(iter(lines(path)), "").rstrip("\r\n").split("\t")
    return metadata.file_column(columns) is not None and column_named(columns, TEXT_COLUMNS) is not None


def _sound(path: Path) -> Path | None:
    """The sound of a name that lacks its suffix, which may be in capitals."""
    suffixes = sorted(SUFFIXES["audio"])
    names = (path.name + suffix for suffix in (*suffixes, *map(str.upper, suffixes)))
    return next((sound for name in names if is_file(sound := path.with_name(name))), None)


def _table(path: Path, examples: Listing, names: Sequence[str]) -> Iterator[Row]:
    sheet = metadata.read(path)
    text, speaker = column_named(sheet.columns, names), column_named(sheet.columns, GROUP_COLUMNS)
    if text is None or metadata.file_column(sheet.columns) is None:
        if (rows := _ljspeech(path)) is not None:
            yield from rows
            return
        raise InputError(
            f"{path}: needs columns 'file_name' and one of {', '.join(names)}; columns: {', '.join(sheet.columns)}"
        )
    notice = f"{path.name}: transcript from column {text!r}" + (f", groups from column {speaker!r}" if speaker else "")
    if notice not in examples.notices:
        examples.notices.append(notice)
    splits = metadata.splits_of(path, sheet, examples.notices)
    others = metadata.unread(sheet.columns, text)
    files = metadata.files_of(path, sheet, sorted(SUFFIXES["audio"]), SOUND_FOLDERS)
    for row, (line, file) in enumerate(zip(sheet.lines, files, strict=True)):
        if file is None:
            examples.problems.append(f"{path.name}:{line}: {metadata.file_column(sheet.columns)!r} is empty")
            continue
        beside = {name: sheet.columns[name][row] for name in others}
        yield file, sheet.columns[text][row], sheet.columns[speaker][row] if speaker else "", splits[row], beside


def _ljspeech(path: Path) -> Iterator[Row] | None:
    """Lines ``name|transcript|transcript in words``, without a header; None if the file is not of this form."""
    rows: list[Row] = []
    for line in lines(path):
        name, *texts = line.rstrip("\r\n").split("|")
        if not name:
            continue
        if not texts or Path(name).name != name:
            return None
        home = path.parent
        file = metadata.completed(home / name, home, sorted(SUFFIXES["audio"]), SOUND_FOLDERS)
        rows.append((file, texts[-1], "", None, {}))
    return iter(rows) if any(is_file(row[0]) for row in rows) else None


def _beside(path: Path) -> Iterator[Row]:
    sound = _sound(path.with_suffix(""))
    assert sound is not None
    yield sound, " ".join(read_text(path).split()), "", None, {}


def _librispeech(path: Path) -> Iterator[Row]:
    """Lines of ``<speaker>-<chapter>.trans.txt``: the name of a sound beside it, and its transcript."""
    for number, line in enumerate(lines(path), start=1):
        name, _, text = line.strip().partition(" ")
        if not name:
            continue
        if Path(name).name != name:
            raise InputError(f"{path}:{number}: {name!r} leaves the folder")
        yield _sound(path.with_name(name)) or path.with_name(f"{name}.flac"), text, name.partition("-")[0], None, {}
