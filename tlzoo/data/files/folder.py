"""A user's own folder of labelled files, laid out like ``datasets``' AudioFolder, ImageFolder and VideoFolder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

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
    if not folder.is_dir():
        raise InputError(
            f"{folder}: no such folder; --data takes auto, a data set's name, hub:ID[:CONFIG][@REVISION] or a folder"
        )
    every = list(walk(folder))
    files = [path for path in every if _is_read(path, kind)]
    examples = Listing(kind, [], [], [], [], [], files=files)
    if others := Counter(path.suffix.lower() or "none" for path in every if not _is_read(path, kind)):
        shown = ", ".join(f"{suffix} {count:,}" for suffix, count in others.most_common(MAX_SUFFIXES))
        examples.notices.append(f"files of other kinds, left out, by suffix: {shown}")
    parts = {} if splits == "no" else _parts(folder, files, examples.notices)
    in_one = metadata.beside(folder) is not None and not any(metadata.beside(folder / name) for name in parts)
    for name in ("",) if in_one or not parts else parts:
        _list_part(folder, name, parts, examples, LABEL_COLUMNS if label is None else (label,))
    if not examples.inputs:
        why = f"; {examples.problems[0]}" if examples.problems else ""
        inside = f" in {', '.join(parts)}, which are read as splits" if parts else ""
        raise InputError(f"{folder}: no {kind} files ({', '.join(sorted(SUFFIXES[kind]))}) with a label{inside}{why}")
    classes = Counter(examples.labels)
    if len(classes) < 2:
        raise InputError(
            f"{folder}: only one class ({examples.labels[0]!r}); at least two are needed, as subfolders named after "
            f"the classes or as values of the label column of metadata.csv{_instead(folder, files)}"
        )
    check_classes(classes, str(folder))
    if not any(examples.groups or []):
        examples.groups = None
    return examples


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


def _instead(folder: Path, files: Sequence[Path]) -> str:
    """Hints for a folder with a single subfolder."""
    inner, names = folder, _folders(folder, files)
    while len(names) == 1:
        inner /= names.pop()
        names = _folders(inner, files)
    tables = sorted(
        p.name for p in folder.iterdir() if p.suffix.lower() in (".csv", ".tsv") and p.name not in metadata.NAMES
    )
    hints = [f"try --data {inner}"] if names else []
    hints += [f"rename {tables[0]} to metadata.csv, with columns file_name and label"] if tables else []
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
    rows = _from_subfolders(part, examples) if table is None else _from_metadata(table, examples, label_names)
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


def _from_subfolders(part: Path, examples: Listing) -> Iterator[Row]:
    """Files in subfolders of classes; blanks around a subfolder's name do not make another class."""
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
        yield path, name.strip(), "", None, {}
    for label, folders in names.items():
        if len(folders) > 1:
            examples.notices.append(f"one class: the folders {' and '.join(map(repr, sorted(folders)))} are {label!r}")
    if loose:
        examples.notices.append(f"{part.name}: files outside the folders of classes, left out: {loose:,}")


def _is_read(path: Path, kind: str) -> bool:
    """Whether a file is of a kind, or a table beside some."""
    return path.suffix.lower() in SUFFIXES.get(kind, ()) or path.name in metadata.NAMES
