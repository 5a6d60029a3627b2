"""From the table to a model: fine-tune one model on all of a person's data, and write it down."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tlzoo.adapters.weights import Checkpoint, Wanted, resolve, variant_of
from tlzoo.cards import catalogue
from tlzoo.cards.schema import Card
from tlzoo.cards.vocabulary import task_facts
from tlzoo.data.catalogue import find
from tlzoo.data.protocol import Limits
from tlzoo.errors import InputError
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.statistics import estimate
from tlzoo.run.plan import Run, mismatch, recipe_for, with_key
from tlzoo.run.record import environment

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
    progress: bool = True,
    say: Callable[[str], None] = print,
) -> Finetuned:
    """Fine-tune a model and write it to a folder that ``tlzoo predict`` reads.

    Args:
        card_id: The model to start from.
        task: The task.
        data: A folder, a data set's name, or ``hub:ID[@revision]``; all of its training examples are used.
        folder: Where to write.
        strategy: What is trained.
        weights: Tier of the weights to start from.
        variant: Only this variant.
        seed: Seed.
        device: ``cpu`` or ``cuda``.
        progress: Whether to show progress bars.
        say: Takes one-line notices.

    Raises:
        InputError: A name is unknown, the model does not fit the task, or the folder cannot be written.
        UnavailableError: Weights or data cannot be had.
        DivergedError: Training ended in values that are no numbers.
    """
    from accelerate.utils import set_seed

    from tlzoo.adapters.base import Backbone
    from tlzoo.run.execute import data_of, prepare, threads, train
    from tlzoo.tasks import task_type
    from tlzoo.tasks.headed import HeadedModel, HeadModel
    from tlzoo.transfer.bundle import save
    from tlzoo.transfer.inference import predict, refer, statistics, values
    from tlzoo.transfer.strategies import merge_lora

    card = catalogue.get(card_id)
    task_facts(task)
    if not card.can_do(task):
        able = ", ".join(c.id for c in catalogue.cards() if c.can_do(task))
        raise InputError(f"model {card_id!r} cannot do {task}; models that can: {able}")
    if strategy not in STRATEGIES or strategy not in card.transfer.strategies:
        able = ", ".join(s for s in STRATEGIES if s in card.transfer.strategies)
        raise InputError(f"--strategy {strategy}: {card_id} is fine-tuned with: {able or 'nothing in this version'}")
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / "config.json").is_file())):
        raise InputError(f"--out {folder}: exists and holds no fine-tuned model; name an empty or a new folder")
    source = find(task, data, LIMITS, card.input.kind)
    if lacking := mismatch(card, source):
        raise InputError(f"--data {data}: {lacking}")
    if source.notice:
        say(source.notice)
    checkpoint = with_key(card, resolve(card, "none" if strategy == "scratch" else weights, variant, strategy))
    if checkpoint.notice:
        say(checkpoint.notice)
    chosen = variant_of(card, checkpoint.variant)
    how = recipe_for(card, chosen, task, strategy)
    run = Run(checkpoint, task, source, strategy, seed, 1.0, how, card.variant_hash(chosen), device)
    threads()
    prepared = data_of(source)
    for line in prepare(source).lines:
        say(line)
    bound = task_type(task, source.kind)(prepared.features)
    set_seed(seed)
    model, network, fitted = train(run, prepared, bound, progress)
    if isinstance(model, HeadModel):
        assert isinstance(network, Backbone)
        head, model = model.head, HeadedModel(network, model.task)
        model.head = head
    if strategy == "lora":
        merge_lora(model)
    test = prepared.splits["test"]
    train_rows = prepared.splits["train"]
    refer(bound, model, (model.encode(row) for row in train_rows), train_rows, device)
    predictions = predict(model, (model.encode(row) for row in test), device, "test" if progress else "")
    found = statistics(bound, predictions, test)
    scores = {m: estimate(METRICS[m], {seed: found[m]}, prepared.test_groups()) for m in values(bound, found)}
    results: list[dict[str, Any]] = [
        {"metric": m, "value": e.value, "low": e.interval[0], "high": e.interval[1], "n_test": len(test)}
        for m, e in scores.items()
    ]
    written = {
        "run": json.loads(json.dumps(asdict(run), default=str)) | {"id": run.id},
        "training": {k: v for k, v in fitted.items() if k != "history"},
        "history": fitted["history"],
        "results": results,
        "environment": environment(),
    }
    save(model.cpu(), bound, card, chosen, folder, written, _readme(card, run, checkpoint, results, list(bound.labels)))
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


def _readme(card: Card, run: Run, checkpoint: Checkpoint, results: list[dict[str, Any]], labels: list[str]) -> str:
    """A Hugging Face model card with ``model-index``."""
    import yaml

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
