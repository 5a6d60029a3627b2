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

from tlzoo.errors import InputError
from tlzoo.leaderboard.schema import RESULT
from tlzoo.leaderboard.store import Store, results

Maker = Callable[..., dict[str, Any]]


def test_what_is_written_is_read_with_the_same_schema(tmp_path: Path, row: Maker) -> None:
    store = Store(tmp_path)
    store.write([row("a", "probe", 0.8), row("a", "probe", 0.7) | {"metric": "macro_f1"}])
    table = store.read()
    assert table.schema == RESULT
    assert sorted(table["metric"].to_pylist()) == ["accuracy", "macro_f1"]


def test_statuses_say_what_became_of_each_run(tmp_path: Path, row: Maker) -> None:
    store = Store(tmp_path)
    store.write([row("a", "probe", 0.8)])
    store.write([row("b", "probe", 0.8) | {"status": "skipped"}])
    store.write([row("c", "probe", 0.8) | {"status": "diverged"}])
    store.write([row("d", "probe", 0.8) | {"wall_seconds": 3.0}])
    found = store.statuses()
    assert {name: status for name, (status, _) in found.items()} == {
        "a-probe-0-1.0": "ok", "b-probe-0-1.0": "skipped", "c-probe-0-1.0": "diverged", "d-probe-0-1.0": "ok"
    }  # fmt: skip
    assert found["d-probe-0-1.0"][1] == 3.0


def test_compaction_keeps_every_row_once(tmp_path: Path, row: Maker) -> None:
    store = Store(tmp_path)
    for seed in range(5):
        store.write([row("a", "probe", 0.8, seed=seed)])
    before = store.read().sort_by("run_id")
    copy = Store(tmp_path).compact()
    assert [p.name for p in tmp_path.glob("*.parquet")] == [copy.name] if copy else False
    assert store.read().sort_by("run_id").equals(before)


def test_killed_between_merging_and_deleting_nothing_counts_twice(tmp_path: Path, row: Maker) -> None:
    store = Store(tmp_path)
    store.write([row("a", "probe", 0.8)])
    store.write([row("b", "probe", 0.8)])
    single = (tmp_path / "a-probe-0-1.0.parquet").read_bytes()
    store.compact()
    (tmp_path / "a-probe-0-1.0.parquet").write_bytes(single)
    assert sorted(results([tmp_path])["card"].to_pylist()) == ["a", "b"]


def test_a_later_success_replaces_a_failure(tmp_path: Path, row: Maker) -> None:
    store = Store(tmp_path)
    store.write([row("a", "probe", 0.8) | {"status": "skipped", "value": None}])
    store.write([row("a", "probe", 0.8)])
    assert store.read()["status"].to_pylist() == ["ok"]


def test_the_first_folder_wins(tmp_path: Path, row: Maker) -> None:
    Store(tmp_path / "local").write([row("a", "probe", 0.8)])
    Store(tmp_path / "shipped").write([row("a", "probe", 0.1, origin="reference")])
    assert results([tmp_path / "local", tmp_path / "shipped"])["origin"].to_pylist() == ["local"]


def test_a_foreign_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_text("no")
    with pytest.raises(InputError, match=r"bad\.parquet: no readable Parquet file"):
        Store(tmp_path).read()
    pq.write_table(pa.table({"x": [1]}), tmp_path / "bad.parquet")
    with pytest.raises(InputError, match="results of schema none"):
        Store(tmp_path).read()


def test_older_and_newer_files_are_read_with_the_columns_of_today(tmp_path: Path, row: Maker) -> None:
    store = Store(tmp_path)
    store.write([row("a", "probe", 0.8)])
    path = next(tmp_path.glob("*.parquet"))
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
        "import sys; from pathlib import Path; from tlzoo.leaderboard.store import Store\n"
        "s = Store(Path(sys.argv[1]))\n"
        "for i in range(10**6): s.write([{'run_id': f'{sys.argv[2]}-{i}', 'metric': 'accuracy', 'status': 'ok', "
        "'statistics': [[1.0]] * 1000}])"
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
