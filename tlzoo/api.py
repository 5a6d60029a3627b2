"""The parts of the Python API that have no other home."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tlzoo import files
from tlzoo.errors import InputError
from tlzoo.leaderboard.boards import board_of
from tlzoo.leaderboard.store import Store, read_board, results

if TYPE_CHECKING:
    from tlzoo.core.model import Backbone, Model
    from tlzoo.metrics import TaskMetric


def reference() -> Path:
    """The folder of the reference results: ``runs``, and the board that they make.

    They ship with the package; ``TLZOO_REFERENCE`` names another folder.
    """
    if named := os.environ.get("TLZOO_REFERENCE"):
        return Path(named)
    return files.shipped("results")


class Leaderboard:
    """A view of results: the local ones, then the reference results, which ship with the package.

    Rows of two origins are never compared with each other.

    Example:
        >>> import tlzoo
        >>> leaderboard = tlzoo.Leaderboard("no-results-here")
        >>> "audio-classification" in leaderboard.tasks()
        True
        >>> board = leaderboard.table("audio-classification")
        >>> best = board.slice(0, 1).to_pylist()[0]
        >>> best["rank"], best["metric"], 0 < best["value"] <= 1
        (1, 'accuracy', True)
    """

    def __init__(self, out: Path | str = ".tlzoo") -> None:
        """Read the results of a folder that ``tlzoo eval --out`` wrote."""
        self._out = Path(out)
        self._folders = [self._out / "results", reference() / "runs"]
        self._local = Store(self._folders[0]).read(["run_id", "task", "origin"])
        self._shipped = self._not_local(read_board(reference() / "board.parquet"))

    @cached_property
    def results(self) -> pa.Table:
        """Every row (``tlzoo.leaderboard.schema.RESULT``), with the statistics of every test example."""
        return results(self._folders)

    def tasks(self) -> list[str]:
        """Tasks that have results, sorted."""
        return sorted({*self._local["task"].to_pylist(), *self._shipped["task"].to_pylist()})

    def table(self, task: str | None = None) -> pa.Table:
        """Ranked rows of one task or of all (``tlzoo.leaderboard.schema.BOARD``)."""
        shipped = self._shipped if task is None else self._shipped.filter(pc.equal(self._shipped["task"], task))
        tasks = None if task is None else [task]
        return pa.concat_tables([board_of(Store(self._folders[0]), self._out / "boards", tasks), shipped])

    def _not_local(self, shipped: pa.Table) -> pa.Table:
        """The shipped rows without those whose runs the folder has too, such as downloaded published results."""
        present = set(self._local.filter(pc.not_equal(self._local["origin"], "local"))["run_id"].to_pylist())
        new = [present.isdisjoint(runs or ()) for runs in shipped["run_ids"].to_pylist()]
        return shipped.filter(pa.array(new, pa.bool_()))


def load(card: str, weights: str = "auto", variant: str | None = None) -> Backbone | Model:
    """Build a model of the zoo with its weights, or open one that ``tlzoo finetune`` wrote.

    Example:
        >>> import tlzoo
        >>> model = tlzoo.load("yamnet", weights="none", variant="nano")
        >>> model.spec.input, model.spec.sample_rate
        ('audio', 16000)

    A fine-tuned model is opened from its folder, or from the Hub as ``hub:OWNER/NAME[@REVISION]``; a folder is what
    ``tlzoo finetune`` writes in the end, here of a model that learnt nothing:
        >>> from pathlib import Path
        >>> from tlzoo.cards import catalogue
        >>> from tlzoo.tasks import task_type
        >>> from tlzoo.transfer.bundle import save
        >>> card, task = catalogue.get("yamnet"), task_type("audio-classification", "audio").of(["cat", "dog"])
        >>> variant = next(each for each in card.variants if each.id == "nano")
        >>> save(model.for_task(task), task, card, variant, Path("sounds"), recipe={}, readme="# Cats and dogs")
        >>> tlzoo.load("sounds").task.labels
        ('cat', 'dog')

    Args:
        card: A card's id, a folder that ``tlzoo finetune`` wrote, ``timm:NAME`` or ``hub:OWNER/NAME[@REVISION]``; of
            equal names, the folder's.
        weights: ``auto``, ``official``, ``stand-in`` or ``none``; a fine-tuned model has its own.
        variant: Only this variant.

    Returns:
        A fine-tuned model, ready to predict; else a card's network, which a task makes ready (``for_task``).

    Raises:
        InputError: No such card, folder or variant, or the files of the model do not fit its checksums.
        UnavailableError: The weights are not available.
    """
    from tlzoo.adapters.weights import resolve
    from tlzoo.drafting import adhoc
    from tlzoo.run.predict import fine_tuned
    from tlzoo.transfer.assemble import assemble
    from tlzoo.transfer.bundle import load as opened

    folder = fine_tuned(card)
    if folder is None:
        return assemble(resolve(adhoc.find(card), weights, variant))  # type: ignore[arg-type]
    if weights != "auto" or variant is not None:
        raise InputError(f"{card}: is fine-tuned, and has weights and a variant of its own; leave both out")
    return opened(folder)


def metric(task: str, name: str | None = None, labels: Sequence[str] = ()) -> TaskMetric:
    """A task's metrics as an ``evaluate.Metric`` that gives the numbers of the board, for training code of your own.

    Predictions are what ``tlzoo predict`` prints, or what that consists of: class ids, class names or the scores of all
    classes; texts; numbers. References are rows of the data, or their column that holds what is right.

    Example:
        >>> import tlzoo
        >>> accuracy = tlzoo.metric("text-classification", "accuracy")
        >>> accuracy.compute(predictions=[[0.9, 0.1], [0.2, 0.8]], references=[0, 0])
        {'accuracy': 0.5}
        >>> errors = tlzoo.metric("speech-recognition", "wer")
        >>> errors.compute(predictions=["one two tree"], references=["one two three four"])
        {'wer': 0.5}

    Args:
        task: The task.
        name: One of its metrics; all by default.
        labels: Names of the classes, in the order of their ids, where predictions or references are names.

    Raises:
        InputError: No such task or metric.
    """
    from tlzoo.metrics import TaskMetric

    return TaskMetric(task, name, labels)
