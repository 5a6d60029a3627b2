import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, DatasetDict, Features, List, Value

from tests.support.prepared import Maker, refused, rows_by_id, share_nothing, write_table
from tlzoo.data.catalogue import find, load
from tlzoo.data.dataset import gather
from tlzoo.data.files.hub import listed
from tlzoo.data.files.squad import listing
from tlzoo.data.files.squad import rows as to_predict
from tlzoo.data.media.inputs import read_checked
from tlzoo.data.protocol import draw
from tlzoo.data.schemas import QUESTION_FEATURES
from tlzoo.errors import InputError

XQUAD = Path(__file__).resolve().parents[4] / "shared" / "data" / "xquad" / "xquad.en.json"
TASK = "question-answering"
Content = dict[str, Any]


def document(i: int) -> Content:
    context = f"The café no. {i} opened in {1900 + i}. It closed in 1999, and nobody knows why."
    place = context.index(str(1900 + i))
    answers = [{"text": str(1900 + i), "answer_start": place}]
    qas = [
        {"id": f"a{i}", "question": f"When did {i} open?", "answers": answers, "is_impossible": False},
        {"id": f"b{i}", "question": f"Who ran {i}?", "answers": [], "is_impossible": True},
    ]
    return {"title": f"Café {i}", "paragraphs": [{"context": context, "qas": qas}]}


@pytest.fixture
def squad(tmp_path: Path) -> Maker:
    def make(change: Callable[[Content], object] = lambda c: None, name: str = "mine.json", documents: int = 8) -> Path:
        made = {"version": "v2.0", "data": [document(i) for i in range(documents)]}
        change(made)
        (tmp_path / name).write_text(json.dumps(made), encoding="utf-8")
        return tmp_path / name

    return make


def test_answers_stand_where_rows_say_and_documents_do_not_cross(squad: Maker) -> None:
    data = load(find(TASK, str(squad())))
    assert data.features == QUESTION_FEATURES and not data.problems and not data.notices
    found = rows_by_id(data)
    assert len(found) == 16
    for name, row in found.items():
        i = int(name[1:])
        (text, start) = (row["answers"]["text"], row["answers"]["answer_start"])
        assert text == ([str(1900 + i)] if name[0] == "a" else [])
        assert all(row["context"].startswith(t, s) for t, s in zip(text, start, strict=True))
        assert QUESTION_FEATURES["answer_type"].int2str(row["answer_type"]) == ("short" if text else "none")
    assert share_nothing(data.splits)


def test_all_of_xquad_fits() -> None:
    if not XQUAD.is_file():
        pytest.skip("shared/data/xquad is not in this checkout")
    found = listing(XQUAD)
    assert len(found.inputs) == 1190 and len(set(found.groups or [])) == 48
    for i, question in enumerate(found.inputs):
        target = found.targets.of(i, question)
        assert not target.remarks
        answers = target.columns["answers"]
        assert len(answers["text"]) == 1
        assert target.columns["context"].startswith(answers["text"][0], answers["answer_start"][0])


def _answer(**fields: Any) -> Callable[[Content], None]:
    """Change the first answer of the third document."""

    def change(c: Content) -> None:
        c["data"][2]["paragraphs"][0]["qas"][0]["answers"][0].update(fields)

    return change


@pytest.mark.parametrize(
    ("fields", "remark"),
    [
        ({"answer_start": 3}, "answers with a wrong start, corrected"),
        ({"text": " 1902 ", "answer_start": 3}, "answers with a wrong start, corrected"),
        ({"text": "1902  "}, "answers read without the spaces around them: 1"),
        ({"text": " 1902", "answer_start": 24}, "answers read without the spaces around them: 1"),
        ({"text": " 1902"}, "answers read without the spaces around them: 1"),
    ],
)
def test_what_can_only_be_meant_in_one_way_is_put_right_and_said(
    squad: Maker, fields: dict[str, Any], remark: str
) -> None:
    data = load(find(TASK, str(squad(_answer(**fields)))))
    row = rows_by_id(data)["a2"]
    assert row["answers"] == {"text": ["1902"], "answer_start": [row["context"].index("1902")]}
    assert len(data.notices) == 1 and data.notices[0].startswith(remark)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"text": "1950"}, "answer '1950' is not at character 25, and occurs 0 times in its context"),
        ({"text": "in", "answer_start": 0}, "answer 'in' is not at character 0, and occurs 2 times in its context"),
        ({"text": " "}, "answer '' is not at character 25, and occurs 0 times in its context"),
    ],
)
def test_what_cannot_be_found_is_left_out_and_named(squad: Maker, fields: dict[str, Any], reason: str) -> None:
    data = load(find(TASK, str(squad(_answer(**fields)))))
    assert data.problems == (f"a2: {reason}",)
    assert "a2" not in rows_by_id(data) and len(rows_by_id(data)) == 15


def test_one_bad_answer_of_several_is_left_out_alone(squad: Maker) -> None:
    def change(c: Content) -> None:
        c["data"][2]["paragraphs"][0]["qas"][0]["answers"].append({"text": "1950", "answer_start": 5})

    data = load(find(TASK, str(squad(change))))
    assert rows_by_id(data)["a2"]["answers"]["text"] == ["1902"] and not data.problems
    assert [n.rsplit(": ", 1)[1] for n in data.notices] == ["1"]


def _set(*path: str | int, value: Any) -> Callable[[Content], None]:
    def change(c: Any) -> None:
        for step in path[:-1]:
            c = c[step]
        if value is KeyError:
            del c[path[-1]]
        else:
            c[path[-1]] = value

    return change


QA = ("data", 1, "paragraphs", 0, "qas", 0)
AT = r"mine\.json: data\[1\]\.paragraphs\[0\]"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("data", value=KeyError), r"mine\.json: not a SQuAD file: no list 'data' of documents; it has: version"),
        (_set("data", value=[]), r"mine\.json: contains no question"),
        (_set("data", 1, value="x"), r"mine\.json: data\[1\] is 'x'; expected an object"),
        (_set("data", 1, "paragraphs", value=KeyError), r"data\[1\]: field 'paragraphs' is missing; expected a list"),
        (_set(*QA[:4], "context", value=KeyError), f"{AT}: field 'context' is missing; expected text"),
        (_set(*QA[:4], "context", value=["x"]), rf"{AT}: field 'context' is \['x'\]; expected text"),
        (_set(*QA[:4], "context", value="a\0b"), f"{AT}: field 'context' has a NUL character at 1"),
        (_set(*QA[:4], "context", value="a\ud800"), r"surrogate pair.* in data\[1\]\.paragraphs\[0\]\.context"),
        (_set(*QA[:4], "qas", value={}), rf"{AT}: field 'qas' is \{{\}}; expected a list"),
        (_set(*QA, "question", value=KeyError), rf"{AT}\.qas\[0\]: field 'question' is missing"),
        (_set(*QA, "answers", value=KeyError), rf"{AT}\.qas\[0\]: field 'answers' is missing"),
        (_set(*QA, "answers", value=[]), rf"{AT}\.qas\[0\]: field 'answers' is empty, though 'is_impossible' is false"),
        (_set(*QA, "answers", 0, "text", value=3), rf"{AT}\.qas\[0\]\.answers\[0\]: field 'text' is 3; expected text"),
        (_set(*QA, "answers", 0, "answer_start", value=KeyError), "field 'answer_start' is missing; expected the"),
        (_set(*QA, "answers", 0, "answer_start", value=True), "field 'answer_start' is True; expected the position"),
        (_set(*QA, "answer_type", value="maybe"), "'answer_type' is 'maybe'; expected one of short, long, yes"),
        (_set(*QA, "answer_type", value="none"), "field 'answer_type' is 'none', with 1 answers"),
        (_set(*QA, "id", value="a\ud800"), r"surrogate pair.* in data\[1\]\.paragraphs\[0\]\.qas\[0\]\.id"),
        (_set(*QA, "id", value="b1"), "several questions have the id 'b1'"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_one_line(squad: Maker, change: Callable[[Content], object], message: str) -> None:
    with refused(message):
        find(TASK, str(squad(change)))


def test_blank_questions_and_contexts_are_left_out_and_named(squad: Maker) -> None:
    def change(c: Content) -> None:
        c["data"][0]["paragraphs"][0]["qas"][1]["question"] = " "
        c["data"][1]["paragraphs"][0] |= {"context": "\n"}

    data = load(find(TASK, str(squad(change))))
    assert sorted(data.problems) == ["a1: context is empty", "b0: question is empty", "b1: context is empty"]


def test_a_file_a_split(squad: Maker) -> None:
    folder = squad(name="train-v2.0.json").parent
    squad(lambda c: c["data"].__setitem__(slice(None), [document(i) for i in range(20, 26)]), name="dev-v2.0.json")
    data = load(find(TASK, str(folder)))
    assert {k: len(v) for k, v in data.splits.items()} == {"train": 14, "validation": 2, "test": 12}
    assert all(int(name[1:]) >= 20 for name in data.splits["test"]["id"][:])
    squad(name="more.json")
    with pytest.raises(InputError, match=r"several files, but more\.json names no split"):
        find(TASK, str(folder))


def test_passages_do_not_cross_splits_where_there_are_no_documents(squad: Maker) -> None:
    def merge(c: Content) -> None:
        paragraphs = [d["paragraphs"][0] for d in c["data"]]
        c["data"] = [{"title": "Cafés", "paragraphs": paragraphs}]

    data = load(find(TASK, str(squad(merge))))
    assert share_nothing(data.splits, "context")
    assert len(data.notices) == 1 and "splits are by passage" in data.notices[0]


def test_the_same_question_of_other_passages_is_another_example(squad: Maker) -> None:
    def same(c: Content) -> None:
        for each in c["data"]:
            each["paragraphs"][0]["qas"][0]["question"] = "When did it open?"

    assert len(rows_by_id(load(find(TASK, str(squad(same)))))) == 16


TABLE = {
    "question": [f"When did {i} open?" for i in range(12)],
    "context": [f"Café {i} opened in {1900 + i}, and in 1999 it closed." for i in range(12)],
    "answer": [str(1900 + i) if i % 3 else "" for i in range(12)],
}


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("started", [False, True])
def test_tables(tmp_path: Path, suffix: str, started: bool) -> None:
    starts = [c.index(a) if a else "" for c, a in zip(TABLE["context"], TABLE["answer"], strict=True)]
    table = TABLE | ({"answer_start": [str(s) for s in starts]} if started else {})
    data = load(find(TASK, str(write_table(tmp_path / f"t.{suffix}", table))))
    found = rows_by_id(data)
    assert len(found) == 12
    for name, row in found.items():
        i = int(name.split()[-1]) - 1
        assert row["question"] == TABLE["question"][i]
        text, start = ([TABLE["answer"][i]], [starts[i]]) if i % 3 else ([], [])
        assert row["answers"] == {"text": text, "answer_start": start}


def test_where_no_start_is_told_every_whole_word_is_right(tmp_path: Path) -> None:
    columns = copy.deepcopy(TABLE)
    columns["context"][1] = "1901x 1901. In 1901!"
    row = rows_by_id(load(find(TASK, str(write_table(tmp_path / "t.csv", columns)))))["t.csv row 2"]
    assert row["answers"] == {"text": ["1901", "1901"], "answer_start": [6, 15]}


def test_questions_to_be_answered_need_no_answers(squad: Maker, tmp_path: Path) -> None:
    def bare(c: Content) -> None:
        for each in c["data"]:
            for qa in each["paragraphs"][0]["qas"]:
                del qa["answers"], qa["is_impossible"]
        c["data"][0]["paragraphs"][0]["qas"][1]["question"] = " "

    found = [(facts["id"], row) for facts, row in to_predict(squad(bare, documents=2), {}, print)]
    assert [name for name, _ in found] == ["a0", "b0", "a1", "b1"]
    assert found[2][1] == {"question": "When did 1 open?", "context": document(1)["paragraphs"][0]["context"]}
    assert str(found[1][1]) == "b0: question is empty"
    path = write_table(tmp_path / "t.csv", {name: TABLE[name] for name in ("question", "context")})
    assert len(list(to_predict(path, {}, print))) == 12


def test_the_hubs_columns() -> None:
    features = Features(
        {
            **{name: Value("string") for name in ("id", "title", "context", "question")},
            "answers": {"text": List(Value("string")), "answer_start": List(Value("int32"))},
        }
    )
    splits = {}
    for s, split in enumerate(("train", "validation")):
        made = [document(10 * s + i) for i in range(6)]
        flat = [
            {"id": qa["id"], "title": d["title"], "context": d["paragraphs"][0]["context"], "question": qa["question"]}
            | {"answers": {k: [a[k] for a in qa["answers"]] for k in ("text", "answer_start")}}
            for d in made
            for qa in d["paragraphs"][0]["qas"]
        ]
        splits[split] = Dataset.from_list(flat, features=features)
    found = listed(DatasetDict(splits), "hub:a/b", TASK)
    data = gather(found, draw(found.labels, found.groups, found.splits), read_checked(found.kind))
    assert data.features == QUESTION_FEATURES and not data.problems
    assert {k: len(v) for k, v in data.splits.items()} == {"train": 10, "validation": 2, "test": 12}
    with pytest.raises(InputError, match="no column of answers"):
        listed(DatasetDict({"train": splits["train"].remove_columns("answers")}), "hub:a/b", TASK)


def _rows(change: Callable[[Content], object] = lambda row: None) -> list[Content]:
    rows = []
    for i in range(8):
        paragraph = document(i)["paragraphs"][0]
        for entry in paragraph["qas"]:
            row = {"id": entry["id"], "question": entry["question"], "context": paragraph["context"]}
            row |= {"title": f"Café {i}", "answers": entry["answers"]}
            change(row)
            rows.append(row)
    return rows


def _not_found(row: Content) -> None:
    row["answers"] = row["answers"] or {"text": [""], "answer_start": [-1]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("documents.json", [document(i) for i in range(8)]),
        ("paragraphs.json", [paragraph for i in range(8) for paragraph in document(i)["paragraphs"]]),
        ("objects.jsonl", _rows()),
        ("notfound.jsonl", _rows(_not_found)),
    ],
)
def test_questions_without_what_is_around_them(tmp_path: Path, name: str, content: list[Content]) -> None:
    text = "\n".join(map(json.dumps, content)) if name.endswith("l") else json.dumps(content)
    (tmp_path / name).write_text(text, encoding="utf-8")
    examples = listing(tmp_path / name)
    assert sorted(examples.names) == sorted(f"{letter}{i}" for letter in "ab" for i in range(8))
    answered = dict(zip(examples.names, examples.labels, strict=True))
    assert all(label == ("answer" if name[0] == "a" else "none") for name, label in answered.items())


def test_an_answer_that_starts_nowhere_is_looked_for(squad: Maker) -> None:
    path = squad(lambda c: c["data"][0]["paragraphs"][0]["qas"][0]["answers"][0].update(answer_start=-1))
    assert len(listing(path).inputs) == 16
