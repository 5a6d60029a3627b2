"""Fine-tuned models on disk."""

from pathlib import Path

import torch

from tlzoo.adapters import build
from tlzoo.adapters.weights import variant_of
from tlzoo.cards import catalogue
from tlzoo.core.model import Model, trainable
from tlzoo.tasks import task_type
from tlzoo.transfer.bundle import save


def written(labels: list[str], folder: Path, seed: int = 0, columns: dict[str, str] | None = None) -> Model:
    """A network that learnt nothing, written as ``tlzoo finetune`` writes one."""
    card = catalogue.get("yamnet")
    variant = variant_of(card, "nano")
    task = task_type("audio-classification", "audio").of(labels)
    torch.manual_seed(seed)
    model = trainable(build(variant, card.input_of(variant), task)).for_task(task)
    save(model, task, card, variant, folder, {"results": []}, "---\nlicense: apache-2.0\n---\n# A model\n", columns)
    return model
