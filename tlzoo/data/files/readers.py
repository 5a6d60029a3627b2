"""A person's own data: which reader takes a path, by the task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tlzoo.data.files import named
from tlzoo.errors import InputError
from tlzoo.keys import key
from tlzoo.vocabulary import column, task_facts

if TYPE_CHECKING:
    from tlzoo.data.dataset import Listing
    from tlzoo.data.media.stored import Stored

Row = Mapping[str, Any]
ROWS = {"text": "tables:rows", "dna": "fasta:rows"}
"""Readers of rows to predict by kind of input, ``module:function`` of this package, where the task's record names none;
any other file is one row."""


COLUMNS = {"tables:listing": ("text", "label"), "transcripts:listing": ("label",)}
"""Which columns a person may choose, by the reader that the task's record names."""
FOLDERS = ("label", "splits")
"""What a person may say of folders of classes."""


def listing(path: Path, task: str, given: Mapping[str, str] = MappingProxyType({})) -> Listing:
    """List a person's own examples for a task.

    Args:
        path: Class folders or ``metadata.csv`` (``tlzoo.data.files.folder``), COCO annotations
            (``tlzoo.data.files.coco``), pictures and masks (``tlzoo.data.files.mask_folder``), tables of text
            (``tlzoo.data.files.tables``), or questions with passages (``tlzoo.data.files.squad``).
        task: The task.
        given: The columns ``text`` and ``label``, where a person chose them, and ``group``, the column or the pattern
            of names that says which examples belong together; without it, what looks like one is named in a notice
            (``tlzoo.data.files.grouping``). ``splits`` is ``no`` where folders named after splits are classes, too.

    Raises:
        InputError: No such path, it holds nothing of the task's form, or has no such column.
    """
    from tlzoo.data.files import grouping

    group = given.get("group")
    examples = _printable(_listed(path, task, {name: value for name, value in given.items() if name != "group"}))
    examples.notices += [old_notice(file) for file in examples.files if is_old_sheet(file)]
    if group is not None:
        grouping.take(examples, group, str(path))
    elif proposal := grouping.proposal(examples):
        examples.notices.append(proposal.line)
    return examples


def option(name: str, value: str) -> str:
    """What a person wrote on the command line to choose a column or another thing of :func:`listing`."""
    return "--no-splits" if name == "splits" else f"--{name} {value}"


def is_old_sheet(file: Path) -> bool:
    """Whether a file is delimited text that is not UTF-8."""
    from tlzoo.data.files.tables.formats import suffix_of
    from tlzoo.data.files.text_files import is_old

    return suffix_of(file) in (".csv", ".tsv") and is_old(file)


def old_notice(file: Path) -> str:
    """What is said of such a file."""
    return (
        f"{file.name}: is not UTF-8, and read as Windows-1252; if letters look wrong, convert it, for example with "
        "iconv -f LATIN2 -t UTF-8"
    )


def _listed(path: Path, task: str, columns: Mapping[str, str]) -> Listing:
    from tlzoo.data.files import coco, folder, mask_folder
    from tlzoo.data.files.packed import saved

    facts = task_facts(task)
    is_saved = saved.is_saved(path, task)
    of_task = COLUMNS.get(facts.reader, ()) if facts.reader else FOLDERS if facts.annotation == "class" else ()
    for name, chosen in columns.items():
        if name not in (("label",) if is_saved else of_task):
            what = "a saved data set is" if is_saved else f"the data of {task} are"
            raise InputError(f"{option(name, chosen)}: {what} read by the usual names of columns and splits alone")
    if is_saved:
        return saved.listing(path, task, **columns)
    if facts.reader:
        read: Callable[..., Listing] = named(facts.reader)
        return read(path, **columns)
    if facts.annotation == "class":
        return folder.listing(path, facts.domain, **columns)
    if facts.annotation == "mask" and path.is_dir() and mask_folder.has_masks(path):
        return mask_folder.listing(path)
    return coco.listing(path, task)


def _printable(examples: Listing) -> Listing:
    """The listing, with names of files and folders that are no UTF-8 made such that they can be kept and shown."""
    from tlzoo.data.files.text_files import printable

    examples.names, examples.labels = [*map(printable, examples.names)], [*map(printable, examples.labels)]
    examples.groups = examples.groups and [*map(printable, examples.groups)]
    examples.problems = [*map(printable, examples.problems)]
    return examples


def rows(
    path: Path, task: str | None, kind: str, columns: Mapping[str, str], say: Callable[[str], None]
) -> Iterator[tuple[dict[str, Any], Row | InputError]]:
    """Rows of a file to predict, each with its identifiers, ``input`` and more; or with the reason it cannot be read.

    Beside the identifiers, ``columns`` has all values of the row of a table.

    Args:
        path: The file.
        task: What the model was fine-tuned for; absent of a published one.
        kind: Kind of the model's input.
        columns: Of tables the column that each input is read from, as training read it; without, it is guessed. Of
            pictures ``levels``, as they were in training (``tlzoo.data.media.levels``).
        say: Takes which columns are read.

    Raises:
        InputError: It cannot be read as the task's rows.
        OSError: It cannot be read.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: not a regular file")
    place = (task_facts(task).row_reader if task else None) or ROWS.get(kind)
    if place is not None:
        if is_old_sheet(path):
            say(old_notice(path))
        yield from named(place)(path, columns, say)
    else:
        yield {"input": str(path)}, {column(kind): _stored(path, kind, columns)}


def _stored(path: Path, kind: str, columns: Mapping[str, str]) -> Stored:
    """A file as an input; a picture of more than 8 bits is scaled as those were that the model was trained on."""
    stored: Stored = {"bytes": path.read_bytes(), "path": str(path)}
    if kind == "image" and "levels" in columns:
        from tlzoo.data.media.levels import Levels

        return Levels.parse(columns["levels"]).applied(stored)
    return stored


def opened(path: Path) -> Path:
    """Where a person's data are: the path itself, or of an archive the folder that it is unpacked into.

    Raises:
        InputError: It is an archive that cannot be unpacked.
        UnavailableError: The cache cannot be written.
    """
    from tlzoo.data.files.packed import archives

    return archives.unpacked(path) if archives.is_archive(path) else path


def fingerprint(examples: Listing, path: Path) -> str:
    """Hash of what decides a listing's rows: texts and their classes themselves, else the files by names and contents.

    The same texts are the same data, whatever they are kept in; the column that they are read from counts, since a
    prediction reads it, too.
    """
    if is_of_texts(examples):
        rows = [examples.names, examples.inputs, examples.labels, examples.groups, examples.splits]
        return key("texts", rows, dict(examples.columns))
    return digest_of(examples, path)


def is_of_texts(examples: Listing) -> bool:
    """Whether examples are texts with classes, all of which are in the listing."""
    return examples.targets is None and all(isinstance(value, str) for value in examples.inputs)


def digest_of(examples: Listing, path: Path) -> str:
    """Hash of the names and contents of the files of a listing."""
    from tlzoo.data.files.walk import digest

    return digest(path if path.is_dir() else path.parent, examples.files)


def title(path: Path) -> str:
    """What boards call data at a path: a folder's name, a file's with its folder's; never that of a person's home."""
    from tlzoo.data.files.packed import archives

    whole = path.resolve()
    if whole.is_dir():
        return whole.name
    if archives.is_archive(whole):
        return whole.name.removesuffix(next(s for s in archives.SUFFIXES if whole.name.lower().endswith(s)))
    return whole.stem if whole.parent.name == Path.home().name else f"{whole.parent.name}-{whole.stem}"
