"""Texts of a data set of the Hub, read as those of a person's own tables, one table a split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import ClassLabel, Dataset

from tlzoo.data.dataset import Listing
from tlzoo.data.files import named, tables
from tlzoo.data.files.hub.choice import MAX_BYTES
from tlzoo.data.files.hub.columns import class_column, lacks_class, without_files
from tlzoo.data.files.hub.rows import Rows
from tlzoo.data.files.split_names import split_of
from tlzoo.data.files.tables import formats
from tlzoo.data.files.tables.table import Table
from tlzoo.data.protocol import SPLITS
from tlzoo.errors import InputError
from tlzoo.vocabulary import TaskFacts


def listed(rows: Rows, where: str, facts: TaskFacts, options: Mapping[str, str], **given: str | None) -> Listing:
    """List the texts of a data set; splits that are neither to train nor to test on are left out.

    Args:
        rows: Its columns.
        where: What errors and notices call it.
        facts: The task, whose record names a reader of tables.
        options: Arguments of that reader.
        given: Columns that are already known: ``label`` or ``group``.

    Raises:
        InputError: No column fits.
    """
    assert facts.table_reader
    is_classed = facts.annotation == "class"
    if given["group"] and not is_classed:
        raise InputError(f"{where}: its rows are grouped by the texts they share, not by a column {given['group']!r}")
    for name in [name for name in given.values() if name and name not in rows.features]:
        raise InputError(f"{where}: no column {name!r}; columns: {', '.join(rows.features)}")
    notices: list[str] = []
    splits = list(rows.sizes)
    if len(splits) > 1:
        used = [split for split in splits if split_of(split) in SPLITS]
        if other := ", ".join(split for split in splits if split not in used):
            notices.append(f"{where}: left out, since they are no splits to train or to test on: {other}")
        splits = used
    label = given["label"] or class_column(rows.features)
    parts = []
    for split in splits:
        part, places = _read(rows, split, where, notices)
        lacking = lacks_class(part[label][:], part.features[label]) if is_classed and label in part.features else []
        if any(lacking):
            notices.append(f"{where}: {sum(lacking)} rows of {split!r} have no label")
            good = [i for i, is_lacking in enumerate(lacking) if not is_lacking]
            part, places = part.select(good), [places[i] for i in good]
        ids = [f"{split}/{i}" for i in places] if is_classed else None
        parts.append(Table(Path(where, split), _values(part), split_of(split) or split, ids))
    parts = [part for part in tables.in_order(parts) if len(part)]
    if not parts:
        raise InputError(f"{where}: no rows to train or to test on; its splits: {', '.join(rows.sizes)}")
    texts: Listing = named(facts.table_reader)(parts, where, **(given if is_classed else {}), **options)
    texts.notices = [*notices, *texts.notices]
    return texts


def _read(rows: Rows, split: str, where: str, notices: list[str]) -> tuple[Dataset, Sequence[int]]:
    """A split without its files, and the place of each row; of a huge one row groups at random, with a notice."""
    columns = without_files(rows.features)
    blocks = rows.blocks(split, columns)
    total = sum(block.bytes for block in blocks)
    if total <= MAX_BYTES:
        return rows.read(split, columns), range(rows.sizes[split])
    places: list[int] = []
    size = 0
    for place in np.random.default_rng(0).permutation(len(blocks)):
        size += blocks[place].bytes
        if size > MAX_BYTES and places:
            break
        places += blocks[place].rows
    places.sort()
    notices.append(
        f"{where}: of {rows.sizes[split]:,} rows of {split!r} {len(places):,} are read, whole row groups at random"
    )
    return rows.take(split, columns, places), places


def _values(part: Dataset) -> dict[str, list[Any]]:
    """Columns as those of a table: classes by their names."""
    columns: dict[str, list[Any]] = part.to_dict()
    for name, feature in part.features.items():
        inner = getattr(feature, "feature", None)
        if isinstance(feature, ClassLabel):
            columns[name] = list(formats.class_names(columns[name], feature.names))
        elif isinstance(inner, ClassLabel):
            columns[name] = [formats.class_names(values or [], inner.names) for values in columns[name]]
    return columns
