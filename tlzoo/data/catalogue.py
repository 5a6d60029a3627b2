"""The data sets that have a name, and how ``--data`` finds one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tlzoo import blobs
from tlzoo.cards.vocabulary import task_facts
from tlzoo.data.protocol import SPLITS, VTAB, Limits, draw
from tlzoo.errors import InputError, UnavailableError, unknown

if TYPE_CHECKING:
    from tlzoo.data.dataset import Listing, Prepared


@dataclass(frozen=True)
class Entry:
    """A named data set.

    Attributes:
        task: The task whose rows it has.
        about: What it is.
        license: SPDX identifier.
        loader: ``module:function`` that renders or unpacks it into three splits; absent for the Hub.
        version: Raised when the loader's rows change.
        hub: Repository id.
        options: Arguments of the Hub's listing: config, label, group.
    """

    task: str
    about: str
    license: str
    loader: str | None = None
    version: int = 1
    hub: str | None = None
    options: dict[str, str] = field(default_factory=dict)


DATASETS: dict[str, Entry] = {
    "esc50": Entry(
        "audio-classification",
        "ESC-50, 2,000 environmental sounds of 5 s, 50 classes",
        "cc-by-nc-3.0",
        hub="ashraq/esc50",
        options={"label": "category", "group": "src_file"},
    ),
    "speech-commands": Entry(
        "audio-classification",
        "Speech Commands v0.02, one-second words by many speakers",
        "cc-by-4.0",
        hub="google/speech_commands",
        options={"config": "v0.02", "label": "label", "group": "speaker_id"},
    ),
    "spoken-digits": Entry(
        "audio-classification",
        "ten digits rendered with eSpeak NG, split by voice",
        "apache-2.0",
        loader="tlzoo.data.speech:spoken_digits",
    ),
    "spoken-words": Entry(
        "audio-classification",
        "common words rendered with eSpeak NG in other voices; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.speech:spoken_words",
    ),
    "tones": Entry(
        "audio-classification",
        "rendered harmonic tones, one class a semitone; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.tones:tones",
    ),
    "faces": Entry(
        "face-detection",
        "real face crops set into real photographs, exact boxes",
        "unknown",
        loader="tlzoo.data.faces:faces",
    ),
    "news-cloze": Entry(
        "language-modeling",
        "the missing last word of a passage of real news",
        "unknown",
        loader="tlzoo.data.news:cloze",
    ),
}

STANDARD: dict[str, tuple[str | None, str]] = {
    "audio-classification": ("esc50", "spoken-digits"),
    "face-detection": (None, "faces"),
    "language-modeling": (None, "news-cloze"),
}
"""For ``--data auto``: the data set on the Hub, and the one that is always at hand."""


@dataclass(frozen=True)
class Source:
    """A data set that was found, not yet loaded; cheap to make and to send to another process.

    Attributes:
        name: What boards call it.
        task: The task it is for.
        fingerprint: Hash of what decides its rows.
        where: ``rendered``, ``hub`` or ``folder``.
        place: Loader, repository id with commit, or folder.
        options: Arguments of the Hub's listing.
        limits: Most examples a split.
        notice: What a person should know about the choice.
    """

    name: str
    task: str
    fingerprint: str
    where: Literal["rendered", "hub", "folder"]
    place: str
    options: tuple[tuple[str, str], ...] = ()
    limits: Limits = VTAB
    notice: str = ""


def find(task: str, wanted: str = "auto", limits: Limits = VTAB) -> Source:
    """Find what ``--data`` names.

    Args:
        task: The task.
        wanted: ``auto``, a name of :data:`DATASETS`, ``hub:ID[@revision]``, or a folder.
        limits: Most examples a split.

    Raises:
        InputError: No such data set, or it is for another task.
        UnavailableError: It is on the Hub, which does not answer.
    """
    facts = task_facts(task)
    if wanted == "auto":
        return _automatic(task, limits)
    if wanted.startswith("hub:"):
        repo, _, rev = wanted.removeprefix("hub:").partition("@")
        return _on_hub(wanted, task, repo, rev or None, (), limits)
    if wanted in DATASETS:
        return _named(task, wanted, limits)
    if Path(wanted).exists() or os.sep in wanted:
        from tlzoo.data.folder import SUFFIXES, fingerprint, listing

        folder, kind = Path(wanted), next(iter(facts.inputs))
        if facts.needs != task_facts(f"{facts.domain}-classification").needs or kind not in SUFFIXES:
            raise InputError(
                f"--data {wanted}: folders are read for audio-classification; {task} takes: {_names(task)}"
            )
        listing(folder, kind)  # complain before anything runs
        key = _hash({"folder": fingerprint(folder, kind), "task": task, "limits": asdict(limits)})
        return Source(folder.resolve().name, task, key, "folder", str(folder.resolve()), (), limits)
    error = unknown("data set", wanted, [n for n, e in DATASETS.items() if e.task == task], f"--data {wanted}")
    raise InputError(f"{error}, auto, hub:ID[@revision], or a folder")


def _automatic(task: str, limits: Limits) -> Source:
    if task not in STANDARD:
        raise UnavailableError(
            f"task {task!r} has no standard data set in this version; with one: {', '.join(STANDARD)}"
        )
    standard, offline = STANDARD[task]
    if standard is None:
        return _named(task, offline, limits)
    try:
        return _named(task, standard, limits)
    except UnavailableError as error:
        notice = f"data: {offline} ({DATASETS[offline].about}), since {standard} cannot be had: {error}"
        return replace(_named(task, offline, limits), notice=notice)


def _named(task: str, name: str, limits: Limits) -> Source:
    entry = DATASETS[name]
    if entry.task != task:
        raise InputError(f"--data {name}: is for {entry.task}, not {task}; for it: {_names(task)}")
    if entry.hub:
        return _on_hub(name, task, entry.hub, None, tuple(entry.options.items()), limits)
    assert entry.loader is not None
    key = _hash({"loader": entry.loader, "version": entry.version})
    return Source(name, task, key, "rendered", entry.loader)


def _on_hub(
    name: str, task: str, repo: str, rev: str | None, options: tuple[tuple[str, str], ...], limits: Limits
) -> Source:
    from tlzoo.data.hub import revision

    commit = revision(repo, rev)
    key = _hash({"repo": repo, "commit": commit, "options": options, "task": task, "limits": asdict(limits)})
    return Source(name, task, key, "hub", f"{repo}@{commit}", options, limits)


def _names(task: str) -> str:
    return ", ".join(n for n, e in DATASETS.items() if e.task == task) or "none"


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def load(source: Source) -> Prepared:
    """Load a data set: rendered and downloaded ones are kept, prepared, in the cache.

    Raises:
        InputError: The source cannot be used for its task.
        UnavailableError: A part of it cannot be had.
    """
    if source.where == "folder":
        return _draw(_folder_listing(source), source)
    folder = blobs.cache_dir() / "datasets" / source.fingerprint
    if not folder.is_dir():
        _keep(_make(source), folder)
    return _kept(folder)


def _make(source: Source) -> Prepared:
    from tlzoo.data.dataset import Prepared

    if source.where == "rendered":
        module, _, function = source.place.partition(":")
        render: Callable[[], dict[str, object]] = getattr(import_module(module), function)
        return Prepared(render())
    from tlzoo.data.hub import listing

    repo, _, commit = source.place.partition("@")
    kind = next(iter(task_facts(source.task).inputs))
    return _draw(listing(repo, commit, kind, **dict(source.options)), source)


def _folder_listing(source: Source) -> Listing:
    from tlzoo.data.folder import listing

    return listing(Path(source.place), next(iter(task_facts(source.task).inputs)))


def _draw(found: Listing, source: Source) -> Prepared:
    from tlzoo.data.dataset import classification
    from tlzoo.data.inputs import read_checked

    chosen = draw(found.labels, found.groups, found.splits, source.limits)
    return classification(found, chosen, read_checked(found.kind))


def _keep(prepared: Prepared, folder: Path) -> None:
    """Write all splits, then rename: a reader sees all or nothing."""
    from datasets import disable_progress_bars

    disable_progress_bars()
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".making-"))
    try:
        for split, rows in prepared.splits.items():
            rows.to_parquet(temporary / f"{split}.parquet")
        (temporary / "notes.json").write_text(json.dumps([prepared.problems, prepared.notices]))
        os.replace(temporary, folder)
    except OSError:
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _kept(folder: Path) -> Prepared:
    import pyarrow.parquet as pq
    from datasets import Dataset, DatasetDict

    from tlzoo.data.dataset import Prepared

    files = {split: folder / f"{split}.parquet" for split in SPLITS}
    splits = {split: Dataset(pq.read_table(path)) for split, path in files.items() if path.is_file()}
    problems, notices = json.loads((folder / "notes.json").read_text())
    return Prepared(DatasetDict(splits), tuple(problems), tuple(notices))
