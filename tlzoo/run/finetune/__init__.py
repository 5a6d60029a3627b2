"""From the table to a model: fine-tune one model on all of a person's data, and write it down."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tlzoo import blobs
from tlzoo.adapters.weights import Wanted, card_of, variant_of
from tlzoo.cards.schema import Variant
from tlzoo.data.problems import write_problems
from tlzoo.data.protocol import Limits
from tlzoo.errors import InputError, UnavailableError, unknown
from tlzoo.files import LOCK, is_part, writable_folder
from tlzoo.keys import key
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.statistics import estimate
from tlzoo.leaderboard.types import Statistics
from tlzoo.locks import locked
from tlzoo.run.finetune.settings import Settings, check_size
from tlzoo.run.plan import Run, cards_of, plan, sources
from tlzoo.run.record import environment
from tlzoo.run.request import EvaluationRequest

if TYPE_CHECKING:
    from tlzoo.core.task import Task
    from tlzoo.run.finetune.card import Score

LIMITS = Limits(train=None, validation=500, test=None)
STRATEGIES = ("probe", "partial", "full", "lora", "scratch")
TRIED = ("probe", "full")
"""Strategies that are tried where none is named."""


@dataclass(frozen=True)
class Finetuned:
    """What fine-tuning gave.

    Attributes:
        folder: Where the model is.
        metric: The headline metric.
        value: Its value on examples that were not learnt from.
        low: Lower end of its 95% interval, if it has one.
        high: Upper end.
        n_test: Number of these examples.
        is_crossfitted: Whether they were judged by models of folds, before the final one learnt from all; else they are
            the test that came with the data.
        n_train: Examples that the final model learnt from.
        way: The strategy that was chosen.
        problems: One line for each example that could not be used.
        used: Number of examples that could.
    """

    folder: Path
    metric: str
    value: float
    low: float | None
    high: float | None
    n_test: int
    is_crossfitted: bool
    n_train: int
    way: str
    problems: tuple[str, ...]
    used: int


def finetune(
    card_id: str,
    task: str,
    data: str,
    folder: Path,
    *,
    strategy: str = "auto",
    weights: Wanted = "auto",
    variant: str | None = None,
    group: str | None = None,
    text: str | None = None,
    label: str | None = None,
    no_splits: bool = False,
    folds: int | None = None,
    settings: Settings = Settings(),  # noqa: B008, it is immutable
    seed: int = 0,
    device: str = "cpu",
    overwrite: bool = False,
    progress: bool = True,
    say: Callable[[str], None] = print,
) -> Finetuned:
    """Fine-tune a model and write it to a folder that ``tlzoo predict`` reads.

    Strategy, learning rate and number of steps are chosen by cross-fitting; then a model is trained on all examples,
    but for a test that came with the data.

    Args:
        card_id: The model to start from: a card's id, ``timm:NAME``, ``hub:OWNER/NAME[@REVISION]`` or a folder.
        task: The task.
        data: A folder, a data set's name, or ``hub:ID[:CONFIG][@REVISION]``; all of its training examples are used.
        folder: Where to write; tried before anything is trained.
        strategy: What is trained; ``auto`` chooses between a new head alone and the whole network.
        weights: Tier of the weights to start from.
        variant: Only this variant.
        group: Of own data, the column, or the pattern of file names, that says which examples belong together.
        text: Of own tables, the column of texts.
        label: Of own tables, the column of classes, or of transcripts.
        no_splits: Whether own folders named after splits, such as ``train``, are classes.
        folds: Number of folds; by default 5 of fewer than 1,000 examples, else one of five.
        settings: What is not left to the recipe.
        seed: Seed.
        device: ``cpu``, ``cuda``, ``mps`` or ``xpu``.
        overwrite: Whether a fine-tuned model in the folder is replaced.
        progress: Whether to show progress bars.
        say: Takes one-line notices.

    Raises:
        InputError: A name is unknown, the model does not fit the task, or the folder cannot be written, holds something
            else, or is written by another process.
        UnavailableError: Weights or data are not available.
        DivergedError: Training ended in values that are not finite.
    """
    request = EvaluationRequest(
        task=task,
        models=(card_id,),
        strategies=TRIED if strategy == "auto" else (strategy,),
        weights="none" if strategy == "scratch" else weights,
        variant=variant,
        data=data,
        group=group,
        text=text,
        label=label,
        no_splits=no_splits,
        folds=1,
        seeds=(seed,),
        fractions=(1.0,),
        device=device,
    )
    (card,) = cards_of(request)
    able = [s for s in STRATEGIES if s in card.transfer.strategies]
    if not able or strategy not in ("auto", *able):
        raise InputError(
            f"--strategy {strategy}: {card_id} is fine-tuned with: {', '.join(able) or 'nothing in this version'}"
        )
    if strategy == "auto":
        request = replace(request, strategies=[s for s in TRIED if s in able] or able[:1])
    if folds is not None and folds < 1:
        raise InputError(f"--folds {folds}: expected 1 or more")
    with _reserved(folder, overwrite) as out:
        runs = [settings.resized(run) for run in _planned(request, say)]
        if settings.image_size is not None:
            check_size(runs[0])
        needed = sum(path.stat().st_size for path in runs[0].checkpoint.paths().values())
        writable_folder(out, "--out", needed)
        return _finetune(runs, folds, settings, out, progress, say)


def _planned(request: EvaluationRequest, say: Callable[[str], None]) -> list[Run]:
    """The runs of a request, one a strategy.

    Raises:
        InputError: The model cannot be trained so on these data.
        UnavailableError: Weights or data are not available.
    """
    data = sources(request, LIMITS)
    planned = plan(request, data)
    for notice in (*(source.notice for source in data), *planned.notices):
        if notice:
            say(notice)
    for absent in planned.absent if not planned.runs else ():
        if absent.status == "unavailable":
            raise UnavailableError(absent.reason)
        raise InputError(absent.reason if absent.strategy else f"--data {request.data}: {absent.reason}")
    if not planned.runs:
        raise InputError(f"--weights {request.weights}: only --strategy scratch starts from random weights")
    return planned.runs


@contextmanager
def _reserved(folder: Path, overwrite: bool) -> Iterator[Path]:
    """A folder that can be written to, by this process only, and holds nothing that would be lost.

    Raises:
        InputError: There is none.
    """
    is_new = not os.path.exists(os.path.expanduser(folder))
    folder = writable_folder(folder, "--out")
    try:
        with locked(folder / LOCK, f"--out {folder}", wait=False):
            try:
                if any(not is_part(path) for path in folder.iterdir()):
                    _check_replaceable(folder, overwrite)
                yield folder
            finally:
                (folder / LOCK).unlink(missing_ok=True)
    finally:
        if is_new:
            with suppress(OSError):  # it holds a model
                folder.rmdir()


def _check_replaceable(folder: Path, overwrite: bool) -> None:
    from tlzoo.transfer.bundle import described

    config = described(folder)
    if config is None:
        raise InputError(
            f"--out {folder}: exists and holds no fine-tuned model of tlzoo; name an empty or a new folder"
        )
    if not overwrite:
        what = f"{config.get('card')}, fine-tuned for {config.get('task')}"
        raise InputError(f"--out {folder}: holds a model ({what}); name another folder, or replace it with --overwrite")


def _finetune(
    runs: Sequence[Run],
    folds: int | None,
    settings: Settings,
    folder: Path,
    progress: bool,
    say: Callable[[str], None],
) -> Finetuned:
    from tlzoo.core.model import HeadedModel
    from tlzoo.run.execute import data_of, prepare
    from tlzoo.run.finetune.candidates import choose, folds_of, name_of, pool, ways
    from tlzoo.run.finetune.card import PICTURE, Facts, picture, readme
    from tlzoo.run.finetune.certainty import certainty
    from tlzoo.run.finetune.final import refit, tested
    from tlzoo.tasks import task_type
    from tlzoo.transfer.bundle import save
    from tlzoo.transfer.saved import SavedState
    from tlzoo.transfer.strategies import merge_lora

    first = runs[0]
    card = card_of(first.checkpoint)
    variant = variant_of(card, first.checkpoint.variant)
    data = data_of(first.source)
    whole = pool(data)
    parts = folds_of(whole, folds, first.seed)
    is_whole_tested = len(parts) > 1 and not len(whole.splits["test"])
    for line in prepare(first.source, len(parts) if is_whole_tested else None).lines:
        say(line)
    task = task_type(first.task, first.source.kind)(data.features)
    _check_metric(settings.metric or "", task)
    runs = [replace(run, recipe=settings.applied(run.recipe, len(whole.splits["train"]))) for run in runs]
    state = blobs.cache_dir() / "training" / key([run.id for run in runs], len(parts))
    chosen = choose(ways(runs, whole), parts, progress, say, state)
    run, n_train = chosen.run, len(whole.splits["train"])
    say(f"{name_of(run)}: learning from all {n_train:,} examples, {chosen.epochs:.1f} epochs, rate {chosen.rate:.2g}")
    saved = SavedState(state, f"{run.id}-all")
    model = refit(run, whole, task, chosen.rate, chosen.epochs, progress, saved)
    if run.strategy == "lora":
        merge_lora(model)
    certain = certainty(chosen, model, whole, task)
    if certain is not None and isinstance(model, HeadedModel):
        model.novelty = certain.novelty
    is_crossfitted = not len(whole.splits["test"])
    statistics = chosen.statistics if is_crossfitted else tested(run, model, task, whole)
    groups = chosen.groups if is_crossfitted else whole.test_groups()
    scores = [_score(metric, statistics[metric], groups, run.seed) for metric in task.metrics if metric in statistics]
    pictures = {} if certain is None else {PICTURE: picture(certain.confusion, task.labels)}
    recipe = {
        "run": _facts(run, variant),
        "training": {
            "n_train": n_train,
            "learning_rate": chosen.rate,
            "epochs": chosen.epochs,
            "folds": len(chosen.same),
            "validation_scores": dict(chosen.scores),
            "is_crossfitted": is_crossfitted,
        },
        "results": [asdict(score) for score in scores],
        "environment": environment(),
    }
    facts = Facts(
        card, run, name_of(run), scores, task.labels, n_train, len(chosen.same), is_crossfitted, certain
    )  # fmt: skip
    save(model.cpu(), task, card, variant, folder, recipe, readme(facts), data.columns, pictures)
    write_problems(folder, {run.source.name: data.problems})
    shutil.rmtree(state, ignore_errors=True)
    best = scores[0]
    used = sum(data.counts().rows.values())
    return Finetuned(
        folder, best.metric, best.value, best.low, best.high, best.n_test, is_crossfitted, n_train, name_of(run),
        data.problems, used,
    )  # fmt: skip


def _score(metric: str, statistics: Statistics, groups: Sequence[str], seed: int) -> Score:
    from tlzoo.run.finetune.card import Score

    estimated = estimate(METRICS[metric], {seed: statistics}, groups)
    low, high = estimated.interval() or (None, None)
    return Score(metric, estimated.value, low, high, len(groups))


def _check_metric(metric: str, task: Task) -> None:
    """Raise ``InputError`` if a metric does not belong to a task."""
    if metric and metric not in task.metrics:
        raise unknown("metric", metric, task.metrics, f"--task {task.name}")


def _facts(run: Run, variant: Variant) -> dict[str, object]:
    """What decided a run, without where this machine keeps it, or whose machine it is.

    A person's own data are named, and known by their fingerprint; files of weights have the places of their card.
    """
    places = {file.name: list(file.places) for weights in variant.weights for file in weights.files}
    return {
        "id": run.id,
        "checkpoint": {
            "card": run.checkpoint.card,
            "variant": run.checkpoint.variant,
            "tier": run.checkpoint.tier,
            "sha256": run.checkpoint.sha256,
            "files": {name: places.get(name, []) for name, _ in run.checkpoint.files},
        },
        "task": run.task,
        "source": {
            "name": run.source.name,
            "kind": run.source.kind,
            "fingerprint": run.source.fingerprint,
            "where": run.source.where,
            "place": None if run.source.where == "folder" else run.source.place,
            "options": dict(run.source.options),
            "limits": asdict(run.source.limits),
        },
        "strategy": run.strategy,
        "seed": run.seed,
        "fraction": run.fraction,
        "recipe": asdict(run.recipe),
        "card_hash": run.card_hash,
        "device": run.device,
    }
