"""A user's own transcribed sounds: LibriSpeech's layout, or ``metadata.csv`` with a column of transcripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets import Features

from tlzoo.data.dataset import Listing, Target
from tlzoo.data.files.folder import GROUP_COLUMNS, METADATA, SUFFIXES, named_files, unread, walk
from tlzoo.data.files.split_names import by_folder
from tlzoo.data.files.text_files import lines
from tlzoo.data.files.text_files.delimited import column_named, read_sheet
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
        left_out = Counter(text)["'"] + sum(map(str.isalpha, text)) < sum(not c.isspace() for c in written)
        remarks = {"transcripts of which punctuation was left out": 1} if left_out else {}
        return Target({"text": text, "letters": spell(text, self.characters)}, remarks)


def listing(folder: Path) -> Listing:
    """List transcribed sounds: LibriSpeech's layout, else ``metadata.csv``, at the top or inside split folders.

    Raises:
        InputError: The folder does not exist, or has no transcripts.
    """
    wanted = "metadata.csv with file_name and transcription, or LibriSpeech's *.trans.txt"
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected sounds and {wanted}")
    examples = Listing("audio", [], [], [], [], [])
    texts: list[str] = []
    sources = [p.relative_to(folder) for p in walk(folder) if p.name.endswith(".trans.txt") or p.name == METADATA]
    for place, (split, _) in zip(sources, by_folder(sources), strict=True):
        source = folder / place
        examples.files.append(source)
        listed = _metadata(source, examples) if source.suffix == ".csv" else _librispeech(source)
        for path, text, speaker, beside in listed:
            name = str(path.relative_to(folder))
            if not path.is_file():
                examples.problems.append(f"{name}: named in {source.name}, but there is no such file")
                continue
            assert examples.groups is not None and examples.splits is not None
            examples.inputs.append({"bytes": None, "path": str(path)})
            examples.labels.append("")
            examples.names.append(name)
            examples.groups.append(speaker or name)
            examples.splits.append(split or "train")
            examples.put_beside(beside)
            examples.files.append(path)
            texts.append(text)
    if not texts:
        reason = f"; {examples.problems[0]}" if examples.problems else ""
        raise InputError(f"{folder}: no transcribed sounds; expected {wanted}{reason}")
    examples.targets = Transcripts(texts)
    return examples


def _metadata(path: Path, examples: Listing) -> Iterator[tuple[Path, str, str, Mapping[str, str]]]:
    sheet = read_sheet(path)
    text, speaker = column_named(sheet.columns, TEXT_COLUMNS), column_named(sheet.columns, GROUP_COLUMNS)
    if text is None:
        raise InputError(
            f"{path}: needs columns 'file_name' and one of {', '.join(TEXT_COLUMNS)}; "
            f"columns: {', '.join(sheet.columns)}"
        )
    notice = f"metadata.csv: transcript from column {text!r}" + (f", groups from column {speaker!r}" if speaker else "")
    if notice not in examples.notices:
        examples.notices.append(notice)
    others = unread(sheet.columns, text)
    for row, target in enumerate(named_files(path, sheet)):
        beside = {name: sheet.columns[name][row] for name in others}
        yield target, sheet.columns[text][row], sheet.columns[speaker][row] if speaker else "", beside


def _librispeech(path: Path) -> Iterator[tuple[Path, str, str, Mapping[str, str]]]:
    """Lines of ``<speaker>-<chapter>.trans.txt``: the name of a sound beside it, and its transcript."""
    for number, line in enumerate(lines(path), start=1):
        name, _, text = line.strip().partition(" ")
        if not name:
            continue
        if Path(name).name != name:
            raise InputError(f"{path}:{number}: {name!r} leaves the folder")
        beside = (path.with_name(name + suffix) for suffix in sorted(SUFFIXES["audio"]))
        yield next((p for p in beside if p.is_file()), path.with_name(f"{name}.flac")), text, name.partition("-")[0], {}
