"""How long the whole zoo takes: every task, probe and scratch, one seed, offline, from empty caches; and once more.

Usage: python benchmarks/zoo.py [--task TASK]... [--weights TIER] [--executor NAME] [--json]
By default the nano variants with their stand-ins, by as many Ray workers as there are cores: networks of the published
sizes (--weights auto) take hours of two cores from scratch. Says the minutes of each task, and how many
of its runs have a result. Nothing is there that tlzoo has computed; files that were downloaded into the cache before,
as any evaluation of the task does, are, and so is ``TLZOO_MIRROR``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from report import Row, show

from tlzoo.blobs import cache_dir
from tlzoo.leaderboard.store import Store
from tlzoo.vocabulary import TASKS

DOWNLOADS = ("blobs", "packages", "pins.json")
"""Parts of the cache that are not computed."""
MINUTES, SECONDS = 60.0, 20.0
"""Maximum time of the first sweep, and of the second, which has nothing to do."""


def main() -> None:
    """Sweep twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", action="append", choices=TASKS, help="only this task; may be repeated")
    parser.add_argument("--weights", default="stand-in", choices=("auto", "official", "stand-in"))
    parser.add_argument("--executor", default="ray", choices=("local", "ray"))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "results")
        command = [sys.executable, "-m", "tlzoo", "sweep", "--offline", "--device", "cpu", "--budget", "1000"]
        command += ["--weights", given.weights, "--executor", given.executor, "--out", str(out)]
        command += [word for task in given.task or () for word in ("--task", task)]
        cache = new_cache(Path(folder))
        codes = (0, 1)  # 1 where a model has no result, such as an API's
        first = seconds(command, cache, codes)
        rows = Store(out / "results").read(["task", "run_id", "status", "wall_seconds"]).to_pylist()
        second = seconds(command, cache, codes)
    runs = {row["run_id"]: row for row in rows}.values()
    for task in dict.fromkeys(run["task"] for run in runs):
        of_task = [run for run in runs if run["task"] == task]
        minutes = sum(run["wall_seconds"] or 0 for run in of_task) / 60
        print(f"{task}: {minutes:.1f} min, {finished(of_task)}", file=sys.stderr)
    if not any(run["status"] == "ok" for run in runs):
        sys.exit("no run has a result; evaluate the tasks once without --offline, so that their data are in the cache")
    what = f"{', '.join(given.task or ['the whole zoo'])}, {given.weights} weights ({finished(runs)})"
    show(
        [
            Row(f"{what}, probe and scratch, from empty caches", first / 60, "min", bar=MINUTES),
            Row(f"{what}, again", second, bar=SECONDS),
        ]
    )


def new_cache(folder: Path) -> Path:
    """A cache with nothing but what was downloaded into the usual one."""
    cache = folder / "cache"
    cache.mkdir()
    for name in DOWNLOADS:
        if (downloads := cache_dir() / name).exists():
            (cache / name).symlink_to(downloads.absolute())
    return cache


def finished(runs: Collection[Mapping[str, Any]]) -> str:
    """How many runs have a result."""
    return f"{sum(run['status'] == 'ok' for run in runs)} of {len(runs)} runs with a result"


def seconds(command: list[str], cache: Path, codes: Collection[int] = (0,)) -> float:
    """Seconds of a command, whose lines are passed on; another code than these ends all."""
    start = time.perf_counter()
    done = subprocess.run(command, stdout=sys.stderr, env=os.environ | {"TLZOO_CACHE": str(cache)}, check=False)
    if done.returncode not in codes:
        sys.exit(done.returncode)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
