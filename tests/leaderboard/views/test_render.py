import csv
import io
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.support.boards import Maker, board_of
from tlzoo.errors import InputError
from tlzoo.leaderboard.row import rows_of
from tlzoo.leaderboard.schema import BOARD
from tlzoo.leaderboard.views.plot import area, plot
from tlzoo.leaderboard.views.render import render, sort


@pytest.fixture
def small(row: Maker) -> pa.Table:
    rows = [
        row("yamnet", "scratch", 0.4),
        row("yamnet", "probe", 0.8, latency_ms_p50=9.0),
        row("crepe", "probe", 0.6, size_bytes=2_000_000),
        row("trill", "full", 0.0)
        | {"status": "unavailable", "reason": "the Hub does not answer", "value": None, "latency_ms_p50": None},
    ]
    return board_of(*rows)


def test_the_table_has_units_intervals_direction_and_tier(small: pa.Table) -> None:
    text = render(small, "table")
    for part in (
        "accuracy ↑ [95%]",
        "latency p50 ms ↓",
        "size MB ↓",
        "official",
        "seeds",
        "+0.400 [+",
        "unreplicated",
        "one seed: intervals hold the choice of test examples",
        "3.7 M",
    ):
        assert part in text, part
    assert "trill full: unavailable: the Hub does not answer" in text


def test_what_a_model_lacks_for_one_reason_is_one_line(row: Maker) -> None:
    def lacking(card: str, strategy: str, reason: str) -> dict[str, Any]:
        return row(card, strategy, 0.0) | {"status": "skipped", "reason": reason, "value": None}

    rows = [lacking("trill", s, f"about {m} min needed") for s, m in (("probe", 1.5), ("full", 3))]
    rows += [lacking("crepe", s, "no time") for s in ("probe", "full")] + [lacking("crepe", "lora", "no head")]
    lines = render(board_of(*rows), "table").splitlines()[-3:]
    assert sorted(lines) == [
        "crepe full, probe: skipped: no time",
        "crepe lora: skipped: no head",
        "trill full, probe: skipped, such as: about 3 min needed",
    ]


def test_what_was_asked_and_what_it_cost_is_shown_where_there_is_any(small: pa.Table, row: Maker) -> None:
    usage = {"requests": 150, "cached": 50, "prompt_tokens": 40_000, "completion_tokens": 900, "cost_usd": 1.254}
    rows = [row("gpt-4", "few-shot", 0.8, seed=s, **usage) for s in (0, 1)] + [row("crepe", "probe", 0.6)]
    asked = board_of(*rows)
    for part in ("300 (+100 cached)", "80 k + 1.8 k", "2.5080"):
        assert part in render(asked, "table"), part
    assert "requests" not in render(small, "table")
    unknown = [rows[0], rows[1] | {"cost_usd": None}]
    assert board_of(*unknown)["cost_usd"].to_pylist() == [None]


@pytest.mark.parametrize("form", ["table", "md", "html"])
def test_each_machine_has_a_table_that_says_whose_it_is(small: pa.Table, row: Maker, form: str) -> None:
    assert "results" not in render(small, form).replace("without a result", "")
    mine = {"hardware": "a laptop", "device": "cpu"}
    theirs = {"hardware": "EPYC", "device": "cpu", "origin": "reference"}
    rows = [
        row("yamnet", "probe", 0.8, **mine),
        row("yamnet", "probe", 0.6, **theirs),
        row("crepe", "full", 0.0, **theirs) | {"status": "skipped", "value": None, "reason": "no time"},
        row("crepe", "probe", 0.7, **mine | {"device": "NVIDIA H200"}),
    ]
    shown = render(board_of(*rows), form)
    titles = [
        "audio-classification on toy (200 test examples): local results, measured on NVIDIA H200, a laptop",
        "audio-classification on toy (200 test examples): local results, measured on a laptop",
        "audio-classification on toy (200 test examples): reference results, measured on EPYC",
    ]
    places = [shown.index(title) for title in titles]
    assert places == sorted(places) and places[1] < shown.index("0.800") < places[2] < shown.index("0.600")
    assert "crepe full (reference): skipped: no time" in shown
    assert "+0." not in shown, "nothing to compare with"


@pytest.mark.parametrize("form", ["table", "md", "html"])
def test_data_sets_of_one_name_have_tables_of_their_own(row: Maker, form: str) -> None:
    first, second = "3fa2c1" + "0" * 58, "3fa2c1" + "1" * 58
    lost = {"status": "error", "value": None, "reason": "it broke"}
    rows = [
        row("yamnet", "probe", 0.8, dataset_fingerprint=first),
        row("crepe", "probe", 0.7, dataset_fingerprint=second),
        row("crepe", "full", 0.7, dataset_fingerprint=second, **lost),
    ]
    made = board_of(*rows)
    shown = render(made, form)
    assert "on toy (3fa2c10) (200 test" in shown and "on toy (3fa2c11) (200 test" in shown
    assert "crepe full (audio-classification on toy (3fa2c11)): error: it broke" in shown
    assert [r["dataset_fingerprint"] for r in json.loads(render(made, "json"))] == [first, second, second]
    assert "(3fa2c1" not in render(board_of(*rows[:1]), form)


def test_markdown_has_threads_where_they_differ_and_no_details(row: Maker) -> None:
    rows = [row("yamnet", "probe", 0.8, threads=1), row("crepe", "probe", 0.7, threads=1)]
    assert "threads" not in render(board_of(*rows), "md")
    rows[1]["threads"] = 4
    assert "threads" in render(board_of(*rows), "md")
    measured = row("yamnet", "probe", 0.8, latency_ms_p90=6.5, latency_ms_p99=7.25, flops=140_000_000)
    found = board_of(measured)
    for form in ("table", "html"):
        for part in ("latency p90 ms", "6.5", "latency p99 ms", "7.25", "FLOPs", "140 M"):
            assert part in render(found, form), part
    assert "latency p50 ms" in render(found, "md")
    assert not any(part in render(found, "md") for part in ("p90", "p99", "FLOPs"))


def test_a_picture_has_a_panel_for_each_machine(row: Maker, tmp_path: Path) -> None:
    rows = [
        row("yamnet", "probe", 0.8, threads=1),
        row("crepe", "probe", 0.7, threads=1, origin="reference", hardware="EPYC"),
        row("crepe", "full", 0.7, threads=1, dataset_fingerprint="g"),
        row("trill", "full", 0.7, threads=4, dataset_fingerprint="g"),
    ]
    plot(board_of(*rows), tmp_path / "board.svg")
    lines = re.findall("<!-- (.*?) -->", (tmp_path / "board.svg").read_text())
    titles = [(one, other) for one, other in pairwise(lines) if one.startswith("audio-classification on")]
    assert [(one, other.split("; area")[0]) for one, other in titles] == [
        ("audio-classification on toy (f)", "local results, 1 thread"),
        ("audio-classification on toy (f)", "reference results, measured on EPYC"),
        ("audio-classification on toy (g)", "local results, 1 thread"),
        ("audio-classification on toy (g)", "local results, 4 threads"),
    ]


def test_json_csv_and_markdown_have_a_row_each_and_other_formats_are_refused(small: pa.Table) -> None:
    rows = json.loads(render(small, "json"))
    assert len(rows) == 4 and all(list(r) == BOARD.names for r in rows)
    read = list(csv.DictReader(io.StringIO(render(small, "csv"))))
    assert [r["card"] for r in read] == small["card"].to_pylist()
    assert float(read[0]["value"]) == small["value"][0].as_py()
    lines = render(small, "md").splitlines()
    assert [line[:3] for line in lines if line.startswith("| ")] == ["| #", "| 1", "| 2", "| 3"]
    assert lines[4].count("|") == lines[6].count("|")
    with pytest.raises(InputError, match="known: csv, html, json, md, table"):
        render(small, "xml")


def test_sorting_puts_the_better_first(small: pa.Table, row: Maker) -> None:
    assert sort(small, "latency_ms_p50")["latency_ms_p50"].to_pylist()[:3] == [5.0, 5.0, 9.0]
    assert sort(small, "value")["card"].to_pylist()[0] == "yamnet"
    errors = {"task": "language-modeling", "dataset": "words", "metric": "perplexity"}
    rows = [row("a", "full", 0.0, **errors, statistics=[[1.0, 1.0]] * 200)]
    rows += [row("b", "full", 0.0, **errors, statistics=[[2.0, 1.0]] * 200)]
    rows += [row("c", "probe", v, run_id=str(v), variant=str(v)) for v in (0.5, 0.9)]
    both = board_of(*rows, metrics=["perplexity", "accuracy"])
    values = {r["value"]: r["metric"] for r in sort(both, "value").to_pylist()}
    assert [round(v, 1) for v, metric in values.items() if metric == "perplexity"] == [2.7, 7.4], "less is better"
    assert [v for v, metric in values.items() if metric == "accuracy"] == [0.9, 0.5]
    with pytest.raises(InputError, match="did you mean 'latency_ms_p50'"):
        sort(small, "latency_p50")


def test_the_plot_is_a_picture_of_what_has_no_size_too(small: pa.Table, tmp_path: Path, row: Maker) -> None:
    plot(small, tmp_path / "board.png")
    assert (tmp_path / "board.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="no row has a score"):
        plot(small.slice(0, 0), tmp_path / "empty.png")
    with pytest.raises(InputError, match=r"x\.docx"):
        plot(small, tmp_path / "x.docx")
    asked = row("gpt-4", "zero-shot", 0.9, size_bytes=None)
    crepe = row("crepe", "probe", 0.6, size_bytes=2_000_000)
    for name, rows in (("one", [asked]), ("two", [asked, crepe])):
        plot(board_of(*rows), tmp_path / f"{name}.svg")
    unsized, tiny = rows_of(board_of(asked, crepe | {"size_bytes": 1}))
    assert area(unsized, 2e6) == area(unsized, 0) < area(tiny, 2e6)
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
    text = render(sort(board_of(*rows), "params"), "md")
    assert [line for line in text.splitlines() if line.startswith("###")] == [
        "### language-modeling on news-cloze (200 test examples)",
        "### language-modeling on promoters (200 test examples)",
    ]
    assert "cloze accuracy ↑ [95%]" in text and "Pearson, mean of tracks ↑ [95%]" in text
