"""From what a run gave to rows of the results' schema, with their provenance."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from tlzoo.data.catalogue import Source
from tlzoo.keys import key
from tlzoo.leaderboard.schema import Status
from tlzoo.measure.device import thread_count
from tlzoo.run.plan import Absent, Run
from tlzoo.vocabulary import task_facts

if TYPE_CHECKING:
    from tlzoo.core.model import Usage
    from tlzoo.measure.measurement import Measurement
    from tlzoo.run.outcome import Outcome

Row = dict[str, object]
"""Columns of ``tlzoo.leaderboard.schema.RESULT``; those that are absent are null."""

_LIBRARIES = (
    "torch",
    "torchaudio",
    "torchvision",
    "transformers",
    "datasets",
    "accelerate",
    "peft",
    "numpy",
    "pyarrow",
    "scikit-image",
    "scikit-learn",
)


Environment = Mapping[str, str | int | None]
"""Versions and hardware of a process, as columns of its rows."""


def rows(
    run: Run, outcome: Outcome, measurement: Measurement, wall_seconds: float, where: Environment | None = None
) -> list[Row]:
    """One row a metric of a finished run.

    Args:
        run: The run.
        outcome: What it gave.
        measurement: Speed and size of its model.
        wall_seconds: Time that it took, preparations included.
        where: Versions and hardware of the process that executed it; by default of this one.
    """
    training = outcome.training
    common: Row = {
        **_identity(run),
        **(where or {}),
        **asdict(measurement),
        **_usage(outcome.usage),
        "status": "ok",
        "reason": None,
        "n_train": outcome.n_train,
        "n_test": outcome.n_test,
        "example_ids": outcome.example_ids,
        "groups": outcome.groups,
        "device": outcome.device,
        "threads": outcome.threads,
        "description": outcome.description,
        "wall_seconds": wall_seconds,
        "history": list(training.history) if training else None,
        "train_seconds": training.train_seconds if training else None,
        "search_seconds": training.search_seconds if training else None,
        "learning_rate": training.learning_rate if training else None,
        "steps": training.steps if training else None,
        "n_validation": training.n_validation if training else None,
        "rate_at_edge": training.rate_at_edge if training else None,
        "validation_score": outcome.validation_score,
        "trivial_score": training.trivial_score if training else None,
        "weights_sha256": outcome.weights_sha256,
        "trained_sha256": outcome.trained_sha256,
    }
    return [
        common | {"metric": metric, "value": value, "statistics": outcome.statistics[metric]}
        for metric, value in outcome.values.items()
    ]


def failure(
    run: Run, status: Status, reason: str, usage: Usage | None = None, wall_seconds: float | None = None
) -> Row:
    """The row of a run without a result."""
    state: Row = {"metric": headline(run.source), "status": status, "reason": reason, "wall_seconds": wall_seconds}
    return {**_identity(run), **state, **_usage(usage)}


def absence(absent: Absent) -> Row:
    """The row of a model, or of a strategy of it, that could not be planned."""
    source = absent.source
    facts: Row = {
        "card": absent.card,
        "variant": absent.variant,
        "weights": absent.tier,
        "task": source.task,
        "dataset": source.name,
        "strategy": absent.strategy,
    }
    version = [source.fingerprint] if source.where == "folder" else []  # names of folders are not unique
    return facts | {
        "run_id": key(*facts.values(), *version)[:32],
        "dataset_source": source.where,
        "dataset_fingerprint": source.fingerprint,
        "metric": headline(source),
        "status": absent.status,
        "reason": absent.reason,
        "created": datetime.now(UTC),
        "origin": "local",
    }


def _usage(usage: Usage | None) -> Row:
    """The columns of what a model behind an API was asked; what this run paid is not a column."""
    if usage is None:
        return {}
    return {
        "requests": usage["requests"],
        "cached": usage["cached"],
        "prompt_tokens": usage["prompt_tokens"],
        "completion_tokens": usage["completion_tokens"],
        "cost_usd": usage["cost_usd"],
        "served": usage["served"],
    }


def headline(source: Source) -> str:
    """The metric that runs on some data are ranked by."""
    return task_facts(source.task).headline(source.kind)


def _identity(run: Run) -> Row:
    return {
        "run_id": run.id,
        "card": run.checkpoint.card,
        "variant": run.checkpoint.label,
        "weights": run.tier,
        "task": run.task,
        "dataset": run.source.name,
        "strategy": run.strategy,
        "seed": run.seed,
        "fraction": run.fraction,
        "fold": run.fold,
        "folds": run.folds,
        "card_hash": run.card_hash,
        "weights_sha256": _weights_sha256(run),
        "license": _license(run),
        "dataset_fingerprint": run.source.fingerprint,
        "dataset_source": run.source.where,
        "recipe": json.dumps(asdict(run.recipe), sort_keys=True),
        "created": datetime.now(UTC),
        "origin": "local",
        "device": run.device if run.device == "cpu" else None,  # the name of a GPU is known where it was used
        **environment(),
    }


def _weights_sha256(run: Run) -> str | None:
    """Hash of the file of weights that a run starts from; of a stand-in it is known once it was loaded."""
    checkpoint = run.checkpoint
    is_known = run.tier == "official" or bool(checkpoint.served_by)
    return checkpoint.sha256 or None if is_known else None


def _license(run: Run) -> str | None:
    """Licence of an ad-hoc model, which no catalogue knows later."""
    drafted = run.checkpoint.drafted
    if drafted is None:
        return None
    given = drafted.provenance.license
    return given.weights if run.tier == "official" else given.code


@cache
def environment() -> dict[str, str | int | None]:
    """Versions, hardware and threads of this process."""
    return {
        "tlzoo_version": _version("tlzoo"),
        "git_commit": _commit(),
        "libraries": json.dumps({n: v for n in _LIBRARIES if (v := _version(n))}),
        "hardware": _processor(),
        "threads": thread_count(),
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Commit of the checkout that this package runs from; absent for an installed wheel."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        answer = subprocess.run(["git", "-C", root, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    except OSError:  # git is not installed
        return None
    return answer.stdout.strip() or None


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
