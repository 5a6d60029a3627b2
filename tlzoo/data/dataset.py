"""A prepared data set: three splits in a task's features, and what was noticed on the way."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from datasets import Audio, ClassLabel, Dataset, DatasetDict, Features, Image, Value, Video

from tlzoo.data.protocol import SPLITS, bootstrap_groups, without_repeats
from tlzoo.errors import InputError


@dataclass(frozen=True)
class Prepared:
    """Data that are ready to be run on.

    Attributes:
        splits: ``train``, ``validation`` and ``test``; columns: the input by its kind, targets, ``id``, ``group``.
        problems: One line for each example that could not be read and was left out.
        notices: One line for each thing that a person should know.
    """

    splits: DatasetDict
    problems: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def features(self) -> Features:
        """Features of the rows."""
        return self.splits["train"].features

    def test_groups(self) -> list[str]:
        """What the bootstrap resamples, one name a test example."""
        test = self.splits["test"]
        return bootstrap_groups(test["id"][:], test["group"][:], set(self.splits["train"]["group"][:]))


def storage(kind: str) -> Any:
    """The feature that keeps an input as bytes, undecoded."""
    undecoded = {"audio": Audio(decode=False), "image": Image(decode=False), "video": Video(decode=False)}
    return undecoded.get(kind, Value("string"))


def class_features(kind: str, names: Sequence[str]) -> Features:
    """Features of rows with one class each: the input by its kind, ``label``, ``group`` and ``id``."""
    own = {"group": Value("string"), "id": Value("string")}
    return Features({kind: storage(kind), "label": ClassLabel(names=list(names)), **own})


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
        identity: Columns of the targets that, with the input, make an example what it is.
        files: Files that decide the rows, of a person's own data.
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
    identity: tuple[str, ...] = ()
    files: list[Path] = field(default_factory=list)


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
    return sorted(names, key=int) if all(n.isdecimal() for n in names) else sorted(names)


def content_key(value: Any) -> str:
    """Hash of an input's content."""
    data = value["bytes"] if isinstance(value, Mapping) else str(value).encode()
    return hashlib.sha256(data).hexdigest()


def gather(listing: Listing, chosen: Mapping[str, Iterable[int]], read: Any) -> Prepared:
    """Read the drawn examples.

    Args:
        listing: All examples.
        chosen: Indices of each split.
        read: Takes a storage value, gives ``(value with bytes, reason it cannot be used or None)``.

    Returns:
        The data; unreadable examples are left out and named, and so are training examples that repeat a test example.

    Raises:
        InputError: None of a split's examples can be used.
    """
    targets = listing.targets or Labels(listing.labels)
    own = {"group": Value("string"), "id": Value("string")}
    features = Features({listing.kind: storage(listing.kind), **targets.features, **own})
    problems = list(listing.problems)
    rows: dict[str, list[dict[str, Any]]] = {}
    remarks: Counter[str] = Counter()
    for split in SPLITS:
        rows[split] = []
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
                rows[split].append({listing.kind: value, **target.columns, "group": group, "id": name})
            else:
                problems.append(f"{name}: {reason.removeprefix(f'{Path(name).name}: ')}")
        if not rows[split]:
            raise InputError(f"no example for {split} can be used; {len(problems)} left out, such as: {problems[-1]}")
    content = (listing.kind, *listing.identity)
    keys = {s: ["".join(content_key(row[column]) for column in content) for row in rows[s]] for s in SPLITS}
    kept = without_repeats(keys)
    dropped = sum(len(rows[s]) - len(kept[s]) for s in SPLITS)
    notices = listing.notices + [f"{what}: {count}" for what, count in sorted(remarks.items())]
    if listing.targets is None:
        notices += _never_taught(listing.labels, chosen)
    if dropped:
        notices.append(f"{dropped} training or validation examples repeat a later split's content and were left out")
    splits = {split: _in_parts(features, [rows[split][i] for i in kept[split]]) for split in SPLITS}
    return Prepared(DatasetDict(splits), tuple(problems), tuple(notices))


def _never_taught(labels: Sequence[str], chosen: Mapping[str, Iterable[int]]) -> list[str]:
    """Say which classes are in the test only: nobody can learn them, and the accuracy counts them as wrong."""
    seen = {split: Counter(labels[int(i)] for i in chosen[split]) for split in SPLITS}
    absent = {name: count for name, count in seen["test"].items() if name not in seen["train"]}
    return [f"class {name!r} has {n} test and no training example" for name, n in sorted(absent.items())][:5]


def _in_parts(features: Features, rows: Sequence[Mapping[str, Any]], size: int = 256) -> Dataset:
    """Rows as a data set; in parts, since one Arrow array of bytes holds 2 GiB at most."""
    schema = features.arrow_schema
    parts = [pa.Table.from_pylist(list(rows[i : i + size]), schema=schema) for i in range(0, len(rows), size)]
    return Dataset(pa.concat_tables(parts) if parts else schema.empty_table())
