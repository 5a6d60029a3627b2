"""Replies to be ranked: splits that share nothing, candidates of the same split, and a person's own pairs."""

import json
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, DatasetDict

from tests.support.prepared import write_table
from tlzoo.data.catalogue import find, load
from tlzoo.data.files import tables
from tlzoo.data.files.hub import listed
from tlzoo.data.files.replies import Pair, groups, listing, normal_form, ranking, without_duplicates
from tlzoo.data.schemas import REPLY_FEATURES

WORDS = ("red", "blue", "green", "small", "large", "old", "new", "round", "square", "fast")
PAIRS = [(f"What is {a} and {b}?", f"A {b} {a} thing, number {i}.") for i, a in enumerate(WORDS) for b in WORDS]
MESSAGES, REPLIES = map(list, zip(*PAIRS, strict=True))


def chats(role: str, content: str, *roles: str) -> list[list[dict[str, str]]]:
    """Conversations of three turns, of which the first is that of the system."""
    return [
        [{role: each, content: text} for each, text in zip(roles, ("Be brief.", *pair), strict=True)] for pair in PAIRS
    ]


def test_a_form_is_what_texts_that_say_the_same_have_in_common() -> None:
    assert normal_form("What's  UP,\n Doc?!") == normal_form("what's up doc") == "what's up doc"
    assert normal_form("?!") == "?!" and normal_form(" ") == ""
    said = [("Hi", "Hello!"), ("hi.", "hello"), ("Hi", ""), ("", "Hello"), ("Well", "well!"), ("Hi", "Hey")]
    assert [p.reply for p in without_duplicates(Pair(*texts, "c") for texts in said)] == ["Hello!", "Hey"]


def test_groups_join_what_shares_a_conversation_a_message_or_a_reply() -> None:
    pairs = [
        Pair("a", "b", "1"),
        Pair("c", "d", "1"),
        Pair("A!", "e", "2"),  # the message of the first
        Pair("f", "D", "3"),  # the reply of the second
        Pair("e", "g", "4"),  # answers the third's reply
        Pair("h", "i", "5"),
    ]
    assert groups(pairs) == ["1", "1", "1", "1", "1", "5"]


def test_candidates_are_of_the_same_split_and_one_is_right() -> None:
    pairs = [Pair(*texts, str(i)) for i, texts in enumerate(PAIRS)]
    pairs += [Pair(PAIRS[0][0], f"Answer {i}", f"more {i}") for i in range(30)]  # many right replies to one message
    found = ranking(pairs)
    right: dict[str, set[str]] = {}
    told: dict[str, set[str]] = {}
    for pair, split in zip(pairs, found.splits, strict=True):
        right.setdefault(pair.message, set()).add(pair.reply)
        told.setdefault(split, set()).add(pair.reply)
    assert set(told) == {"train", "validation", "test"}
    places = []
    for i, (pair, split) in enumerate(zip(pairs, found.splits, strict=True)):
        row = found.targets.of(i, pair.message).columns
        candidates, target = row["candidates"], row["target"]
        assert candidates[target] == pair.reply
        assert len(set(candidates)) == 10 and set(candidates) <= told[split]
        assert set(candidates) & right[pair.message] == {pair.reply}
        places.append(target)
    assert set(places) == set(range(10))
    assert len(set(found.names)) == len(found.names)


def test_given_splits_lose_what_a_later_one_has() -> None:
    pairs = [Pair(*texts, str(i), split=("train", "validation", "test")[i % 3]) for i, texts in enumerate(PAIRS)]
    leak = Pair(pairs[2].message.upper(), "Something else", "leak", split="train")
    found = ranking([*pairs, leak])
    assert leak.message not in found.inputs and len(found.inputs) == len(pairs)
    assert "1 pairs share a message, a reply or a conversation with a later split" in found.notices[0]


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("a.csv", {"Question": MESSAGES, "Answer": REPLIES}),
        ("a.tsv", {"message": MESSAGES, "response": REPLIES}),
        ("a.parquet", {"prompt": MESSAGES, "completion": REPLIES}),
        ("a.jsonl", {"messages": chats("role", "content", "system", "user", "assistant")}),
        ("b.jsonl", {"conversations": chats("from", "value", "system", "human", "gpt")}),
        ("c.jsonl", {"dialog": PAIRS}),
    ],
    ids=["csv", "tsv", "parquet", "role and content", "from and value", "texts"],
)
def test_own_pairs_in_every_form(tmp_path: Path, name: str, columns: dict[str, list[Any]]) -> None:
    data = load(find("text-generation", str(write_table(tmp_path / name, columns))))
    told = "message from column {!r}, reply from column {!r}" if len(columns) == 2 else "conversations from column {!r}"
    assert f"{name}: {told.format(*columns)}" in data.notices
    assert data.features == REPLY_FEATURES
    rows = [row for split in data.splits.values() for row in split]
    assert len(rows) == len(PAIRS)
    assert {(row["text"], row["candidates"][row["target"]]) for row in rows} == set(PAIRS)
    assert min(len(split) for split in data.splits.values()) >= 10


def test_the_hubs_dialogues_are_read_as_own_ones_are() -> None:
    halves = {"train": PAIRS[:80], "test": PAIRS[80:]}
    loaded = DatasetDict({name: Dataset.from_dict({"dialog": list(map(list, half))}) for name, half in halves.items()})
    found = listed(loaded, "hub:some/dialogues", "text-generation")
    assert found.inputs == [message for message, _ in PAIRS]
    assert found.splits is not None and set(found.splits[80:]) == {"test"} and found.splits.count("validation") >= 10


def test_a_conversation_is_in_one_split(tmp_path: Path) -> None:
    columns = {"conversation_id": [i // 5 for i in range(100)], "message": MESSAGES, "reply": REPLIES}
    found = listing(write_table(tmp_path / "pairs.csv", columns))
    assert "group from column 'conversation_id'" in found.notices[0]
    splits: dict[str, set[str]] = {}
    for name, split in zip(found.groups or [], found.splits or [], strict=True):
        splits.setdefault(name, set()).add(split)
    assert len(splits) == 20 and all(len(each) == 1 for each in splits.values())


def test_empty_cells_are_named_and_left_out(tmp_path: Path) -> None:
    columns = {"message": [*MESSAGES, "Hi", " "], "reply": [*REPLIES, None, None]}
    found = listing(write_table(tmp_path / "pairs.jsonl", columns))
    assert found.problems == ["pairs.jsonl row 101: 'reply' is empty", "pairs.jsonl row 102: 'message' is empty"]
    assert len(found.inputs) == 100


def test_an_instruction_and_what_it_is_about_are_one_message(tmp_path: Path) -> None:
    given = [{"instruction": m, "input": "" if i % 4 else f"It is {i}.", "output": r} for i, (m, r) in enumerate(PAIRS)]
    (tmp_path / "alpaca.json").write_text(json.dumps(given))
    found = listing(tmp_path / "alpaca.json")
    assert len(found.inputs) == len(PAIRS) and not found.problems
    assert found.inputs[:2] == [f"{PAIRS[0][0]}\n\nIt is 0.", PAIRS[1][0]]
    assert found.columns == {"text": "instruction", "input": "input"}
    read: list[str] = []
    asked = [row for _, row in tables.rows(tmp_path / "alpaca.json", found.columns, read.append)]
    assert asked[:2] == [{"text": text} for text in found.inputs[:2]]
    assert read == ["text from column 'instruction', with column 'input' below it"]
