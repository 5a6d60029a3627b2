"""What an evaluation has done: its rows on disk, and a line for a person about each run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tlzoo.leaderboard.ranking import board
from tlzoo.leaderboard.schema import FINAL, PLANNED, Status
from tlzoo.leaderboard.store import Store
from tlzoo.run import record
from tlzoo.run.budget import Budget
from tlzoo.run.plan import Absent, Plan, Run
from tlzoo.run.report import report

if TYPE_CHECKING:
    from tlzoo.core.model import Usage
    from tlzoo.measure.measurement import Measurement
    from tlzoo.run.outcome import Outcome

Notify = Callable[[str], None]
MAX_FILES = 256
"""Result files that stay apart; more are merged after an evaluation."""


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation gave.

    Attributes:
        board: Ranked rows (``leaderboard.schema.BOARD``) of all requested runs.
        executed: Runs that were executed now.
        resumed: Runs that an earlier evaluation had finished.
        problems: One line for each example that could not be read.
        used: Number of examples of the data that were read now.
        notices: One line for each thing to know about the choice of data, such as what stands in for a standard set,
            and why.
    """

    board: pa.Table
    executed: int
    resumed: int
    problems: tuple[str, ...]
    used: int = 0
    notices: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        """Rows that failed: neither a result, nor skipped or unavailable as planned."""
        return sum(status not in PLANNED for status in self.board["status"].to_pylist())


class Recorder:
    """Writes a row for each run as it ends, and reports it."""

    def __init__(
        self,
        store: Store,
        planned: Plan,
        budget: Budget,
        notify: Notify,
        fresh: bool = False,
        tracker: str | None = None,
    ) -> None:
        """Read what earlier evaluations have recorded.

        Args:
            store: Where the rows are written.
            planned: The plan.
            budget: The clock that says how long a run took.
            notify: Takes one-line notices.
            fresh: Whether finished runs are run again.
            tracker: Tracker of experiments that each run is written to as well.
        """
        self.store, self.budget, self.notify, self.tracker = store, budget, notify, tracker
        self.executed = self.resumed = 0
        self._one_report = threading.Lock()
        results = store.read()
        self._earlier = {} if fresh else store.statuses(results)
        self._results = results if all(map(self.is_finished, planned.runs)) else None
        self._failures: list[record.Row] = []
        self._has_seeds = len({run.seed for run in planned.runs}) > 1
        self._has_tasks = len({run.task for run in planned.runs}) > 1
        self._first_seed = planned.runs[0].seed if planned.runs else 0
        self._skipped_repeats = 0

    def is_finished(self, run: Run) -> bool:
        """Whether an earlier evaluation has finished a run."""
        return run.id in self._earlier and self._earlier[run.id][0] in FINAL

    def earlier_seconds(self, run: Run) -> float:
        """Seconds spent on a run by earlier evaluations, including deciding that it would not fit."""
        return self._earlier.get(run.id, ("", 0.0))[1]

    def result(
        self, run: Run, outcome: Outcome, measurement: Measurement, where: record.Environment | None = None
    ) -> None:
        """Record a run with its result, and where it was executed, if not in an environment like this one."""
        self.store.write(record.rows(run, outcome, measurement, self.budget.lap(), where))
        self.executed += 1
        metric, value = next(iter(outcome.values.items()))
        self.notify(f"{self.name(run)}: {metric} {value:.3f}")

    def report(self, run: Run, outcome: Outcome) -> None:
        """Write a run to the tracker of experiments, if there is one; one run at a time."""
        if self.tracker is None:
            return
        with self._one_report:
            try:
                report(self.tracker, self.store.folder.parent, run, outcome, self.name(run))
            except Exception as error:  # trackers raise many types, and no result is lost for that
                self.notify(f"--report {self.tracker}: {self.name(run)} was not written there: {error}")

    def failure(self, run: Run, status: Status, reason: str, usage: Usage | None = None) -> None:
        """Record a run without a result."""
        seconds = self.earlier_seconds(run) + self.budget.lap() if status == "skipped" else None
        self._write_failure(record.failure(run, status, reason, usage, seconds))
        if status == "skipped" and run.seed != self._first_seed:
            self._skipped_repeats += 1
        else:
            self.notify(f"{self.name(run)}: {status}: {reason}")

    def summarise(self) -> None:
        """Say in one line how many repetitions with further seeds did not fit."""
        if self._skipped_repeats:
            count = self._skipped_repeats
            repetitions = "repetition with another seed was" if count == 1 else "repetitions with other seeds were"
            self.notify(f"{count} {repetitions} skipped")

    def absence(self, absent: Absent) -> None:
        """Record a model, or a strategy of it, that could not be planned."""
        self._write_failure(record.absence(absent))

    def evaluation(self, runs: Sequence[Run], problems: tuple[str, ...], used: int) -> Evaluation:
        """Rank the rows of some runs, and of what failed or could not be planned."""
        if self.store.count() > MAX_FILES:
            self.store.compact()
        results = self.store.read() if self._results is None or self.executed else self._results
        failures = pa.Table.from_pylist(self._failures, schema=results.schema)
        finished = results.filter(pc.is_in(results["run_id"], pa.array([run.id for run in runs], pa.string())))
        finished = finished.filter(pc.invert(pc.is_in(finished["run_id"], failures["run_id"].combine_chunks())))
        return Evaluation(board(pa.concat_tables([finished, failures])), self.executed, self.resumed, problems, used)

    def _write_failure(self, row: record.Row) -> None:
        self.store.write([row])
        self._failures.append(row)

    def name(self, run: Run) -> str:
        """Name of a run among the others of the plan."""
        share = "" if run.fraction == 1 else f", {100 * run.fraction:.3g}% of the labels"
        seed = f", seed {run.seed}" if self._has_seeds else ""
        fold = "" if run.fold is None else f", fold {run.fold + 1} of {run.folds}"
        task = f"{run.task}: " if self._has_tasks else ""
        return f"{task}{run.checkpoint.name} {run.strategy}{share}{seed}{fold}"
