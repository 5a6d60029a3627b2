"""A fine-tuned model on disk: a folder that can be loaded again without a network connection or pickled code.

Its files belong together: ``config.json`` has the checksum of each file that a prediction depends on, and of its own
other fields, so that weights are never used with the labels of another model.

Where another library has a class for the model, the weights are written in its names, and it opens the folder as well
(``tlzoo.transfer.loaders``); field ``loader`` names it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tlzoo.adapters import build
from tlzoo.cards.schema import Card, Input, Variant
from tlzoo.core.model import HeadedModel, Model, trainable
from tlzoo.core.task import Task
from tlzoo.errors import InputError, TlzooError
from tlzoo.files import sha256_of, write_together
from tlzoo.keys import key
from tlzoo.tasks import task_type
from tlzoo.transfer import loaders
from tlzoo.transfer.inference import is_sound
from tlzoo.transfer.loaders import Description

WEIGHTS = loaders.WEIGHTS
CONFIG = "config.json"
PREPROCESSING = "preprocessor_config.json"
RECIPE = "recipe.json"
README = "README.md"
EXPORTS = ("model.onnx", "model-int8.onnx")
"""Where ``tlzoo export`` writes a model by default, in float32 and in int8."""
FILES = (README, CONFIG, PREPROCESSING, RECIPE, WEIGHTS)
"""The files of every fine-tuned model; some also have assets, such as a tokenizer."""
VERSION = 3
READABLE = (2, VERSION)
"""Versions that are read; 2 knows no loaders."""
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
    pictures: Mapping[str, bytes] | None = None,
) -> None:
    """Write a fine-tuned model.

    Args:
        model: The model, with low-rank updates merged.
        task: The task that it was fine-tuned for, with its classes.
        card: The card that it started from.
        variant: The card's variant.
        folder: The folder to write; an earlier model there is replaced as a whole, and what was exported of it goes.
        recipe: The settings that decided the result, and the result.
        readme: The model's card, in Markdown.
        columns: The column that each input was read from, for tables of text.
        pictures: Files that its card shows, by name.

    Raises:
        InputError: The model cannot be written; an earlier model in the folder is unchanged.
    """
    labels = list(task.labels)
    config = {
        "tlzoo": VERSION,
        "card": card.id,
        "variant": variant.model_dump(mode="json", exclude={"weights"}),
        "task": task.name,
        "labels": labels,
        "columns": dict(columns or {}),
    }
    given = card.input_of(variant).model_dump(mode="json", exclude_none=True)

    def write(new: Path) -> None:
        description = _write_for_library(model, variant, config, given, new)
        if description is None:
            _write_own(model, config, given, new)
        for name, content in (pictures or {}).items():
            (new / name).write_bytes(content)
        whole = json.loads((new / CONFIG).read_text(encoding="utf-8"))
        (new / CONFIG).unlink()
        hashes = {path.name: sha256_of(path) for path in sorted(new.iterdir())} | {CONFIG: key(whole)}
        _write(new / CONFIG, whole | {HASHES: hashes})
        _write(new / RECIPE, recipe)
        (new / README).write_text(readme + loaders.instructions(description, model), encoding="utf-8")

    try:
        folder.mkdir(parents=True, exist_ok=True)
        earlier = described(folder)
        write_together(folder, write, last=CONFIG)
        if earlier is not None:
            for name in (_hashed(earlier) | set(EXPORTS)) - _hashed(described(folder) or {}):
                if (folder / name).is_file():
                    (folder / name).unlink()
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{folder}: the model cannot be written ({error}); free some space, or name another folder"
        ) from None


def _write_own(model: Model, config: Mapping[str, Any], given: Mapping[str, Any], folder: Path) -> None:
    """Write a model that only tlzoo opens."""
    whole = torch.contiguous_format  # tied parameters are copied
    save_file({k: v.cpu().clone(memory_format=whole) for k, v in model.state_dict().items()}, folder / WEIGHTS)
    model.save_assets(folder)
    _write(folder / CONFIG, {**_named(config["labels"]), **config})
    _write(folder / PREPROCESSING, given)


def _named(labels: Sequence[str]) -> dict[str, Any]:
    """Names and places of the classes, as transformers has them."""
    return {
        "id2label": {str(i): name for i, name in enumerate(labels)},
        "label2id": {name: i for i, name in enumerate(labels)},
    }


def _write_for_library(
    model: Model, variant: Variant, config: Mapping[str, Any], given: Mapping[str, Any], folder: Path
) -> Description | None:
    """Write a model that another library opens, too, if there is one that predicts the same; else nothing."""
    loader = loaders.loader_of(model, variant)
    if loader is None:
        return None
    assert isinstance(model, HeadedModel)
    was_training = model.training
    try:
        model.eval()
        description = loader.write(model, variant, folder)
        model.save_assets(folder)
        _write(folder / CONFIG, {**_named(config["labels"]), **description.config, **config, "loader": loader.name})
        _write(folder / PREPROCESSING, {**description.preprocessing, **given})
        if loaders.agree(loader, model, variant, folder):
            return description
    except OSError:
        raise
    except Exception as error:  # libraries raise many types, and the model is not lost for that
        print(f"{loader.name} does not open the model ({_line(error)}), tlzoo does", file=sys.stderr)
    finally:
        model.train(was_training)
    for path in folder.iterdir():
        path.unlink()
    return None


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
    if config["tlzoo"] not in READABLE:
        raise InputError(
            f"{folder / CONFIG}: field 'tlzoo' is {str(config['tlzoo'])[:40]}; this version reads {VERSION}"
        )
    _check(folder, config)
    try:
        labels = _labels(config)
        given = Input.among(json.loads((folder / PREPROCESSING).read_text(encoding="utf-8")))
        task = task_type(config["task"], given.kind).of(labels)
        variant = Variant.model_validate(config["variant"])
        model = trainable(build(variant, given, task)).for_task(task)
    except TlzooError:
        raise
    except Exception as error:  # libraries raise many types for a damaged description
        raise InputError(f"{folder}: {CONFIG} or {PREPROCESSING} is damaged ({_line(error)})") from None
    try:
        _read(model, variant, folder, config)
        model.load_assets(folder)
    except TlzooError:
        raise
    except Exception as error:
        raise InputError(f"{folder / WEIGHTS}: does not fit {CONFIG} ({_line(error)})") from None
    if not is_sound(model):
        raise InputError(f"{folder / WEIGHTS}: holds NaN or infinite numbers; fine-tune the model again")
    return model.eval()


def _labels(config: Mapping[str, Any]) -> list[str]:
    """Names of the classes; in version 2 they were those of the logits."""
    if "labels" in config:
        return list(config["labels"])
    return [config["id2label"][str(i)] for i in range(len(config["id2label"]))]


def _read(model: Model, variant: Variant, folder: Path, config: Mapping[str, Any]) -> None:
    """Give a model its weights."""
    if "loader" not in config:
        model.load_state_dict(load_file(folder / WEIGHTS))
    elif isinstance(model, HeadedModel):
        loaders.by_name(config["loader"]).read(model, variant, folder)
    else:
        raise ValueError("field 'loader' is for networks with a head")


def _hashed(config: Mapping[str, Any]) -> set[str]:
    """Names of the files with a checksum in a configuration, without what lies elsewhere."""
    hashes = config.get(HASHES)
    return {name for name in hashes if Path(name).name == name} if isinstance(hashes, dict) else set()


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
    names = (described(folder) or {}).get("columns")
    if not isinstance(names, dict):
        return {}
    return {str(source): str(name) for source, name in names.items()}


def names(folder: Path) -> list[str]:
    """Names of the files of a fine-tuned model, without others in its folder.

    Raises:
        InputError: The folder has no model, or one that cannot be loaded.
    """
    model = load(folder)
    hashes = (described(folder) or {}).get(HASHES)
    if hashes is not None:
        return [*FILES, *sorted(set(hashes) - set(FILES))]
    with TemporaryDirectory() as empty:
        model.save_assets(Path(empty))
        return [*FILES, *sorted(path.name for path in Path(empty).iterdir())]


def _write(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
