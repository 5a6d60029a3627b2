"""Pictures, sounds and videos of a data set of the Hub, with the targets beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tlzoo.data.dataset import Listing
from tlzoo.data.files.hub.choice import ALL, choose
from tlzoo.data.files.hub.columns import Column, source_of
from tlzoo.data.files.hub.rows import Rows
from tlzoo.data.files.names import GROUP_COLUMNS
from tlzoo.data.files.split_names import split_of
from tlzoo.data.files.text_files.delimited import column_named
from tlzoo.data.protocol import Limits
from tlzoo.data.schemas import storage
from tlzoo.errors import InputError

Origin = Sequence[tuple[str, int]]
"""The split of the source of each example, and its place there."""


def listed(
    rows: Rows,
    where: str,
    kind: str,
    column: Column,
    *,
    label: str | None,
    group: str | None,
    limits: Limits,
    is_own: bool,
) -> Listing:
    """List examples: targets and groups of all rows are read, and of those that are chosen the files.

    Args:
        rows: The columns of the data set.
        where: What errors and notices call it.
        kind: Kind of the input.
        column: How targets are read.
        label: Column of the targets; guessed by default.
        group: Group column; guessed by default.
        limits: Maximum number of examples of each split.
        is_own: Whether it is no named data set (``tlzoo.data.repeats.drawn``).

    Raises:
        InputError: No column fits.
    """
    features = rows.features
    source = source_of(features, kind)
    label = label or column.guess({name: f for name, f in features.items() if name != source})
    if source is None or label is None or label not in features:
        missing = f"{kind} column" if source is None else f"{column.name} column"
        raise InputError(f"{where}: no {missing}; columns: {', '.join(features)}")
    if group is not None and group not in features:
        raise InputError(f"{where}: no column {group!r} to group by; columns: {', '.join(features)}")
    group = group or column_named(features, GROUP_COLUMNS)
    examples = Listing(kind, [], [], [], [] if group else None)
    examples.notices.append(f"{where}: {kind} from column {source!r}, {column.name} from column {label!r}")
    targets: list[Any] = []
    origin: list[tuple[str, int]] = []
    for split, size in rows.sizes.items():
        places = list(range(size))
        if column.strata is not None:
            values = _values(rows, split, label)
            lacking = column.lacks(values, features[label])
            places = [i for i in places if not lacking[i]]
            targets += [values[i] for i in places]
        if lost := size - len(places):
            examples.notices.append(f"{where}: {lost} rows of {split!r} have no label")
        if examples.groups is not None and group is not None:
            groups = _values(rows, split, group)
            examples.groups += [str(groups[i]) for i in places]
        origin += [(split, i) for i in places]
    examples.names = [f"{split}/{place}" for split, place in origin]
    examples.splits = [split_of(split) or split for split, _ in origin] if len(rows.sizes) > 1 else None
    examples.labels = column.strata(targets, features[label]) if column.strata else [""] * len(origin)
    files = [source] if column.strata else [source, label]
    if limits != ALL:
        choice = choose(
            examples,
            origin,
            {split: rows.blocks(split, files) for split in rows.sizes},
            limits,
            is_own,
            column.is_class,
        )
        chosen = list(choice.splits)
        origin = [origin[i] for i in chosen]
        targets = [targets[i] for i in chosen] if column.strata else []
        examples.names = [examples.names[i] for i in chosen]
        examples.groups = examples.groups and [examples.groups[i] for i in chosen]
        examples.splits, examples.available = list(choice.splits.values()), choice.available
        examples.notices += choice.notices
    read = _files(rows, origin, {source: kind, **({} if column.strata else {label: "image"})})
    examples.inputs = read[source]
    column.attach(examples, targets if column.strata else read[label], features[label], f"{where}, column {label!r}")
    return examples


def _values(rows: Rows, split: str, column: str) -> list[Any]:
    values: list[Any] = rows.read(split, [column])[column][:]
    return values


def _files(rows: Rows, origin: Origin, kinds: dict[str, str]) -> dict[str, list[Any]]:
    """Files of some rows as they are stored, by column."""
    files: dict[str, list[Any]] = {column: [None] * len(origin) for column in kinds}
    for split in rows.sizes:
        own = [i for i, (name, _) in enumerate(origin) if name == split]
        if not own:
            continue
        part = rows.take(split, list(kinds), [origin[i][1] for i in own])
        for column, kind in kinds.items():
            stored = part.cast_column(column, storage(kind))[column][:]
            for i, value in zip(own, stored, strict=True):
                files[column][i] = value
    return files
