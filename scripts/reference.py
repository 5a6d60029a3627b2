"""Make the results that ship with the package: real runs of every task, and the board that they make.

``python scripts/reference.py run [TASK...] --minutes 60`` evaluates into ``--out`` until the time is over, and the same
command goes on from there, also on another machine: what ``results/`` has, or ``--out``, is not run again. ``python
scripts/reference.py keep`` writes ``results/`` from what is there: one Parquet file a task below ``runs``,
``board.parquet``, and a README that says where they are from. Those whose data, network or stand-in have changed since
are dropped. ``TLZOO_MIRROR`` may name a folder of weights and data.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tlzoo.cards import catalogue
from tlzoo.data.catalogue import find
from tlzoo.data.named import DATASETS
from tlzoo.leaderboard.ranking import board
from tlzoo.leaderboard.schema import RESULT
from tlzoo.leaderboard.store import Store
from tlzoo.vocabulary import TASKS

RESULTS = Path(__file__).resolve().parents[1] / "results"

SMALL = {"compression": "zstd", "compression_level": 19}

MORE_DATA = {
    "image-classification": ("digits", "emoji"),
    "audio-classification": ("fsdd",),
    "text-classification": ("tweets", "vader-words"),
    "text-embedding": ("wordsim",),
    "object-detection": ("bccd",),
    "pitch-extraction": ("pitches",),
    "video-generation": ("real-clips",),
}
"""Data sets that a task is run on besides the one that is always at hand."""
FRACTIONS = (0.1, 0.3, 1.0)
"""Shares of the labels, in the order in which they are run: what is cheap and tells most comes first."""
NO_LIMIT = 100_000
"""Minutes of an evaluation, which is interrupted when the time is over."""
INTERRUPTED = 130
NOT_RUN = frozenset({"skipped", "unavailable"})
"""Statuses that tell of a machine's time and network, and nothing of a model."""


class Step(NamedTuple):
    """One evaluation."""

    task: str
    data: str
    fraction: float
    small: bool
    strategies: tuple[str, ...]

    @property
    def arguments(self) -> list[str]:
        """Of ``tlzoo eval``."""
        chosen = [argument for name in self.strategies for argument in ("--strategy", name)]
        small = ["--weights", "stand-in", "--variant", "nano"] if self.small else []
        return ["--task", self.task, "--data", self.data, "--fractions", f"{self.fraction:g}", *small, *chosen]


def steps(tasks: list[str]) -> Iterator[Step]:
    """All evaluations, in the order in which they are run."""
    for strategies in ((), ("lora",)):
        for fraction in FRACTIONS:
            for small in (True, False):  # the stand-ins also of models whose published weights are available
                for task in tasks or list(TASKS):
                    for data in ("auto", *MORE_DATA.get(task, ())):
                        yield Step(task, data, fraction, small, strategies)


def current(rows: pa.Table) -> pa.Table:
    """The rows of what was run that a run would give again: data, networks and stand-ins are as they were."""
    networks, stand_ins = {}, set()
    for card in catalogue.cards():
        for variant in card.variants:
            networks[card.id, variant.id] = card.variant_hash(variant)
            stand_ins |= {weights.sha256 for weights in variant.weights}
    names = ("task", "dataset", "dataset_fingerprint", "card", "variant", "card_hash", "weights", "weights_sha256")
    described = rows.select([*names, "status"]).to_pylist()
    prints = {
        (task, dataset): find(task, dataset).fingerprint
        for task, dataset in {(row["task"], row["dataset"]) for row in described}
        if dataset in DATASETS
    }

    def is_current(row: dict[str, Any]) -> bool:
        return (
            row["status"] not in NOT_RUN
            and prints.get((row["task"], row["dataset"])) in (None, row["dataset_fingerprint"])
            and networks.get((row["card"], row["variant"])) in (None, row["card_hash"])
            and (row["weights"] != "stand-in" or row["weights_sha256"] in stand_ins)
        )

    return rows.filter(pa.array([is_current(row) for row in described], pa.bool_()))


def newest(rows: pa.Table) -> pa.Table:
    """The rows of each run as it was run last: ``--fresh`` leaves those that were kept beside them."""
    runs, times = (rows[name].to_pylist() for name in ("run_id", "created"))
    last = dict(sorted(zip(runs, times, strict=True)))  # of equal keys, the last one stays
    return rows.filter(pa.array([last[run] == made for run, made in zip(runs, times, strict=True)], pa.bool_()))


def begin(out: Path, results: Path = RESULTS) -> None:
    """Begin with the runs that are kept, so that they are not run again."""
    for path in sorted((results / "runs").glob("*.parquet")):
        target = out / path.stem / "results" / path.name
        if not target.parent.exists():
            target.parent.mkdir(parents=True)
            pq.write_table(current(pq.read_table(path)), target)


def run(tasks: list[str], out: Path, minutes: float) -> list[str]:
    """Evaluate, each step in a process of its own, until the time is over.

    Returns:
        A line for each step that did not end well.
    """
    begin(out)
    failed, end = [], time.monotonic() + 60 * minutes
    for step in steps(tasks):
        left = (end - time.monotonic()) / 60
        if left < 1:
            break
        command = [sys.executable, "-m", "tlzoo", "eval", *step.arguments, "--out", str(out / step.task)]
        print(f"{left:.0f} min left: tlzoo eval {' '.join(step.arguments)}", file=sys.stderr, flush=True)
        code = _until(end, [*command, "--budget", str(NO_LIMIT)])
        if code not in (0, INTERRUPTED):
            failed.append(f"{step.task}, {step.data}, {step.fraction:g}: tlzoo eval ended with code {code}")
    return failed


def _until(end: float, command: list[str]) -> int:
    """Run a command, and interrupt it when the time is over; its code.

    A budget would count the runs of earlier times, too.
    """
    with subprocess.Popen(command) as process:
        try:
            return process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            return process.wait()


def keep(out: Path, results: Path = RESULTS) -> None:
    """Write the folder of results, without what could not be run.

    Args:
        out: Holds a folder of ``tlzoo eval --out`` for each task.
        results: Where to.
    """
    (results / "runs").mkdir(parents=True, exist_ok=True)
    for folder in sorted(out.glob("*/results")):
        table = newest(Store(folder).read())
        origin = pa.array(["reference"] * table.num_rows, pa.string())
        table = table.set_column(RESULT.get_field_index("origin"), "origin", origin)
        for task in set(table["task"].to_pylist()):
            rows = current(table.filter(pc.field("task") == task))
            pq.write_table(rows.cast(RESULT), results / "runs" / f"{task}.parquet", **SMALL)
    for path in sorted((results / "runs").glob("*.parquet")):
        rows = pq.read_table(path)
        if not NOT_RUN.isdisjoint(rows["status"].to_pylist()):
            pq.write_table(rows.filter(~pc.field("status").isin(list(NOT_RUN))), path, **SMALL)
    runs = Store(results / "runs").read()
    pq.write_table(board(runs), results / "board.parquet", **SMALL)
    (results / "README.md").write_text(_readme(runs), encoding="utf-8")


def _readme(runs: pa.Table) -> str:
    names = ["run_id", "task", "dataset", "card", "status", "fraction", "seed", "hardware", "threads", "tlzoo_version"]
    rows = runs.select([*names, "created"]).to_pylist()
    lines = [
        "# Reference results",
        "",
        "Real runs, shipped so that a new clone and a new Space have a board to browse. `runs/` holds one row a run",
        "and metric with per-example scores, `board.parquet` the ranked rows. What could not be run is",
        "left out. Made by `python scripts/reference.py`.",
        "",
        "| task | data | runs that ended well | models | shares of labels | other runs | run on | hardware | version |",
        "| --- | --- | ---: | ---: | --- | ---: | --- | --- | --- |",
    ]
    for task, data in dict.fromkeys((row["task"], row["dataset"]) for row in rows):
        mine = [row for row in rows if (row["task"], row["dataset"]) == (task, data)]
        ok = [row for row in mine if row["status"] == "ok"]
        by = Counter((row["hardware"], row["threads"], row["tlzoo_version"]) for row in ok or mine)
        hardware, threads, version = by.most_common(1)[0][0]
        well, rest = ({row["run_id"] for row in mine if (row["status"] == "ok") is good} for good in (True, False))
        cells = (
            task,
            data,
            len(well),
            len({row["card"] for row in ok}),
            ", ".join(f"{share:g}" for share in sorted({row["fraction"] for row in ok})),
            len(rest),
            max(row["created"] for row in mine).date(),
            f"{hardware}, {threads} thread{'s' * (threads != 1)}",
            version,
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run or keep; 1 where a step did not end well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("run", "keep"))
    parser.add_argument("tasks", nargs="*", help="tasks to run; all by default")
    parser.add_argument("--out", type=Path, default=Path(".tlzoo/reference"))
    parser.add_argument("--minutes", type=float, default=60, help="for all steps together")
    given = parser.parse_args()
    if given.step == "keep":
        keep(given.out)
        return 0
    failed = run(given.tasks, given.out, given.minutes)
    for line in failed:
        print(line, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
