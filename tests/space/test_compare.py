"""Models side by side, in every factor that decides between them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gradio")

from tests.leaderboard.views.test_html import Cells
from tests.space.conftest import write
from tlzoo.space.boards import Boards
from tlzoo.space.compare import side_by_side

Maker = Callable[..., dict[str, Any]]
TASK = "audio-classification"
MEASURED = {
    "latency_ms_p90": 6.0,
    "latency_ms_p99": 7.0,
    "flops": 140_000_000,
    "peak_memory_bytes": 80_000_000,
}
FACTORS = (
    "accuracy ↑ [95%]",
    "gain over scratch [95%]",
    "transfer",
    "time to target ↑",
    "label savings ↑",
    "training s ↓",
    "latency p50 ms ↓",
    "latency p90 ms ↓",
    "latency p99 ms ↓",
    "examples/s ↑",
    "FLOPs ↓",
    "params",
    "size MB ↓",
    "memory MB ↓",
)
FACTS = ("framework", "file formats", "pretrained on", "licence", "input", "output")
USED = ("requests", "tokens in + out", "cost $ ↓")


@pytest.fixture
def boards(row: Maker, tmp_path: Path) -> Boards:
    rows = [
        row("yamnet", s, v, fraction=f, trivial_score=0.1, **MEASURED)
        for f in (1.0, 0.3, 0.1)
        for s, v in (("probe", 0.9), ("scratch", 0.6))
    ]
    return Boards("audio", write(tmp_path, rows))


def heads(boards: Boards, *models: str) -> list[str]:
    return [line[0] for line in Cells(side_by_side(boards, TASK, models)).rows[1:]]


def test_every_factor_of_the_list_is_there(boards: Boards) -> None:
    found = heads(boards, "yamnet", "openl3")
    assert found[0] == "toy" and {*FACTORS, *FACTS} <= set(found)
    line = Cells(side_by_side(boards, TASK, ["yamnet", "openl3"])).rows[1 + found.index("FLOPs ↓")]
    assert line == ["FLOPs ↓", "140 M", "–"]


def test_what_is_known_of_none_is_left_out(boards: Boards, row: Maker, tmp_path: Path) -> None:
    assert not set(USED) & set(heads(boards, "yamnet", "openl3"))
    assert not {"toy", *FACTORS} & set(heads(boards, "openl3", "trill"))
    assert "file formats" not in heads(boards, "tweening-conv3d")
    usage = {"requests": 200, "cached": 0, "prompt_tokens": 4000, "completion_tokens": 200, "cost_usd": 0.5}
    asked = Boards("audio", write(tmp_path / "asked", [row("yamnet", "zero-shot", 0.8, **usage)]))
    assert set(USED) <= set(heads(asked, "yamnet"))


def test_data_and_machines_that_differ_are_apart(row: Maker, tmp_path: Path) -> None:
    """Two data sets of one name, and the reference's results on one of them."""
    rows = [
        row("yamnet", "probe", 0.9),
        row("openl3", "probe", 0.8, dataset_fingerprint="g"),
        row("openl3", "full", 0.7, origin="reference", hardware="EPYC"),
    ]
    lines = Cells(side_by_side(Boards("audio", write(tmp_path, rows)), TASK, ["yamnet", "openl3"])).rows[1:]
    titles = [line[0] for line in lines if len(line) == 1]
    assert titles == [
        "toy (f): local results",
        "toy (f): reference results, measured on EPYC",
        "toy (g): local results",
    ]
    scores = [line[1:] for line in lines if line[0] == "accuracy ↑ [95%]"]
    assert [[cell[:5] for cell in line] for line in scores] == [["0.900", "–"], ["–", "0.700"], ["–", "0.800"]]


def test_the_box_that_scrolls_has_a_name(boards: Boards) -> None:
    html = side_by_side(boards, TASK, ["yamnet"])
    assert '<div class=wide tabindex=0 role=region aria-label="Models side by side">' in html
    assert "<th scope=col aria-label=factor></th>" in html


def test_nothing_that_a_row_says_is_markup(row: Maker, tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    rows = [row("yamnet", "probe", 0.9, dataset=hostile, variant=hostile, origin=hostile)]
    html = side_by_side(Boards("audio", write(tmp_path, rows)), TASK, ["yamnet"])
    assert "img" not in Cells(html).tags and "&lt;img" in html
