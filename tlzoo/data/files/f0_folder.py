"""A person's own sounds with their pitch: beside each sound a table of time in s and f0 in Hz."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets import Features

from tlzoo.data.dataset import Listing, Target
from tlzoo.data.files.folder import SUFFIXES, walk
from tlzoo.data.files.split_names import by_folder
from tlzoo.data.files.text_files import read_text, separator_of
from tlzoo.data.schemas import F0
from tlzoo.errors import InputError

TABLES = (".f0.csv", ".csv")
"""What the name of a sound's table ends with, instead of the sound's own suffix."""
LEAST = 0.1
"""Hz; what is less, or no number, is no pitch."""
SLACK = 1.0
"""Seconds that a table may go on after its sound."""


def listing(folder: Path) -> Listing:
    """List sounds and their tables: at the top, or inside ``train``, ``validation`` and ``test``.

    A table has two columns, seconds and Hz, and perhaps a line of names; 0, less or ``nan`` is where no pitch is.
    Sounds of one folder below are one group, so that nobody is on two sides.

    Raises:
        InputError: No such folder, or no sound has a table.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected sounds, each with a .csv of time (s) and f0 (Hz)")
    sounds = [path.relative_to(folder) for path in walk(folder) if path.suffix.lower() in SUFFIXES["audio"]]
    found = Listing("audio", [], [], [], [], [])
    tables = []
    for name, (split, place) in zip(sounds, by_folder(sounds), strict=True):
        path = folder / name
        table = next((t for end in TABLES if (t := path.with_name(path.stem + end)).is_file()), None)
        if table is None:
            found.problems.append(f"{name}: no {path.stem}.csv beside it")
            continue
        found.inputs.append({"bytes": None, "path": str(path)})
        found.labels.append("")
        found.names.append(str(name))
        assert found.groups is not None and found.splits is not None
        found.groups.append("/".join(place.parts[:-1]) or str(name))
        found.splits.append(split or "train")
        found.files += [path, table]
        tables.append(table)
    if not tables:
        told = f"; {found.problems[0]}" if found.problems else ""
        raise InputError(f"{folder}: no sound with a .csv of time (s) and f0 (Hz) beside it{told}")
    found.targets = _Tracks(tables)
    return found


class _Tracks:
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
        if track["time"][-1] > seconds + SLACK:
            last = f"last time {track['time'][-1]:g} s, but the sound ends at {seconds:.2f} s"
            raise InputError(f"{table.name}: {last}; expected time in seconds")
        return Target({"f0": track})


def read(path: Path) -> dict[str, list[float]]:
    """Read a table of time in s and f0 in Hz.

    Returns:
        ``time``, rising, and ``hz``, 0 where there is no pitch.

    Raises:
        InputError: It cannot be read; names the line.
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
                raise InputError(f"{path.name}:{line}: time {cells[0]} does not rise")
            track["time"].append(time)
            track["hz"].append(hz if math.isfinite(hz) and hz >= LEAST else 0.0)
    except csv.Error as error:
        raise InputError(f"{path.name}: not readable: {error}") from None
    if len(track["time"]) < 2:
        raise InputError(f"{path.name}: fewer than two times with a pitch or none")
    return track
