"""Predict files with a fine-tuned model or a published one, as a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlzoo.data.folder import SUFFIXES
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from tlzoo.adapters.base import Model


def open_model(name: str) -> Model:
    """The model of a folder that ``tlzoo finetune`` wrote, or a card's published model.

    Raises:
        InputError: Neither such a folder nor such a card, or the card has no published head.
        UnavailableError: The card's official weights cannot be had.
    """
    if (Path(name) / "config.json").is_file() or Path(name).is_dir():
        from tlzoo.transfer.bundle import load

        return load(Path(name))
    from tlzoo.adapters.weights import resolve
    from tlzoo.cards import catalogue
    from tlzoo.transfer.assemble import assemble

    model = assemble(resolve(catalogue.get(name), "official")).published()
    if model is None:
        raise InputError(
            f"{name}: has no published head; fine-tune it first: tlzoo finetune {name} --task T --data PATH --out DIR"
        )
    return model.eval()


def expand(inputs: Iterable[str], kind: str) -> Iterator[Path]:
    """Files as they are named; of a folder, all files of the kind beneath it, sorted."""
    for name in inputs:
        path = Path(name)
        if path.is_dir():
            yield from (p for p in sorted(path.rglob("*")) if p.suffix.lower() in SUFFIXES.get(kind, ()))
        else:
            yield path


def predict(model: Model, paths: Iterable[Path], batch_size: int = 32) -> Iterator[dict[str, Any]]:
    """Predict files, in their order, never holding more than a batch of them.

    Yields:
        ``{"input": path, ...prediction}``, or ``{"input": path, "error": reason}`` for what cannot be read.
    """
    import torch

    from tlzoo.transfer.inference import batched

    kind = model.spec.input
    for batch in batched(paths, batch_size):
        examples, answers = [], []
        for path in batch:
            try:
                row = {kind: {"bytes": path.read_bytes(), "path": str(path)}}
                examples.append(model.encode(row))
                answers.append({"input": str(path)})
            except (InputError, OSError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                answers.append({"input": str(path), "error": reason or str(error)})
        with torch.inference_mode():
            predictions = iter(model.predict(model.collate(examples)) if examples else [])
        for answer in answers:
            yield answer if "error" in answer else answer | next(predictions)
