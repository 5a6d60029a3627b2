import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.support.boards import Maker, board_of
from tlzoo.api import Leaderboard
from tlzoo.leaderboard.ranking import board
from tlzoo.leaderboard.schema import BOARD, RESULT
from tlzoo.leaderboard.store import Store


def ranked(*rows: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    found = board_of(*rows)
    assert found.schema == BOARD
    return {(r["card"], r["strategy"]): r for r in found.to_pylist()}


def test_places_are_those_that_the_evidence_allows_among_all_and_within_a_tier(row: Maker) -> None:
    rows = ranked(row("a", "probe", 0.90), row("b", "probe", 0.895), row("c", "probe", 0.70), row("d", "probe", 0.40))
    places = [(rows[c, "probe"]["rank"], rows[c, "probe"]["rank_worst"]) for c in "abcd"]
    assert places == [(1, 2), (1, 2), (3, 3), (4, 4)]
    rows = ranked(row("a", "probe", 0.9), row("b", "probe", 0.5, weights="stand-in"), row("a", "scratch", 0.3))
    assert [(r["rank"], r["tier_rank"]) for r in rows.values()] == [(1, 1), (2, 1), (3, 1)]
    assert [r["weights"] for r in rows.values()] == ["official", "stand-in", "none"]


def seeds(row: Maker, card: str, strategy: str, values: Sequence[float], **changed: Any) -> list[dict[str, Any]]:
    """Runs of several seeds, right on examples that differ by chance."""
    made = []
    for seed, value in enumerate(values):
        right = np.random.default_rng([seed, *map(ord, card + strategy)]).permutation(200) < round(value * 200)
        changed |= {"statistics": [[float(x)] for x in right]}
        made.append(row(card, strategy, value, seed=seed, **changed))
    return made


def test_gain_is_over_scratch_of_the_same_variant_and_examples_and_may_be_negative(row: Maker) -> None:
    rows = ranked(row("a", "scratch", 0.4), row("a", "probe", 0.8), row("b", "probe", 0.8))
    mine = rows["a", "probe"]
    assert mine["scratch_value"] == pytest.approx(0.4)
    assert mine["gain"] == pytest.approx(0.4) and mine["gain_low"] > 0 and mine["verdict"] == "unreplicated"
    assert rows["b", "probe"]["gain"] is None, "no scratch run of b"


def test_a_verdict_needs_seeds_and_a_probe_is_no_negative_transfer(row: Maker) -> None:
    low, high = [0.4, 0.41, 0.39], [0.8, 0.79, 0.81]
    for strategy, verdict in (("full", "negative"), ("probe", "frozen features below scratch")):
        rows = ranked(*seeds(row, "a", "scratch", high), *seeds(row, "a", strategy, low))
        assert rows["a", strategy]["verdict"] == verdict
    rows = ranked(*seeds(row, "a", "scratch", low), *seeds(row, "a", "full", high), *seeds(row, "a", "probe", low))
    assert [rows["a", s]["verdict"] for s in ("full", "probe")] == ["positive", "neutral"]
    assert rows["a", "full"]["seeds"] == [0, 1, 2] and rows["a", "full"]["seed_sd"] is not None
    assert ranked(*seeds(row, "a", "probe", low))["a", "probe"]["verdict"] is None


def test_whoever_beats_a_scratch_that_learnt_nothing_has_shown_nothing(row: Maker) -> None:
    baseline = {"weights": "baseline", "card_hash": "baseline"}
    rows = [*seeds(row, "a", "scratch", [0.41, 0.4]), *seeds(row, "a", "full", [0.8, 0.8])]
    trivial = row("baseline", "trivial", 0.4, **baseline)
    mine = ranked(*rows, trivial)["a", "full"]
    assert mine["verdict"] == "scratch did not learn" and mine["gain"] == pytest.approx(0.395)
    assert mine["time_to_target"] is None
    assert ranked(*rows)["a", "full"]["verdict"] == "positive", "nothing is known of a trivial predictor"


def test_a_scratch_that_learns_from_more_labels_lacks_labels_only(row: Maker) -> None:
    baseline = {"weights": "baseline", "card_hash": "baseline"}
    few = {"fraction": 0.1}
    rows = [*seeds(row, "a", "scratch", [0.41, 0.4], **few), *seeds(row, "a", "full", [0.7, 0.7], **few)]
    rows.append(row("baseline", "trivial", 0.4, **baseline, **few))
    more = [*seeds(row, "a", "scratch", [0.8, 0.81]), row("baseline", "trivial", 0.4, **baseline)]
    for given, verdict in ((rows, "scratch did not learn"), ([*rows, *more], "positive")):
        (mine,) = [r for r in board(pa.Table.from_pylist(given, RESULT)).to_pylist() if r["strategy"] == "full"]
        assert mine["verdict"] == verdict and mine["time_to_target"] is None


def test_rows_say_whether_they_beat_the_classical_baseline(row: Maker) -> None:
    baseline = {"weights": "baseline", "card_hash": "baseline"}
    rows = ranked(row("baseline", "classical", 0.6, **baseline), row("a", "full", 0.8), row("b", "full", 0.61))
    assert [rows[c, "full"]["beats_classical"] for c in "ab"] == [True, False]
    assert rows["baseline", "classical"]["verdict"] is None and rows["a", "full"]["rank"] == 1


def test_validation_chooses_the_strategy_whose_verdict_is_the_models(row: Maker) -> None:
    def with_validation(runs: list[dict[str, Any]], score: float) -> list[dict[str, Any]]:
        return [run | {"history": [{"seconds": 1.0, "step": 1, "loss": 1.0, "score": score}]} for run in runs]

    scratch = seeds(row, "a", "scratch", [0.8, 0.8])
    full = with_validation(seeds(row, "a", "full", [0.5, 0.5]), 0.7)
    partial = with_validation(seeds(row, "a", "partial", [0.9, 0.9]), 0.6)
    further = with_validation(seeds(row, "a", "further", [0.8, 0.79]), 0.9)
    rows = ranked(*scratch, *full, *partial)
    assert [rows["a", s]["chosen"] for s in ("full", "partial", "scratch")] == [True, False, None]
    assert [rows["a", s]["remedy"] for s in ("full", "partial")] == ["not run", None]
    assert rows["a", "full"]["validation"] == 0.7
    assert ranked(*scratch, *full, *further)["a", "full"]["remedy"] == "recovered"
    again = with_validation(seeds(row, "a", "further", [0.5, 0.5]), 0.9)
    assert ranked(*scratch, *full, *again)["a", "full"]["remedy"] == "not recovered"


def test_folds_become_one_run_over_all_examples(row: Maker) -> None:
    """Two seeds that were cut in other ways: every example is tested once by each."""

    def folded(seed: int, right: float) -> list[dict[str, Any]]:
        order = np.random.default_rng(seed).permutation(200)
        return [
            row(
                "a", "probe", right, seed=seed, fold=fold, folds=2, run_id=f"{seed}-{fold}",
                example_ids=[str(i) for i in half], groups=[str(i) for i in half],
                statistics=[[float(i < 200 * right)] for i in half],
            )
            for fold, half in enumerate((order[:100], order[100:]))
        ]  # fmt: skip

    (mine,) = every(*folded(0, 0.8), *folded(1, 0.6))
    assert (mine["seeds"], mine["folds"], mine["n_test"], mine["groups"]) == ([0, 1], 2, 200, 200)
    assert mine["value"] == pytest.approx(0.7) and len(mine["run_ids"]) == 4
    (half,) = every(*folded(0, 0.8), *folded(1, 0.6)[:1])
    assert half["seeds"] == [0], "a fold is missing"


def test_one_group_has_no_interval_and_no_verdict(row: Maker) -> None:
    one = {"groups": ["the only voice"] * 200}
    rows = ranked(*seeds(row, "a", "scratch", [0.4, 0.4], **one), *seeds(row, "a", "full", [0.8, 0.8], **one))
    mine = rows["a", "full"]
    assert (mine["groups"], mine["ci_low"], mine["gain_low"], mine["verdict"]) == (1, None, None, None)
    assert (mine["rank"], mine["rank_worst"]) == (1, 2)


def test_gains_are_on_the_same_examples(row: Maker) -> None:
    other = row("a", "scratch", 0.4) | {"example_ids": [f"x{i}" for i in range(200)]}
    assert ranked(other, row("a", "probe", 0.8))["a", "probe"]["gain"] is None


def test_time_to_target_is_how_many_times_sooner(row: Maker) -> None:
    """Scratch reaches 95% of its best, 0.4, after 40 s; the probe passes it after 20 s."""
    scratch, probe = row("a", "scratch", 0.4, trivial_score=0.0), row("a", "probe", 0.8)
    found = ranked(scratch, probe)["a", "probe"]
    assert found["time_to_target"] == found["cost_ratio"] * 2 == pytest.approx(2.0)
    assert found["target_reached"] == "reached" and found["time_to_target_low"] is None
    assert ranked(scratch, row("a", "probe", 0.3))["a", "probe"]["target_reached"] == "not reached"
    early = row("a", "probe", 0.8, history=[{"seconds": 8.0, "step": 8, "loss": 1.0, "score": 0.8}])
    assert ranked(scratch, early)["a", "probe"]["target_reached"] == "at the start"
    assert ranked(scratch | {"trivial_score": 0.4}, probe)["a", "probe"]["time_to_target"] is None


def test_label_savings_compare_with_scratch_on_all_labels(row: Maker) -> None:
    """0.6 lies half way between a tenth and a quarter of the labels, on their logarithm."""
    rows = [row("a", "probe", v, fraction=f) for f, v in ((0.1, 0.5), (0.25, 0.7), (1.0, 0.8))]

    def saved(scratch: float, curve: Sequence[dict[str, Any]] = rows) -> dict[str, Any]:
        (found,) = (
            r for r in every(row("a", "scratch", scratch), *curve) if r["strategy"] == "probe" and r["fraction"] == 1.0
        )
        return found

    half = saved(0.6)
    assert half["label_savings"] == pytest.approx(1 / math.sqrt(0.1 * 0.25))
    assert 4 < half["label_savings_low"] < half["label_savings"] < half["label_savings_high"] <= 10
    assert (saved(0.4)["label_savings"], saved(0.4)["labels_reached"]) == (pytest.approx(10), "at the start")
    assert (saved(0.9)["label_savings"], saved(0.9)["labels_reached"]) == (None, "not reached")
    assert saved(0.6, rows[:1] + rows[2:])["labels_reached"] is None, "two points make no curve"


def test_seeds_become_one_row_and_the_latest_run_counts(row: Maker) -> None:
    seeds = [row("a", "probe", 0.8), row("a", "probe", 0.6, seed=1), row("a", "probe", 0.7, seed=1, run_id="later")]
    rows = ranked(*seeds)
    assert rows["a", "probe"]["seeds"] == [0, 1]
    assert rows["a", "probe"]["value"] == pytest.approx(0.75)


def test_failures_stand_last_with_their_reason_and_no_results_give_an_empty_board(row: Maker) -> None:
    lost = row("z", "full", 0.0) | {"status": "skipped", "reason": "12 min needed", "value": None}
    rows = list(ranked(row("a", "probe", 0.8), lost).values())
    assert (rows[-1]["card"], rows[-1]["rank"], rows[-1]["reason"]) == ("z", None, "12 min needed")
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


MINE = {"origin": "local", "hardware": "a laptop", "device": "cpu", "threads": 2}
THEIRS = {"origin": "reference", "hardware": "EPYC", "device": "cpu", "threads": 2}


def every(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return board_of(*rows).to_pylist()


@pytest.mark.parametrize(
    "other", [{"dataset_fingerprint": "g"}, {"origin": "reference"}, {"hardware": "EPYC"}, {"device": "NVIDIA H200"}]
)
def test_other_data_and_other_machines_never_meet(row: Maker, other: dict[str, str]) -> None:
    """In a gain, a rank, a tie, a ratio of times, or savings of labels."""
    rows = [
        row("a", "scratch", 0.4, **MINE | other),
        *(row("a", "probe", v, fraction=f, **MINE) for f, v in ((0.1, 0.5), (1.0, 0.8))),
        row("b", "probe", 0.9, **MINE | other),
        row("c", "probe", 0.805, **MINE | other),
    ]
    found = {(r["card"], r["strategy"], r["fraction"]): r for r in every(*rows)}
    mine = found["a", "probe", 1.0]
    assert [mine[n] for n in ("gain", "verdict", "time_to_target", "label_savings", "scratch_value")] == [None] * 5
    assert (mine["rank"], found["b", "probe", 1.0]["rank"], found["c", "probe", 1.0]["rank"]) == (1, 1, 2)
    assert mine["rank_worst"] == 1
    alone = {(r["card"], r["strategy"], r["fraction"]): r for r in every(*rows[1:3])}
    assert alone["a", "probe", 1.0] == mine


def test_local_rows_change_nothing_of_the_reference(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same runs, on a machine where training from scratch went better."""
    shipped = Path(__file__).parents[2] / "results"
    monkeypatch.setenv("TLZOO_REFERENCE", str(shipped))
    runs = pq.read_table(shipped / "runs" / "audio-classification.parquet").to_pylist()
    before = Leaderboard(tmp_path).table("audio-classification").to_pylist()
    probe = next(r for r in before if (r["card"], r["strategy"], r["fraction"]) == ("trill", "probe", 1))
    assert (round(probe["gain"], 3), probe["verdict"]) == (0.090, "neutral")
    for run in (r for r in runs if (r["card"], r["fraction"], r["metric"]) == ("trill", 1, "accuracy")):
        if run["strategy"] == "scratch":
            run |= {"value": 0.95, "statistics": [[float(i < 950)] for i in range(1000)]}
        Store(tmp_path / "results").write([run | MINE])
    leaderboard = Leaderboard(tmp_path)
    table = leaderboard.table("audio-classification").to_pylist()
    assert [r for r in table if r["origin"] == "reference"] == before
    mine = {r["strategy"]: r for r in table if r["origin"] == "local"}
    assert mine["probe"]["scratch_value"] == 0.95 and mine["probe"]["run_ids"] == probe["run_ids"]
    assert mine["probe"]["gain"] < 0
    raw = leaderboard.results
    same = raw.filter(pc.is_in(raw["run_id"], pa.array(probe["run_ids"])))
    assert set(same["origin"].to_pylist()) == {"local", "reference"}


@pytest.mark.parametrize(
    "other", [{"recipe": "{}"}, {"weights_sha256": "0"}, {"hardware": "Raspberry Pi"}, {"device": "NVIDIA H200"}]
)
def test_only_what_differs_in_nothing_but_the_seed_is_pooled(row: Maker, other: dict[str, str]) -> None:
    rows = [row("a", "probe", 0.8), row("a", "probe", 0.6, seed=1)]
    assert [(r["seeds"], round(r["value"], 3)) for r in every(*rows)] == [([0, 1], 0.7)]
    rows[1] |= other
    assert sorted((r["seeds"], round(r["value"], 3)) for r in every(*rows)) == [([0], 0.8), ([1], 0.6)]


def test_times_of_other_threads_are_not_compared(row: Maker) -> None:
    rows = [row("a", "scratch", 0.4, threads=1, trivial_score=0.0), row("a", "probe", 0.8, threads=4)]
    found = ranked(*rows)["a", "probe"]
    assert found["gain"] == pytest.approx(0.4) and found["time_to_target"] is None
    pooled = ranked(rows[1], row("a", "probe", 0.8, seed=1, threads=1, train_seconds=400.0))["a", "probe"]
    assert (pooled["seeds"], pooled["threads"], pooled["train_seconds"]) == ([0, 1], 4, 40.0)


def test_a_gain_is_over_the_last_scratch_run_of_several_recipes(row: Maker) -> None:
    rows = [row("a", "scratch", 0.5, recipe="new"), row("a", "scratch", 0.4, recipe="old"), row("a", "probe", 0.8)]
    rows[1]["created"] -= timedelta(days=1)
    assert {r["scratch_value"] for r in every(*rows) if r["strategy"] == "probe"} == {0.5}


@pytest.mark.parametrize(
    "lost",
    [
        {"value": math.nan},
        {"value": math.inf},
        {"statistics": [[math.nan]] + [[1.0]] * 199},
        {"statistics": [[math.inf]] + [[1.0]] * 199},
    ],
)
@pytest.mark.parametrize("strategy", ["probe", "scratch"])
def test_what_is_not_finite_has_failed(row: Maker, lost: dict[str, Any], strategy: str) -> None:
    rows = [row("a", "probe", 0.8), row("a", "scratch", 0.8), row("b", "probe", 0.7)]
    next(r for r in rows if r["strategy"] == strategy).update(lost)
    found = ranked(*rows)
    bad = found["a", strategy]
    assert [bad[n] for n in ("value", "rank", "gain", "verdict")] == [None] * 4
    assert (bad["status"], bad["reason"]) == ("diverged", "accuracy: not finite")
    assert found["a", {"probe": "scratch", "scratch": "probe"}[strategy]]["verdict"] is None
    assert found["b", "probe"]["rank"] == 2


def test_correlations_with_nothing_that_varies_have_failed(row: Maker) -> None:
    pairs = {"task": "text-embedding", "metric": "spearman"}
    flat = row("a", "zero-shot", 0.0, **pairs, statistics=[[i / 200, 1.0] for i in range(200)])
    wrong = row("b", "zero-shot", 0.0, **pairs, statistics=[[math.nan, i / 200] for i in range(200)])
    right = row("c", "zero-shot", 0.0, **pairs, statistics=[[i / 200, i / 200] for i in range(200)])
    found = ranked(flat, wrong, right)
    assert [found[card, "zero-shot"]["rank"] for card in "abc"] == [None, None, 1]
    assert found["b", "zero-shot"]["reason"] == "Spearman: not finite"


def test_one_seed_that_is_not_finite_is_left_out_of_the_mean(row: Maker) -> None:
    good, bad = every(row("a", "probe", 0.8), row("a", "probe", 0.6, seed=1, value=math.nan))
    assert (good["seeds"], good["value"]) == ([0], pytest.approx(0.8))
    assert (bad["seeds"], bad["status"]) == ([1], "diverged")


def failed(row: Maker, days: int = 0, **changed: Any) -> dict[str, Any]:
    made = row("a", "probe", 0.0) | {"status": "error", "value": None, "reason": "it broke", "run_id": "lost"} | changed
    return made | {"created": made["created"] - timedelta(days=days)}


def test_a_failure_goes_once_it_is_repaired(row: Maker) -> None:
    """By another card, so by a run of another id."""
    lost = failed(row, days=1, card_hash="before")
    assert [r["status"] for r in every(lost, row("a", "probe", 0.8))] == ["ok"]
    again = failed(row, days=2, card_hash="older", run_id="first")
    assert [r["run_ids"] for r in every(again, lost)] == [["lost"]], "of two tries the last"


@pytest.mark.parametrize(
    "other",
    [
        {"created": datetime.now(UTC) - timedelta(days=3)},
        {"dataset_fingerprint": "g"},
        {"origin": "reference"},
        {"hardware": "a laptop"},
        {"seed": 1},
        {"fraction": 0.1},
        {"strategy": "full"},
        {"variant": "large"},
    ],
)
def test_a_failure_stays_until_it_is_repaired(row: Maker, other: dict[str, Any]) -> None:
    rows = every(failed(row, days=1, hardware="EPYC"), row("a", "probe", 0.8) | {"hardware": "EPYC"} | other)
    assert [r["status"] for r in rows] == ["ok", "error"]


def test_seeds_that_did_not_fit_the_budget_are_one_line_and_none_where_another_was_run(row: Maker) -> None:
    skipped = [failed(row, status="skipped", seed=seed, run_id=str(seed)) for seed in range(3)]
    assert [r["status"] for r in every(*skipped)] == ["skipped"]
    assert [r["status"] for r in every(row("a", "probe", 0.8), *skipped[1:])] == ["ok"]
    other = every(row("a", "probe", 0.8, fraction=0.5), *skipped)
    assert [r["status"] for r in other] == ["ok", "skipped"]


@pytest.mark.parametrize("version", ["f", None])
def test_a_model_that_could_not_be_had_goes_where_it_was_run_on_these_data(row: Maker, version: str | None) -> None:
    names = ("card", "variant", "weights", "task", "dataset", "metric", "created", "origin")
    absent = {name: failed(row)[name] for name in names} | {"run_id": "x", "status": "unavailable", "reason": "offline"}
    absent |= {"dataset_fingerprint": version}
    assert [r["status"] for r in every(absent, row("a", "full", 0.8))] == ["ok"]
    elsewhere = row("a", "full", 0.8, dataset_fingerprint="g", dataset="other")
    assert [r["status"] for r in every(absent, elsewhere)] == ["ok", "unavailable"]
    newer = every(absent, row("a", "full", 0.8, dataset_fingerprint="g"))
    assert [r["status"] for r in newer] == (["ok", "unavailable"] if version else ["ok"])
