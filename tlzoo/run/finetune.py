"""From the table to a model: fine-tune one model on all of a person's data, and write it down."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tlzoo.adapters.weights import Wanted, resolve, variant_of
from tlzoo.cards import catalogue
from tlzoo.cards.schema import Card, Variant
from tlzoo.data.catalogue import find
from tlzoo.data.protocol import Limits
from tlzoo.errors import InputError
from tlzoo.files import LOCK, is_part, writable_folder
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.statistics import estimate
from tlzoo.locks import locked
from tlzoo.run.plan import Run, mismatch, recipe_for, with_key
from tlzoo.run.record import environment
from tlzoo.vocabulary import task_facts

LIMITS = Limits(train=None, validation=500, test=None)
STRATEGIES = ("probe", "partial", "full", "lora", "scratch")


@dataclass(frozen=True)
class Finetuned:
    """What fine-tuning gave: the headline metric on the test examples, with its interval."""

    folder: Path
    metric: str
    value: float
    low: float
    high: float
    n_test: int
    problems: tuple[str, ...]


def finetune(
    card_id: str,
    task: str,
    data: str,
    folder: Path,
    *,
    strategy: str = "full",
    weights: Wanted = "auto",
    variant: str | None = None,
    seed: int = 0,
    device: str = "cpu",
    overwrite: bool = False,
    progress: bool = True,
    say: Callable[[str], None] = print,
) -> Finetuned:
    """Fine-tune a model and write it to a folder that ``tlzoo predict`` reads.

    Args:
        card_id: The model to start from.
        task: The task.
        data: A folder, a data set's name, or ``hub:ID[:CONFIG][@REVISION]``; all of its training examples are used.
        folder: Where to write; tried before anything is trained.
        strategy: What is trained.
        weights: Tier of the weights to start from.
        variant: Only this variant.
        seed: Seed.
        device: ``cpu`` or ``cuda``.
        overwrite: Whether a fine-tuned model in the folder is replaced.
        progress: Whether to show progress bars.
        say: Takes one-line notices.

    Raises:
        InputError: A name is unknown, the model does not fit the task, or the folder cannot be written, holds something
            else, or is written by another process.
        UnavailableError: Weights or data are not available.
        DivergedError: Training ended in values that are no numbers.
    """
    card = catalogue.get(card_id)
    task_facts(task)
    if not card.can_do(task):
        able = ", ".join(c.id for c in catalogue.cards() if c.can_do(task))
        raise InputError(f"model {card_id!r} cannot do {task}; models that can: {able}")
    if strategy not in STRATEGIES or strategy not in card.transfer.strategies:
        able = ", ".join(s for s in STRATEGIES if s in card.transfer.strategies)
        raise InputError(f"--strategy {strategy}: {card_id} is fine-tuned with: {able or 'nothing in this version'}")
    with _reserved(folder, overwrite) as out:
        source = find(task, data, LIMITS, card.input.kind)
        if lacking := mismatch(card, source):
            raise InputError(f"--data {data}: {lacking}")
        if source.notice:
            say(source.notice)
        checkpoint = with_key(card, resolve(card, "none" if strategy == "scratch" else weights, variant, strategy))
        if checkpoint.notice:
            say(checkpoint.notice)
        writable_folder(out, "--out", sum(path.stat().st_size for path in checkpoint.paths().values()))
        chosen = variant_of(card, checkpoint.variant)
        how = recipe_for(card, chosen, task, strategy)
        run = Run(checkpoint, task, source, strategy, seed, 1.0, how, card.variant_hash(chosen), device)
        return _finetune(run, card, chosen, out, progress, say)


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
    run: Run, card: Card, chosen: Variant, folder: Path, progress: bool, say: Callable[[str], None]
) -> Finetuned:
    from accelerate.utils import set_seed

    from tlzoo.run.execute import data_of, prepare, threads, train
    from tlzoo.tasks import task_type
    from tlzoo.transfer.bundle import save
    from tlzoo.transfer.inference import fit_reference, predict, statistics, values
    from tlzoo.transfer.strategies import merge_lora

    source, seed, device = run.source, run.seed, run.device
    threads()
    prepared = data_of(source)
    for line in prepare(source).lines:
        say(line)
    bound = task_type(run.task, source.kind)(prepared.features)
    set_seed(seed)
    _, model, fitted = train(run, prepared, bound, progress)
    if run.strategy == "lora":
        merge_lora(model)
    test = prepared.splits["test"]
    train_rows = prepared.splits["train"]
    fit_reference(bound, model, (model.encode(row) for row in train_rows), train_rows, device)
    predictions = predict(model, (model.encode(row) for row in test), device, "test" if progress else "")
    found = statistics(bound, predictions, test)
    scores = {m: estimate(METRICS[m], {seed: found[m]}, prepared.test_groups()) for m in values(bound, found)}
    results: list[dict[str, Any]] = [
        {"metric": m, "value": e.value, "low": e.interval[0], "high": e.interval[1], "n_test": len(test)}
        for m, e in scores.items()
    ]
    written = {
        "run": _facts(run, chosen),
        "training": {k: v for k, v in fitted.items() if k != "history"},
        "history": fitted["history"],
        "results": results,
        "environment": environment(),
    }
    readme = _readme(card, run, results, list(bound.labels))
    save(model.cpu(), bound, card, chosen, folder, written, readme, prepared.columns)
    first = results[0]
    return Finetuned(
        folder,
        bound.metrics[0],
        first["value"],
        first["low"],
        first["high"],
        len(test),
        prepared.problems,
    )


def _facts(run: Run, variant: Variant) -> dict[str, Any]:
    """What decided a run, of which nothing says where this machine keeps it, or whose machine it is.

    A person's own data are named, and known by their fingerprint; files of weights have the places of their card.
    """
    weights = {file.name: list(file.places) for each in variant.weights for file in each.files}
    return {
        "id": run.id,
        "checkpoint": {
            "card": run.checkpoint.card,
            "variant": run.checkpoint.variant,
            "tier": run.checkpoint.tier,
            "sha256": run.checkpoint.sha256,
            "files": {name: weights.get(name, []) for name, _ in run.checkpoint.files},
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


def _readme(card: Card, run: Run, results: list[dict[str, Any]], labels: list[str]) -> str:
    """A Hugging Face model card with ``model-index``."""
    import yaml

    checkpoint = run.checkpoint
    facts = task_facts(run.task)
    metrics = [
        {"type": r["metric"], "name": METRICS[r["metric"]].label, "value": round(r["value"], 4)} for r in results
    ]
    dataset = {"type": run.source.name.replace(":", "-"), "name": run.source.name, "split": "test"}
    front = {
        "license": card.provenance.license.weights if checkpoint.tier == "official" else "apache-2.0",
        "library_name": "tlzoo",
        "pipeline_tag": facts.pipeline_tag,
        "tags": [run.task, "transfer-learning", f"tlzoo-{card.id}"],
        "metrics": [r["metric"] for r in results],
        "model-index": [
            {
                "name": f"{card.id}-{run.source.name}",
                "results": [{"task": {"type": facts.pipeline_tag}, "dataset": dataset, "metrics": metrics}],
            }
        ],
    }
    start = {
        "official": "the official weights",
        "stand-in": "stand-in weights (pretrained on rendered or packaged data)",
        "none": "random weights",
    }
    lines = [
        f"- {METRICS[r['metric']].label}: {r['value']:.3f} (95% interval {r['low']:.3f} to {r['high']:.3f})"
        for r in results
    ]
    return (
        f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---\n"
        f"# {card.name}, fine-tuned on {run.source.name}\n\n"
        f"{card.name} ({checkpoint.variant}), started from {start[run.tier]}, strategy `{run.strategy}`, "
        f"seed {run.seed}; `recipe.json` holds every setting.\n\n"
        f"On {results[0]['n_test']} test examples:\n\n"
        + "\n".join(lines)
        + "\n\n"
        + (f"Classes ({len(labels)}): {', '.join(labels)}.\n\n" if labels else "")
        + "```\ntlzoo predict THIS_FOLDER FILE...\n```\n"
    )
