"""Data sets on the disk as ``datasets`` writes them: ``save_to_disk``, Arrow and Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tlzoo.data.files.split_names import split_of
from tlzoo.data.files.walk import walk
from tlzoo.data.schemas import storage
from tlzoo.errors import InputError
from tlzoo.vocabulary import task_facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datasets import Dataset

    from tlzoo.data.dataset import Listing

DICTIONARY, STATE = "dataset_dict.json", "state.json"
"""Files of ``save_to_disk``: of several splits, and of one."""
SUFFIXES = (".parquet", ".arrow")


def is_saved(path: Path, task: str) -> bool:
    """Whether a path is a saved data set.

    Parquet with texts alone is a table like any other, whose readers know more of it.
    """
    if path.is_dir() and ((path / DICTIONARY).is_file() or (path / STATE).is_file()):
        return True
    if not (files := _files(path)):
        return False
    kind = task_facts(task).domain
    by_itself = path.is_file() and kind != "text"
    return by_itself or any(file.suffix == ".arrow" for file in files) or _holds_files(files[0], kind)


def listing(path: Path, task: str, label: str | None = None) -> Listing:
    """List the examples of a saved data set, as one of the Hub.

    Args:
        path: The folder or the file.
        task: The task.
        label: Column of the targets; guessed by default.

    Raises:
        InputError: It is damaged, or no column fits.
    """
    from datasets import DatasetDict, load_from_disk

    from tlzoo.data.files import hub

    try:
        if (path / DICTIONARY).is_file() or (path / STATE).is_file():
            loaded = load_from_disk(str(path))
            splits = dict(loaded) if isinstance(loaded, DatasetDict) else {"train": loaded}
        else:
            splits = dict(_read(_files(path), task_facts(task).domain))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path}: cannot be read as a saved data set: {' '.join(str(error).split())}") from None
    examples = hub.listed(DatasetDict(splits), str(path), task, label=label)
    examples.files = sorted(walk(path)) if path.is_dir() else [path]
    return examples


def _files(path: Path) -> list[Path]:
    """Parquet and Arrow files: the path itself, or those below it, where there are no other files of data."""
    if path.is_file():
        return [path] if path.suffix.lower() in SUFFIXES else []
    return [file for file in walk(path) if file.suffix.lower() in SUFFIXES and not file.name.startswith("metadata.")]


def _holds_files(file: Path, kind: str) -> bool:
    """Whether a Parquet file has a column of files of a kind of input, as ``datasets`` stores them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if kind == "text":
        return False
    try:
        schema = pq.read_schema(file)
    except Exception:  # of damaged metadata any kind
        return False
    return any(pa.types.is_struct(each.type) and each.type.get_field_index("bytes") >= 0 for each in schema)


def _read(files: list[Path], kind: str) -> Mapping[str, Dataset]:
    """The rows of each split, by the names of the files or of the folders that they are in."""
    from datasets import concatenate_datasets

    parts: dict[str, list[Dataset]] = {}
    for file in files:
        split = split_of(file.stem) or split_of(file.parent.name) or "train"
        parts.setdefault(split, []).append(_rows(file, kind))
    return {split: concatenate_datasets(rows) for split, rows in parts.items()}


def _rows(file: Path, kind: str) -> Dataset:
    """The rows of a file; columns of bytes and paths are files of a kind, also where nothing says so."""
    import pyarrow.parquet as pq
    from datasets import Dataset

    try:
        is_arrow = file.suffix.lower() == ".arrow"
        rows = Dataset.from_file(str(file)) if is_arrow else Dataset(pq.read_table(file))
        rows.data.table.validate(full=True)  # places of values that are outside of the file would end the process
    except Exception as error:  # of damaged metadata any kind
        raise InputError(f"{file}: cannot be read as a saved data set: {' '.join(str(error).split())[:200]}") from None
    if is_arrow:
        return rows
    for name, feature in rows.features.items():
        if kind != "text" and isinstance(feature, dict) and feature.keys() == {"bytes", "path"}:
            rows = rows.cast_column(name, storage(kind))
    return rows
