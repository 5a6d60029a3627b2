"""How many values of one run of some boards lie inside the intervals of another.

``python benchmarks/replication.py BEFORE AFTER`` compares two folders, each of which holds folders that
``tlzoo eval --out FOLDER/TASK`` wrote, one a task. The arithmetic of another kind of processor is that of
``OMP_NUM_THREADS=1 ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2``, and ``TLZOO_CACHE=NEW`` makes stand-ins anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tlzoo.leaderboard.ranking import board
from tlzoo.leaderboard.row import ScoredRow, rows_of, scored
from tlzoo.leaderboard.store import Store

SAME = ("task", "dataset", "card", "variant", "weights", "strategy", "fraction", "metric", "seeds")
"""Columns of a row that both folders have."""


def rows(folder: Path) -> dict[str, ScoredRow]:
    """The rows of all boards of a folder, by what they are of."""
    by_name = {}
    for results in sorted(folder.glob("*/results")):
        for row in scored(rows_of(board(Store(results).read()))):
            by_name[" ".join(str(getattr(row, name)) for name in SAME)] = row
    return by_name


def main(before: Path, after: Path) -> None:
    """Print each row that both have, and the shares."""
    old, new = rows(before), rows(after)
    print("| row | before [95%] | after | inside |\n|---|---|---:|---|")
    counts = {"equal": 0, "inside": 0, "outside": 0}
    outside_of_models = models = 0
    for name in sorted(old.keys() & new.keys()):
        row, value = old[name], new[name].value
        if row.ci_low is None or row.ci_high is None:
            continue
        kind = "equal" if value == row.value else "inside" if row.ci_low <= value <= row.ci_high else "outside"
        counts[kind] += 1
        if row.weights != "baseline":
            models += 1
            outside_of_models += kind == "outside"
        interval = f"{row.value:.3f} [{row.ci_low:.3f}, {row.ci_high:.3f}]"
        what = f"{row.task} {row.name}, {row.weights}, {len(row.seeds or ())} seeds"
        print(f"| {what} | {interval} | {value:.3f} | {kind} |")
    total = sum(counts.values())
    print(f"\n{total} rows: {counts['equal']} equal, {counts['inside']} inside, {counts['outside']} outside")
    print(
        f"{1 - counts['outside'] / total:.1%} of all, {1 - outside_of_models / models:.1%} of {models} of models inside"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
