"""From a file of weights to a module's parameters, with one line where the two do not fit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tlzoo.checkpoints.damage import refused
from tlzoo.checkpoints.pickles import load_torch
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a file of weights: safetensors, else what ``torch.save`` wrote; nothing in it is run.

    Returns:
        The tensors by name, on the CPU.

    Raises:
        InputError: It is damaged, or holds something else.
    """
    if path.suffix != ".safetensors":
        return load_torch(path)
    from safetensors.torch import load_file

    with refused(path, "a safetensors file"):
        return load_file(path)


def load_tensors(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Load a state dict, all of it and nothing else.

    Args:
        module: The module to load them into.
        tensors: Tensors by the names of the module. Counters of batches (``num_batches_tracked``) may be absent.
        path: Their file, for the error.

    Raises:
        InputError: A name is missing or unknown, or a tensor is of another shape; the message names the first ones.
    """
    expected = module.state_dict()
    missing = [n for n in expected if n not in tensors and not n.endswith("num_batches_tracked")]
    surplus = [n for n in tensors if n not in expected]
    shaped = [
        f"{n} {tuple(tensors[n].shape)}, expected {tuple(e.shape)}"
        for n, e in expected.items()
        if n in tensors and tensors[n].shape != e.shape
    ]
    differences = [
        f"{kind} {', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}"
        for kind, names in (("without", missing), ("unknown", surplus), ("of another shape:", shaped))
        if names
    ]
    if differences:
        raise InputError(f"{path}: not the weights of {type(module).__name__} as configured: {'; '.join(differences)}")
    module.load_state_dict(tensors, strict=False)
