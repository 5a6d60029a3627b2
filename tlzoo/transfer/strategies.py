"""Which parameters are trained: all, the head, the latter stages, or low-rank updates."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from tlzoo.cards.schema import Card
    from tlzoo.core.model import TrainableModel
    from tlzoo.vocabulary import Strategy, TaskFacts

LORA_RANK = 8
LORA_ALPHA = 16


def trains_on_cached_features(card: Card, task: TaskFacts, strategy: str) -> bool:
    """Whether a strategy trains only the task's head, on features of the frozen backbone that are computed once."""
    return strategy == "probe" and task.is_cacheable and card.gives_features(task)


def apply(model: TrainableModel, strategy: Strategy) -> None:
    """Set which parameters of a model are trained.

    ``probe`` trains the last stage, which is the head; ``partial`` also the last third of the other stages; ``lora``
    (Hu 2021, 2106.09685) trains the last stage, and adds updates of rank ``LORA_RANK`` to the linear layers and to the
    convolutions that mix channels.

    Args:
        model: A model whose ``stages()`` go from input to output.
        strategy: ``scratch``, ``full`` or ``further`` (all), ``probe``, ``partial``, or ``lora``.
    """
    if strategy in ("scratch", "full", "further"):
        model.requires_grad_(True)
        return
    stages = model.stages()
    model.requires_grad_(False)
    freed = max(1, (len(stages) - 1) // 3) + 1 if strategy == "partial" else 1
    if strategy == "lora":
        _add_lora(model, stages[:-1])
    for stage in stages[-freed:]:
        stage.requires_grad_(True)


def _add_lora(model: nn.Module, stages: list[nn.Module]) -> None:
    from peft import LoraConfig, inject_adapter_in_model
    from torch import nn

    inside = {id(m) for stage in stages for m in stage.modules()}
    targets = [
        name
        for name, module in model.named_modules()
        if id(module) in inside
        and (isinstance(module, nn.Linear) or (isinstance(module, nn.Conv1d | nn.Conv2d) and module.groups == 1))
    ]
    inject_adapter_in_model(LoraConfig(r=LORA_RANK, lora_alpha=LORA_ALPHA, target_modules=targets), model)


def set_train_mode(model: nn.Module) -> None:
    """Switch to training mode; frozen modules stay in evaluation mode, so that their statistics do not change."""
    model.train()
    for module in model.modules():
        parameters = list(module.parameters())
        if parameters and not any(p.requires_grad for p in parameters):
            module.eval()


def merge_lora(model: nn.Module) -> None:
    """Fold low-rank updates into the layers that they update, which restores the network's own parameter names."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for name, module in list(model.named_modules()):
        if isinstance(module, BaseTunerLayer):
            module.merge()
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, module.get_base_layer())
