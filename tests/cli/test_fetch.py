"""``tlzoo fetch``: what it says before a download, and pins that a maintainer commits; through the Hub's own client."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hub_server import Hub, sha256
from tests.support.shared import banking77
from tlzoo.cards import catalogue
from tlzoo.cards.reader import read
from tlzoo.data.published import files_of

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = "nghuyong/ernie-2.0-base-en"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """The files that ERNIE's card names, with other contents."""
    home = tmp_path / "hub" / "models" / REPOSITORY
    home.mkdir(parents=True)
    for file in catalogue.get("ernie").files():
        (home / file.name).write_bytes(file.name.encode() * (20_000 if file.name.endswith(".bin") else 1))
    with Hub(tmp_path / "hub") as running:
        yield running


def fetch(hub: Hub, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tlzoo", "fetch", *arguments]
    return subprocess.run(
        command, env=hub.environment(home), capture_output=True, text=True, timeout=200, cwd=ROOT, check=False
    )


def test_each_file_is_announced_and_lock_writes_the_pins_into_the_cards_of_a_checkout(hub: Hub, tmp_path: Path) -> None:
    card = catalogue.get_file("ernie")
    checkout = tmp_path / "zoo_cards"
    for path in catalogue.paths():
        target = checkout / Path(*path.parts[-3:])
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    locked = checkout / Path(*card.path.parts[-3:])
    done = fetch(hub, tmp_path, "ernie", "--lock", str(checkout))
    assert done.returncode == 0, done.stderr
    for file in card.card.files():
        size = f"{20_000 * len(file.name) / 1e3:.0f} kB" if file.name.endswith(".bin") else f"{len(file.name)} bytes"
        assert f"download: {file.name}, {size}, from {file.places[0]}, licence apache-2.0\n" in done.stderr
    commit = hub.commit("models", REPOSITORY)
    for file in read(locked).card.files():
        path = hub.root / "models" / REPOSITORY / file.name
        assert (file.sha256, file.bytes) == (sha256(path), path.stat().st_size)
        assert file.places == (f"hub:{REPOSITORY}@{commit}/{file.name}",)
    others = [p for p in checkout.rglob("*.md") if p != locked]
    assert all(p.read_bytes() == (card.path.parents[2] / Path(*p.parts[-3:])).read_bytes() for p in others)
    before = locked.read_text()
    again = fetch(hub, tmp_path, "ernie", "--lock", str(checkout))
    assert "download:" not in again.stderr and locked.read_text() == before


def test_offline_fetches_nothing_and_says_so(hub: Hub, tmp_path: Path) -> None:
    done = fetch(hub, tmp_path, "ernie", "--offline")
    assert done.returncode == 1 and hub.requests == []
    assert done.stderr.count("the network: not asked, offline") == len(list(catalogue.get("ernie").files()))


def test_a_mirror_of_a_data_set_is_made_from_its_files(tmp_path: Path) -> None:
    served = banking77(tmp_path)
    command = [
        sys.executable,
        "-m",
        "tlzoo",
        "fetch",
        "--data",
        "banking77",
        "--to",
        str(tmp_path / "mine"),
        "--offline",
    ]
    environment = {**os.environ, "TLZOO_MIRROR": str(served), "TLZOO_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    copies = {str(path.relative_to(tmp_path / "mine")): sha256(path) for path in (tmp_path / "mine").rglob("*.csv")}
    assert copies == {f"{file.sha256}/{file.name}": file.sha256 for file in files_of("banking77")}
    assert [line.split("\t")[:2] for line in done.stdout.splitlines()] == [
        ["banking77", file.sha256] for file in files_of("banking77")
    ]


@pytest.mark.parametrize(
    "arguments", [[], ["ernie", "--all"], ["--all", "--task", "text-classification"], ["ernie", "--data", "fsdd"]]
)
def test_one_choice_of_models(hub: Hub, tmp_path: Path, arguments: list[str]) -> None:
    done = fetch(hub, tmp_path, *arguments)
    assert done.returncode == 2 and "fetch takes one of: the id of a card, --task TASK, or --all" in done.stderr


def test_a_folder_without_the_cards_is_refused(hub: Hub, tmp_path: Path) -> None:
    done = fetch(hub, tmp_path, "ernie", "--lock", str(tmp_path))
    assert done.returncode == 2 and f"--lock {tmp_path}: no card there of those fetched" in done.stderr
