"""Data sets of the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from datasets import ClassLabel, Image

from tlzoo import blobs
from tlzoo.blobs.places import PlaceError
from tlzoo.data.dataset import Listing, classes_of
from tlzoo.data.files.boxes import Objects, rarest
from tlzoo.data.files.delimited import column_named
from tlzoo.data.files.folder import GROUP_COLUMNS, LABEL_COLUMNS
from tlzoo.data.files.split_names import split_of
from tlzoo.data.files.transcripts import TEXT_COLUMNS, Transcripts
from tlzoo.data.protocol import SPLITS
from tlzoo.data.schemas import storage
from tlzoo.errors import InputError, UnavailableError
from tlzoo.files import kept
from tlzoo.hub import client, hub_error
from tlzoo.vocabulary import task_facts

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict


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
        label: Column of what is right; guessed by default.
        group: Group column; guessed by default.
        train: Pattern of the Parquet files to train on, of a data set that is too large to be downloaded whole.
        test: The same for the test.
        archive: A tar file in the repository, which holds class folders, and is all that is read.

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

    kept(target, unpack, f"{archive} of hub:{repo}, unpacked")
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
        task: What it is for: the first column of its kind of input is taken; besides, a column of classes; for speech
            recognition one of transcripts; for detection one of objects with a ``bbox`` (x, y, width, height) and a
            ``category`` each; for segmentation a second one of images, whose values are classes. Texts are read as a
            person's own tables are: see ``tlzoo.data.files.tables``, ``tlzoo.data.files.pairs`` of pairs,
            ``tlzoo.data.files.replies`` of replies; for question answering the columns of SQuAD.
        label: Column of what is right; guessed by default.
        group: Group column; guessed by default.

    Raises:
        InputError: No column fits.
    """
    from datasets import Audio, Value, Video

    if task in _OF_TEXT:
        return _of_tables(loaded, where, task, label=label, group=group)
    features: dict[str, Any] = next(iter(loaded.values())).features
    kind = next(iter(task_facts(task).inputs))
    wanted = {"audio": Audio, "image": Image, "video": Video}.get(kind, Value)
    source = next((name for name, f in features.items() if isinstance(f, wanted)), None)
    if task in ("language-modeling", "pose-estimation"):
        raise InputError(f"{where}: {task} is not read from the Hub in this version; --data PATH takes own files")
    sought = {"face-detection": "objects", "object-detection": "objects", "image-segmentation": "mask"}.get(task)
    fitting = [name for name, f in features.items() if name != source and _holds(f, sought)]
    usual = TEXT_COLUMNS if task == "speech-recognition" else LABEL_COLUMNS
    label = label or (next(iter(fitting), None) if sought else column_named(_written(features, task), usual))
    if source is None or label is None or label not in features:
        missing = f"{kind} column" if source is None else f"{sought or 'label'} column"
        raise InputError(f"{where}: no {missing}; columns: {', '.join(features)}")
    group = group or column_named(features, GROUP_COLUMNS)
    found = Listing(kind, [], [], [], [] if group else None, [] if len(loaded) > 1 else None)
    found.notices.append(f"{where}: {kind} from column {source!r}, {sought or 'label'} from column {label!r}")
    targets: list[Any] = []
    for split, rows in loaded.items():
        if isinstance(features[label], ClassLabel):
            rows = _labelled(rows, label, f"{where}: {{}} rows of {split!r} have no label", found.notices)
        rows = rows.cast_column(source, storage(kind))
        rows = rows.cast_column(label, storage("image")) if sought == "mask" else rows
        found.inputs += rows[source][:]
        targets += rows[label][:]
        found.names += [f"{split}/{i}" for i in range(len(rows))]
        if found.groups is not None:
            found.groups += [str(v) for v in rows[group]]
        if found.splits is not None:
            found.splits += [split_of(str(split)) or str(split)] * len(rows)
    if sought == "objects":
        _attach_objects(found, targets, features[label], task == "face-detection", where)
    elif sought == "mask":
        from tlzoo.data.files.mask_folder import attach

        attach(found, targets, None, f"{where}, column {label!r}")
    elif task == "speech-recognition":
        found.targets, found.labels = Transcripts(targets), [""] * len(targets)
    else:
        names = features[label].names if isinstance(features[label], ClassLabel) else None
        found.labels = [names[v] if names else str(v) for v in targets]
    return found


_OF_TEXT = ("question-answering", "text-classification", "text-embedding", "text-generation")


def _of_tables(loaded: DatasetDict, where: str, task: str, **given: str | None) -> Listing:
    """List the texts of a data set as those of a person's own tables, one table a split."""
    from tlzoo.data.files import pairs, replies, squad, table_formats, tables

    notices: list[str] = []
    parts = []
    for split, rows in loaded.items():
        label = given["label"] or column_named(rows.features, LABEL_COLUMNS)
        if task == "text-classification" and label is not None and label in rows.features:
            rows = _labelled(rows, label, f"{where}: {{}} rows of {split!r} have no label", notices)
        columns = rows.to_dict()
        for name, feature in rows.features.items():
            if isinstance(feature, ClassLabel):
                columns[name] = table_formats.class_names(columns[name], feature.names)
        ids = [f"{split}/{i}" for i in range(len(rows))] if task == "text-classification" else None
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
    if task == "question-answering":
        texts = squad.of_tables(parts, where)
    elif task == "text-embedding":
        texts = pairs.listed(parts, where)
    elif task == "text-generation":
        texts = replies.listed(parts)
    else:
        texts = tables.listed(parts, where, **given)
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


def _written(features: Mapping[str, Any], task: str) -> list[str]:
    """Columns that what is right may be read from: for transcripts such as hold strings."""
    strings = [name for name, f in features.items() if getattr(f, "dtype", "") in ("string", "large_string")]
    return strings if task == "speech-recognition" else list(features)


def _holds(feature: Any, sought: str | None) -> bool:
    """Whether a column is of the form that is sought: objects or a mask."""
    return isinstance(feature, Image) if sought == "mask" else "bbox" in _members(feature)


def _members(feature: Any) -> Mapping[str, Any]:
    """Features of what a column of objects has of each: lists beside each other, or a list of all."""
    if isinstance(feature, Mapping):
        return {name: getattr(f, "feature", None) for name, f in feature.items()}
    inner = getattr(feature, "feature", None)
    return inner if isinstance(inner, Mapping) else {}


def _attach_objects(found: Listing, objects: Sequence[Any], feature: Any, faces: bool, where: str) -> None:
    """Make a column of objects the targets of a listing."""
    members = _members(feature)
    category = next((c for c in (*LABEL_COLUMNS, "label_id", "category_id") if c in members), None)
    if category is None and not faces:
        raise InputError(f"{where}: its objects have no category; they have: {', '.join(members)}")
    known = members[category].names if category and isinstance(members[category], ClassLabel) else None
    boxes, named = [], []
    for each in objects:
        one = each if isinstance(each, Mapping) else {m: [o[m] for o in each] for m in members}
        boxes.append(np.array(one["bbox"], dtype=np.float64).reshape(-1, 4))
        values = one[category] if category else ["face"] * len(one["bbox"])
        named.append([known[v] if known else str(v) for v in values])
    names = known or classes_of(name for each in named for name in each)
    if faces and "face" not in names:
        if len(names) > 1:
            raise InputError(f"{where}: face-detection needs a category 'face'; its own: {', '.join(names)}")
        names, named = ["face"], [["face"] * len(each) for each in named]
    place = {name: i for i, name in enumerate(names)}
    classes = [[place[name] for name in each] for each in named]
    found.labels = rarest(named)
    found.targets = Objects(names, boxes, classes, [None] * len(boxes))
