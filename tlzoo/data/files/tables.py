"""A person's own tables of text: CSV, TSV, JSON and Parquet, and the text classification in them."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlzoo.data.dataset import Listing
from tlzoo.data.files.folder import GROUP_COLUMNS, LABEL_COLUMNS
from tlzoo.data.files.split_names import WORDS, split_of
from tlzoo.data.files.text_files import column_named, lines, parse_json, printable, read_sheet, read_text
from tlzoo.data.protocol import SPLITS
from tlzoo.errors import InputError

PROMPT_COLUMNS = ("prompt", "question", "input", "context", "utterance", "instruction")
TEXT_COLUMNS = ("text", "sentence", "content", "document", "review", "comment", "tweet", "message", "body", "title")
ID_COLUMNS = ("id", "idx", "index", "uid", "guid", "uuid", "url", "date")
"""Columns that say which row it is, and never what it is about."""
SURE_LABELS = ("label", "labels", "class")
"""Columns of classes that are these, whatever other columns are named."""

Columns = Mapping[str, str]
"""The column of a table that each input is read from, by the input: ``text``, ``sentence1``..."""
Say = Callable[[str], None]
"""Takes a line that says which columns are read."""


@dataclass(frozen=True)
class Table:
    """Columns of one file.

    Attributes:
        path: The file.
        columns: Values by column, all of the same length; of CSV and TSV strings, else as the file has them.
        split: ``train``, ``validation`` or ``test`` where the file's name says so.
        ids: What to call each row, where that is not the file's name and the row's number.
    """

    path: Path
    columns: dict[str, list[Any]]
    split: str | None = None
    ids: Sequence[str] | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()), []))

    def name(self, row: int) -> str:
        """What to call a row, counted from 1, the head not counted."""
        return f"{self.path.name} row {row + 1}" if self.ids is None else self.ids[row]

    def find(self, names: Sequence[str]) -> str | None:
        """The first of the names that is a column, whatever its case."""
        return column_named(self.columns, names)

    def need(self, names: Sequence[str], what: str) -> str:
        """The first of the names that is a column.

        Raises:
            InputError: None is.
        """
        name = self.find(names)
        if name is None:
            raise self.lacks(f"no column of {what} ({', '.join(names)})")
        return name

    def lacks(self, what: str) -> InputError:
        """The error of a table that has not what is read, with the columns that it has."""
        names = ", ".join(self.columns) or "none"
        return InputError(f"{self.path}: {what}; columns: {names if len(names) < 500 else names[:500] + ' ...'}")

    def holds_texts(self, column: str) -> bool:
        """Whether a column holds strings, and not numbers alone."""
        values = [value for value in self.columns[column] if value is not None]
        return all(isinstance(v, str) for v in values) and any(v.strip() and number(v) is None for v in values)

    def text(self, besides: Sequence[str] = ()) -> str:
        """The column of texts: one that is named so, else the only one of strings that is nothing else.

        Args:
            besides: Columns that are taken for something else.

        Raises:
            InputError: There is none, or several may be meant.
        """
        free = {name: values for name, values in self.columns.items() if name not in besides}
        strings = [name for name, values in free.items() if all(isinstance(v, str | None) for v in values)]
        texts = [name for name in strings if self.holds_texts(name)]
        if named := column_named(texts, TEXT_COLUMNS) or column_named(strings, TEXT_COLUMNS):
            return named
        taken = (*ID_COLUMNS, *GROUP_COLUMNS, *LABEL_COLUMNS)
        left = [name for name in texts if column_named([name], taken) is None]
        if len(left) == 1:
            return left[0]
        which = f"; it may be {' or '.join(left)}: name the one that is to be read 'text'" if left else ""
        raise self.lacks(f"no column of texts ({', '.join(TEXT_COLUMNS)}){which}")

    def label(self) -> str:
        """The column of classes.

        Raises:
            InputError: There is none, or several may be meant.
        """
        first = self.need(LABEL_COLUMNS, "classes")
        if column_named([first], SURE_LABELS):
            return first
        for other in self.columns:
            if other != first and column_named([other], LABEL_COLUMNS) and not self._says_the_same(first, other):
                raise self.lacks(f"the classes may be {first} or {other}: name the one that is to be learnt 'label'")
        return first

    def _says_the_same(self, one: str, other: str) -> bool:
        pairs = {(str(a), str(b)) for a, b in zip(self.columns[one], self.columns[other], strict=True)}
        return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})

    def trained(self, columns: Columns, what: str) -> str | None:
        """The column that training read something from; None where that is not known.

        Args:
            columns: What training read.
            what: What is to be read.

        Raises:
            InputError: The table lacks it.
        """
        if what not in columns:
            return None
        name = self.find([columns[what]])
        if name is None:
            raise self.lacks(f"no column {columns[what]!r}, which is where the model's {what} is read from")
        return name


def is_table(path: Path) -> bool:
    """Whether a path is a table, or a folder with tables at its top; JSON is one where it holds rows."""
    if path.is_dir():
        return bool(_inside(path))
    suffix = _suffix(path)
    return suffix in _READERS and (suffix != ".json" or _holds_rows(path))


def read_tables(path: Path) -> list[Table]:
    """Read one table, or all of a folder, such as ``train.csv`` and ``test.csv``; those to train on come first.

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
    return in_order(tables)


def in_order(tables: Sequence[Table]) -> list[Table]:
    """Tables by their splits: train, validation, test."""
    return sorted(tables, key=lambda table: SPLITS.index(table.split) if table.split in SPLITS else 0)


def read_table(path: Path) -> Table:
    """Read one table.

    Raises:
        InputError: It is of no known kind, or is damaged; says where.
    """
    read = _READERS.get(_suffix(path))
    if read is None:
        raise InputError(f"{path}: no table; known: {', '.join(sorted(_READERS))}")
    try:
        columns = read(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    if not columns or not next(iter(columns.values())):
        raise InputError(f"{path}: holds no rows")
    return Table(path, columns, split_of(path.name.partition(".")[0]))


def listing(path: Path) -> Listing:
    """List texts and their classes: a table, or a folder of tables named after splits.

    Raises:
        InputError: It cannot be read, or no column fits.
    """
    tables = read_tables(path)
    found = listed(tables, str(path))
    found.files = [table.path for table in tables]
    return found


def listed(tables: Sequence[Table], where: str, **given: str | None) -> Listing:
    """List the texts of tables and their classes.

    Args:
        tables: The tables; where there are several, each names its split. Of those without classes none is read, if
            others have them: such are tests of competitions.
        where: What errors call them.
        given: Columns that are known: ``label`` or ``group``.

    Raises:
        InputError: No column fits, or there are fewer than two classes.
    """
    found = Listing("text", [], [], [], [], [] if len(tables) > 1 else None)
    labelled = [table for table in tables if _is_labelled(table, given.get("label"))]
    for table in tables:
        if labelled and table not in labelled:
            found.notices.append(f"{table.path.name}: left out, since its rows have no classes")
    for table in labelled or tables:
        label = given.get("label") or table.label()
        group = given.get("group") or table.find(GROUP_COLUMNS)
        text = table.text([label])
        group = group if group != text else None
        guessed(found, table, text=text, label=label, group=group)
        found.columns = found.columns or {"text": text}
        for row, (value, target) in enumerate(zip(table.columns[text], table.columns[label], strict=True)):
            name = class_name(target)
            if isinstance(target, list | dict):
                raise InputError(f"{table.path}: {table.name(row)}: {label!r} is {target!r}; one class a text is read")
            if name is None:
                found.problems.append(f"{table.name(row)}: {label!r} is empty")
                continue
            found.inputs.append(value if isinstance(value, str) else "")
            found.labels.append(name)
            found.names.append(table.name(row))
            if found.groups is not None:
                found.groups.append(str(table.columns[group][row]) if group else "")
            if found.splits is not None:
                found.splits.append(table.split or "train")
    classes = Counter(found.labels)
    if len(classes) < 2:
        raise InputError(f"{where}: only one class ({', '.join(classes) or 'none'}); at least two are needed")
    if len(classes) > max(2, len(found.labels) / 2):
        raise InputError(f"{where}: {len(classes)} classes in {len(found.labels)} rows, such as {found.labels[0]!r}")
    found.notices += _alike(classes)
    if not any(found.groups or []):
        found.groups = None
    return found


def _is_labelled(table: Table, label: str | None) -> bool:
    label = label or table.find(LABEL_COLUMNS)
    return label is not None and any(class_name(value) is not None for value in table.columns[label])


def class_name(value: Any) -> str | None:
    """The class that a cell names, without blanks around it; None where it names none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return str(value).strip() or None


def _alike(classes: Mapping[str, int]) -> list[str]:
    """Say which classes differ in case alone, and are learnt apart all the same."""
    same: dict[str, list[str]] = defaultdict(list)
    for name in sorted(classes):
        same[name.casefold()].append(name)
    return [f"classes that differ in case alone: {', '.join(map(repr, n))}" for n in same.values() if len(n) > 1]


def rows(path: Path, columns: Columns, say: Say) -> Iterator[tuple[dict[str, str], dict[str, Any] | InputError]]:
    """Texts to predict: the rows of a table, else the lines of a file that are not blank.

    Args:
        path: The file.
        columns: The columns that training read; without, a column that is named as texts are.
        say: Takes what is read.

    Yields:
        ``input``, what a text is called; and the row with the ``text``, and with ``candidates`` where a table has lists
        of those, or what is wrong with it.

    Raises:
        InputError: It cannot be read, or no column fits.
    """
    if not is_table(path):
        yield from _lines_to_predict(path, say)
        return
    table = read_table(path)
    names = (*TEXT_COLUMNS, *PROMPT_COLUMNS)
    text, more = table.trained(columns, "text"), table.trained(columns, "input")
    text = text or column_named(filter(table.holds_texts, table.columns), names)
    if text is None:
        raise table.lacks(f"no column of texts ({', '.join(names)}); --text COLUMN says which it is")
    say(f"text from column {text!r}" + (f", with column {more!r} below it" if more else ""))
    candidates = table.columns.get("candidates", [None] * len(table))
    for row, (value, replies) in enumerate(zip(table.columns[text], candidates, strict=True)):
        facts = {"input": table.name(row)}
        if not isinstance(value, str) or not value.strip():
            yield facts, InputError(f"{text!r} is empty")
        else:
            whole = with_input(value, table.columns[more][row] if more else None)
            yield facts, {"text": whole} | ({"candidates": replies} if isinstance(replies, list) else {})


def with_input(instruction: str, given: Any) -> str:
    """An instruction with what it is about, as in Alpaca's tables (``instruction`` and ``input``)."""
    return f"{instruction}\n\n{given}" if isinstance(given, str) and given.strip() else instruction


def _lines_to_predict(path: Path, say: Say) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    text = read_text(path)
    if _suffix(path) == ".json":
        raise InputError(f"{path}: JSON, and neither a list of objects nor an object a line; no texts to predict")
    each = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if _is_json(text) or _is_json(next((line for line in each if line.strip()), "")):
        raise InputError(f"{path}: JSON, and no plain text; name it .json or .jsonl, and its rows are read")
    say("a text a line")
    for number, line in enumerate(each, start=1):
        if line.strip():
            yield {"input": f"{path.name} line {number}"}, {"text": line}


def _is_json(text: str) -> bool:
    if text.strip()[:1] not in ("{", "["):
        return False
    try:
        return isinstance(json.loads(text), list | dict)
    except (ValueError, RecursionError):
        return False


def guessed(found: Listing, table: Table, **columns: str | None) -> None:
    """Say which column was taken for what: once for all tables that are alike."""
    what = ": " + ", ".join(f"{what} from column {name!r}" for what, name in columns.items() if name)
    for place, notice in enumerate(found.notices):
        if notice.endswith(what):
            found.notices[place] = f"{notice.removesuffix(what)}, {table.path.name}{what}"
            return
    found.notices.append(table.path.name + what)


def number(value: Any) -> float | None:
    """A cell as a finite number; None where it is none."""
    try:
        parsed = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return parsed if math.isfinite(parsed) else None


def _suffix(path: Path) -> str:
    """What a file is named as; that it is compressed does not matter."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _inside(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if not p.name.startswith(".") and p.is_file() and is_table(p))


def _holds_rows(path: Path) -> bool:
    """Whether a JSON file begins as a list of objects, or has an object a line."""
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
    return isinstance(row, dict) and len(start) > 1


def _separated(separator: str) -> Callable[[Path], dict[str, list[Any]]]:
    def read(path: Path) -> dict[str, list[Any]]:
        return dict(read_sheet(path, separator).columns)

    return read


def _json(path: Path) -> dict[str, list[Any]]:
    """Rows of a list of objects, or of an object a line, whichever it is."""
    text = read_text(path)
    if not text.lstrip().startswith("["):
        if _is_json(text):
            raise InputError(f"{path}: one JSON object; expected a list of objects, or an object a line, one each row")
        return _columns(_json_lines(text, path))
    content = parse_json(text, printable(path))
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise InputError(f"{path}: expected a list of objects, each with a value a column")
    return _columns(content)


def _lines(path: Path) -> dict[str, list[Any]]:
    return _columns(_json_lines(read_text(path), path))


def _json_lines(text: str, path: Path) -> list[dict[str, Any]]:
    rows = []
    for place, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        row = parse_json(line, f"{printable(path)}:{place}")
        if not isinstance(row, dict):
            raise InputError(f"{path}:{place}: expected an object with a value a column")
        rows.append(row)
    return rows


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _parquet(path: Path) -> dict[str, list[Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"{path}: no readable Parquet file ({str(error).splitlines()[0]})") from None
    classes = _classes((table.schema.metadata or {}).get(b"huggingface", b"{}"))
    columns = {}
    for name in table.column_names:
        try:
            columns[name] = table[name].to_pylist()
        except UnicodeDecodeError:
            raise InputError(f"{path}: column {name!r} holds text that is no UTF-8") from None
        if name in classes:
            columns[name] = class_names(columns[name], classes[name])
    return columns


def _classes(metadata: bytes) -> dict[str, list[str]]:
    """The names of the classes of columns, as ``datasets`` writes them into a Parquet file."""
    try:
        features = json.loads(metadata)["info"]["features"]
        return {name: f["names"] for name, f in features.items() if f.get("_type") == "ClassLabel" and f.get("names")}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def class_names(values: Sequence[int | None], names: Sequence[str]) -> list[str | None]:
    """The names of numbered classes; None where the number is none, or -1: the class is not given."""
    return [names[v] if v is not None and 0 <= v < len(names) else None for v in values]


_READERS: dict[str, Callable[[Path], dict[str, list[Any]]]] = {
    ".csv": _separated(","),
    ".tsv": _separated("\t"),
    ".json": _json,
    ".jsonl": _lines,
    ".ndjson": _lines,
    ".parquet": _parquet,
}
