"""Common base of networks that embed a sound patch by patch."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from tlzoo.core.batch import Batch, Outputs, segment_mean
from tlzoo.core.model import Backbone

_CHUNK = 64  # patches at once in eval mode: a third faster than all of 100, and long sounds need little memory


class PatchBackbone(Backbone):
    """A backbone whose ``tokens`` are one vector a patch, and ``pooled`` their mean."""

    ragged = frozenset({"patches"})

    @abstractmethod
    def embed(self, patches: Tensor) -> Tensor:
        """Embed patches, ``(patches, ...)``: ``(patches, dim)``."""

    def forward(self, batch: Batch) -> Outputs:
        """Embed the patches of a batch.

        Args:
            batch: ``patches``, ``(sum of lengths, ...)``, and ``patches_lengths``, ``(batch,)``.

        Returns:
            ``tokens``, ``(sum of lengths, dim)``, ``tokens_lengths`` and their mean ``pooled``, ``(batch, dim)``.
        """
        patches, lengths = batch["patches"], batch["patches_lengths"]
        chunks = [patches] if self.training else patches.split(_CHUNK)  # in training, a norm needs the whole batch
        tokens = torch.cat([self.embed(chunk) for chunk in chunks])
        return {"tokens": tokens, "tokens_lengths": lengths, "pooled": segment_mean(tokens, lengths)}
