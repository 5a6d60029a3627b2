"""What a board costs: thousands of results with a score for each of a thousand examples.

``python benchmarks/board_cost.py [--models 40] [--seeds 3] [--json]`` writes results of made-up models to a temporary
folder, and opens the board in processes of its own: for the first time, again, and with one more run.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from report import Row, show

from tlzoo.leaderboard.schema import RESULT
from tlzoo.vocabulary import TASKS

EXAMPLES = 1000
STRATEGIES = ("scratch", "probe", "partial", "full", "lora", "further")
FRACTIONS = (0.1, 0.3, 1.0)
_OPEN = """
import resource, sys, time
start = time.perf_counter()
from tlzoo.api import Leaderboard
table = Leaderboard(sys.argv[1]).table(*sys.argv[2:])
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(time.perf_counter() - start, memory, table.num_rows)
"""


def results(task: str, models: int, seeds: int, rng: np.random.Generator) -> pa.Table:
    """Results of one task, of as many numbers an example as accuracy has."""
    ids = [str(i) for i in range(EXAMPLES)]
    history = [{"seconds": float(i), "step": i, "loss": 1.0, "score": 0.1 * i} for i in range(1, 9)]
    rows = []
    for model in range(models):
        for strategy in STRATEGIES:
            for fraction in FRACTIONS:
                p = np.clip(rng.normal(0.7, 0.1), 0.05, 0.95)
                for seed in range(seeds):
                    right = (rng.random(EXAMPLES) < p).astype(float)
                    rows.append(
                        {
                            "run_id": f"{task}-{model}-{strategy}-{fraction}-{seed}",
                            "card": f"model-{model}",
                            "variant": "nano",
                            "weights": "none" if strategy == "scratch" else "stand-in",
                            "task": task,
                            "dataset": "made-up",
                            "strategy": strategy,
                            "seed": seed,
                            "fraction": fraction,
                            "metric": TASKS[task].metrics[0],
                            "value": float(right.mean()),
                            "status": "ok",
                            "n_test": EXAMPLES,
                            "example_ids": ids,
                            "groups": ids,
                            "statistics": right[:, None].tolist(),
                            "history": history,
                            "trivial_score": 0.05,
                            "train_seconds": 8.0,
                            "wall_seconds": 10.0,
                            "threads": 2,
                            "dataset_fingerprint": "f",
                            "card_hash": f"model-{model}",
                            "created": datetime.now(UTC) + timedelta(seconds=len(rows)),
                            "origin": "local",
                        }
                    )
    return pa.Table.from_pylist(rows, schema=RESULT)


def opened(out: Path, *task: str) -> float:
    """Seconds of opening a board in a new process; says also the memory and the number of rows."""
    command = [sys.executable, "-c", _OPEN, str(out), *task]
    words = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    print(f"{float(words[0]):.2f} s, {float(words[1]):.2f} GB, {words[2]} rows", file=sys.stderr)
    return float(words[0])


def main() -> None:
    """Write, open, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    means = [name for name, facts in TASKS.items() if facts.metrics[0] in ("accuracy", "knn_accuracy")]
    with tempfile.TemporaryDirectory() as folder:
        out, count = Path(folder), 0
        (out / "results").mkdir()
        for task in (means * 16)[:16]:
            table = results(task, given.models, given.seeds, rng)
            name = f"{task}-{count}"
            table = table.set_column(5, "dataset", pa.array([name] * table.num_rows))
            run_ids = [f"{count}-{run}" for run in table["run_id"].to_pylist()]
            table = table.set_column(0, "run_id", pa.array(run_ids))
            pq.write_table(table.cast(RESULT), out / "results" / f"{name}.parquet", compression="zstd")
            count += table.num_rows
        megabytes = sum(path.stat().st_size for path in out.rglob("*")) / 1e6
        print(f"{count} results of {EXAMPLES} examples, {megabytes:.0f} MB", file=sys.stderr)
        first, again = opened(out), opened(out)
        one = results(means[0], 1, 1, rng).slice(0, 1)
        one = one.set_column(5, "dataset", pa.array([f"{means[0]}-0"]))
        pq.write_table(one.cast(RESULT), out / "results" / "new.parquet")
        more = opened(out, means[0])
    what, against = f"boards of {count:,} results", "the first time"
    show(
        [
            Row(f"{what}, ranked", first),
            Row(f"{what}, opened again", again, plain=first, against=against),
            Row(f"{what}, one of them with one more", more, plain=first, against=against),
        ]
    )


if __name__ == "__main__":
    main()
