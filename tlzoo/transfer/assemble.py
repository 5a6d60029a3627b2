"""From a checkpoint to a network with its parameters."""

from __future__ import annotations

from tlzoo.adapters import build
from tlzoo.adapters.weights import Checkpoint, variant_of
from tlzoo.cards import catalogue
from tlzoo.core.model import Backbone, Model, OfficialWeights
from tlzoo.core.task import Task


def assemble(checkpoint: Checkpoint, task: Task | None = None) -> Backbone | Model:
    """Build a variant and load its weights; for tier ``none`` the parameters are random.

    Args:
        checkpoint: Variant and weights.
        task: The task that it is for.

    Raises:
        UnavailableError: There is no adapter, or the source data of a stand-in are not available.
        InputError: The weights do not fit the network.
    """
    card = catalogue.get(checkpoint.card)
    variant = variant_of(card, checkpoint.variant)
    network = build(variant, card.input_of(variant), task)
    if checkpoint.tier == "official" and checkpoint.files:
        assert isinstance(network, OfficialWeights), f"{checkpoint.card}: its adapter reads no files"
        network.load_official(checkpoint.paths())
    elif checkpoint.tier == "stand-in" and not checkpoint.served_by:
        from tlzoo.transfer.standin import load_standin

        load_standin(network, card, checkpoint)
    return network
