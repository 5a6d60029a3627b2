"""Measure oracles here, and keep what came out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from tlzoo.data.published import function_of
from tlzoo.errors import UnavailableError
from tlzoo.files import write_whole
from tlzoo.oracles import ORACLES, Oracle

State = Literal["reproduced", "not reproduced", "not available"]
FILE = "oracles.json"
"""Name of the file of checks beside the reference results."""


@dataclass(frozen=True)
class Check:
    """What an oracle gave on a machine.

    Attributes:
        name: Of the oracle.
        state: Whether the number was reproduced.
        value: The number that was measured: the mean of the runs; absent where none could be.
        runs: The number of each run.
        reason: Why it is not reproduced, or what was not available.
    """

    name: str
    state: State
    value: float | None = None
    runs: tuple[float, ...] = ()
    reason: str = ""


def check(name: str) -> Check:
    """Measure an oracle.

    Args:
        name: One of ``ORACLES``.

    Returns:
        What came out; without weights or data the state is ``not available``.
    """
    oracle = ORACLES[name]
    measure = function_of(oracle.measure)
    try:
        runs: list[float] = measure(oracle.card, oracle.variant, **oracle.arguments)
    except UnavailableError as error:
        return Check(name, "not available", reason=str(error))
    value = sum(runs) / len(runs)
    reason = _difference(oracle, value, runs)
    state: State = "not reproduced" if reason else "reproduced"
    return Check(name, state, value, tuple(runs), reason)


def _difference(oracle: Oracle, value: float, runs: Iterable[float]) -> str:
    """Which bound was not met; empty if all were."""
    if not oracle.low <= value <= oracle.high:
        return f"{value:.4f} is outside {oracle.low:.4f} to {oracle.high:.4f}"
    low, high = oracle.run_low or float("-inf"), oracle.run_high or float("inf")
    outside = [run for run in runs if not low <= run <= high]
    return f"a run gave {outside[0]:.4f}, outside {low:.4f} to {high:.4f}" if outside else ""


def recorded(folder: Path) -> dict[str, Check]:
    """The checks that a folder of results keeps, by name; of oracles that exist."""
    try:
        entries = json.loads((folder / FILE).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    checks = (Check(**{**entry, "runs": tuple(entry["runs"])}) for entry in entries)
    return {each.name: each for each in checks if each.name in ORACLES}


def keep(folder: Path, checks: Mapping[str, Check]) -> Path:
    """Write checks into a folder; those of other oracles stay.

    Returns:
        The file.
    """
    whole = {**recorded(folder), **checks}
    entries = [asdict(whole[name]) for name in ORACLES if name in whole]
    text = json.dumps(entries, indent=1) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / FILE, lambda part: part.write_text(text, "utf-8"))
    return folder / FILE


def summary(checks: Mapping[str, Check]) -> str:
    """How many published numbers were reproduced, in a sentence without its stop."""
    states = [each.state for each in checks.values()]
    missing = states.count("not available")
    rest = f"; {missing} could not be measured" if missing else ""
    return f"{states.count('reproduced')} of {len(states)} published numbers reproduced{rest}"


def markdown(checks: Mapping[str, Check]) -> str:
    """All published numbers and what came out here, as a table in Markdown."""
    lines = ["| model | data | metric | published | here | outcome |", "|---|---|---|---:|---:|---|"]
    for name, oracle in ORACLES.items():
        each = checks.get(name) or Check(name, "not available", reason="not measured yet")
        here = "" if each.value is None else f"{each.value:.4f}"
        outcome = each.state + (f": {each.reason}" if each.reason else "")
        published = f"[{oracle.published:.4f}]({oracle.source}) ({oracle.low:.4g} to {oracle.high:.4g})"
        lines.append(
            f"| {oracle.card} {oracle.variant} | {oracle.data} | {oracle.metric}: {oracle.protocol} "
            f"| {published} | {here} | {outcome} |"
        )
    return "\n".join(lines) + "\n"
