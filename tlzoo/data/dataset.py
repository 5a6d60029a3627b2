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

from tlzoo.data.protocol import SPLITS, bootstrap_groups, check_sides
from tlzoo.data.schemas import storage
from tlzoo.errors import InputError
from tlzoo.files import is_utf8

Read = Callable[[Any], tuple[Any, str | None]]
"""Reads a storage value: gives it with its bytes, and why it cannot be used, if it cannot."""


@dataclass(frozen=True)
class Prepared:
    """Data that are ready to be run on.

    Attributes:
        splits: ``train``, ``validation`` and ``test``; columns: the input by its kind, targets, ``id``, ``group``.
        problems: One line for each example that could not be read and was left out.
        notices: One line for each thing that a person should know.
        available: Of how many rows each split was drawn, where that is known.
        columns: The column that each input was read from, of tables of text.
    """

    splits: DatasetDict
    problems: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    available: Mapping[str, int] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def features(self) -> Features:
        """Features of the rows."""
        return self.splits["train"].features

    def test_groups(self) -> list[str]:
        """What the bootstrap resamples, one name a test example."""
        test = self.splits["test"]
        return bootstrap_groups(test["id"][:], test["group"][:], set(self.splits["train"]["group"][:]))

    def counts(self) -> Counts:
        """What each split has of rows, groups and classes."""
        rows = {split: len(each) for split, each in self.splits.items()}
        groups = {split: set(each["group"][:]) for split, each in self.splits.items()}
        feature = self.features.get("label")
        classes: Counter[str] = Counter()
        if isinstance(feature, ClassLabel):
            for part in self.splits.values():
                classes.update(feature.names[i] for i in part["label"][:])
        each = {split: len(names) for split, names in groups.items()}
        every, shared = len(set().union(*groups.values())), len(groups["train"] & groups.get("test", set()))
        return Counts(rows, self.available, classes, each, every, shared)


@dataclass(frozen=True)
class Counts:
    """How much data there are.

    Attributes:
        rows: Rows of each split.
        available: Of how many rows they were drawn, where that is known.
        classes: Rows of each class in all splits together; empty where there are no classes.
        groups: Speakers, documents, scenes... of each split: what is independent.
        all_groups: Of all splits together.
        shared_groups: Of the test, those that training has as well.
    """

    rows: Mapping[str, int]
    available: Mapping[str, int]
    classes: Mapping[str, int]
    groups: Mapping[str, int]
    all_groups: int
    shared_groups: int

    def __str__(self) -> str:
        """One line: ``train 800 of 8,803, validation 200, test 1,000 rows; 2 classes (cat 1,200, dog 800)...``."""
        parts = [", ".join(map(self._split, self.rows)) + " rows"]
        if self.classes:
            ranked = sorted(self.classes.items(), key=lambda item: (-item[1], item[0]))
            if ranked[0][1] == ranked[-1][1]:
                shown = f"{ranked[0][1]:,} rows each"
            elif len(ranked) > MAXIMUM_CLASSES_SHOWN:
                shown = f"smallest {_class(*ranked[-1])}, largest {_class(*ranked[0])}"
            else:
                shown = ", ".join(_class(*item) for item in ranked)
            parts.append(f"{len(ranked)} {'class' if len(ranked) == 1 else 'classes'} ({shown})")
        if any(count < self.rows[split] for split, count in self.groups.items()):
            each = ", ".join(f"{split} {count:,}" for split, count in self.groups.items())
            also = f", of which {self.shared_groups:,} in train as well" if self.shared_groups else ""
            parts.append(f"{self.all_groups:,} {'group' if self.all_groups == 1 else 'groups'} ({each}{also})")
        return "; ".join(parts)

    def _split(self, split: str) -> str:
        count, whole = self.rows[split], self.available.get(split, 0)
        return f"{split} {count:,}" + (f" of {whole:,}" if whole > count else "")


MAXIMUM_CLASSES_SHOWN = 6
PART = 256
"""Rows of a part of a table: one Arrow array of bytes holds at most 2 GiB."""


def _class(name: str, count: int) -> str:
    return f"{name!r} {count:,}" if name.isdecimal() else f"{name} {count:,}"


def table(features: Features, columns: Mapping[str, Sequence[Any]]) -> Dataset:
    """Build a data set from columns in their storage form (``from_dict`` would ask for a decoder)."""
    return Dataset(pa.table(dict(columns), schema=features.arrow_schema))


@dataclass(frozen=True)
class Target:
    """What is right for one example.

    Attributes:
        columns: Its columns in their storage form.
        remarks: How often something had to be put right on the way, by what it was.
    """

    columns: Mapping[str, Any]
    remarks: Mapping[str, int] = field(default_factory=dict)


class Targets(Protocol):
    """What is right for each example of a listing."""

    @property
    def features(self) -> Features:
        """Features of the columns."""

    def of(self, index: int, value: Any) -> Target:
        """The target of one example.

        Args:
            index: Its place in the listing.
            value: Its input as it is stored, with its bytes.

        Raises:
            InputError: The example cannot be used; says why, in one line that does not name it.
        """


@dataclass
class Listing:
    """Examples before they are drawn: where they are, not what they hold.

    Attributes:
        kind: Kind of the input.
        inputs: One storage value an example, such as ``{"bytes": None, "path": "a.wav"}``.
        labels: Class name of each example; where an example has no class, what the draw is to be stratified by.
        names: What to call each example.
        groups: Group of each example, where known.
        splits: Split of each example, where the source has them.
        notices: What was guessed.
        problems: One line for each example that is not listed, since a part of it is missing.
        targets: What is right, where that is no class.
        identity: What, beside its input, makes each example what it is, such as the passage of a question.
        files: Files that decide the rows, of a person's own data.
        columns: The column that each input is read from, of tables of text.
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
        available: Of how many examples each split was drawn, where that is known.
        root: Folder of a person's own files: rows refer to them by their path from there on. Without, rows hold what
            the files hold.

    Returns:
        The data; unreadable examples are left out and named.

    Raises:
        InputError: Nothing can be learnt or tested with the examples that can be used.
    """
    targets = listing.targets or Labels(listing.labels)
    own = {"group": Value("string"), "id": Value("string")}
    features = Features({listing.kind: storage(listing.kind), **targets.features, **own})
    problems = list(listing.problems)
    rows: dict[str, list[dict[str, Any]]] = {}
    labels: dict[str, list[str]] = {}
    remarks: Counter[str] = Counter()
    for split in SPLITS:
        rows[split], labels[split] = [], []
        for index in map(int, chosen[split]):
            name = listing.names[index]
            value, reason = read(listing.inputs[index])
            try:
                target = targets.of(index, value) if reason is None else Target({})
            except InputError as error:
                reason = str(error)
            if reason is None:
                remarks.update(target.remarks)
                group = listing.groups[index] if listing.groups else name
                stored = value if root is None else _reference(listing.inputs[index], value, root)
                rows[split].append({listing.kind: stored, **target.columns, "group": group, "id": name})
                labels[split].append(listing.labels[index])
            else:
                problems.append(f"{name}: {reason.removeprefix(f'{Path(name).name}: ')}")
    lost = [f"{len(problems):,} rows cannot be used, such as {problems[-1]}"] if problems else []
    is_classed = listing.targets is None
    check_sides(labels, is_classed, lost)
    notices = listing.notices + [f"{what}: {count}" for what, count in sorted(remarks.items())]
    if is_classed:
        notices += _never_taught(labels)
    splits = {split: _in_parts(features, rows[split]) for split in SPLITS}
    return Prepared(DatasetDict(splits), tuple(problems), tuple(notices), available or {}, listing.columns)


def _reference(given: Any, whole: Any, root: Path) -> Any:
    """What a row holds of an input: the path of its file from ``root`` on, else, without a file of its own, all of it.

    A file whose name Arrow cannot keep, which takes UTF-8, is held with its bytes.
    """
    if not isinstance(given, Mapping) or given["bytes"] is not None:
        return whole
    path = os.path.relpath(given["path"], root)
    return {"bytes": None, "path": path} if is_utf8(path) else whole


def _never_taught(labels: Mapping[str, Sequence[str]]) -> list[str]:
    """Say which classes no training example has: nobody can learn them, and the accuracy counts them as wrong."""
    seen = {split: Counter(labels[split]) for split in SPLITS}
    absent = sorted((seen["validation"] | seen["test"]).keys() - seen["train"].keys())
    told = [
        f"class {name!r} has {seen['validation'][name]} validation, {seen['test'][name]} test and no training example"
        for name in absent[:MAXIMUM_CLASSES_SHOWN]
    ]
    more = len(absent) - len(told)
    return told + ([f"classes without a training example: {more} more"] if more else [])


def _in_parts(features: Features, rows: Sequence[Mapping[str, Any]]) -> Dataset:
    """Rows as a data set, in parts."""
    schema = features.arrow_schema
    parts = [pa.Table.from_pylist(list(rows[i : i + PART]), schema=schema) for i in range(0, len(rows), PART)]
    return Dataset(pa.concat_tables(parts) if parts else schema.empty_table())
