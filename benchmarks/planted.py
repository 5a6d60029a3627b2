"""Whether verdicts are right where the truth is planted: starts that are known to harm, to do nothing, and to help.

Usage: python benchmarks/planted.py [CASE...] [--seeds 0,1,2]
A small network of sounds starts from weights that are made here, and is evaluated on few spoken digits like any
other model. Prints the rows of each board, and what is expected of them. Takes some minutes a case on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from accelerate.utils import set_seed
from safetensors.torch import save_file
from torch import Tensor

from tlzoo.adapters import build
from tlzoo.adapters.weights import variant_of
from tlzoo.cards import catalogue
from tlzoo.core.model import Backbone
from tlzoo.data.catalogue import find, load
from tlzoo.data.protocol import Limits
from tlzoo.files import cached
from tlzoo.run.evaluate import evaluate
from tlzoo.tasks.classification import AudioClassification
from tlzoo.transfer import pretraining, standin
from tlzoo.transfer.inference import predict, statistics, value
from tlzoo.transfer.loop import fit
from tlzoo.transfer.recipe import Recipe
from tlzoo.transfer.repeatable import repeatable

CARD, VARIANT = "yamnet", "nano"
CLASSES = 10
SOURCE, TARGET = slice(500), slice(500, 600)
"""Which training rows of the spoken digits a start is pretrained on, and which it is evaluated with."""
PRETRAINING = Recipe(steps=400, learning_rates=(9e-3,), batch_size=32, looks=8, patience=8)
Labels = Literal["true", "random"]


@dataclass(frozen=True)
class Case:
    """A start whose worth is known.

    Attributes:
        start: The labels that its weights are pretrained on; none for weights at random, as scratch has them.
        target: The labels of the data that it is evaluated on.
        expected: What the board should say.
    """

    start: Labels | None
    target: Labels
    expected: str


CASES: Mapping[str, Case] = {
    "random-labels": Case("random", "true", "negative, and a row of further training"),
    "copy": Case(None, "true", "neutral: the start of scratch with seed 0, whose number it gives"),
    "good": Case("true", "true", "positive"),
    "unlearnable": Case("true", "random", "no verdict: scratch did not learn"),
}


def digits(folder: Path, trained: slice, tests: int, labels: Labels, seed: int) -> Path:
    """Write spoken digits in folders by split and class.

    Args:
        folder: Where to.
        trained: Which of the training rows.
        tests: Digits to test on.
        labels: Whether the class is the digit, or drawn at random.
        seed: Of random classes.
    """
    rng = np.random.default_rng(seed)
    data = load(find("audio-classification", "spoken-digits")).splits
    for split, rows in (("train", data["train"][trained]), ("test", data["test"][:tests])):
        for place, (audio, digit) in enumerate(zip(rows["audio"], rows["label"], strict=True)):
            label = digit if labels == "true" else int(rng.integers(CLASSES))
            path = folder / split / f"digit{label}" / f"{place}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(audio["bytes"])
    return folder


def weights(labels: Labels | None, folder: Path) -> dict[str, Tensor]:
    """Parameters of the network, pretrained on other digits."""
    card = catalogue.get(CARD)
    variant = variant_of(card, VARIANT)
    set_seed(0 if labels is None else 99)
    backbone = build(variant, card.input_of(variant))
    assert isinstance(backbone, Backbone)
    if labels is None:
        return backbone.state_dict()
    data = load(find("audio-classification", str(digits(folder, SOURCE, 40, labels, 1)), Limits(None, None, None)))
    task = AudioClassification(data.features)
    model = backbone.for_task(task)
    train, validation = data.splits["train"], data.splits["train" if labels == "random" else "validation"]
    held_out = [model.encode(row) for row in validation]

    def score(current: object) -> float:
        assert current is model
        return value("accuracy", statistics(task, predict(model, held_out), validation)["accuracy"])

    with repeatable():
        fitted = fit(model, [model.encode(row) for row in train], score, PRETRAINING, 0, progress=False)
    print(f"pretrained on {labels} labels: accuracy {max(p.score for p in fitted.history):.3f}", file=sys.stderr)
    return backbone.state_dict()


def plant(state: Mapping[str, Tensor]) -> None:
    """Put parameters where those of the stand-in are looked for."""

    def make(folder: Path) -> None:
        folder.mkdir()
        labels = json.dumps([str(i) for i in range(CLASSES)])
        whole = {name: each.contiguous() for name, each in state.items()}
        save_file(whole, folder / standin.WEIGHTS, {pretraining.LABELS: labels})

    path = standin.cached_path(pretraining.recipe_key(catalogue.get(CARD), VARIANT))
    cached(path.parent, make, "planted weights")


def judge(name: str, case: Case, folder: Path, seeds: tuple[int, ...], say: Callable[[str], None]) -> None:
    """Evaluate a case in a cache of its own, and print its board."""
    os.environ["TLZOO_CACHE"] = str(folder / "cache")
    plant(weights(case.start, folder / "source"))
    data = digits(folder / "digits", TARGET, 200, case.target, 2)
    done = evaluate(
        "audio-classification",
        models=[CARD],
        variant=VARIANT,
        weights="stand-in",
        pretrain=True,
        data=data,
        seeds=seeds,
        budget=60,
        out=folder / "out",
        say=say,
    )
    print(f"{name}: expected: {case.expected}")
    for row in done.board.to_pylist():
        gain = (
            "" if row["gain"] is None else f"gain {row['gain']:+.3f} [{row['gain_low']:+.3f}, {row['gain_high']:+.3f}]"
        )
        print(
            f"  {row['strategy']:8} {row['value'] or float('nan'):.3f} {gain} {row['verdict'] or row['reason'] or ''}"
        )


def main() -> None:
    """Judge the cases that are named, all by default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--seeds", default="0,1,2", help="seeds, separated by commas")
    given = parser.parse_args()
    if wrong := set(given.cases) - set(CASES):
        parser.error(f"unknown case {min(wrong)!r}; known: {', '.join(CASES)}")
    seeds = tuple(int(seed) for seed in given.seeds.split(","))
    for name in given.cases or CASES:
        with tempfile.TemporaryDirectory() as folder:
            judge(name, CASES[name], Path(folder), seeds, lambda line: print(line, file=sys.stderr))


if __name__ == "__main__":
    main()
