import csv
from pathlib import Path

import pytest

from tlzoo.data.catalogue import find, load
from tlzoo.data.packaged.news import documents
from tlzoo.errors import InputError

pytestmark = pytest.mark.usefixtures("new_cache")

TASK = "language-modeling"
XQUAD = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "xquad" / "xquad.en.json"


def test_a_squad_file_gives_passages_of_its_documents() -> None:
    if not XQUAD.is_file():
        pytest.skip("XQuAD is not in this checkout")
    data = load(find(TASK, str(XQUAD)))
    groups = [set(data.splits[split]["group"][:]) for split in data.splits]
    assert all(len(data.splits[split]) > 30 for split in data.splits)
    assert sum(map(len, groups)) == len(set.union(*groups)), "a document is in one split"
    for row in data.splits["test"]:
        assert row["target"].lower() in row["text"].lower() and 29 <= len(row["text"].split()) < 80


def test_a_text_file_and_tables_of_texts_or_of_words(tmp_path: Path) -> None:
    stories = list(documents().values())[:40]
    plain = tmp_path / "stories.txt"
    plain.write_text("\n\n".join(stories))
    cut = load(find(TASK, str(plain)))
    with (tmp_path / "stories.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["text"], *([story] for story in stories)])
    table = load(find(TASK, str(tmp_path / "stories.csv")))
    assert [len(cut.splits[s]) for s in cut.splits] == [len(table.splits[s]) for s in table.splits]
    rows = [row for split in cut.splits.values() for row in split][:20]
    with (tmp_path / "words.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["text", "target"], *([row["text"], row["target"]] for row in rows)])
    words = load(find(TASK, str(tmp_path / "words.csv")))
    assert sorted(t for s in words.splits.values() for t in s["target"][:]) == sorted(row["target"] for row in rows)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.txt", b"too short to be a passage", "no passage of 30 to 80 words"),
        ("a.txt", b"caf\xe9 " * 40, "not valid UTF-8"),
        ("a.csv", b"title2,words\na,b\n", "no column of texts"),
        ("a.json", b"{}", "a.json"),
    ],
)
def test_what_gives_no_passage_is_said_in_one_line(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=told) as caught:
        find(TASK, str(tmp_path / name))
    assert "\n" not in str(caught.value)


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
