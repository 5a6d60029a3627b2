"""Ad-hoc cards: drafted in memory for a model that is not in the catalogue, and never written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from tlzoo.cards.schema import Card, File, Place, Provenance, Sha256, Variant
from tlzoo.vocabulary import AD_HOC

AdHocId = Annotated[str, StringConstraints(pattern=rf"^(?:{'|'.join(AD_HOC)}):[^\s/]\S*$")]


class LocalFile(File):
    """A file of weights on this machine, known by its hash; no place serves it."""

    places: tuple[Place, ...] = ()
    sha256: Sha256
    path: Path


class AdHocProvenance(Provenance):
    """As far as it is known."""

    year: int | None = None  # type: ignore[assignment]


class AdHocCard(Card):
    """A card of a model that a person named instead of a card: ``timm:NAME``, ``hub:OWNER/NAME`` or a folder."""

    id: AdHocId
    """What was named; a folder by its last part."""
    variants: tuple[Variant, ...] = Field(min_length=1, max_length=1)
    """One, whose id is the revision of the weights: a commit, the tag of timm, or the beginning of their hash."""
    bundle: Path | None = None
    """The folder, if tlzoo wrote the model."""
    notices: tuple[str, ...] = ()
    """What a person should know of the draft, a line each."""

    @model_validator(mode="after")
    def _consistent(self) -> AdHocCard:
        if not self.can_do(self.task):
            raise ValueError(f"outputs {list(self.outputs)} do not serve task {self.task!r}")
        return self
