"""What is wrong with a person's data: everything that can be seen without training a network on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from tlzoo.check import views
from tlzoo.data.catalogue import find, load
from tlzoo.data.dataset import Labels
from tlzoo.data.files import readers
from tlzoo.data.problems import parted
from tlzoo.data.protocol import Limits
from tlzoo.data.suspects import KINDS, Suspect
from tlzoo.data.suspects.classes import sizes
from tlzoo.data.suspects.copies import copies
from tlzoo.data.suspects.group_leaks import group_leaks
from tlzoo.data.suspects.mislabelled import Array, accuracy, out_of_fold, reduced, suspected
from tlzoo.data.suspects.shortcuts import all_facts, shortcuts
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from tlzoo.data.dataset import Listing
    from tlzoo.data.media.stored import Stored

ALL = Limits(train=None, validation=None, test=None)
MIN_OF_CLASS = 5
"""Examples of each class below which labels are not judged."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Scores:
    """Accuracy of a classifier on frozen vectors, cross-fitted: on all examples, and without the suspicious ones.

    Attributes:
        view: The vectors.
        plain: On all examples, as they are labelled.
        clean: Without those of which the label is suspected, neither to fit nor to judge.
    """

    view: str
    plain: float
    clean: float


@dataclass(frozen=True)
class Report:
    """What was looked at, and what may be wrong.

    Attributes:
        read: What was read, in a line.
        suspects: The worst kinds first.
        inputs: The stored input of each example, by name.
        kind: Kind of the inputs.
        labels: Class of each example, by name; empty without classes.
        scores: Of the best view; absent without classes, or with too few examples.
        skipped: What could not be looked at, and why.
    """

    read: str
    suspects: tuple[Suspect, ...]
    inputs: Mapping[str, str | Stored]
    kind: str
    labels: Mapping[str, str]
    scores: Scores | None = None
    skipped: tuple[str, ...] = field(default=())


def check(
    task: str,
    path: Path,
    given: Mapping[str, str] = MappingProxyType({}),
    device: str = "cpu",
    say: Say = lambda line: None,
) -> Report:
    """Look at a person's data.

    Args:
        task: The task.
        path: The data.
        given: Columns of own data, as of :func:`tlzoo.data.catalogue.find`.
        device: Where the vectors of backbones are computed.
        say: Takes a line for each step.

    Raises:
        InputError: The data cannot be read at all.
    """
    place = readers.opened(path)
    listing = readers.listing(place, task, given)
    say(f"{len(listing.inputs):,} examples; looking for copies, groups and shortcuts")
    suspects = [*copies(listing), *group_leaks(listing)]
    skipped: list[str] = []
    read, scores = f"{len(listing.inputs):,} examples", None
    try:
        source = find(task, str(path), ALL, given=given)
        data = load(source)
    except InputError as error:
        skipped.append(f"nothing can be trained on these data: {error}")
        suspects += [_unreadable(line) for line in listing.problems]
    else:
        counts = data.counts()
        read = str(counts)
        suspects += [*map(_unreadable, data.problems), *sizes(counts.classes)]
        if counts.classes:
            suspects += _shortcuts(listing)
            more, scores = _labels(views.Data.of(source, data), device, skipped, say)
            suspects += more
    order = {kind: place for place, kind in enumerate(KINDS)}
    suspects.sort(key=lambda each: (order[each.kind], -(each.score or 0)))
    labels = {} if listing.targets else dict(zip(listing.names, listing.labels, strict=True))
    inputs = dict(zip(listing.names, listing.inputs, strict=True))
    return Report(read, tuple(suspects), inputs, listing.kind, labels, scores, tuple(skipped))


def _unreadable(line: str) -> Suspect:
    name, reason = parted(line)
    return Suspect("unreadable", reason, name)


def _shortcuts(listing: Listing) -> Iterator[Suspect]:
    labels = Labels(listing.labels)
    facts = all_facts(listing.kind, listing.inputs, listing.names, listing.labels)
    yield from shortcuts(facts, labels.classes, listing.groups or listing.names, labels.names)


def _labels(data: views.Data, device: str, skipped: list[str], say: Say) -> tuple[list[Suspect], Scores | None]:
    """Labels that are suspected, and what a classifier reaches with and without them."""
    classes = np.asarray(data.labels)
    if (smallest := int(np.bincount(classes).min())) < MIN_OF_CLASS:
        skipped.append(f"labels are not judged: a class has {smallest} examples, of {MIN_OF_CLASS} that it takes")
        return [], None
    vectors: dict[str, Array] = {}
    for view in views.views(data, device, skipped):
        say(f"looking at labels as {view.name} sees them")
        vectors[view.name] = reduced(view.vectors)
    probabilities = {name: out_of_fold(each, classes, data.groups) for name, each in vectors.items()}
    doubted = suspected(probabilities, classes)
    suspects = [
        Suspect(
            "odd label",
            f"labelled {data.names[classes[i]]}, looks like {data.names[rather]}",
            data.ids[i],
            data.names[rather],
            score,
        )
        for i, (rather, score) in doubted.items()
    ]
    best = max(probabilities, key=lambda name: accuracy(probabilities[name], classes))
    plain = clean = accuracy(probabilities[best], classes)
    others = np.array([i for i in range(len(classes)) if i not in doubted])
    if doubted and np.bincount(classes[others], minlength=len(data.names)).min() >= MIN_OF_CLASS:
        again = out_of_fold(vectors[best][others], classes[others], [data.groups[i] for i in others])
        clean = accuracy(again, classes[others])
    return suspects, Scores(best, plain, clean)
