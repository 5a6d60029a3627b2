"""A download is of the rows that a visitor sees, and leaves nothing behind."""

import csv
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

pytest.importorskip("gradio")

from tlzoo.space import leaderboard
from tlzoo.space.boards import Boards
from tlzoo.space.leaderboard import written


def test_a_download_is_whole_and_then_gone(results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    boards, task = Boards("audio", results), "audio-embedding"
    for suffix in (".csv", ".parquet"):
        one, other = (written(boards, suffix)(task, search) for search in ("openl3 full", "yamnet"))
        files = [Path(next(asked)) for asked in (one, other)]
        for file, card in zip(files, ("openl3", "yamnet"), strict=True):
            rows = list(csv.DictReader(file.open())) if suffix == ".csv" else pq.read_table(file).to_pylist()
            assert file.name == f"{task}{suffix}" and {row["card"] for row in rows} == {card}
        assert not list(one) and not list(other)
    assert not list(tmp_path.iterdir())


def test_every_column_can_be_chosen_and_few_are_at_first() -> None:
    offered = set(leaderboard._NAMES.values())
    assert {"flops", "latency_ms_p90", "latency_ms_p99"} <= offered - set(leaderboard._AT_FIRST)
    assert set(leaderboard._AT_FIRST) <= offered
