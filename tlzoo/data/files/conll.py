"""A person's own texts with marked entities: CoNLL columns, and JSON Lines or Parquet with spans or with tags.

CoNLL columns have a word a line, its tag last, and a blank line after each sentence (Tjong Kim Sang and De Meulder
2003, cs/0306050, section 3). Tags are read by the rules of the shared task's ``conlleval``, which fit IOB1, IOB2, BIOES
and BILOU alike.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from datasets import Features

from tlzoo.data.dataset import Listing, Target
from tlzoo.data.files import tables
from tlzoo.data.files.boxes import rarest
from tlzoo.data.files.names import GROUP_COLUMNS
from tlzoo.data.files.split_names import split_of
from tlzoo.data.files.tables.table import Columns, Table
from tlzoo.data.files.text_files import lines, printable
from tlzoo.data.schemas import entity_features
from tlzoo.errors import InputError

SUFFIXES = (".conll", ".conllu", ".bio", ".iob", ".iob1", ".iob2", ".bioes", ".bilou")
"""Of files to predict whose lines are words; the lines of other files of text are texts."""
TOKEN_COLUMNS = ("tokens", "words")
TAG_COLUMNS = ("ner_tags", "tags", "ner", "labels")
ENTITY_COLUMNS = ("entities", "spans", "label", "labels")
_MIN_DOCUMENTS = 4  # for each split to have some, and training two
_TAG = re.compile(r"O|([BIESLUM])-(.+)")
_WORD = re.compile(r"\w+|[^\w\s]")
_INSIDE = "entities that begin or end inside a word, which a tagger of words cannot give"
_OVERLAP = "entities that overlap a longer one, left out"


class Entity(NamedTuple):
    """A marked part of a text: its first character, the one after its last, and its class."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Sentence:
    """One text.

    Attributes:
        name: What to call it.
        text: The text.
        words: First character of each word, and the one after its last.
        entities: What is marked, as its source has it.
        group: Its document, where that is known.
        split: Its split, where that is known.
    """

    name: str
    text: str
    words: Sequence[tuple[int, int]]
    entities: Sequence[Entity] = ()
    group: str = ""
    split: str | None = None


class Entities:
    """Words and entities of each text, as :class:`tlzoo.data.dataset.Targets`."""

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        """Keep the texts, in the listing's order."""
        self.sentences = sentences
        self.names = sorted({entity.label for sentence in sentences for entity in sentence.entities})

    @property
    def features(self) -> Features:
        """Columns ``words`` and ``entities``."""
        return entity_features(self.names)

    def of(self, index: int, value: object) -> Target:
        """The words and entities of one text; blanks at the ends of an entity do not belong to it.

        Raises:
            InputError: An entity lies outside of the text, or holds only blanks.
        """
        sentence = self.sentences[index]
        remarks: Counter[str] = Counter()
        chosen: list[Entity] = []
        for start, end, label in sorted(sentence.entities, key=lambda e: (e.start - e.end, e.start)):
            part = sentence.text[max(start, 0) : max(end, 0)]
            if not 0 <= start < end <= len(sentence.text) or not part.strip():
                raise InputError(f"entity {label!r} at characters {start} to {end}, in a text of {len(sentence.text)}")
            entity = Entity(end - len(part.lstrip()), start + len(part.rstrip()), label)
            if any(entity.start < other.end and other.start < entity.end for other in chosen):
                remarks[_OVERLAP] += 1
            else:
                chosen.append(entity)
        starts, ends = ({word[side] for word in sentence.words} for side in (0, 1))
        remarks[_INSIDE] += sum(e.start not in starts or e.end not in ends for e in chosen)
        chosen.sort()
        entities = {"start": [e.start for e in chosen], "end": [e.end for e in chosen]}
        columns = {
            "words": {"start": [start for start, _ in sentence.words], "end": [end for _, end in sentence.words]},
            "entities": {**entities, "label": [self.names.index(e.label) for e in chosen]},
        }
        return Target(columns, +remarks)


def words_of(text: str) -> list[tuple[int, int]]:
    """The words of a text whose source does not say where they are: runs of letters and digits, and single signs."""
    return [match.span() for match in _WORD.finditer(text)]


def tagged(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """The entities in the tags of words, by the rules of ``conlleval``.

    Args:
        tags: ``O``, or a prefix of IOB1, IOB2, BIOES or BILOU with a class, such as ``B-person``.

    Returns:
        The first word of each entity, the one after its last, and its class.
    """
    entities: list[tuple[int, int, str]] = []
    start, label, ended = 0, "", True
    for place, tag in enumerate([*tags, "O"]):
        prefix, _, name = tag.partition("-")
        if label and (ended or name != label or prefix in ("B", "S", "U")):
            entities.append((start, place, label))
            label = ""
        if name and not label:
            start, label = place, name
        ended = prefix in ("E", "L", "S", "U")
    return entities


def listing(path: Path) -> Listing:
    """List texts with entities.

    Args:
        path: A file of CoNLL columns, of JSON Lines or Parquet (see :func:`listed`), or a folder with one of them a
            split, named after it (``train.conll``, ``dev.conll``; ``train.jsonl``).

    Raises:
        InputError: It cannot be read, or holds no entities; names file and line.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; --data takes auto, a data set's name, hub:ID or a path")
    files = sorted(p for p in path.iterdir() if p.is_file() and p.name[0] != ".") if path.is_dir() else [path]
    files = [file for file in files if _is_rows(file)] or files
    split = {file: split_of(file.name) if path.is_dir() else None for file in files}
    named = [file for file in files if split[file]]
    alone = [file for file in files if len(files) == 1 or _suffix(file) in SUFFIXES]
    if not named and len(alone) == 1:
        named = alone
    unnamed, files = [file for file in files if file not in named], named
    if not files:
        raise InputError(f"{path}: no file here is named after a split; name them train, dev and test (train.conll)")
    if _suffix(files[0]) == ".json" and not _is_rows(files[0]):
        raise InputError(f"{files[0]}: JSON; expected a list of objects, with text and entities, or tokens and tags")
    if _is_rows(files[0]):
        examples = listed([Table(f, tables.read_table(f).columns, split[f]) for f in files], str(path))
    else:
        examples = _listed([s for f in files for s in in_columns(f, split[f])], str(path), len(files) > 1)
    examples.files = files
    if unnamed:
        names = ", ".join(printable(file.name) for file in unnamed[:8])
        examples.notices.append(f"{path}: not named after a split, left out: {names}")
    return examples


def _is_rows(file: Path) -> bool:
    return _suffix(file) in (".json", ".jsonl", ".ndjson", ".parquet") and tables.is_table(file)


def _suffix(file: Path) -> str:
    """The suffix of a file, whether it is compressed or not."""
    return Path(file.name.lower().removesuffix(".gz")).suffix


def in_columns(path: Path, split: str | None = None, marked: bool = True) -> Iterator[Sentence]:
    """The sentences of a file of CoNLL columns.

    Args:
        path: The file; columns are separated by tabs or blanks, the word is the first and its tag the last.
        split: The split that it is.
        marked: Whether tags are read; sentences to predict may have none.

    Raises:
        InputError: A line has no tag, or another one than those of IOB, BIOES or BILOU; names the line.
    """
    words: list[str] = []
    tags: list[str] = []
    document = count = 0

    def ended() -> Iterator[Sentence]:
        nonlocal count
        if words:
            count += 1
            name = f"{path.name} sentence {count}"
            yield _joined(words, tags, name, f"{path.name} document {document}" if document else "", split)
            words.clear()
            tags.clear()

    for number, line in enumerate(lines(path), start=1):
        if not line.strip():
            yield from ended()
            continue
        if line.startswith("-DOCSTART-"):
            yield from ended()
            document += 1
            continue
        fields = [field.strip() for field in (line.split("\t") if "\t" in line else line.split())]
        is_tag = len(fields) > 1 and _TAG.fullmatch(fields[-1])
        if not words and line.startswith("#") and not is_tag:
            continue  # a comment above a sentence
        if marked and not is_tag:
            seen = repr(fields[-1]) if len(fields) > 1 else "missing"
            way = "; give a word and its tag a line, separated by a tab" if "," in line else ""
            raise InputError(
                f"{printable(path)}:{number}: the tag is {seen}; expected O, or B-CLASS, I-CLASS and such{way}"
            )
        if fields[0]:
            words.append(fields[0])
            tags.append(fields[-1] if marked else "O")
    yield from ended()


def _joined(words: Sequence[str], tags: Sequence[str], name: str, group: str, split: str | None) -> Sentence:
    """A sentence of words with a blank between them."""
    places = []
    start = 0
    for word in words:
        places.append((start, start + len(word)))
        start += len(word) + 1
    entities = [Entity(places[first][0], places[end - 1][1], label) for first, end, label in tagged(tags)]
    return Sentence(name, " ".join(words), places, entities, group, split)


def listed(parts: Sequence[Table], where: str) -> Listing:
    """List the texts of tables.

    A table has a column of texts and one of ``entities``, lists of ``{"start", "end", "label"}`` or ``[start, end,
    label]`` in characters; or, as many data sets of the Hub, ``tokens`` and ``ner_tags``, lists of words and of tags.

    Args:
        parts: The tables; where there are several, each names its split.
        where: What errors and notices call them.

    Raises:
        InputError: No column fits, or a value is of another form; names the row.
    """
    examples = _listed([s for part in parts for s in _in_table(part)], where, len(parts) > 1)
    for part in parts:
        tables.note_columns(examples, part, **_columns(part))
    if name := _columns(parts[0]).get("text"):
        examples.columns = {"text": name}
    return examples


def _columns(table: Table) -> dict[str, str]:
    """The columns that are read: ``tokens`` and ``tags``, or ``text`` and ``entities``.

    Raises:
        InputError: Neither are there.
    """
    tokens, tags = table.find(TOKEN_COLUMNS), table.find(TAG_COLUMNS)
    if tokens and tags and tags != tokens:
        return {"tokens": tokens, "tags": tags}
    entities = table.need(ENTITY_COLUMNS, "entities")
    return {"text": table.text([entities]), "entities": entities}


def _in_table(table: Table) -> Iterator[Sentence]:
    columns, group = _columns(table), table.find(GROUP_COLUMNS)
    for row in range(len(table)):
        cells = {what: table.columns[name][row] for what, name in columns.items()}
        name, document = table.name(row), str(table.columns[group][row]) if group else ""
        where = f"{table.path}: {name}"
        if "tokens" in cells:
            words, tags = cells["tokens"], cells["tags"]
            if isinstance(tags, list) and any(isinstance(tag, int | float) for tag in tags):
                raise InputError(f"{where}: {columns['tags']!r} are numbers; give their names, such as B-PER and O")
            if not _is_strings(words) or not _is_strings(tags) or len(words) != len(tags):
                raise InputError(
                    f"{where}: {columns['tokens']!r} and {columns['tags']!r} are not as many words and tags"
                )
            if wrong := next((tag for tag in tags if not _TAG.fullmatch(tag)), None):
                raise InputError(f"{where}: the tag is {wrong!r}; expected O, or B-CLASS, I-CLASS and such")
            yield _joined(words, tags, name, document, table.split)
        else:
            text = cells["text"] if isinstance(cells["text"], str) else ""
            yield Sentence(name, text, words_of(text), [*_spans(cells["entities"], where)], document, table.split)


def _is_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _spans(value: object, where: str) -> Iterator[Entity]:
    """The entities of a cell: objects, lists of three, or an object of three lists."""
    if isinstance(value, Mapping):
        value = list(zip(*(value.get(name) or () for name in Entity._fields), strict=False))
    for span in value if isinstance(value, Sequence) and not isinstance(value, str) else [value] if value else ():
        fields = [span.get(name) for name in Entity._fields] if isinstance(span, Mapping) else span
        match fields:
            case [int(start), int(end), str(label)] | (int(start), int(end), str(label)) if label:
                yield Entity(start, end, label)
            case _:
                raise InputError(f"{where}: entity {str(span)[:60]!r}; expected start, end and label")


def _listed(sentences: Sequence[Sentence], where: str, parted: bool) -> Listing:
    if not any(sentence.entities for sentence in sentences):
        raise InputError(f"{where}: no entity is marked in its {len(sentences)} texts")
    examples = Listing("text", [s.text for s in sentences], [], [s.name for s in sentences])
    examples.labels = rarest([[entity.label for entity in s.entities] for s in sentences])
    examples.targets = Entities(sentences)
    examples.splits = [s.split or "train" for s in sentences] if parted else None
    documents = {s.group for s in sentences}
    if "" not in documents and len(documents) >= _MIN_DOCUMENTS:
        examples.groups = [s.group for s in sentences]
    return examples


def rows(
    path: Path, columns: Columns, say: tables.Say
) -> Iterator[tuple[dict[str, str], Mapping[str, object] | InputError]]:
    """Texts to predict: sentences of CoNLL columns, whose tags are not read, else as ``tlzoo.data.files.tables`` does.

    Args:
        path: The file.
        columns: The columns that training read.
        say: Takes what is read.

    Yields:
        ``input``, what a text is called; and the row, with its ``words`` where they are known.

    Raises:
        InputError: It cannot be read.
    """
    if _suffix(path) not in SUFFIXES:
        yield from tables.rows(path, columns, say)
        return
    say("a word a line")
    for sentence in in_columns(path, marked=False):
        words = {"start": [start for start, _ in sentence.words], "end": [end for _, end in sentence.words]}
        yield {"input": sentence.name}, {"text": sentence.text, "words": words}


def spans_of(columns: Mapping[str, Iterable[int]]) -> list[tuple[int, int]]:
    """First character, and the one after the last, of the ``words`` or ``entities`` of a row."""
    return list(zip(columns["start"], columns["end"], strict=True))
