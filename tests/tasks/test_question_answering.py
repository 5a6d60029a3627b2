"""Question answering: what counts as right, what is learnt, and where answers are said to stand."""

import string
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.support.encoders import encoder
from tests.support.training import learn, scores
from tlzoo.core.predictions import AnswerSpan
from tlzoo.data.schemas import ANSWER_TYPES, QUESTION_FEATURES
from tlzoo.tasks.question_answering import NONE, QuestionAnswering, f1, normalise
from tlzoo.transfer.inference import statistics, values

TASK = QuestionAnswering(QUESTION_FEATURES)
NAMES = ("Anna", "Boris", "Clara", "David", "Emma")
PLACES = ("Perth", "Hobart", "Darwin", "Sydney", "Cairns")


def question(i: int, answered: bool = True, padding: str = "") -> dict[str, Any]:
    """Who lives where, of a passage that says it of others, too."""
    name, place = NAMES[i % 5], PLACES[(i * 2) % 5]
    told = [f"{n} lives in {p}." for n, p in zip(NAMES, PLACES[-i % 5 :] + PLACES, strict=False) if n != name]
    context = f"{told[0]} {told[1]} {padding}{name} lives in {place}. {told[2]}" if answered else " ".join(told)
    start = context.index(f"{name} lives in {place}") + len(name) + 10 if answered else 0
    answers = {"text": [place] * answered, "answer_start": [start] * answered}
    kind = ANSWER_TYPES.index("short" if answered else "none")
    return {"question": f"Where does {name} live?", "context": context, "answers": answers, "answer_type": kind}


def predicted(text: str) -> AnswerSpan:
    return AnswerSpan(text, 0, len(text), 1.0, "short" if text else "none", 0.0, [])


def row(*texts: str) -> dict[str, Any]:
    return {"answers": {"text": list(texts), "answer_start": [0] * len(texts)}}


def test_it_is_neither_cacheable_nor_dense_and_has_no_labels() -> None:
    assert TASK.labels == () and not TASK.facts.is_cacheable and not TASK.facts.is_dense
    assert TASK.facts.metrics == TASK.metrics


@pytest.mark.parametrize(
    ("given", "right", "f1", "exact"),
    [
        ("The Eiffel Tower", ["eiffel tower!"], 1, 1),
        ("Eiffel", ["the Eiffel Tower", "a tower"], 2 / 3, 0),
        ("a tower of steel", ["the Eiffel Tower", "tower"], 0.5, 0),
        ("tower tower", ["tower"], 2 / 3, 0),
        ("Paris", ["London", "Rome"], 0, 0),
        ("Paris", ["London", "paris"], 1, 1),
        ("", [], 1, 1),
        ("Paris", [], 0, 0),
        ("", ["Paris"], 0, 0),
        ("", ["a"], 0, 0),
        ("the", ["a"], 1, 1),
        ("the", ["Paris"], 0, 0),
    ],
)
def test_answers_by_hand(given: str, right: list[str], f1: float, exact: float) -> None:
    found = TASK.statistics(predicted(given), row(*right))
    assert (found["f1"], found["exact_match"]) == ([pytest.approx(f1)], [exact])


def test_questions_with_and_without_an_answer_are_also_scored_apart() -> None:
    """As ``HasAns_f1`` and ``NoAns_f1`` of evaluate-v2.0.py."""
    rows = [row("red car"), row("blue"), row(), row(), row()]
    answers = [*map(predicted, ["red bus", "", "", "green", ""])]
    apart = {"f1_has_answer": 0.25, "f1_no_answer": 2 / 3}
    assert values(TASK, statistics(TASK, answers, rows)) == pytest.approx({"f1": 0.5, "exact_match": 0.4} | apart)
    answered = statistics(TASK, answers[:2], rows[:2])
    assert set(values(TASK, answered)) == {"f1", "exact_match", "f1_has_answer"}, "nothing is known of the others"


@given(st.text(max_size=40))
def test_normalised_text_has_nothing_left_that_does_not_count(text: str) -> None:
    normal = normalise(text)
    assert not set(normal) & set(string.punctuation) and normal == " ".join(normal.split())
    assert not {"a", "an", "the"} & set(normal.split())
    assert normalise(f" The {text}!  ") == normalise(f"the {text}") == normalise(f"{text} a")


@given(st.text(max_size=30), st.lists(st.text(min_size=1, max_size=30), max_size=4))
def test_scores_are_shares_that_right_answers_reach(given: str, right: list[str]) -> None:
    found = TASK.statistics(predicted(given), row(*right))
    (share,), (exact,) = found["f1"], found["exact_match"]
    assert 0 <= exact <= share <= 1 and exact in (0, 1)
    for text in right:
        found = TASK.statistics(predicted(text), row(*right))
        assert (found["f1"], found["exact_match"]) == ([1.0], [1.0])
        assert f1(given, text) == pytest.approx(f1(text, given))


def test_ten_examples_are_learnt() -> None:
    """One of them in several windows, some of them without an answer."""
    rows = [question(i, i % 4 != 3, "Nothing else is said of it. " * (8 if i == 2 else 0)) for i in range(10)]
    model = encoder("tf2nq", max_tokens=72).for_task(TASK)
    assert [len(model.encode(row)["windows"]) > 1 for row in rows] == [i == 2 for i in range(10)]
    losses = learn(model, rows, 40, augment=True, rate=2e-3)
    assert losses[-1] < 0.1 * losses[0]
    assert [*scores(TASK, model, rows).values()] == [pytest.approx(1, abs=0.1)] * 4
    with torch.inference_mode():
        found = model.predict(model.collate([model.encode({k: row[k] for k in TASK.inputs}) for row in rows]))
    for prediction, asked in zip(found, rows, strict=True):
        assert asked["context"][prediction.start : prediction.end] == prediction.text
        assert (prediction.type == "none") == (prediction.text == "") == (prediction.end == 0)


def made(*windows: list[tuple[int, int]]) -> dict[str, Any]:
    """A batch of one example whose windows' tokens have these characters, ``(0, 0)`` the classifier's first."""
    offsets = torch.tensor([span for window in windows for span in [(0, 0), *window]])
    lengths = torch.tensor([1 + len(window) for window in windows])
    counts = torch.tensor([len(windows)])
    return {"offsets": offsets, "windows": lengths, "windows_lengths": counts, "context": ["abcdefghij" * 10]}


def logits(batch: dict[str, Any], **values: float) -> torch.Tensor:
    """Scores of tokens: of ``s3`` as a start, of ``e4`` as an end, of ``t0_2`` as type 2; others 0."""
    output = torch.zeros(len(batch["offsets"]), 2 + len(ANSWER_TYPES))
    for name, value in values.items():
        place, _, kind = name[1:].partition("_")
        output[int(place), {"s": 0, "e": 1, "t": 2 + int(kind or 0)}[name[0]]] = value
    return output


def test_the_best_span_of_all_windows_that_beats_none_is_the_answer() -> None:
    batch = made([(-1, -1), (0, 2), (3, 5), (6, 8)], [(-1, -1), (6, 8), (9, 10)])
    (found,) = TASK.decode(logits(batch, s3=3, e4=3, s7=2, e8=2, t0_1=1), batch)
    assert (found.start, found.end, found.text, found.type) == (3, 8, "defgh", "long")
    (found,) = TASK.decode(logits(batch, s3=3, e4=3, s7=4, e8=4, t0_1=1, t5_2=1), batch)
    assert (found.start, found.end, found.type) == (6, 10, "yes")
    # in the second window no answer has a high score, too, so the first one's counts for more
    (found,) = TASK.decode(logits(batch, s3=3, e4=3, s7=4, e8=4, s5=3, t0_1=1), batch)
    assert (found.start, found.end) == (3, 8)
    (found,) = TASK.decode(logits(batch, s3=3, e4=3, s0=8, s7=4, e8=4, s5=9), batch)
    assert (found.text, found.start, found.end, found.type) == ("", 0, 0, "none")
    assert found.score == found.none and found.best[0].text == "ghij"


def test_spans_neither_run_backwards_nor_leave_the_passage_nor_are_long() -> None:
    batch = made([(-1, -1), *((i, i + 1) for i in range(40))])
    (found,) = TASK.decode(logits(batch, s1=99, e1=99, s20=9, e10=9), batch)
    assert 0 < found.end <= 40 and found.start < found.end
    assert all(best.start < best.end for best in found.best)
    (found,) = TASK.decode(logits(batch, s2=9, e41=9, s12=1), batch)
    assert found.end - found.start <= 30
    (found,) = TASK.decode(logits(batch, s12=9, e41=9), batch)
    assert (found.start, found.end) == (10, 40)


def test_a_passage_without_words_has_no_answer() -> None:
    model = encoder("tf2nq").for_task(TASK).eval()
    with torch.inference_mode():
        (found,) = model.predict(model.preprocess([{"question": "Who?", "context": " \n "}]))
    assert (found.text, found.start, found.end, found.best) == ("", 0, 0, [])


def test_where_an_answer_stands_twice_either_place_is_right() -> None:
    batch = made([(0, 2), (3, 5), (6, 8)])
    target = torch.zeros(4, 2, dtype=torch.int64)
    target[1], target[3] = 1, 1
    batch["target"] = target
    for sure in ({"s1": 50, "e1": 50}, {"s3": 50, "e3": 50}):
        assert float(TASK.loss(logits(batch, t0_0=50, **sure), batch)) == pytest.approx(0, abs=1e-4)
    assert float(TASK.loss(logits(batch, t0_0=50, s2=50), batch)) > 40
    assert float(TASK.loss(logits(batch, s1=50, e1=50, t0_4=50), batch)) == pytest.approx(50, abs=1e-4)


def test_of_windows_without_the_answer_one_is_trained_on_at_a_time() -> None:
    model = encoder("tf2nq", max_tokens=96).for_task(TASK)
    rows = [question(0, padding="Nothing else is said of it. " * 60), question(1, False), question(2)]
    batch = model.collate([model.encode(row) for row in rows])
    torch.manual_seed(0)
    seen = set()
    for _ in range(20):
        some = model.augment(batch)
        nothing = some["target"][some["offsets"][:, 1] == 0, 0] == 1 + NONE
        counts = some["windows_lengths"].tolist()
        assert [int(part.sum()) for part in torch.split(nothing, counts)] == [1, 1, 0]
        assert counts[1:] == [1, 1] and 2 <= counts[0] <= 5
        assert torch.isfinite(model.loss(some))
        seen.add(tuple(some["windows"].tolist()) + tuple(some["offsets"][:, 1].tolist()))
    assert len(seen) > 3
