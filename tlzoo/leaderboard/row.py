"""Rows of a result and of a board, typed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

import pyarrow as pa

from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.types import Statistics
from tlzoo.vocabulary import Tier, shown

PROVISIONAL = 6
"""With fewer independent groups in the test, an interval is a rough guess."""


class Point(TypedDict):
    """A moment of training (column ``history``)."""

    seconds: float
    step: int
    loss: float
    score: float


class ResultRow(TypedDict):
    """A row of ``schema.RESULT``, as far as a board is made of it."""

    run_id: str
    card: str
    variant: str
    weights: str
    task: str
    dataset: str
    strategy: str | None
    runtime: str | None
    seed: int
    fraction: float | None
    n_train: int | None
    fold: int | None
    folds: int | None
    metric: str
    value: float | None
    status: str
    reason: str | None
    n_test: int | None
    example_ids: list[str]
    groups: list[str]
    statistics: Statistics
    history: list[Point] | None
    validation_score: float | None
    trivial_score: float | None
    train_seconds: float | None
    search_seconds: float | None
    latency_ms_p50: float | None
    latency_ms_p90: float | None
    latency_ms_p99: float | None
    throughput: float | None
    params: int | None
    size_bytes: int | None
    peak_memory_bytes: int | None
    flops: int | None
    end_to_end_ms: float | None
    noisy: bool | None
    requests: int | None
    cached: int | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: float | None
    device: str | None
    hardware: str | None
    threads: int | None
    card_hash: str | None
    weights_sha256: str | None
    license: str | None
    dataset_fingerprint: str | None
    recipe: str | None
    created: datetime
    origin: str | None


@dataclass(frozen=True, kw_only=True)
class BoardRow:
    """A row of ``schema.BOARD``, whose columns it has in their order; ``schema.BOARD_FIELDS`` says what they mean."""

    rank: int | None = None
    rank_worst: int | None = None
    tier_rank: int | None = None
    card: str
    variant: str
    weights: Tier
    task: str
    dataset: str
    strategy: str | None = None
    runtime: str | None = None
    seeds: list[int] | None = None
    folds: int | None = None
    fraction: float | None = None
    n_train: int | None = None
    metric: str
    value: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    groups: int | None = None
    seed_sd: float | None = None
    scratch_value: float | None = None
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    verdict: str | None = None
    validation: float | None = None
    chosen: bool | None = None
    remedy: str | None = None
    beats_classical: bool | None = None
    time_to_target: float | None = None
    time_to_target_low: float | None = None
    time_to_target_high: float | None = None
    steps_to_target: float | None = None
    target_reached: str | None = None
    cost_ratio: float | None = None
    label_savings: float | None = None
    label_savings_low: float | None = None
    label_savings_high: float | None = None
    labels_reached: str | None = None
    train_seconds: float | None = None
    latency_ms_p50: float | None = None
    latency_ms_p90: float | None = None
    latency_ms_p99: float | None = None
    throughput: float | None = None
    params: int | None = None
    size_bytes: int | None = None
    peak_memory_bytes: int | None = None
    flops: int | None = None
    end_to_end_ms: float | None = None
    noisy: bool | None = None
    status: str
    reason: str | None = None
    n_test: int | None = None
    weights_sha256: str | None = None
    license: str | None = None
    dataset_fingerprint: str | None = None
    origin: str | None = None
    hardware: str | None = None
    device: str | None = None
    threads: int | None = None
    run_ids: list[str] | None = None
    requests: int | None = None
    cached: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None

    @property
    def model(self) -> str:
        """Card and variant, as boards show them."""
        return f"{self.card} {shown(self.card, self.variant)}"

    @property
    def is_scored(self) -> bool:
        """Whether it has a value; rows that have one are :class:`ScoredRow`."""
        return self.value is not None

    @property
    def on_all_labels(self) -> bool:
        """Whether all training labels were used."""
        return self.fraction == 1.0

    @property
    def is_provisional(self) -> bool:
        """Whether so few independent groups were tested that an interval is a rough guess."""
        return self.groups is not None and self.groups < PROVISIONAL

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"{self.model} {self.strategy}" + (f" {self.runtime}" if self.runtime else "")

    def to_json(self) -> dict[str, object]:
        """Its columns, in order."""
        return dict(vars(self))


@dataclass(frozen=True, kw_only=True)
class ScoredRow(BoardRow):
    """A row that has a value, and with it a place."""

    rank: int
    strategy: str
    fraction: float
    value: float

    @property
    def score(self) -> float:
        """The value, negated for error metrics: higher is better."""
        return METRICS[self.metric].sign * self.value

    @property
    def margins(self) -> tuple[float, float]:
        """How far the interval reaches below and above the value; nowhere, where there is none."""
        if self.ci_low is None or self.ci_high is None:
            return 0.0, 0.0
        return self.value - self.ci_low, self.ci_high - self.value

    @property
    def places(self) -> str:
        """The places that the evidence allows: ``2`` or ``1-4``."""
        return str(self.rank) if self.rank_worst in (None, self.rank) else f"{self.rank}-{self.rank_worst}"

    @property
    def latency(self) -> float:
        """Median latency in ms; infinite where it was not measured."""
        return math.inf if self.latency_ms_p50 is None else self.latency_ms_p50

    @property
    def costs(self) -> tuple[float, float, float]:
        """Negated score, latency and size, of which lower is better; what was not measured is infinite."""
        return -self.score, self.latency, math.inf if self.size_bytes is None else self.size_bytes

    def better_than(self, other: ScoredRow) -> bool:
        """Whether its score is higher; whether the two can be told apart is what ranks say."""
        return self.score > other.score


def rows_of(board: pa.Table) -> list[BoardRow]:
    """Rows of a table with the columns of ``schema.BOARD``; a number that is not finite is null, as JSON wants it."""
    return [row_of(columns) for columns in board.to_pylist()]


def row_of(columns: Mapping[str, object]) -> BoardRow:
    """The row with these columns, a :class:`ScoredRow` where it has a value."""
    finite = {name: None if _is_not_finite(value) else value for name, value in columns.items()}
    kind = BoardRow if finite.get("value") is None else ScoredRow
    return kind(**finite)  # type: ignore[arg-type]


def scored(rows: Iterable[BoardRow]) -> list[ScoredRow]:
    """Those that have a value."""
    return [row for row in rows if isinstance(row, ScoredRow)]


def _is_not_finite(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
