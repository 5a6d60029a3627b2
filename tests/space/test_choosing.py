"""A recommendation is that of the command line."""

import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

pytest.importorskip("gradio")

from tlzoo.space.boards import Boards
from tlzoo.space.choosing import recommend


@pytest.mark.parametrize(
    ("options", "limits"),
    [
        ([], {}),
        (["--max-size-mb", "3", "--min-score", "0.8"], {"size": 3.0, "score": 0.8}),
        (["--max-latency-ms", "1"], {"latency": 1.0}),
        (["--license", "mit"], {"licenses": ["MIT"]}),
    ],
)
def test_it_is_what_select_says(results: Path, options: list[str], limits: dict[str, object]) -> None:
    command = [sys.executable, "-m", "tlzoo", "select", "--task", "audio-embedding", "--out", str(results), *options]
    said = subprocess.run(command, capture_output=True, text=True).stdout
    shown = unescape(recommend(Boards("audio", results), "audio-embedding", **limits))  # type: ignore[arg-type]
    lines = [line.removeprefix("  - ") for line in said.splitlines()]
    assert lines
    for line in lines:
        assert line in shown
