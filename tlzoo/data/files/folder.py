"""A user's own folder of labelled files, laid out like ``datasets``' AudioFolder, ImageFolder and VideoFolder."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from tlzoo.data.dataset import Listing
from tlzoo.data.files import metadata
from tlzoo.data.files.classes import check_classes
from tlzoo.data.files.names import GROUP_COLUMNS, LABEL_COLUMNS, SUFFIXES
from tlzoo.data.files.split_names import is_plain, split_of, splits_among
from tlzoo.data.files.text_files.delimited import column_named, is_empty
from tlzoo.data.files.walk import walk
from tlzoo.errors import InputError

MAX_SUFFIXES = 5
"""Maximum number of suffixes named in a notice."""
PARTS = re.compile(r"(fold|batch|part|shard|chunk|block|subset|volume)s?[-_ ]*\d+", re.IGNORECASE)
"""Names of folders that are parts of data rather than classes."""


def listing(folder: Path, kind: str, label: str | None = None, splits: str = "") -> Listing:
    """List a folder of labelled files.

    The folder has either subfolders named after classes, or a table (``tlzoo.data.files.metadata``) with ``file_name``
    and a label column; both lie at the top or inside folders named after splits (``tlzoo.data.files.split_names``),
    such as ``train``, ``validation`` and ``test``.

    Args:
        folder: The folder.
        kind: ``"audio"``, ``"image"`` or ``"video"``.
        label: The column of classes in a table; by default one with a usual name.
        splits: ``no`` where folders named after splits are classes, too.

    Raises:
        InputError: The folder does not exist, or has no files of that kind, no labels, or fewer than two classes.
    """
    if folder.is_file():
        also = f"; try --data {folder.parent}" if folder.name in metadata.NAMES else ""
        raise InputError(
            f"{folder}: no such folder, but a file; a folder of {kind} files is read, a .zip or .tar archive of one, "
            f"or a .parquet or .arrow file that holds them{also}"
        )
    if not folder.is_dir():
        raise InputError(
            f"{folder}: no such folder; --data takes auto, a data set's name, hub:ID[:CONFIG][@REVISION] or a folder"
        )
    every = list(walk(folder))
    files = [path for path in every if _is_read(path, kind)]
    examples = Listing(kind, [], [], [], [], [], files=files)
    others = Counter(path.suffix.lower() or "none" for path in every if not _is_read(path, kind))
    shown = ", ".join(f"{suffix} {count:,}" for suffix, count in others.most_common(MAX_SUFFIXES))
    if others:
        examples.notices.append(f"files of other kinds, left out, by suffix: {shown}")
    parts = {} if splits == "no" else _parts(folder, files, examples.notices)
    in_one = metadata.beside(folder) is not None and not any(metadata.beside(folder / name) for name in parts)
    for name in ("",) if in_one or not parts else parts:
        _list_part(folder, name, parts, examples, LABEL_COLUMNS if label is None else (label,))
    inside = f" in {', '.join(parts)}, which are read as splits, unless --no-splits is given" if parts else ""
    if not examples.inputs:
        why = f"; {examples.problems[0]}" if examples.problems else ""
        count = sum(path.name not in metadata.NAMES for path in files)
        if not count:
            also = f"; there are others, by suffix: {shown}" if others else ""
            names = ", ".join(sorted(SUFFIXES[kind]))
            raise InputError(f"{folder}: no {kind} files ({names}) with a label{inside}{why}{also}")
        raise InputError(
            f"{folder}: no {kind} files with a label{inside}{why}; {count:,} are outside of folders named after "
            "classes: make such folders, or name the files in metadata.csv, with columns file_name and label"
            f"{_instead(folder, files, every)}"
        )
    classes = Counter(examples.labels)
    if len(classes) < 2:
        raise InputError(
            f"{folder}: only one class ({examples.labels[0]!r}){inside}; at least two are needed, as subfolders named "
            f"after the classes or as values of the label column of metadata.csv{_instead(folder, files, every)}"
        )
    check_classes(classes, str(folder))
    for alike in _differing_in_case(classes):
        examples.notices.append(f"classes that differ in case alone: {', '.join(map(repr, alike))}")
    if all(map(PARTS.fullmatch, classes)):
        some = ", ".join(sorted(classes)[:3])
        examples.notices.append(f"the classes are called like parts of data: {some}{', ...' * (len(classes) > 3)}")
    if not any(examples.groups or []):
        examples.groups = None
    return examples


def _differing_in_case(classes: Iterable[str]) -> list[list[str]]:
    """Names of classes that are the same but for capitals."""
    alike: dict[str, list[str]] = {}
    for name in sorted(classes):
        alike.setdefault(name.casefold(), []).append(name)
    return [names for names in alike.values() if len(names) > 1]


def _parts(folder: Path, files: Sequence[Path], notices: list[str]) -> dict[str, str]:
    """The folders at the top that are splits, with the split of each; ambiguous decisions are added to ``notices``.

    Folders named after splits are splits, but not beside classes: if some of them hold files rather than folders of
    classes, they count as classes, unless there are no other folders.
    """
    inside: dict[str, list[Path]] = {}
    for path in files:
        relative = path.relative_to(folder)
        if len(relative.parts) > 1:
            inside.setdefault(relative.parts[0], []).append(relative)
    named = {name: split for name in inside if (split := split_of(name))}
    nested = [name for name in named if any(len(p.parts) > 2 or p.name in metadata.NAMES for p in inside[name])]
    beside = [name for name in inside if name not in named]
    is_listed = metadata.beside(folder) is not None
    splits = splits_among(inside)
    if nested and nested == list(named) and len(beside) == 1:
        splits = named  # such as train, beside unlabelled pictures
    elif not nested and not is_listed and (beside or len(set(named.values())) < len(named)):
        splits = {}  # these hold no folders of classes
    if splits and (beside or not all(map(is_plain, splits))):
        also = f"; other folders, left out: {', '.join(beside)}" if beside and not is_listed else ""
        notices.append("splits: " + ", ".join(f"{name} is {split}" for name, split in splits.items()) + also)
    elif not splits and any(map(is_plain, named)):
        notices.append(f"folders read as classes, not as splits: {', '.join(filter(is_plain, named))}")
    return splits


def _instead(folder: Path, files: Sequence[Path], every: Sequence[Path]) -> str:
    """Hints for a folder with a single subfolder, and where a table may say the classes."""
    inner, names = folder, _folders(folder, files)
    while len(names) == 1:
        inner /= names.pop()
        names = _folders(inner, files)
    tables = [p for p in every if p.suffix.lower() in (".csv", ".tsv") and p.name not in metadata.NAMES]
    top = [path for path in tables if path.parent == folder]
    hints = [f"try --data {inner}"] if names and inner != folder else []
    if top:
        hints.append(f"rename {top[0].name} to metadata.csv, with columns file_name and label")
    elif len(tables) == 1:
        hints.append(f"make metadata.csv of {tables[0].relative_to(folder)}, with columns file_name and label")
    return "".join(f"; {hint}" for hint in hints)


def _folders(folder: Path, files: Sequence[Path]) -> set[str]:
    """Names of the folders in a folder that hold some of the files."""
    inside = (path.relative_to(folder).parts for path in files if path.is_relative_to(folder))
    return {parts[0] for parts in inside if len(parts) > 1}


Row = tuple[Path, str, str, str | None, Mapping[str, str]]
"""A file with its class, group, split if a column names it, and other columns."""


def _list_part(root: Path, name: str, parts: Mapping[str, str], examples: Listing, label_names: Sequence[str]) -> None:
    """List the folder of one split, or, if ``name`` is empty, the whole folder."""
    part = root / name
    table = metadata.beside(part)
    if table is None:
        rows = _from_subfolders(part, examples, {} if parts else _splits_in_classes(part, examples))
    else:
        rows = _from_metadata(table, examples, label_names)
    assert examples.groups is not None and examples.splits is not None
    for path, label, group, split, beside in rows:
        relative = path.relative_to(root)
        examples.inputs.append({"bytes": None, "path": str(path)})
        examples.labels.append(label)
        examples.names.append(str(relative))
        examples.groups.append(group)
        examples.splits.append(split or parts.get(relative.parts[0], "train"))
        examples.put_beside(beside)


def _from_metadata(path: Path, examples: Listing, label_names: Sequence[str]) -> Iterator[Row]:
    """The files that a table names, or those in subfolders of classes where it names no classes."""
    sheet = metadata.read(path)
    columns = sheet.columns
    label, file = column_named(columns, label_names), metadata.file_column(columns)
    if label is None or file is None:
        missing = "no column 'file_name'" if file is None else f"no label column ({', '.join(label_names)})"
        if file is not None and (several := _one_hot(columns)):
            missing += f", but one of 0 and 1 for each of {', '.join(several)}: write the class's name in one column"
        if len(_folders(path.parent, [f for f in examples.files if f.name not in metadata.NAMES])) < 2:
            raise InputError(f"{path}: {missing}; columns: {', '.join(columns)}")
        examples.notices.append(f"{path.name}: not read, since it has {missing}; classes are the folders'")
        yield from _from_subfolders(path.parent, examples)
        return
    if not sheet.lines:
        raise InputError(f"{path}: has a header and no rows")
    files = metadata.files_of(path, sheet, sorted(SUFFIXES[examples.kind]))
    group = column_named(columns, GROUP_COLUMNS)
    notice = f"{path.name}: label from column {label!r}" + (f", groups from column {group!r}" if group else "")
    if notice not in examples.notices:
        examples.notices.append(notice)
    splits = metadata.splits_of(path, sheet, examples.notices)
    others = metadata.unread(columns, label)
    for row, (line, target) in enumerate(zip(sheet.lines, files, strict=True)):
        empty = file if target is None else label if is_empty(columns[label][row]) else None
        if target is None or empty is not None:
            examples.problems.append(f"{path.name}:{line}: {empty!r} is empty")
            continue
        beside = {name: columns[name][row] for name in others}
        yield target, columns[label][row].strip(), columns[group][row] if group else "", splits[row], beside
    named = set(files)
    if left := sum(f.is_relative_to(path.parent) and f not in named for f in examples.files if f != path):
        examples.notices.append(f"{path.name}: files that it does not name, left out: {left:,}")


def _one_hot(columns: Mapping[str, Sequence[str]]) -> list[str]:
    """Columns of which each row has 1 in one, and 0 in the others."""
    names = [name for name, values in columns.items() if set(values) <= {"0", "1"} and len(set(values)) == 2]
    rows = zip(*(columns[name] for name in names), strict=True)
    return names if len(names) > 1 and all(row.count("1") == 1 for row in rows) else []


def _splits_in_classes(part: Path, examples: Listing) -> Mapping[str, str]:
    """The split of each folder in the folders of classes, where all files are in folders of splits there."""
    places = [path.relative_to(part).parts for path in examples.files if path.is_relative_to(part)]
    inner = {place[1] if len(place) > 2 else "" for place in places if len(place) > 1}
    splits = splits_among(inner)
    if splits.keys() != inner or "train" not in splits.values():
        return {}
    examples.notices.append(
        "splits: in the folders of classes, "
        + ", ".join(f"{name} is {split}" for name, split in sorted(splits.items()))
    )
    return splits


def _from_subfolders(part: Path, examples: Listing, splits: Mapping[str, str] = MappingProxyType({})) -> Iterator[Row]:
    """Files in subfolders of classes; blanks around a subfolder's name do not make another class.

    Args:
        part: The folder.
        examples: Takes what is said of it.
        splits: The split of each folder in the subfolders, where those are splits.
    """
    loose = 0
    names: dict[str, set[str]] = {}
    for path in examples.files:
        if not path.is_relative_to(part) or path.name in metadata.NAMES:
            continue
        relative = path.relative_to(part)
        if len(relative.parts) == 1:
            loose += 1
            continue
        name = relative.parts[0]
        names.setdefault(name.strip(), set()).add(name)
        yield path, name.strip(), "", splits.get(relative.parts[1]), {}
    for label, folders in names.items():
        if len(folders) > 1:
            examples.notices.append(f"one class: the folders {' and '.join(map(repr, sorted(folders)))} are {label!r}")
    if loose:
        examples.notices.append(f"{part.name}: files outside the folders of classes, left out: {loose:,}")


def _is_read(path: Path, kind: str) -> bool:
    """Whether a file is of a kind, or a table beside some."""
    return path.suffix.lower() in SUFFIXES.get(kind, ()) or path.name in metadata.NAMES
