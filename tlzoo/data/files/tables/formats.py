"""File formats of tables: CSV, TSV, JSON, JSON Lines, Parquet and Excel, read as columns of values."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tlzoo.blobs.archives import check_unpacked
from tlzoo.data.files.text_files import lines, parse_json, printable, read_text
from tlzoo.data.files.text_files.delimited import read_sheet
from tlzoo.errors import InputError

Values = dict[str, list[Any]]
"""Values by column, all of the same length; of CSV and TSV strings, else as the file has them."""
MAX_ROWS = 5_000_000
"""Rows of a Parquet file that is smaller than their number in bytes."""


def suffix_of(path: Path) -> str:
    """The suffix of a file in lower case, without ``.gz``."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def is_json(text: str) -> bool:
    """Whether a text is a JSON object or list."""
    if text.strip()[:1] not in ("{", "["):
        return False
    try:
        return isinstance(json.loads(text), list | dict)
    except (ValueError, RecursionError):
        return False


def holds_rows(path: Path) -> bool:
    """Whether a JSON file begins as a list of objects, has one object a line, or holds columns."""
    try:
        start = [line.strip() for _, line in zip(range(100), lines(path), strict=False) if line.strip()][:2]
    except InputError:
        return False
    if not start or start[0].startswith("["):
        return "".join(start)[1:].lstrip().startswith("{")
    try:
        row = json.loads(start[0])
    except (ValueError, RecursionError):
        return False
    return isinstance(row, dict) and (len(start) > 1 or _by_column(start[0]) is not None)


def read_columns(path: Path) -> Values:
    """Read the columns of a table.

    Raises:
        InputError: The format is unknown, or the file is damaged or empty; gives the line.
    """
    read = FORMATS.get(suffix_of(path))
    if read is None:
        raise InputError(f"{path}: not a table of a known format; save it as one ({', '.join(sorted(FORMATS))})")
    try:
        columns = read(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    if not columns or not next(iter(columns.values())):
        raise InputError(f"{path}: has no rows")
    return columns


def _delimited(separator: str) -> Callable[[Path], Values]:
    def read(path: Path) -> Values:
        return dict(read_sheet(path, separator).columns)

    return read


def _json(path: Path) -> Values:
    """Rows of a list of objects, or of one object a line."""
    text = read_text(path)
    if not text.lstrip().startswith("["):
        if (columns := _by_column(text)) is not None:
            parse_json(text, printable(path))  # refuses what cannot be written down
            return columns
        if is_json(text):
            raise InputError(f"{path}: a single JSON object; expected a list of objects, or one object a line")
        return _columns(_json_lines(text, path))
    content = parse_json(text, printable(path))
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise InputError(f"{path}: expected a list of objects, one a row")
    return _columns(content)


def _by_column(text: str) -> Values | None:
    """The columns of one JSON object of columns, as pandas writes a table: lists of values, or values by row."""
    if not is_json(text):
        return None
    content = json.loads(text)
    if not isinstance(content, dict) or len(content) < 2:
        return None
    columns = [list(each.values()) if isinstance(each, dict) else each for each in content.values()]
    if not all(isinstance(each, list) and not any(isinstance(v, dict) for v in each) for each in columns):
        return None
    return dict(zip(content, columns, strict=True)) if len({len(each) for each in columns}) == 1 else None


def _lines(path: Path) -> Values:
    return _columns(_json_lines(read_text(path), path))


def _json_lines(text: str, path: Path) -> list[dict[str, object]]:
    rows = []
    for place, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        row = parse_json(line, f"{printable(path)}:{place}")
        if not isinstance(row, dict):
            raise InputError(f"{path}:{place}: expected an object, one a row")
        rows.append(row)
    return rows


def _columns(rows: Sequence[Mapping[str, object]]) -> Values:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _parquet(path: Path) -> Values:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            rows = file.metadata.num_rows
        if rows > max(MAX_ROWS, path.stat().st_size):  # a value that repeats takes no room in the file
            raise InputError(f"{path}: {rows:,} rows in {path.stat().st_size:,} bytes, more than texts can be")
        table = pq.read_table(path)
    except InputError:
        raise
    except Exception as error:  # of damaged metadata any kind
        raise InputError(f"{path}: cannot be read as Parquet ({' '.join(str(error).split())[:200]})") from None
    classes = _classes((table.schema.metadata or {}).get(b"huggingface", b"{}"))
    columns: Values = {}
    for name in table.column_names:
        try:
            columns[name] = table[name].to_pylist()
        except UnicodeDecodeError:
            raise InputError(f"{path}: column {name!r} holds text that is not valid UTF-8") from None
        if name in classes:
            columns[name] = class_names(columns[name], classes[name])
    return columns


def _classes(metadata: bytes) -> dict[str, list[str]]:
    """Class names by column, from the metadata that ``datasets`` writes into a Parquet file."""
    try:
        features = json.loads(metadata)["info"]["features"]
        return {name: f["names"] for name, f in features.items() if f.get("_type") == "ClassLabel" and f.get("names")}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def class_names(values: Sequence[int | None], names: Sequence[str]) -> list[str | None]:
    """The names of class indices; None where the index is missing or -1, which means that the class is not given."""
    return [names[v] if v is not None and 0 <= v < len(names) else None for v in values]


def _excel(path: Path) -> Values:
    """The first sheet of a workbook; its cells as strings."""
    import pandas as pd

    try:
        with zipfile.ZipFile(path) as workbook:
            check_unpacked(sum(member.file_size for member in workbook.infolist()), None, path)
        sheet = pd.read_excel(path, dtype=str, keep_default_na=False)
    except ImportError:
        raise InputError(f"{path}: an Excel workbook; pip install 'tlzoo[excel]' reads it, or save it as CSV") from None
    except Exception as error:  # of what reads ZIP, XML and workbooks
        raise InputError(f"{path}: cannot be read as an Excel workbook: {' '.join(str(error).split())}") from None
    return {str(name).strip(): list(sheet[name]) for name in sheet.columns}


def other_sheets(path: Path) -> str:
    """The names of the sheets of a workbook that are not read; empty where it has one alone."""
    import pandas as pd

    with pd.ExcelFile(path) as workbook:
        return ", ".join(map(str, workbook.sheet_names[1:]))


FORMATS: dict[str, Callable[[Path], Values]] = {
    ".csv": _delimited(","),
    ".tsv": _delimited("\t"),
    ".json": _json,
    ".jsonl": _lines,
    ".ndjson": _lines,
    ".parquet": _parquet,
    ".xlsx": _excel,
}
"""Readers by suffix."""
