import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tlzoo.errors import InputError
from tlzoo.leaderboard.plot import area, plot
from tlzoo.leaderboard.ranking import board
from tlzoo.leaderboard.render import render, sort
from tlzoo.leaderboard.schema import BOARD, RESULT

Maker = Callable[..., dict[str, Any]]


@pytest.fixture
def small(row: Maker) -> pa.Table:
    rows = [
        row("yamnet", "scratch", 0.4),
        row("yamnet", "probe", 0.8, latency_ms_p50=9.0),
        row("crepe", "probe", 0.6, size_bytes=2_000_000),
        row("trill", "full", 0.0)
        | {"status": "unavailable", "reason": "the Hub does not answer", "value": None, "latency_ms_p50": None},
    ]
    return board(pa.Table.from_pylist(rows, schema=RESULT))


def test_the_table_has_units_intervals_direction_and_tier(small: pa.Table) -> None:
    text = render(small, "table")
    for part in (
        "accuracy ↑ [95%]",
        "latency p50 ms ↓",
        "size MB ↓",
        "official weights:",
        "from scratch:",
        "+0.400 [+",
        "positive",
        "3.7 M",
    ):
        assert part in text, part
    assert "trill full: unavailable: the Hub does not answer" in text


def test_what_a_model_lacks_for_one_reason_is_one_line(row: Maker) -> None:
    def lacking(card: str, strategy: str, reason: str) -> dict[str, Any]:
        return row(card, strategy, 0.0) | {"status": "skipped", "reason": reason, "value": None}

    rows = [lacking("trill", s, f"about {m} min needed") for s, m in (("probe", 1.5), ("full", 3))]
    rows += [lacking("crepe", s, "no time") for s in ("probe", "full")] + [lacking("crepe", "lora", "no head")]
    lines = render(board(pa.Table.from_pylist(rows, schema=RESULT)), "table").splitlines()[-3:]
    assert sorted(lines) == [
        "crepe full, probe: skipped: no time",
        "crepe lora: skipped: no head",
        "trill full, probe: skipped, such as: about 3 min needed",
    ]


def test_what_was_asked_and_what_it_cost_is_shown_where_there_is_any(small: pa.Table, row: Maker) -> None:
    usage = {"requests": 150, "cached": 50, "prompt_tokens": 40_000, "completion_tokens": 900, "cost_usd": 1.254}
    rows = [row("gpt-4", "few-shot", 0.8, seed=s, **usage) for s in (0, 1)] + [row("crepe", "probe", 0.6)]
    asked = board(pa.Table.from_pylist(rows, schema=RESULT))
    for part in ("300 (+100 cached)", "80 k + 1.8 k", "2.5080"):
        assert part in render(asked, "table"), part
    assert "requests" not in render(small, "table")
    unknown = [rows[0], rows[1] | {"cost_usd": None}]
    assert board(pa.Table.from_pylist(unknown, schema=RESULT))["cost_usd"].to_pylist() == [None]


@pytest.mark.parametrize("form", ["table", "md", "html"])
def test_the_origin_is_shown_where_there_are_two(small: pa.Table, row: Maker, form: str) -> None:
    assert "origin" not in render(small, form)
    rows = [row("yamnet", "probe", 0.8), row("crepe", "probe", 0.6, dataset="mine", origin="reference")]
    shown = render(board(pa.Table.from_pylist(rows, schema=RESULT)), form)
    assert shown.count("origin") == 2, "of both data sets"
    assert "local" in shown and "reference" in shown


def test_details_are_left_out_of_markdown(row: Maker) -> None:
    measured = row("yamnet", "probe", 0.8, latency_ms_p90=6.5, latency_ms_p99=7.25, flops=140_000_000)
    found = board(pa.Table.from_pylist([measured], schema=RESULT))
    for form in ("table", "html"):
        for part in ("latency p90 ms", "6.5", "latency p99 ms", "7.25", "FLOPs", "140 M"):
            assert part in render(found, form), part
    assert "latency p50 ms" in render(found, "md")
    assert not any(part in render(found, "md") for part in ("p90", "p99", "FLOPs"))


def test_json_has_the_contracts_columns_in_order(small: pa.Table) -> None:
    rows = json.loads(render(small, "json"))
    assert len(rows) == 4
    assert all(list(r) == BOARD.names for r in rows)


def test_csv_reads_back(small: pa.Table) -> None:
    rows = list(csv.DictReader(io.StringIO(render(small, "csv"))))
    assert [r["card"] for r in rows] == small["card"].to_pylist()
    assert float(rows[0]["value"]) == small["value"][0].as_py()


def test_markdown_has_one_line_a_row(small: pa.Table) -> None:
    lines = render(small, "md").splitlines()
    assert sum(line.startswith("| 1 ") for line in lines) == 2
    assert lines[2].count("|") == lines[4].count("|")


def test_sorting_puts_the_better_first(small: pa.Table) -> None:
    assert sort(small, "latency_ms_p50")["latency_ms_p50"].to_pylist()[:3] == [5.0, 5.0, 9.0]
    assert sort(small, "value")["card"].to_pylist()[0] == "yamnet"
    with pytest.raises(InputError, match="did you mean 'latency_ms_p50'"):
        sort(small, "latency_p50")


def test_an_unknown_format_is_refused(small: pa.Table) -> None:
    with pytest.raises(InputError, match="known: csv, html, json, md, table"):
        render(small, "xml")


def test_the_plot_is_a_picture(small: pa.Table, tmp_path: Path) -> None:
    plot(small, tmp_path / "board.png")
    assert (tmp_path / "board.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="no row has a score"):
        plot(small.slice(0, 0), tmp_path / "empty.png")
    with pytest.raises(InputError, match=r"x\.docx"):
        plot(small, tmp_path / "x.docx")


def test_what_has_no_size_is_drawn_too(row: Maker, tmp_path: Path) -> None:
    asked = row("gpt-4", "zero-shot", 0.9, size_bytes=None)
    for name, rows in (("one", [asked]), ("two", [asked, row("crepe", "probe", 0.6, size_bytes=2_000_000)])):
        plot(board(pa.Table.from_pylist(rows, schema=RESULT)), tmp_path / f"{name}.svg")
    assert area(asked, 2e6) == area(asked, 0) < area(row("crepe", "probe", 0.6, size_bytes=1), 2e6)
    assert (tmp_path / "one.svg").stat().st_size and (tmp_path / "two.svg").stat().st_size


def test_sections_stay_whole_however_the_board_is_sorted(row: Maker) -> None:
    words = {"task": "language-modeling", "dataset": "news-cloze", "metric": "cloze_accuracy"}
    dna = words | {"dataset": "promoters", "metric": "pearson", "dataset_fingerprint": "g"}
    moments = [[4.0, 4 + i, 5, 9 + i, 11, 8] for i in range(200)]
    rows = [
        row("a", "full", 0.4, **words, params=1),
        row("b", "full", 0.4, **dna, params=2, statistics=moments),
        row("c", "full", 0.5, **words, params=3),
    ]
    text = render(sort(board(pa.Table.from_pylist(rows, schema=RESULT)), "params"), "md")
    assert [line for line in text.splitlines() if line.startswith("###")] == [
        "### language-modeling on news-cloze (200 test examples)",
        "### language-modeling on promoters (200 test examples)",
    ]
    assert "cloze accuracy ↑ [95%]" in text and "Pearson, mean of tracks ↑ [95%]" in text
