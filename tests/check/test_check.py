"""The whole of ``tlzoo check``, on texts and on what has no classes."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tlzoo.check import check
from tlzoo.cli import app
from tlzoo.errors import InputError

WORDS = {
    "fruit": ["apple", "banana", "cherry", "melon", "grape", "plum", "peach", "lemon"],
    "tool": ["hammer", "saw", "drill", "pliers", "wrench", "chisel", "file", "axe"],
}


def write(path: Path, wrong: set[int]) -> None:
    rng = np.random.default_rng(0)
    names = list(WORDS)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for i in range(120):
            words = rng.choice(WORDS[names[i % 2]], 6)
            writer.writerow([f"{' '.join(words)} {rng.integers(10_000)}", names[(i + (i in wrong)) % 2]])


def test_flipped_labels_are_named_and_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    wrong = {4, 31, 77, 90}
    write(tmp_path / "mine.csv", wrong)
    arguments = ("--task", "text-classification", "--data", str(tmp_path / "mine.csv"), "--out", str(tmp_path / "out"))
    done = CliRunner().invoke(app, ["check", *arguments])
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader((tmp_path / "out" / "check.csv").open()))
    odd = [row for row in rows if row["kind"] == "odd label"]
    assert {row["example"] for row in odd} == {f"row {i + 1}" for i in wrong}
    assert all(row["class"] != row["other"] and float(row["score"]) > 0.5 for row in odd)
    assert {row["kind"] for row in rows} == {"odd label"}, "nothing else is wrong"
    assert "odd label" in done.stdout and "look at each, and correct what is wrong" in done.stdout
    assert "without the odd labels 1.000" in done.stdout
    page = (tmp_path / "out" / "check.html").read_text()
    assert "odd label: 4" in page and "looks like fruit" in page


def test_what_has_no_classes_is_looked_at_for_copies(tmp_path: Path) -> None:
    rows = [
        {"question": f"Where is city {i}?", "context": f"City {i} is in the north.", "answer": "the north"}
        for i in range(20)
    ]
    lines = [json.dumps(row) for row in (*rows, rows[3])]
    (tmp_path / "mine.jsonl").write_text("\n".join(lines))
    report = check("question-answering", tmp_path / "mine.jsonl")
    assert [(each.kind, each.other) for each in report.suspects] == [("repeat", "mine.jsonl row 4")]
    assert report.scores is None


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such"):
        check("image-classification", tmp_path / "nothing")
