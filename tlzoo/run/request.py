"""What an evaluation is asked to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tlzoo.errors import InputError, unknown
from tlzoo.measure.device import DEVICES
from tlzoo.run.precision import PRECISIONS
from tlzoo.vocabulary import BASELINE, MODEL_STRATEGIES, TIERS, task_facts

if TYPE_CHECKING:
    from tlzoo.adapters.weights import Wanted

DEFAULT_OUT = Path(".tlzoo")
DEFAULT_SEEDS = (0, 1, 2)
"""Seeds of what is trained: with one alone nobody knows how much of a difference is luck."""
DEFAULT_FRACTIONS = (0.1, 1.0)
"""Shares of the labels: transfer gains most where they are few, and with all of them the score is told."""
PATIENCE_SECONDS = 300.0
"""Covers what no estimate does: a process that starts, and data that it loads anew."""
MAX_SEED = 2**32 - 1
TRACKERS = ("trackio", "tensorboard", "mlflow", "wandb")
"""Trackers of experiments that ``accelerate`` writes to, by the names of their packages."""
EXECUTORS = ("local", "ray")
"""One run after the other on this machine, or as many at a time as a Ray cluster has room for."""


@dataclass(frozen=True)
class EvaluationRequest:
    """The options of an evaluation, each valid by itself.

    Attributes:
        task: The task.
        models: Card ids, names of ad-hoc models (see :func:`tlzoo.drafting.adhoc.find`) or folders; by default every
            card whose outputs fit the task.
        strategies: What is trained; by default ``plan.DEFAULT_STRATEGIES``, and ``zero-shot`` and ``few-shot`` for
            models that bring their own head, or need none for the task.
        weights: Tier.
        pretrain: Whether stand-ins are pretrained here instead of read from the files that ship.
        variant: Only this variant.
        data: ``auto``, a data set's name, ``hub:ID[:CONFIG][@REVISION]`` or the path of a person's own data.
        folds: Number of folds of cross-validation; 1 splits the data once, and none leaves it to the data: 5 for fewer
            than 1,000 own examples of which no test is given, else 1.
        group: Of own data, the column, or the pattern of file names, that says which examples belong together.
        text: Of own tables, the column of texts.
        label: Of own tables, the column of classes, or of transcripts.
        no_splits: Whether own folders named after splits, such as ``train``, are classes.
        seeds: Seeds of what is trained; few-shot prompts, which may cost money, take the first alone unless others than
            ``DEFAULT_SEEDS`` are given.
        fractions: Shares of the training and of the validation examples, in (0, 1].
        device: One of ``measure.device.DEVICES``.
        precision: One of ``precision.PRECISIONS``.
        budget: Minutes for all runs.
        patience: Seconds that work may take beyond what is planned before it is taken to hang.
        max_cost: Maximum spend in US dollars on API models.
        out: Folder of the results.
        fresh: Whether finished runs are run again.
        baselines: Whether the baselines of the task are run first.
        report: Tracker of experiments that each run is written to; none by default.
        executor: One of :data:`EXECUTORS`.
        address: Address of the Ray cluster; by default that of ``RAY_ADDRESS``, or a cluster of this machine alone.
        shard: Which part of the models, counted from 1, and of how many parts; all by default. Baselines are in the
            first.
    """

    task: str
    models: Sequence[str] = ()
    strategies: Sequence[str] = ()
    weights: Wanted = "auto"
    pretrain: bool = False
    variant: str | None = None
    data: str = "auto"
    group: str | None = None
    text: str | None = None
    label: str | None = None
    no_splits: bool = False
    folds: int | None = None
    seeds: Sequence[int] = DEFAULT_SEEDS
    fractions: Sequence[float] = DEFAULT_FRACTIONS
    device: str = "cpu"
    precision: str = "no"
    budget: float = 10.0
    patience: float = PATIENCE_SECONDS
    max_cost: float | None = None
    out: Path = DEFAULT_OUT
    fresh: bool = False
    baselines: bool = True
    report: str | None = None
    executor: str = "local"
    address: str | None = None
    shard: tuple[int, int] = (1, 1)

    @property
    def columns(self) -> dict[str, str]:
        """What is given of own data: columns by what they hold, and ``splits``."""
        splits = "no" if self.no_splits else None
        given = {"group": self.group, "text": self.text, "label": self.label, "splits": splits}
        return {name: column for name, column in given.items() if column is not None}

    def __post_init__(self) -> None:
        """Check each option by itself.

        Raises:
            InputError: A name is unknown, a number is out of range, or a value is given twice.
        """
        task_facts(self.task)
        for name in self.strategies:
            _check_name("strategy", name, MODEL_STRATEGIES)
        _check_name("weights", self.weights, ("auto", *(tier for tier in TIERS if tier != BASELINE)))
        if self.pretrain and self.weights != "stand-in":
            raise InputError("--pretrain is for stand-ins: add --weights stand-in")
        _check_name("device", self.device, DEVICES)
        _check_name("precision", self.precision, PRECISIONS)
        _check_name("executor", self.executor, EXECUTORS)
        if self.address is not None and self.executor != "ray":
            raise InputError(f"--address {self.address}: is for --executor ray")
        if not 1 <= self.shard[0] <= self.shard[1]:
            raise InputError(f"--shard {self.shard[0]}/{self.shard[1]}: expected a part and of how many, such as 1/4")
        seeds, fractions = list(self.seeds), list(self.fractions)
        if not seeds or not fractions or not all(0 < fraction <= 1 for fraction in fractions):
            raise InputError(f"--seeds and --fractions need values, fractions in (0, 1]; given: {seeds}, {fractions}")
        if wrong := [seed for seed in seeds if not 0 <= seed <= MAX_SEED]:
            raise InputError(f"--seeds: {wrong[0]}: expected whole numbers from 0 to {MAX_SEED}")
        for option, values in (("--seeds", seeds), ("--fractions", fractions)):
            if repeated := [value for value, times in Counter(values).items() if times > 1]:
                raise InputError(f"{option}: {repeated[0]:g} is given twice; give each value once")
        if self.report is not None:
            _check_name("report", self.report, TRACKERS)
            if find_spec(self.report) is None:
                raise InputError(
                    f"--report {self.report}: is not installed; install it with: pip install {self.report}"
                )
        if self.max_cost is not None and not self.max_cost >= 0:
            raise InputError(f"--max-cost {self.max_cost}: expected US dollars, 0 or more")
        if not self.budget >= 0:
            raise InputError(f"--budget {self.budget:g}: expected minutes, 0 or more")
        if not self.patience >= 0:
            raise InputError(f"patience {self.patience:g}: expected seconds, 0 or more")


def _check_name(option: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise unknown(option, name, known, f"--{option}")
