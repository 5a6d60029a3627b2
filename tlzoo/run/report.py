"""Runs in a tracker of experiments, where one is asked for: what ``accelerate`` can write to, a run each."""

from __future__ import annotations

import re
import sys
from contextlib import redirect_stdout
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tlzoo.run.outcome import Outcome
    from tlzoo.run.plan import Run

PROJECT = "tlzoo"


def report(tracker: str, folder: Path, run: Run, outcome: Outcome, name: str) -> None:
    """Write a finished run to a tracker: what was run, its curve on validation, and its values on test.

    Args:
        tracker: Name of the tracker; where it writes to is its own setting, such as ``TRACKIO_SPACE_ID``,
            ``MLFLOW_TRACKING_URI`` or ``WANDB_MODE``.
        folder: For trackers that write files: they are in a folder of the tracker's name below it.
        run: The run.
        outcome: What it gave.
        name: Name of the run among others.
    """
    with redirect_stdout(sys.stderr):  # standard output is for results
        copy_context().run(_write, tracker, folder, run, outcome, name)  # trackio does not finish it again at the end


def _write(tracker: str, folder: Path, run: Run, outcome: Outcome, name: str) -> None:
    from accelerate.state import PartialState
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS

    PartialState()  # trackers ask it which process they are in
    title = re.sub(r"[^\w.,+-]+", "-", name)
    options: dict[str, dict[str, Any]] = {
        "trackio": {"run_name": PROJECT, "name": title},
        "tensorboard": {"run_name": title, "logging_dir": folder / tracker},
        "mlflow": {"experiment_name": PROJECT, "logging_dir": folder / tracker, "run_name": title},
        "wandb": {"run_name": PROJECT, "name": title, "dir": str(folder)},
    }
    written = LOGGER_TYPE_TO_CLASS[tracker](**options[tracker])
    written.start()
    written.store_init_configuration(
        {
            "run_id": run.id,
            "task": run.task,
            "data": run.source.name,
            "model": run.checkpoint.card,
            "variant": run.checkpoint.variant,
            "weights": run.tier,
            "strategy": run.strategy,
            "seed": run.seed,
            "fraction": run.fraction,
            "fold": -1 if run.fold is None else run.fold,
            "learning_rate": outcome.training.learning_rate if outcome.training else 0.0,
            "n_train": outcome.n_train,
            "n_test": outcome.n_test,
        }
    )
    training = outcome.training
    for point in training.history if training else ():
        values = {name: point[name] for name in ("loss", "score", "seconds")}
        written.log({f"validation/{name}": value for name, value in values.items()}, step=int(point["step"]))
    written.log(
        {f"test/{name}": value for name, value in outcome.values.items()}, step=training.steps if training else 0
    )
    written.finish()
