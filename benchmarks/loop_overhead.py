"""The training loop against a plain hand-written one, on the same batches of the same model.

Usage: python benchmarks/loop_overhead.py [STEPS]
Prints seconds a step of both, and their ratio, as the median of five alternating rounds.
"""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np
import torch
from datasets import ClassLabel, Features

from tlzoo.adapters import build
from tlzoo.cards import catalogue
from tlzoo.core.model import Backbone
from tlzoo.run.execute import threads
from tlzoo.tasks.classification import AudioClassification
from tlzoo.transfer.loop import fit
from tlzoo.transfer.recipe import Recipe


def main() -> None:
    """Compare the two."""
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 40
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
    recipe = Recipe(steps=steps, learning_rates=(1e-3,), batch_size=16, looks=1)

    def plain() -> float:
        loader = torch.utils.data.DataLoader(examples, 16, shuffle=True, collate_fn=model.collate)  # type: ignore[arg-type]
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=recipe.weight_decay)
        model.train()
        done = 0
        start = time.perf_counter()
        while done < steps:
            for batch in loader:
                loss = model.loss(batch)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.max_norm)
                optimizer.step()
                optimizer.zero_grad()
                done += 1
                if done == steps:
                    break
        return (time.perf_counter() - start) / steps

    def ours() -> float:
        start = time.perf_counter()
        fit(model, examples, lambda _: 0.0, recipe, seed=0, progress=False)
        return (time.perf_counter() - start) / steps

    plain(), ours()
    rounds = [(plain(), ours()) for _ in range(5)]
    ratios = [b / a for a, b in rounds]
    hand, loop = (1000 * statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"plain loop {hand:.1f} ms a step, tlzoo {loop:.1f} ms a step, ratio {statistics.median(ratios):.3f}")
    print(f"ratios of the rounds: {', '.join(f'{r:.3f}' for r in ratios)}; threads {torch.get_num_threads()}")


if __name__ == "__main__":
    main()
