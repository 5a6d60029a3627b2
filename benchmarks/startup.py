"""How long a person waits for ``tlzoo --help``, against ``lm_eval --help``, and for the commands that only read.

Usage: python benchmarks/startup.py [--json]
``LM_EVAL`` names the program to compare with, by default the one on the path: ``python -m venv DIR`` and
``DIR/bin/pip install lm_eval`` make one. The two are run in turn, and the ratio is the median over the pairs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from report import Row, show

ROUNDS = 15


def main() -> None:
    """Time them."""
    other = os.environ.get("LM_EVAL") or shutil.which("lm_eval")
    if other is None:
        sys.exit("lm_eval is not installed; make an environment with it, and name it: LM_EVAL=DIR/bin/lm_eval")
    ours = str(Path(sys.executable).with_name("tlzoo"))
    rounds = [(seconds(ours, "--help"), seconds(other, "--help")) for _ in range(ROUNDS + 1)][1:]
    mine, theirs = (median(column) for column in zip(*rounds, strict=True))
    ratio = median(a / b for a, b in rounds)
    rows = [Row("`tlzoo --help`", mine, plain=theirs, against="`lm_eval --help`", ratio=ratio, bar=2 / 3)]
    for command in ("list", "leaderboard"):
        takes = median([seconds(ours, command) for _ in range(4)][1:])
        rows.append(Row(f"`tlzoo {command}`", takes, plain=mine, against="`tlzoo --help`"))
    show(rows)


def seconds(*command: str) -> float:
    """Seconds from the start to the end of a program."""
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
