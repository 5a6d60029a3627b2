"""Results on a person's own data stay, unless they are asked for."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.publish.conftest import Command, Result
from tests.support.hub_writes import WritableHub
from tlzoo.data.named import DATASETS
from tlzoo.leaderboard.store import Store
from tlzoo.publish.own import is_own


@pytest.fixture
def mixed(out: Path, result: Result) -> Path:
    """Results on named data, on a folder of one's own, and on one that is called like named data."""
    store = Store(out / "results")
    store.write([result("yamnet", "probe", 0.6, dataset="anna-voices", dataset_source="folder", run_id="own")])
    store.write([result("crepe", "full", 0.7, dataset="old-voices", run_id="old")])
    digits = result("yamnet", "full", 0.7, dataset="digits", dataset_source="folder", dataset_fingerprint="g")
    store.write([digits | {"run_id": "alike"}])
    return out


NAMED, OWN = {"spoken-digits", "hub:someone/sounds@v1"}, ("anna-voices", "digits", "old-voices")


def published(hub: WritableHub, table: str) -> set[str]:
    home = hub.home("datasets", "me/tlzoo-results")
    return set(pq.read_table(home / "data" / f"{table}.parquet")["dataset"].to_pylist())


def test_own_results_stay_here_and_that_is_said(hub: WritableHub, tlzoo: Command, mixed: Path) -> None:
    planned = tlzoo("results", "--to", "me", "--out", mixed, "--dry-run", token="")
    assert planned.returncode == 0, planned.stderr
    for line in (
        "  data    spoken-digits, 4 results",
        "  data    hub:someone/sounds@v1, 1 result",
        *(f"  left out: {name} (your own data), 1 result; --include-own-data publishes them" for name in OWN),
    ):
        assert line in planned.stdout.splitlines(), planned.stdout
    assert tlzoo("results", "--to", "me", "--out", mixed).returncode == 0
    for table in ("results", "leaderboard"):
        assert published(hub, table) == NAMED
    readme = hub.home("datasets", "me/tlzoo-results") / "README.md"
    assert "voices" not in readme.read_text()


def test_own_results_are_published_where_they_are_asked_for(hub: WritableHub, tlzoo: Command, mixed: Path) -> None:
    done = tlzoo("results", "--to", "me", "--out", mixed, "--include-own-data")
    assert done.returncode == 0, done.stderr
    assert "  data    anna-voices (your own data), 1 result" in done.stdout.splitlines()
    assert "left out" not in done.stdout
    assert published(hub, "results") == NAMED | set(OWN)


def test_cards_do_not_tell_of_them_either(hub: WritableHub, tlzoo: Command, mixed: Path) -> None:
    done = tlzoo("cards", "yamnet", "--to", "me", "--out", mixed)
    assert done.returncode == 0, done.stderr
    assert "left out: anna-voices (your own data), 1 result; --include-own-data publishes them\n" in done.stderr
    assert "  data    spoken-digits, 2 results" in done.stdout.splitlines()
    home = hub.home("models", "me/tlzoo-yamnet")
    assert not any("anna" in path.read_text() for path in home.rglob("*") if path.is_file())
    assert tlzoo("cards", "yamnet", "--to", "me", "--out", mixed, "--include-own-data").returncode == 0
    assert "anna-voices" in (home / "README.md").read_text()


def test_where_all_results_are_ones_own_there_is_nothing_to_publish(
    tlzoo: Command, tmp_path: Path, result: Result
) -> None:
    Store(tmp_path / "mine" / "results").write([result("yamnet", "probe", 0.6, dataset="anna-voices")])
    done = tlzoo("results", "--to", "me", "--out", tmp_path / "mine")
    assert done.returncode == 2
    assert "all results are on your own data (anna-voices), which stay here; --include-own-data" in done.stderr


def test_whose_data_are() -> None:
    assert not any(map(is_own, [*DATASETS, "hub:someone/sounds@v1", f"{next(iter(DATASETS))}-text"]))
    assert is_own("my-voices") and is_own("digits-final") and is_own("")
    assert is_own("digits", "folder") and not is_own("my-voices", "hub")
