import io
import tarfile
from pathlib import Path

import pytest

from tlzoo.blobs import sha256_of
from tlzoo.blobs.archives import MAX_HEADER_BYTES, contents, repack, unpack
from tlzoo.blobs.places import PlaceError
from tlzoo.errors import UnavailableError


def packed(path: Path, files: dict[str, bytes], **fields: object) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for field, value in fields.items():
                setattr(member, field, value)
            tar.addfile(member, io.BytesIO(content))
    return path


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "unpacked").mkdir()
    return tmp_path / "unpacked"


def test_files_and_folders_are_unpacked(tmp_path: Path, folder: Path) -> None:
    files = {"pets/cat/1.txt": b"cat", "pets/dog/1.txt": b"dog" * 1000}
    unpack(packed(tmp_path / "pets.tar.gz", files), folder)
    assert {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()} == files


def test_an_archive_that_is_small_only_when_packed_is_refused(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = packed(tmp_path / "zeros.tar.gz", {f"{i}.bin": bytes(1_000_000) for i in range(30)})
    assert archive.stat().st_size < 100_000
    unpack(archive, folder)  # little enough for any archive
    limit = 100 * archive.stat().st_size
    monkeypatch.setattr("tlzoo.blobs.archives.MIN_LIMIT_BYTES", 1_000)
    (tmp_path / "second").mkdir()
    with pytest.raises(PlaceError, match=r"zeros.tar.gz: [\d,]+ bytes or more when unpacked, over 100 times its own"):
        unpack(archive, tmp_path / "second")
    assert size_of(tmp_path / "second") <= limit


def test_many_empty_files_count_too(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tlzoo.blobs.archives.MIN_LIMIT_BYTES", 1_000)
    monkeypatch.setattr("tlzoo.blobs.archives.MAX_RATIO", 10)
    archive = packed(tmp_path / "empty.tar.gz", {f"{i:05}": b"" for i in range(5_000)})
    with pytest.raises(PlaceError, match="when unpacked"):
        unpack(archive, folder)
    assert 0 < len(list(folder.iterdir())) < 5_000


@pytest.mark.parametrize("name", ["../outside", "/outside"])
def test_nothing_is_written_outside_of_the_folder(tmp_path: Path, folder: Path, name: str) -> None:
    archive = packed(tmp_path / "a.tar.gz", {name: b"x"})
    if name.startswith("/"):
        unpack(archive, folder)  # read as a relative name
        assert (folder / "outside").read_bytes() == b"x"
    else:
        with pytest.raises(PlaceError, match=r"a.tar.gz cannot be unpacked: .*outside the destination"):
            unpack(archive, folder)
    assert {path.name for path in tmp_path.iterdir()} == {"a.tar.gz", "unpacked"}


def test_a_link_to_the_outside_and_damaged_archives_are_refused(tmp_path: Path, folder: Path) -> None:
    whole = packed(tmp_path / "a.tar.gz", {"a": bytes(range(256)) * 1000})
    whole.write_bytes(whole.read_bytes()[:200])
    (tmp_path / "text.tar").write_text("not an archive")
    header = packed(tmp_path / "header.tar.gz", {"a": bytes(MAX_HEADER_BYTES + 1)}, type=tarfile.GNUTYPE_LONGNAME)
    for archive in (whole, tmp_path / "text.tar", header):
        with pytest.raises(PlaceError, match=f"{archive.name} cannot be unpacked: "):
            unpack(archive, folder)
    archive = packed(tmp_path / "a.tar.gz", {"link": b""}, type=tarfile.SYMTYPE, linkname="../../secret")
    with pytest.raises(PlaceError, match=r"a.tar.gz cannot be unpacked: .*outside the destination"):
        unpack(archive, folder)


def test_a_member_larger_than_the_disk_is_not_begun(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 999}))
    with pytest.raises(UnavailableError, match="the disk is full, 1,000 bytes are needed"):
        unpack(packed(tmp_path / "a.tar.gz", {"a": bytes(1_000)}), folder)
    assert list(folder.iterdir()) == []


FILES = {"repo-1a2b/cells/b/2.txt": b"two", "repo-1a2b/cells/a.txt": b"one", "repo-1a2b/README": b"words"}


def test_a_folder_is_packed_alike_however_its_archive_was(tmp_path: Path) -> None:
    repack(packed(tmp_path / "a.tar.gz", FILES, mtime=1, uname="me"), "cells", tmp_path / "a.tar")
    others = {name.replace("1a2b", "9f"): content for name, content in reversed(FILES.items()) if "cells" in name}
    with tarfile.open(packed(tmp_path / "b.tar.gz", others, mtime=2, mode=0o755)) as tar:
        members = [(member, tar.extractfile(member)) for member in tar]
        with tarfile.open(tmp_path / "b.tar.xz", "w:xz") as other:
            for member, content in members:
                other.addfile(member, content)
            link = tarfile.TarInfo("repo-9f/cells/link")
            link.type, link.linkname = tarfile.SYMTYPE, "a.txt"
            other.addfile(link)
    repack(tmp_path / "b.tar.xz", "cells", tmp_path / "b.tar")
    assert contents(tmp_path / "a.tar") == contents(tmp_path / "b.tar") == {"a.txt": b"one", "b/2.txt": b"two"}
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    assert (
        sha256_of(tmp_path / "a.tar") == "843835e008db880970613acd406f4e59ea9034dbdc4eda14a5d7e16efb875156"
    )  # of any version of Python
    repack(packed(tmp_path / "c.tar.gz", FILES | {"repo-1a2b/cells/a.txt": b"One"}), "cells", tmp_path / "c.tar")
    assert sha256_of(tmp_path / "c.tar") != sha256_of(tmp_path / "a.tar")


def test_a_folder_that_is_not_there_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.tar.gz", FILES)
    with pytest.raises(PlaceError, match="the archive has no folder 'masks'"):
        repack(archive, "masks", tmp_path / "a.tar")
    assert list(tmp_path.iterdir()) == [archive]
