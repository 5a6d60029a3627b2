import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.file_server import CONTENT, ROOT, SHA, Server, digest, mirrored
from tlzoo import blobs
from tlzoo.blobs import Blob, HashMismatchError, cached, copy_to, fetch, mirrors, sha256_of
from tlzoo.errors import InputError, UnavailableError


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
    line = f"{tmp_path / 'm'}: wrong sha256: expected {SHA}, got {digest(b'something else')}; {server.url}/f.bin: HTTP"
    with pytest.raises(HashMismatchError, match=re.escape(f"{line} 404")):
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
    line = f"{re.escape(str(tmp_path))}: not there; the network: not asked, offline"
    with pytest.raises(UnavailableError, match=line):
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
