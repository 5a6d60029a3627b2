"""A user's own questions with passages: SQuAD's JSON (Rajpurkar 2016, 1606.05250; 2018, 1806.03822), and tables.

The format is that of https://rajpurkar.github.io/SQuAD-explorer: ``data``, a list of documents with a ``title`` and
``paragraphs``, each a ``context`` and ``qas``: ``id``, ``question``, ``answers`` (``text``, ``answer_start``) and, from
version 2.0 on, ``is_impossible``. An additional field ``answer_type`` marks answers other than short spans: ``long``,
``yes`` or ``no``, as in Natural Questions; the span is then the evidence for it.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Features

from tlzoo.data.dataset import Listing, Target
from tlzoo.data.files.names import GROUP_COLUMNS
from tlzoo.data.files.split_names import split_of
from tlzoo.data.files.tables import Say, is_table, listing_by, note_columns, read_table
from tlzoo.data.files.tables.table import Columns, Table
from tlzoo.data.files.text_files import read_json, read_text
from tlzoo.data.schemas import ANSWER_COLUMNS, ANSWER_TYPES
from tlzoo.errors import InputError

_MIN_DOCUMENTS = 4  # one for each split, and two for training
_MOVED = "answers with a wrong start, corrected: their text occurs once in its context"
_BARE = "answers read without the spaces around them"
_LEFT = "answers that are not in their context, or not at their start, left out: their question has others"


@dataclass(frozen=True)
class Question:
    """One question as its source has it; its answers are not yet looked up in the context.

    Attributes:
        name: Name of the question in messages.
        question: The question.
        context: The passage that is searched for the answer.
        answers: Text of each right answer and, if given, the position of its first character.
        kind: One of ``ANSWER_TYPES``.
        document: The document, if given.
        split: ``train``, ``validation`` or ``test``, if given.
    """

    name: str
    question: str
    context: str
    answers: tuple[tuple[str, int | None], ...]
    kind: str
    document: str = ""
    split: str | None = None


class Answers:
    """Passage and right answers of each question, as ``tlzoo.data.dataset.Targets``."""

    features = Features(ANSWER_COLUMNS)

    def __init__(self, questions: Sequence[Question]) -> None:
        """Keep the questions, in the listing's order."""
        self.questions = questions

    def of(self, index: int, value: Any) -> Target:
        """The answers with their exact positions; a wrong start is corrected if the text occurs once in the context.

        Raises:
            InputError: The context is blank, or none of the question's answers is in it.
        """
        question = self.questions[index]
        if not question.context.strip():
            raise InputError("context is empty")
        remarks: Counter[str] = Counter()
        spans: dict[tuple[str, int], None] = {}
        lost: list[str] = []
        for text, start in question.answers:
            bare = text.strip()
            places, remark = _places(text, start, question.context)
            spans |= {(bare, place): None for place in places}
            remarks.update([remark] if remark else [])
            if not places:
                where = "" if start is None else f" is not at character {start}, and"
                count = len(_occurrences(bare, question.context)) if bare else 0
                lost.append(f"answer {bare[:60]!r}{where} occurs {count} times")
        if lost and not spans:
            raise InputError(f"{lost[0]} in its context")
        answers = {"text": [text for text, _ in spans], "answer_start": [place for _, place in spans]}
        kind = ANSWER_TYPES.index(question.kind)
        return Target({"context": question.context, "answers": answers, "answer_type": kind}, remarks)


def _places(text: str, start: int | None, context: str) -> tuple[list[int], str]:
    """Where an answer begins, without the spaces around it, and which correction that took."""
    bare = text.strip()
    if not bare:
        return [], _LEFT
    if start is None:
        places = _occurrences(bare, context)
        return places, "" if places else _LEFT
    if context.startswith(text, start):
        return [start + text.index(bare)], _BARE if bare != text else ""
    if context.startswith(bare, start):
        return [start], _BARE
    places = _occurrences(bare, context)
    return (places, _MOVED) if len(places) == 1 else ([], _LEFT)


def whole_words(text: str, context: str) -> list[int]:
    """Positions in a context at which a text stands as whole words."""
    before = r"(?<!\w)" if re.match(r"\w", text) else ""
    after = r"(?!\w)" if re.search(r"\w$", text) else ""
    return [match.start() for match in re.finditer(f"{before}(?={re.escape(text)}{after})", context)]


def _occurrences(text: str, context: str) -> list[int]:
    """Positions of a text: those as whole words, or, if there are none, those inside words."""
    return whole_words(text, context) or [m.start() for m in re.finditer(f"(?={re.escape(text)})", context)]


def listing(path: Path) -> Listing:
    """List questions.

    Args:
        path: A SQuAD file, a table (see :func:`in_table`), or a folder with one such file, or with one file named after
            each split (``train-v2.0.json``, ``dev.json``; ``train.csv``).

    Raises:
        InputError: A file cannot be read, or lacks a field; names file and field.
    """
    if _is_table(path):
        return listing_by(path, of_tables)
    files = _files(path)
    examples = _listed((q for file, split in files for q in in_file(file, split)), path, len(files) > 1)
    examples.files = [file for file, _ in files]
    return examples


def _inputs(table: Table) -> dict[str, str]:
    return {key: table.need(_TABLE[key], f"{key}s") for key in ("question", "context")}


def rows(path: Path, columns: Columns, say: Say) -> Iterator[tuple[dict[str, str], dict[str, str] | InputError]]:
    """Questions of a SQuAD file or a table, to be answered; their answers, if any, are not read.

    Args:
        path: The file.
        columns: The columns that training read, as ``question`` and ``context``.
        say: Receives a line that names the columns read.

    Yields:
        ``input``, ``id`` and ``question``, which identify the question; and its row, or the error in it.

    Raises:
        InputError: The file cannot be read, or lacks a field; names file and field.
    """
    for question in _to_answer(path, columns, say):
        facts = {"input": str(path), "id": question.name, "question": question.question}
        row = {"question": question.question, "context": question.context}
        blank = next((name for name, text in row.items() if not text.strip()), None)
        yield facts, InputError(f"{question.name}: {blank} is empty") if blank else row


def _to_answer(path: Path, columns: Columns, say: Say) -> Iterator[Question]:
    if not _is_table(path):
        return in_file(path, None, False)
    table = read_table(path)
    inputs = {key: table.trained(columns, key) or table.need(_TABLE[key], f"{key}s") for key in ("question", "context")}
    say(", ".join(f"{key} from column {name!r}" for key, name in inputs.items()))
    return in_table(table, answered=False, inputs=inputs)


def _files(path: Path) -> list[tuple[Path, str | None]]:
    """SQuAD files with the split of each."""
    if path.is_file():
        return [(path, None)]
    if not path.is_dir():
        raise InputError(f"{path}: no such file or folder; --data takes auto, a data set's name, hub:ID or a path")
    files = [file for file in sorted(path.glob("*.json")) if not file.name.startswith(".")]
    if not files:
        raise InputError(f"{path}: no .json file of SQuAD's form and no table here")
    if len(files) == 1:
        return [(files[0], None)]
    split_files: list[tuple[Path, str | None]] = []
    for file in files:
        split = split_of(file.stem)
        if split is None:
            raise InputError(f"{path}: several files, but {file.name} names no split; name them train, dev, test")
        split_files.append((file, split))
    return split_files


def in_file(path: Path, split: str | None = None, answered: bool = True) -> Iterator[Question]:
    """Questions of a SQuAD file.

    Args:
        path: The file.
        split: Its split.
        answered: Whether its answers are read; questions to be predicted have none.

    Raises:
        InputError: The file has another structure; names file and field.
    """
    content = read_json(path)
    if isinstance(content, list) and content:  # of documents, or of the paragraphs of one
        is_paragraphs = all(isinstance(entry, dict) and "qas" in entry for entry in content)
        content = {"data": [{"paragraphs": content}] if is_paragraphs else content}
    if not isinstance(content, dict) or not isinstance(content.get("data"), list):
        has = f"; it has: {', '.join(content)[:200]}" if isinstance(content, dict) else ""
        raise InputError(f"{path}: not a SQuAD file: no list 'data' of documents{has}")
    for place, document in _entries(content, "data", f"{path}: "):
        title = str(document.get("title") or "")
        for part, paragraph in _entries(document, "paragraphs", f"{place}."):
            context = _string(paragraph, "context", part)
            for where, entry in _entries(paragraph, "qas", f"{part}."):
                question, name = _string(entry, "question", where), str(entry.get("id") or where)
                answers = tuple(_in_entry(entry, where)) if answered else ()
                kind = _kind(entry, answers, where) if answered else "none"
                yield Question(name, question, context, answers, kind, title, split)


def _in_entry(entry: Mapping[str, Any], where: str) -> Iterator[tuple[str, int | None]]:
    """Answers of one of a paragraph's ``qas``."""
    if entry.get("is_impossible") is True:
        return
    answers = list(_entries(entry, "answers", f"{where}."))
    if not answers and entry.get("is_impossible") is False:
        raise InputError(f"{where}: field 'answers' is empty, though 'is_impossible' is false")
    for place, answer in answers:
        yield _string(answer, "text", place), _start(answer.get("answer_start"), place)


_TABLE = {
    "question": ("question",),
    "context": ("context", "passage", "paragraph"),
    "answer": ("answers", "answer", "answer_text"),
    "answer_start": ("answer_start",),
    "answer_type": ("answer_type",),
    "document": ("title", *GROUP_COLUMNS),
    "id": ("id",),
}
"""Columns of a table, and their names."""


def in_table(table: Table, answered: bool = True, inputs: Columns | None = None) -> Iterator[Question]:
    """Questions of a table: columns ``question``, ``context`` and ``answer``, better with ``answer_start``.

    An empty cell means no answer. Without a start, all occurrences of the answer's text are right. In JSON Lines and
    Parquet ``answers`` may hold ``{"text": [...], "answer_start": [...]}``, as data sets of the Hub do.

    Args:
        table: The table.
        answered: Whether its answers are read; questions to be predicted have none.
        inputs: The columns of ``question`` and ``context``, if already known.

    Raises:
        InputError: A column is missing, or a value has another type; names the row.
    """
    names = {key: table.find(aliases) for key, aliases in _TABLE.items()}
    names |= inputs or _inputs(table)
    if answered:
        names["answer"] = table.need(_TABLE["answer"], "answers")
    for row in range(len(table)):
        cells = {key: table.columns[name][row] if name else None for key, name in names.items()}
        where = f"{table.path} row {row + 1}"
        question, context = (_string(cells, key, where) for key in ("question", "context"))
        answers = tuple(_in_cell(cells["answer"], cells["answer_start"], where)) if answered else ()
        kind = _kind(cells, answers, where) if answered else "none"
        given = cells["id"]
        name = table.name(row) if given in (None, "") else str(given)
        yield Question(name, question, context, answers, kind, str(cells["document"] or ""), table.split)


def _in_cell(value: Any, start: Any, where: str) -> Iterator[tuple[str, int | None]]:
    """Answers of a table's cell: a text, a list of texts, or texts with their starts; an empty text is none."""
    if isinstance(value, str) and value.startswith("{") and "answer_start" in value:
        value = _written(value)
    if isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        for each in value:
            yield from _in_cell(each, None, where)
        return
    if isinstance(value, Mapping):
        value, start = value.get("text"), value.get("answer_start")
    if value in (None, "", [""]):
        return
    texts = value if isinstance(value, list) else [value]
    starts = start if isinstance(start, list) else [start] * len(texts)
    if len(starts) != len(texts):
        raise InputError(f"{where}: {len(texts)} answers, but {len(starts)} values of 'answer_start'")
    for text, begin in zip(texts, starts, strict=True):
        yield _string({"answer": text}, "answer", where), None if begin in (None, "") else _start(begin, where)


_ARRAY = re.compile(r"array\((\[.*?\])(?:, dtype=\w+)?\)", re.DOTALL)
"""A list in the form of NumPy."""


def _written(cell: str) -> object:
    """Answers in Python's form, as pandas writes them into CSV; the cell itself where it is not."""
    try:
        return ast.literal_eval(_ARRAY.sub(r"\1", cell))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return cell


def of_tables(tables: Sequence[Table], where: str) -> Listing:
    """List the questions of tables; if there are several, each names its split.

    Args:
        tables: The tables.
        where: Name of the source in messages.

    Raises:
        InputError: No column fits.
    """
    questions = _listed((q for table in tables for q in in_table(table)), Path(where), len(tables) > 1)
    for table in tables:
        note_columns(questions, table, **{key: table.find(names) for key, names in _TABLE.items()})
    questions.columns = _inputs(tables[0])
    return questions


def _listed(questions: Iterable[Question], path: Path, parted: bool) -> Listing:
    listed = list(questions)
    if not listed:
        raise InputError(f"{path}: contains no question")
    twice = [name for name, count in Counter(q.name for q in listed).items() if count > 1]
    if twice:
        raise InputError(f"{path}: several questions have the id {twice[0]!r}")
    labels = ["answer" if q.answers else "none" for q in listed]
    examples = Listing("question", [q.question for q in listed], labels, [q.name for q in listed])
    examples.targets = Answers(listed)
    examples.identity = [q.context for q in listed]
    examples.splits = [q.split or "train" for q in listed] if parted else None
    documents = {q.document for q in listed}
    if "" in documents or (not parted and len(documents) < _MIN_DOCUMENTS):
        places = {q.context: f"passage {i}" for i, q in enumerate(listed, start=1)}
        examples.groups = [places[q.context] for q in listed]
        examples.notices.append(f"{path}: no titles of at least {_MIN_DOCUMENTS} documents, so splits are by passage")
    else:
        examples.groups = [q.document for q in listed]
    return examples


def _kind(entry: Mapping[str, Any], answers: Sequence[Any], where: str) -> str:
    kind = entry.get("answer_type") or ("short" if answers else "none")
    if kind not in ANSWER_TYPES:
        raise InputError(f"{where}: field 'answer_type' is {_shown(kind)}; expected one of {', '.join(ANSWER_TYPES)}")
    if (kind == "none") == bool(answers):
        raise InputError(f"{where}: field 'answer_type' is {kind!r}, with {len(answers)} answers")
    return str(kind)


def _entries(entry: Mapping[str, Any], name: str, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Objects of a list, each with its path in the file."""
    values = entry.get(name)
    if not isinstance(values, list):
        raise InputError(f"{place.rstrip('.: ')}: field {name!r} is {_shown(values)}; expected a list of objects")
    for i, value in enumerate(values):
        if not isinstance(value, dict):
            raise InputError(f"{place}{name}[{i}] is {_shown(value)}; expected an object")
        yield f"{place}{name}[{i}]", value


def _is_table(path: Path) -> bool:
    """Whether a path is a table of questions, and not SQuAD's documents without what is around them."""
    return is_table(path) and not (path.is_file() and path.suffix == ".json" and NESTED.search(read_text(path)))


NESTED = re.compile(r'"(?:paragraphs|qas)"\s*:\s*\[')
"""Lists that documents of SQuAD have, and rows do not."""


def _start(value: Any, where: str) -> int | None:
    """Position of a character; None where it is -1, as of answers that were not found."""
    return None if value in (-1, -1.0, "-1") else _character(value, where)


def _character(value: Any, where: str) -> int:
    """Position of a character; tables may hold it as text or as a float."""
    try:
        place = -1 if isinstance(value, bool) else int(value)
    except (TypeError, ValueError, OverflowError):
        place = -1
    if place < 0:
        raise InputError(f"{where}: field 'answer_start' is {_shown(value)}; expected the position of a character")
    return place


def _string(entry: Mapping[str, Any], name: str, where: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str):
        raise InputError(f"{where}: field {name!r} is {_shown(value)}; expected text")
    if "\0" in value:
        raise InputError(f"{where}: field {name!r} has a NUL character at {value.index(chr(0))}")
    return value


def _shown(value: Any) -> str:
    return "missing" if value is None else repr(value)[:60]
