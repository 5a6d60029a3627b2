"""Models side by side, in every factor that decides between them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gradio")

from tests.leaderboard.test_page import Cells
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
        row("yamnet", s, v, fraction=f, **MEASURED) for f in (1.0, 0.1) for s, v in (("probe", 0.9), ("scratch", 0.6))
    ]
    return Boards("audio", write(tmp_path, rows))


def heads(boards: Boards, *models: str) -> list[str]:
    return [line[0] for line in Cells(side_by_side(boards, TASK, models)).rows[1:]]


def test_every_factor_of_the_list_is_there(boards: Boards) -> None:
    found = heads(boards, "yamnet", "openl3")
    assert {f"toy: {factor}" for factor in FACTORS} | set(FACTS) <= set(found)
    line = Cells(side_by_side(boards, TASK, ["yamnet", "openl3"])).rows[1 + found.index("toy: FLOPs ↓")]
    assert line == ["toy: FLOPs ↓", "140 M", "–"]


def test_what_is_known_of_none_is_left_out(boards: Boards, row: Maker, tmp_path: Path) -> None:
    assert not {f"toy: {factor}" for factor in USED} & set(heads(boards, "yamnet", "openl3"))
    assert not [head for head in heads(boards, "openl3", "trill") if head.startswith("toy:")]
    assert "file formats" not in heads(boards, "openl3")
    usage = {"requests": 200, "cached": 0, "prompt_tokens": 4000, "completion_tokens": 200, "cost_usd": 0.5}
    asked = Boards("audio", write(tmp_path / "asked", [row("yamnet", "zero-shot", 0.8, **usage)]))
    assert {f"toy: {factor}" for factor in USED} <= set(heads(asked, "yamnet"))


def test_the_box_that_scrolls_has_a_name(boards: Boards) -> None:
    html = side_by_side(boards, TASK, ["yamnet"])
    assert '<div class=wide tabindex=0 role=region aria-label="Models side by side">' in html
    assert "<th scope=col aria-label=factor></th>" in html


def test_nothing_that_a_row_says_is_markup(row: Maker, tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    rows = [row("yamnet", "probe", 0.9, dataset=hostile, variant=hostile, origin=hostile)]
    html = side_by_side(Boards("audio", write(tmp_path, rows)), TASK, ["yamnet"])
    assert "img" not in Cells(html).tags and "&lt;img" in html
