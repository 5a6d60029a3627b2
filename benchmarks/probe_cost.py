"""A whole probe of ResNet-50 on all digits against one plain forward pass over them, and against the probe before.

Usage: python benchmarks/probe_cost.py [--json]
Weights are random, which changes no speed. What the probe costs beyond the pass: features kept and read, three learning
rates, the head's training and its validation. The second probe reads the features that the first one kept.
"""

from __future__ import annotations

import os
import tempfile
import time

import torch
from report import Row, show

from tlzoo.adapters import build
from tlzoo.adapters.weights import Checkpoint, variant_of
from tlzoo.cards import catalogue
from tlzoo.core.batch import collate
from tlzoo.data.catalogue import find
from tlzoo.data.media.inputs import read_input
from tlzoo.run.execute import data_of, threads, train
from tlzoo.run.plan import Run, recipe_for
from tlzoo.tasks.classification import ImageClassification
from tlzoo.transfer.features import BATCH
from tlzoo.transfer.inference import batched


def main() -> None:
    """Compare the two."""
    threads()
    source = find("image-classification", "digits")
    data = data_of(source)  # features are computed of all of them
    rows = [row for split in data.splits.values() for row in split]
    card = catalogue.get("resnet-50")
    variant = variant_of(card, "a1")
    backbone = build(variant, card.input_of(variant)).eval()
    run = Run(
        Checkpoint(card.id, variant.id, "none"),
        "image-classification",
        source,
        "probe",
        0,
        1.0,
        recipe_for(card, variant, "image-classification", "probe"),
        card.variant_hash(variant),
    )
    task = ImageClassification(data.features)

    @torch.inference_mode()
    def plain() -> float:
        start = time.perf_counter()
        for batch in batched(rows, BATCH):
            backbone(collate([backbone.encode(read_input(row, "image")) for row in batch]))
        return time.perf_counter() - start

    def probe() -> float:
        start = time.perf_counter()
        train(run, data, task, progress=False)
        return time.perf_counter() - start

    with tempfile.TemporaryDirectory() as cache:
        os.environ["TLZOO_CACHE"] = cache  # nothing is kept from before
        first = plain()
        cost = probe()
        second = plain()
        again = probe()
    forward = (first + second) / 2  # before and after, since machines warm up and slow down
    name = f"probe of ResNet-50, {len(rows):,} images"
    show(
        [
            Row(name, cost, plain=forward, against="one plain forward pass", bar=1.15),
            Row(f"{name}, again", again, plain=cost, against="the first probe"),
        ]
    )


if __name__ == "__main__":
    main()
