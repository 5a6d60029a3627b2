"""The audio board by a Ray cluster of one worker and by one of two, each worker with one thread.

Usage: python benchmarks/ray_speed.py [--task TASK] [--model CARD]... [--json]
Stand-ins, probe and scratch, one seed. Both begin with prepared data and no frozen features; starting the cluster is
left out, as is preparing the data. It wants two cores with nothing else to do. Scores have to be equal, to the last
digit of every test example.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}

import ray
from report import Row, show

from tlzoo.data.catalogue import find, load
from tlzoo.leaderboard.store import Store
from tlzoo.run.evaluate import evaluate

EQUAL = ["run_id", "metric", "value", "statistics", "trained_sha256"]


def main() -> None:
    """Evaluate twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="audio-classification")
    parser.add_argument("--model", action="append", help="only this card; may be repeated")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    seconds, scores = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TLZOO_CACHE"] = str(Path(folder, "prepared"))
        load(find(given.task))
        for workers in (1, 2):
            cache, out = Path(folder, f"cache{workers}"), Path(folder, f"results{workers}")
            shutil.copytree(Path(folder, "prepared"), cache)
            os.environ["TLZOO_CACHE"] = str(cache)
            ray.init(address="local", num_cpus=workers, include_dashboard=False, log_to_driver=False)
            began = time.perf_counter()
            evaluate(
                given.task,
                models=given.model or (),
                strategies=["probe", "scratch"],
                weights="stand-in",
                seeds=[0],
                fractions=[1.0],
                budget=600,
                executor="ray",
                out=out,
            )
            seconds[workers] = time.perf_counter() - began
            ray.shutdown()
            scores[workers] = sorted(map(json.dumps, Store(out / "results").read().select(EQUAL).to_pylist()))
    is_equal = scores[1] == scores[2] != []
    print(f"{len(scores[1])} rows; scores are {'equal' if is_equal else 'NOT equal'}", file=sys.stderr)
    show([Row(f"{given.task} by two Ray workers", seconds[2], plain=seconds[1], against="by one", bar=0.75)])
    sys.exit(not is_equal)


if __name__ == "__main__":
    main()
