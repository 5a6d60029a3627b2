"""From what a run found to rows of the results' schema, with their provenance."""

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
from typing import Any

from tlzoo.data.catalogue import Source
from tlzoo.keys import key
from tlzoo.leaderboard.schema import Status
from tlzoo.run.plan import Absent, Run
from tlzoo.vocabulary import task_facts

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
)


def rows(run: Run, found: Mapping[str, Any], measured: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row a metric of a finished run."""
    common = _identity(run) | dict(measured) | {"status": "ok", "reason": None}
    common |= {k: v for k, v in found.items() if k not in ("statistics", "values")}
    return [
        common | {"metric": metric, "value": value, "statistics": found["statistics"][metric]}
        for metric, value in found["values"].items()
    ]


def failure(run: Run, status: Status, reason: str) -> dict[str, Any]:
    """The row of a run that has no result."""
    return _identity(run) | {"metric": headline(run.source), "status": status, "reason": reason}


def absence(absent: Absent) -> dict[str, Any]:
    """The row of a model, or of a strategy of it, that could not be planned."""
    facts = {
        "card": absent.card,
        "variant": absent.variant,
        "weights": absent.tier,
        "task": absent.source.task,
        "dataset": absent.source.name,
        "strategy": absent.strategy,
    }
    version = [absent.source.fingerprint] if absent.source.where == "folder" else []  # their names are not unique
    run_id = key(*facts.values(), *version)[:32]
    facts["dataset_source"] = absent.source.where
    state = {"status": absent.status, "reason": absent.reason, "created": datetime.now(UTC), "origin": "local"}
    state["dataset_fingerprint"] = absent.source.fingerprint
    return facts | state | {"run_id": run_id, "metric": headline(absent.source)}


def headline(source: Source) -> str:
    """The metric that runs on some data are ranked by."""
    return task_facts(source.task).headline(source.kind)


def _identity(run: Run) -> dict[str, Any]:
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
        "card_hash": run.card_hash,
        "weights_sha256": None if run.tier == "none" else run.checkpoint.sha256 or None,
        "dataset_fingerprint": run.source.fingerprint,
        "dataset_source": run.source.where,
        "recipe": json.dumps(asdict(run.recipe), sort_keys=True),
        "created": datetime.now(UTC),
        "origin": "local",
        **environment(),
    }


@cache
def environment() -> dict[str, Any]:
    """Versions and hardware of this process."""
    return {
        "tlzoo_version": _version("tlzoo"),
        "git_commit": _commit(),
        "libraries": json.dumps({n: v for n in _LIBRARIES if (v := _version(n))}),
        "hardware": _processor(),
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
