"""Files on the Hugging Face Hub, through its own client and cache."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tlzoo.blobs.download import check_room
from tlzoo.blobs.limits import oversize
from tlzoo.blobs.places import PlaceError, parse

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

_ETAG_SECONDS = 5.0
_KINDS = {None: "model", "datasets/": "dataset", "spaces/": "space"}


@dataclass(frozen=True)
class Repository:
    """What lies at the top of a model repository, at one commit.

    Attributes:
        name: ``owner/name``.
        commit: The commit.
        files: By name, the size in bytes and, of large files, the sha256.
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
        from huggingface_hub import HfApi
        from huggingface_hub.errors import SafetensorsParsingError

        with _told(self.name, self.commit, file):
            try:
                found = HfApi().parse_safetensors_file_metadata(self.name, file, revision=self.commit)
            except SafetensorsParsingError as error:
                raise PlaceError(error) from error
        return {name: tuple(tensor.shape) for name, tensor in found.tensors.items()}


def repository(name: str) -> Repository:
    """Look at a model repository; nothing of it is downloaded.

    Args:
        name: ``owner/name``, with ``@revision`` where it is not ``main``.

    Raises:
        PlaceError: The Hub does not deliver, with the reason in a few words.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    name, _, revision = name.partition("@")
    api = HfApi()
    with _told(name, revision or "main", ""):
        commit = api.model_info(name, revision=revision or None, timeout=_ETAG_SECONDS).sha
        entries = list(api.list_repo_tree(name, revision=commit))
    files = {e.path: (e.size, e.lfs.sha256 if e.lfs else None) for e in entries if isinstance(e, RepoFile)}
    return Repository(name, commit or "main", files)


def in_hub_cache(place: str) -> Path | None:
    """Find a file in the Hub's own cache, without the network.

    Args:
        place: A ``hub:`` place.

    Returns:
        The file, or ``None``.
    """
    from huggingface_hub import try_to_load_from_cache

    repo, kind, revision, path = _where(place)
    found = try_to_load_from_cache(repo, path, revision=revision, repo_type=kind)
    return Path(found) if isinstance(found, str) else None


def from_hub(place: str, *, size: int | None = None, progress: bool = True) -> Path:
    """Download a file into the Hub's own cache; ``HF_ENDPOINT``, ``HF_TOKEN`` and ``HF_HUB_OFFLINE`` count.

    Args:
        place: A ``hub:`` place.
        size: The file's size in bytes, where known: a larger one is not downloaded. Without it at most
            `tlzoo.blobs.limits.maximum`.
        progress: Whether the Hub's client shows its bar.

    Returns:
        The file in that cache.

    Raises:
        PlaceError: If the Hub does not deliver, with the reason in a few words.
        UnavailableError: If the disk has no room for it.
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
        stack.enter_context(_told(repo, revision, path))
        # Asked first on its own: where it fails, the download would repeat the question for half a minute and then
        # keep the answer to itself.
        url = hf_hub_url(repo, path, revision=revision, repo_type=kind)
        announced = get_hf_file_metadata(url, timeout=_ETAG_SECONDS).size
        if announced is not None:
            if failure := oversize(announced, size):
                raise failure
            if in_hub_cache(place) is None:
                check_room(Path(constants.HF_HUB_CACHE), announced)
        return Path(hf_hub_download(repo, path, revision=revision, repo_type=kind, etag_timeout=_ETAG_SECONDS))


@contextlib.contextmanager
def _told(repo: str, revision: str, path: str) -> Iterator[None]:
    """Turn every way in which the Hub does not deliver into one error, with the reason in a few words."""
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    try:
        yield
    except OfflineModeIsEnabled as error:
        raise PlaceError("not asked, HF_HUB_OFFLINE is set") from error
    except HfHubHTTPError as error:
        raise PlaceError(_answer(error, repo, revision, path)) from error
    except (EntryNotFoundError, HFValidationError) as error:
        raise PlaceError(error) from error
    except (httpx.HTTPError, ConnectionError, TimeoutError) as error:
        raise PlaceError(f"the Hub cannot be reached: {error or type(error).__name__}", unreachable=True) from error


def _where(place: str) -> tuple[str, str, str, str]:
    match = parse(place)
    return match["repo"], _KINDS[match["kind"]], unquote(match["rev"] or "main"), match["path"]


def _answer(error: HfHubHTTPError, repo: str, revision: str, path: str) -> str:
    """Say in a few words what the Hub answered."""
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    status = error.response.status_code
    if isinstance(error, GatedRepoError):
        return f"HTTP {status}, gated: accept the terms of {repo} on the Hub, and set HF_TOKEN or run `hf auth login`"
    if isinstance(error, RevisionNotFoundError):
        return f"HTTP {status}, {repo} has no revision {revision!r}"
    if isinstance(error, EntryNotFoundError):
        return f"HTTP {status}, {repo} has no file {path!r} at {revision!r}"
    if isinstance(error, RepositoryNotFoundError):
        return f"HTTP {status}, no repository {repo}, or it is private and needs an HF_TOKEN that may read it"
    if status == 429:
        return "HTTP 429, rate limited: try again later, or set HF_TOKEN"
    if status >= 500:
        return f"HTTP {status}, server error on the Hub's side: try again later"
    return f"HTTP {status}, refused: {error.server_message or error.response.reason_phrase}"
