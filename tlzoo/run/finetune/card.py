"""The card of a fine-tuned model: what it is, how good, how certain, and on which classes it errs."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tlzoo.cards.schema import Card
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.run.finetune.certainty import Certainty
from tlzoo.run.plan import Run
from tlzoo.vocabulary import shown, task_facts

PICTURE = "confusion.png"
MAX_NAMED = 40
"""Classes whose names fit beside a picture of the confusions."""
_START = {
    "official": "the official weights",
    "stand-in": "stand-in weights (pretrained on rendered or packaged data)",
    "none": "random weights",
}


@dataclass(frozen=True)
class Score:
    """A metric on examples that were not learnt from, with its 95% interval."""

    metric: str
    value: float
    low: float | None
    high: float | None
    n_test: int

    @property
    def interval(self) -> str:
        """Its interval in words; empty where it has none."""
        return "" if self.low is None else f" (95% interval {self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True)
class Facts:
    """What a card tells.

    Attributes:
        card: The card that the model started from.
        run: How it was trained.
        way: The same in words.
        scores: The metrics.
        labels: Names of the classes; none where there are no classes.
        n_train: Examples that it learnt from.
        folds: Number of folds that were tried.
        is_crossfitted: Whether the scores are of models that did not see the example, before all were learnt from.
        certainty: What the predictions show, of a model of classes.
    """

    card: Card
    run: Run
    way: str
    scores: Sequence[Score]
    labels: Sequence[str]
    n_train: int
    folds: int
    is_crossfitted: bool
    certainty: Certainty | None


def readme(facts: Facts) -> str:
    """A Hugging Face model card with ``model-index``."""
    from huggingface_hub import EvalResult, ModelCardData

    card, run, checkpoint, scores = facts.card, facts.run, facts.run.checkpoint, facts.scores
    pipeline_tag = task_facts(run.task).pipeline_tag
    given = card.provenance.license
    header = ModelCardData(
        license=given.weights if checkpoint.tier == "official" else given.code,
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
                dataset_split="train" if facts.is_crossfitted else "test",
                metric_type=score.metric,
                metric_name=METRICS[score.metric].label,
                metric_value=round(score.value, 4),
            )
            for score in scores
        ],
    )
    lines = [f"- {METRICS[score.metric].label}: {score.value:.3f}{score.interval}" for score in scores]
    parts = [
        f"---\n{header.to_yaml()}\n---\n# {card.name}, fine-tuned on {run.source.name}",
        f"{card.name} ({shown(card.id, checkpoint.variant)}), started from {_START[run.tier]}, trained on "
        f"{facts.n_train:,} examples ({facts.way}), seed {run.seed}; `recipe.json` holds every setting.",
        f"{_measured(facts)}:\n\n" + "\n".join(lines),
        *([f"Classes ({len(facts.labels)}): {', '.join(facts.labels)}."] if facts.labels else []),
        *([] if facts.certainty is None else _certainty(facts.certainty, facts.labels)),
        "```\ntlzoo predict THIS_FOLDER FILE...\n```\n",
    ]
    return "\n\n".join(parts)


def _measured(facts: Facts) -> str:
    count = facts.scores[0].n_test
    if not facts.is_crossfitted:
        return f"On {count:,} test examples"
    if facts.folds == 1:
        return f"On {count:,} of these examples, judged by a model that was trained alike without them"
    return (
        f"On {count:,} of these examples, each judged by that one of {facts.folds} models trained alike that saw "
        "nothing of its group"
    )


def _certainty(certain: Certainty, labels: Sequence[str]) -> list[str]:
    """Classes one by one, how certain scores are, and what is rejected."""
    parts = [
        "| class | examples | precision | recall | F1 |\n| --- | --- | --- | --- | --- |\n"
        + "\n".join(_rows(certain.confusion, labels)),
        f"![How many examples of each class got each class]({PICTURE})",
    ]
    if certain.temperature != 1:
        parts.append(
            f"Scores are calibrated: logits are divided by {certain.temperature:.2f}, and the expected calibration "
            f"error is {certain.error:.3f}; before, it was {certain.error_before:.3f}."
        )
    if certain.novelty is not None:
        parts.append(
            "An input that is unlike all training examples gets the label `unknown`; so did "
            f"{certain.novelty.false_alarms:.1%} of these examples."
        )
    return parts


def _rows(confusion: NDArray[np.int64], labels: Sequence[str]) -> list[str]:
    """A line of a table for each class."""
    rows = []
    for place, name in enumerate(labels):
        right, given, predicted = confusion[place, place], confusion[place].sum(), confusion[:, place].sum()
        precision, recall = right / predicted if predicted else 0.0, right / given if given else 0.0
        f1 = 2 * right / (given + predicted) if given + predicted else 0.0
        cell = name.replace("|", "\\|")
        rows.append(f"| {cell} | {given:,} | {precision:.3f} | {recall:.3f} | {f1:.3f} |")
    return rows


def picture(confusion: NDArray[np.int64], labels: Sequence[str]) -> bytes:
    """The confusions as a PNG: true classes down, predicted ones across, colour by share of the true class."""
    from matplotlib.figure import Figure

    count = len(labels)
    size = min(14.0, 3.0 + 0.42 * count)
    figure = Figure(figsize=(size + 1, size), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    if count <= MAX_NAMED:
        names = [name if len(name) <= 24 else f"{name[:23]}…" for name in labels]
        axes.set_xticks(range(count), names, rotation=90)
        axes.set_yticks(range(count), names)
        for row, column in zip(*np.nonzero(confusion), strict=True):
            color = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, str(confusion[row, column]), ha="center", va="center", color=color, fontsize=8)
    figure.colorbar(image, ax=axes, shrink=0.8, label="share of the true class")
    sink = io.BytesIO()
    figure.savefig(sink, format="png")
    return sink.getvalue()
