from pathlib import Path

import pytest

from tests.support.prepared import share_nothing, write_table
from tlzoo.data.catalogue import find, load
from tlzoo.data.packaged.news import documents

TASK = "language-modeling"
XQUAD = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "xquad" / "xquad.en.json"


def test_a_squad_file_gives_passages_of_its_documents() -> None:
    if not XQUAD.is_file():
        pytest.skip("XQuAD is not in this checkout")
    data = load(find(TASK, str(XQUAD)))
    assert all(len(data.splits[split]) > 30 for split in data.splits)
    assert share_nothing(data.splits), "a document is in one split"
    for row in data.splits["test"]:
        assert row["target"].lower() in row["text"].lower() and 29 <= len(row["text"].split()) < 80


def test_a_text_file_and_tables_of_texts_or_of_words(tmp_path: Path) -> None:
    stories = list(documents().values())[:40]
    plain = tmp_path / "stories.txt"
    plain.write_text("\n\n".join(stories))
    cut = load(find(TASK, str(plain)))
    table = load(find(TASK, str(write_table(tmp_path / "stories.csv", {"text": stories}))))
    assert [len(cut.splits[s]) for s in cut.splits] == [len(table.splits[s]) for s in table.splits]
    rows = [row for split in cut.splits.values() for row in split][:20]
    columns = {name: [row[name] for row in rows] for name in ("text", "target")}
    words = load(find(TASK, str(write_table(tmp_path / "words.csv", columns))))
    assert sorted(t for s in words.splits.values() for t in s["target"][:]) == sorted(row["target"] for row in rows)


def test_paragraphs_whatever_ends_their_lines(tmp_path: Path) -> None:
    stories = list(documents().values())[:20]
    found = []
    for name, end in (("unix", "\n"), ("windows", "\r\n"), ("mac", "\r")):
        path = tmp_path / name / "stories.txt"
        path.parent.mkdir()
        path.write_bytes(f"{end} {end}".join(stories).encode())
        data = load(find(TASK, str(path)))
        found.append({split: (rows["text"][:], rows["group"][:]) for split, rows in data.splits.items()})
    assert found[0] == found[1] == found[2]
    assert len({group for _, groups in found[0].values() for group in groups}) == 20
