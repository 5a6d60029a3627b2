"""Data sets of the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from datasets import ClassLabel, Features, Image
from numpy.typing import NDArray

from tlzoo import blobs
from tlzoo.blobs.places import PlaceError
from tlzoo.data.dataset import Listing, classes_of
from tlzoo.data.files.boxes import FACE, Objects, rarest
from tlzoo.data.files.folder import GROUP_COLUMNS, LABEL_COLUMNS
from tlzoo.data.files.split_names import split_of
from tlzoo.data.files.text_files.delimited import column_named
from tlzoo.data.files.transcripts import TEXT_COLUMNS, Transcripts
from tlzoo.data.protocol import SPLITS
from tlzoo.data.schemas import storage
from tlzoo.errors import InputError, UnavailableError
from tlzoo.files import cached
from tlzoo.hub import client, hub_error
from tlzoo.vocabulary import Annotation, TaskFacts, task_facts

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

CATEGORIES = (*LABEL_COLUMNS, "label_id", "category_id")
"""What the class of an object may be called."""


def revision(repo: str, wanted: str | None = None) -> str:
    """The commit that a data set's revision stands for; a request of seconds, no download.

    Raises:
        UnavailableError: The Hub does not answer, or has no such data set.
    """
    try:
        info = client().dataset_info(repo, revision=wanted, timeout=5)
    except Exception as error:
        failure = hub_error(error, f"hub:{repo}{f'@{wanted}' if wanted else ''}")
        if failure is None:
            raise
        raise UnavailableError(str(failure)) from None
    return str(info.sha)


def listing(
    repo: str,
    commit: str,
    task: str,
    *,
    config: str | None = None,
    label: str | None = None,
    group: str | None = None,
    train: str | None = None,
    test: str | None = None,
    archive: str | None = None,
) -> Listing:
    """Download a data set and list its examples.

    Args:
        repo: Repository id.
        commit: Revision.
        task: What it is for.
        config: Configuration, where the data set has several.
        label: Column of the targets; guessed by default.
        group: Group column; guessed by default.
        train: Pattern of the Parquet files to train on, of a data set that is too large to download whole.
        test: The same for the test.
        archive: A tar file in the repository, which holds class folders, and is the only file that is read.

    Raises:
        InputError: No column fits, or ``datasets`` cannot read it, such as where it has several configurations.
        UnavailableError: The archive is not available.
    """
    from datasets import load_dataset
    from datasets.exceptions import DatasetsError

    if archive is not None:
        from tlzoo.data.files import readers

        return readers.listing(_unpacked(repo, commit, archive), task)
    some = {name: pattern for name, pattern in (("train", train), ("test", test)) if pattern}
    try:
        loaded = load_dataset(repo, config, revision=commit, data_files=some or None)
    except (DatasetsError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        if "Config name is missing" in reason:
            reason = f"has several configurations, {reason[reason.find('[') : reason.find(']') + 1]}"
            raise InputError(f"hub:{repo}: {reason}; name one: hub:{repo}:CONFIG") from None
        raise InputError(f"hub:{repo}: datasets cannot read it: {reason[:300]}") from None
    return listed(loaded, f"hub:{repo}", task, label=label, group=group)


def _unpacked(repo: str, commit: str, archive: str) -> Path:
    """The folder that a tar file of a repository holds, unpacked once; where it holds but one folder, that one."""
    from tlzoo.blobs.archives import unpack as unpack_tar
    from tlzoo.blobs.hub import from_hub

    target = blobs.cache_dir() / "archives" / f"{repo.replace('/', '--')}-{commit}"

    def unpack(folder: Path) -> None:
        try:
            unpack_tar(from_hub(f"hub:datasets/{repo}@{commit}/{archive}"), folder)
        except PlaceError as error:
            raise UnavailableError(f"hub:{repo}: {archive}: {error}") from None

    cached(target, unpack, f"{archive} of hub:{repo}, unpacked")
    inside = list(target.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else target


def listed(
    loaded: DatasetDict,
    where: str,
    task: str,
    *,
    label: str | None = None,
    group: str | None = None,
) -> Listing:
    """List the examples of a loaded data set.

    Args:
        loaded: Its splits.
        where: What errors and notices call it.
        task: The task. If its record names a reader of tables, each split is read like a table of a person's own.
            Otherwise the first column of the task's kind of input is read, and a column with the record's kind of
            annotation: classes, transcripts, objects or masks (:data:`COLUMNS`).
        label: Column of the targets; guessed by default.
        group: Group column; guessed by default.

    Raises:
        InputError: No column fits.
    """
    from datasets import Audio, Value, Video

    facts = task_facts(task)
    if facts.table_reader:
        return _of_tables(loaded, where, facts, label=label, group=group)
    column = COLUMNS.get(facts.annotation) if facts.annotation else None
    if column is None:
        raise InputError(f"{where}: {task} is not read from the Hub in this version; --data PATH takes own files")
    features: Features = next(iter(loaded.values())).features
    kind = facts.domain
    wanted = {"audio": Audio, "image": Image, "video": Video}.get(kind, Value)
    source = next((name for name, f in features.items() if isinstance(f, wanted)), None)
    label = label or column.guess({name: f for name, f in features.items() if name != source})
    if source is None or label is None or label not in features:
        missing = f"{kind} column" if source is None else f"{column.name} column"
        raise InputError(f"{where}: no {missing}; columns: {', '.join(features)}")
    if group is not None and group not in features:
        raise InputError(f"{where}: no column {group!r} to group by; columns: {', '.join(features)}")
    group = group or column_named(features, GROUP_COLUMNS)
    examples = Listing(kind, [], [], [], [] if group else None, [] if len(loaded) > 1 else None)
    examples.notices.append(f"{where}: {kind} from column {source!r}, {column.name} from column {label!r}")
    targets: list[Any] = []
    for split, rows in loaded.items():
        if isinstance(features[label], ClassLabel):
            rows = _labelled(rows, label, f"{where}: {{}} rows of {split!r} have no label", examples.notices)
        rows = rows.cast_column(source, storage(kind))
        rows = rows.cast_column(label, storage("image")) if isinstance(features[label], Image) else rows
        examples.inputs += rows[source][:]
        targets += rows[label][:]
        examples.names += [f"{split}/{i}" for i in range(len(rows))]
        if examples.groups is not None:
            examples.groups += [str(v) for v in rows[group]]
        if examples.splits is not None:
            examples.splits += [split_of(str(split)) or str(split)] * len(rows)
    column.attach(examples, targets, features[label], f"{where}, column {label!r}")
    return examples


@dataclass(frozen=True)
class Column:
    """How a column of targets is read.

    Attributes:
        name: What it is called.
        guess: The column among some features; None where none is of this form.
        attach: Makes its values the labels or the targets of a listing; takes the values, their feature, and what
            errors call it.
    """

    name: str
    guess: Callable[[Mapping[str, object]], str | None]
    attach: Callable[[Listing, Sequence[Any], object, str], None]


def _classes(features: Mapping[str, object]) -> str | None:
    return column_named(features, LABEL_COLUMNS)


def _strings(features: Mapping[str, object]) -> str | None:
    names = [name for name, f in features.items() if getattr(f, "dtype", "") in ("string", "large_string")]
    return column_named(names, TEXT_COLUMNS)


def _objects(features: Mapping[str, object]) -> str | None:
    return next((name for name, f in features.items() if "bbox" in _members(f)), None)


def _images(features: Mapping[str, object]) -> str | None:
    return next((name for name, f in features.items() if isinstance(f, Image)), None)


def _attach_classes(examples: Listing, targets: Sequence[Any], feature: object, where: str) -> None:
    names = feature.names if isinstance(feature, ClassLabel) else None
    examples.labels = [names[v] if names else str(v) for v in targets]


def _attach_transcripts(examples: Listing, targets: Sequence[Any], feature: object, where: str) -> None:
    examples.targets, examples.labels = Transcripts(targets), [""] * len(targets)


def _attach_masks(examples: Listing, targets: Sequence[Any], feature: object, where: str) -> None:
    from tlzoo.data.files.mask_folder import attach

    attach(examples, targets, None, where)


def _of_tables(loaded: DatasetDict, where: str, facts: TaskFacts, **given: str | None) -> Listing:
    """List the texts of a data set as those of a person's own tables, one table a split."""
    from tlzoo.data.files import tables
    from tlzoo.data.files.readers import named
    from tlzoo.data.files.tables import formats

    assert facts.table_reader
    is_classed = facts.annotation == "class"
    if given["group"] and not is_classed:
        raise InputError(f"{where}: its rows are grouped by the texts they share, not by a column {given['group']!r}")
    notices: list[str] = []
    parts = []
    for split, rows in loaded.items():
        label = given["label"] or column_named(rows.features, LABEL_COLUMNS)
        if is_classed and label is not None and label in rows.features:
            rows = _labelled(rows, label, f"{where}: {{}} rows of {split!r} have no label", notices)
        columns = rows.to_dict()
        for name, feature in rows.features.items():
            inner = getattr(feature, "feature", None)
            if isinstance(feature, ClassLabel):
                columns[name] = formats.class_names(columns[name], feature.names)
            elif isinstance(inner, ClassLabel):
                columns[name] = [formats.class_names(values or [], inner.names) for values in columns[name]]
        ids = [f"{split}/{i}" for i in range(len(rows))] if is_classed else None
        called = split_of(str(split)) or str(split)
        parts.append(tables.Table(Path(where, str(split)), columns, called, ids))
    for name in [name for name in given.values() if name and not any(name in part.columns for part in parts)]:
        raise InputError(f"{where}: no column {name!r}; columns: {', '.join(parts[0].columns)}")
    if len(parts) > 1:
        used = [part for part in parts if part.split in SPLITS]
        if other := ", ".join(part.path.name for part in parts if part not in used):
            notices.append(f"{where}: left out, since they are no splits to train or to test on: {other}")
        parts = used
    parts = [part for part in tables.in_order(parts) if len(part)]
    if not parts:
        raise InputError(f"{where}: no rows to train or to test on; its splits: {', '.join(map(str, loaded))}")
    texts: Listing = named(facts.table_reader)(parts, where, **(given if is_classed else {}))
    texts.notices = [*notices, *texts.notices]
    return texts


def _labelled(rows: Dataset, label: str, lacking: str, notices: list[str]) -> Dataset:
    """The rows that have a label: tests of competitions keep theirs to themselves."""
    secret = (None, -1) if isinstance(rows.features[label], ClassLabel) else (None,)
    known = [i for i, value in enumerate(rows[label]) if value not in secret]
    if len(known) == len(rows):
        return rows
    notices.append(lacking.format(len(rows) - len(known)))
    return rows.select(known)


def _members(feature: object) -> Mapping[str, object]:
    """Features of what a column of objects has of each: lists beside each other, or a list of all."""
    if isinstance(feature, Mapping):
        return {name: getattr(f, "feature", None) for name, f in feature.items()}
    inner = getattr(feature, "feature", None)
    return inner if isinstance(inner, Mapping) else {}


def _attach_objects(examples: Listing, objects: Sequence[Any], feature: object, where: str) -> None:
    members = _members(feature)
    category = next((c for c in CATEGORIES if c in members), None)
    if category is None:
        raise InputError(f"{where}: its objects have no category; they have: {', '.join(members)}")
    _attach(examples, *_boxes(objects, members, category))


def _attach_faces(examples: Listing, objects: Sequence[Any], feature: object, where: str) -> None:
    members = _members(feature)
    names, boxes, named = _boxes(objects, members, next((c for c in CATEGORIES if c in members), None))
    if FACE not in names:
        if len(names) > 1:
            raise InputError(f"{where}: faces need a category {FACE!r}; its own: {', '.join(names)}")
        names, named = [FACE], [[FACE] * len(each) for each in named]
    _attach(examples, names, boxes, named)


def _boxes(
    objects: Sequence[Any], members: Mapping[str, object], category: str | None
) -> tuple[list[str], list[NDArray[np.float64]], list[list[str]]]:
    """Class names, the boxes of each example, and the class of each box; without a category all are faces."""
    classes = members[category] if category else None
    known: list[str] | None = classes.names if isinstance(classes, ClassLabel) else None
    boxes, named = [], []
    for each in objects:
        one = each if isinstance(each, Mapping) else {m: [o[m] for o in each] for m in members}
        boxes.append(np.array(one["bbox"], dtype=np.float64).reshape(-1, 4))
        values: Sequence[Any] = one[category] if category else [FACE] * len(one["bbox"])
        named.append([known[v] if known else str(v) for v in values])
    return known or classes_of(name for each in named for name in each), boxes, named


def _attach(
    examples: Listing, names: list[str], boxes: list[NDArray[np.float64]], named: Sequence[Sequence[str]]
) -> None:
    place = {name: i for i, name in enumerate(names)}
    examples.labels = rarest(named)
    examples.targets = Objects(names, boxes, [[place[name] for name in each] for each in named], [None] * len(boxes))


COLUMNS: Mapping[Annotation, Column] = {
    "class": Column("label", _classes, _attach_classes),
    "transcript": Column("label", _strings, _attach_transcripts),
    "boxes": Column("objects", _objects, _attach_objects),
    "faces": Column("objects", _objects, _attach_faces),
    "mask": Column("mask", _images, _attach_masks),
}
"""By how a task's data are annotated."""
