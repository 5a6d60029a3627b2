"""Names and parametrisation of tensor2tensor's ``next_frame_glow`` (Apache-2.0), under ours.

Its scales are stored as a third of their logarithm; an invertible matrix as the factors P, L and U of which the
diagonal is apart; means and scales, or shifts and scales, take turns as channels; a channel of edges comes first in
three dimensions, last in two.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from tlzoo.architectures.videoflow.actnorm import ActNorm
from tlzoo.architectures.videoflow.gated import EdgeConv, GatedStack, Norms
from tlzoo.architectures.videoflow.glow import Coupling, InvertibleConv
from tlzoo.checkpoints.tensorflow import Checkpoint
from tlzoo.errors import InputError

_SCALE = 3.0
"""``logscale_factor``."""
_Named = Iterator[tuple[str, Tensor]]


def tensors(model: nn.Module, checkpoint: Checkpoint) -> dict[str, Tensor]:
    """The parameters of a gated :class:`~tlzoo.architectures.videoflow.VideoFlow`.

    Raises:
        InputError: A variable is absent; the message names it.
    """
    reader = _Reader(checkpoint)
    parameters: dict[str, Tensor] = {}
    for name, module in model.named_modules():
        parts = name.split(".")
        if parts[0] == "flows" and len(parts) == 4:  # flows.LEVEL.layers.NUMBER
            step = f"codec/revnet_{parts[1]}/revnet_step_{int(parts[3]) // 3}"
            if isinstance(module, ActNorm):
                parameters |= reader.norm(name, f"{step}/actnorm", "actnorm")
            elif isinstance(module, InvertibleConv):
                parameters[f"{name}.weight"] = reader.matrix(f"{step}/invertible")
            elif isinstance(module, Coupling):
                kind = "additive" if module.additive else "affine"
                parameters |= dict(
                    reader.stack(f"{name}.network", module.network, f"{step}/{kind}/nn", not module.additive)
                )
        elif parts[0] == "priors" and len(parts) > 2:
            is_last = int(parts[1]) == len(list(model.get_submodule("priors").children())) - 1
            prior = f"codec/split_{parts[1]}/prior_on_z2"
            place = "top/conv3d" if is_last else f"{prior}/latent_stack"
            if isinstance(module, GatedStack):
                parameters |= dict(
                    reader.stack(name, module, f"{place}/dil_latent_3d_res_{parts[3]}/dil_{parts[4]}", False)
                )
            elif isinstance(module, EdgeConv) and parts[2] == "above":
                means = reader.last(f"{prior}/level_prior/conv2d", paired=True)
                parameters |= {f"{name}.{key}": value[: len(value) // 2].clone() for key, value in means.items()}
            elif parts[2] == "last":
                parameters |= {f"{name}.{k}": v for k, v in reader.last(f"{place}/res_final", paired=True).items()}
    return parameters


class _Reader:
    """Variables of a checkpoint in PyTorch's order of axes."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.names = {
            name[name.find(start) :]: name for start in ("codec/", "top/") for name in checkpoint if start in name
        }

    def __call__(self, name: str) -> Tensor:
        if name not in self.names:
            raise InputError(f"{self.checkpoint.path}: not VideoFlow as configured: without {name}")
        return torch.from_numpy(self.checkpoint[self.names[name]]).float()

    def kernel(self, name: str) -> Tensor:
        """``(..., in, out)`` to ``(out, in, ...)``, the channel of edges last."""
        kernel = self(f"{name}/W")
        kernel = kernel.permute(-1 % kernel.ndim, -2 % kernel.ndim, *range(kernel.ndim - 2))
        return kernel.roll(-1, 1) if kernel.ndim == 5 and kernel.shape[-1] > 1 else kernel

    def norm(self, name: str, place: str, own: str) -> dict[str, Tensor]:
        """Of an actnorm."""
        return {
            f"{name}.shift": self(f"{place}/{own}_center/b").reshape(1, -1, 1, 1),
            f"{name}.log_scale": _SCALE * self(f"{place}/{own}_scale/logs").reshape(1, -1, 1, 1),
            f"{name}.initialised": torch.tensor(True),
        }

    def matrix(self, place: str) -> Tensor:
        """Of an invertible convolution: P L (U + diag(sign exp(log))), outputs first."""
        p, low, up, sign, log = (self(f"{place}/{part}") for part in ("P", "L", "U", "sign_S", "log_S"))
        lower = low.tril(-1) + torch.eye(len(low))
        return (p @ (lower @ (up.triu(1) + torch.diag(sign * log.exp())))).T.contiguous()

    def last(self, place: str, paired: bool) -> dict[str, Tensor]:
        """Of a convolution without actnorm; pairs that take turns are parted into halves."""
        weight = self.kernel(place)
        scale = (_SCALE * self(f"{place}/logs").flatten()).exp()
        both = {
            "weight": weight * scale.reshape(-1, *[1] * (weight.ndim - 1)),
            "bias": self(f"{place}/b").flatten() * scale,
        }
        return {key: torch.cat([v[0::2], v[1::2]]) for key, v in both.items()} if paired else both

    def stack(self, name: str, module: nn.Module, place: str, paired: bool) -> _Named:
        """Of a gated stack."""
        assert isinstance(module, GatedStack)
        for ours, theirs in (("first", "1_1"), ("tanh", "1_tanh"), ("sigmoid", "1_sigm")):
            yield f"{name}.{ours}.weight", self.kernel(f"{place}/conv_block/{theirs}")
            norms = module.norms[ours]
            assert isinstance(norms, Norms)
            actnorm, is_2d = f"{place}/conv_block/{theirs}/actnorm", module.first.weight.ndim == 4
            for i in range(len(norms)):
                where = (actnorm, "actnorm") if is_2d else (f"{actnorm}/actnorm_{i}", f"actnorm_{i}")
                yield from self.norm(f"{name}.norms.{ours}.{i}", *where).items()
        for key, value in self.last(f"{place}/zeros", paired).items():
            yield f"{name}.last.{key}", value
