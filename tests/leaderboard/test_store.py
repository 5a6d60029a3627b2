import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.boards import Maker, board_of
from tlzoo.errors import InputError
from tlzoo.leaderboard.ranking import board
from tlzoo.leaderboard.schema import BOARD, RESULT
from tlzoo.leaderboard.store import Store, read_board, results


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_what_is_written_is_read_with_the_same_schema(store: Store, row: Maker) -> None:
    store.write([row("a", "probe", 0.8), row("a", "probe", 0.7) | {"metric": "knn_accuracy"}])
    table = store.read()
    assert table.schema == RESULT
    assert sorted(table["metric"].to_pylist()) == ["accuracy", "knn_accuracy"]


def test_statuses_say_what_became_of_each_run(store: Store, row: Maker) -> None:
    store.write([row("a", "probe", 0.8)])
    store.write([row("b", "probe", 0.8) | {"status": "skipped"}])
    store.write([row("c", "probe", 0.8) | {"status": "diverged"}])
    store.write([row("d", "probe", 0.8) | {"wall_seconds": 3.0}])
    found = store.statuses()
    assert {name: status for name, (status, _) in found.items()} == {
        "a-probe-0-1.0": "ok", "b-probe-0-1.0": "skipped", "c-probe-0-1.0": "diverged", "d-probe-0-1.0": "ok"
    }  # fmt: skip
    assert found["d-probe-0-1.0"][1] == 3.0


def test_compaction_keeps_every_row_once_also_if_killed(tmp_path: Path, store: Store, row: Maker) -> None:
    for seed in range(5):
        store.write([row("a", "probe", 0.8, seed=seed)])
    before = store.read().sort_by("run_id")
    copy = Store(tmp_path).compact()
    assert [p.name for p in tmp_path.glob("*.parquet")] == [copy.name] if copy else False
    assert store.read().sort_by("run_id").equals(before)
    store = Store(folder := tmp_path / "killed")
    store.write([row("a", "probe", 0.8)])
    store.write([row("b", "probe", 0.8)])
    single = (folder / "a-probe-0-1.0.parquet").read_bytes()
    store.compact()
    (folder / "a-probe-0-1.0.parquet").write_bytes(single)
    assert sorted(results([folder])["card"].to_pylist()) == ["a", "b"]


def outcomes(store: Store) -> list[tuple[str, str]]:
    return sorted(zip(*(store.read()[name].to_pylist() for name in ("card", "status")), strict=True))


def test_a_later_success_replaces_a_failure_before_and_after_a_merge(store: Store, row: Maker) -> None:
    """A merge keeps that a run was skipped; the file of its later success is another one."""
    for name in ("a", "c"):
        store.write([row(name, "probe", 0.8) | {"status": "skipped", "value": None}])
    store.write([row("c", "probe", 0.8)])
    assert outcomes(store) == [("a", "skipped"), ("c", "ok")]
    store.write([row("b", "probe", 0.8)])
    store.compact()
    store.write([row("a", "probe", 0.8)])
    assert store.statuses()["a-probe-0-1.0"][0] == "ok"
    assert outcomes(store) == [("a", "ok"), ("b", "ok"), ("c", "ok")]


def test_an_unknown_column_is_refused_with_the_closest_name(store: Store, row: Maker) -> None:
    with pytest.raises(InputError, match=r"run a-probe-0-1.0: unknown column 'latency_ms_p5O'; did you mean 'latency_"):
        store.write([row("a", "probe", 0.8, latency_ms_p5O=1.0)])
    assert not store.count()


@pytest.mark.parametrize("name", ["run_id", "task", "created", "seed", "statistics"])
@pytest.mark.parametrize("absent", [True, False])
def test_a_column_that_every_result_needs_is_asked_for(name: str, absent: bool, store: Store, row: Maker) -> None:
    lacking = row("a", "probe", 0.8) | {name: None}
    if absent:
        del lacking[name]
    with pytest.raises(InputError, match=f"column '{name}' has no value"):
        store.write([lacking])
    failed = lacking | {"status": "error"}
    if name in ("seed", "statistics"):
        assert store.write([failed]).is_file(), "a failure has neither"


def test_of_one_origin_the_first_folder_wins_and_each_origin_stays(tmp_path: Path, row: Maker) -> None:
    Store(tmp_path / "local").write([row("a", "probe", 0.8)])
    Store(tmp_path / "more").write([row("a", "probe", 0.5)])
    Store(tmp_path / "shipped").write([row("a", "probe", 0.1, origin="reference")])
    table = results([tmp_path / name for name in ("local", "more", "shipped")])
    assert dict(zip(table["origin"].to_pylist(), table["value"].to_pylist(), strict=True)) == {
        "local": 0.8,
        "reference": 0.1,
    }


def _older(path: Path) -> None:
    pq.write_table(pq.read_table(path).replace_schema_metadata({"tlzoo.schema": "0"}), path)


def _torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _with(**changed: Any) -> Callable[[Path], None]:
    """Put other values into a file's rows, of whatever types."""

    def change(path: Path) -> None:
        table = pq.read_table(path)
        for name, value in changed.items():
            table = table.set_column(table.column_names.index(name), name, pa.array([value] * table.num_rows))
        pq.write_table(table.replace_schema_metadata(RESULT.metadata), path)

    return change


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (lambda path: path.write_text("no"), "Parquet"),
    "empty": (lambda path: path.write_bytes(b""), "size is 0"),
    "torn": (_torn, "Parquet"),
    "foreign": (lambda path: pq.write_table(pa.table({"x": [1]}), path), "results of schema none, not 1"),
    "older": (_older, "results of schema 0, not 1"),
    "folder": (lambda path: (path.unlink(), path.mkdir()), ""),
    "link": (lambda path: (path.unlink(), path.symlink_to("gone")), "No such file"),
    "ragged": (_with(statistics=[[1.0]] * 199 + [[]]), "inhomogeneous"),
    "a number less": (_with(statistics=[[1.0]] * 199), "199 statistics and 200 groups of 200 examples"),
    "null statistics": (_with(statistics=None), "column 'statistics' has no value"),
    "a null statistic": (_with(statistics=[[1.0]] * 199 + [None]), "a statistic is null"),
    "a null number": (_with(statistics=[[1.0]] * 199 + [[None]]), "a statistic is null"),
    "no examples": (_with(statistics=[], example_ids=[], groups=[]), "of 0 examples"),
    "no task": (_with(task=None), "column 'task' has no value"),
    "another task": (_with(task="telepathy"), "unknown task 'telepathy'"),
    "another metric": (_with(metric="luck"), "unknown metric 'luck'"),
    "no card": (_with(card=None), "column 'card' has no value"),
    "no seed": (_with(seed=None), "column 'seed' has no value"),
    "no date": (_with(created=None), "column 'created' has no value"),
    "words for numbers": (_with(seed="first"), "first"),
    "numbers for words": (_with(statistics=7), "list"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_one_bad_file_is_left_out_and_named(
    kind: str, store: Store, row: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    damage, reason = DAMAGE[kind]
    path = store.write([row("bad", "probe", 0.8)])
    store.write([row("good", "probe", 0.7)])
    store.write([row("fine", "probe", 0.7)])
    damage(path)
    for _ in range(2):
        assert sorted(board(store.read())["card"].to_pylist()) == ["fine", "good"]
    assert set(store.statuses()) == {"good-probe-0-1.0", "fine-probe-0-1.0"}, "it is run again"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{path}: left out, its results cannot be used (") and reason in line
    assert line.endswith("; move it away, and evaluate its run again")
    store.compact()
    assert path.is_symlink() or path.exists(), "what could not be merged is not deleted"
    assert store.read().num_rows == 2 and store.count() == 2


def test_what_is_not_finite_is_read(store: Store, row: Maker, capsys: pytest.CaptureFixture[str]) -> None:
    lost = {"value": math.nan, "metric": "macro_f1", "statistics": [[math.nan, 1.0]] * 200}
    store.write([row("a", "probe", 0.0, **lost)])
    assert store.read().num_rows == 1 and not capsys.readouterr().err


@pytest.mark.parametrize("damage", [_torn, lambda path: path.write_text("no"), _with(metric="luck"), _with(rank=None)])
def test_a_bad_reference_board_is_left_out_and_named(
    damage: Callable[[Path], object], tmp_path: Path, row: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "board.parquet"
    pq.write_table(board_of(row("a", "probe", 0.8)), path)
    assert read_board(path).num_rows == 1
    damage(path)
    assert read_board(path).equals(BOARD.empty_table())
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{path}: left out") and "TLZOO_REFERENCE" in line
    assert read_board(tmp_path / "none.parquet").num_rows == 0 and not capsys.readouterr().err


def test_a_board_of_before_is_read_with_the_columns_of_today(tmp_path: Path, row: Maker) -> None:
    made = board_of(row("a", "probe", 0.8))
    pq.write_table(made.drop_columns(["dataset_fingerprint", "device"]), tmp_path / "board.parquet")
    assert read_board(tmp_path / "board.parquet").schema == BOARD


@pytest.mark.parametrize("seen", [True, False])
def test_nothing_is_missed_while_files_are_merged(
    seen: bool, tmp_path: Path, store: Store, row: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process merges after the files were listed; the list may have seen neither them nor what they became."""
    for seed in range(5):
        store.write([row("a", "probe", 0.8, seed=seed)])
    listed = Store._files

    def then_merged(self: Store) -> list[Path]:
        files = listed(self) if seen else []
        monkeypatch.setattr(Store, "_files", listed)
        Store(tmp_path).compact()
        return files

    monkeypatch.setattr(Store, "_files", then_merged)
    assert sorted(store.read()["seed"].to_pylist()) == [0, 1, 2, 3, 4]


def test_what_is_written_is_on_the_disk_before_it_has_its_name(
    store: Store, row: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *given, real=real, name=name: (calls.append(name), real(*given))[1])
    store.write([row("a", "probe", 0.8)])
    assert "fsync" in calls[: calls.index("replace")]


def test_older_and_newer_files_are_read_with_the_columns_of_today(store: Store, row: Maker) -> None:
    path = store.write([row("a", "probe", 0.8)])
    older = pq.read_table(path).drop_columns(["requests", "cached", "prompt_tokens", "completion_tokens", "cost_usd"])
    pq.write_table(older.append_column("not_known_yet", pa.array([1])), path)
    store.write([row("b", "probe", 0.8, cost_usd=0.5)])
    table = store.read()
    assert table.schema == RESULT
    assert dict(zip(table["card"].to_pylist(), table["cost_usd"].to_pylist(), strict=True)) == {"a": None, "b": 0.5}
    assert store.read(["cost_usd", "card"]).column_names == ["cost_usd", "card"]
    store.compact()
    assert store.read().num_rows == 2


def test_killing_the_writer_leaves_only_whole_files(tmp_path: Path) -> None:
    """A process that writes without pause is killed five times; what lies there can always be read."""
    code = (
        "import sys; from datetime import UTC, datetime; from pathlib import Path\n"
        "from tlzoo.leaderboard.store import Store\n"
        "s = Store(Path(sys.argv[1]))\n"
        "row = dict.fromkeys(('card', 'variant', 'weights', 'dataset'), 'x')\n"
        "row |= {'task': 'audio-classification', 'metric': 'accuracy', 'status': 'error'}\n"
        "row['created'] = datetime.now(UTC)\n"
        "for i in range(10**6): s.write([row | {'run_id': f'{sys.argv[2]}-{i}', 'statistics': [[1.0]] * 1000}])"
    )
    seen = 0
    for attempt in range(5):
        process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(attempt)])
        deadline = time.monotonic() + 20
        while len(list(tmp_path.glob(f"{attempt}-*.parquet"))) < 5 + attempt and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        table = Store(tmp_path).read()
        assert table.num_rows > seen
        assert all(len(s) == 1000 for s in table["statistics"].to_pylist())
        seen = table.num_rows


def test_a_date_that_is_none_is_left_out(store: Store, row: Maker, capsys: pytest.CaptureFixture[str]) -> None:
    store.write([row("a", "probe", 0.8)])
    path = store.write([row("b", "probe", 0.8)])
    table = pq.read_table(path)
    field = table.schema.field("created")
    table = table.set_column(table.schema.names.index("created"), field, pa.array([2**62], pa.int64()).cast(field.type))
    pq.write_table(table, path)
    assert store.read()["card"].to_pylist() == ["a"]
    assert f"{path}: left out" in capsys.readouterr().err
