"""Enformer: convolutions and attention over DNA, which predict measured tracks along it.

Sources: Avsec et al. 2021, doi 10.1038/s41592-021-01252-x (Methods, "Enformer architecture" and "Model training and
evaluation"); google-deepmind/deepmind-research, ``enformer`` (dropout, initial values); the parameters have the names
of the PyTorch weights ``EleutherAI/enformer-official-rough``, which lucidrains/enformer-pytorch reads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.architectures.enformer.positions import basis, relative_shift
from tlzoo.checkpoints.tensors import load_tensors, read_tensors
from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.model import TrainableModel
from tlzoo.core.predictions import DnaTracks
from tlzoo.data.media.dna import BASES, UNKNOWN, codes, window
from tlzoo.data.media.inputs import read_input
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from tlzoo.core.task import Task

MAX_SHIFT = 3
"""Maximum shift of a training sequence, bases."""
_COMPLEMENT = (3, 2, 1, 0, UNKNOWN)


class Residual(nn.Module):
    """A function, and its input added."""

    def __init__(self, fn: nn.Module) -> None:
        """Wrap a module whose output has its input's shape."""
        super().__init__()
        self.fn = fn

    def forward(self, x: Tensor) -> Tensor:
        """``fn(x) + x``."""
        added: Tensor = self.fn(x) + x
        return added


class GELU(nn.Module):
    """``x * sigmoid(1.702 x)`` (Hendrycks & Gimpel 2016, 1606.08415, section 2), as the authors have it."""

    def forward(self, x: Tensor) -> Tensor:
        """Element by element."""
        return F.silu(1.702 * x) / 1.702


class AttentionPool(nn.Module):
    """Halves a sequence: of two neighbours a mean, weighed in each channel by a softmax of learnt logits."""

    def __init__(self, dim: int) -> None:
        """Begin near the larger of the two: logits are twice the values.

        Args:
            dim: Channels.
        """
        super().__init__()
        self.to_attn_logits = nn.Conv2d(dim, dim, 1, bias=False)
        with torch.no_grad():
            nn.init.dirac_(self.to_attn_logits.weight).mul_(2)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, dim, length)`` to ``(batch, dim, length / 2)``."""
        first, second = torch.unflatten(x, -1, (-1, 2)).unbind(-1)
        difference = first - second
        # A softmax of two is a sigmoid of their difference, and the logits are linear: half the work.
        weight = self.to_attn_logits(difference.unsqueeze(-1)).squeeze(-1).sigmoid()
        return torch.addcmul(second, weight, difference)


class Attention(nn.Module):
    """Attention whose logits know the distance between two bins, by learnt weights of basis functions."""

    basis: Tensor

    def __init__(
        self, dim: int, heads: int, dim_key: int, length: int, dropout: float = 0.0, pos_dropout: float = 0.0
    ) -> None:
        """Build the layer; its output is zero at first.

        Args:
            dim: Channels; a head has ``dim / heads`` values, and as many functions of the distance.
            heads: Heads.
            dim_key: Size of a head's keys.
            length: Bins of the sequence.
            dropout: Share of the attention that is dropped in training.
            pos_dropout: Share of the distances' features that is.
        """
        super().__init__()
        self.heads, self.dropout, self.scale = heads, dropout, dim_key**-0.5
        self.to_q = nn.Linear(dim, heads * dim_key, bias=False)
        self.to_k = nn.Linear(dim, heads * dim_key, bias=False)
        self.to_v = nn.Linear(dim, dim, bias=False)
        self.to_out = nn.Linear(dim, dim)
        self.to_rel_k = nn.Linear(dim // heads, heads * dim_key, bias=False)
        self.rel_content_bias = nn.Parameter(torch.randn(1, heads, 1, dim_key) * (2 / heads) ** 0.5)
        self.rel_pos_bias = nn.Parameter(torch.randn(1, heads, 1, dim_key) * (2 / heads) ** 0.5)
        nn.init.zeros_(self.to_out.weight)
        nn.init.zeros_(self.to_out.bias)
        self.pos_dropout = nn.Dropout(pos_dropout)
        self.register_buffer("basis", basis(length, dim // heads), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, length, dim)`` to the same."""
        q, k, v = (self._split(layer(x)) for layer in (self.to_q, self.to_k, self.to_v))
        q = q * self.scale
        distances = self._split(self.to_rel_k(self.pos_dropout(self.basis)))
        positional = relative_shift((q + self.rel_pos_bias) @ distances.transpose(-1, -2))
        dropout = self.dropout if self.training else 0.0
        seen = F.scaled_dot_product_attention(q + self.rel_content_bias, k, v, positional, dropout, scale=1.0)
        out: Tensor = self.to_out(seen.transpose(-2, -3).flatten(-2))
        return out

    def _split(self, x: Tensor) -> Tensor:
        """``(..., length, heads * dim)`` to ``(..., heads, length, dim)``."""
        return torch.unflatten(x, -1, (self.heads, -1)).transpose(-2, -3)


class Enformer(TrainableModel):
    """Convolutions that halve the sequence, attention between its bins, and a value a bin and track.

    A row has ``dna``, its sequence, and to learn from ``tracks`` of the bins at its centre, with their ``bin_size`` in
    bases where it is not the model's own: larger bins are sums of the model's, smaller ones equal shares of them. A
    sequence is cut, or padded with N, at both ends. A prediction is ``{"tracks": values, (bins, tracks), "labels": the
    tracks' names, "bin_size": bases, "start": the first bin's first base, counted from the sequence's}``.
    """

    def __init__(
        self,
        length: int,
        dim: int,
        depth: int,
        heads: int,
        attn_dim_key: int,
        num_downsamples: int,
        dim_divisible_by: int,
        target_length: int,
        output_heads: Mapping[str, int],
        dropout_rate: float = 0.4,
        attn_dropout: float = 0.05,
        pos_dropout: float = 0.01,
    ) -> None:
        """Build the network from scratch.

        Args:
            length: Bases that it reads.
            dim: Channels of the attention layers; the stem has half as many.
            depth: Attention layers.
            heads: Attention heads.
            attn_dim_key: Size of a head's keys.
            num_downsamples: How often the sequence is halved: once by the stem, then by each block of the tower.
            dim_divisible_by: The tower's channels, which grow by a constant factor, are rounded to its multiples.
            target_length: Bins at the centre that are predicted.
            output_heads: Tracks of each published head.
            dropout_rate: Dropout of the attention layers; before the heads it is an eighth.
            attn_dropout: Dropout of the attention itself.
            pos_dropout: Dropout of the features of distances.
        """
        super().__init__()
        self.length, self.target_length, self.bin_size = length, target_length, int(2**num_downsamples)
        self.bins, self.dim = length // self.bin_size, 2 * dim
        half = dim // 2
        self.stem = nn.Sequential(nn.Conv1d(4, half, 15, padding=7), Residual(_convolution(half)), AttentionPool(half))
        widths = [half, *_widths(half, dim, num_downsamples - 1, dim_divisible_by)]
        self.conv_tower = nn.Sequential(
            *(
                nn.Sequential(_convolution(i, o, 5), Residual(_convolution(o)), AttentionPool(o))
                for i, o in pairwise(widths)
            )
        )
        self.transformer = nn.Sequential()
        for _ in range(depth):
            attention = Attention(dim, heads, attn_dim_key, self.bins, attn_dropout, pos_dropout)
            attend = nn.Sequential(nn.LayerNorm(dim), attention, nn.Dropout(dropout_rate))
            wide, narrow = nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, dim)
            think = nn.Sequential(
                nn.LayerNorm(dim), wide, nn.Dropout(dropout_rate), nn.ReLU(), narrow, nn.Dropout(dropout_rate)
            )
            self.transformer.append(nn.Sequential(Residual(attend), Residual(think)))
        # The conversion transposes in a module before the convolution and in one after it, which its names count.
        self.final_pointwise = nn.Sequential(
            nn.Identity(), _convolution(dim, 2 * dim), nn.Identity(), nn.Dropout(dropout_rate / 8), GELU()
        )
        self._heads = nn.ModuleDict()
        self._read_out(output_heads, [f"{head} {i + 1}" for head, size in output_heads.items() for i in range(size)])

    def _read_out(self, heads: Mapping[str, int], labels: list[str]) -> None:
        """Make new heads."""
        self._heads = nn.ModuleDict(
            {name: nn.Sequential(nn.Linear(self.dim, size), nn.Softplus()) for name, size in heads.items()}
        )
        self.spec = Spec("dna", {"tracks": len(labels)}, labels=tuple(labels))

    def encode(self, row: Row) -> Example:
        """Read a sequence, and its tracks where it has some.

        Returns:
            ``bases``, codes of the whole window, ``(length,)``; ``origin``, where in it the sequence begins;
            ``bin_size``; and ``target``, ``(bins of the window, tracks)``, NaN where the row says nothing.

        Raises:
            InputError: The sequence has letters that are none of DNA's, or its bins do not fit the model's.
        """
        sequence = codes(read_input(row, "dna"))
        size = row.get("bin_size") or self.bin_size
        start = len(sequence) // 2 - self.length // 2
        bins = self._bins_of(size)
        example: Example = {"bin_size": size}
        if "tracks" in row:
            tracks = torch.as_tensor(row["tracks"], dtype=torch.float32)
            target = torch.full((bins, tracks.shape[1]), torch.nan)
            missing = len(target) - len(tracks)
            if missing < 0:
                raise InputError(
                    f"{len(tracks)} bins of {size} bases; predicted are the {len(target)} at the centre of "
                    f"{self.length} bases"
                )
            target[missing // 2 : missing // 2 + len(tracks)] = tracks
            start += missing % 2 * size // 2  # the middle bin of an odd number is not cut in two
            example["target"] = target
        return example | {"bases": torch.from_numpy(window(sequence, start, self.length)), "origin": -start}

    def _bins_of(self, size: int) -> int:
        """How many bins of a size are predicted."""
        whole = self.target_length * self.bin_size
        if whole % size or (size % self.bin_size and self.bin_size % size):
            raise InputError(
                f"bins of {size} bases; the model's are of {self.bin_size}: one should be a multiple of the other, and "
                f"divide the {whole} bases that are predicted"
            )
        return whole // size

    def forward(self, batch: Batch) -> Tensor:
        """Predict the central bins, of the model's own size.

        Args:
            batch: ``bases``, ``(batch, length)``, codes of ``tlzoo.data.media.dna.codes``.

        Returns:
            Non-negative values of all heads, ``(batch, target_length, tracks)``.
        """
        letters = F.one_hot(batch["bases"].long(), len(BASES) + 1)[..., : len(BASES)]
        x = letters.float().transpose(1, 2)
        x = self.transformer(self.conv_tower(self.stem(x)).transpose(1, 2))
        first = (self.bins - self.target_length) // 2
        x = x[:, first : first + self.target_length]
        x = self.final_pointwise(x.transpose(1, 2)).transpose(1, 2)
        return torch.cat([head(x) for head in self._heads.values()], dim=-1)

    def _resized(self, tracks: Tensor, size: int) -> Tensor:
        """From bins of the model's size to those of another, ``(..., bins, tracks)``: counts keep their sum."""
        if size > self.bin_size:
            return torch.unflatten(tracks, -2, (-1, size // self.bin_size)).sum(-2)
        parts = self.bin_size // size
        return tracks.repeat_interleave(parts, -2) / parts

    def loss(self, batch: Batch) -> Tensor:
        """Poisson negative log-likelihood, mean over bins and tracks (Methods, "Model training and evaluation")."""
        (size,) = set(batch["bin_size"])
        is_given = batch["target"].isfinite()
        return F.poisson_nll_loss(
            self._resized(self(batch).float(), size)[is_given], batch["target"][is_given], log_input=False
        )

    def predict(self, batch: Batch) -> list[DnaTracks]:
        """Tracks of the row's bins; of a row without tracks, of every bin that is predicted."""
        predictions = []
        begin = (self.length - self.target_length * self.bin_size) // 2
        for i, tracks in enumerate(self(batch).float()):
            size = batch["bin_size"][i]
            values, first = self._resized(tracks, size), 0
            if "target" in batch:
                is_given = batch["target"][i].isfinite().any(-1)
                values, first = values[is_given], int(is_given.int().argmax())
            start = begin + first * size - batch["origin"][i]
            predictions.append(DnaTracks(values.detach().cpu().numpy(), self.spec.labels, size, start))
        return predictions

    def augment(self, batch: Batch) -> Batch:
        """Move sequences by up to three bases, and read half of them on the other strand, with their tracks."""
        bases, target = batch["bases"], batch["target"]
        moved = int(torch.randint(2 * MAX_SHIFT + 1, ()))
        bases = F.pad(bases, (MAX_SHIFT, MAX_SHIFT), value=UNKNOWN)[:, moved : moved + self.length]
        other = torch.tensor(_COMPLEMENT, dtype=bases.dtype, device=bases.device)[bases.long()].flip(1)
        turned = (torch.rand(len(bases)) < 0.5).to(bases.device)
        return batch | {
            "bases": torch.where(turned[:, None], other, bases),
            "target": torch.where(turned[:, None, None], target.flip(1), target),
        }

    def for_task(self, task: Task) -> Self:
        """Replace the heads by a new one for the task's tracks: tracks have no names by which two could be the same."""
        self._read_out({"tracks": len(task.labels)}, list(task.labels))
        return self

    def stages(self) -> list[nn.Module]:
        """The stem, the tower's blocks, the attention layers, the last convolution, the heads."""
        return [self.stem, *self.conv_tower, *self.transformer, self.final_pointwise, self._heads]

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load the published weights in their PyTorch form.

        Args:
            files: ``pytorch_model.bin``, whose ``_trunk`` repeats the other parts, and ``config.json``, not needed.

        Raises:
            InputError: They are none of this configuration.
        """
        path = files["pytorch_model.bin"]
        tensors = {name: t for name, t in read_tensors(path).items() if not name.startswith("_trunk.")}
        load_tensors(self, tensors, path)


def _convolution(inputs: int, outputs: int | None = None, width: int = 1) -> nn.Sequential:
    """Batch norm, GELU, and a convolution that keeps the length."""
    return nn.Sequential(
        nn.BatchNorm1d(inputs), GELU(), nn.Conv1d(inputs, outputs or inputs, width, padding=width // 2)
    )


def _widths(first: int, last: int, count: int, multiple: int) -> list[int]:
    """Channels that grow by a constant factor, rounded to multiples (``exponential_linspace_int`` of the authors)."""
    factor = math.exp(math.log(last / first) / (count - 1))
    return [round(first * factor**i / multiple) * multiple for i in range(count)]
