import io
import os
import pty
import sys

import pytest

from tlzoo import terminal
from tlzoo.terminal import Column, table

NAMES = ("inception-resnet-v1 nano", "inception-resnet-v2 nano", "crepe tiny")
COLUMNS = (
    Column("model", 0, is_text=True, least=12),
    Column("what it is called", 3, is_text=True, is_essential=False),
    Column("accuracy [95%]", 1),
    Column("size MB", 2),
)
ROWS = [[name, "a long description", f"0.{i}04 [0.359, 0.447]", f"{i}1.59"] for i, name in enumerate(NAMES)]


@pytest.mark.parametrize("available", range(34, 90))
def test_a_number_is_whole_or_not_there(available: int) -> None:
    laid = table(COLUMNS, ROWS, available)
    lines = [line for row in laid.rows for line in row]
    assert max(map(len, (*laid.head, *lines))) <= available
    assert len(laid.hidden) == 4 - sum(all(word in "".join(laid.head) for word in c.head.split()) for c in COLUMNS)
    for row, shown in zip(ROWS, laid.rows, strict=True):
        assert row[2] in shown[0]
        assert (row[3] in shown[0].split()) == (COLUMNS[3] not in laid.hidden)


def test_names_that_differ_are_shown_apart() -> None:
    laid = table(COLUMNS, ROWS, 36)
    shown = [" ".join(line.split()[0] for line in row) for row in laid.rows]
    assert shown[0] != shown[1] and "resnet-v1" in shown[0] and "resnet-v2" in shown[1]


def test_what_cannot_be_broken_is_cut_and_shows_it() -> None:
    laid = table([Column("name", 0, is_text=True, least=6), Column("n", 1)], [["abcdefghijkl", "123456"]], 14)
    assert laid.rows == (("abcde…  123456",),)


def test_without_a_terminal_all_is_shown_on_one_line_a_row() -> None:
    laid = table(COLUMNS, ROWS)
    assert not laid.hidden and len(laid.head) == 1 and all(len(row) == 1 for row in laid.rows)
    assert "inception-resnet-v1 nano  a long description" in laid.rows[0][0]


def test_wide_characters_take_two_columns() -> None:
    laid = table([Column("name", 0, is_text=True), Column("n", 1)], [["音声", "1"], ["abcd", "2"]], 20)
    assert laid.rows == (("音声  1",), ("abcd  2",))


def test_lines_are_broken_between_words() -> None:
    text = "plain words that go on\n- an item that goes on\n  https://example.org/a/long/address, of a paper"
    lines = terminal.wrap(text, 16).split("\n")
    assert lines == [
        "plain words that", "go on", "- an item that", "  goes on", "  https://example.org/a/long/address,",
        "  of a paper",
    ]  # fmt: skip
    assert terminal.wrap(text, None) == text


HOSTILE = "a\x1b[2J\x1b]0;title\x07b\x00c\x9bd\u202ee\u2066f"


def test_what_steers_a_terminal_is_left_out() -> None:
    assert terminal.clean(f"{HOSTILE}\n\tx") == "a[2J]0;titlebcdef\n\tx"
    assert terminal.wrap(HOSTILE, None) == terminal.wrap(HOSTILE, 80) == "a[2J]0;titlebcdef"
    assert table([Column("x", 0, is_text=True)], [[f"{HOSTILE}\ny"]]).rows == (("a[2J]0;titlebcdef y",),)


def test_data_in_a_pipe_stay_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.put(HOSTILE)
    terminal.say(HOSTILE)
    shown = capsys.readouterr()
    assert shown.out == f"{HOSTILE}\n"
    assert shown.err == "a[2J]0;titlebcdef\n"


def test_on_a_terminal_they_are_clean_and_it_has_a_width(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.delenv("COLUMNS", raising=False)
        assert terminal.width() == 80, "a terminal that does not know its own"
        monkeypatch.setenv("COLUMNS", "132")
        assert terminal.width() == 132
        terminal.put(HOSTILE)
        assert os.read(ours, 1000).decode() == "a[2J]0;titlebcdef\r\n"
    os.close(ours)
    assert terminal.width(io.StringIO()) is None


def test_a_notice_that_quotes_a_file_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.say("x" * 10_000 + "\nmore")
    first, second = capsys.readouterr().err.splitlines()
    assert first == "x" * terminal.MAX_CHARACTERS + "..." and second == "more"
