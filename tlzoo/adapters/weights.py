"""From a card to the weights that are available now."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from tlzoo import blobs, files
from tlzoo.adapters import is_built
from tlzoo.cards import catalogue
from tlzoo.cards.adhoc import AdHocCard, LocalFile
from tlzoo.cards.schema import Card, File, Variant, Weights
from tlzoo.errors import UnavailableError, unknown
from tlzoo.vocabulary import Tier, shown

Wanted = Literal["auto", "official", "stand-in", "none"]


@dataclass(frozen=True)
class Checkpoint:
    """Where a variant's parameters come from.

    Attributes:
        card: The card's id.
        variant: The variant's id.
        tier: Of the weights; ``baseline`` of what is no model.
        sha256: Hash of the weight file (of the hashes of several files); of the recipe of a stand-in that is pretrained
            here; empty without weights.
        files: Verified files, as pairs of name and path.
        notice: Why a better tier was not used.
        served_by: Name and host of a model behind an API.
        parts: Of models side by side, the checkpoint of each.
        drafted: The card, if it is not that of the catalogue.
    """

    card: str
    variant: str
    tier: Tier
    sha256: str = ""
    files: tuple[tuple[str, str], ...] = ()
    notice: str = ""
    served_by: str = ""
    parts: tuple[Checkpoint, ...] = ()
    drafted: Card | None = field(default=None, compare=False, repr=False)

    @property
    def name(self) -> str:
        """Card and variant, for notices."""
        return self.card if self.parts else f"{self.card}/{shown(self.card, self.variant)}"

    @property
    def label(self) -> str:
        """Name of the variant in rows; a stand-in behind an API has its own name."""
        return self.served_by or self.variant

    def paths(self) -> dict[str, Path]:
        """Files by name."""
        return {name: Path(path) for name, path in self.files}


def card_of(checkpoint: Checkpoint) -> Card:
    """The card of a checkpoint: that of the catalogue, or the one that was drafted for it."""
    return checkpoint.drafted or catalogue.get(checkpoint.card)


def blob(file: File, license: str | None = None) -> blobs.Blob:  # noqa: A002
    """The blob of a card's file; the licence is that of its weights."""
    return blobs.Blob(file.name, file.places, file.sha256, file.bytes, license)


def fetched(file: File, license: str | None = None) -> Path:  # noqa: A002
    """A card's file on this machine, verified.

    Args:
        file: The file.
        license: That of its weights.

    Raises:
        UnavailableError: No place delivers it, or a file of a person's folder has changed.
    """
    if not isinstance(file, LocalFile):
        return blobs.fetch(blob(file, license))
    if file.path.is_file() and blobs.hash_of(file.path) == file.sha256:
        return file.path
    raise UnavailableError(f"{file.path}: changed or gone since it was first read; run the same command again")


def resolve(
    card: Card,
    wanted: Wanted = "auto",
    variant: str | None = None,
    strategy: str | None = None,
    task: str | None = None,
    pretrain: bool = False,
) -> Checkpoint:
    """Choose variant and tier, and fetch the files.

    Args:
        card: The card.
        wanted: A tier, or ``auto`` for the best available.
        variant: Only this one; by default official variants in the card's order, then nano.
        strategy: The strategy of the run; variants that do not support it are left out.
        task: The task of the run, for which some variants may have a published head.
        pretrain: Whether a stand-in is pretrained here although its file ships with the package.

    Raises:
        UnavailableError: Weights of the tier are not available; the message says what was tried.
        InputError: The card does not have the variant.
    """
    named = [v for v in ([variant_of(card, variant)] if variant else card.variants) if card.takes(v, strategy, task)]
    if not named:
        raise UnavailableError(f"{card.id}: {variant or 'no variant'} does not take {strategy}")
    candidates = [v for v in named if is_built(v)]
    if not candidates:
        raise UnavailableError(f"{card.id}: no adapter for {named[0].adapter} {named[0].model} in this version yet")
    if candidates[0].is_api_model:
        return _served(card, candidates[0], wanted)
    if wanted == "none":
        return Checkpoint(card.id, candidates[0].id, "none", drafted=_drafted(card))
    if candidates[0].adapter == "concat":
        return _side_by_side(card, candidates[0], wanted)
    refused: list[str] = []
    if wanted in ("auto", "official"):
        for candidate in candidates:
            for weights in (w for w in candidate.weights if w.tier == "official"):
                try:
                    return _official(card, candidate, weights)
                except UnavailableError as error:
                    refused.append(f"{candidate.id}: {error}")
        if not refused:
            where = f"variant {variant}" if variant else "the card"
            refused.append(
                f"{where} names no official file{f' that takes {strategy}' if strategy and not variant else ''}"
            )
    if wanted in ("auto", "stand-in"):
        for candidate in candidates:
            for weights in (w for w in candidate.weights if w.tier == "stand-in"):
                instead = _stands_in(card, candidate, refused)
                return _standin(card, candidate, None if pretrain else weights.sha256, instead)
        refused.append("no variant has stand-in weights")
    raise UnavailableError(
        f"{card.id}: no {wanted if wanted != 'auto' else 'official or stand-in'} weights: {'; '.join(refused)}"
    )


def shipped_path(card: Card, variant: Variant) -> Path:
    """Where the file of a stand-in lies that ships with the package."""
    return files.shipped("weights") / f"{card.id}-{variant.id}.safetensors"


def _standin(card: Card, variant: Variant, sha256: str | None, instead: str) -> Checkpoint:
    """A stand-in: the file that ships, or else, which a notice says, one to be pretrained.

    Args:
        card: The card.
        variant: The variant.
        sha256: Hash of the file that ships; absent where none is wanted or there is none.
        instead: Why a better tier was not used.
    """
    checkpoint = Checkpoint(card.id, variant.id, "stand-in", notice=instead, drafted=_drafted(card))
    if sha256 is None:
        return checkpoint
    path = shipped_path(card, variant)
    fault = blobs.fault_of(path, sha256)
    if not fault:
        return replace(checkpoint, sha256=sha256, files=((path.name, str(path)),))
    here = f"{card.id}: {path} {fault}, so its stand-in is pretrained here; the results that ship are of other weights"
    return replace(checkpoint, notice=f"{instead}; {here}" if instead else here)


def _stands_in(card: Card, variant: Variant, refused: Sequence[str]) -> str:
    """Why official weights were not used, in one line; empty if they were not tried."""
    if not refused:
        return ""
    more = f"; {len(refused) - 1} more like it" if len(refused) > 1 else ""
    return f"{card.id}: stand-in weights ({variant.id}), since official: {refused[0]}{more}"


def _official(card: Card, variant: Variant, weights: Weights) -> Checkpoint:
    paths = [(file.name, fetched(file, weights.license)) for file in weights.files]
    hashes = [f.sha256 or blobs.hash_of(path) for f, (_, path) in zip(weights.files, paths, strict=True)]
    combined = hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
    files = tuple((name, str(path)) for name, path in paths)
    return Checkpoint(card.id, variant.id, "official", combined, files, drafted=_drafted(card))


def _side_by_side(card: Card, variant: Variant, wanted: Wanted) -> Checkpoint:
    """The weights of each part; official where all are."""
    parts = tuple(resolve(catalogue.get(part["card"]), "auto", part["variant"]) for part in variant.config["parts"])
    bare = next((part for part in parts if not part.files), None)
    if bare is not None:
        raise UnavailableError(f"{card.id}: there is no file of the weights of {bare.name}")
    tier: Tier = "official" if all(part.tier == "official" for part in parts) else "stand-in"
    if wanted not in ("auto", tier):
        raise UnavailableError(f"{card.id}: together, its weights are of tier {tier}, not {wanted}")
    combined = hashlib.sha256("".join(part.sha256 for part in parts).encode()).hexdigest()
    paths = tuple((f"{i}/{name}", path) for i, part in enumerate(parts) for name, path in part.files)
    notice = "; ".join(part.notice for part in parts if part.notice)
    return Checkpoint(card.id, variant.id, tier, combined, paths, notice, parts=parts, drafted=_drafted(card))


def _drafted(card: Card) -> AdHocCard | None:
    return card if isinstance(card, AdHocCard) else None


def _served(card: Card, variant: Variant, wanted: Wanted) -> Checkpoint:
    """A model behind an API; an endpoint other than the published one serves a stand-in."""
    from tlzoo.adapters.chat_api.endpoint import endpoint

    server = endpoint(variant.model, variant.config.get("price"))
    if blobs.is_offline() and not server.is_local:
        raise UnavailableError(f"{card.id}: {server.host} is not asked, offline; OPENAI_BASE_URL may name this machine")
    if server.official and variant.retired and variant.retired.date <= f"{datetime.now(UTC):%Y-%m-%d}":
        gone = variant.retired
        raise UnavailableError(
            f"{card.id}: {variant.model} was shut down on {gone.date} ({gone.source}); set TLZOO_OPENAI_MODEL to a "
            f"model that answers, such as {gone.successor}, and TLZOO_OPENAI_PRICE to its price"
        )
    if variant.kind == "nano" and server.official:
        raise UnavailableError(
            f"{card.id}: {variant.id} is served by an endpoint of your own; set OPENAI_BASE_URL to it"
        )
    tier: Literal["official", "stand-in"] = "official" if server.official else "stand-in"
    if wanted not in ("auto", tier):
        raise UnavailableError(f"{card.id}: the endpoint serves {server.label}, which is of tier {tier}, not {wanted}")
    reasoning = f" {server.effort} {server.reasoning_tokens}" if server.effort or server.reasoning_tokens else ""
    key = hashlib.sha256(f"{server.url} {server.model}{reasoning}".encode()).hexdigest()
    notice = "" if server.official else f"{card.id}: {server.label} stands in for it"
    return Checkpoint(card.id, variant.id, tier, key, notice=notice, served_by="" if server.official else server.label)


def variant_of(card: Card, variant_id: str) -> Variant:
    """Look a variant up.

    Raises:
        InputError: The card does not have the variant.
    """
    for variant in card.variants:
        if variant.id == variant_id:
            return variant
    raise unknown("variant", variant_id, [v.id for v in card.variants], card.id)
