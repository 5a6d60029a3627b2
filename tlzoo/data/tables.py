"""A person's own tables of text: CSV, TSV, JSON Lines and Parquet, and the text classification in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlzoo.data.dataset import Listing
from tlzoo.data.folder import GROUP_COLUMNS, LABEL_COLUMNS
from tlzoo.data.split_names import WORDS, split_of
from tlzoo.errors import InputError

PROMPT_COLUMNS = ("prompt", "question", "input", "context", "utterance", "instruction")
TEXT_COLUMNS = ("text", "sentence", "content", "document", "review", "comment", "tweet", "message", "body", "title")


@dataclass(frozen=True)
class Table:
    """Columns of one file.

    Attributes:
        path: The file.
        columns: Values by column, all of the same length; of CSV and TSV strings, else as the file has them.
        split: ``train``, ``validation`` or ``test`` where the file's name says so.
    """

    path: Path
    columns: dict[str, list[Any]]
    split: str | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()), []))

    def name(self, row: int) -> str:
        """What to call a row, counted from 1, the head not counted."""
        return f"{self.path.name} row {row + 1}"

    def find(self, names: Sequence[str]) -> str | None:
        """The first of the names that is a column, whatever its case."""
        lower = {column.lower(): column for column in reversed(self.columns)}
        return next((lower[name] for name in names if name in lower), None)

    def need(self, names: Sequence[str], what: str) -> str:
        """The first of the names that is a column.

        Raises:
            InputError: None is.
        """
        found = self.find(names)
        if found is None:
            raise InputError(
                f"{self.path}: no column of {what} ({', '.join(names)}); columns: {', '.join(self.columns) or 'none'}"
            )
        return found


def is_table(path: Path) -> bool:
    """Whether a path is a table, or a folder with tables at its top."""
    return path.suffix.lower() in _READERS or bool(path.is_dir() and _inside(path))


def read_tables(path: Path) -> list[Table]:
    """Read one table, or all of a folder, such as ``train.csv`` and ``test.csv``.

    Raises:
        InputError: No such file, no table, or one that cannot be read.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if not path.is_dir():
        return [read_table(path)]
    files = _inside(path)
    if not files:
        raise InputError(f"{path}: no table here ({', '.join(sorted(_READERS))})")
    tables = [read_table(file) for file in files]
    if len(tables) > 1 and any(table.split is None for table in tables):
        wrong = next(table.path.name for table in tables if table.split is None)
        raise InputError(f"{path}: several tables, and {wrong} names no split; name them {', '.join(WORDS)}")
    return tables


def read_table(path: Path) -> Table:
    """Read one table.

    Raises:
        InputError: It is of no known kind, is not UTF-8, holds NUL bytes, or is damaged; says where.
    """
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise InputError(f"{path}: no table; known: {', '.join(sorted(_READERS))}")
    try:
        columns = read(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    if not columns or not next(iter(columns.values())):
        raise InputError(f"{path}: holds no rows")
    return Table(path, columns, split_of(path.stem))


def listing(path: Path) -> Listing:
    """List texts and their classes: a table, or a folder of tables named after splits.

    Raises:
        InputError: It cannot be read, or no column fits.
    """
    tables = read_tables(path)
    found = Listing("text", [], [], [], [], [] if len(tables) > 1 else None, files=[table.path for table in tables])
    for table in tables:
        label = table.need(LABEL_COLUMNS, "classes")
        text = table.find(TEXT_COLUMNS) or _longest(table, label) or table.need(TEXT_COLUMNS, "texts")
        group = table.find(GROUP_COLUMNS)
        guessed(found, table, text=text, label=label, group=group)
        for row, (value, target) in enumerate(zip(table.columns[text], table.columns[label], strict=True)):
            if target is None or str(target).strip() == "":
                found.problems.append(f"{table.name(row)}: {label!r} is empty")
                continue
            found.inputs.append(value if isinstance(value, str) else "")
            found.labels.append(str(target))
            found.names.append(table.name(row))
            if found.groups is not None:
                found.groups.append(str(table.columns[group][row]) if group else "")
            if found.splits is not None:
                found.splits.append(table.split or "train")
    if len(set(found.labels)) < 2:
        raise InputError(f"{path}: only one class ({', '.join(set(found.labels)) or 'none'}); at least two are needed")
    if not any(found.groups or []):
        found.groups = None
    return found


def rows(path: Path) -> Iterator[tuple[dict[str, str], dict[str, Any] | InputError]]:
    """Texts to predict: the rows of a table, else the lines of a file that are not blank.

    Yields:
        ``input``, what a text is called; and the row with the ``text``, and with ``candidates`` where a table has lists
        of those, or what is wrong with it.

    Raises:
        InputError: It cannot be read, or no column fits.
    """
    if not is_table(path):
        for number, line in enumerate(read_text(path).splitlines(), start=1):
            if line.strip():
                yield {"input": f"{path.name} line {number}"}, {"text": line}
        return
    for table in read_tables(path):
        names = (*TEXT_COLUMNS, *PROMPT_COLUMNS)
        column = table.find(names) or _longest(table, "") or table.need(names, "texts")
        candidates = table.columns.get("candidates", [None] * len(table))
        for row, (value, replies) in enumerate(zip(table.columns[column], candidates, strict=True)):
            facts = {"input": table.name(row)}
            if not isinstance(value, str) or not value.strip():
                yield facts, InputError(f"{column!r} is empty")
            else:
                yield facts, {"text": value} | ({"candidates": replies} if isinstance(replies, list) else {})


def guessed(found: Listing, table: Table, **columns: str | None) -> None:
    """Say which column was taken for what."""
    told = ", ".join(f"{what} from column {name!r}" for what, name in columns.items() if name)
    found.notices.append(f"{table.path.name}: {told}")


def _longest(table: Table, label: str) -> str | None:
    """The other column of strings with the longest values on average."""
    sizes = {
        name: sum(map(len, values)) / len(values)
        for name, values in table.columns.items()
        if name != label and all(isinstance(value, str) for value in values)
    }
    return max(sizes, key=sizes.__getitem__) if sizes else None


def _inside(folder: Path) -> list[Path]:
    return sorted(
        p for p in folder.iterdir() if p.suffix.lower() in _READERS and p.is_file() and not p.name.startswith(".")
    )


def read_text(path: Path) -> str:
    """Read a file of text.

    Raises:
        InputError: It is not UTF-8, or holds NUL bytes; says where.
    """
    data = path.read_bytes()
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise InputError(f"{path}:{line}: a NUL byte; save the file as UTF-8 (is it UTF-16?)")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(f"{path}:{line}: byte 0x{data[error.start]:02x} is no UTF-8; save the file as UTF-8") from None


def _separated(separator: str) -> Callable[[Path], dict[str, list[Any]]]:
    def read(path: Path) -> dict[str, list[Any]]:
        import io

        import pandas

        try:
            frame = pandas.read_csv(io.StringIO(read_text(path)), sep=separator, dtype=str, keep_default_na=False)
        except (pandas.errors.ParserError, pandas.errors.EmptyDataError) as error:
            raise InputError(f"{path}: {' '.join(str(error).split())}") from None
        return {str(name): frame[name].tolist() for name in frame.columns}

    return read


def _lines(path: Path) -> dict[str, list[Any]]:
    rows = list(_objects(path))
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _objects(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(f"{path}:{number}: no JSON ({error})") from None
        if "\\ud" in line.lower() and not _is_text(row):
            raise InputError(f"{path}:{number}: half of a surrogate pair, which is no character")
        if not isinstance(row, dict):
            raise InputError(f"{path}:{number}: expected an object with a value a column")
        yield row


def _is_text(row: Any) -> bool:
    """Whether all strings of a row are text, that is: can be written as UTF-8."""
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _parquet(path: Path) -> dict[str, list[Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"{path}: no readable Parquet file ({str(error).splitlines()[0]})") from None
    return {name: table[name].to_pylist() for name in table.column_names}


_READERS: dict[str, Callable[[Path], dict[str, list[Any]]]] = {
    ".csv": _separated(","),
    ".tsv": _separated("\t"),
    ".jsonl": _lines,
    ".parquet": _parquet,
}
