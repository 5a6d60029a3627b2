"""A fine-tuned model on disk: a folder that can be loaded again without a network connection or pickled code.

Its files belong together: ``config.json`` has the checksum of each file that a prediction depends on, and of its own
other fields, so that weights are never used with the labels of another model.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tlzoo.adapters import build
from tlzoo.cards.schema import Card, Input, Variant
from tlzoo.core.model import Model, trainable
from tlzoo.core.task import Task
from tlzoo.errors import InputError, TlzooError
from tlzoo.files import sha256_of, write_together
from tlzoo.keys import key
from tlzoo.tasks import task_type
from tlzoo.transfer.inference import is_sound

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
PREPROCESSING = "preprocessor_config.json"
RECIPE = "recipe.json"
README = "README.md"
FILES = (README, CONFIG, PREPROCESSING, RECIPE, WEIGHTS)
"""The files of every fine-tuned model; some also have assets, such as a tokenizer."""
VERSION = 2
HASHES = "sha256"
"""Field of the configuration with the checksums by file name."""


def save(
    model: Model,
    task: Task,
    card: Card,
    variant: Variant,
    folder: Path,
    recipe: Mapping[str, Any],
    readme: str,
    columns: Mapping[str, str] | None = None,
) -> None:
    """Write a fine-tuned model.

    Args:
        model: The model, with low-rank updates merged.
        task: The task that it was fine-tuned for, with its classes.
        card: The card that it started from.
        variant: The card's variant.
        folder: The folder to write; an earlier model there is replaced as a whole.
        recipe: The settings that decided the result, and the result.
        readme: The model's card, in Markdown.
        columns: The column that each input was read from, for tables of text.

    Raises:
        InputError: The model cannot be written; an earlier model in the folder is unchanged.
    """
    labels = list(task.labels)
    config = {
        "tlzoo": VERSION,
        "card": card.id,
        "variant": variant.model_dump(mode="json", exclude={"weights"}),
        "task": task.name,
        "id2label": {str(i): name for i, name in enumerate(labels)},
        "label2id": {name: i for i, name in enumerate(labels)},
        "columns": dict(columns or {}),
    }
    whole = torch.contiguous_format  # tied parameters are copied
    state = {k: v.cpu().clone(memory_format=whole) for k, v in model.state_dict().items()}

    def write(new: Path) -> None:
        _write(new / PREPROCESSING, card.input_of(variant).model_dump(mode="json", exclude_none=True))
        save_file(state, new / WEIGHTS)
        model.save_assets(new)
        hashes = {path.name: sha256_of(path) for path in sorted(new.iterdir())} | {CONFIG: key(config)}
        _write(new / CONFIG, config | {HASHES: hashes})
        _write(new / RECIPE, recipe)
        (new / README).write_text(readme, encoding="utf-8")

    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_together(folder, write, last=CONFIG)
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{folder}: the model cannot be written ({error}); free some space, or name another folder"
        ) from None


def described(folder: Path) -> dict[str, Any] | None:
    """The configuration of a fine-tuned model; ``None`` if there is none, or tlzoo did not write it."""
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return config if isinstance(config, dict) and "tlzoo" in config else None


def load(folder: Path) -> Model:
    """Load a fine-tuned model.

    Raises:
        InputError: The folder has no model, or one of another version, damaged, or not finite.
    """
    config = described(folder)
    if config is None:
        reason = f"tlzoo did not write its {CONFIG}" if (folder / CONFIG).exists() else f"there is no {CONFIG}"
        raise InputError(f"{folder}: not a fine-tuned model, {reason}; tlzoo finetune writes one")
    if config["tlzoo"] != VERSION:
        raise InputError(f"{folder / CONFIG}: field 'tlzoo' is {config['tlzoo']!r}; this version reads {VERSION}")
    _check(folder, config)
    try:
        labels = [config["id2label"][str(i)] for i in range(len(config["id2label"]))]
        given = Input.model_validate_json((folder / PREPROCESSING).read_text(encoding="utf-8"))
        task = task_type(config["task"], given.kind).of(labels)
        model = trainable(build(Variant.model_validate(config["variant"]), given, task)).for_task(task)
    except TlzooError:
        raise
    except Exception as error:  # libraries raise many types for a damaged description
        raise InputError(f"{folder}: {CONFIG} or {PREPROCESSING} is damaged ({_line(error)})") from None
    try:
        model.load_state_dict(load_file(folder / WEIGHTS))
        model.load_assets(folder)
    except TlzooError:
        raise
    except Exception as error:
        raise InputError(f"{folder / WEIGHTS}: does not fit {CONFIG} ({_line(error)})") from None
    if not is_sound(model):
        raise InputError(f"{folder / WEIGHTS}: holds NaN or infinite numbers; fine-tune the model again")
    return model.eval()


def _check(folder: Path, config: Mapping[str, Any]) -> None:
    """Compare all files that predictions depend on with their checksums.

    Raises:
        InputError: A file differs or is missing.
    """
    hashes = config.get(HASHES)
    if hashes is None:
        print(f"{folder}: written by an earlier version without checksums; damage cannot be detected", file=sys.stderr)
        return
    if not isinstance(hashes, dict) or any(Path(name).name != name for name in hashes):
        raise InputError(f"{folder / CONFIG}: field {HASHES!r} is damaged; copy the folder again, or fine-tune again")
    for name, expected in hashes.items():
        path = folder / name
        try:
            actual = key({k: v for k, v in config.items() if k != HASHES}) if name == CONFIG else sha256_of(path)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror or error}), but belongs to the model") from None
        if actual != expected:
            raise InputError(
                f"{path}: differs from its checksum in {CONFIG}: damaged, changed, or of another model; copy the "
                "folder again, or fine-tune again"
            )


def _line(error: Exception) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {' '.join(lines[:2])[:200]}" if lines else type(error).__name__


def columns(folder: Path) -> dict[str, str]:
    """The column of a table that each input was read from in training; empty for models of other data."""
    names = (described(folder) or {}).get("columns") or {}
    return {str(source): str(name) for source, name in names.items()}


def names(folder: Path) -> list[str]:
    """Names of the files of a fine-tuned model, without others in its folder.

    Raises:
        InputError: The folder has no model, or one that cannot be loaded.
    """
    model = load(folder)
    with TemporaryDirectory() as empty:
        model.save_assets(Path(empty))
        return [*FILES, *sorted(path.name for path in Path(empty).iterdir())]


def _write(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
