"""Several models of the catalogue as one: the vectors of each, side by side, for one head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import torch
from torch import nn

from tlzoo.adapters import build as build_part
from tlzoo.adapters.weights import variant_of
from tlzoo.cards import catalogue
from tlzoo.cards.schema import Input, Variant
from tlzoo.core.batch import Batch, Example, Outputs, Row
from tlzoo.core.model import Backbone
from tlzoo.core.task import HeadTask, Task
from tlzoo.errors import InputError


class Concat(Backbone):
    """Backbones that read the same input, each with its own preprocessing; ``pooled`` has the vectors of all."""

    def __init__(self, parts: Sequence[Backbone]) -> None:
        """Put backbones side by side.

        Args:
            parts: Backbones of one kind of input that give ``pooled``.
        """
        super().__init__()
        self.parts = nn.ModuleList(parts)
        first, size = parts[0].spec, sum(part.spec.outputs["pooled"] for part in parts)
        rate = max((part.spec.sample_rate or 0 for part in parts), default=0) or None
        self.spec = replace(first, outputs={"pooled": size}, sample_rate=rate, labels=(), synonyms=(), pyramid=())
        self.ragged = frozenset(f"{i}:{name}" for i, part in enumerate(parts) for name in part.ragged)

    @property
    def backbones(self) -> list[Backbone]:
        """The parts, in their order."""
        return cast("list[Backbone]", list(self.parts))

    def encode(self, source: Any) -> Example:
        """What each part makes of one decoded input.

        Raises:
            InputError: They read sounds at different sample rates; :meth:`encode_row` decodes for each.
        """
        if len({part.spec.sample_rate for part in self.backbones}) > 1:
            raise InputError("models that read sounds at different sample rates take files, not samples")
        return self._named([part.encode(source) for part in self.backbones])

    def encode_row(self, row: Row, task: HeadTask) -> Example:
        """Decode and preprocess what a task reads of a row, for each part as it takes it."""
        if task.inputs:
            return super().encode_row(row, task)
        return self._named([part.encode_row(row, task) for part in self.backbones])

    def forward(self, batch: Batch) -> Outputs:
        """The parts' vectors, side by side."""
        vectors = []
        for i, part in enumerate(self.backbones):
            mark = f"{i}:"
            own = {name.removeprefix(mark): value for name, value in batch.items() if name.startswith(mark)}
            vectors.append(part(own)["pooled"])
        return {"pooled": torch.cat(vectors, dim=1)}

    def stages(self) -> list[nn.Module]:
        """Those of the first part, then those of the next."""
        return [stage for part in self.backbones for stage in part.stages()]

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Refused: each part has files of its own."""
        raise InputError("models side by side have no weights of their own")

    def drop_published_head(self) -> None:
        """Remove the published head of each part."""
        for part in self.backbones:
            part.drop_published_head()

    def configure_for(self, task: HeadTask) -> None:
        """Set how each part preprocesses inputs for a task."""
        for part in self.backbones:
            part.configure_for(task)

    def save_assets(self, folder: Path) -> None:
        """Write what each part needs, with its number before the name of each file."""
        for i, part in enumerate(self.backbones):
            with TemporaryDirectory() as own:
                part.save_assets(Path(own))
                for path in Path(own).iterdir():
                    (folder / f"{i}-{path.name}").write_bytes(path.read_bytes())

    def load_assets(self, folder: Path) -> None:
        """Read what :meth:`save_assets` wrote."""
        for i, part in enumerate(self.backbones):
            with TemporaryDirectory() as own:
                for path in folder.glob(f"{i}-*"):
                    (Path(own) / path.name.removeprefix(f"{i}-")).write_bytes(path.read_bytes())
                part.load_assets(Path(own))

    @staticmethod
    def _named(examples: Sequence[Example]) -> Example:
        return {f"{i}:{name}": value for i, example in enumerate(examples) for name, value in example.items()}


def build(variant: Variant, given: Input, task: Task | None = None) -> Concat:
    """Build the parts that a variant names, with random parameters; see :func:`tlzoo.adapters.build`.

    Raises:
        InputError: A part is not what it was when the variant was made.
    """
    parts = []
    for named in variant.config["parts"]:
        card = catalogue.get(named["card"])
        own = variant_of(card, named["variant"])
        if card.variant_hash(own) != named["facts"]:
            raise InputError(f"{card.id}/{own.id} has changed since it became a part of this model; train it again")
        network = build_part(own, card.input_of(own), task)
        assert isinstance(network, Backbone)
        parts.append(network)
    return Concat(parts)
