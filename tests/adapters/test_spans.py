"""Windows over a question and a passage: every token knows its characters, and none is lost."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.encoders import encoder
from tlzoo.adapters import spans
from tlzoo.adapters.text_encoder import TextEncoder
from tlzoo.core.batch import collate
from tlzoo.data.files import squad
from tlzoo.tasks.question_answering import QuestionAnswering, normalise

XQUAD = Path(__file__).resolve().parents[3] / "shared" / "data" / "xquad" / "xquad.en.json"
TASK = QuestionAnswering.of([])


@pytest.fixture(scope="module")
def nano() -> TextEncoder:
    return encoder("tf2nq")


def row(question: squad.Question) -> dict[str, Any]:
    answers = {"text": [t for t, _ in question.answers], "answer_start": [start for _, start in question.answers]}
    return {"question": question.question, "context": question.context, "answers": answers}


def parted(example: dict[str, Any], *names: str) -> Iterator[tuple[torch.Tensor, ...]]:
    """What is ragged over tokens, window by window."""
    return zip(*(torch.split(example[name], example["windows"].tolist()) for name in names), strict=True)


@pytest.mark.parametrize(
    ("card", "variant", "max_tokens"), [("bert", "minilm", 256), ("tf2nq", "nano", 128), ("xlnet", "nano", 256)]
)
def test_all_of_xquad_goes_to_tokens_and_back(card: str, variant: str, max_tokens: int) -> None:
    """The tokens that a right answer makes right are, in each window that has it, exactly its characters.

    One answer of XQuAD ends inside a number; and pieces that are no WordPiece may have a comma or bracket in them.
    """
    if not XQUAD.is_file():
        pytest.skip("shared/data/xquad is not in this checkout")
    made = encoder(card, variant, max_tokens)
    asked = list(squad.in_file(XQUAD))
    assert len(asked) == 1190
    inexact = []
    for question in asked:
        example = made.encode_row({"question": question.question, "context": question.context}, TASK)
        example["target"] = TASK.target(row(question), example)
        assert int(example["windows"].max()) <= max_tokens
        found = set()
        for marks, offsets in parted(example, "target", "offsets"):
            first, last = (int(marks[:, i].nonzero()) for i in (0, 1))
            if offsets[first, 1] > 0:
                found.add((int(offsets[first, 0]), int(offsets[last, 1])))
        ((text, start),) = question.answers
        assert len(found) == 1, "at least one window has all of the answer, and all agree"
        begin, end = found.pop()
        if (begin, end) != (start, start + len(text)):
            inexact.append(text)
            assert begin <= start and end >= start + len(text)
            assert card != "xlnet" or "70" in text or normalise(question.context[begin:end]) == normalise(text)
    assert card == "xlnet" or set(inexact) <= {"7,000,000 square kilometres (2,70"}


def test_windows_cover_the_passage_and_agree_with_one_over_all_of_it(nano: TextEncoder) -> None:
    context = "It rained in Perth. " * 60 + "Snow fell on Hobart in June 1986."
    whole = encoder("tf2nq", max_tokens=4096).encode_row({"question": "When did snow fall?", "context": context}, TASK)
    assert len(whole["windows"]) == 1
    small = encoder("tf2nq", max_tokens=64).encode_row({"question": "When did snow fall?", "context": context}, TASK)
    assert len(small["windows"]) > 5

    def tokens(example: dict[str, Any]) -> list[set[tuple[int, int, int]]]:
        return [
            {(*span, number) for span, number in zip(offsets.tolist(), ids.tolist(), strict=True) if span[1] > 0}
            for offsets, ids in parted(example, "offsets", "ids")
        ]

    assert set.union(*tokens(small)) == tokens(whole)[0]
    assert all(a & b for a, b in pairwise(tokens(small))), "neighbours overlap"
    for ids, offsets, segments in parted(small, "ids", "offsets", "segments"):
        assert ids[:2].tolist() == small["ids"][:2].tolist() and (offsets[:, 1] == 0).sum() == 1
        assert segments[offsets[:, 1] > 0].all() and not segments[offsets[:, 1] == 0].any()


def test_of_one_that_ends_with_its_classifier_that_token_is_no_answer() -> None:
    made = encoder("xlnet")
    example = made.encode_row({"question": "Who?", "context": "Ada did."}, TASK)
    assert example["offsets"][-1].tolist() == [0, 0] and (example["offsets"][:, 1] == 0).sum() == 1
    assert made.tokenizer.id_to_token(int(example["ids"][-1])) == "<cls>"


@settings(max_examples=60, deadline=None)
@given(question=st.text(max_size=80), context=st.text(max_size=400))
def test_any_text_gives_windows_of_characters(nano: TextEncoder, question: str, context: str) -> None:
    example = nano.encode_row({"question": question, "context": context}, TASK)
    assert int(example["windows"].sum()) == len(example["ids"]) == len(example["segments"]) == len(example["offsets"])
    for start, end in example["offsets"].tolist():
        assert (start, end) in ((0, 0), (-1, -1)) or 0 <= start < end <= len(context)
        assert (text := context[max(start, 0) : end]) == text.strip() or start < 0


def test_a_long_question_leaves_room_and_a_long_passage_is_read_to_its_end() -> None:
    made = encoder("tf2nq", max_tokens=128)
    context = "word " * 20000
    example = made.encode_row({"question": "why " * 500, "context": context}, TASK)
    assert int(example["windows"].max()) == 128
    assert int(example["offsets"].max()) == len(context.rstrip())


def test_a_batch_gives_what_its_examples_give(nano: TextEncoder) -> None:
    """Also where all of its windows do not pass through the network at once."""
    examples = [
        nano.encode_row({"question": f"Where is {i}?", "context": "Something is somewhere else. " * (1 + 40 * i)}, TASK)
        for i in range(8)
    ]
    ragged = nano.ragged | spans.RAGGED
    with torch.inference_mode():
        alone = torch.cat([spans.tokens(nano, collate([e], ragged)) for e in examples])
        batch = collate(examples, ragged)
        torch.testing.assert_close(spans.tokens(nano, batch), alone, atol=1e-4, rtol=0)
    with torch.enable_grad():
        torch.testing.assert_close(spans.tokens(nano, batch).detach(), alone, atol=1e-4, rtol=0)


def test_some_of_the_windows(nano: TextEncoder) -> None:
    examples = [
        nano.encode_row({"question": f"{i}?", "context": "Something is somewhere else. " * (1 + 60 * i)}, TASK)
        for i in range(3)
    ]
    batch = collate(examples, nano.ragged | spans.RAGGED)
    kept = torch.zeros(len(batch["windows"]), dtype=torch.bool)
    first = batch["windows_lengths"].cumsum(0) - 1  # the last one of each example
    kept[first] = True
    some = spans.select_windows(batch, kept, nano.ragged | {"offsets"})
    assert some["windows_lengths"].tolist() == [1, 1, 1]
    for i, example in enumerate(examples):
        length = int(example["windows"][-1])
        assert int(some["windows"][i]) == int(some["ids_lengths"][i]) == length
        assert torch.split(some["offsets"], some["windows"].tolist())[i].equal(example["offsets"][-length:])
