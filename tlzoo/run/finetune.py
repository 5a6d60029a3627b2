"""From the table to a model: fine-tune one model on all of a person's data, and write it down."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tlzoo.adapters.weights import Wanted, card_of, variant_of
from tlzoo.cards.schema import Card, Variant
from tlzoo.data.problems import write_problems
from tlzoo.data.protocol import Limits
from tlzoo.errors import InputError, UnavailableError
from tlzoo.files import LOCK, is_part, writable_folder
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.statistics import estimate
from tlzoo.locks import locked
from tlzoo.run.plan import Run, cards_of, plan, sources
from tlzoo.run.record import environment
from tlzoo.run.request import EvaluationRequest
from tlzoo.vocabulary import shown, task_facts

if TYPE_CHECKING:
    from tlzoo.run.outcome import Outcome

LIMITS = Limits(train=None, validation=500, test=None)
STRATEGIES = ("probe", "partial", "full", "lora", "scratch")


@dataclass(frozen=True)
class Finetuned:
    """What fine-tuning gave: the headline metric on the test examples, with its 95% interval, if it has one.

    It says which examples could not be used, and how many were.
    """

    folder: Path
    metric: str
    value: float
    low: float | None
    high: float | None
    n_test: int
    problems: tuple[str, ...]
    used: int


def finetune(
    card_id: str,
    task: str,
    data: str,
    folder: Path,
    *,
    strategy: str = "full",
    weights: Wanted = "auto",
    variant: str | None = None,
    group: str | None = None,
    text: str | None = None,
    label: str | None = None,
    no_splits: bool = False,
    seed: int = 0,
    device: str = "cpu",
    overwrite: bool = False,
    progress: bool = True,
    say: Callable[[str], None] = print,
) -> Finetuned:
    """Fine-tune a model and write it to a folder that ``tlzoo predict`` reads.

    Args:
        card_id: The model to start from: a card's id, ``timm:NAME``, ``hub:OWNER/NAME[@REVISION]`` or a folder.
        task: The task.
        data: A folder, a data set's name, or ``hub:ID[:CONFIG][@REVISION]``; all of its training examples are used.
        folder: Where to write; tried before anything is trained.
        strategy: What is trained.
        weights: Tier of the weights to start from.
        variant: Only this variant.
        group: Of own data, the column, or the pattern of file names, that says which examples belong together.
        text: Of own tables, the column of texts.
        label: Of own tables, the column of classes, or of transcripts.
        no_splits: Whether own folders named after splits, such as ``train``, are classes.
        seed: Seed.
        device: ``cpu`` or ``cuda``.
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
        strategies=(strategy,),
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
    if strategy not in STRATEGIES or strategy not in card.transfer.strategies:
        able = ", ".join(s for s in STRATEGIES if s in card.transfer.strategies)
        raise InputError(f"--strategy {strategy}: {card_id} is fine-tuned with: {able or 'nothing in this version'}")
    with _reserved(folder, overwrite) as out:
        run = _planned(request, say)
        needed = sum(path.stat().st_size for path in run.checkpoint.paths().values())
        writable_folder(out, "--out", needed)
        return _finetune(run, out, progress, say)


def _planned(request: EvaluationRequest, say: Callable[[str], None]) -> Run:
    """The one run of a request.

    Raises:
        InputError: The model cannot be trained so on these data.
        UnavailableError: Weights or data are not available.
    """
    data = sources(request, LIMITS)
    planned = plan(request, data)
    for notice in (*(source.notice for source in data), *planned.notices):
        if notice:
            say(notice)
    for absent in planned.absent:
        if absent.status == "unavailable":
            raise UnavailableError(absent.reason)
        raise InputError(absent.reason if absent.strategy else f"--data {request.data}: {absent.reason}")
    if not planned.runs:
        raise InputError(f"--weights {request.weights}: only --strategy scratch starts from random weights")
    return planned.runs[0]


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


def _finetune(run: Run, folder: Path, progress: bool, say: Callable[[str], None]) -> Finetuned:
    from tlzoo.run.execute import data_of, execute, prepare, threads
    from tlzoo.tasks import task_type
    from tlzoo.transfer.bundle import save
    from tlzoo.transfer.strategies import merge_lora

    card = card_of(run.checkpoint)
    variant = variant_of(card, run.checkpoint.variant)
    for line in prepare(run.source).lines:
        say(line)
    outcome = execute(run, progress, cores=threads())
    training, model = outcome.training, outcome.model
    assert training is not None and model is not None
    if run.strategy == "lora":
        merge_lora(model)
    data = data_of(run.source)
    task = task_type(run.task, run.source.kind)(data.features)
    scores = [_score(metric, outcome, run.seed) for metric in outcome.values]
    whole = asdict(training)
    history = whole.pop("history")
    recipe = {
        "run": _facts(run, variant),
        "training": whole,
        "history": history,
        "results": [asdict(score) for score in scores],
        "environment": environment(),
    }
    readme = _readme(card, run, scores, list(task.labels))
    save(model.cpu(), task, card, variant, folder, recipe, readme, data.columns)
    write_problems(folder, {run.source.name: data.problems})
    first = scores[0]
    used = sum(data.counts().rows.values())
    return Finetuned(folder, first.metric, first.value, first.low, first.high, first.n_test, data.problems, used)


@dataclass(frozen=True)
class _Score:
    """A metric on the test examples, with its 95% interval."""

    metric: str
    value: float
    low: float | None
    high: float | None
    n_test: int

    @property
    def interval(self) -> str:
        """Its interval in words; empty where it has none."""
        return "" if self.low is None else f" (95% interval {self.low:.3f} to {self.high:.3f})"


def _score(metric: str, outcome: Outcome, seed: int) -> _Score:
    estimated = estimate(METRICS[metric], {seed: outcome.statistics[metric]}, outcome.groups)
    low, high = estimated.interval() or (None, None)
    return _Score(metric, estimated.value, low, high, outcome.n_test)


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


def _readme(card: Card, run: Run, scores: Sequence[_Score], labels: Sequence[str]) -> str:
    """A Hugging Face model card with ``model-index``."""
    from huggingface_hub import EvalResult, ModelCardData

    checkpoint = run.checkpoint
    pipeline_tag = task_facts(run.task).pipeline_tag
    header = ModelCardData(
        license=card.provenance.license.weights if checkpoint.tier == "official" else "apache-2.0",
        library_name="tlzoo",
        pipeline_tag=pipeline_tag,
        tags=[run.task, "transfer-learning", f"tlzoo-{card.id}"],
        metrics=[score.metric for score in scores],
        model_name=f"{card.id}-{run.source.name}",
        eval_results=[
            EvalResult(
                task_type=pipeline_tag,
                dataset_type=run.source.name.replace(":", "-"),
                dataset_name=run.source.name,
                dataset_split="test",
                metric_type=score.metric,
                metric_name=METRICS[score.metric].label,
                metric_value=round(score.value, 4),
            )
            for score in scores
        ],
    )
    start = {
        "official": "the official weights",
        "stand-in": "stand-in weights (pretrained on rendered or packaged data)",
        "none": "random weights",
    }
    lines = [f"- {METRICS[score.metric].label}: {score.value:.3f}{score.interval}" for score in scores]
    return (
        f"---\n{header.to_yaml()}\n---\n"
        f"# {card.name}, fine-tuned on {run.source.name}\n\n"
        f"{card.name} ({shown(card.id, checkpoint.variant)}), started from {start[run.tier]}, "
        f"strategy `{run.strategy}`, seed {run.seed}; `recipe.json` holds every setting.\n\n"
        f"On {scores[0].n_test} test examples:\n\n"
        + "\n".join(lines)
        + "\n\n"
        + (f"Classes ({len(labels)}): {', '.join(labels)}.\n\n" if labels else "")
        + "```\ntlzoo predict THIS_FOLDER FILE...\n```\n"
    )
