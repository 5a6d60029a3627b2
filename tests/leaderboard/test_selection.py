"""Within limits the best, of equals the fastest, and why."""

from collections.abc import Callable

import pyarrow as pa
import pytest

from tests.support.boards import Maker, board_of
from tlzoo.leaderboard.selection import Limits, Selection, described, select

LICENSES = {"large": "mit", "fast": "apache-2.0", "poor": "mit", "closed": "cc-by-nc-4.0"}


def only(table: pa.Table, limits: Limits | None = None, **licenses: str) -> Selection:
    """The choice of the one data set of a board; a licence not given is MIT."""
    (choice,) = select(table, limits or Limits(), lambda card, tier, own: licenses.get(card, "mit"))
    return choice


@pytest.fixture
def choose(row: Maker) -> Callable[[Limits], Selection]:
    rows = [
        row("large", "full", 0.905, latency_ms_p50=50.0, size_bytes=90_000_000),
        row("closed", "full", 0.91, latency_ms_p50=4.0, size_bytes=9_000_000),
        row("fast", "full", 0.90, latency_ms_p50=5.0, size_bytes=10_000_000),
        row("poor", "full", 0.50, latency_ms_p50=6.0, size_bytes=1_000_000),
        row("poor", "full", 0.95, fraction=0.1),
    ]
    return lambda limits: only(board_of(*rows), limits, **LICENSES)


def test_of_equals_the_fastest_and_what_dominates_it_is_named(
    choose: Callable[[Limits], Selection],
) -> None:
    found = choose(Limits())
    assert found.row and found.row.card == "closed" and found.license == "cc-by-nc-4.0"
    assert found.reasons == (
        "best accuracy on validation of 4 rows within the limits",
        "2 more cannot be told apart from it, and are no faster",
        "on the Pareto front of score, latency and size",
    )
    found = choose(Limits(licenses=frozenset({"mit", "apache-2.0"})))
    assert found.row and found.row.card == "fast"
    assert found.reasons == (
        "cannot be told apart from the best within the limits, large base full, and is faster or smaller",
        "dominated by closed base full: licence cc-by-nc-4.0",
    )


def test_what_is_within_the_limits_does_not_dominate_it(row: Maker) -> None:
    """The fastest of those that cannot be told apart is beaten in everything by a row that is worse than the best."""
    others = [[float(i >= 30)] for i in range(200)]  # right on other examples, so that the two cannot be told apart
    rows = [
        row("crepe", "probe", 0.87, latency_ms_p50=4.0),
        row("yamnet", "full", 0.90, weights="stand-in", latency_ms_p50=10.0),
        row("yamnet", "probe", 0.85, weights="stand-in", latency_ms_p50=5.0, statistics=others),
    ]
    table = board_of(*rows)
    assert [r["rank"] for r in table.to_pylist()] == [1, 2, 1]
    found = only(table)
    assert found.row and (found.row.card, found.row.weights) == ("crepe", "official")
    assert found.reasons == (
        "dominates yamnet base probe (stand-in weights), which cannot be told apart from the best within the limits, "
        "yamnet base full, and is faster or smaller",
        "on the Pareto front of score, latency and size",
    )
    poorer = only(table, Limits(licenses=frozenset({"mit"})), crepe="gpl")
    assert poorer.row and poorer.row.strategy == "probe"
    assert poorer.reasons[1] == "dominated by crepe base probe: licence gpl"


@pytest.mark.parametrize(
    ("missing", "facts"),
    [
        ({"size_bytes": None}, "5 ms"),
        ({"latency_ms_p50": None}, "15 MB"),
        ({"size_bytes": None, "latency_ms_p50": None}, ""),
    ],
)
def test_what_was_not_measured_is_left_out(row: Maker, missing: dict[str, None], facts: str) -> None:
    table = board_of(row("gpt-4", "zero-shot", 0.9, **missing))
    found = only(table)
    assert described(found)[0].partition("]")[2] == (f", {facts}" if facts else "")


def test_each_limit_counts(choose: Callable[[Limits], Selection]) -> None:
    small = choose(Limits(max_size_mb=2)).row
    assert small and small.card == "poor" and small.fraction == 1.0
    quick = choose(Limits(max_latency_ms=4.5)).row
    assert quick and quick.card == "closed"
    none = choose(Limits(max_size_mb=2, min_score=0.8))
    assert none.row is None
    assert none.reasons == ("none of 4 rows is within the limits; nearest: closed base full: 9 MB",)


def test_of_an_error_less_is_better(row: Maker) -> None:
    told = {"task": "language-modeling", "metric": "perplexity"}
    rows = [row(card, "full", 0.0, **told, statistics=[[nats, 1.0]] * 200) for card, nats in (("a", 1.0), ("b", 2.0))]
    table = board_of(*rows, metrics=["perplexity"])
    assert only(table, Limits(min_score=2.0)).row is None
    found = only(table, Limits(min_score=3.0))
    assert found.row and found.row.card == "a"


def test_each_version_of_data_has_a_choice_of_its_own(row: Maker) -> None:
    rows = [row("large", "full", 0.7), row("fast", "full", 0.9, dataset_fingerprint="g")]
    table = board_of(*rows)
    found = select(table, Limits(), lambda card, tier, own: "mit")
    assert [(one.title, one.row and one.row.card) for one in found] == [("toy (f)", "large"), ("toy (g)", "fast")]
    assert described(only(table.slice(0, 1)))[0].startswith("toy: large base full")


def test_local_rows_decide_where_there_are_any_and_the_others_are_named(row: Maker) -> None:
    """However good and fast the reference's rows are."""
    theirs = {"origin": "reference", "hardware": "EPYC"}
    rows = [
        row("large", "full", 0.7, latency_ms_p50=50.0, hardware="a laptop"),
        row("fast", "full", 0.9, latency_ms_p50=1.0, **theirs),
        row("poor", "full", 0.6, latency_ms_p50=1.0, dataset="other", **theirs),
    ]
    table = board_of(*rows)
    other, toy = sorted(select(table, Limits(), lambda card, tier, own: "mit"), key=str)
    assert toy.row and toy.row.card == "large"
    assert toy.reasons == (
        "best accuracy on validation of 1 rows within the limits",
        "on the Pareto front of score, latency and size",
        "by the local results, measured on a laptop; not compared with the reference results, measured on EPYC",
    )
    assert other.row and other.row.card == "poor"
    assert other.reasons[-1] == "by the reference results, measured on EPYC; there are no local ones"
    within = select(table, Limits(max_latency_ms=10), lambda card, tier, own: "mit")
    (none,) = (one for one in within if one.dataset == "toy")
    first, second, *_ = described(none)
    assert none.row is None and first == "toy: none of 1 rows is within the limits; nearest: large base full: 50 ms"
    assert second.startswith("by the local results"), "and not those of another machine"


def test_what_was_timed_with_other_threads_is_not_compared(row: Maker) -> None:
    rows = [
        row("large", "full", 0.9, latency_ms_p50=50.0, threads=1),
        row("fast", "full", 0.9, latency_ms_p50=5.0, threads=8),
        row("poor", "full", 0.5, latency_ms_p50=9.0, threads=1),
    ]
    one = only(board_of(*rows))
    assert one.row and one.row.card == "large"
    assert one.reasons[-1] == "by the local results, 1 thread; not compared with the local results, 8 threads"
