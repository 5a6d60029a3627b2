"""What fine-tuning promises, against data that it never saw.

``python benchmarks/finetuned.py TASK CARD SET... [--examples 300] [--strategy probe] [--variant NANO]`` takes some
training examples of each set as a person's own, fine-tunes the card on them, and predicts the set's test: is the model
as good as its cross-fitted score says, is it as certain as it is right, and does it tell the tests of the other sets,
with which it has nothing in common, from its own?
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from tlzoo.core.model import HeadedModel
from tlzoo.core.novelty import UNKNOWN, distances
from tlzoo.core.predictions import ClassScores
from tlzoo.data.catalogue import find, load
from tlzoo.data.protocol import Limits
from tlzoo.run.finetune import finetune
from tlzoo.transfer.bundle import load as load_model
from tlzoo.transfer.calibration import calibration_error
from tlzoo.transfer.inference import batched, predict

if TYPE_CHECKING:
    from datasets import Dataset

SURE = 0.9
TESTED = 300


def rows_of(task: str, name: str, split: str, count: int) -> Dataset:
    """Some examples of a split, drawn at random; of a set without a test, of its validation."""
    task, name = name.split("=", 1) if "=" in name else (task, name)
    splits = load(find(task, name, Limits(None, None, None))).splits
    rows = splits[split] if split in splits else splits["validation"]
    return rows.select(np.random.default_rng(0).permutation(len(rows))[:count])


def written(rows: Dataset, folder: Path) -> Path:
    """Examples as a person has them: a folder a class, or a table of texts."""
    names = rows.features["label"].names
    if "text" in rows.column_names:
        path = folder / "own.csv"
        with open(path, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["text", "label"], *([row["text"], names[row["label"]]] for row in rows)])
        return path
    kind = "audio" if "audio" in rows.column_names else "image"
    for place, row in enumerate(rows):
        path = folder / "own" / names[row["label"]].replace("/", "-") / f"{place}.{'wav' if kind == 'audio' else 'png'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(row[kind]["bytes"])
    return folder / "own"


def told_apart(model: HeadedModel, own: Dataset, other: Dataset) -> tuple[float, list[ClassScores]]:
    """Area under the curve of distances, the other set's against the own one's; and predictions of the other set."""
    far = [_distances(model, rows) for rows in (own, other)]
    truth = np.repeat([0, 1], [len(each) for each in far])
    answers = [each for each in predict(model, (model.encode(row) for row in other)) if isinstance(each, ClassScores)]
    return float(roc_auc_score(truth, np.concatenate(far))), answers


@torch.no_grad()
def _distances(model: HeadedModel, rows: Dataset) -> list[float]:
    """How far examples lie from those that a model was trained on."""
    assert model.novelty is not None
    far: list[float] = []
    for examples in batched(model.encode(row) for row in rows):
        vectors = model.backbone.output_for(model.collate(examples), model.task)
        assert isinstance(vectors, torch.Tensor)
        far += distances(vectors, model.novelty.neighbours).tolist()
    return far


def main() -> None:
    """Fine-tune on each set, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task")
    parser.add_argument("card")
    parser.add_argument("sets", nargs="+", help="names of data sets; TASK=NAME for one of another task of the domain")
    parser.add_argument("--alien", nargs="*", default=[], help="sets that are only told apart, not learnt")
    parser.add_argument("--examples", type=int, default=300)
    parser.add_argument("--strategy", default="probe")
    parser.add_argument("--variant")
    given = parser.parse_args()
    print("| set | cross-fitted [95%] | held back | inside | ECE | sure of aliens, before and after | AUROC |")
    print("|---|---|---:|---|---:|---|---|")
    for name in given.sets:
        rows, test = (rows_of(given.task, name, *part) for part in (("train", given.examples), ("test", TESTED)))
        with tempfile.TemporaryDirectory() as folder:
            own = written(rows, Path(folder))
            done = finetune(
                given.card, given.task, str(own), Path(folder) / "model", strategy=given.strategy,
                variant=given.variant, progress=False, say=lambda line: None,
            )  # fmt: skip
            assert done.n_train == done.used, "the final model saw all examples"
            model = load_model(done.folder)
        assert isinstance(model, HeadedModel)
        names = rows.features["label"].names
        answers = [a for a in predict(model, (model.encode(row) for row in test)) if isinstance(a, ClassScores)]
        place = {name: i for i, name in enumerate(answers[0].scores)}
        labels = [place.get(names[row].replace("/", "-"), -1) for row in test["label"][:]]
        scores = np.array([list(answer.scores.values()) for answer in answers])
        right = fmean(scores.argmax(1) == np.array(labels))
        error = calibration_error(scores, labels)
        low, high = done.low or 0.0, done.high or 1.0
        print(f"| {name} | {done.value:.3f} [{low:.3f}, {high:.3f}] | {right:.3f} | {_inside(low, high, right)} | "
              f"{error:.3f} | {_aliens(model, test, given, name)} |", flush=True)  # fmt: skip


def _inside(low: float, high: float, value: float) -> str:
    return "worse" if value < low else "better" if value > high else "yes"


def _aliens(model: HeadedModel, test: Dataset, given: argparse.Namespace, name: str) -> str:
    cells: list[tuple[str, float]] = []
    answers: list[ClassScores] = []
    for other in (*given.sets, *given.alien):
        if other == name:
            continue
        area, predictions = told_apart(model, test, rows_of(given.task, other, "test", TESTED))
        cells.append((other, area))
        answers += predictions
    before = _share(answers, lambda each: each.score > SURE)
    after = _share(answers, lambda each: each.score > SURE and each.label != UNKNOWN)
    return f"{before:.1%}, {after:.1%} | " + ", ".join(f"{other} {area:.3f}" for other, area in cells)


def _share(answers: Sequence[ClassScores], is_so: Callable[[ClassScores], bool]) -> float:
    return fmean(map(is_so, answers)) if answers else 0.0


if __name__ == "__main__":
    main()
