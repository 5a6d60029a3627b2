import re

import pyarrow as pa
import pytest

from tests.support.boards import Maker, board_of
from tlzoo.leaderboard.row import rows_of
from tlzoo.leaderboard.views.render import render, sort

MEASURED = {"latency_ms_p90": 6.5, "latency_ms_p99": 7.25, "flops": 140_000_000, "peak_memory_bytes": 25_400_000}


@pytest.fixture
def ladders(row: Maker) -> pa.Table:
    """Three tiers, of which the official one is the worst; two names that begin alike; two seeds of one model."""
    rows = [
        row("crepe", "probe", 0.4, **MEASURED),
        row("inception-resnet-v1", "probe", 0.95, weights="stand-in", **MEASURED),
        row("inception-resnet-v2", "probe", 0.6, weights="stand-in", **MEASURED),
        row("inception-resnet-v2", "scratch", 0.7, **MEASURED),
        row("inception-resnet-v1", "scratch", 0.7, seed=0, **MEASURED),
        row("inception-resnet-v1", "scratch", 0.71, seed=1, **MEASURED),
    ]
    return board_of(*rows)


def numbers(text: str) -> set[str]:
    return set(re.findall(r"[+-]?\d+\.\d+", text))


@pytest.mark.parametrize("width", [60, 80, 100, 140, 180])
def test_no_number_is_cut_or_broken(ladders: pa.Table, width: int) -> None:
    text = render(ladders, "table", width)
    assert max(map(len, text.splitlines())) <= width
    rows = text.partition("hidden")[0]
    whole = numbers(render(ladders, "table"))
    assert numbers(rows.replace("±", " ")) - whole <= _margins(ladders), "each is one of those, or half of an interval"
    for row in rows_of(ladders):
        assert f"{row.value:.3f}" in rows
        assert width < 80 or row.gain is None or f"{row.gain:+.3f}" in rows
    assert "…" not in text


def _margins(ranked: pa.Table) -> set[str]:
    found = set()
    for row in rows_of(ranked):
        for value, low, high in ((row.value, row.ci_low, row.ci_high), (row.gain, row.gain_low, row.gain_high)):
            if value is not None and low is not None and high is not None:
                found.add(f"{max(value - low, high - value):.3f}")
    return found


@pytest.mark.parametrize("width", [80, 100, 140, 180])
def test_what_is_essential_is_shown_and_what_is_hidden_is_named(ladders: pa.Table, width: int) -> None:
    text = " ".join(render(ladders, "table", width).split())
    head = text.partition("weights:")[0].replace("latency p50 ", "p50 ")
    for part in ("#", "model", "strategy", "accuracy ↑", "seeds", "ms ↓", "MB ↓"):
        assert all(word in head for word in part.split()), part
    count, names = re.search(r"(\d+) columns hidden \((.*?)\); --wide shows them", text).groups()  # type: ignore[union-attr]
    assert int(count) == len(names.split(", "))
    assert "latency p99 ms ↓" in names or width == 180
    assert "hidden" not in render(ladders, "table")


@pytest.mark.parametrize("width", [80, None])
def test_all_are_in_one_order_and_the_best_row_is_the_first(ladders: pa.Table, width: int | None) -> None:
    lines = render(ladders, "table", width).splitlines()
    rows = [line for line in lines if re.match(r" *\d+(-\d+)? +(inception|crepe)", line)]
    values = [float(re.search(r"0\.\d{3}", row).group()) for row in rows]  # type: ignore[union-attr]
    assert values == sorted(values, reverse=True) and values[0] == 0.95
    assert [row.split()[0] for row in rows] == ["1", "2-3", "2-3", "4", "5"]
    text = render(ladders, "table")
    (of_two,) = (line for line in text.splitlines() if "0.705" in line)
    assert re.search(r"scratch +2 +0\.705", of_two)
    assert re.search(r"probe +1 +0\.950", text)


def test_what_is_sorted_by_a_column_is_one_list(ladders: pa.Table) -> None:
    text = render(sort(ladders, "card"), "table", 120)
    assert re.search(r"model +weights", text)
    cards = re.findall(r"^ *\d[-\d]* +(crepe|inception-resnet-v\d)", text, re.MULTILINE)
    assert cards == sorted(cards) and len(cards) == 5


def test_what_is_written_in_a_result_does_not_steer_the_terminal(row: Maker) -> None:
    bad = "x\x1b[31m\u202e\x00"
    rows = [row(bad, "probe", 0.5, dataset=bad), row(f"{bad}y", "full", 0.0, value=None, status="error", reason=bad)]
    for width in (80, None):
        text = render(board_of(*rows), "table", width)
        assert "x[31m" in text and "x[31my full (audio-classification on toy): error: x[31m" in text
        assert not set(text) & set("\x1b\u202e\x00")


def test_small_errors_come_first_where_less_is_better(row: Maker) -> None:
    words = {"task": "speech-recognition", "dataset": "spoken-numbers", "metric": "wer"}
    wrong = [[1.0, 2.0]] * 100 + [[0.0, 2.0]] * 100
    rows = [
        row("wav2vec2", "full", 0.2, **words, statistics=[[0.2, 1.0]] * 200, weights="stand-in"),
        row("wav2vec", "full", 0.25, **words, statistics=wrong),
    ]
    text = render(board_of(*rows), "table", 80)
    assert text.index("wav2vec2") < text.index("wav2vec ")


def test_the_legend_says_what_is_on_the_board(row: Maker) -> None:
    """And nothing of what is not."""
    plain = board_of(row("crepe", "probe", 0.4))
    with_stand_in = board_of(row("crepe", "probe", 0.4, weights="stand-in"))
    ad_hoc = board_of(row("timm:mobilenetv3_small_100", "probe", 0.4))
    found = [
        ["stand-in:" in text, "ad-hoc" in text] for text in map(render, (plain, with_stand_in, ad_hoc), ["table"] * 3)
    ]
    assert found == [[False, False], [True, False], [False, True]]
