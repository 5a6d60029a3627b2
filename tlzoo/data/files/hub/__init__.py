"""Data sets of the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from datasets import DatasetDict

from tlzoo import blobs
from tlzoo.blobs.places import PlaceError
from tlzoo.data.dataset import Listing
from tlzoo.data.files.hub import media, texts
from tlzoo.data.files.hub.choice import ALL
from tlzoo.data.files.hub.columns import COLUMNS, masks_of
from tlzoo.data.files.hub.failures import failures, no_configuration
from tlzoo.data.files.hub.rows import Loaded, Rows, Shards
from tlzoo.data.files.text_files import read_json
from tlzoo.data.media.image import IGNORED
from tlzoo.data.protocol import Limits
from tlzoo.errors import InputError, UnavailableError
from tlzoo.files import cached
from tlzoo.hub import client, hub_error
from tlzoo.vocabulary import task_facts

if TYPE_CHECKING:
    from datasets import DatasetBuilder
    from huggingface_hub.hf_api import DatasetInfo

MASK_NAMES = "id2label.json"
"""File of a repository with the names of the values of its masks."""
CONVERSION = "refs/convert/parquet"
"""The branch on which the Hub keeps a data set that it converted itself."""
_PARTIAL = "partial-"  # before the name of a split of which only the beginning was converted
Part = TypeVar("Part")


@dataclass(frozen=True)
class Revision:
    """What is read of a data set.

    Attributes:
        commit: The commit.
        is_converted: Whether that is of the Hub's own conversion to Parquet, since the data set is a script.
    """

    commit: str
    is_converted: bool = False


def revision(repo: str, wanted: str | None = None) -> Revision:
    """The commit that a data set's revision stands for; a request of seconds, no download.

    A loading script is not run. Of a data set that has one, the Hub's own conversion to Parquet is read instead.

    Raises:
        UnavailableError: The Hub does not answer, has no such data set, or has but a script of it.
    """
    where = f"hub:{repo}{f'@{wanted}' if wanted else ''}"
    info = _info(repo, wanted, where)
    script = f"{repo.rpartition('/')[2]}.py"
    if not any(file.rfilename == script for file in info.siblings or ()):
        return Revision(str(info.sha))
    try:
        converted = _info(repo, CONVERSION, where)
    except UnavailableError as error:
        raise UnavailableError(
            f"{where}: has only a loading script, {script}, which is not run, and no conversion to Parquet: {error}"
        ) from None
    return Revision(str(converted.sha), is_converted=True)


def _info(repo: str, wanted: str | None, where: str) -> DatasetInfo:
    try:
        return client().dataset_info(repo, revision=wanted, timeout=5)
    except Exception as error:
        failure = hub_error(error, where)
        if failure is None:
            raise
        raise UnavailableError(str(failure)) from None


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
    splits: str | None = None,
    cut: str | None = None,
    converted: str | None = None,
    limits: Limits = ALL,
    is_own: bool = True,
) -> Listing:
    """Download of a data set what is needed, and list its examples.

    Args:
        repo: Repository id.
        commit: Revision.
        task: What it is for.
        config: Configuration, where the data set has several.
        label: Column of the targets; guessed by default.
        group: Group column; guessed by default.
        train: Pattern of the Parquet files to train on, where the repository does not say which these are.
        test: The same for the test.
        splits: The splits that are read, separated by commas; all by default.
        cut: How whole texts are cut, of the task's reader of tables.
        converted: Given if the commit is of the Hub's conversion to Parquet.
        limits: Maximum number of examples of each split; others need not be downloaded.
        is_own: Whether it is no named data set (``tlzoo.data.repeats.drawn``).

    Raises:
        InputError: No column fits, or ``datasets`` cannot read it, such as where it has several configurations.
        UnavailableError: The Hub does not deliver, or a file is damaged.
    """
    patterns = {name: pattern for name, pattern in (("train", train), ("test", test)) if pattern}
    wanted = splits.split(",") if splits else None
    options = {"cut": cut} if cut else {}
    where = f"hub:{repo}"
    names: Sequence[str] = ()
    with failures(repo, ValueError, RuntimeError):
        rows = _converted(repo, commit, config, wanted) if converted else _rows(repo, commit, config, patterns, wanted)
        if task_facts(task).annotation == "mask":
            names = _mask_names(repo, commit)
    with failures(repo):
        return listed(
            rows,
            where,
            task,
            label=label,
            group=group,
            limits=limits,
            is_own=is_own,
            options=options,
            mask_names=names,
        )


def _rows(
    repo: str, commit: str, config: str | None, patterns: Mapping[str, str], splits: Sequence[str] | None
) -> Rows:
    """The rows of a repository, of which ``datasets`` says what its files are."""
    from datasets import load_dataset_builder
    from datasets.packaged_modules.parquet.parquet import Parquet

    builder: DatasetBuilder = load_dataset_builder(repo, config, revision=commit, data_files=patterns or None)
    files = builder.config.data_files
    if isinstance(builder, Parquet) and files:
        paths = {str(split): list(map(str, names)) for split, names in files.items()}
        return Shards(_only(splits, paths, repo), builder.info.features)
    builder.download_and_prepare()
    loaded = builder.as_dataset()
    assert isinstance(loaded, DatasetDict)
    return Loaded(DatasetDict(_only(splits, {str(name): rows for name, rows in loaded.items()}, repo)))


def _mask_names(repo: str, commit: str) -> list[str]:
    """Names of the values of masks, from 0 on, which repositories keep in a file; empty where they do not."""
    from huggingface_hub.errors import EntryNotFoundError

    try:
        path = client().hf_hub_download(repo, MASK_NAMES, repo_type="dataset", revision=commit)
    except EntryNotFoundError:
        return []
    given = read_json(Path(path))
    if not isinstance(given, dict) or not all(str(value).isdecimal() and int(value) < IGNORED for value in given):
        return []
    name = {int(value): str(text) for value, text in given.items()}
    return [name.get(value, f"class_{value}") for value in range(max(name, default=-1) + 1)]


def _only(splits: Sequence[str] | None, available: Mapping[str, Part], repo: str) -> dict[str, Part]:
    """The splits that are read."""
    if splits is None:
        return dict(available)
    if missing := [name for name in splits if name not in available]:
        raise InputError(f"hub:{repo}: no split {missing[0]!r}; its splits: {', '.join(available)}")
    return {name: available[name] for name in splits}


def _converted(repo: str, commit: str, config: str | None, splits: Sequence[str] | None) -> Rows:
    """The rows of a conversion: a folder for each configuration, and in it one for each split."""
    tree = client().list_repo_tree(repo, recursive=True, revision=commit, repo_type="dataset")
    configurations: dict[str, dict[str, list[str]]] = {}
    for path in sorted(entry.path for entry in tree if entry.path.endswith(".parquet")):
        name, _, rest = path.partition("/")
        split = rest.partition("/")[0].removeprefix(_PARTIAL)
        own = configurations.setdefault(name, {})
        own.setdefault(split, []).append(f"hf://datasets/{repo}@{commit}/{path}")
    if not configurations:
        raise UnavailableError(f"hub:{repo}: its conversion to Parquet is empty")
    if config is None and len(configurations) > 1 and "default" not in configurations:
        raise no_configuration(repo, None, list(configurations))
    chosen = config or ("default" if "default" in configurations else next(iter(configurations)))
    if chosen not in configurations:
        raise no_configuration(repo, chosen, list(configurations))
    return Shards(_only(splits, configurations[chosen], repo))


def unpacked(repo: str, commit: str, archive: str) -> Path:
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
    loaded: DatasetDict | Rows,
    where: str,
    task: str,
    *,
    label: str | None = None,
    group: str | None = None,
    limits: Limits = ALL,
    is_own: bool = True,
    options: Mapping[str, str] | None = None,
    mask_names: Sequence[str] = (),
) -> Listing:
    """List the examples of a data set.

    Args:
        loaded: Its splits.
        where: What errors and notices call it.
        task: The task. If its record names a reader of tables, each split is read like a table of a person's own.
            Otherwise the column of the task's kind of input is read, and a column with the record's kind of annotation:
            classes, transcripts, objects, masks or keypoints (``tlzoo.data.files.hub.columns``).
        label: Column of the targets; guessed by default.
        group: Group column; guessed by default.
        limits: Maximum number of examples of each split; of other rows the input is not read.
        is_own: Whether it is no named data set (``tlzoo.data.repeats.drawn``).
        options: Arguments of the reader of tables.
        mask_names: Names of the values of masks, from 0 on, where known.

    Raises:
        InputError: No column fits.
    """
    rows = Loaded(loaded) if isinstance(loaded, DatasetDict) else loaded
    facts = task_facts(task)
    if facts.table_reader:
        return texts.listed(rows, where, facts, options or {}, label=label, group=group)
    column = COLUMNS.get(facts.annotation) if facts.annotation else None
    if column is None:
        raise InputError(f"{where}: {task} is not read from the Hub in this version; --data PATH takes own files")
    column = masks_of(mask_names) if mask_names else column
    return media.listed(rows, where, facts.domain, column, label=label, group=group, limits=limits, is_own=is_own)
