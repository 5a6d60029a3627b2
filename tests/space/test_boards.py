"""What a visitor wants of a board."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tlzoo import api
from tlzoo.cards import catalogue
from tlzoo.cards.vocabulary import DOMAINS, STRATEGIES, TASKS
from tlzoo.leaderboard.page import fragment
from tlzoo.leaderboard.schema import BOARD
from tlzoo.space.boards import Boards, Filter


def test_each_filter_counts(results: Path) -> None:
    boards = Boards("audio", results)
    whole = boards.board("audio-classification")

    def cards(wanted: Filter) -> set[str]:
        return set(boards.filtered("audio-classification", wanted)["card"].to_pylist())

    assert boards.filtered("audio-classification", Filter()).equals(whole)
    assert cards(Filter(search="OpenL3 probe")) == {"openl3"}
    assert cards(Filter(search="<script>")) == set()
    assert cards(Filter(tiers=["none"])) == {"openl3", "trill", "wav2vec", "yamnet"}
    assert cards(Filter(max_size_mb=1.5)) == {"yamnet"}, "and not what has no size"
    assert cards(Filter(max_latency_ms=3)) == {"yamnet", "openl3"}
    strategies = boards.filtered("audio-classification", Filter(strategies=["full", "probe"]))["strategy"]
    assert set(strategies.to_pylist()) == {"full", "probe"}
    licensed = cards(Filter(licenses=["apache-2.0"]))
    assert licensed and all(
        "apache-2.0" in (catalogue.get(card).provenance.license.weights, catalogue.get(card).provenance.license.code)
        for card in licensed
    )


def test_tasks_with_results_come_first_and_others_say_what_to_do(results: Path) -> None:
    boards = Boards("audio", results)
    assert set(boards.tasks[:2]) == {"audio-classification", "audio-embedding"}
    assert "tlzoo eval --task pitch-extraction" in boards.empty("pitch-extraction")
    assert boards.empty("audio-embedding") == "No row fits these filters; loosen one."
    for domain in DOMAINS:
        assert Boards(domain, results / "nothing").tasks, domain


def test_a_board_that_ships_is_read_and_not_ranked_again(
    tmp_path: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tmp_path / "results"
    shipped.mkdir()
    row = dict.fromkeys(BOARD.names) | {"card": "crepe", "task": "pitch-extraction", "value": 0.9}
    pq.write_table(pa.Table.from_pylist([row], schema=BOARD), shipped / "board.parquet")
    monkeypatch.setenv("TLZOO_REFERENCE", str(shipped))
    board = api.Leaderboard(results)
    assert board.table("pitch-extraction")["card"].to_pylist() == ["crepe"]
    assert "crepe" in board.table()["card"].to_pylist() and "yamnet" in board.table()["card"].to_pylist()
    assert board.tasks() == ["audio-classification", "audio-embedding", "pitch-extraction"]


def test_a_large_board_is_shown_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """40 models, 16 tasks, 6 strategies."""
    row = dict.fromkeys(BOARD.names) | {"weights": "stand-in", "status": "ok", "fraction": 1.0, "n_test": 9}
    row |= {"ci_low": 0.1, "ci_high": 0.9, "value": 0.5, "rank": 1, "dataset": "d", "variant": "nano"}
    ids = [card.id for card in catalogue.cards()]
    rows = [
        row | {"card": card, "task": task, "strategy": strategy, "metric": TASKS[task].headline(TASKS[task].domain)}
        for card in [*ids, *ids[:3]]
        for task in TASKS
        for strategy in STRATEGIES[:6]
    ]
    (tmp_path / "results").mkdir()
    pq.write_table(pa.Table.from_pylist(rows, schema=BOARD), tmp_path / "results" / "board.parquet")
    monkeypatch.setenv("TLZOO_REFERENCE", str(tmp_path / "results"))
    boards = Boards("image", tmp_path / "out")
    for task in boards.tasks:
        html = fragment(boards.filtered(task, Filter(tiers=["stand-in"])))
        assert html.count("<tr") == 1 + 240
