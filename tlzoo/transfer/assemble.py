"""From a checkpoint to a network with its parameters."""

from __future__ import annotations

from pathlib import Path

from tlzoo.adapters import build
from tlzoo.adapters.concat import Concat
from tlzoo.adapters.weights import Checkpoint, card_of, variant_of
from tlzoo.cards.adhoc import AdHocCard
from tlzoo.checkpoints.damage import refused
from tlzoo.core.model import Backbone, HeadedModel, Model, OfficialWeights
from tlzoo.core.task import Task
from tlzoo.transfer import bundle


def assemble(checkpoint: Checkpoint, task: Task | None = None) -> Backbone | Model:
    """Build a variant and load its weights; for tier ``none`` the parameters are random.

    Args:
        checkpoint: Variant and weights.
        task: The task that it is for.

    Raises:
        UnavailableError: There is no adapter, or the source data of a stand-in are not available.
        InputError: The weights do not fit the network.
    """
    card = card_of(checkpoint)
    variant = variant_of(card, checkpoint.variant)
    if isinstance(card, AdHocCard) and card.bundle and checkpoint.tier == "official":
        return _of_bundle(card.bundle)
    network = build(variant, card.input_of(variant), task)
    _load(network, checkpoint)
    return network


def _load(network: Backbone | Model, checkpoint: Checkpoint) -> None:
    """Load the weights of a network, or of each of those that are side by side in it."""
    if checkpoint.parts:
        assert isinstance(network, Concat)
        for part, own in zip(network.backbones, checkpoint.parts, strict=True):
            _load(part, own)
    elif checkpoint.tier == "official" and checkpoint.files:
        assert isinstance(network, OfficialWeights), f"{checkpoint.card}: its adapter reads no files"
        paths = checkpoint.paths()
        with refused(next(iter(paths.values())), f"the weights of {checkpoint.card}"):
            network.load_official(paths)
    elif checkpoint.tier == "stand-in" and not checkpoint.served_by:
        from tlzoo.transfer.standin import load_standin

        load_standin(network, card_of(checkpoint), checkpoint)


def _of_bundle(folder: Path) -> Backbone | Model:
    """What a fine-tuned model consists of without the head that its task put on it."""
    model = bundle.load(folder)
    return model.backbone if isinstance(model, HeadedModel) else model
