"""Whether a sweep loses anything when it is killed at random moments, also inside runs, and started again each time.

A small sweep runs once undisturbed. Then its main process or one of its workers is killed again and again, with
SIGKILL, SIGTERM or SIGINT; a main process that ended is started again, until the sweep is done, and then another one
begins. Each finished one is compared with the undisturbed one: results lost, results that are there twice, other values
of any example. Run on a quiet machine: python benchmarks/kills.py [--kills 50] [--seed 0]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow.parquet as pq
import soundfile

SWEEP = (
    *("--task", "audio-classification", "--model", "yamnet", "--variant", "nano", "--weights", "stand-in"),
    *("--strategy", "scratch", "--strategy", "probe", "--strategy", "full", "--seeds", "0,1", "--fractions", "0.5"),
    *("--budget", "60", "--device", "cpu", "--offline"),
)
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
END_SECONDS = 60.0
"""Time for a process to end after a signal; then it counts as hung, and is killed."""
COMPARED = ("value", "status", "example_ids", "statistics", "n_test", "weights_sha256")
"""Columns that must be equal; others are times, or when and where a run was."""

Row = tuple[Any, ...]


@dataclass
class Counts:
    """What was done and what was wrong.

    Attributes:
        kills: Number by signal and target.
        sweeps: Sweeps that were finished.
        lost: Results of the undisturbed sweep that a finished one lacks.
        doubled: Results that are in several files of a finished one.
        different: Results that differ.
        hung: Processes that did not end.
        failed: Sweeps that ended by themselves with an error.
    """

    kills: Counter[str] = field(default_factory=Counter)
    sweeps: int = 0
    lost: int = 0
    doubled: int = 0
    different: int = 0
    hung: int = 0
    failed: int = 0


def notes(folder: Path) -> Path:
    """A hundred and twenty noisy notes of three classes, a third of them for the test."""
    chance = np.random.default_rng(0)
    time_s = np.arange(4800) / 16_000
    for i in range(120):
        hertz = 220 * 2 ** (i % 3 / 3) * chance.uniform(0.97, 1.03)
        sound = 0.3 * np.sin(2 * np.pi * hertz * time_s + chance.uniform(0, 6)) + chance.normal(0, 0.1, len(time_s))
        path = folder / ("test" if i % 9 < 3 else "train") / f"note{i % 3}" / f"{i}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, sound, 16_000)
    return folder


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Start the sweep, or go on with it, in a folder with its own cache."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TLZOO_CACHE": str(folder / "cache")}
    places = ("--data", str(folder.parent / "notes"), "--out", str(folder / "out"))
    command = [sys.executable, "-m", "tlzoo", "eval", *SWEEP, *places]
    with (folder / "log.txt").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)


def results(folder: Path) -> tuple[dict[tuple[str, str], Row], int]:
    """Final rows by run and metric, and the number of those that are there several times."""
    rows: dict[tuple[str, str], Row] = {}
    doubled = 0
    for path in sorted((folder / "out").rglob("*.parquet")):
        names = pq.read_schema(path).names
        if not {"run_id", "metric", *COMPARED} <= set(names):
            continue
        for row in pq.read_table(path).to_pylist():
            key = (row["run_id"], row["metric"])
            doubled += key in rows
            rows[key] = tuple(repr(row[name]) for name in COMPARED)
    return rows, doubled


def kill(process: subprocess.Popen[bytes], chance: random.Random, counts: Counts) -> None:
    """Send a random signal to the main process, whose end is waited for, or to a worker."""
    number = chance.choice(SIGNALS)
    with contextlib.suppress(psutil.NoSuchProcess):
        workers = psutil.Process(process.pid).children(recursive=True)
        is_main = not workers or chance.random() < 0.5
        target = psutil.Process(process.pid) if is_main else chance.choice(workers)
        target.send_signal(number)
        counts.kills[f"{number.name} {'main process' if is_main else 'worker'}"] += 1
        if is_main:
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                counts.hung += 1
                process.kill()
                process.wait()
            _, alive = psutil.wait_procs(workers, END_SECONDS)
            counts.hung += len(alive)
            for each in alive:
                each.kill()


def finished(folder: Path, chance: random.Random, mean: float, counts: Counts, most: int) -> None:
    """Run a sweep to its end, while it is killed; once all kills are spent it is left alone."""
    while True:
        was_calm = counts.kills.total() >= most
        process = start(folder)
        while process.poll() is None:
            try:
                process.wait(chance.expovariate(1 / mean) if counts.kills.total() < most else None)
            except subprocess.TimeoutExpired:
                kill(process, chance, counts)
        if process.returncode == 0:
            return
        if was_calm:  # otherwise it was killed, or has a row that failed, as a killed worker leaves one
            counts.failed += 1
            return


def main() -> int:
    """Run, kill, compare, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    chance, counts = random.Random(given.seed), Counts()
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        notes(Path(folder, "notes"))
        calm = Path(folder, "calm")
        calm.mkdir()
        begun = time.monotonic()
        if code := start(calm).wait():
            print((calm / "log.txt").read_text()[-2000:])
            return code
        seconds = time.monotonic() - begun
        expected, doubled = results(calm)
        if failed := [key for key, row in expected.items() if row[1] != repr("ok")]:
            print(f"undisturbed, {len(failed)} of {len(expected)} results failed, see its rows:", *failed[:3])
            print((calm / "log.txt").read_text()[-2000:])
            return 1
        print(f"undisturbed: {len(expected)} results in {seconds:.0f} s, {doubled} of them twice", flush=True)
        while counts.kills.total() < given.kills:
            place = Path(folder, str(counts.sweeps))
            place.mkdir()
            finished(place, chance, seconds / 4, counts, given.kills)
            counts.sweeps += 1
            rows, doubled = results(place)
            counts.lost += len(expected.keys() - rows.keys())
            counts.doubled += doubled
            different = [key for key in expected.keys() & rows.keys() if expected[key] != rows[key]]
            counts.different += len(different)
            print(f"sweep {counts.sweeps}: {counts.kills.total()} kills so far, {len(rows)} results", flush=True)
            for run, metric in different:
                print(f"  {run} {metric}: {rows[run, metric][:2]}, undisturbed {expected[run, metric][:2]}")
    for name, number in sorted(counts.kills.items()):
        print(f"{name:24} {number:3}")
    print(f"{counts.kills.total()} kills, {counts.sweeps} sweeps of {len(expected)} results:")
    wrong = {name: getattr(counts, name) for name in ("lost", "doubled", "different", "hung", "failed")}
    print("  " + ", ".join(f"{name} {number}" for name, number in wrong.items()))
    return int(any(wrong.values()))


if __name__ == "__main__":
    sys.exit(main())
