"""A fine-tuned model on disk: a folder that needs neither network nor pickled code to be loaded again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tlzoo.adapters import build
from tlzoo.adapters.base import Model
from tlzoo.cards.schema import Card, Input, Variant
from tlzoo.errors import InputError
from tlzoo.tasks import task_type
from tlzoo.tasks.base import Task
from tlzoo.transfer.assemble import trainable
from tlzoo.transfer.inference import is_sound

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
PREPROCESSING = "preprocessor_config.json"
RECIPE = "recipe.json"
README = "README.md"
FILES = (README, CONFIG, PREPROCESSING, RECIPE, WEIGHTS)
"""What every fine-tuned model consists of; some have assets besides, such as a tokenizer."""
VERSION = 2


def save(
    model: Model, task: Task, card: Card, variant: Variant, folder: Path, recipe: Mapping[str, Any], readme: str
) -> None:
    """Write a fine-tuned model.

    Args:
        model: The model, low-rank updates merged.
        task: What it was fine-tuned for, with its classes.
        card: The card that it started from.
        variant: The card's variant.
        folder: Where to; files of an earlier model there are replaced.
        recipe: All that decided the result, and the result.
        readme: The model's card, in Markdown.
    """
    folder.mkdir(parents=True, exist_ok=True)
    labels = list(task.labels)
    config = {
        "tlzoo": VERSION,
        "card": card.id,
        "variant": variant.model_dump(mode="json", exclude={"weights"}),
        "task": task.name,
        "id2label": dict(enumerate(labels)),
        "label2id": {name: i for i, name in enumerate(labels)},
    }
    _write(folder / CONFIG, config)
    _write(folder / PREPROCESSING, card.input_of(variant).model_dump(mode="json", exclude_none=True))
    _write(folder / RECIPE, recipe)
    (folder / README).write_text(readme, encoding="utf-8")
    model.save_assets(folder)
    whole = torch.contiguous_format  # of tied parameters each gets a copy of its own
    save_file({k: v.cpu().clone(memory_format=whole) for k, v in model.state_dict().items()}, folder / WEIGHTS)


def load(folder: Path) -> Model:
    """Load a fine-tuned model.

    Raises:
        InputError: The folder holds none, or one of another version, or its weights are not finite.
    """
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: no fine-tuned model here ({CONFIG}: {error})") from None
    if config.get("tlzoo") != VERSION:
        raise InputError(f"{folder / CONFIG}: field 'tlzoo' is {config.get('tlzoo')!r}; this version reads {VERSION}")
    labels = [config["id2label"][str(i)] for i in range(len(config["id2label"]))]
    try:
        given = Input.model_validate_json((folder / PREPROCESSING).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder / PREPROCESSING}: {str(error).splitlines()[0]}") from None
    task = task_type(config["task"], given.kind).of(labels)
    model = trainable(build(Variant.model_validate(config["variant"]), given, task), task)
    try:
        model.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, RuntimeError, SafetensorError) as error:
        raise InputError(f"{folder / WEIGHTS}: does not fit {CONFIG}: {str(error).splitlines()[0]}") from None
    if not is_sound(model):
        raise InputError(f"{folder / WEIGHTS}: holds NaN or infinite numbers; fine-tune the model again")
    model.load_assets(folder)
    return model.eval()


def names(folder: Path) -> list[str]:
    """Names of the files that a fine-tuned model consists of; what else lies in its folder is none of it.

    Raises:
        InputError: The folder holds none, or one that cannot be loaded.
    """
    model = load(folder)
    with TemporaryDirectory() as empty:
        model.save_assets(Path(empty))
        return [*FILES, *sorted(path.name for path in Path(empty).iterdir())]


def _write(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
