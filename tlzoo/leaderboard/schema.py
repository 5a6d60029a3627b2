"""The columns of a result: explicit, typed, versioned."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

VERSION = 1
"""Raised when a column changes its meaning; rows of another version are not mixed in. A new column changes none: it is
null in older rows."""

Status = Literal["ok", "skipped", "unavailable", "diverged", "out-of-memory", "timeout", "error"]
FINAL: frozenset[str] = frozenset({"ok", "diverged"})
"""Statuses that a rerun would not change."""
PLANNED: frozenset[str] = frozenset({"ok", "skipped", "unavailable"})
"""Statuses that are no failure of ours."""

_POINT = pa.struct([("seconds", pa.float64()), ("step", pa.int64()), ("loss", pa.float64()), ("score", pa.float64())])

RESULT = pa.schema(
    [
        ("run_id", pa.string()),  # content key of the run
        ("card", pa.string()),
        ("variant", pa.string()),
        ("weights", pa.string()),  # tier: official, stand-in or none
        ("task", pa.string()),
        ("dataset", pa.string()),
        ("strategy", pa.string()),
        ("seed", pa.int64()),
        ("fraction", pa.float64()),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("n_train", pa.int64()),
        ("n_test", pa.int64()),
        ("example_ids", pa.list_(pa.string())),
        ("groups", pa.list_(pa.string())),  # what the bootstrap draws: a voice, a document, or the example itself
        ("statistics", pa.list_(pa.list_(pa.float64()))),  # per example, as the metric's reducer wants them
        ("history", pa.list_(_POINT)),  # training seconds, steps, training loss, validation score (more is better)
        ("train_seconds", pa.float64()),  # of the chosen learning rate, frozen features included
        ("search_seconds", pa.float64()),  # of the other learning rates
        ("wall_seconds", pa.float64()),  # of everything that the run waited for, preparations included
        ("learning_rate", pa.float64()),
        ("steps", pa.int64()),
        ("latency_ms_p50", pa.float64()),
        ("latency_ms_p90", pa.float64()),
        ("latency_ms_p99", pa.float64()),
        ("throughput", pa.float64()),  # examples a second at the best batch size
        ("params", pa.int64()),
        ("size_bytes", pa.int64()),
        ("peak_memory_bytes", pa.int64()),
        ("flops", pa.int64()),  # of one example's forward pass
        ("requests", pa.int64()),  # of a model behind an API: answered ones
        ("cached", pa.int64()),  # answers that were kept from before
        ("prompt_tokens", pa.int64()),  # of all answers, as the endpoint counts; null where it does not
        ("completion_tokens", pa.int64()),
        ("cost_usd", pa.float64()),  # of all answers, those kept from before too; null where the price is not known
        ("served", pa.string()),  # how the endpoint calls the model that answered
        ("device", pa.string()),
        ("hardware", pa.string()),
        ("threads", pa.int64()),
        ("card_hash", pa.string()),
        ("weights_sha256", pa.string()),
        ("dataset_fingerprint", pa.string()),
        ("dataset_source", pa.string()),  # rendered, hub, or folder for a person's own; null in older rows
        ("recipe", pa.string()),  # JSON
        ("tlzoo_version", pa.string()),
        ("git_commit", pa.string()),
        ("libraries", pa.string()),  # JSON
        ("created", pa.timestamp("us", tz="UTC")),
        ("origin", pa.string()),  # local, or reference for the results that ship with the package
    ],
    metadata={"tlzoo.schema": str(VERSION)},
)

MEASURED = (
    "latency_ms_p50",
    "latency_ms_p90",
    "latency_ms_p99",
    "throughput",
    "params",
    "size_bytes",
    "peak_memory_bytes",
    "flops",
)
"""Columns that a measurement fills."""
USAGE = ("requests", "cached", "prompt_tokens", "completion_tokens", "cost_usd")
"""Columns that say what a model behind an API was asked, and what that cost."""

BOARD = pa.schema(
    [
        ("rank", pa.int64()),
        *((name, pa.string()) for name in ("card", "variant", "weights", "task", "dataset", "strategy")),
        ("seeds", pa.list_(pa.int64())),
        ("fraction", pa.float64()),
        ("metric", pa.string()),
        *((name, pa.float64()) for name in ("value", "ci_low", "ci_high", "scratch_value")),
        *((name, pa.float64()) for name in ("gain", "gain_low", "gain_high")),
        ("verdict", pa.string()),
        *((name, pa.float64()) for name in ("time_to_target", "label_savings", "train_seconds")),
        *(RESULT.field(name) for name in MEASURED),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("n_test", pa.int64()),
        ("weights_sha256", pa.string()),
        ("dataset_fingerprint", pa.string()),
        *(RESULT.field(name) for name in ("origin", "hardware", "device", "threads")),
        ("run_ids", pa.list_(pa.string())),
        *(RESULT.field(name) for name in USAGE),
    ]
)
"""Columns of a ranked row: the machine-readable contract of ``tlzoo leaderboard`` and ``tlzoo eval``."""
