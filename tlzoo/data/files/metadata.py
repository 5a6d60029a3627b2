"""A table beside files, such as ``metadata.csv``: which file each row names, and what it says of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from tlzoo.data.files.names import FILE_COLUMNS, SPLIT_COLUMNS
from tlzoo.data.files.split_names import split_of
from tlzoo.data.files.tables.formats import read_columns, suffix_of
from tlzoo.data.files.text_files.delimited import Sheet, column_named, is_empty, read_sheet
from tlzoo.data.files.walk import is_file
from tlzoo.errors import InputError

NAMES = ("metadata.csv", "metadata.tsv", "metadata.jsonl", "metadata.ndjson", "metadata.parquet")


def beside(folder: Path) -> Path | None:
    """The table of a folder, if it has one."""
    return next((folder / name for name in NAMES if (folder / name).is_file()), None)


def read(path: Path) -> Sheet:
    """Read a table of any format, all values as strings.

    Raises:
        InputError: It cannot be read; names the line.
    """
    if suffix_of(path) in (".csv", ".tsv"):
        return read_sheet(path, "\t" if suffix_of(path) == ".tsv" else ",")
    columns = {name: ["" if v is None else str(v) for v in values] for name, values in read_columns(path).items()}
    return Sheet(columns, list(range(1, 1 + len(next(iter(columns.values()), [])))))


def file_column(columns: Iterable[str]) -> str | None:
    """The column that names files."""
    return column_named(columns, FILE_COLUMNS)


def unread(columns: Iterable[str], target: str) -> list[str]:
    """Columns that hold neither the target nor the file."""
    names = list(columns)
    return [name for name in names if name not in (target, file_column(names))]


def files_of(path: Path, sheet: Sheet, suffixes: Sequence[str] = (), folders: Sequence[str] = ()) -> list[Path | None]:
    """The file that each row names, below the folder of the table; None where it names none.

    Args:
        path: The table.
        sheet: What it holds.
        suffixes: What names may lack.
        folders: Folders beside the table that names may lack.

    Raises:
        InputError: No column names files, or a name leaves the folder; gives the line.
    """
    column = file_column(sheet.columns)
    if column is None:
        raise InputError(f"{path}: no column 'file_name'; columns: {', '.join(sheet.columns)}")
    home = path.parent.resolve()
    files: list[Path | None] = []
    for line, name in zip(sheet.lines, sheet.columns[column], strict=True):
        if is_empty(name):
            files.append(None)
            continue
        given = home / name.strip().replace("\\", "/")
        if "\0" in name:
            raise InputError(f"{path}:{line}: file_name {name!r} has a NUL byte")
        whole = given.resolve()
        if not whole.is_relative_to(home):
            raise InputError(f"{path}:{line}: file_name {name!r} leaves the folder; name files from there on")
        file = path.parent / (given if given.is_relative_to(home) else whole).relative_to(home)
        files.append(completed(file, path.parent, suffixes, folders))
    return files


def completed(file: Path, home: Path, suffixes: Sequence[str], folders: Sequence[str] = ()) -> Path:
    """A file with the suffix and the folder that its name lacks; as it is, where there is no such file.

    The suffix may be in capitals, and the name's in other letters than the file's.
    """
    for folder in ("", *folders):
        place = home / folder / file.relative_to(home)
        names = [place.name + suffix for suffix in ("", *suffixes, *map(str.upper, suffixes))]
        for name in (*names, place.stem + place.suffix.swapcase()):
            if is_file(whole := place.with_name(name)):
                return whole
    return file


def splits_of(path: Path, sheet: Sheet, notices: list[str]) -> list[str | None]:
    """The split of each row, if a column names one: all of its values have to, else a notice says so."""
    column = column_named(sheet.columns, SPLIT_COLUMNS)
    if column is None:
        return [None] * len(sheet.lines)
    splits = [split_of(value) for value in sheet.columns[column]]
    if None in splits:
        other = sheet.columns[column][splits.index(None)]
        notices.append(f"{path.name}: column {column!r} is not read as splits, since {other!r} names none")
        return [None] * len(splits)
    notices.append(f"{path.name}: splits from column {column!r}")
    return splits
