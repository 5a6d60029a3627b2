"""A user's own sounds with their pitch: beside each sound a table of time in s and f0 in Hz."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets import Features

from tlzoo.data.dataset import Listing, Target
from tlzoo.data.files.names import SUFFIXES
from tlzoo.data.files.split_names import by_folder
from tlzoo.data.files.text_files import read_text
from tlzoo.data.files.text_files.delimited import separator_of
from tlzoo.data.files.walk import check_folder, walk
from tlzoo.data.schemas import F0
from tlzoo.errors import InputError

TABLE_SUFFIXES = (".f0.csv", ".csv")
"""Suffixes of a sound's table, in place of the sound's own."""
MIN_HZ = 0.1
"""Minimum pitch, Hz; anything lower, or not a number, means no pitch."""
MAX_OVERHANG = 1.0
"""Maximum time for which a table may continue after the end of its sound, s."""


def listing(folder: Path) -> Listing:
    """List sounds and their tables: at the top, or inside ``train``, ``validation`` and ``test``.

    A table has two columns, seconds and Hz, with or without a header; 0, negative values and ``nan`` mean no pitch.
    The sounds of a subfolder are one group, so that no performer is in two splits.

    Raises:
        InputError: The folder does not exist, or no sound has a table.
    """
    check_folder(folder, "sounds, each with a .csv of time (s) and f0 (Hz)")
    sounds = [path.relative_to(folder) for path in walk(folder) if path.suffix.lower() in SUFFIXES["audio"]]
    examples = Listing("audio", [], [], [], [], [])
    tables = []
    for name, (split, place) in zip(sounds, by_folder(sounds), strict=True):
        path = folder / name
        table = next((t for end in TABLE_SUFFIXES if (t := path.with_name(path.stem + end)).is_file()), None)
        if table is None:
            examples.problems.append(f"{name}: no {path.stem}.csv beside it")
            continue
        examples.inputs.append({"bytes": None, "path": str(path)})
        examples.labels.append("")
        examples.names.append(str(name))
        assert examples.groups is not None and examples.splits is not None
        examples.groups.append("/".join(place.parts[:-1]) or str(name))
        examples.splits.append(split or "train")
        examples.files += [path, table]
        tables.append(table)
    if not tables:
        reason = f"; {examples.problems[0]}" if examples.problems else ""
        raise InputError(f"{folder}: no sound with a .csv of time (s) and f0 (Hz) beside it{reason}")
    examples.targets = _PitchTracks(tables)
    return examples


class _PitchTracks:
    """The pitch track of each sound, as ``tlzoo.data.dataset.Targets``."""

    def __init__(self, tables: Sequence[Path]) -> None:
        self.tables = tables

    @property
    def features(self) -> Features:
        return Features({"f0": F0})

    def of(self, index: int, value: Any) -> Target:
        import soundfile

        table = self.tables[index]
        track, seconds = read(table), soundfile.info(io.BytesIO(value["bytes"])).duration
        if track["time"][-1] > seconds + MAX_OVERHANG:
            last = f"last time {track['time'][-1]:g} s, but the sound ends at {seconds:.2f} s"
            raise InputError(f"{table.name}: {last}; expected time in seconds")
        return Target({"f0": track})


def read(path: Path) -> dict[str, list[float]]:
    """Read a table of time in s and f0 in Hz.

    Returns:
        ``time``, increasing, and ``hz``, 0 where there is no pitch.

    Raises:
        InputError: The table cannot be read; names the line.
    """
    track: dict[str, list[float]] = {"time": [], "hz": []}
    try:
        text = read_text(path)
        for line, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator_of(text)), start=1):
            try:
                time, hz = (float(cell) for cell in cells[:2])
            except ValueError:
                if line == 1 or not any(cells):
                    continue
                raise InputError(f"{path.name}:{line}: expected seconds and Hz, found {','.join(cells)!r}") from None
            if not math.isfinite(time) or time < 0 or (track["time"] and time <= track["time"][-1]):
                raise InputError(f"{path.name}:{line}: time {cells[0]} does not increase")
            track["time"].append(time)
            track["hz"].append(hz if math.isfinite(hz) and hz >= MIN_HZ else 0.0)
    except csv.Error as error:
        raise InputError(f"{path.name}: cannot be read: {error}") from None
    if len(track["time"]) < 2:
        raise InputError(f"{path.name}: fewer than two rows of time and f0")
    return track
