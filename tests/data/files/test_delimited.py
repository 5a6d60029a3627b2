from pathlib import Path

import pytest

from tlzoo.data.files.tables import read_table
from tlzoo.data.files.text_files.delimited import column_named


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.csv", "text;label\na, b;x\nc;y\n", [("a, b", "x"), ("c", "y")]),
        ("a.csv", "text\tlabel\na, b\tx\n", [("a, b", "x")]),
        ("a.csv", "text|label\na, b|x\n", [("a, b", "x")]),
        ("a.tsv", "text,label\na\tb,x\n", [("a\tb", "x")]),
        ("a.csv", " Text , label \na,b\n", [("a", "b")]),
        ("a.csv", "text,label\na,b,\nc,d,,\n", [("a", "b"), ("c", "d")]),
        ("a.csv", "text,label,\na,b\nc,d,\n", [("a", "b"), ("c", "d")]),
        ("a.csv", "text,label\na\n\nc,d\n", [("a", ""), ("c", "d")]),
        ("a.csv", 'text,label\r\n"a\nb, ""c""",x\r\n', [('a\nb, "c"', "x")]),
        ("a.csv", 'text,label\n"he said \\"hi\\" to me",x\nc,d\n', [('"he said \\"hi\\" to me"', "x"), ("c", "d")]),
        ("a.tsv", 'text\tlabel\n"a\tx\nb\ty\n"c" d\tx\n', [('"a', "x"), ("b", "y"), ('"c" d', "x")]),
        (
            "a.tsv",
            'text\tlabel\n"a\tx\nb\ty\nc"\tx\n"d ""e"""\ty\n',
            [('"a', "x"), ("b", "y"), ('c"', "x"), ('d "e"', "y")],
        ),
        ("a.tsv", 'text\tlabel\n"a\nb"\tx\n', [("a\nb", "x")]),
        ("a.csv", "text,label\n" + "a" * 200_000 + ",b\n", [("a" * 200_000, "b")]),
    ],
)
def test_separators_headers_and_quotes(tmp_path: Path, name: str, content: str, rows: list[tuple[str, str]]) -> None:
    (tmp_path / name).write_text(content, newline="")
    columns = read_table(tmp_path / name).columns
    text, label = (column_named(columns, [wanted]) for wanted in ("text", "label"))
    assert text and label and len(columns) == 2
    assert list(zip(columns[text], columns[label], strict=True)) == rows


def test_names_that_stand_twice_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",text,text,label\n0,a,b,c\n")
    assert list(read_table(tmp_path / "a.csv").columns) == ["column 1", "text", "text.1", "label"]
