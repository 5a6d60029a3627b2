"""Make the results that ship with the package: real runs of every task, and the board that they make.

``python scripts/reference.py run [TASK...]`` evaluates tasks, each within a budget of time, into ``--out``;
``python scripts/reference.py keep`` writes ``results/`` from what is there: one Parquet file a task below ``runs``,
``board.parquet``, and a README that says where they are from. A task that was not run anew keeps the runs it has.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tlzoo.leaderboard.ranking import board
from tlzoo.leaderboard.schema import RESULT
from tlzoo.leaderboard.store import Store
from tlzoo.vocabulary import TASKS

RESULTS = Path(__file__).resolve().parents[1] / "results"

SMALL = {"compression": "zstd", "compression_level": 19}


def run(tasks: list[str], out: Path, budget: float) -> list[str]:
    """Evaluate tasks one after another, each in a process of its own.

    Returns:
        A line for each task that did not end well.
    """
    failed = []
    for task in tasks or list(TASKS):
        command = [sys.executable, "-m", "tlzoo", "eval", "--task", task, "--out", str(out / task)]
        if code := subprocess.run([*command, "--budget", str(budget)]).returncode:
            failed.append(f"{task}: tlzoo eval ended with code {code}")
    return failed


def keep(out: Path, results: Path = RESULTS) -> None:
    """Write the folder of results.

    Args:
        out: Holds a folder of ``tlzoo eval --out`` for each task.
        results: Where to.
    """
    (results / "runs").mkdir(parents=True, exist_ok=True)
    for folder in sorted(out.glob("*/results")):
        table = Store(folder).read()
        origin = pa.array(["reference"] * table.num_rows, pa.string())
        table = table.set_column(RESULT.get_field_index("origin"), "origin", origin)
        for task in set(table["task"].to_pylist()):
            rows = table.filter(pc.equal(table["task"], task))
            pq.write_table(rows.cast(RESULT), results / "runs" / f"{task}.parquet", **SMALL)
    runs = Store(results / "runs").read()
    pq.write_table(board(runs), results / "board.parquet", **SMALL)
    (results / "README.md").write_text(_readme(runs), encoding="utf-8")


def _readme(runs: pa.Table) -> str:
    rows = runs.select(["run_id", "task", "card", "status", "hardware", "threads", "tlzoo_version", "created"])
    listed = rows.to_pylist()
    lines = [
        "# Reference results",
        "",
        "Real runs, shipped so that a new clone and a new Space have a board to browse. Each task was run with",
        "`tlzoo eval --task TASK`, within a budget of time; what did not fit is a row that says so.",
        "`runs/` holds one row a run and metric with per-example scores, `board.parquet` the ranked rows.",
        "Made by `python scripts/reference.py`.",
        "",
        "| task | runs that ended well | models | other runs | run on | hardware | version |",
        "| --- | ---: | ---: | ---: | --- | --- | --- |",
    ]
    for task in dict.fromkeys(row["task"] for row in listed):
        mine = [row for row in listed if row["task"] == task]
        ok = [row for row in mine if row["status"] == "ok"]
        by = Counter((row["hardware"], row["threads"], row["tlzoo_version"]) for row in ok or mine)
        hardware, threads, version = by.most_common(1)[0][0]
        well, rest = ({row["run_id"] for row in mine if (row["status"] == "ok") is good} for good in (True, False))
        cells = (
            task,
            len(well),
            len({row["card"] for row in ok}),
            len(rest),
            max(row["created"] for row in mine).date(),
            f"{hardware}, {threads} thread{'s' * (threads != 1)}",
            version,
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run or keep; 1 where a task did not end well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("run", "keep"))
    parser.add_argument("tasks", nargs="*", help="tasks to run; all by default")
    parser.add_argument("--out", type=Path, default=Path(".tlzoo/reference"))
    parser.add_argument("--budget", type=float, default=10, help="minutes a task")
    given = parser.parse_args()
    if given.step == "keep":
        keep(given.out)
        return 0
    failed = run(given.tasks, given.out, given.budget)
    for line in failed:
        print(line, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
