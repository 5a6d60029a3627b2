"""How ``--data`` finds a data set, and how it is loaded and kept."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tlzoo import blobs
from tlzoo.data.named import DATASETS
from tlzoo.data.protocol import SPLITS, VTAB, Limits
from tlzoo.data.repeats import DRAW_VERSION, drawn
from tlzoo.errors import InputError, UnavailableError, unknown
from tlzoo.files import kept
from tlzoo.keys import changed, key
from tlzoo.vocabulary import column, task_facts

if TYPE_CHECKING:
    from tlzoo.data.dataset import Listing, Prepared


@dataclass(frozen=True)
class Source:
    """A data set that was found, not yet loaded; cheap to make and to send to another process.

    Attributes:
        name: What boards call it.
        task: The task it is for.
        kind: Kind of the input.
        fingerprint: Hash of what decides its rows.
        where: ``rendered``, ``hub`` or ``folder``.
        place: Loader, repository id with commit, or path.
        options: Arguments of the Hub's listing.
        limits: Most examples a split.
        notice: What a person should know about the choice.
    """

    name: str
    task: str
    kind: str
    fingerprint: str
    where: Literal["rendered", "hub", "folder"]
    place: str
    options: tuple[tuple[str, str], ...] = ()
    limits: Limits = VTAB
    notice: str = ""


def find(task: str, wanted: str = "auto", limits: Limits = VTAB, kind: str | None = None) -> Source:
    """Find what ``--data`` names.

    Args:
        task: The task.
        wanted: ``auto``, a name of ``tlzoo.data.named``, ``hub:ID[:CONFIG][@revision]``, or the path of own data.
        limits: Most examples a split.
        kind: Kind of input: of ``auto`` by default the task's domain's. What is named has its own, but what is stored
            alike can be read as another one.

    Raises:
        InputError: No such data set, or it is for another task.
        UnavailableError: It is on the Hub, which does not answer.
    """
    found = _found(task, wanted, limits, kind)
    if kind is None or kind == found.kind or column(kind) != column(found.kind):
        return found
    return replace(found, kind=kind, name=f"{found.name}-{kind}", fingerprint=key(found.fingerprint, kind))


def _found(task: str, wanted: str, limits: Limits, kind: str | None) -> Source:
    task_facts(task)
    if wanted == "auto":
        return _automatic(task, kind or task_facts(task).domain, limits)
    if wanted.startswith("hub:"):
        named, _, rev = wanted.removeprefix("hub:").partition("@")
        repo, _, config = named.partition(":")
        return _on_hub(wanted, task, repo, rev or None, (("config", config),) if config else (), limits)
    if wanted in DATASETS:
        return _named(task, wanted, limits)
    if Path(wanted).exists() or os.sep in wanted:
        return _own(task, Path(wanted), limits)
    error = unknown("data set", wanted, [n for n, e in DATASETS.items() if e.task == task], f"--data {wanted}")
    raise InputError(f"{error}, auto, hub:ID[:CONFIG][@revision], or a folder")


def _own(task: str, path: Path, limits: Limits) -> Source:
    from tlzoo.data.files import readers

    found = readers.listing(path, task)  # complains before anything runs
    fingerprint = key(readers.fingerprint(found, path), task, changed(limits), DRAW_VERSION)
    facts = task_facts(task)
    kind = found.kind if found.kind in facts.inputs else facts.domain  # else a column's name: of a pair of texts
    return Source(readers.title(path), task, kind, fingerprint, "folder", str(path.resolve()), (), limits)


def _automatic(task: str, kind: str, limits: Limits) -> Source:
    standard, offline = task_facts(task).standard_of(kind)
    if standard is None:
        return _named(task, offline, limits)
    try:
        return _named(task, standard, limits)
    except UnavailableError as error:
        notice = f"data: {offline} ({DATASETS[offline].about}), since {standard} is not available: {error}"
        return replace(_named(task, offline, limits), notice=notice)


def _named(task: str, name: str, limits: Limits) -> Source:
    entry = DATASETS[name]
    if entry.task != task:
        raise InputError(f"--data {name}: is for {entry.task}, not {task}; for it: {_names(task)}")
    if entry.hub:
        return _on_hub(name, task, entry.hub, None, tuple(entry.options.items()), limits)
    assert entry.loader is not None
    return Source(name, task, entry.kind, key(name, entry.version), "rendered", entry.loader)


def _on_hub(
    name: str, task: str, repo: str, rev: str | None, options: tuple[tuple[str, str], ...], limits: Limits
) -> Source:
    from tlzoo.data.files.hub import revision

    commit = revision(repo, rev)
    fingerprint = key(repo, commit, options, task, changed(limits), DRAW_VERSION)
    return Source(name, task, task_facts(task).domain, fingerprint, "hub", f"{repo}@{commit}", options, limits)


def _names(task: str) -> str:
    return ", ".join(n for n, e in DATASETS.items() if e.task == task) or "none"


def load(source: Source) -> Prepared:
    """Load a data set: rendered and downloaded ones are kept, prepared, in the cache.

    Raises:
        InputError: The source cannot be used for its task.
        UnavailableError: A part of it is not available, or the cache cannot be written.
    """
    if source.where == "folder":
        from tlzoo.data.files.readers import listing

        return _draw(listing(Path(source.place), source.task), source)
    folder = blobs.cache_dir() / "datasets" / source.fingerprint
    return _read(kept(folder, lambda new: _write(_make(source), new), f"data set {source.name}"))


def _make(source: Source) -> Prepared:
    from tlzoo.data.dataset import Prepared

    if source.where == "rendered":
        module, _, function = source.place.partition(":")
        render: Callable[[], dict[str, object]] = getattr(import_module(module), function)
        return Prepared(render())
    from tlzoo.data.files.hub import listing

    repo, _, commit = source.place.partition("@")
    return _draw(listing(repo, commit, source.task, **dict(source.options)), source)


def _draw(found: Listing, source: Source) -> Prepared:
    from tlzoo.data.dataset import gather
    from tlzoo.data.media.inputs import read_checked

    some = drawn(found, source.limits)
    found.groups = some.groups
    found.notices += some.notices
    return gather(found, some.chosen, read_checked(found.kind), some.available)


def _write(prepared: Prepared, folder: Path) -> None:
    from datasets import disable_progress_bars

    disable_progress_bars()
    folder.mkdir()
    for split, rows in prepared.splits.items():
        rows.to_parquet(folder / f"{split}.parquet")
    notes = [prepared.problems, prepared.notices, prepared.available, dict(prepared.columns)]
    (folder / "notes.json").write_text(json.dumps(notes))


def _read(folder: Path) -> Prepared:
    import pyarrow.parquet as pq
    from datasets import Dataset, DatasetDict

    from tlzoo.data.dataset import Prepared

    files = {split: folder / f"{split}.parquet" for split in SPLITS}
    splits = {split: Dataset(pq.read_table(path)) for split, path in files.items() if path.is_file()}
    problems, notices, *rest = json.loads((folder / "notes.json").read_text())
    return Prepared(DatasetDict(splits), tuple(problems), tuple(notices), *rest)
