from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from tlzoo.leaderboard.ranking import board
from tlzoo.leaderboard.schema import BOARD, RESULT

Maker = Callable[..., dict[str, Any]]


def ranked(*rows: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    found = board(pa.Table.from_pylist(list(rows), schema=RESULT))
    assert found.schema == BOARD
    return {(r["card"], r["strategy"]): r for r in found.to_pylist()}


def test_models_that_cannot_be_told_apart_share_a_rank(row: Maker) -> None:
    rows = ranked(row("a", "probe", 0.90), row("b", "probe", 0.895), row("c", "probe", 0.70), row("d", "probe", 0.40))
    assert [rows[c, "probe"]["rank"] for c in "abcd"] == [1, 1, 3, 4]


def test_tiers_are_never_ranked_as_equals(row: Maker) -> None:
    rows = ranked(row("a", "probe", 0.9), row("b", "probe", 0.5, weights="stand-in"), row("a", "scratch", 0.3))
    assert [r["rank"] for r in rows.values()] == [1, 1, 1]
    assert [r["weights"] for r in rows.values()] == ["official", "stand-in", "none"]


def test_gain_is_over_scratch_of_the_same_variant(row: Maker) -> None:
    rows = ranked(row("a", "scratch", 0.4), row("a", "probe", 0.8), row("b", "probe", 0.8))
    mine = rows["a", "probe"]
    assert mine["scratch_value"] == pytest.approx(0.4)
    assert mine["gain"] == pytest.approx(0.4)
    assert mine["gain_low"] > 0
    assert mine["verdict"] == "positive"
    assert rows["b", "probe"]["gain"] is None, "no scratch run of b"


def test_negative_transfer_is_called_so(row: Maker) -> None:
    assert ranked(row("a", "scratch", 0.8), row("a", "full", 0.4))["a", "full"]["verdict"] == "negative"


def test_scratch_on_other_test_examples_is_no_baseline(row: Maker) -> None:
    other = row("a", "scratch", 0.4) | {"example_ids": [f"x{i}" for i in range(200)]}
    assert ranked(other, row("a", "probe", 0.8))["a", "probe"]["gain"] is None


def test_time_to_target_is_how_many_times_sooner(row: Maker) -> None:
    """Scratch reaches its best, 0.4, after 40 s; the probe passes 0.4 after 20 s."""
    assert ranked(row("a", "scratch", 0.4), row("a", "probe", 0.8))["a", "probe"]["time_to_target"] == pytest.approx(
        2.0
    )


def test_label_savings_compare_with_scratch_on_all_labels(row: Maker) -> None:
    rows = [
        row("a", "scratch", 0.6),
        *(row("a", "probe", v, fraction=f) for f, v in ((0.1, 0.5), (0.25, 0.7), (1.0, 0.8))),
    ]
    found = board(pa.Table.from_pylist(rows, schema=RESULT)).to_pylist()
    assert [r["label_savings"] for r in found if r["strategy"] == "probe" and r["fraction"] == 1.0] == [4.0]


def test_seeds_become_one_row_and_the_latest_run_counts(row: Maker) -> None:
    rows = ranked(
        row("a", "probe", 0.8), row("a", "probe", 0.6, seed=1), row("a", "probe", 0.7, seed=1, run_id="later")
    )
    assert rows["a", "probe"]["seeds"] == [0, 1]
    assert rows["a", "probe"]["value"] == pytest.approx(0.75)


def test_failures_stand_last_with_their_reason(row: Maker) -> None:
    lost = row("z", "full", 0.0) | {"status": "skipped", "reason": "12 min needed", "value": None}
    rows = list(ranked(row("a", "probe", 0.8), lost).values())
    assert (rows[-1]["card"], rows[-1]["rank"], rows[-1]["reason"]) == ("z", None, "12 min needed")


def test_no_results_give_an_empty_board() -> None:
    assert board(RESULT.empty_table()).num_rows == 0


def test_words_and_dna_have_boards_of_their_own(row: Maker) -> None:
    """One task, two kinds of input: neither data sets nor metrics are mixed."""
    words = {"task": "language-modeling", "dataset": "news-cloze", "metric": "cloze_accuracy"}
    dna = {"task": "language-modeling", "dataset": "promoters", "metric": "pearson", "dataset_fingerprint": "g"}
    moments = [[4.0, 4 + i, 5, 9 + i, 11, 8] for i in range(200)]
    rows = ranked(
        row("gpt-4", "zero-shot", 0.2, **words),
        row("roberta", "full", 0.9, **words),
        row("enformer", "full", 0.4, **dna, statistics=moments),
        row("enformer", "scratch", 0.3, **dna, statistics=moments),
    )
    assert [(r["card"], r["metric"], r["rank"]) for r in rows.values()] == [
        ("roberta", "cloze_accuracy", 1),
        ("gpt-4", "cloze_accuracy", 2),
        ("enformer", "pearson", 1),
        ("enformer", "pearson", 1),
    ]
