"""What a visitor wants of a board."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("gradio")

from tests.space.conftest import write
from tlzoo import api
from tlzoo.cards import catalogue
from tlzoo.leaderboard.schema import BOARD
from tlzoo.leaderboard.views.html import fragment
from tlzoo.space.app import build
from tlzoo.space.boards import Boards, Filter
from tlzoo.space.choosing import recommend
from tlzoo.space.compare import choices
from tlzoo.vocabulary import DOMAINS, STRATEGIES, TASKS

Maker = Callable[..., dict[str, Any]]


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

    def tiers(license_: str) -> set[str]:
        board = boards.filtered("audio-classification", Filter(search="openl3", licenses=[license_]))
        return set(board["weights"].to_pylist())

    made = catalogue.get("openl3").provenance.license
    assert made.weights != made.code, "another card is needed here"
    assert tiers(made.weights) == {"official"}
    assert tiers(made.code) == {"none"}, "what was trained here is of the code's licence"


def test_tasks_with_results_come_first_and_others_say_what_to_do(results: Path) -> None:
    boards = Boards("audio", results)
    assert set(boards.tasks[:2]) == {"audio-classification", "audio-embedding"}
    assert "<code>tlzoo eval --task pitch-extraction</code>" in boards.empty("pitch-extraction")
    assert boards.empty("audio-embedding") == "<p>No row fits these filters; loosen one.</p>"
    for domain in DOMAINS:
        assert Boards(domain, results / "nothing").tasks, domain


def test_where_nothing_ended_well_it_is_said_why(row: Maker, tmp_path: Path) -> None:
    lost = {"task": "speech-recognition", "status": "error", "value": None, "reason": "<b>no</b> disk left"}
    boards = Boards("audio", write(tmp_path, [row("wav2vec", "probe", 0.0, **lost)]))
    assert recommend(boards, "speech-recognition") == (
        f"<div class=tlzoo aria-live=polite>{boards.empty('speech-recognition')}</div>"
    )
    said = boards.empty("speech-recognition")
    assert "no run succeeded" in said
    assert "<li>wav2vec probe: error: &lt;b&gt;no&lt;/b&gt; disk left</li>" in said
    assert "filter" not in said


def test_results_outlive_their_card(row: Maker, tmp_path: Path) -> None:
    boards = Boards("audio", write(tmp_path, [row("withdrawn", "probe", 0.9), row("yamnet", "probe", 0.6)]))
    task = "audio-classification"
    assert boards.licenses(task) == sorted({"unknown", catalogue.get("yamnet").provenance.license.weights})
    for wanted in (Filter(search="withdrawn probe"), Filter(licenses=["unknown"])):
        assert boards.filtered(task, wanted)["card"].to_pylist() == ["withdrawn"]
    assert "withdrawn base probe (official weights, unknown)" in recommend(boards, task)
    assert choices(boards, task)[0][1] == "yamnet", "there is no card to compare"
    assert build("audio", tmp_path).blocks


def test_a_board_that_ships_is_read_and_not_ranked_again(
    tmp_path: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tmp_path / "results"
    shipped.mkdir()
    row = dict.fromkeys(BOARD.names) | {"card": "crepe", "task": "pitch-extraction", "metric": "rpa", "value": 0.9}
    row |= {"rank": 1, "strategy": "probe", "fraction": 1.0, "ci_low": 0.8, "ci_high": 1.0, "origin": "reference"}
    row |= {"variant": "tiny", "weights": "official", "dataset": "pitches", "status": "ok", "n_test": 9}
    row |= {"seeds": [0], "run_ids": ["a"]}
    pq.write_table(pa.Table.from_pylist([row], schema=BOARD), shipped / "board.parquet")
    monkeypatch.setenv("TLZOO_REFERENCE", str(shipped))
    board = api.Leaderboard(results)
    assert board.table("pitch-extraction")["card"].to_pylist() == ["crepe"]
    assert "crepe" in board.table()["card"].to_pylist() and "yamnet" in board.table()["card"].to_pylist()
    assert board.tasks() == ["audio-classification", "audio-embedding", "pitch-extraction"]


def test_a_large_board_is_shown_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """40 models, all tasks, 6 strategies."""
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


def test_what_is_compared_is_of_one_data_set_and_machine(row: Maker, tmp_path: Path) -> None:
    rows = [
        row("yamnet", "probe", 0.9, hardware="a laptop"),
        row("yamnet", "probe", 0.6, hardware="a laptop", fraction=0.1),
        row("openl3", "probe", 0.8, origin="reference", hardware="EPYC"),
        row("openl3", "full", 0.7, hardware="a laptop", dataset_fingerprint="g"),
    ]
    boards = Boards("audio", write(tmp_path, rows))
    panels = boards.panels("audio-classification")
    assert {title: [round(row.value, 2) for row in alike] for title, alike in panels.items()} == {
        "toy (f): local results, measured on a laptop": [0.9, 0.6],
        "toy (f): reference results, measured on EPYC": [0.8],
        "toy (g): local results, measured on a laptop": [0.7],
    }
    shown = recommend(boards, "audio-classification")
    assert "toy (f): yamnet base probe" in shown and "toy (g): openl3 base full" in shown
    assert "not compared with the reference results, measured on EPYC" in shown
