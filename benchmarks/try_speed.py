"""How long a visitor of a Space waits for a prediction: the first one, those after, and ten at once.

Over the results that ship; models that are not published are fine-tuned for the first visitor, as in a Space, and kept
in the cache. Run: python benchmarks/try_speed.py [TASK...]
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from tlzoo.errors import TlzooError
from tlzoo.space.boards import Boards
from tlzoo.space.ready import example
from tlzoo.space.trying import TEXTS, answered
from tlzoo.vocabulary import TASKS

TIMES = 5


def main() -> None:
    """Measure, and print."""
    print(f"{'task':22} {'model':44} {'first s':>8} {'median s':>9} {'most s':>7} {'ten at once s':>14}")
    for task in sys.argv[1:] or TASKS:
        boards = Boards(TASKS[task].domain, Path("none"))
        try:
            given = example(boards, task, TEXTS.get(task, (boards.domain,)))
        except TlzooError as error:
            print(f"{task:22} {error}")
            continue
        first, answer = _timed(boards, task, given)
        if "<p class=quiet>" not in answer:
            print(f"{task:22} {answer}")
            continue
        model = answer.split("<p class=quiet>")[1].partition("</p>")[0].rpartition(",")[0]
        waits = [_timed(boards, task, given)[0] for _ in range(TIMES)]
        start = time.perf_counter()
        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda _: answered(boards, task, given), range(10)))  # noqa: B023
        ten = time.perf_counter() - start
        assert all("<p class=quiet>" in answer for answer in answers)
        print(f"{task:22} {model:44} {first:8.1f} {median(waits):9.2f} {max(waits):7.2f} {ten:14.2f}", flush=True)


def _timed(boards: Boards, task: str, given: list[str]) -> tuple[float, str]:
    start = time.perf_counter()
    answer = answered(boards, task, given)
    return time.perf_counter() - start, answer


if __name__ == "__main__":
    main()
