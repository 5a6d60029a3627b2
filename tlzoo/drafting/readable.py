"""What of a checkpoint an adapter reads: its files, its head, its outputs; or why it reads none of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from tlzoo.adapters.families import FAMILIES
from tlzoo.cards.schema import Variant
from tlzoo.drafting.describe import VariantFacts, words
from tlzoo.drafting.shelves import Shelf
from tlzoo.errors import InputError
from tlzoo.vocabulary import TASKS, Output

if TYPE_CHECKING:
    from tlzoo.core.model import Backbone, Model

IMAGENET_CLASSES = 1000
"""Number of classes of the classifiers whose classes are known by name."""
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""Names of the one file of weights that adapters read, the first that is there."""
TOKENIZERS = ("tokenizer.json", "vocab.txt")
"""Names of the one file that a text model's tokenizer is read from, likewise."""
_WRITING = frozenset({"RobertaForCausalLM", "Wav2Vec2ForCTC"})
"""Architectures whose published head gives text."""


def heads(facts: VariantFacts, config: Mapping[str, object]) -> tuple[str, ...]:
    """Tasks that a head in the file does without training, as far as adapters read it."""
    if facts.adapter == "timm":
        is_classifier = config.get("num_classes") == IMAGENET_CLASSES
        return tuple(t for t, f in TASKS.items() if is_classifier and (f.domain, f.annotation) == ("image", "class"))
    answers = any(name.endswith("ForQuestionAnswering") for name in words(config.get("architectures")))
    return tuple(name for name, task in TASKS.items() if answers and "context" in task.columns)


def tagged(name: str | None, config: Mapping[str, object]) -> str | None:
    """A network of timm with the tag of its weights, whose facts timm knows, if timm published these."""
    import timm

    given = config.get("pretrained_cfg")
    full = f"{name}.{given.get('tag')}" if isinstance(given, dict) else ""
    return full if timm.is_model_pretrained(full) else name


def check_normalisation(network: Any, facts: VariantFacts, shelf: Shelf) -> None:
    """Check that pictures are normalised as a network of timm was trained.

    Raises:
        InputError: Its configuration has other numbers than timm has for the architecture.
    """
    for name in ("mean", "std"):
        given, own = facts.input.get(name), [round(float(each), 6) for each in getattr(network, name).flatten()]
        if isinstance(given, list) and [round(float(each), 6) for each in given] != own:
            raise InputError(f"{shelf.label}: its {name} is {given}, and timm's for {facts.model} {own}: not read yet")


def check_readable(facts: VariantFacts, config: Mapping[str, object], shelf: Shelf) -> None:
    """Check that an adapter reads a checkpoint.

    Raises:
        InputError: It is of no library, of an architecture that no adapter builds, or quantized.
    """
    if facts.adapter is None:
        what = "its config.json is of no library that is read" if config else "there is no config.json"
        raise InputError(f"{shelf.label}: {what}; read are models of timm, of transformers, and of tlzoo finetune")
    if facts.adapter not in ("timm", "transformers"):
        raise InputError(f"{shelf.label}: whole networks of {facts.adapter} are not read; write a card for its encoder")
    if "model" in facts.doubts:
        raise InputError(f"{shelf.label}: {facts.doubts['model']}")
    if config.get("quantization_config"):
        raise InputError(f"{shelf.label}: its weights are quantized; name the model that they were made from")


def first(names: tuple[str, ...], shelf: Shelf, what: str) -> str:
    """The first of some files that is there.

    Raises:
        InputError: None of them is.
    """
    name = next((name for name in names if name in shelf.sizes), None)
    if name is None:
        parts = " and its weights are in parts" if any(n.endswith(".index.json") for n in shelf.sizes) else ""
        raise InputError(f"{shelf.label}: no {what}: neither {' nor '.join(names)} is there{parts}")
    return name


def assets(facts: VariantFacts, shelf: Shelf) -> list[str]:
    """Names of what the adapter reads beside the weights."""
    if facts.adapter != "transformers":
        return []
    if facts.model not in FAMILIES:
        return ["vocab.json"] if "vocab.json" in shelf.sizes else []
    name = first(TOKENIZERS, shelf, "tokenizer")
    if name == "vocab.txt" and shelf.json("tokenizer_config.json").get("do_lower_case") is False:
        raise InputError(
            f"{shelf.label}: a cased tokenizer is read from tokenizer.json, which is not there; save it with "
            "AutoTokenizer.from_pretrained(...).save_pretrained(...)"
        )
    return ["config.json", name]


def outputs(network: Backbone | Model, variant: Variant, config: Mapping[str, object]) -> tuple[Output, ...]:
    """What a network gives, by its specification and by its published head."""
    names = [variant.model, *words(config.get("architectures"))]
    given = {*network.spec.outputs, *({"text"} if _WRITING & set(names) else ())}
    return tuple(output for output in get_args(Output) if output in given)
