"""Where a checkpoint's files lie together: a folder on this machine, or a repository of the Hub at one commit."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tlzoo import blobs
from tlzoo.blobs.hub import Repository, from_hub, in_hub_cache, repository
from tlzoo.blobs.places import PlaceError
from tlzoo.drafting.draft import KnownFile
from tlzoo.errors import InputError, UnavailableError

ASSETS = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
"""What adapters read beside the weights, of models of transformers."""
MAX_BYTES = 5_000_000
"""Maximum size of a text that is read."""
MAX_HEADER_BYTES = 100_000_000
"""Maximum length of a safetensors header, by its definition."""
HUB = re.compile(r"\w[\w.-]*/\w[\w.-]*(@[\w.-]+)?")
"""What follows ``hub:``."""


class Shelf(ABC):
    """Files that lie together, wherever that is.

    Attributes:
        label: What errors begin with.
        owner: Who published them, where that is known.
        revision: The commit of a repository.
        sizes: Size in bytes by name.
    """

    def __init__(self, label: str, owner: str | None, revision: str | None, sizes: Mapping[str, int]) -> None:  # noqa: D107
        self.label, self.owner, self.revision, self.sizes = label, owner, revision, sizes

    @abstractmethod
    def path(self, name: str) -> Path:
        """A file, on disk; of a repository all that were asked for lie in one folder."""

    @abstractmethod
    def file(self, name: str) -> KnownFile:
        """Its size and hash."""

    @abstractmethod
    def shapes(self, name: str) -> dict[str, tuple[int, ...]]:
        """Shapes of its tensors, of safetensors."""

    def text(self, name: str) -> str:
        """Content of a text; empty where it is absent or too long."""
        if not 0 < self.sizes.get(name, 0) <= MAX_BYTES:
            return ""
        return self.path(name).read_text(encoding="utf-8", errors="replace")

    def json(self, name: str) -> dict[str, object]:
        """Content of a JSON file; empty where it is absent, too long or no mapping.

        Raises:
            InputError: It is not valid JSON.
        """
        try:
            value = json.loads(self.text(name) or "{}")
        except (ValueError, RecursionError) as error:
            raise InputError(f"{self.label}: {name}: not valid JSON: {error}") from None
        return value if isinstance(value, dict) else {}


class Folder(Shelf):
    """A folder on disk; of one file, that file and what describes it."""

    def __init__(self, path: Path, label: str) -> None:
        """List it.

        Args:
            path: The folder or the file.
            label: What errors begin with.
        """
        self.root = path if path.is_dir() else path.parent
        beside = {*ASSETS, "README.md", "preprocessor_config.json", path.name}
        files = [f for f in sorted(self.root.iterdir()) if f.is_file() and (path.is_dir() or f.name in beside)]
        super().__init__(label, None, None, {file.name: file.stat().st_size for file in files})

    def path(self, name: str) -> Path:
        """A file."""
        return self.root / name

    def file(self, name: str) -> KnownFile:
        """Its size and hash, without a place."""
        return KnownFile(name, blobs.sha256_of(self.path(name)), self.sizes[name])

    def shapes(self, name: str) -> dict[str, tuple[int, ...]]:
        """Shapes of its tensors."""
        return safetensors_shapes(self.path(name))


class HubShelf(Shelf):
    """A repository of the Hub."""

    def __init__(self, name: str, label: str) -> None:
        """List it, without a download.

        Args:
            name: ``owner/name``, with ``@revision`` where that is not ``main``.
            label: What errors begin with.

        Raises:
            InputError: It is not such a name.
            UnavailableError: The Hub does not deliver.
        """
        if not HUB.fullmatch(name):
            raise InputError(f"{label}: expected hub:OWNER/NAME or hub:OWNER/NAME@REVISION")
        with _delivered(label):
            self.repository: Repository = repository(name)
        sizes = {name: size for name, (size, _) in self.repository.files.items()}
        super().__init__(label, name.partition("/")[0], self.repository.commit, sizes)

    def path(self, name: str) -> Path:
        """A file in the cache of the Hub's client, downloaded now if it is not there."""
        place = self.repository.place(name)
        with _delivered(self.label):
            return in_hub_cache(place) or from_hub(place, size=self.sizes[name], progress=False)

    def file(self, name: str) -> KnownFile:
        """Its size, hash and place; a large file is not downloaded for that."""
        size, sha256 = self.repository.files[name]
        return KnownFile(name, sha256 or blobs.sha256_of(self.path(name)), size, self.repository.place(name))

    def shapes(self, name: str) -> dict[str, tuple[int, ...]]:
        """Shapes of its tensors, of which the header alone is downloaded."""
        with _delivered(self.label):
            return self.repository.shapes(name)


@contextmanager
def _delivered(label: str) -> Iterator[None]:
    try:
        yield
    except PlaceError as error:
        raise UnavailableError(f"{label}: {error}") from error


def safetensors_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of the tensors of a safetensors file by name, from its header.

    Raises:
        InputError: It is not a valid safetensors file.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > MAX_HEADER_BYTES:
                raise ValueError(f"a header of {length:,} bytes")
            header = json.loads(file.read(length))
        return {name: tuple(map(int, tensor["shape"])) for name, tensor in header.items() if name != "__metadata__"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: not a valid safetensors file: {' '.join(str(error).split())[:200]}") from None
