"""Fine-tune ResNet-50 at 224 pixels with tlzoo's loop, and with a plain, well-written one: images per second of both.

Usage: python scripts/bench_gpu.py [--device cuda] [--batches 100]
Both read the same JPEG files in the same number of processes and train in mixed precision. The plain loop has
channels-last layout, autocast, fused AdamW and the kernels that cuDNN finds fastest; tlzoo's is as in an evaluation,
with deterministic kernels. The ratio should be 0.9 or more on a CUDA device; on the CPU, in float32, it says little.
"""

from __future__ import annotations

import argparse
import io
import time

import numpy as np
import torch
from datasets import ClassLabel, Features
from PIL import Image
from torch.utils.data import DataLoader

from tlzoo.adapters import build
from tlzoo.adapters.weights import variant_of
from tlzoo.cards import catalogue
from tlzoo.core.batch import Example, Row, to_device
from tlzoo.core.model import Backbone, HeadedModel
from tlzoo.measure.device import choose_device, cores, device_name
from tlzoo.run.precision import checked
from tlzoo.tasks.classification import ImageClassification
from tlzoo.transfer.examples import Streamed
from tlzoo.transfer.loop import fit
from tlzoo.transfer.recipe import Recipe
from tlzoo.transfer.repeatable import repeatable

CLASSES, IMAGES, PIXELS = 10, 512, 320


def main() -> None:
    """Train with both in turn, twice, and print the better of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batches", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--workers", type=int, default=min(16, cores() - 1))
    given = parser.parse_args()
    device = choose_device(given.device)
    precision = checked("auto", device)
    examples = Streamed(photographs(min(IMAGES, given.batches * given.batch_size)), model().encode, given.workers)
    recipe = Recipe(given.batches, (1e-4,), batch_size=given.batch_size, looks=1, augment=False, precision=precision)

    def ours() -> float:
        net = model()
        start = time.perf_counter()
        with repeatable(torch.get_num_threads()):
            fit(net, examples, lambda _: 0.0, recipe, seed=0, device=device, progress=False)
        return given.batches * given.batch_size / (time.perf_counter() - start)

    def plain() -> float:
        net = model()
        start = time.perf_counter()
        train(net, examples, recipe, device)
        return given.batches * given.batch_size / (time.perf_counter() - start)

    rounds = [(ours(), plain()) for _ in range(2)]
    mine, other = (max(column) for column in zip(*rounds, strict=True))
    print(
        f"{device_name(device)}, {precision}, {given.batches} batches of {given.batch_size}, {given.workers} processes"
    )
    print(f"tlzoo {mine:.1f} images/s, a plain loop {other:.1f} images/s, ratio {mine / other:.3f}")


def train(net: HeadedModel, examples: Streamed[Example], recipe: Recipe, device: str) -> None:
    """The plain loop."""
    torch.backends.cudnn.benchmark = True
    net.to(device).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=recipe.learning_rates[0], fused=True)
    loader = DataLoader(
        examples,  # type: ignore[arg-type]
        recipe.batch_size,
        shuffle=True,
        drop_last=True,
        collate_fn=net.collate,
        num_workers=examples.workers,
        persistent_workers=examples.workers > 0,
        pin_memory=device == "cuda",
    )
    dtype = {"no": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[recipe.precision]
    scaler = torch.amp.GradScaler(device, enabled=recipe.precision == "fp16")
    done = 0
    while done < recipe.steps:
        for batch in loader:
            with torch.autocast(device, dtype, enabled=recipe.precision != "no"):
                loss = net.loss(to_device(batch, device))
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
            done += 1
            if done == recipe.steps:
                break
    loss.item()  # waits for the device
    torch.backends.cudnn.benchmark = False


def model() -> HeadedModel:
    """ResNet-50 with random weights, which change no speed, and a head."""
    torch.manual_seed(0)
    card = catalogue.get("resnet-50")
    backbone = build(variant_of(card, "a1"), card.input)
    assert isinstance(backbone, Backbone)
    return backbone.for_task(ImageClassification(Features({"label": ClassLabel(CLASSES)})))


def photographs(count: int) -> list[Row]:
    """Rows with JPEG files of smooth random colours, which compress as photographs do."""
    rng = np.random.default_rng(0)
    rows: list[Row] = []
    for i in range(count):
        small = Image.fromarray(rng.integers(0, 256, (20, 20, 3), np.uint8))
        file = io.BytesIO()
        small.resize((PIXELS, PIXELS), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
        rows.append({"image": {"bytes": file.getvalue(), "path": None}, "label": i % CLASSES, "id": str(i)})
    return rows


if __name__ == "__main__":
    main()
