import base64
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.file_server import CONTENT, OK, ROOT, SHA, Server, digest, mirrored, refusal
from tlzoo import blobs
from tlzoo.blobs import Blob, HashMismatchError, archives, fetch, places, sha256_of
from tlzoo.errors import InputError, UnavailableError


def left(cache: Path, content: bytes) -> Path:
    """What is left of a download of another time."""
    (part := cache / "parts" / f"{SHA}.part").parent.mkdir(parents=True)
    part.write_bytes(content)
    return part


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
    part = left(cache, CONTENT[:100_000])
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


@pytest.mark.parametrize("part", [CONTENT[:5000], b"x" * 5000, CONTENT + b"more", CONTENT])
@pytest.mark.parametrize("ranges", [True, False])
def test_what_is_left_of_another_time_never_spoils_a_download(
    server: Server, cache: Path, part: bytes, ranges: bool
) -> None:
    server.ranges = ranges
    left(cache, part)
    assert fetch(Blob("f.bin", (f"{server.url}/f.bin",), SHA)).read_bytes() == CONTENT
    if part == CONTENT:
        assert server.seen == []
    elif not ranges:
        assert server.sent == len(CONTENT)  # taken as the whole file at once, not appended and then done over


def test_a_part_that_is_larger_than_the_file_is_no_beginning(server: Server, cache: Path) -> None:
    left(cache, b"x" * (len(CONTENT) + 1))
    assert fetch(Blob("f", (f"{server.url}/f",), SHA, len(CONTENT))).read_bytes() == CONTENT
    assert server.seen == [("/f", None)]


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


def test_a_redirect_is_judged_before_it_is_followed(raw: Callable[..., str], server: Server) -> None:
    """Nobody is asked at a refused one, and what a redirect says besides, here without an end, is not read."""
    url = raw(b"HTTP/1.1 302 Found\r\nLocation: http://example.org/f\r\n\r\n", b"x" * 65536, repeat=True)
    assert "redirected to http://example.org/f, which is not https" in refusal(Blob("f", (f"{url}/f",), SHA))
    url = raw(b"HTTP/1.1 302 Found\r\nLocation: http://[bad/f\r\nContent-Length: 0\r\n\r\n")
    assert "the answer cannot be read: Invalid IPv6 URL" in refusal(Blob("f", (f"{url}/f",), SHA))
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


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        *(
            (OK + f"Content-Length: {length}\r\n\r\nx".encode(), "interrupted after 0 bytes (bad Content-Length)")
            for length in ("abc", "-5", "1e3", "9" * 30, "0x10")
        ),
        *((text, "") for text in (b"", b"\0" * 100, b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"x" * 99_000)),
    ],
)
def test_what_is_no_answer_is_one_line(raw: Callable[..., str], answer: bytes, reason: str) -> None:
    line = refusal(Blob("f", (f"{raw(answer)}/f",), SHA))
    assert "is not available" in line and reason in line


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


def commit(folder: Path, **files: str) -> bytes:
    """An archive of a commit with these files in a folder."""
    for name, text in files.items():
        (folder / "cells").mkdir(exist_ok=True)
        (folder / "cells" / name).write_text(text)
    with tarfile.open(folder / "commit.tar.gz", "w:gz") as tar:
        tar.add(folder / "cells", "repo-0a1b/cells")
    return (folder / "commit.tar.gz").read_bytes()


def test_a_folder_of_an_archive_is_one_file_known_by_its_hash(server: Server, cache: Path, tmp_path: Path) -> None:
    server.content = commit(tmp_path, one="1", two="22")
    archives.repack(tmp_path / "commit.tar.gz", "cells", tmp_path / "cells.tar")
    place = f"{server.url}/tar.gz/0a1b#cells"
    blob = Blob("cells.tar", (place,), sha256_of(tmp_path / "cells.tar"))
    path = fetch(blob, progress=False)
    assert archives.contents(path) == {"one": b"1", "two": b"22"}
    assert [asked for asked, _ in server.seen] == ["/tar.gz/0a1b"]
    assert list((cache / "parts").iterdir()) == []
    path.unlink()
    server.content = commit(tmp_path, one="1", two="23")
    assert refusal(blob).startswith(f"cells.tar is not available: {place}: wrong sha256: expected {blob.sha256}, got ")
    with pytest.raises(HashMismatchError):
        fetch(blob, progress=False)
    assert "has no folder 'masks'" in refusal(Blob("cells.tar", (f"{server.url}/0a1b#masks",), blob.sha256))
    server.content = b"no archive"
    assert "cannot be unpacked" in refusal(blob)
    assert list((cache / "parts").iterdir()) == []
