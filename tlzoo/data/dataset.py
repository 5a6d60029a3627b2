"""A prepared data set: three splits in a task's features, and what was noticed on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from datasets import Audio, ClassLabel, Dataset, DatasetDict, Features, Image, Value

from tlzoo.data.protocol import SPLITS, bootstrap_groups, without_repeats


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
    return {"audio": Audio(decode=False), "image": Image(decode=False)}.get(kind, Value("string"))


def table(features: Features, columns: Mapping[str, Sequence[Any]]) -> Dataset:
    """Build a data set from columns in their storage form (``from_dict`` would ask for a decoder)."""
    return Dataset(pa.table(dict(columns), schema=features.arrow_schema))


@dataclass
class Listing:
    """Examples before they are drawn: where they are, not what they hold.

    Attributes:
        kind: Kind of the input.
        inputs: One storage value an example, such as ``{"bytes": None, "path": "a.wav"}``.
        labels: Class name of each example.
        names: What to call each example.
        groups: Group of each example, where known.
        splits: Split of each example, where the source has them.
        notices: What was guessed.
    """

    kind: str
    inputs: list[Any]
    labels: list[str]
    names: list[str]
    groups: list[str] | None = None
    splits: list[str] | None = None
    notices: list[str] = field(default_factory=list)


def classes_of(labels: Iterable[str]) -> list[str]:
    """Class names in a stable order: by number where all are numbers, else by name."""
    names = set(labels)
    return sorted(names, key=int) if all(n.isdecimal() for n in names) else sorted(names)


def content_key(value: Any) -> str:
    """Hash of an input's content."""
    data = value["bytes"] if isinstance(value, Mapping) else str(value).encode()
    return hashlib.sha256(data).hexdigest()


def classification(listing: Listing, chosen: Mapping[str, Iterable[int]], read: Any) -> Prepared:
    """Read the drawn examples of a classification data set.

    Args:
        listing: All examples.
        chosen: Indices of each split.
        read: Takes a storage value, gives ``(value with bytes, reason it cannot be used or None)``.

    Returns:
        The data; unreadable examples are left out and named, and so are training examples that repeat a test example.
    """
    classes = classes_of(listing.labels)
    features = Features(
        {
            listing.kind: storage(listing.kind),
            "label": ClassLabel(names=classes),
            "group": Value("string"),
            "id": Value("string"),
        }
    )
    problems: list[str] = []
    rows: dict[str, list[tuple[Any, int]]] = {}
    for split in SPLITS:
        rows[split] = []
        for index in chosen[split]:
            value, reason = read(listing.inputs[int(index)])
            if reason is None:
                rows[split].append((value, int(index)))
            else:
                problems.append(f"{listing.names[int(index)]}: {reason}")
    kept = without_repeats({split: [content_key(value) for value, _ in rows[split]] for split in SPLITS})
    dropped = sum(len(rows[s]) - len(kept[s]) for s in SPLITS)
    notices = list(listing.notices)
    if dropped:
        notices.append(f"{dropped} training or validation examples repeat a later split's content and were left out")
    place = {name: i for i, name in enumerate(classes)}
    splits = {}
    for split in SPLITS:
        pairs = [rows[split][i] for i in kept[split]]
        splits[split] = table(
            features,
            {
                listing.kind: [value for value, _ in pairs],
                "label": [place[listing.labels[i]] for _, i in pairs],
                "group": [listing.groups[i] if listing.groups else listing.names[i] for _, i in pairs],
                "id": [listing.names[i] for _, i in pairs],
            },
        )
    return Prepared(DatasetDict(splits), tuple(problems), tuple(notices))
