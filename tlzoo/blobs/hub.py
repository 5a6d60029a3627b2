"""Files on the Hugging Face Hub, through its own client and cache."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from tlzoo.blobs.download import Starts, check_room
from tlzoo.blobs.limits import oversize
from tlzoo.blobs.places import PlaceError, parse
from tlzoo.hub import HubUnreachableError, client, hub_error

_ETAG_SECONDS = 5.0
_KINDS = {None: "model", "datasets/": "dataset", "spaces/": "space"}


@dataclass(frozen=True)
class Repository:
    """The top folder of a model repository at one commit.

    Attributes:
        name: ``owner/name``.
        commit: The commit.
        files: Size in bytes, and sha256 of a large file, by name.
    """

    name: str
    commit: str
    files: Mapping[str, tuple[int, str | None]]

    def place(self, file: str) -> str:
        """The place of a file, at this commit."""
        return f"hub:{self.name}@{self.commit}/{file}"

    def shapes(self, file: str) -> dict[str, tuple[int, ...]]:
        """Shapes of the tensors of a safetensors file by name, from its header, which alone is downloaded.

        Raises:
            PlaceError: The Hub does not deliver, or the header cannot be read.
        """
        from huggingface_hub.errors import SafetensorsParsingError

        with _place_errors():
            try:
                header = client().parse_safetensors_file_metadata(self.name, file, revision=self.commit)
            except SafetensorsParsingError as error:
                raise PlaceError(error) from error
        return {name: tuple(tensor.shape) for name, tensor in header.tensors.items()}


def repository(name: str) -> Repository:
    """List a model repository without a download.

    Args:
        name: ``owner/name``, with ``@revision`` if that is not ``main``.

    Returns:
        It; where the Hub does not answer or is not asked, what the client's cache has of it.

    Raises:
        PlaceError: The Hub does not deliver; with the reason.
    """
    from huggingface_hub import constants
    from huggingface_hub.hf_api import RepoFile

    name, _, revision = name.partition("@")
    api = client()
    try:
        with _place_errors():
            commit = api.model_info(name, revision=revision or None, timeout=_ETAG_SECONDS).sha
            entries = list(api.list_repo_tree(name, revision=commit))
    except PlaceError as failure:
        known = _kept(name, revision)
        if known is None or not (failure.unreachable or constants.HF_HUB_OFFLINE):
            raise
        present = {file.name: (file.stat().st_size, None) for file in known.parent.iterdir() if file.is_file()}
        return Repository(name, known.parent.name, present)
    files = {e.path: (e.size, e.lfs.sha256 if e.lfs else None) for e in entries if isinstance(e, RepoFile)}
    return Repository(name, commit or "main", files)


def _kept(name: str, revision: str) -> Path | None:
    """The ``config.json`` that the Hub client's cache has of a repository; without a revision the newest one."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    known = in_hub_cache(f"hub:{name}@{revision or 'main'}/config.json")
    if known is not None or revision:
        return known
    folder = Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=name, repo_type="model"))
    return max(folder.glob("snapshots/*/config.json"), key=lambda path: path.lstat().st_mtime, default=None)


def in_hub_cache(place: str) -> Path | None:
    """Find a file in the cache of the Hub's client, without the network.

    Args:
        place: A ``hub:`` place.

    Returns:
        The file, or ``None``.
    """
    from huggingface_hub import try_to_load_from_cache

    repo, kind, revision, path = _where(place)
    file = try_to_load_from_cache(repo, path, revision=revision, repo_type=kind)
    return Path(file) if isinstance(file, str) else None


def from_hub(place: str, *, size: int | None = None, progress: bool = True, starts: Starts = lambda size: None) -> Path:
    """Download a file into the cache of the Hub's client, as ``HF_ENDPOINT``, ``HF_TOKEN`` and ``HF_HUB_OFFLINE`` say.

    Args:
        place: A ``hub:`` place.
        size: Size of the file in bytes, where known: a larger one is not downloaded. Without it at most
            `tlzoo.blobs.limits.maximum`.
        progress: Whether the client shows a progress bar.
        starts: Is called before the first byte of a download, with the size of the file.

    Returns:
        The file in that cache.

    Raises:
        PlaceError: The Hub does not deliver; with the reason.
        UnavailableError: The disk has no room for it.
    """
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.utils import (  # type: ignore[attr-defined]
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    repo, kind, revision, path = _where(place)
    with contextlib.ExitStack() as stack:
        if not progress and not are_progress_bars_disabled():
            disable_progress_bars()
            stack.callback(enable_progress_bars)
        stack.enter_context(_place_errors())
        # A request of its own: after a failure, hf_hub_download would repeat it for half a minute, and then hide the
        # answer.
        url = hf_hub_url(repo, path, revision=revision, repo_type=kind)
        announced = get_hf_file_metadata(url, timeout=_ETAG_SECONDS).size
        if announced is not None and (failure := oversize(announced, size)):
            raise failure
        if in_hub_cache(place) is None:
            check_room(Path(constants.HF_HUB_CACHE), announced or 0)
            starts(announced)
        return Path(hf_hub_download(repo, path, revision=revision, repo_type=kind, etag_timeout=_ETAG_SECONDS))


@contextlib.contextmanager
def _place_errors() -> Iterator[None]:
    """Turn every failure of the Hub's client into the failure of a place."""
    try:
        yield
    except Exception as error:
        failure = hub_error(error, "")
        if failure is None:
            raise
        raise PlaceError(failure, unreachable=isinstance(failure, HubUnreachableError)) from error


def _where(place: str) -> tuple[str, str, str, str]:
    match = parse(place)
    return match["repo"], _KINDS[match["kind"]], unquote(match["rev"] or "main"), match["path"]
