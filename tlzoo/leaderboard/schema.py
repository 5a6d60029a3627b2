"""The columns of results and of boards: explicit, typed, versioned, and each described where it is declared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import pyarrow as pa

VERSION = 1
"""Raised when a column changes its meaning; rows of another version are not mixed in. A new column does not raise it:
older rows have null there."""

Status = Literal["ok", "skipped", "unavailable", "diverged", "out-of-memory", "timeout", "error"]
VERDICTS = (
    "positive",
    "neutral",
    "negative",
    "frozen features below scratch",
    "unreplicated",
    "scratch did not learn",
)
"""What is said of transfer: a probe cannot be negative transfer, since it trains a head alone; one seed tells nothing
of training; and whoever beats a scratch that learns nothing, with these labels or with more, has not shown that
transfer helped: one that does learn from more labels lacks only these, which is what transfer may save."""
INCOMPARABLE: frozenset[str] = frozenset({"unreplicated", "scratch did not learn"})
"""Verdicts that leave open what transfer gave."""
FINAL: frozenset[str] = frozenset({"ok", "diverged"})
"""Statuses that a rerun would not change."""
PLANNED: frozenset[str] = frozenset({"ok", "skipped", "unavailable"})
"""Statuses that do not count as a failure."""


@dataclass(frozen=True)
class Field:
    """A column of a table.

    Attributes:
        name: Its name.
        type: Its Arrow type.
        meaning: What it holds.
        unit: Unit of its numbers, where they have one.
        range: Possible values, where the type does not say them.
        null: When it is null; empty for never.
        is_needed: Whether a row without it is refused: always, only in rows with status ``ok``, or never.
    """

    name: str
    type: pa.DataType
    meaning: str
    unit: str = ""
    range: str = ""
    null: str = ""
    is_needed: Literal["always", "ok", "never"] = "never"


def _schema(fields: Iterable[Field], version: int | None = None) -> pa.Schema:
    metadata = None if version is None else {"tlzoo.schema": str(version)}
    return pa.schema([(field.name, field.type) for field in fields], metadata=metadata)


_TEXT, _NUMBER, _COUNT = pa.string(), pa.float64(), pa.int64()
_POINT = pa.struct([("seconds", _NUMBER), ("step", _COUNT), ("loss", _NUMBER), ("score", _NUMBER)])
_NO_RESULT = "the run has no result"
_UNTRAINED = f"nothing was trained, or {_NO_RESULT}"
_UNMEASURED = "it was not measured, as for models behind an API"
_NO_API = "the model is not behind an API"
_NOT_RUN = "the model could not be planned"

RESULT_FIELDS = (
    Field("run_id", _TEXT, "Content key of the run", range="32 hexadecimal digits", is_needed="always"),
    Field(
        "card",
        _TEXT,
        "Id of the model's card; of an ad-hoc model, which is not in the catalogue, what was named: `timm:NAME`, "
        "`hub:OWNER/NAME`, `concat:CARD/VARIANT+CARD/VARIANT`, or `folder:` and the last part of its path",
        is_needed="always",
    ),
    Field(
        "variant",
        _TEXT,
        "Id of the card's variant; of an ad-hoc model the commit, or the start of the hash of the weights",
        is_needed="always",
    ),
    Field("weights", _TEXT, "Tier of the weights", range="official, stand-in, none, baseline", is_needed="always"),
    Field("task", _TEXT, "The task", range="a task of tlzoo", is_needed="always"),
    Field("dataset", _TEXT, "Name of the data set", is_needed="always"),
    Field(
        "strategy",
        _TEXT,
        "What is trained",
        range="zero-shot, few-shot, scratch, probe, partial, full, lora, further, trivial, classical",
        null="no strategy of the model could be planned",
        is_needed="ok",
    ),
    Field(
        "runtime",
        _TEXT,
        "What predicted the test examples, of a model that was exported: its speed is that from a decoded input, as "
        "its file preprocesses, and its size is that of the file",
        range="onnx (ONNX Runtime), int8 (the same in 8 bits)",
        null="the library that trained it",
    ),
    Field("seed", _COUNT, "Seed of the run", range=">= 0", null=_NOT_RUN, is_needed="ok"),
    Field("fraction", _NUMBER, "Share of the training labels", range="(0, 1]", null=_NOT_RUN, is_needed="ok"),
    Field("fold", _COUNT, "Which fold was tested", range=">= 0, < `folds`", null="the data were split once"),
    Field(
        "folds", _COUNT, "Number of folds of the seed's cross-validation", range=">= 2", null="the data were split once"
    ),
    Field("metric", _TEXT, "Name of the metric", range="see Metrics", is_needed="always"),
    Field("value", _NUMBER, "The metric on the test examples", range="of the metric", null=_NO_RESULT),
    Field(
        "status",
        _TEXT,
        "What became of the run",
        range="ok, skipped, unavailable, diverged, out-of-memory, timeout, error",
        is_needed="always",
    ),
    Field("reason", _TEXT, "Why there is no result", null="`status` is `ok`"),
    Field("n_train", _COUNT, "Number of training examples", range=">= 0", null=_NO_RESULT),
    Field("n_validation", _COUNT, "Number of validation examples", range=">= 1", null=_UNTRAINED),
    Field("n_test", _COUNT, "Number of test examples", range=">= 1", null=_NO_RESULT),
    Field("example_ids", pa.list_(_TEXT), "Id of each test example", null=_NO_RESULT, is_needed="ok"),
    Field(
        "groups",
        pa.list_(_TEXT),
        "What is independent, for each test example: a voice, a document, or the example itself",
        null=_NO_RESULT,
        is_needed="ok",
    ),
    Field(
        "statistics",
        pa.list_(pa.list_(_NUMBER)),
        "For each test example, the numbers that the metric is computed from",
        null=_NO_RESULT,
        is_needed="ok",
    ),
    Field(
        "history",
        pa.list_(_POINT),
        "Training seconds, step, training loss and validation score (higher is better) at each evaluation",
        null=_UNTRAINED,
    ),
    Field(
        "validation_score",
        _NUMBER,
        "Validation score of a model that is not trained, as in `history`",
        null="it was trained, is behind an API, or has no result",
    ),
    Field(
        "trivial_score",
        _NUMBER,
        "Validation score of the trivial predictor, as in `history`; what scratch has to beat to have learnt",
        null=_UNTRAINED,
    ),
    Field(
        "train_seconds",
        _NUMBER,
        "Training with the chosen learning rate, frozen features included",
        "s",
        ">= 0",
        _UNTRAINED,
    ),
    Field("search_seconds", _NUMBER, "Training with the other learning rates", "s", ">= 0", _UNTRAINED),
    Field("wall_seconds", _NUMBER, "The whole run, preparations included", "s", ">= 0", "it was never started"),
    Field("learning_rate", _NUMBER, "The chosen learning rate", range="> 0", null=_UNTRAINED),
    Field(
        "rate_at_edge",
        pa.bool_(),
        "Whether the chosen learning rate is the highest or the lowest of those tried",
        null=f"only one was tried, {_UNTRAINED}",
    ),
    Field("steps", _COUNT, "Number of training steps", range=">= 0", null=_UNTRAINED),
    Field("latency_ms_p50", _NUMBER, "Latency of one example, median", "ms", "> 0", _UNMEASURED),
    Field(
        "latency_ms_p90",
        _NUMBER,
        "Latency of one example, 90th percentile",
        "ms",
        "> 0",
        f"{_UNMEASURED}, or with fewer than 100 calls",
    ),
    Field(
        "latency_ms_p99",
        _NUMBER,
        "Latency of one example, 99th percentile",
        "ms",
        "> 0",
        f"{_UNMEASURED}, or with fewer than 1,000 calls",
    ),
    Field("throughput", _NUMBER, "Examples per second at the best batch size, median", "1/s", "> 0", _UNMEASURED),
    Field("params", _COUNT, "Number of parameters", range=">= 0", null=_UNMEASURED),
    Field("size_bytes", _COUNT, "Size of the parameters", "bytes", ">= 0", _UNMEASURED),
    Field(
        "peak_memory_bytes",
        _COUNT,
        "Peak memory of the model while it predicts single examples, without what building it takes",
        "bytes",
        ">= 0",
        _UNMEASURED,
    ),
    Field(
        "flops",
        _COUNT,
        "Floating-point operations of one example's forward pass",
        range=">= 0",
        null=f"{_UNMEASURED}, or cannot be counted",
    ),
    Field(
        "end_to_end_ms",
        _NUMBER,
        "Time from one example as it is stored to its prediction, decoding and preprocessing included, median",
        "ms",
        "> 0",
        f"{_UNMEASURED}, or it is a row of an early version",
    ),
    Field(
        "noisy",
        pa.bool_(),
        "Whether the median latencies of two rounds of calls differ by more than 20%",
        null=f"{_UNMEASURED}, or it is a row of an early version",
    ),
    Field("requests", _COUNT, "Requests that the endpoint answered", range=">= 0", null=_NO_API),
    Field("cached", _COUNT, "Answers taken from the cache", range=">= 0", null=_NO_API),
    Field(
        "prompt_tokens",
        _COUNT,
        "Prompt tokens of all answers, as the endpoint counts them",
        "tokens",
        ">= 0",
        f"{_NO_API}, or the endpoint does not count",
    ),
    Field(
        "completion_tokens",
        _COUNT,
        "Completion tokens of all answers, as the endpoint counts them",
        "tokens",
        ">= 0",
        f"{_NO_API}, or the endpoint does not count",
    ),
    Field(
        "cost_usd",
        _NUMBER,
        "Cost of all answers, those from the cache included",
        "US dollars",
        ">= 0",
        f"{_NO_API}, or its price is not known",
    ),
    Field("served", _TEXT, "Name by which the endpoint calls the model that answered", null=_NO_API),
    Field("description", _TEXT, "What a baseline is: features and method, in words", null="the row is of a model"),
    Field(
        "device",
        _TEXT,
        "Where it was run",
        range="cpu, or the name of a GPU",
        null=f"{_NOT_RUN}, or {_NO_RESULT} and was to be on a GPU",
    ),
    Field("hardware", _TEXT, "Name of the processor", null=_NOT_RUN),
    Field("threads", _COUNT, "Number of threads that speed was measured with", range=">= 1", null=_NOT_RUN),
    Field("card_hash", _TEXT, "Hash of what the variant is, apart from its prose", null=_NOT_RUN),
    Field(
        "weights_sha256",
        _TEXT,
        "Sha256 of the file of weights that was loaded; of several, of their hashes; of a model behind an API, of its "
        "endpoint and name",
        null="`weights` is `none`, or a stand-in was not loaded",
    ),
    Field("license", _TEXT, "Licence of an ad-hoc model, as it was published", null="its card says it"),
    Field(
        "trained_sha256",
        _TEXT,
        "Sha256 of the trained parameters and buffers: of their sorted names, each with type, shape and bytes",
        null=_UNTRAINED,
    ),
    Field("dataset_fingerprint", _TEXT, "Content key of the data", null="it is a row of an early version"),
    Field(
        "dataset_source",
        _TEXT,
        "Where the data are from",
        range="rendered, hub, or folder for a person's own",
        null="it is a row of an early version",
    ),
    Field("recipe", _TEXT, "Settings of the training, as JSON", null=_NOT_RUN),
    Field("tlzoo_version", _TEXT, "Version of tlzoo", null=_NOT_RUN),
    Field("git_commit", _TEXT, "Commit of tlzoo", null="it was installed without a checkout"),
    Field("libraries", _TEXT, "Versions of libraries, as JSON", null=_NOT_RUN),
    Field("created", pa.timestamp("us", tz="UTC"), "When the row was written, UTC", is_needed="always"),
    Field("origin", _TEXT, "Whose result it is", range="local, or reference for those that ship with tlzoo"),
)
"""Columns of a result: one row for each run and metric."""
RESULT = _schema(RESULT_FIELDS, VERSION)

MEASURED = (
    "latency_ms_p50",
    "latency_ms_p90",
    "latency_ms_p99",
    "throughput",
    "params",
    "size_bytes",
    "peak_memory_bytes",
    "flops",
    "end_to_end_ms",
    "noisy",
)
"""Columns that a measurement fills."""
USAGE = ("requests", "cached", "prompt_tokens", "completion_tokens", "cost_usd")
"""Columns of what was sent to a model behind an API, and what it cost."""

_BY_NAME = {field.name: field for field in RESULT_FIELDS}
_UNSCORED = "the row has no value"
_NO_INTERVAL = "the test has fewer than two independent groups"
_UNCOMPARED = "the row is a baseline itself, or there is no run from scratch on the same test examples"


def _as_in_results(*names: str) -> tuple[Field, ...]:
    """Columns of a board that a result has too, with the same meaning."""
    return tuple(replace(_BY_NAME[name], is_needed="never") for name in names)


def _over_seeds(name: str, how: str) -> Field:
    """A column that the seeds of a row are brought together in."""
    field = _BY_NAME[name]
    return replace(field, meaning=f"{field.meaning}; {how} over seeds")


BOARD_FIELDS = (
    Field(
        "rank",
        _COUNT,
        "Best place that the evidence allows among all rows of the same task, data, machine, fraction and metric",
        range=">= 1",
        null=_UNSCORED,
        is_needed="ok",
    ),
    Field("rank_worst", _COUNT, "Worst place that the evidence allows there", range=">= 1", null=_UNSCORED),
    Field(
        "tier_rank",
        _COUNT,
        "Best place that the evidence allows among the rows of the same tier of weights",
        range=">= 1",
        null=_UNSCORED,
    ),
    *(replace(_BY_NAME[name], is_needed="always") for name in ("card", "variant", "weights", "task", "dataset")),
    _BY_NAME["strategy"],
    _BY_NAME["runtime"],
    Field("seeds", pa.list_(_COUNT), "Seeds of the runs that the row brings together"),
    _BY_NAME["folds"],
    _BY_NAME["fraction"],
    _over_seeds("n_train", "mean"),
    replace(_BY_NAME["metric"], is_needed="always"),
    replace(_BY_NAME["value"], meaning="The metric on the test examples; mean over seeds", null=_UNSCORED),
    Field("ci_low", _NUMBER, "Lower end of the value's 95% interval", null=_NO_INTERVAL),
    Field("ci_high", _NUMBER, "Upper end of the value's 95% interval", null=_NO_INTERVAL),
    Field("groups", _COUNT, "Number of independent groups among the test examples", range=">= 1", null=_UNSCORED),
    Field(
        "seed_sd",
        _NUMBER,
        "Standard deviation between training runs, pooled over the board; 0 where nothing is trained",
        range=">= 0",
        null="no model of the kind was trained with several seeds; intervals then hold the sampling of examples only",
    ),
    Field("scratch_value", _NUMBER, "Value of the same architecture trained from scratch", null=_UNCOMPARED),
    Field("gain", _NUMBER, "Paired improvement over scratch; positive is better for every metric", null=_UNCOMPARED),
    Field("gain_low", _NUMBER, "Lower end of the gain's 95% interval", null=f"{_UNCOMPARED}; or {_NO_INTERVAL}"),
    Field("gain_high", _NUMBER, "Upper end of the gain's 95% interval", null=f"{_UNCOMPARED}; or {_NO_INTERVAL}"),
    Field(
        "verdict",
        _TEXT,
        "Whether transfer helped, from the interval of the gain",
        range=", ".join(VERDICTS),
        null=f"{_UNCOMPARED}; or {_NO_INTERVAL}",
    ),
    Field(
        "validation",
        _NUMBER,
        "Validation score that choices are made by, higher is better; mean over runs",
        null="the model is behind an API, or the row is a baseline",
    ),
    Field(
        "chosen",
        pa.bool_(),
        "Whether validation chose this strategy for the model: its verdict is the model's",
        null="nothing was trained, or the row is a baseline",
    ),
    Field(
        "remedy",
        _TEXT,
        "What longer and deeper training did after negative transfer",
        range="recovered, not recovered, not run",
        null="the model's verdict is not negative",
    ),
    Field(
        "beats_classical",
        pa.bool_(),
        "Whether the row is better for certain than the classical baseline",
        null="there is no classical baseline on the same test examples",
    ),
    Field(
        "time_to_target",
        _NUMBER,
        "How many times sooner, in seconds, training reached what scratch reaches: the trivial predictor's validation "
        "score and 95% of what scratch gains over it; geometric mean over seeds",
        range="> 0; above 1 is faster",
        null=f"{_UNCOMPARED}; the target was not reached; or scratch did not learn",
    ),
    Field("time_to_target_low", _NUMBER, "Lower end of its 95% interval", null="as there, or there is one seed"),
    Field("time_to_target_high", _NUMBER, "Upper end of its 95% interval", null="as there, or there is one seed"),
    Field(
        "steps_to_target",
        _NUMBER,
        "The same in optimizer steps, which do not depend on the machine",
        range="> 0; above 1 is faster",
        null="as `time_to_target`",
    ),
    Field(
        "target_reached",
        _TEXT,
        "Whether training reached the target; at the start: at the first evaluation, so that the ratio is a minimum",
        range="reached, at the start, not reached",
        null=f"{_UNCOMPARED}; or scratch did not learn",
    ),
    Field(
        "cost_ratio",
        _NUMBER,
        "Seconds of scratch's training and search of learning rates over those of the strategy",
        range="> 0; above 1 is cheaper",
        null=_UNCOMPARED,
    ),
    Field(
        "label_savings",
        _NUMBER,
        "All labels over the fewest with which the strategy reaches what scratch reaches with all, on the interpolated "
        "learning curve",
        range=">= 1",
        null=f"{_UNCOMPARED}; scratch's value was not reached; or fewer than three fractions were run",
    ),
    Field("label_savings_low", _NUMBER, "Lower end of its 95% interval; 0: not reached", null="as `labels_reached`"),
    Field("label_savings_high", _NUMBER, "Upper end of its 95% interval", null="as `labels_reached`"),
    Field(
        "labels_reached",
        _TEXT,
        "Whether scratch's value was reached; at the start: with the fewest labels, so that the savings are a minimum",
        range="reached, at the start, not reached",
        null=f"{_UNCOMPARED}; or fewer than three fractions were run",
    ),
    _over_seeds("train_seconds", "mean"),
    *_as_in_results(*MEASURED),
    _BY_NAME["status"],
    *_as_in_results("reason", "n_test", "weights_sha256", "license", "dataset_fingerprint"),
    *_as_in_results("origin", "hardware", "device", "threads"),
    Field("run_ids", pa.list_(_TEXT), "Ids of the runs that the row brings together"),
    *(_over_seeds(name, "sum") for name in USAGE),
)
"""Columns of a ranked row: the machine-readable contract of ``tlzoo leaderboard`` and ``tlzoo eval``."""
BOARD = _schema(BOARD_FIELDS)


def needed(fields: Iterable[Field], is_scored: bool) -> tuple[str, ...]:
    """Columns that a row must have.

    Args:
        fields: Of the row's table.
        is_scored: Whether the row has a result.
    """
    allowed = ("always", "ok") if is_scored else ("always",)
    return tuple(field.name for field in fields if field.is_needed in allowed)
