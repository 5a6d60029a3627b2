"""A user's own DNA: sequences from FASTA files, and tables of sequences with tracks."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Features
from numpy.typing import NDArray

from tlzoo.data.dataset import Listing, Target
from tlzoo.data.files.names import GROUP_COLUMNS
from tlzoo.data.files.tables import Say, is_table, note_columns, read_table, read_tables
from tlzoo.data.files.tables.table import Columns
from tlzoo.data.files.text_files import lines
from tlzoo.data.schemas import track_features
from tlzoo.errors import InputError

FASTA_SUFFIXES = (".fa", ".fasta", ".fna", ".fa.gz", ".fasta.gz", ".fna.gz")
SEQUENCE_COLUMNS = ("dna", "sequence", "seq")
TRACKS_COLUMNS = ("tracks", "track", "signal")
BIN_COLUMNS = ("bin_size",)
CHROMOSOME_COLUMNS = (*GROUP_COLUMNS, "chromosome", "chrom", "chr")


def is_fasta(path: Path) -> bool:
    """Whether a file is named as FASTA, compressed or not."""
    return path.name.lower().endswith(FASTA_SUFFIXES)


def read_fasta(path: Path) -> Iterator[tuple[str, str]]:
    """Read the records of a FASTA file, one at a time.

    Yields:
        The record's name, which is its header up to the first blank, and its sequence unchanged.

    Raises:
        InputError: The file cannot be read, or is not a FASTA file.
    """
    name, parts = "", list[str]()
    for number, line in enumerate(lines(path), start=1):
        if line.startswith(">"):
            if name:
                yield name, "".join(parts)
            name, parts = (line[1:].split() or [f"line {number}"])[0], []
        elif line.strip() and not name:
            raise InputError(f"{path}:{number}: not a FASTA file, which begins with a line such as '>name'")
        else:
            parts.append(line.strip())
    if not name:
        raise InputError(f"{path}: not a FASTA file: it has no record ('>name', then the sequence)")
    yield name, "".join(parts)


def rows(path: Path, columns: Columns, say: Say) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """Sequences to predict, from a FASTA file or a table with a column of sequences.

    Args:
        path: The file.
        columns: The column that training read, as ``dna``.
        say: Receives a line that names the column read.

    Yields:
        ``input``, the name of the sequence, and the row with the ``dna``.

    Raises:
        InputError: The file cannot be read, or is neither.
    """
    if not is_table(path):
        for name, sequence in read_fasta(path):
            yield {"input": f"{path} {name}"}, {"dna": sequence}
        return
    table = read_table(path)
    name = table.trained(columns, "dna") or table.need(SEQUENCE_COLUMNS, "sequences")
    say(f"sequence from column {name!r}")
    for row, sequence in enumerate(table.columns[name]):
        yield table.identified(row), {"dna": str(sequence)}


def listing(path: Path) -> Listing:
    """List sequences with tracks: a table, or a folder of tables named after splits.

    A row's tracks are one list a bin with one value a track, or, for a single track, a list of values; CSV and TSV hold
    them as JSON. They belong to the bins at the sequence's centre. ``bin_size`` (bases) may be a column; without it,
    bins have the model's own size.

    Raises:
        InputError: The table cannot be read, no column fits, or the first row's tracks are not valid.
    """
    if is_fasta(path):
        raise InputError(
            f"{path}: FASTA has sequences but no tracks; give a table (.parquet, .jsonl, .csv, .tsv) with the columns "
            "sequence and tracks"
        )
    notices: list[str] = []
    tables = read_tables(path, notices)
    examples = Listing("dna", [], [], [], [], [] if len(tables) > 1 else None, files=[table.path for table in tables])
    examples.notices += notices
    values: list[Any] = []
    sizes: list[Any] = []
    for table in tables:
        sequence, tracks = table.need(SEQUENCE_COLUMNS, "sequences"), table.need(TRACKS_COLUMNS, "tracks")
        group, size = table.find(CHROMOSOME_COLUMNS), table.find(BIN_COLUMNS)
        note_columns(examples, table, sequences=sequence, tracks=tracks, groups=group, bins=size)
        examples.columns = examples.columns or {"dna": sequence}
        examples.inputs += [value if isinstance(value, str) else "" for value in table.columns[sequence]]
        examples.labels += [""] * len(table)
        examples.names += [table.name(row) for row in range(len(table))]
        examples.groups = [*(examples.groups or []), *(map(str, table.columns[group]) if group else [""] * len(table))]
        if examples.splits is not None:
            examples.splits += [table.split or "train"] * len(table)
        values += table.columns[tracks]
        sizes += table.columns[size] if size else [0] * len(table)
    if not any(examples.groups or []):
        examples.groups = None
    examples.targets = TrackTargets(values, sizes, path)
    return examples


class TrackTargets:
    """The tracks of each example, as ``tlzoo.data.dataset.Targets``; all have the first one's shape and bin size."""

    def __init__(self, values: list[Any], sizes: list[Any], path: Path) -> None:
        """Keep the cells of each row.

        Args:
            values: Tracks of each example, as the table has them.
            sizes: Bin size of each example; 0 is the model's own.
            path: The table, for messages.

        Raises:
            InputError: The first example's tracks cannot be used.
        """
        self.values, self.sizes = values, sizes
        try:
            self.shape, self.size = _matrix(values[0]).shape, _bases(sizes[0])
        except InputError as error:
            raise InputError(f"{path}: row 1: {error}") from None

    @property
    def features(self) -> Features:
        """``tracks`` and ``bin_size``."""
        return track_features(*self.shape)

    def of(self, index: int, value: Any) -> Target:
        """The tracks of one example."""
        matrix, size = _matrix(self.values[index]), _bases(self.sizes[index])
        if matrix.shape != self.shape:
            raise InputError(f"has {_size_text(matrix.shape)}, the first row {_size_text(self.shape)}")
        if size != self.size:
            raise InputError(f"bin_size is {size}, in the first row {self.size}")
        return Target({"tracks": matrix.tolist(), "bin_size": size})


def _matrix(value: Any) -> NDArray[np.float32]:
    """Tracks as ``(bins, tracks)``."""
    try:
        matrix = np.array(json.loads(value) if isinstance(value, str) else value, dtype=np.float32)
    except (ValueError, TypeError):
        raise InputError("tracks are not one list of numbers a bin, such as [[0, 1.5], [2, 0]]") from None
    matrix = matrix[:, None] if matrix.ndim == 1 else matrix
    if matrix.ndim != 2 or not matrix.size:
        raise InputError("tracks are not one list of numbers a bin, such as [[0, 1.5], [2, 0]]")
    if not np.isfinite(matrix).all() or matrix.min() < 0:
        raise InputError("tracks have negative or missing values; counts are expected (undo logarithms and scores)")
    return matrix


def _bases(value: Any) -> int:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (0 <= number < math.inf and number.is_integer()):
        raise InputError(f"bin_size {value!r} is not a number of bases")
    return int(number)


def _size_text(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} bins of {shape[1]} tracks"
