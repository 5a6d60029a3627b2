"""Downloads over HTTP(S) that resume an interrupted transfer, and end when too many bytes arrive, or too slowly."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from tlzoo.blobs.limits import Pace, oversize
from tlzoo.blobs.places import PlaceError, check_redirect, is_url
from tlzoo.errors import UnavailableError

if TYPE_CHECKING:
    import httpx2

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 30.0
_ANSWER_SECONDS = 60.0  # from the request to the end of the headers
_ATTEMPTS = 3
_MAX_REDIRECTS = 10
_BAR_DELAY = 0.5  # seconds before a bar shows, so that small files stay silent


Starts = Callable[[int | None], object]
"""Is called before the first byte of a download, with its size in bytes where the server told it."""


def download(
    url: str, part: Path, *, size: int | None = None, progress: bool = True, starts: Starts = lambda size: None
) -> None:
    """Download a file into a part file, after the bytes that the part already holds.

    Args:
        url: Address of the file.
        part: The file to write. Its bytes are taken as the beginning of the download and not requested again; it is
            kept when the download fails, so that a later call can resume.
        size: Size of the file in bytes, where known: no more is read. Without it at most `tlzoo.blobs.limits.maximum`.
        progress: Whether a bar is shown on stderr.
        starts: Is called before the first byte, with the size of the whole file; at every attempt.

    Raises:
        PlaceError: If the server does not deliver.
        UnavailableError: If the disk has no room; the part is removed if it filled the disk.
        OSError: If the part cannot be written.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return _get(url, part, size, progress, starts)
        except PlaceError as failure:
            if not failure.again or attempt + 1 == _ATTEMPTS:
                raise
        time.sleep(0.5 * 2**attempt)


def no_room(where: Path, needed: int | None) -> UnavailableError:
    """Build the error for a full disk.

    Args:
        where: The file or folder that could not be written.
        needed: Bytes that it takes, where known.

    Returns:
        An error that names both.
    """
    needs = f"{needed:,} bytes are needed" if needed is not None else "it takes more than is free"
    return UnavailableError(f"{where}: the disk is full, {needs}; free some, or set TLZOO_CACHE to another disk")


def check_room(folder: Path, needed: int) -> None:
    """Check that the disk has room for a file before the first byte is requested.

    Args:
        folder: Folder to write to; it need not exist yet.
        needed: Bytes to write.

    Raises:
        UnavailableError: The disk has less room.
    """
    existing = next(parent for parent in (folder, *folder.absolute().parents) if parent.is_dir())
    if needed > shutil.disk_usage(existing).free:
        raise no_room(folder, needed)


def _get(url: str, part: Path, size: int | None, progress: bool, starts: Starts) -> None:
    """Request the missing bytes once, and append them to the part."""
    import httpx2

    if not is_url(url):
        raise PlaceError("only http and https are supported")
    start = part.stat().st_size if part.exists() else 0
    if size is not None and start > size:  # of another file
        part.unlink()
        start = 0
    headers = {"User-Agent": "tlzoo", "Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    timeout = httpx2.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS)
    done, total = start, None
    try:
        with httpx2.Client(headers=headers, timeout=timeout) as client, _response(client, url) as response:
            if not response.is_success:
                raise _refused(response, part)
            if response.status_code != 206:
                start = 0  # the server ignored the range
            elif not re.match(rf"bytes {start}-", response.headers.get("Content-Range", "")):
                part.unlink()
                raise PlaceError("the answer is of another range than the requested one", again=True)
            length = response.headers.get("Content-Length")
            done, total = start, start + int(length) if length else size
            if total is not None:
                if failure := oversize(total, size):
                    raise failure
                check_room(part.parent, total - start)
            starts(total)
            pace = Pace()
            with open(part, "ab" if start else "wb") as file, _bar(url, start, total, progress) as advance:
                for chunk in response.iter_raw():
                    done += len(chunk)
                    if failure := oversize(done, size):
                        part.unlink()
                        failure.again = start > 0  # perhaps only the part was of another file
                        raise failure
                    file.write(chunk)
                    advance(len(chunk))
                    pace.note(len(chunk))
            if total is not None and done < total:
                raise _interrupted(done, total)
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
        reason = re.sub(r"^\[Errno -?\d+\] ", "", str(error)) or type(error).__name__
        raise PlaceError(f"cannot be reached: {reason}", unreachable=True) from error
    except (httpx2.TransportError, TimeoutError) as error:
        raise _interrupted(done, total, str(error) or type(error).__name__) from error
    except (httpx2.InvalidURL, ValueError) as error:
        raise PlaceError(f"the answer cannot be read: {error}") from error


def _refused(response: httpx2.Response, part: Path) -> PlaceError:
    status = response.status_code
    if status == 416:  # the part is not the beginning of the file
        part.unlink(missing_ok=True)
    again = status in (408, 416, 429) or status >= 500
    return PlaceError(f"HTTP {status} {response.reason_phrase}", again=again)


def _interrupted(done: int, total: int | None, reason: str = "") -> PlaceError:
    amount = f"{done:,} bytes ({reason})" if total is None else f"{done:,} of {total:,} bytes"
    return PlaceError(f"interrupted after {amount}; fetch again to resume", again=True)


@contextlib.contextmanager
def _response(client: httpx2.Client, url: str) -> Iterator[httpx2.Response]:
    """Request a file. Each redirect is checked before it is followed, and its body is not read.

    Raises:
        PlaceError: A redirect is not allowed, or there are too many.
        TimeoutError: The headers did not arrive in time.
    """
    for _ in range(_MAX_REDIRECTS + 1):
        with contextlib.ExitStack() as stack:
            with _deadline(_ANSWER_SECONDS) as trace:
                response = stack.enter_context(client.stream("GET", url, extensions={"trace": trace}))
            if not response.has_redirect_location:
                yield response
                return
        target = urljoin(url, response.headers["Location"])
        check_redirect(url, target)
        url = target
    raise PlaceError(f"redirected more than {_MAX_REDIRECTS} times")


@contextlib.contextmanager
def _deadline(seconds: float) -> Iterator[Callable[[str, Mapping[str, Any]], None]]:
    """Close the connections that are opened meanwhile when the time is over; a read timeout starts anew at each byte.

    Yields:
        The ``trace`` of a request, which is called with each new connection.

    Raises:
        TimeoutError: The time is over.
    """
    expired = threading.Event()
    connections: list[socket.socket] = []

    def trace(event: str, details: Mapping[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            connections.append(details["return_value"].get_extra_info("socket"))

    def close() -> None:
        expired.set()
        for connection in connections:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, close)
    timer.daemon = True
    timer.start()
    try:
        yield trace
    finally:
        timer.cancel()
        if expired.is_set():  # the answer is cut off
            raise TimeoutError


@contextlib.contextmanager
def _bar(url: str, start: int, total: int | None, progress: bool) -> Iterator[Callable[[int], object]]:
    """Show a bar on stderr, rarely redrawn where that is no terminal."""
    if not progress:
        yield lambda count: None
        return
    from tqdm import tqdm  # type: ignore[import-untyped,unused-ignore]

    with tqdm(
        desc=url.rpartition("/")[2][:40],
        initial=start,
        total=total,
        unit="B",
        unit_scale=True,
        delay=_BAR_DELAY,
        mininterval=0.2 if sys.stderr.isatty() else 10,
        file=sys.stderr,
    ) as bar:
        yield bar.update
