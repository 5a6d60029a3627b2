"""Which rows make a learning curve."""

from tests.support.boards import Maker, board_of, learnt
from tlzoo.leaderboard.curves import Curves, curves_of, lacking
from tlzoo.leaderboard.identity import Titles
from tlzoo.leaderboard.row import rows_of, scored


def found(*rows: dict[str, object]) -> list[Curves]:
    return curves_of(scored(rows_of(board_of(*rows))))


def test_each_model_has_the_strategy_that_validation_chose_and_its_scratch(row: Maker) -> None:
    (curves,) = found(*learnt(row))
    assert [curve.name for curve in curves.models] == ["yamnet probe", "crepe full"]
    first = curves.models[0]
    assert [each.n_train for each in first.rows] == [each.n_train for each in first.scratch] == [80, 240, 800]
    assert {each.strategy for each in first.scratch} == {"scratch"} and first.scratch[0].value < first.rows[0].value
    assert [[each.strategy for each in rows] for rows in curves.baselines] == [["trivial"] * 3, ["classical"] * 3]


def test_the_best_on_validation_comes_first_whatever_the_test_says(row: Maker) -> None:
    history = [{"seconds": 1.0, "step": 1, "loss": 1.0, "score": 0.99}]
    rows = [row("lucky", "full", 0.9, n_train=800), row("solid", "full", 0.8, n_train=800, history=history)]
    (curves,) = found(*rows)
    assert [curve.last.card for curve in curves.models] == ["solid", "lucky"]


def test_of_runs_of_two_versions_the_one_with_the_most_seeds_counts(row: Maker) -> None:
    old = [row("a", "full", 0.95, n_train=800, tlzoo_version="0")]
    new = [row("a", "full", 0.8, seed=seed, n_train=800, tlzoo_version="1") for seed in (0, 1)]
    (curves,) = found(*old, *new)
    assert [len(each.seeds or ()) for each in curves.models[0].rows] == [2]


def test_one_share_of_the_labels_is_no_curve_and_a_line_says_how_to_get_one(row: Maker) -> None:
    rows = board_of(*learnt(row), *learnt(row, (1.0,), dataset="other"))
    curves = curves_of(scored(rows_of(rows)))
    assert {each.first.dataset: each.has_several_shares for each in curves} == {"toy": True, "other": False}
    line = lacking(curves, Titles(rows_of(rows)))
    assert line.startswith("no learning curve of audio-classification on other: one share of the labels was run")
    assert "tlzoo eval --task audio-classification --data DATA --fractions 0.1,0.3,1" in line
    assert not lacking([each for each in curves if each.has_several_shares], Titles(rows_of(rows)))
