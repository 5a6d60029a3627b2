"""A training that draws random numbers everywhere, and may be killed at a look."""

import os
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.core.batch import Batch, Example, Row
from tlzoo.core.model import Learner
from tlzoo.transfer.loop import fit
from tlzoo.transfer.recipe import Recipe
from tlzoo.transfer.repeatable import repeatable, state_sha256
from tlzoo.transfer.saved import SavedState

GRID = Recipe(24, (1e-2, 3e-3), trial=0.25, batch_size=4, looks=8, patience=20, extensions=1)


class Noisy(Learner):
    """A small network with statistics of batches, dropout and noise."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 2))

    def encode(self, row: Row) -> Example:
        return dict(row)

    def augment(self, batch: Batch) -> Batch:
        noise = random.gauss(0, 0.1) + np.random.normal(0, 0.1)
        return batch | {"x": batch["x"] + noise + 0.1 * torch.randn_like(batch["x"])}

    def loss(self, batch: Batch) -> Tensor:
        return F.cross_entropy(self.layers(batch["x"]), batch["target"])


def examples() -> list[Example]:
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(30, 4, generator=generator)
    return [{"x": value, "target": (value[0] > 0).long()} for value in values]


EXAMPLES = examples()


def trained(recipe: Recipe, saved: SavedState | None, look: Callable[[], object] = lambda: None) -> tuple[object, ...]:
    """What is the same after a kill: weights, history without seconds, and what was chosen."""
    model = Noisy()
    batch = model.collate(EXAMPLES)

    def score(current: Noisy) -> float:
        look()
        with torch.inference_mode():
            return -float(F.cross_entropy(current.layers(batch["x"]), batch["target"]))

    with repeatable():
        fitted = fit(model, EXAMPLES, score, recipe, 0, progress=False, saved=saved)
    history = [replace(point, seconds=0) for point in fitted.history]
    return state_sha256(model.state_dict()), history, fitted.learning_rate, fitted.steps, fitted.at_edge


def main(folder: str, how: str, looks: str) -> None:
    """Train until a look."""
    left = int(looks)

    def look() -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    recipe = GRID if how == "grid" else replace(GRID, learning_rates=(1e-2,))
    trained(recipe, SavedState(Path(folder), "run", seconds=0), look)


if __name__ == "__main__":
    main(*sys.argv[1:])
