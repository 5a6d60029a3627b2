"""The model of a table: columns, sections of rows that are comparable, and what is missing from them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from tlzoo.leaderboard import identity
from tlzoo.leaderboard.identity import Titles, grouped
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.row import BoardRow, ScoredRow, rows_of, scored
from tlzoo.leaderboard.schema import BOARD
from tlzoo.leaderboard.statistics import MIN_GROUPS
from tlzoo.vocabulary import AD_HOC, BASELINE, is_ad_hoc

_PLACES = "#: the best and the worst place that the evidence allows, for all rows of a table at once (95%)."
_STAND_IN = (
    "stand-in: not the published model, but a small one pretrained here on rendered or packaged data, or another that "
    "is served in its place."
)
_AD_HOC = f"{', '.join(f'{scheme}:' for scheme in AD_HOC)} ad-hoc models, which no card of the zoo describes."


def legend(board: pa.Table) -> str:
    """What the words mean that stand on a board."""
    has_stand_in = "stand-in" in set(board["weights"].to_pylist())
    has_ad_hoc = any(map(is_ad_hoc, set(board["card"].to_pylist())))
    return " ".join([_PLACES, *[_STAND_IN] * has_stand_in, *[_AD_HOC] * has_ad_hoc])


def count(number: float | None) -> str:
    """A large count in three digits: ``3.73 M``."""
    if number is None:
        return ""
    for factor, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(number) >= factor:
            return f"{number / factor:.3g}{unit}"
    return f"{number:.3g}"


def megabytes(number: float | None) -> str:
    """Bytes in MB (10^6), three digits."""
    return "" if number is None else f"{number / 1e6:.3g}"


def _number(value: float | None, digits: int = 3, sign: bool = False) -> str:
    return "" if value is None else f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"


def _interval(value: float | None, low: float | None, high: float | None, sign: bool = False) -> str:
    if value is None:
        return ""
    return f"{_number(value, sign=sign)} [{_number(low, sign=sign)}, {_number(high, sign=sign)}]"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}×"


def _saving(value: float | None, low: float | None, high: float | None, reached: str | None) -> str:
    """How many times less something took, with its interval: ``2.1× [1.4, 3.0]``, ``≥ 5.2×`` or ``not reached``."""
    if value is None:
        return reached or ""
    ends = "" if low is None or high is None else f" [{low:.1f}, {high:.1f}]"
    return f"{'≥ ' if reached == 'at the start' else ''}{value:.1f}×{ends}"


def _transfer(row: BoardRow) -> str:
    """Whether transfer helped, as far as it can be said."""
    if not row.verdict:
        return ""
    parts = [row.verdict] + ["(provisional)"] * row.is_provisional
    return " ".join(parts) + (f"; further training: {row.remedy}" if row.remedy else "")


def _three(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _tokens(prompt: int | None, completion: int | None) -> str:
    return "" if prompt is None or completion is None else f"{count(prompt)} + {count(completion)}"


@dataclass(frozen=True)
class Column:
    """A column of a table for people.

    Attributes:
        head: Its heading; ``{metric}`` is the headline metric's title.
        by: The column of ``schema.BOARD`` that it is sorted by.
        cell: Its text for a row; may be empty.
        detail: Whether it is left out in Markdown.
    """

    head: str
    by: str
    cell: Callable[[BoardRow], str]
    detail: bool = False

    @property
    def is_text(self) -> bool:
        """Whether it holds words, not numbers."""
        kind = BOARD.field(self.by).type
        return bool(pa.types.is_string(kind) or pa.types.is_boolean(kind))


def _way(row: BoardRow) -> str:
    """Strategy, and runtime of an exported model."""
    return " ".join(filter(None, (row.strategy, row.runtime)))


COLUMNS = (
    Column("#", "rank", lambda r: r.places if isinstance(r, ScoredRow) else ""),
    Column("model", "card", lambda r: r.model),
    Column("weights", "weights", lambda r: r.weights),
    Column("strategy", "strategy", _way),
    Column("seeds", "seeds", lambda r: str(len(r.seeds or ()))),
    Column("{metric} [95%]", "value", lambda r: _interval(r.value, r.ci_low, r.ci_high)),
    Column("seed sd", "seed_sd", lambda r: _number(r.seed_sd) if r.seed_sd else "", detail=True),
    Column("gain over scratch [95%]", "gain", lambda r: _interval(r.gain, r.gain_low, r.gain_high, sign=True)),
    Column("transfer", "verdict", _transfer),
    Column("chosen", "chosen", lambda r: "yes" if r.chosen else ""),
    Column(
        "time to target ↑",
        "time_to_target",
        lambda r: _saving(r.time_to_target, r.time_to_target_low, r.time_to_target_high, r.target_reached),
    ),
    Column("steps to target ↑", "steps_to_target", lambda r: _ratio(r.steps_to_target), detail=True),
    Column("cost against scratch ↑", "cost_ratio", lambda r: _ratio(r.cost_ratio), detail=True),
    Column(
        "label savings ↑",
        "label_savings",
        lambda r: _saving(r.label_savings, r.label_savings_low, r.label_savings_high, r.labels_reached),
    ),
    Column("# in tier", "tier_rank", lambda r: "" if r.tier_rank is None else str(r.tier_rank), detail=True),
    Column("training s ↓", "train_seconds", lambda r: _seconds(r.train_seconds)),
    Column("latency p50 ms ↓", "latency_ms_p50", lambda r: _three(r.latency_ms_p50) + (" noisy" if r.noisy else "")),
    Column("latency p90 ms ↓", "latency_ms_p90", lambda r: _three(r.latency_ms_p90), detail=True),
    Column("latency p99 ms ↓", "latency_ms_p99", lambda r: _three(r.latency_ms_p99), detail=True),
    Column("end to end ms ↓", "end_to_end_ms", lambda r: _three(r.end_to_end_ms), detail=True),
    Column("examples/s ↑", "throughput", lambda r: count(r.throughput)),
    Column("FLOPs ↓", "flops", lambda r: count(r.flops), detail=True),
    Column("params", "params", lambda r: count(r.params)),
    Column("size MB ↓", "size_bytes", lambda r: megabytes(r.size_bytes)),
    Column("memory MB ↓", "peak_memory_bytes", lambda r: megabytes(r.peak_memory_bytes)),
    Column("requests", "requests", lambda r: "" if r.requests is None else f"{r.requests} (+{r.cached} cached)"),
    Column("tokens in + out", "prompt_tokens", lambda r: _tokens(r.prompt_tokens, r.completion_tokens)),
    Column("cost $ ↓", "cost_usd", lambda r: "" if r.cost_usd is None else f"{r.cost_usd:.4f}"),
    Column("threads", "threads", lambda r: "" if r.threads is None else str(r.threads)),
)
"""Columns in order; a table leaves out those that are empty in all rows, and threads where all rows have as many."""


@dataclass(frozen=True)
class Section:
    """The rows of one task, data set, machine, fraction and metric, which are comparable.

    Attributes:
        title: Task, data, fraction and machine.
        notes: What a reader should know before reading on, a line each.
        metric: The metric's name.
        columns: Those in use.
        rows: In the board's order.
    """

    title: str
    notes: tuple[str, ...]
    metric: str
    columns: tuple[Column, ...]
    rows: tuple[ScoredRow, ...]

    @property
    def brief(self) -> tuple[Column, ...]:
        """Columns without details."""
        return tuple(column for column in self.columns if not column.detail)

    def head(self, column: Column) -> str:
        """Heading of a column here."""
        return column.head.format(metric=METRICS[self.metric].title)


def sections(board: pa.Table) -> list[Section]:
    """Group rows into comparable sections, independent of sort order; rows without a value are left out."""
    rows = rows_of(board)
    titles = Titles(rows)
    parts = []
    for alike in grouped(scored(rows), identity.BOARD):
        first = alike[0]
        share = "" if first.on_all_labels else f", {first.fraction:.0%} of the labels"
        title = f"{first.task} on {titles.data(first)}{share} ({_size(first)})"
        several = len({row.threads for row in alike}) > 1
        used = tuple(c for c in COLUMNS if (c.by != "threads" or several) and any(c.cell(row) for row in alike))
        machine = titles.machine(first)
        whole = f"{title}: {machine}" if machine else title
        parts.append(Section(whole, tuple(_notes(alike)), first.metric, used, tuple(alike)))
    return parts


def _size(row: ScoredRow) -> str:
    """How much was tested: examples, and what of them is independent."""
    apart = "" if row.groups in (None, row.n_test) else f" in {row.groups} independent group{'s' * (row.groups != 1)}"
    return f"{row.n_test} test examples{apart}"


def _notes(rows: Sequence[ScoredRow]) -> list[str]:
    """What limits a table's evidence."""
    notes = []
    models = [row for row in rows if row.weights != BASELINE]
    if models and any(row.beats_classical is not None for row in rows) and not any(r.beats_classical for r in models):
        notes.append("no model is better than the classical baseline for certain: these data show little of models")
    groups = rows[0].groups
    if groups is not None and groups < MIN_GROUPS:
        notes.append("one independent group in the test: no intervals, and nothing is told apart")
    elif rows[0].is_provisional:
        notes.append(f"{groups} independent groups in the test: intervals are provisional")
    if any(row.seed_sd is None for row in rows):
        notes.append("one seed: intervals hold the choice of test examples, and not what another training run changes")
    return notes


def absences(board: pa.Table) -> list[str]:
    """Rows without a result, and why: one line for all that a model lacks for the same reason, apart from its numbers.

    Data set and origin are named where there are several.
    """
    rows = rows_of(board)
    titles = Titles(rows)
    several = len({(row.task, titles.data(row)) for row in rows}) > 1
    origins = {row.origin for row in rows}
    alike: dict[tuple[str, ...], list[BoardRow]] = {}
    for row in rows:
        if not row.is_scored:
            place = [f"{row.task} on {titles.data(row)}"] if several else []
            place += [row.origin or ""] if len(origins) > 1 else []
            where = f" ({', '.join(place)})" if place else ""
            reason = re.sub(r"[\d.]+", "0", row.reason or "")
            alike.setdefault((row.card, where, row.status, reason), []).append(row)
    lines = []
    for (card, where, status, _), lacking in alike.items():
        what = ", ".join(dict.fromkeys(_way(r) for r in lacking if r.strategy))
        such = "" if len({r.reason for r in lacking}) == 1 else ", such as"
        lines.append(f"{card} {what}".strip() + f"{where}: {status}{such}: {lacking[0].reason}")
    return lines
