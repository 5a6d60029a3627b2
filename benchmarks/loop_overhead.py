"""The training loop against a plain hand-written one, on the same batches of the same model.

Usage: python benchmarks/loop_overhead.py [--json]
The two take turns, and the ratio is the median of five rounds.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import torch
from datasets import ClassLabel, Features
from report import Row, show

from tlzoo.adapters import build
from tlzoo.cards import catalogue
from tlzoo.core.model import Backbone
from tlzoo.run.execute import threads
from tlzoo.tasks.classification import AudioClassification
from tlzoo.transfer.loop import fit
from tlzoo.transfer.recipe import Recipe

STEPS = 40


def main() -> None:
    """Compare the two."""
    threads()
    task = AudioClassification(Features({"label": ClassLabel(names=[str(i) for i in range(10)])}))
    rng = np.random.default_rng(0)
    card = catalogue.get("yamnet")
    backbone = build(card.default, card.input)
    assert isinstance(backbone, Backbone)
    model = backbone.for_task(task)
    examples = [
        model.backbone.encode(rng.normal(0, 0.1, 16_000).astype(np.float32)) | {"target": torch.tensor(i % 10)}
        for i in range(160)
    ]
    recipe = Recipe(steps=STEPS, learning_rates=(1e-3,), batch_size=16, looks=1)

    def plain() -> float:
        loader = torch.utils.data.DataLoader(examples, 16, shuffle=True, collate_fn=model.collate)  # type: ignore[arg-type]
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=recipe.weight_decay)
        model.train()
        done = 0
        start = time.perf_counter()
        while done < STEPS:
            for batch in loader:
                loss = model.loss(batch)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.max_norm)
                optimizer.step()
                optimizer.zero_grad()
                done += 1
                if done == STEPS:
                    break
        return (time.perf_counter() - start) / STEPS

    def ours() -> float:
        start = time.perf_counter()
        fit(model, examples, lambda _: 0.0, recipe, seed=0, progress=False)
        return (time.perf_counter() - start) / STEPS

    plain(), ours()
    rounds = [(plain(), ours()) for _ in range(5)]
    ratio = statistics.median(b / a for a, b in rounds)
    hand, loop = (1000 * statistics.median(column) for column in zip(*rounds, strict=True))
    show([Row("a training step of YAMNet, 16 sounds", loop, "ms", hand, "a plain loop", ratio, bar=1.05)])


if __name__ == "__main__":
    main()
