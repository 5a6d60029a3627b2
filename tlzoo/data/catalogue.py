"""How ``--data`` finds a data set, and how it is prepared once, kept and loaded.

Whatever its source, a data set is prepared once under its fingerprint: a Parquet file for each split, in the cache.
Rows of a person's folder refer to the person's files, by the path from the folder on, so that nothing is copied; the
fingerprint, which :func:`find` computes from their contents, notices when one of them has changed.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from tlzoo import blobs
from tlzoo.blobs import Blob
from tlzoo.blobs.pins import COMMIT
from tlzoo.data.named import DATASETS
from tlzoo.data.protocol import SPLITS, VTAB, Limits
from tlzoo.data.published import files_of, function_of, listed
from tlzoo.data.repeats import DRAW_VERSION, OWN_DRAW_VERSION, drawn
from tlzoo.errors import InputError, UnavailableError, unknown
from tlzoo.files import cached, is_utf8
from tlzoo.keys import changed, key
from tlzoo.vocabulary import column, task_facts

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

    from tlzoo.data.dataset import Listing, Prepared
    from tlzoo.data.files.hub import Revision


FEW_ROWS = 1000
"""Labelled examples of a person below which each is tested once, by cross-validation."""
MIN_GROUPS = 10
"""Groups that cross-validation asks for, so that each fold tests several."""
PREPARED_VERSION = 4
"""Raised when a person's data are prepared in another way, so that they are prepared again."""
_NOTES = "notes.json"


@dataclass(frozen=True)
class Source:
    """A data set that is not loaded yet; cheap to make and to send to another process.

    Attributes:
        name: What boards call it.
        task: The task it is for.
        kind: Kind of the input.
        fingerprint: Hash of what decides its rows.
        where: ``rendered``, ``files``, ``hub`` or ``folder``.
        place: Loader, repository id with commit, or path.
        options: Arguments of the Hub's listing; of a person's own data the columns that are given.
        limits: Maximum examples per split.
        notice: What a person should know about the choice.
        is_foldable: Whether these are few examples of a person, of which none are given as a test, so that each may be
            tested once (``tlzoo.data.folds``).
        files: What the loader reads, where that is published files.
        version: Hash of what decides how a person's data are described: notices, and of texts the files, whose names
            they hold.
    """

    name: str
    task: str
    kind: str
    fingerprint: str
    where: Literal["rendered", "files", "hub", "folder"]
    place: str
    options: tuple[tuple[str, str], ...] = ()
    limits: Limits = VTAB
    notice: str = ""
    is_foldable: bool = False
    files: tuple[Blob, ...] = ()
    version: str = ""

    @property
    def is_own(self) -> bool:
        """Whether these are a person's own data, or of the Hub without a name here, rather than a named data set."""
        return self.where == "folder" or self.name.startswith(HUB)


HUB = "hub:"
"""What a data set of the Hub is named with."""
_PLACE = re.compile(r"hub:([\w.-]+(?:/[\w.-]+)?)(?::([^:@]+))?(?:@([^:@]+))?(?::([^:@]+))?")


def find(
    task: str,
    wanted: str = "auto",
    limits: Limits = VTAB,
    kind: str | None = None,
    given: Mapping[str, str] = MappingProxyType({}),
) -> Source:
    """Find what ``--data`` names.

    Args:
        task: The task.
        wanted: ``auto``, a name of ``tlzoo.data.named``, ``hub:ID[:CONFIG][@revision]``, or the path of own data.
        limits: Maximum examples per split.
        kind: Kind of input; of ``auto``, that of the task's domain by default. A named data set has its own kind, but
            can be read as another one that is stored alike.
        given: Columns of own data: ``text`` and ``label``, and ``group``, which may also be a pattern of the file's
            name and says which examples belong together (``tlzoo.data.files.grouping``).

    Raises:
        InputError: No such data set, it is for another task, or its columns are not a person's to choose.
        UnavailableError: It is on the Hub, which does not answer.
    """
    source = _source(task, wanted, limits, kind, given)
    if given and not source.is_own:
        from tlzoo.data.files import readers

        chosen = readers.option(*next(iter(given.items())))
        raise InputError(f"{chosen}: {source.name} is read as it is; {chosen.split()[0]} is for --data PATH or hub:ID")
    if kind is None or kind == source.kind or column(kind) != column(source.kind):
        return source
    return replace(source, kind=kind, name=f"{source.name}-{kind}", fingerprint=key(source.fingerprint, kind))


def _source(task: str, wanted: str, limits: Limits, kind: str | None, given: Mapping[str, str]) -> Source:
    task_facts(task)
    if wanted == "auto":
        return _automatic(task, kind or task_facts(task).domain, limits)
    if wanted.startswith(HUB):
        repo, config, rev = _place(wanted)
        name = HUB + repo + (f":{config}" if config else "") + (f"@{rev}" if rev else "")
        if wrong := next((name for name in given if name not in ("group", "label")), None):
            from tlzoo.data.files import readers

            raise InputError(f"{readers.option(wrong, given[wrong])}: is for --data PATH; the Hub says it itself")
        options = (("config", config),) if config else ()
        return _on_hub(name, task, repo, rev, (*options, *given.items()), limits)
    if wanted in DATASETS:
        return _named(task, wanted, limits)
    if Path(wanted).exists() or os.sep in wanted or wanted.startswith("~"):
        return _own(task, Path(wanted).expanduser(), limits, given)
    error = unknown("data set", wanted, [n for n, e in DATASETS.items() if e.task == task], f"--data {wanted}")
    raise InputError(f"{error}, auto, hub:ID[:CONFIG][@revision], or a folder")


def _place(wanted: str) -> tuple[str, str | None, str | None]:
    """Repository, configuration and revision of ``hub:ID[:CONFIG][@REVISION]``; the last two in either order."""
    match = _PLACE.fullmatch(wanted)
    if match is None:
        raise InputError(f"--data {wanted}: expected hub:OWNER/NAME[:CONFIG][@REVISION]")
    repo, first, rev, last = match.groups()
    if first and last:
        raise InputError(f"--data {wanted}: names two configurations, {first} and {last}")
    return repo, first or last, rev


def _own(task: str, path: Path, limits: Limits, given: Mapping[str, str]) -> Source:
    from tlzoo.data.files import readers

    place = readers.opened(path)
    try:
        listing = readers.listing(place, task, given)  # complains before anything runs
    except InputError as error:  # of an archive the person knows its own path
        raise InputError(str(error).replace(str(place), str(path))) from None
    fingerprint = _fingerprint(listing, place, task, limits, given)
    facts = task_facts(task)
    kind = listing.kind if listing.kind in facts.inputs else facts.domain  # of a pair of texts it is a column's name
    return Source(
        readers.title(path),
        task,
        kind,
        fingerprint,
        "folder",
        str(place.resolve()),
        tuple(sorted(given.items())),
        limits,
        is_foldable=_is_foldable(listing),
        version=_version(listing, place),
    )


def _version(listing: Listing, path: Path) -> str:
    """What decides how data are prepared and described besides their fingerprint."""
    from tlzoo.data.files import readers

    content = readers.digest_of(listing, path) if readers.is_of_texts(listing) else ""
    return key(content, listing.notices, listing.problems)


def _is_foldable(listing: Listing) -> bool:
    """Whether examples are so few that all should be tested, none are given as a test, and groups are enough."""
    groups = len(set(listing.groups)) if listing.groups is not None else len(listing.inputs)
    is_whole = not listing.is_cut and set(listing.splits or ["train"]) == {"train"}
    return is_whole and len(listing.inputs) < FEW_ROWS and groups >= MIN_GROUPS


def _fingerprint(listing: Listing, path: Path, task: str, limits: Limits, given: Mapping[str, str]) -> str:
    """Hash of a person's own files, and of what decides which of their rows are drawn."""
    from tlzoo.data.files import readers

    group = (given["group"],) if "group" in given else ()
    columns = {name: column for name, column in sorted(given.items()) if name != "group"}
    decided = (*group, columns) if columns else group
    return key(readers.fingerprint(listing, path), task, changed(limits), OWN_DRAW_VERSION, *decided)


def _automatic(task: str, kind: str, limits: Limits) -> Source:
    """The standard data set, which is prepared at once, or the one at hand, where that cannot be."""
    standard, offline = task_facts(task).standard_of(kind)
    if standard is None:
        reason = f"no data set of the Hub is known that is read for {task}"
    else:
        try:
            source = _named(task, standard, limits)
            _prepared(source)
            return source
        except (InputError, UnavailableError) as error:
            other = "" if blobs.is_offline() else f"; --data {standard} takes no other, --offline asks nobody"
            reason = f"{standard} is not available: {error}{other}"
    notice = f"data: {offline} ({DATASETS[offline].about}), since {reason}"
    return replace(_named(task, offline, limits), notice=notice)


def _named(task: str, name: str, limits: Limits) -> Source:
    entry = DATASETS[name]
    if entry.task != task:
        raise InputError(f"--data {name}: is for {entry.task}, not {task}; for it: {_names(task)}")
    if entry.hub:
        config = (("config", entry.config),) if entry.config else ()
        return _on_hub(name, task, entry.hub, entry.revision, (*config, *entry.options.items()), limits)
    assert entry.loader is not None
    if entry.files:
        hashes = [file.sha256 for file in entry.files]
        fingerprint = key(name, entry.version, hashes, changed(limits), DRAW_VERSION)
        source = Source(name, task, entry.kind, fingerprint, "files", entry.loader, limits=limits)
        return replace(source, files=files_of(name))
    return Source(name, task, entry.kind, key(name, entry.version), "rendered", entry.loader)


def _on_hub(
    name: str, task: str, repo: str, rev: str | None, options: tuple[tuple[str, str], ...], limits: Limits
) -> Source:
    from tlzoo.data.files.hub import Revision, revision

    if rev is not None and COMMIT.fullmatch(rev):
        known = _of_commit(name, task, repo, Revision(rev), options, limits)
        if _folder(known).exists():
            return known  # the Hub need not be asked
    return _of_commit(name, task, repo, revision(repo, rev), options, limits)


def _of_commit(
    name: str, task: str, repo: str, read: Revision, options: tuple[tuple[str, str], ...], limits: Limits
) -> Source:
    from tlzoo.data.files.hub import CONVERSION, choice

    notice = ""
    if read.is_converted:
        options = (*options, ("converted", "yes"))
        notice = f"data: hub:{repo} is a loading script, which is not run: the Hub's conversion is read, {CONVERSION}"
    version = OWN_DRAW_VERSION if name.startswith(HUB) else DRAW_VERSION
    fingerprint = key(repo, read.commit, options, task, changed(limits), version, choice.VERSION)
    place = f"{repo}@{read.commit}"
    return Source(name, task, task_facts(task).domain, fingerprint, "hub", place, options, limits, notice)


def _names(task: str) -> str:
    return ", ".join(n for n, e in DATASETS.items() if e.task == task) or "none"


@dataclass(frozen=True)
class Sample:
    """The first test examples of a prepared data set, which were read without the rest.

    Attributes:
        rows: The examples.
        sizes: Number of rows of each split.
    """

    rows: Dataset
    sizes: Mapping[str, int]


def load(source: Source) -> Prepared:
    """Load a data set, which is prepared first where the cache does not have it.

    Raises:
        InputError: The source cannot be used for its task.
        UnavailableError: A part of it is not available, or the cache cannot be written.
    """
    from datasets import Dataset, DatasetDict

    from tlzoo.data.dataset import Prepared

    folder = _prepared(source)
    splits = {split: Dataset(table) for split, table in _tables(source, folder).items()}
    problems, notices, *rest = json.loads((folder / _NOTES).read_text())
    return Prepared(DatasetDict(splits), tuple(problems), tuple(notices), *rest)


def sample(source: Source, count: int) -> Sample:
    """Read the first test examples of a data set; raises as :func:`load` does."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import Dataset

    files = {split: pq.ParquetFile(path) for split, path in _files(_prepared(source)).items()}
    test = files["test"]
    table = pa.Table.from_batches(itertools.islice(test.iter_batches(count), 1), test.schema_arrow)
    sizes = {split: file.metadata.num_rows for split, file in files.items()}
    return Sample(Dataset(_located(table, source)), sizes)


def _prepared(source: Source) -> Path:
    """The folder that holds a data set as it was prepared: now, or earlier."""
    return cached(_folder(source), lambda new: _write(_make(source), new), f"data set {source.name}")


def _folder(source: Source) -> Path:
    name = source.fingerprint
    if source.where == "folder":
        name = key(source.fingerprint, PREPARED_VERSION, *([source.version] if source.version else []))
    return blobs.cache_dir() / "datasets" / name


def _make(source: Source) -> Prepared:
    from tlzoo.data.dataset import Prepared

    if source.where == "rendered":
        return Prepared(function_of(source.place)())
    if source.where == "files":
        return _draw(listed(source.place, source.files), source)
    if source.where == "folder":
        return _of_folder(source)
    from tlzoo.data.downloads import announce
    from tlzoo.data.files import hub, readers

    repo, _, commit = source.place.partition("@")
    options = dict(source.options)
    announce(source.name, repo, commit, options)
    if "archive" in options:  # class folders in the only file that is read
        return _draw(readers.listing(hub.unpacked(repo, commit, options["archive"]), source.task), source)
    return _draw(hub.listing(repo, commit, source.task, **options, limits=source.limits, is_own=source.is_own), source)


def _of_folder(source: Source) -> Prepared:
    """A person's own data, with references to the person's files.

    Raises:
        InputError: A file changed since the fingerprint was computed, under which the rows would be kept.
    """
    from tlzoo.data.files import readers

    path, given = Path(source.place), dict(source.options)
    listing = readers.listing(path, source.task, given)
    groups = listing.groups
    prepared = _draw(listing, source, _root(source))
    listing.groups = groups  # as they were read
    fingerprint = _fingerprint(listing, path, source.task, source.limits, given)
    if source.fingerprint not in (fingerprint, key(fingerprint, source.kind)):
        raise InputError(f"{path}: a file changed while the data were read; run the command again")
    return prepared


def _draw(listing: Listing, source: Source, root: Path | None = None) -> Prepared:
    from tlzoo.data.dataset import gather
    from tlzoo.data.media.inputs import read_checked

    limits = source.limits
    if source.where == "folder" and not listing.is_cut and len(set(listing.splits or ()) & set(SPLITS)) > 1:
        limits = replace(limits, test=None)  # a test that a person gives is used whole
    some = drawn(listing, limits, source.is_own)
    listing.groups = some.groups
    listing.notices += some.notices
    if source.where == "folder" and listing.kind == "image":
        _level(listing, some.chosen)
    return gather(listing, some.chosen, read_checked(listing.kind), listing.available or some.available, root)


def _level(listing: Listing, chosen: Mapping[str, Sequence[int]]) -> None:
    """Bring the drawn pictures of more than 8 bits to 8, by the range of those to train on."""
    from tlzoo.data.media.levels import levels_of

    levels, several = levels_of(listing.inputs[i] for i in chosen["train"])
    if several:
        listing.notices.append(
            f"pictures of several pages, of which the first is read: {several:,} of those to train on"
        )
    if levels is None:
        return
    listing.notices.append(f"pictures of more than 8 bits: values from {levels.low:g} to {levels.high:g} are shown")
    listing.columns["levels"] = str(levels)
    for index in itertools.chain.from_iterable(chosen.values()):
        try:
            listing.inputs[index] = levels.applied(listing.inputs[index])
        except InputError:
            continue  # it is named where it is read


def _root(source: Source) -> Path:
    """The folder from which on rows of a person's own data name files."""
    place = Path(source.place)
    return place if place.is_dir() else place.parent


def _located(table: pa.Table, source: Source) -> pa.Table:
    """A table with the whole paths of the files that its rows refer to.

    Raises:
        InputError: The path of the person's folder is not UTF-8, as paths in a table are.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    place = table.schema.get_field_index(column(source.kind))
    if source.where != "folder" or place < 0 or not pa.types.is_struct(table.schema.field(place).type):
        return table
    root = str(_root(source))
    if not is_utf8(root):
        raise InputError(f"{root!r}: the path is not UTF-8; rename the folder, or the one above it that is not")
    field = table.schema.field(place)
    chunks = []
    for chunk in table.column(place).chunks:
        data, path = chunk.field("bytes"), chunk.field("path")
        whole = pc.if_else(pc.is_null(data), pc.binary_join_element_wise(root, path, os.sep), path)
        chunks.append(pa.StructArray.from_arrays([data, whole], fields=list(field.type)))
    return table.set_column(place, field, pa.chunked_array(chunks, field.type))


def _tables(source: Source, folder: Path) -> dict[str, pa.Table]:
    import pyarrow.parquet as pq

    return {split: _located(pq.read_table(path), source) for split, path in _files(folder).items()}


def _files(folder: Path) -> dict[str, Path]:
    """The file of each split of a prepared data set."""
    paths = {split: folder / f"{split}.parquet" for split in SPLITS}
    return {split: path for split, path in paths.items() if path.is_file()}


def _write(prepared: Prepared, folder: Path) -> None:
    from datasets import disable_progress_bars

    from tlzoo.data.dataset import PART_ROWS

    disable_progress_bars()
    folder.mkdir()
    for split, rows in prepared.splits.items():
        rows.to_parquet(folder / f"{split}.parquet", batch_size=PART_ROWS)
    notes = [prepared.problems, prepared.notices, prepared.available, dict(prepared.columns), prepared.cut]
    (folder / _NOTES).write_text(json.dumps(notes))
