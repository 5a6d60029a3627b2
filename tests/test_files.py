"""Files are whole or not there; kept ones show when they were damaged, and heal."""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tlzoo.errors import InputError, UnavailableError
from tlzoo.files import cached, damage, writable_folder, write_whole


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_whole(path, lambda file: file.write_text("old"))

    def fail(file: Path) -> None:
        file.write_text("ne")
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        write_whole(path, fail)
    assert path.read_text() == "old"
    write_whole(path, lambda file: file.write_text("new"))
    assert path.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_permissions_are_those_of_new_files(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()

    def private(file: Path) -> None:
        file.touch()
        file.chmod(0o600)

    write_whole(tmp_path / "a.bin", private)
    assert (tmp_path / "a.bin").stat().st_mode == (tmp_path / "plain").stat().st_mode


class Pot:
    """A kept file, or a folder with two, and how often it was made."""

    def __init__(self, path: Path, is_folder: bool) -> None:
        self.path, self.is_folder, self.made = path, is_folder, 0
        self.inside = path / "a.txt" if is_folder else path

    def get(self) -> str:
        def make(path: Path) -> None:
            self.made += 1
            if self.is_folder:
                (path / "deep").mkdir(parents=True)
                (path / "deep" / "b.txt").write_text("b")
                path = path / "a.txt"
            path.write_text("content")

        assert cached(self.path, make, "a pot") == self.path
        return self.inside.read_text()


@pytest.fixture(params=[False, True], ids=["file", "folder"])
def pot(request: pytest.FixtureRequest, tmp_path: Path) -> Pot:
    return Pot(tmp_path / "kept" / "pot [1]", request.param)


def test_what_is_kept_is_made_once(pot: Pot, capsys: pytest.CaptureFixture[str]) -> None:
    assert [pot.get() for _ in range(3)] == ["content"] * 3
    assert pot.made == 1
    assert capsys.readouterr().err == ""
    assert not list(pot.path.parent.glob(".*"))


def flip(pot: Pot) -> None:
    content = bytearray(pot.inside.read_bytes())
    content[3] ^= 1
    pot.inside.write_bytes(content)


DAMAGES: dict[str, Callable[[Pot], object]] = {
    "flipped": flip,
    "cut": lambda pot: os.truncate(pot.inside, 3),
    "empty": lambda pot: os.truncate(pot.inside, 0),
    "foreign": lambda pot: shutil.copyfile(__file__, pot.inside),
    "no checksum": lambda pot: pot.path.with_name(pot.path.name + ".sha256").unlink(),
    "flipped checksum": lambda pot: pot.path.with_name(pot.path.name + ".sha256").write_bytes(b"\xff\x1b" * 80),
    "empty checksum": lambda pot: os.truncate(pot.path.with_name(pot.path.name + ".sha256"), 0),
}


@pytest.mark.parametrize("damaging", DAMAGES.values(), ids=DAMAGES)
def test_what_was_damaged_is_made_anew_with_a_line(
    pot: Pot, damaging: Callable[[Pot], object], capsys: pytest.CaptureFixture[str]
) -> None:
    pot.get()
    damaging(pot)
    assert [pot.get(), pot.get()] == ["content"] * 2
    assert pot.made == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"{pot.path}: ") and lines[0].endswith("; a pot: made anew")
    assert "checksum" in lines[0]


def test_a_folder_with_a_file_too_few_or_too_many_is_damaged(tmp_path: Path) -> None:
    pot = Pot(tmp_path / "pot", True)
    pot.get()
    (pot.path / "deep" / "c.txt").write_text("c")
    assert damage(pot.path) == "pot/deep/c.txt differs from its checksum"
    pot.get()
    (pot.path / "deep" / "b.txt").unlink()
    assert damage(pot.path) == "pot/deep/b.txt differs from its checksum"


def test_sha256sum_checks_what_is_kept(pot: Pot) -> None:
    pot.get()
    sums = pot.path.name + ".sha256"
    subprocess.run(["sha256sum", "--check", "--strict", sums], cwd=pot.path.parent, check=True, capture_output=True)


def test_what_could_not_be_made_leaves_nothing(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        path.write_text("half")
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        cached(tmp_path / "pot", fail, "a pot")
    assert not (tmp_path / "pot").exists()
    assert not list(tmp_path.glob("*.part"))


def test_leftovers_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    pot = Pot(tmp_path / "pot", False)
    (tmp_path / ".pot.01234567.part").mkdir()
    (tmp_path / ".pot.01234567.part" / "pot").write_text("half")
    pot.get()
    assert not (tmp_path / ".pot.01234567.part").exists()


def test_two_who_ask_at_once_make_it_once(tmp_path: Path) -> None:
    pot = Pot(tmp_path / "pot", False)
    threads = [threading.Thread(target=pot.get) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pot.made == 1


def test_a_full_cache_may_be_read_only(small_disk: Path, pot: Pot) -> None:
    pot = Pot(small_disk / "kept" / "pot", pot.is_folder)
    pot.get()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert pot.get() == "content"
    other = Pot(small_disk / "kept" / "other", pot.is_folder)
    with pytest.raises(UnavailableError, match=r"other: cannot be written \(Read-only file system\); set TLZOO_CACHE"):
        other.get()


def test_a_full_disk_is_one_line(small_disk: Path) -> None:
    with pytest.raises(UnavailableError, match=r"pot: cannot be written \(the disk is full\); set TLZOO_CACHE"):
        cached(small_disk / "pot", lambda path: path.write_bytes(bytes(1 << 20)), "a pot")
    assert not list(small_disk.glob("*.part"))


def test_a_folder_is_tried_before_work_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert writable_folder(Path("~/deep/out"), "--out") == tmp_path / "deep" / "out"
    assert list((tmp_path / "deep" / "out").iterdir()) == []
    (tmp_path / "file").touch()
    for wrong in (tmp_path / "file", tmp_path / "file" / "deeper", Path("/proc/out"), Path("/proc")):
        with pytest.raises(InputError, match=rf"--out {wrong}: cannot be written \(.+\); name a folder that can be"):
            writable_folder(wrong, "--out")


def test_a_full_disk_is_seen_before_work_is_done(small_disk: Path) -> None:
    folder = small_disk / "out"
    folder.mkdir()
    with pytest.raises(OSError, match="No space"), open(small_disk / "fill", "wb") as file:
        file.write(bytes(1 << 20))
    with pytest.raises(InputError, match="the disk is full"):
        writable_folder(folder, "--out")
