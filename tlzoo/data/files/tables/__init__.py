"""A user's own tables of text: which columns hold texts, classes and groups, and text classification from them."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from tlzoo.data.dataset import Listing
from tlzoo.data.files.classes import check_classes
from tlzoo.data.files.names import GROUP_COLUMNS, LABEL_COLUMNS
from tlzoo.data.files.split_names import WORDS, split_in, split_of
from tlzoo.data.files.tables import lines
from tlzoo.data.files.tables.formats import (
    FORMATS,
    holds_rows,
    is_json,
    other_sheets,
    read_columns,
    suffix_of,
)
from tlzoo.data.files.tables.headers import with_header
from tlzoo.data.files.tables.split_column import by_column
from tlzoo.data.files.tables.table import TEXT_COLUMNS, Columns, Table, is_single
from tlzoo.data.files.text_files import OLD, read_text
from tlzoo.data.files.text_files.delimited import column_named, is_empty
from tlzoo.data.files.walk import walk
from tlzoo.data.protocol import SPLITS
from tlzoo.errors import InputError

PROMPT_COLUMNS = ("prompt", "question", "input", "context", "utterance", "instruction")
PARTNERS = {"sentence": ("question",), "document": ("query",)}
"""Columns beside which a column of texts is half of a pair."""
NO_CLASS = ("unsup", "unlabeled", "unlabelled")
"""Folders of texts whose class is not known."""

Say = Callable[[str], None]
"""Receives a line that names the columns read."""


class TextRow(TypedDict):
    """A text to predict, with the replies to choose from if the table has a column ``candidates``."""

    text: str
    candidates: NotRequired[list[object]]


def is_table(path: Path) -> bool:
    """Whether a path is a table, or a folder with tables in it; JSON files count if they hold rows."""
    if path.is_dir():
        return bool(_inside(path))
    suffix = suffix_of(path)
    return suffix in FORMATS and (suffix != ".json" or holds_rows(path))


def read_tables(path: Path, notices: list[str]) -> list[Table]:
    """Read one table, or all tables of a folder, such as ``train.csv`` and ``test.csv``, in the order of splits.

    Tables that lie in folders are of the split that the folder is named after. Beside a table to train on, those that
    name no split are left out, such as an example of a submission. In one table alone a column may name the splits.

    Args:
        path: The table or the folder.
        notices: Receives a line for each table that is left out, and one of a column of splits.

    Raises:
        InputError: The file does not exist, is not a table, or cannot be read.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if not path.is_dir():
        return in_order(by_column(read_table(path), notices))
    files = _inside(path)
    if not files:
        raise InputError(f"{path}: no table here ({', '.join(sorted(FORMATS))})")
    splits = {file: split_of(file.name.partition(".")[0]) or split_in(file, path) for file in files}
    if len(files) > 1 and "train" in splits.values():
        for file in (file for file, split in splits.items() if split is None):
            files.remove(file)
            notices.append(f"{file.name}: left out, since its name says no split")
    elif len(files) > 1 and None in splits.values():
        wrong = next(file.name for file, split in splits.items() if split is None)
        raise InputError(f"{path}: several tables, but {wrong} names no split; name them {', '.join(WORDS)}")
    tables = [replace(read_table(file), split=splits[file]) for file in files]
    return in_order(tables if len(tables) > 1 else by_column(tables[0], notices))


def listing_by(path: Path, read: Callable[[Sequence[Table], str], Listing]) -> Listing:
    """List a path's tables.

    Args:
        path: The table or the folder.
        read: Lists tables; takes them and what messages call them.

    Raises:
        InputError: The data cannot be read, or as ``read`` does.
    """
    notices: list[str] = []
    tables = read_tables(path, notices)
    examples = read(tables, str(path))
    examples.files = [table.path for table in tables]
    examples.notices = notices + examples.notices
    return examples


def in_order(tables: Sequence[Table]) -> list[Table]:
    """Tables by their splits: train, validation, test."""
    return sorted(tables, key=lambda table: SPLITS.index(table.split) if table.split in SPLITS else 0)


def read_table(path: Path) -> Table:
    """Read one table.

    Raises:
        InputError: The format is unknown, or the file is damaged or empty; gives the line.
    """
    columns, split = read_columns(path), split_of(path.name.partition(".")[0])
    if suffix_of(path) in (".csv", ".tsv") and (named := with_header(columns)) is not None:
        return Table(path, named, split, note=f"{path.name}: has no header, so its first row is an example, too")
    others = other_sheets(path) if suffix_of(path) == ".xlsx" else ""
    return Table(path, columns, split, note=f"{path.name}: the first sheet is read, without {others}" if others else "")


def listing(path: Path, text: str | None = None, label: str | None = None) -> Listing:
    """List texts and their classes: a table, or a folder of tables named after splits.

    Args:
        path: The table or the folder.
        text: The column of texts, in any case; by default one with a usual name, or the only one that it may be.
        label: The column of classes; the same.

    Raises:
        InputError: The data cannot be read, or no column fits.
    """
    notices: list[str] = []
    tables = _classified(path, notices)
    for name, column in (("text", text), ("label", label)):
        if column is not None and not any(table.find([column]) for table in tables):
            raise tables[0].lacks(f"--{name} {column}: no such column")
    examples = listed(tables, str(path), text=text, label=label)
    examples.notices = notices + examples.notices
    examples.files = [*walk(path)] if tables[0].path == path and path.is_dir() else [table.path for table in tables]
    return examples


def _classified(path: Path, notices: list[str]) -> list[Table]:
    """Tables of texts with classes, whatever they are kept in: tables, lines that begin with a class, or folders.

    Raises:
        InputError: There are none.
    """
    if is_table(path) or not path.exists():
        return read_tables(path, notices)
    files = sorted(file for file in walk(path)) if path.is_dir() else [path]
    top = [file for file in files if (file.parent == path and file.suffix) or file == path]
    of_lines = [(file, columns) for file in top if (columns := lines.read(file))]
    if of_lines:
        names = [file.name for file, _ in of_lines]
        notices.append(f"{', '.join(names)}: a class and a text a line")
        if others := [file.name for file in top if file.suffix.lower() in lines.SUFFIXES and file.name not in names]:
            notices.append(f"{', '.join(others)}: left out, whose lines are not of a class and a text")
        return in_order([Table(file, dict(columns), split_of(file.stem)) for file, columns in of_lines])
    if not path.is_dir():
        return read_tables(path, notices)
    if any(file.suffix.lower() == ".txt" and file.parent != path for file in files):
        return _of_folders(path, notices)
    raise InputError(
        f"{path}: no table here ({', '.join(sorted(FORMATS))}), and no .txt files in folders named after their classes"
    )


def _of_folders(path: Path, notices: list[str]) -> list[Table]:
    """Texts in files, one a file, in folders named after their classes."""
    from tlzoo.data.files import folder

    listing = folder.listing(path, "text")
    notices += listing.notices
    by_split: dict[str, list[int]] = {}
    for row, split in enumerate(listing.splits or []):
        if listing.labels[row].casefold() not in NO_CLASS:
            by_split.setdefault(split, []).append(row)
    if unknown := [label for label in listing.labels if label.casefold() in NO_CLASS]:
        notices.append(f"{unknown[0]}: left out, {len(unknown):,} texts without a class")
    return in_order(
        [
            Table(
                path,
                {
                    "text": [read_text(Path(listing.inputs[row]["path"]), OLD).strip() for row in rows],
                    "label": [listing.labels[row] for row in rows],
                },
                split,
                ids=[listing.names[row] for row in rows],
            )
            for split, rows in by_split.items()
        ]
    )


def listed(tables: Sequence[Table], where: str, **given: str | None) -> Listing:
    """List the texts of tables and their classes.

    Args:
        tables: The tables; if there are several, each names its split. If some have classes, tables without them are
            left out, such as the tests of competitions.
        where: Name of the source in messages.
        given: Columns that are already known: ``text``, ``label`` or ``group``.

    Raises:
        InputError: No column fits, or there are fewer than two classes.
    """
    examples = Listing("text", [], [], [], [], [] if len(tables) > 1 else None)
    wanted = {name: column for name, column in given.items() if column is not None}
    labelled = [table for table in tables if _is_labelled(table, wanted.get("label"))]
    for table in tables:
        if labelled and table not in labelled:
            examples.notices.append(f"{table.path.name}: left out, since its rows have no classes")
    before: Counter[str | None] = Counter()
    for table in labelled or tables:
        first = before[table.split]
        before[table.split] += len(table)
        label = table.need([wanted["label"]], "classes") if "label" in wanted else table.label()
        group = wanted.get("group") or table.find(GROUP_COLUMNS)
        text = table.need([wanted["text"]], "texts") if "text" in wanted else _sole_text(table, label)
        group = group if group != text else None
        note_columns(examples, table, text=text, label=label, group=group)
        examples.columns = examples.columns or {"text": text}
        others = {name: values for name, values in table.columns.items() if name not in (text, label)}
        for row, (value, target) in enumerate(zip(table.columns[text], table.columns[label], strict=True)):
            target = _single(target)
            name = class_name(target)
            if isinstance(target, list | dict):
                raise InputError(f"{table.path}: {table.name(row)}: {label!r} is {target!r}; one class a text is read")
            if name is None:
                examples.problems.append(f"{table.name(row)}: {label!r} is empty")
                continue
            examples.inputs.append(_as_text(value))
            examples.labels.append(name)
            examples.names.append(table.id(row, first))
            if examples.groups is not None:
                examples.groups.append((class_name(table.columns[group][row]) or "") if group else "")
            if examples.splits is not None:
                examples.splits.append(table.split or "train")
            examples.put_beside({name: values[row] for name, values in others.items()})
    classes = Counter(examples.labels)
    check_classes(classes, where)
    examples.notices += _case_notices(classes)
    if not any(examples.groups or []):
        examples.groups = None
    return examples


def _is_labelled(table: Table, label: str | None) -> bool:
    label = table.find(LABEL_COLUMNS if label is None else [label])
    return label is not None and any(class_name(value) is not None for value in table.columns[label])


def _sole_text(table: Table, label: str) -> str:
    """The column of texts, which is not half of a pair."""
    way = "--text COLUMN says which"
    text = table.text([label], way)
    other = column_named(filter(table.holds_texts, table.columns), PARTNERS.get(text.casefold(), ()))
    if other is not None:
        raise table.lacks(f"pairs of texts, of which one is read; it may be {other} or {text}: {way}")
    return text


def _single(value: Any) -> Any:
    """The class in a list of one, None of an empty one; other values as they are."""
    return next(iter(value), None) if isinstance(value, list) and len(value) < 2 else value


def class_name(value: Any) -> str | None:
    """The class in a cell, without blanks around it; None if the cell is empty or NaN, or says so in words."""
    value = _single(value)
    if value is None or (isinstance(value, float) and math.isnan(value)) or is_empty(str(value)):
        return None
    return str(value).strip()


def _case_notices(classes: Mapping[str, int]) -> list[str]:
    """Notices of classes that differ only in case; they are learnt as different classes."""
    same: dict[str, list[str]] = defaultdict(list)
    for name in sorted(classes):
        same[name.casefold()].append(name)
    return [f"classes that differ only in case: {', '.join(map(repr, n))}" for n in same.values() if len(n) > 1]


def rows(path: Path, columns: Columns, say: Say) -> Iterator[tuple[dict[str, Any], TextRow | InputError]]:
    """Texts to predict: the rows of a table, or the non-blank lines of another file.

    Args:
        path: The file.
        columns: The columns that training read; if unknown, a column with a usual name for texts is read.
        say: Receives a line that names what is read.

    Yields:
        ``input``, the name of the text, of a table with all ``columns``; and its row, or the error in it.

    Raises:
        InputError: The file cannot be read, or no column fits.
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
        facts, shown = table.identified(row), _as_text(value)
        if not shown.strip():
            yield facts, InputError(f"{text!r} is empty")
        else:
            text_row: TextRow = {"text": with_input(shown, table.columns[more][row] if more else None)}
            if isinstance(replies, list):
                text_row["candidates"] = replies
            yield facts, text_row


def _as_text(value: object) -> str:
    """A cell of a column of texts; numbers among them are texts, too, and what is missing is empty."""
    return str(value) if is_single(value) and value is not None and value == value else ""


def with_input(instruction: str, given: object) -> str:
    """An instruction followed by its input, as in Alpaca's tables (``instruction`` and ``input``)."""
    return f"{instruction}\n\n{given}" if isinstance(given, str) and given.strip() else instruction


def _lines_to_predict(path: Path, say: Say) -> Iterator[tuple[dict[str, str], TextRow]]:
    text = read_text(path)
    if suffix_of(path) == ".json":
        raise InputError(f"{path}: JSON, but neither a list of objects nor one object a line; no texts to predict")
    text_lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if is_json(text) or is_json(next((line for line in text_lines if line.strip()), "")):
        raise InputError(f"{path}: JSON rather than plain text; name it .json or .jsonl to have its rows read")
    say("one text a line")
    for place, line in enumerate(text_lines, start=1):
        if line.strip():
            yield {"input": f"{path.name} line {place}"}, {"text": line}


def note_columns(examples: Listing, table: Table, **columns: str | None) -> None:
    """Add a notice of the columns read; tables with the same columns share one notice."""
    if table.note:
        examples.notices.append(table.note)
    what = ": " + ", ".join(f"{what} from column {name!r}" for what, name in columns.items() if name)
    for place, notice in enumerate(examples.notices):
        if notice.endswith(what):
            if table.path.name in notice.removesuffix(what).split(", "):
                return
            examples.notices[place] = f"{notice.removesuffix(what)}, {table.path.name}{what}"
            return
    examples.notices.append(table.path.name + what)


def _inside(folder: Path) -> list[Path]:
    """Tables at the top of a folder, else those below it."""
    top = sorted(p for p in folder.iterdir() if not p.name.startswith(".") and p.is_file() and is_table(p))
    return top or [p for p in walk(folder) if is_table(p)]
