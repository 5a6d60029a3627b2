"""A server of one file, which misbehaves on request; and what tests of blobs share."""

import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tlzoo.blobs import Blob, fetch
from tlzoo.errors import UnavailableError

ROOT = Path(__file__).resolve().parents[2]
CONTENT = bytes(range(256)) * 1024  # 256 KiB


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


SHA = digest(CONTENT)
OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


class Server:
    """Serves one content at every path, misbehaves on request, and counts what it sent.

    Attributes:
        content: What is served.
        status: The status of every answer; 0 for the natural one.
        ranges: Whether ranges are honoured.
        cut: After how many body bytes the connection is closed; once, or for every answer.
        length: Whether Content-Length is told.
        pace: Seconds between chunks.
        seen: The paths asked for, with the Range header.
        sent: Body bytes sent so far.
        location: Where a redirect points to.
        logins: The Authorization headers of requests.
    """

    def __init__(self) -> None:
        self.content, self.status, self.ranges, self.length, self.pace = CONTENT, 0, True, True, 0.0
        self.cut: int | None = None
        self.seen: list[tuple[str, str | None]] = []
        self.sent, self.location = 0, ""
        self.logins: list[str | None] = []
        handler = type("Answers", (Handler,), {"owner": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


class Handler(BaseHTTPRequestHandler):
    owner: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        owner, asked = self.owner, self.headers.get("Range")
        owner.seen.append((self.path, asked))
        owner.logins.append(self.headers.get("Authorization"))
        body, headers, status = owner.content, {}, owner.status or 200
        match = re.fullmatch(r"bytes=(\d+)-", asked or "")
        if match and owner.ranges and status == 200:
            start = int(match[1])
            if start >= len(body):
                status, body = 416, b""
            else:
                headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
                status, body = 206, body[start:]
        self.send_response(status)
        if owner.location:
            headers["Location"] = owner.location
        if owner.length:
            headers["Content-Length"] = str(len(body))
        for name, value in {**headers, "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        body = body[: owner.cut]
        for begin in range(0, len(body), 16384):
            chunk = body[begin : begin + 16384]
            owner.sent += len(chunk)  # before it is: who has received it may ask for the count at once
            try:
                self.wfile.write(chunk)
            except ConnectionError:
                owner.sent -= len(chunk)
                return  # nobody wants more
            if owner.pace:
                threading.Event().wait(owner.pace)

    def log_message(self, *arguments: Any) -> None:
        pass


def mirrored(folder: Path, content: bytes = CONTENT, sha256: str = SHA, name: str = "f.bin") -> Path:
    path = folder / sha256 / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def refusal(blob: Blob) -> str:
    with pytest.raises(UnavailableError) as caught:
        fetch(blob, progress=False)
    assert "\n" not in str(caught.value)
    return str(caught.value)
