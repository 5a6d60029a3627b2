"""What is said of transfer, and what is not."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.support.boards import Maker, board_of, learnt
from tlzoo.leaderboard.summary import sentences


def said(rows: Sequence[dict[str, Any]]) -> str:
    (line,) = sentences(board_of(*rows))
    return line


def of(row: Maker, curves: dict[str, dict[float, float]], seeds: int = 2, **facts: Any) -> list[dict[str, Any]]:
    return [
        row("yamnet", strategy, value, fraction=share, seed=seed, n_train=round(800 * share), **facts)
        for strategy, curve in curves.items()
        for share, value in curve.items()
        for seed in range(seeds)
    ]


def test_labels_that_scratch_needs_are_read_from_its_curve(row: Maker) -> None:
    """0.6 lies half way between 80 and 800 labels, on their logarithm."""
    curves = {"probe": {0.05: 0.6, 1.0: 0.8}, "scratch": {0.05: 0.2, 0.1: 0.5, 1.0: 0.7}}
    line = said(of(row, curves))
    assert line.startswith("With 40 training clips yamnet probe reaches what scratch needs about 250 for [")
    low, high = line.split("[")[1].rstrip("].").split(", ")
    assert 40 <= int(low) < 250 and high == "more than 800"


def test_the_first_share_with_a_certain_gain_is_told(row: Maker) -> None:
    curves = {"probe": {0.1: 0.3, 0.3: 0.7, 1.0: 0.8}, "scratch": {0.1: 0.3, 0.3: 0.5, 1.0: 0.75}}
    assert said(of(row, curves)).startswith("With 240 training clips yamnet probe reaches what scratch needs about ")


def test_more_than_scratch_ever_reaches(row: Maker) -> None:
    sure = {"probe": {0.1: 0.9, 1.0: 0.95}, "scratch": {0.1: 0.3, 1.0: 0.6}}
    start = "With 80 training clips yamnet probe "
    assert said(of(row, sure)) == f"{start}does better than the same network from scratch with all 800."
    near = {"probe": {0.1: 0.62, 0.3: 0.7, 1.0: 0.9}, "scratch": {0.1: 0.3, 0.3: 0.5, 1.0: 0.6}}
    line = f"{start}reaches about what the same network from scratch reaches with all 800."
    assert said(of(row, near)) == line, "a little more, and not for certain"


def test_two_shares_are_no_curve_to_read_from(row: Maker) -> None:
    curves = {"probe": {0.1: 0.6, 1.0: 0.9}, "scratch": {0.1: 0.3, 1.0: 0.7}}
    line = said(of(row, curves))
    assert line.startswith("With 80 training clips yamnet probe gains +0.300 [+0.2") and "in accuracy." in line
    behind = {"probe": {0.1: 0.6, 1.0: 0.7}, "scratch": {0.1: 0.3, 1.0: 0.9}}
    assert said(of(row, behind)).endswith("over scratch in accuracy; with all 800 scratch is ahead.")


def test_nothing_is_claimed_that_intervals_do_not_allow(row: Maker) -> None:
    alike = {"full": {0.1: 0.5, 1.0: 0.8}, "scratch": {0.1: 0.5, 1.0: 0.8}}
    line = said(of(row, alike))
    assert line.startswith("yamnet full is not better than scratch for certain with all 800 training clips: +0.000 [")
    worse = {"full": {1.0: 0.5}, "scratch": {1.0: 0.8}}
    assert said(of(row, worse)).startswith("yamnet full is behind scratch with all 800 training clips: -0.300 [")
    one = said(of(row, {"full": {1.0: 0.9}, "scratch": {1.0: 0.5}}, seeds=1))
    assert one.startswith("Whether transfer helped yamnet full is not known yet: one seed tells nothing of training")
    trivial = row("baseline", "trivial", 0.5, weights="baseline", n_train=800)
    idle = said([*of(row, {"full": {1.0: 0.9}, "scratch": {1.0: 0.5}}), trivial])
    assert idle.startswith("Scratch did not learn with all 800 training clips")
    assert not sentences(board_of(*of(row, {"full": {1.0: 0.9}}))), "nothing to compare with"


def test_a_model_that_can_be_compared_comes_before_a_better_one_that_cannot(row: Maker) -> None:
    trivial = row("baseline", "trivial", 0.3, weights="baseline", fraction=0.1, n_train=80)
    other = [
        row("openl3", strategy, value, fraction=0.1, seed=seed, n_train=80)
        for strategy, value in (("probe", 0.7), ("scratch", 0.5))
        for seed in range(2)
    ]
    best = of(row, {"probe": {0.1: 0.9}, "scratch": {0.1: 0.3}})
    assert said([*best, trivial]).startswith("Scratch did not learn")
    assert said([*best, *other, trivial]).startswith("With 80 training clips openl3 probe gains +0.200")


def test_of_an_error_less_is_better(row: Maker) -> None:
    """Words that are wrong, of ten each."""
    task = {"task": "speech-recognition", "metric": "wer", "dataset": "words"}
    rows = [
        row("wav2vec2", strategy, 0.0, fraction=share, seed=seed, n_train=round(800 * share), **task)
        | {"statistics": [[float(wrong), 10.0]] * 200, "value": wrong / 10}
        for strategy, curve in {"full": {0.1: 2, 1.0: 1}, "scratch": {0.1: 9, 1.0: 5}}.items()
        for share, wrong in curve.items()
        for seed in (0, 1)
    ]
    line = said(rows)
    assert line == "With 80 training clips wav2vec2 full does better than the same network from scratch with all 800."


def test_the_model_is_chosen_before_the_test_is_looked_at(row: Maker) -> None:
    """Of the listed ones with official weights the best on validation, not the one that gains most."""
    assert said(learnt(row)).startswith("With 80 training clips yamnet probe ")
    good = [{"seconds": 1.0, "step": 1, "loss": 1.0, "score": 0.99}]
    stand_in = of(row, {"full": {1.0: 0.99}, "scratch": {1.0: 0.2}}, card_hash="n")
    for each in stand_in:
        each |= {"card": "trill", "history": good, "run_id": "t" + each["run_id"]}
        each["weights"] = "none" if each["strategy"] == "scratch" else "stand-in"
    dull = of(row, {"full": {1.0: 0.6}, "scratch": {1.0: 0.6}})
    assert said(stand_in + dull).startswith("yamnet full is not better than scratch for certain")
    assert said(stand_in).startswith("With all 800 training clips trill base full gains ")


@pytest.mark.parametrize(("task", "metric", "noun"), [("language-modeling", "pearson", "sequences")])
def test_the_noun_is_that_of_the_data(row: Maker, task: str, metric: str, noun: str) -> None:
    moments = [[4.0, 4 + i, 5, 9 + i, 11, 8] for i in range(200)]
    facts = {"task": task, "metric": metric, "statistics": moments}
    assert f" training {noun}" in said(of(row, {"full": {1.0: 0.5}, "scratch": {1.0: 0.5}}, **facts))


def test_several_data_sets_are_named(row: Maker) -> None:
    lines = sentences(board_of(*learnt(row), *learnt(row, dataset="other", run_id="x")))
    assert [line.split(": ")[0] for line in lines] == ["audio-classification on other", "audio-classification on toy"]
