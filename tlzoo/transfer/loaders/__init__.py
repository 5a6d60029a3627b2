"""Other libraries open a fine-tuned model, too: its weights lie in their names, beside what they want to know.

A head that standardises its input and then is linear is one linear layer; where a library has a class that computes the
same of the same network, the model's one file of weights is written as that class names it, and tlzoo reads it back.
Whether the two predict the same is not argued but computed, whenever a model is written (:func:`agree`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tlzoo.core.model import HeadedModel
from tlzoo.transfer.loaders.interface import WEIGHTS, Description, Loader

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from tlzoo.cards.schema import Variant
    from tlzoo.core.model import Model

__all__ = ["WEIGHTS", "Description", "Loader", "agree", "by_name", "difference", "instructions", "loader_of"]

LIBRARIES = ("transformers", "timm")
"""Adapters whose library opens folders, and the names of their loaders."""
TOLERANCE = 1e-5
"""Maximum difference of two probabilities that are the same but for rounding."""


def loader_of(model: Model, variant: Variant) -> Loader | None:
    """The library that has a class for a fine-tuned model; ``None`` where none has."""
    if not isinstance(model, HeadedModel) or variant.adapter not in LIBRARIES:
        return None
    loader = by_name(variant.adapter)
    return loader if loader.takes(model, variant) else None


def by_name(name: str) -> Loader:
    """The loader that a model's configuration names.

    Raises:
        ValueError: This version knows no such loader.
    """
    if name == "transformers":
        from tlzoo.transfer.loaders.of_transformers import Transformers

        return Transformers()
    if name == "timm":
        from tlzoo.transfer.loaders.of_timm import Timm

        return Timm()
    raise ValueError(f"field 'loader' is {name!r}; this version reads 'transformers' and 'timm'")


def agree(loader: Loader, model: HeadedModel, variant: Variant, folder: Path) -> bool:
    """Whether a library predicts of a folder what the model that was written there predicts.

    Both read the same noise, each through its own preprocessing.

    Args:
        loader: The library.
        model: The model, in evaluation mode.
        variant: Of its card.
        folder: Where it was written.
    """
    with torch.inference_mode():
        return all(
            theirs.shape == ours.shape and difference(ours, theirs) <= TOLERANCE
            for ours, theirs in loader.compared(model, variant, folder)
        )


def difference(logits: Tensor, others: Tensor) -> float:
    """Maximum difference of the probabilities of logits of one shape."""
    return float((logits.softmax(-1) - others.softmax(-1)).abs().max())


def instructions(description: Description | None, model: Model) -> str:
    """What a model's README says about who opens it, Markdown.

    Args:
        description: Of the library that does; None where only tlzoo does.
        model: The model.
    """
    own = """
## In Python

```python
import tlzoo
model = tlzoo.load("THIS_FOLDER")
```
"""
    if description is None:
        return f"{own}\nNo other library has a class that computes the same, so none opens this folder.\n"
    remarks = [description.remark] if description.remark else []
    if isinstance(model, HeadedModel) and model.novelty is not None:
        remarks.append("That an input is unlike all that the model learnt from, `unknown`, only tlzoo tells.")
    example = description.example.replace("FOLDER", "THIS_FOLDER")
    whole = f"{own}\nWithout tlzoo, with the same scores:\n\n```python\n{example}\n```\n"
    return "\n".join([whole, *(f"{remark}\n" for remark in remarks)])
