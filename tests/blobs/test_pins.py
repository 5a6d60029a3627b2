"""Files without a hash: the first download is recorded, and a later difference refused; by the Hub's own client."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.file_server import ROOT
from tests.support.hub_server import Hub, sha256
from tlzoo.blobs import pins
from tlzoo.blobs.places import PlaceError

PLACE = "hub:owner/name@main/weights.bin"
FETCH = """
import sys
from tlzoo.blobs import Blob, fetch
from tlzoo.errors import TlzooError
try:
    print(fetch(Blob("weights.bin", (sys.argv[1],), license="mit")))
except TlzooError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    file = tmp_path / "hub" / "models" / "owner" / "name" / "weights.bin"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"weights" * 30_000)
    with Hub(tmp_path / "hub") as running:
        yield running


def fetch(hub: Hub, home: Path, place: str = PLACE, **more: str) -> subprocess.CompletedProcess[str]:
    environment = hub.environment(home) | more
    command = [sys.executable, "-c", FETCH, place]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, cwd=ROOT)


def weights(hub: Hub) -> Path:
    return hub.root / "models" / "owner" / "name" / "weights.bin"


def book(home: Path) -> Path:
    return home / "tlzoo" / "pins.json"


def test_the_first_download_is_announced_and_recorded_and_then_that_commit_is_used(hub: Hub, tmp_path: Path) -> None:
    done = fetch(hub, tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"download: weights.bin, 210 kB, from {PLACE}, licence mit\n" in done.stderr
    commit, hash_ = hub.commit("models", "owner/name"), sha256(weights(hub))
    pin = {"revision": commit, "sha256": hash_, "bytes": 210_000, "date": f"{datetime.now(UTC):%Y-%m-%d}"}
    assert json.loads(book(tmp_path).read_text()) == {PLACE: pin}
    weights(hub).write_bytes(b"another" * 30_000)  # main moves on
    again = fetch(hub, tmp_path)
    assert again.stdout == done.stdout and "download:" not in again.stderr
    assert sha256(Path(again.stdout.strip())) == hash_


def test_other_bytes_are_refused_in_one_line_with_both_hashes_and_the_way_out(hub: Hub, tmp_path: Path) -> None:
    assert fetch(hub, tmp_path).returncode == 0
    known = json.loads(book(tmp_path).read_text())
    first = sha256(weights(hub))
    weights(hub).write_bytes(b"another" * 30_000)
    known[PLACE]["revision"] = hub.commit("models", "owner/name")  # the same commit, with other bytes
    book(tmp_path).write_text(json.dumps(known))
    done = fetch(hub, tmp_path)
    *_, line = done.stderr.splitlines()
    assert done.returncode == 1 and line == (
        f"HashMismatchError: weights.bin is not available: {PLACE}: wrong sha256: expected {first}, as on "
        f"{known[PLACE]['date']}, got {sha256(weights(hub))}; if the new file is right, delete the entry of this place "
        f"in {book(tmp_path)}"
    ), done.stderr
    del known[PLACE]
    book(tmp_path).write_text(json.dumps(known))
    assert fetch(hub, tmp_path).returncode == 0
    assert json.loads(book(tmp_path).read_text())[PLACE]["sha256"] == sha256(weights(hub))


def test_offline_the_file_of_the_hubs_client_is_compared_too_and_nobody_is_asked(hub: Hub, tmp_path: Path) -> None:
    path = Path(fetch(hub, tmp_path).stdout.strip())
    asked = len(hub.requests)
    assert fetch(hub, tmp_path, HF_HUB_OFFLINE="1").stdout.strip() == str(path)
    path.resolve().write_bytes(b"damaged")
    done = fetch(hub, tmp_path, HF_HUB_OFFLINE="1")
    assert "HashMismatchError: weights.bin is not available" in done.stderr
    assert "the network: not asked, offline" in done.stderr and len(hub.requests) == asked


def test_a_record_that_is_damaged_is_named_and_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    for text in ("{", "[]", '{"hub:a/b/c": 1}', json.dumps({PLACE: {"hash": "0"}})):
        path.write_text(text)
        with pytest.raises(PlaceError, match=str(path)):
            pins.find(path, PLACE)


def test_another_revision_is_written_into_a_place() -> None:
    at = pins.at_revision("hub:datasets/owner/name/a/b.bin", "f" * 40)
    assert at == f"hub:datasets/owner/name@{'f' * 40}/a/b.bin"
    assert pins.at_revision(PLACE, "f" * 40) == f"hub:owner/name@{'f' * 40}/weights.bin"


def test_several_processes_record_all_of_theirs(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from tlzoo.blobs import pins
for i in range(20):
    pins.check(Path(sys.argv[1]), f"hub:owner/name@main/{sys.argv[2]}{i}", Path(sys.argv[1]).parent / "f", "0" * 64)
"""
    (tmp_path / "f").write_bytes(b"")
    command = [sys.executable, "-c", code, str(tmp_path / "pins.json")]
    running = [subprocess.Popen([*command, name], cwd=ROOT, env=os.environ) for name in ("a", "b")]
    assert [process.wait(60) for process in running] == [0, 0]
    assert len(pins.every(tmp_path / "pins.json")) == 40
