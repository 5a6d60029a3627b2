"""A prepared data set: three splits in a task's features, and what was noticed on the way."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from tlzoo.data.counts import MAX_CLASSES_SHOWN, Counts
from tlzoo.data.protocol import MORE_ROWS, SPLITS, check_sides, cut_splits
from tlzoo.data.schemas import storage
from tlzoo.errors import InputError
from tlzoo.files import is_utf8

Read = Callable[[Any], tuple[Any, str | None]]
"""Reads a storage value: gives it with its bytes, and why it cannot be used, if it cannot."""


@dataclass(frozen=True)
class Prepared:
    """A prepared data set.

    Attributes:
        splits: ``train``, ``validation`` and ``test``; columns: the input by its kind, targets, ``id``, ``group``.
        problems: One line for each example that could not be read and was left out.
        notices: One line for each thing that a person should know.
        available: Number of rows that each split was drawn from, if known.
        columns: The column of a table that each text was read from; and ``levels``, the range of pictures of more than
            8 bits (``tlzoo.data.media.levels``).
        cut: Splits that were cut from the examples to train on, since the source has none.
    """

    splits: DatasetDict
    problems: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    available: Mapping[str, int] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    cut: Sequence[str] = ()

    @property
    def features(self) -> Features:
        """Features of the rows."""
        return self.splits["train"].features

    def test_groups(self) -> list[str]:
        """Groups that the bootstrap resamples, one name for each test example.

        They stay whole where training has examples of a group as well: those of one speaker are not independent.
        """
        names: list[str] = self.splits["test"]["group"][:]
        return names

    def counts(self) -> Counts:
        """Number of rows, groups and classes of each split."""
        sizes = {split: len(rows) for split, rows in self.splits.items()}
        groups = {split: set(rows["group"][:]) for split, rows in self.splits.items()}
        feature = self.features.get("label")
        classes: Counter[str] = Counter()
        if isinstance(feature, ClassLabel):
            for rows in self.splits.values():
                classes.update(feature.names[i] for i in rows["label"][:])
        counts = {split: len(names) for split, names in groups.items()}
        total, shared = len(set().union(*groups.values())), len(groups["train"] & groups.get("test", set()))
        return Counts(sizes, self.available, classes, counts, total, shared, self.cut)


MAX_BESIDE = 100
"""Maximum characters of a value that may name a group."""
PART_ROWS = 256
"""Rows of a part of a table; an Arrow array of bytes holds at most 2 GiB."""


def table(features: Features, columns: Mapping[str, Sequence[Any]]) -> Dataset:
    """Build a data set from columns in their storage form (``from_dict`` would ask for a decoder)."""
    return Dataset(pa.table(dict(columns), schema=features.arrow_schema))


@dataclass(frozen=True)
class Target:
    """The target of one example.

    Attributes:
        columns: Its columns in their storage form.
        remarks: Number of corrections, by what was corrected.
    """

    columns: Mapping[str, Any]
    remarks: Mapping[str, int] = field(default_factory=dict)


class Targets(Protocol):
    """The target of each example of a listing."""

    @property
    def features(self) -> Features:
        """Features of the columns."""

    def of(self, index: int, value: Any) -> Target:
        """The target of one example.

        Args:
            index: Its place in the listing.
            value: Its input in storage form, with its bytes.

        Raises:
            InputError: The example cannot be used; one line that says why, and does not name it.
        """


@dataclass
class Listing:
    """Examples before they are drawn: where they are, without their content.

    Attributes:
        kind: Kind of the input.
        inputs: One storage value an example, such as ``{"bytes": None, "path": "a.wav"}``.
        labels: Class name of each example; without classes, what the draw is stratified by.
        names: Name of each example.
        groups: Group of each example, where known.
        splits: Split of each example, where the source has them.
        notices: What was guessed.
        problems: One line for each example that is left out because a part of it is missing.
        targets: The targets, if they are not classes.
        identity: What distinguishes examples with the same input, such as the passage of a question.
        files: Files that decide the rows of a person's own data.
        columns: The column of a table that each text is read from.
        beside: Values of columns that are not read, by name; one of them may be the group of each example.
        is_cut: Whether the reader itself cut the splits, and the source does not have them.
        available: Number of rows that the reader itself drew each split from, where it did not list all.
    """

    kind: str
    inputs: list[Any]
    labels: list[str]
    names: list[str]
    groups: list[str] | None = None
    splits: list[str] | None = None
    notices: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    targets: Targets | None = None
    identity: Sequence[str] = ()
    files: list[Path] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    beside: dict[str, list[str]] = field(default_factory=dict)
    is_cut: bool = False
    available: Mapping[str, int] | None = None

    def put_beside(self, row: Mapping[str, Any]) -> None:
        """Keep short values of the last example's columns that are not read; long and missing ones become empty."""
        before = len(self.inputs) - 1
        for name, value in row.items():
            text = str(value).strip() if isinstance(value, str | int | float) and value == value else ""
            column = self.beside.setdefault(name, [])
            column += [""] * (before - len(column))
            column.append(text if len(text) <= MAX_BESIDE else "")

    def beside_of(self, name: str) -> list[str]:
        """Values of a column that is not read, of every example."""
        values = self.beside[name]
        return values + [""] * (len(self.inputs) - len(values))


class Labels:
    """The class of each example, as :class:`Targets`."""

    def __init__(self, labels: Sequence[str]) -> None:
        """Keep the class name of each example."""
        self.names = classes_of(labels)
        place = {name: i for i, name in enumerate(self.names)}
        self.classes = [place[label] for label in labels]

    @property
    def features(self) -> Features:
        """A column of classes."""
        return Features({"label": ClassLabel(names=self.names)})

    def of(self, index: int, value: Any) -> Target:
        """Its class."""
        return Target({"label": self.classes[index]})


def classes_of(labels: Iterable[str]) -> list[str]:
    """Class names in a stable order: by number where all are numbers, else by name."""
    names = set(labels)
    return sorted(names, key=int) if all(n.isdecimal() and len(n) < 19 for n in names) else sorted(names)


def gather(
    listing: Listing,
    chosen: Mapping[str, Iterable[int]],
    read: Read,
    available: Mapping[str, int] | None = None,
    root: Path | None = None,
) -> Prepared:
    """Read the drawn examples.

    Args:
        listing: All examples.
        chosen: Indices of each split.
        read: Takes a storage value, gives ``(value with bytes, reason it cannot be used or None)``.
        available: Number of examples that each split was drawn from, if known.
        root: Folder of a person's own files: rows refer to them by their path from there on. Without, rows hold what
            the files hold.

    Returns:
        The data; unreadable examples are left out and named.

    Raises:
        InputError: Nothing can be learnt or tested with the usable examples.
    """
    features, targets = _features(listing)
    parts = {split: _read(listing, targets, chosen[split], read, root) for split in SPLITS}
    problems = [*listing.problems, *(line for part in parts.values() for line in part.problems)]
    labels = {split: part.labels for split, part in parts.items()}
    is_classed = listing.targets is None
    lost = [f"{len(problems):,} rows cannot be used, such as {problems[-1]}"] if problems else []
    check_sides(labels, is_classed, lost, "put these rows right, or give more" if problems else MORE_ROWS)
    remarks = sum((part.remarks for part in parts.values()), Counter[str]())
    notices = listing.notices + [f"{what}: {count}" for what, count in sorted(remarks.items())]
    if is_classed:
        notices += _untrained_classes(labels)
    splits = DatasetDict({split: _in_parts(features, part.rows) for split, part in parts.items()})
    cut = cut_splits(None if listing.is_cut else listing.splits)
    return Prepared(splits, tuple(problems), tuple(notices), available or {}, listing.columns, cut)


def whole(listing: Listing, read: Read) -> DatasetDict:
    """Read all examples, by the split that the source has them in, in order; ``train`` where it has none.

    Args:
        listing: All examples.
        read: As of :func:`gather`.

    Raises:
        InputError: An example cannot be used.
    """
    features, targets = _features(listing)
    named = listing.splits or ["train"] * len(listing.inputs)
    splits = {}
    for split in (name for name in SPLITS if name in named):
        part = _read(listing, targets, [i for i, own in enumerate(named) if own == split], read, None)
        if part.problems:
            raise InputError(part.problems[0])
        splits[split] = _in_parts(features, part.rows)
    return DatasetDict(splits)


def _features(listing: Listing) -> tuple[Features, Targets]:
    targets = listing.targets or Labels(listing.labels)
    own = {"group": Value("string"), "id": Value("string")}
    return Features({listing.kind: storage(listing.kind), **targets.features, **own}), targets


@dataclass
class _Part:
    """Rows that were read, with their classes; and those that could not be used."""

    rows: list[Mapping[str, object]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    remarks: Counter[str] = field(default_factory=Counter)


def _read(listing: Listing, targets: Targets, chosen: Iterable[int], read: Read, root: Path | None) -> _Part:
    part = _Part()
    for index in map(int, chosen):
        name = listing.names[index]
        value, reason = read(listing.inputs[index])
        try:
            target = targets.of(index, value) if reason is None else Target({})
        except InputError as error:
            reason = str(error)
        if reason is None:
            part.remarks.update(target.remarks)
            group = listing.groups[index] if listing.groups else name
            stored = value if root is None else _reference(listing.inputs[index], value, root)
            part.rows.append({listing.kind: stored, **target.columns, "group": group, "id": name})
            part.labels.append(listing.labels[index])
        else:
            part.problems.append(f"{name}: {reason.removeprefix(f'{Path(name).name}: ')}")
    return part


def _reference(given: Any, whole: Any, root: Path) -> Any:
    """What a row holds of an input: the path of its file from ``root`` on, else, without a file of its own, all of it.

    A file whose name Arrow cannot keep, which takes UTF-8, is held with its bytes.
    """
    if not isinstance(given, Mapping) or given["bytes"] is not None:
        return whole
    path = os.path.relpath(given["path"], root)
    return {"bytes": None, "path": path} if is_utf8(path) else whole


def _untrained_classes(labels: Mapping[str, Sequence[str]]) -> list[str]:
    """Name the classes without a training example, which cannot be learnt and count as wrong in the accuracy."""
    seen = {split: Counter(labels[split]) for split in SPLITS}
    absent = sorted((seen["validation"] | seen["test"]).keys() - seen["train"].keys())
    notices = [
        f"class {name!r} has {seen['validation'][name]} validation, {seen['test'][name]} test and no training example"
        for name in absent[:MAX_CLASSES_SHOWN]
    ]
    more = len(absent) - len(notices)
    return notices + ([f"classes without a training example: {more} more"] if more else [])


def _in_parts(features: Features, rows: Sequence[Mapping[str, object]]) -> Dataset:
    """Rows as a data set, in parts."""
    schema = features.arrow_schema
    parts = [pa.Table.from_pylist(list(rows[i : i + PART_ROWS]), schema=schema) for i in range(0, len(rows), PART_ROWS)]
    return Dataset(pa.concat_tables(parts) if parts else schema.empty_table())
