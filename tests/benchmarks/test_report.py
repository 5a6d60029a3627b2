"""The page of benchmarks: what its rows say, and that every benchmark it runs is there."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks import report

HERE = Path(report.__file__).parent


@pytest.mark.parametrize(
    ("row", "end"),
    [
        (report.Row("a", 3.0, plain=2.0, against="b", bar=1.4), "| a | 3 s | b | 2 s | 1.500 | 1.4 | **no** |"),
        (report.Row("a", 3.0, plain=2.0, against="b", ratio=1.3, bar=1.4), "| 1.300 | 1.4 | yes |"),
        (report.Row("a", 61.0, "min", bar=60.0), "| a | 61 min |  |  |  | 60 min | **no** |"),
        (report.Row("a", 1.0, plain=2.0, against="b"), "| 0.500 |  |  |"),
    ],
)
def test_the_bar_judges_the_ratio_or_what_is_measured(row: report.Row, end: str) -> None:
    assert row.line().endswith(end)
    assert row.line().count("|") == report.HEAD.splitlines()[0].count("|")


def test_rows_are_printed_as_a_table_or_as_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = report.Row("a", 3.0, plain=2.0, against="b")
    monkeypatch.setattr(sys, "argv", ["startup.py"])
    report.show([row])
    assert capsys.readouterr().out == f"{report.HEAD}\n{row.line()}\n"
    monkeypatch.setattr(sys, "argv", ["startup.py", "--json"])
    report.show([row])
    assert [report.Row(**each) for each in json.loads(capsys.readouterr().out)] == [row]


def test_every_benchmark_of_the_page_is_there() -> None:
    for name in report.SCRIPTS:
        assert "show(" in (HERE / f"{name}.py").read_text(encoding="utf-8"), name
