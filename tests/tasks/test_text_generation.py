"""Choosing replies: ties, perplexity, and how a chat model's answers are read."""

import math

import numpy as np
import pytest

from tlzoo.core.predictions import Reply
from tlzoo.data.schemas import REPLY_FEATURES
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.tasks.text_generation import Replies
from tlzoo.transfer.inference import statistics

TASK = Replies(REPLY_FEATURES)
CANDIDATES = ["See you", "Yes, please", "No", "Two of them", "Red", "In Rome", "Ask Ann", "I am 42", "Why?", "Later"]
ROW = {"text": "Some tea?", "candidates": CANDIDATES, "target": 1}


@pytest.mark.parametrize(
    ("scores", "recall"),
    [
        ([0, 9, 1, 1, 1, 1, 1, 1, 1, 1], 1.0),
        ([9, 0, 1, 1, 1, 1, 1, 1, 1, 1], 0.0),
        ([0] * 10, 0.1),  # nothing is said: a guess
        ([0, 2, 2, 0, 0, 0, 0, 0, 0, 2], 1 / 3),
        ([math.nan] * 10, 0.0),
    ],
)
def test_ties_are_broken_by_chance(scores: list[float], recall: float) -> None:
    found = TASK.statistics(Reply("", candidate_scores=scores), ROW)
    assert found == {"recall_at_1": [pytest.approx(recall)]}


def test_perplexity_is_of_all_words_and_counts_the_end() -> None:
    rows = [ROW, ROW | {"target": 3}]
    nats = [[9.0] * 10, [9.0] * 10]
    nats[0][1], nats[1][3] = 3 * math.log(8), 4 * math.log(16)  # 2 and 3 words, and an end each
    predictions = [Reply("", candidate_scores=[0.0] * 10, candidate_nats=each) for each in nats]
    found = statistics(TASK, predictions, rows)
    assert found["perplexity"] == [[nats[0][1], 3.0], [nats[1][3], 4.0]]
    perplexity = METRICS["perplexity"].reduce(found["perplexity"], np.array([[1.0, 1.0], [0.0, 2.0]]))
    assert perplexity == pytest.approx([2 ** ((3 * 3 + 4 * 4) / 7), 16])
    assert not METRICS["perplexity"].higher and METRICS["perplexity"].low == 1


def test_a_model_without_likelihood_has_no_perplexity() -> None:
    assert list(statistics(TASK, [Reply("", candidate_scores=[0.0] * 10)], [ROW])) == ["recall_at_1"]


def test_the_prompt_numbers_the_replies_and_hides_the_target() -> None:
    messages = TASK.prompt({"text": ROW["text"], "candidates": CANDIDATES}, [ROW])
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user"]
    assert messages[2]["content"] == "2"
    assert "10. Later" in messages[3]["content"] and messages[1] == messages[3]


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [
        ("2", 1),
        ("2.", 1),
        ("**2**", 1),
        ("The best reply is 2. Yes, please", 1),
        ("10", 9),
        ("Reply number 8: I am 42", 7),
        ('"Yes, please"', 1),
        ("yes, PLEASE!", 1),
        ("11", None),
        ("0", None),
        ("2024 was", None),
        ("", None),
        ("I cannot say.", None),
        ("No, red", None),  # two of them
        ("２", 1),
    ],
)
def test_answers_are_read_as_models_give_them(answer: str, chosen: int | None) -> None:
    prediction = TASK.parse(answer, {"text": ROW["text"], "candidates": CANDIDATES})
    assert prediction.candidate_scores == [float(i == chosen) for i in range(10)]
    assert prediction.text == ("" if chosen is None else CANDIDATES[chosen])
    expected = 0.1 if chosen is None else float(chosen == 1)
    assert TASK.statistics(prediction, ROW)["recall_at_1"] == [expected]
