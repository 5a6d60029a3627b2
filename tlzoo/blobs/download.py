"""Downloads over HTTP(S) that resume where the last one stopped, and end where too much comes, or too slowly."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tlzoo.blobs.limits import Pace, oversize
from tlzoo.blobs.places import PlaceError, check_redirect, is_url
from tlzoo.errors import UnavailableError

if TYPE_CHECKING:
    import urllib.request
    from http.client import HTTPMessage

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 30.0
_ANSWER_SECONDS = 60.0  # until an answer has its status and headers
_ATTEMPTS = 3
_CHUNK = 1 << 16
_BAR_DELAY = 0.5  # seconds before a bar shows, so that small files stay silent


def download(url: str, part: Path, *, size: int | None = None, progress: bool = True) -> None:
    """Download a file into a part file, going on from what the part already holds.

    Args:
        url: Where to ask.
        part: The file to write. Bytes that it already has are taken as the file's beginning and not asked for again;
            it stays there when the download fails, so that a later call can resume.
        size: The file's size in bytes, where known: no more is read. Without it at most `tlzoo.blobs.limits.maximum`.
        progress: Whether a bar is shown on stderr.

    Raises:
        PlaceError: If the server does not deliver.
        UnavailableError: If the disk has no room; the part is removed if it filled the disk.
        OSError: If the part cannot be written.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return _get(url, part, size, progress)
        except PlaceError as failure:
            if not failure.again or attempt + 1 == _ATTEMPTS:
                raise
        time.sleep(0.5 * 2**attempt)


def no_room(where: Path, needed: int | None) -> UnavailableError:
    """Build the error for a full disk.

    Args:
        where: The file or folder that could not be written.
        needed: How many bytes it takes, where known.

    Returns:
        An error that names both.
    """
    needs = f"{needed:,} bytes are needed" if needed is not None else "it takes more than is free"
    return UnavailableError(f"{where}: the disk is full, {needs}; free some, or set TLZOO_CACHE to another disk")


def check_room(folder: Path, needed: int) -> None:
    """Refuse to begin what the disk has no room for.

    Args:
        folder: Where it goes; it may not be there yet.
        needed: Bytes that it takes.

    Raises:
        UnavailableError: There is less room.
    """
    there = next(each for each in (folder, *folder.absolute().parents) if each.is_dir())
    if needed > shutil.disk_usage(there).free:
        raise no_room(folder, needed)


def _get(url: str, part: Path, size: int | None, progress: bool) -> None:
    """Ask once for what is still missing, and append it to the part."""
    import http.client
    import urllib.error
    import urllib.request

    if not is_url(url):
        raise PlaceError("only http and https are asked")
    start = part.stat().st_size if part.exists() else 0
    if size is not None and start > size:  # of another file
        part.unlink()
        start = 0
    headers = {"User-Agent": "tlzoo", "Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the scheme was checked above
        with _opener().open(request, timeout=_CONNECT_SECONDS) as response:
            if response.status != 206:
                start = 0  # the server ignored the range: from the beginning
            elif not re.match(rf"bytes {start}-", response.headers.get("Content-Range", "")):
                part.unlink()
                raise PlaceError("answered another range than was asked", again=True)
            length = response.headers.get("Content-Length", "")
            if length and not re.fullmatch(r"[0-9]{1,18}", length):
                raise PlaceError(f"answered Content-Length: {length[:40]}, which is no number of bytes")
            total = start + int(length) if length else size
            if total is not None:
                if failure := oversize(total, size):
                    raise failure
                check_room(part.parent, total - start)
            done, pace = start, Pace()
            with open(part, "ab" if start else "wb") as file, _bar(url, start, total, progress) as advance:
                while chunk := response.read1(_CHUNK):
                    done += len(chunk)
                    if failure := oversize(done, size):
                        part.unlink()
                        failure.again = start > 0  # perhaps only the part was of another file
                        raise failure
                    file.write(chunk)
                    advance(len(chunk))
                    pace.note(len(chunk))
            if total is not None and done < total:
                raise PlaceError(f"interrupted after {done:,} of {total:,} bytes; fetch again to resume", again=True)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # what is here is no beginning of what is there
            part.unlink(missing_ok=True)
        again = error.code in (408, 416, 429) or error.code >= 500
        raise PlaceError(f"HTTP {error.code} {error.reason}", again=again) from error
    except urllib.error.URLError as error:
        told = getattr(error.reason, "strerror", None) or error.reason
        raise PlaceError(f"cannot be reached: {told}", unreachable=True) from error
    except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
        done = part.stat().st_size if part.exists() else 0
        told = f"interrupted after {done:,} bytes ({type(error).__name__}); fetch again to resume"
        raise PlaceError(told, again=True) from error
    except ValueError as error:  # of an address or a header that is none
        raise PlaceError(f"answered what cannot be read: {error}") from error


def _opener() -> urllib.request.OpenerDirector:
    """Open URLs with a short wait for the connection, a longer one for the data, and a look at redirects beforehand."""
    import http.client
    import ssl
    import urllib.request

    class Http(http.client.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            self.sock.settimeout(_READ_SECONDS)

        def getresponse(self) -> http.client.HTTPResponse:
            with _hung_up_after(_ANSWER_SECONDS, self.sock):
                return super().getresponse()

    class Https(Http, http.client.HTTPSConnection):
        pass

    class Redirects(urllib.request.HTTPRedirectHandler):
        def redirect_request(
            self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
        ) -> urllib.request.Request | None:
            fp.close()  # what it says besides is not read
            check_redirect(req.full_url, newurl)
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    context = ssl.create_default_context()
    if "SSL_CERT_FILE" not in os.environ and importlib.util.find_spec("certifi"):
        import certifi

        context.load_verify_locations(certifi.where())

    class HttpHandler(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Http, req)

    class HttpsHandler(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Https, req, context=context)

    return urllib.request.build_opener(HttpHandler, HttpsHandler, Redirects)


@contextlib.contextmanager
def _hung_up_after(seconds: float, connection: socket.socket) -> Iterator[None]:
    """End a connection whose answer does not begin; each single wait for it may be short.

    Raises:
        TimeoutError: It was ended.
    """
    over = threading.Event()

    def hang_up() -> None:
        over.set()
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if over.is_set():  # what came until then is no answer
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
