"""What a repository of the Hub, or a local checkpoint, says of itself: the facts of a card's draft.

Nothing is run and nothing unpickled: names, sizes and hashes of files, headers of safetensors, JSON and front matter.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from tlzoo.adapters.families import ENCODERS, FAMILIES
from tlzoo.cards.reader import front_matter
from tlzoo.cards.schema import LOADING, MAX_BITS, check_inert
from tlzoo.drafting.draft import DraftFacts
from tlzoo.drafting.shelves import ASSETS, Folder, HubShelf, Shelf
from tlzoo.errors import InputError
from tlzoo.vocabulary import Interpolation

FORMATS = ("safetensors", "bin", "pth", "pt", "ckpt", "h5", "keras", "tflite", "onnx", "npz", "pkl", "gguf")
"""Extensions of weights, the safest first: only files of the first that is there are taken."""
MAX_DIMENSIONS = 64
"""Maximum number of dimensions of a tensor, as in PyTorch."""
_NO_PARAMETER = re.compile(r"(^|\.)(running_mean|running_var|num_batches_tracked|position_ids|token_type_ids)$")
_FRAMEWORKS = {"h5": "tensorflow", "keras": "tensorflow", "tflite": "tensorflow"}
_NOT_OF_THE_NETWORK = frozenset(
    {"architectures", "model_type", "transformers_version", "torch_dtype", "dtype", "use_cache", "num_labels"}
    | {"problem_type", "gradient_checkpointing", "classifier_dropout", "id2label", "label2id"}
)


def describe(source: str) -> DraftFacts:
    """Read what a source says of a model.

    Args:
        source: ``hub:owner/name``, with ``@revision`` where it is not ``main``; or a folder or a file.

    Raises:
        InputError: The source does not exist, or has no weights.
        UnavailableError: The Hub does not deliver.
    """
    label = f"--from {source}"
    if source.startswith("hub:"):
        return _read(HubShelf(source.removeprefix("hub:"), label))
    path = Path(source)
    if not path.exists():
        raise InputError(f"{label}: no such folder or file; of the Hub, hub:OWNER/NAME")
    return _read(Folder(path, label))


@dataclass(frozen=True)
class VariantFacts:
    """What a configuration says of the network."""

    adapter: str | None = None
    model: str | None = None
    config: Mapping[str, object] = field(default_factory=dict)
    input: Mapping[str, object] = field(default_factory=dict)
    doubts: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def _read(shelf: Shelf) -> DraftFacts:
    form = next((f for f in FORMATS if any(name.endswith(f".{f}") for name in shelf.sizes)), None)
    if form is None:
        raise InputError(f"{shelf.label}: there are no weights; known: {', '.join(f'.{f}' for f in FORMATS)}")
    weights = [name for name in shelf.sizes if name.endswith(f".{form}")]
    variant = variant_facts(shelf.json("config.json"), shelf.json("preprocessor_config.json"))
    assets = [name for name in ASSETS if name in shelf.sizes] if variant.adapter == "transformers" else []
    text = shelf.text("README.md")
    header = front_matter(text)
    doubts = dict(variant.doubts)
    params = None
    if form == "safetensors":
        params = sum(parameters(shelf.shapes(name)) for name in weights)
        doubts["params"] = "these are the file's, its head included; write what the check counts on the built model"
    paper = re.search(r"arxiv\.org/(?:abs|pdf)/(\d{4}\.\d{4,5})", text)
    title = re.search(r"^# +(\S.*)$", text, re.MULTILINE)
    return DraftFacts(
        name=title[1][:80].rstrip() if title else None,
        license=word(header.get("license")),
        license_name=word(header.get("license_name")),
        paper=f"https://arxiv.org/abs/{paper[1]}" if paper else None,
        organization=shelf.owner,
        framework=_FRAMEWORKS.get(form, "pytorch"),
        training_data=words(header.get("datasets")),
        adapter=variant.adapter,
        model=variant.model,
        config=variant.config,
        input=variant.input,
        params=params,
        format=form,
        files=tuple(shelf.file(name) for name in [*weights, *assets]),
        doubts=doubts,
    )


def parameters(shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Numbers in a file's tensors, without what is known to be no parameter: statistics, counters, positions.

    Raises:
        InputError: A shape is not one that a tensor can have.
    """
    for name, shape in shapes.items():
        if len(shape) > MAX_DIMENSIONS or not all(0 <= side < 1 << MAX_BITS for side in shape):
            raise InputError(f"tensor {name[:80]!r}: not a shape that a tensor can have")
    return sum(math.prod(shape) for name, shape in shapes.items() if not _NO_PARAMETER.search(name))


def variant_facts(config: Mapping[str, object], preprocessor: Mapping[str, object]) -> VariantFacts:
    """Adapter, model and input, from the configuration that a library wrote."""
    if "architecture" in config and isinstance(given := config.get("pretrained_cfg"), dict):
        return _of_timm(config, given)
    if "_model_class" in config and "encoder_name" in config:
        arguments, others = _arguments(config)
        model = word(config["_model_class"]) or "Unet"
        return VariantFacts("smp", model, arguments | {"encoder_weights": None}, {}, _doubt(others), others)
    if "model_type" in config:
        return _of_transformers(config, preprocessor)
    return VariantFacts()


def _of_timm(config: Mapping[str, object], given: Mapping[str, object]) -> VariantFacts:
    size = given.get("input_size")
    facts: dict[str, object] = {}
    if isinstance(size, list) and len(size) == 3 and all(isinstance(n, int) for n in size):
        facts = {"height": size[1], "width": size[2], "channels": size[0]}
        share = given.get("crop_pct")
        if isinstance(share, int | float) and 0 < share <= 1:
            facts["resize"] = math.floor(min(size[1:]) / share)
    if given.get("interpolation") in get_args(Interpolation):
        facts["interpolation"] = given["interpolation"]
    facts |= {name: given[name] for name in ("mean", "std") if _is_numbers(given.get(name))}
    written = config.get("model_args")
    given_arguments: dict[str, object] = written if isinstance(written, dict) else {}
    if config.get("num_classes") not in (None, 1000):
        given_arguments = given_arguments | {"num_classes": config["num_classes"]}
    arguments, others = _arguments(given_arguments)
    return VariantFacts("timm", word(config["architecture"]), arguments, facts, _doubt(others), others)


def _of_transformers(config: Mapping[str, object], preprocessor: Mapping[str, object]) -> VariantFacts:
    known = {**ENCODERS, **FAMILIES}
    named = next(iter(words(config.get("architectures"))), "")
    body = re.sub(r"(For\w+|LMHeadModel|Model)$", "", named)
    model = next((name for name in (named, f"{body}Model", f"{body}ForCausalLM") if name in known), None)
    doubts = {}
    if model is None:
        doubts["model"] = f"no adapter builds {named or config['model_type']} yet; known: {', '.join(known)}"
    network = {n: v for n, v in config.items() if n not in _NOT_OF_THE_NETWORK and not n.endswith("_token_id")}
    arguments, others = _arguments(network)
    if arguments:
        doubts["config"] = "; ".join(["keep only what differs from the class's own defaults", *_doubt(others).values()])
    facts: dict[str, object] = {}
    if isinstance(longest := config.get("max_position_embeddings"), int):
        facts["max_tokens"] = longest
    if isinstance(rate := preprocessor.get("sampling_rate"), int):
        facts["sample_rate"] = rate
    if isinstance(side := config.get("image_size"), int):
        facts |= {"height": side, "width": side}
    if isinstance(frames := config.get("num_frames"), int):
        facts["frames"] = frames
    for ours, theirs in (("mean", "image_mean"), ("std", "image_std")):
        if _is_numbers(preprocessor.get(theirs)):
            facts[ours] = preprocessor[theirs]
    return VariantFacts("transformers", model or word(named) or f"{body}Model", arguments, facts, doubts, others)


def _arguments(config: Mapping[str, object]) -> tuple[dict[str, object], tuple[str, ...]]:
    """Arguments that a card may have, and the names of those that were left out, for it cannot have their values."""
    arguments: dict[str, object] = {}
    others = []
    for name, value in config.items():
        if value is None or name in LOADING or not re.fullmatch(r"[a-z]\w*", name):
            continue
        try:
            check_inert({name: value}, "config")
            arguments[name] = value
        except ValueError:
            others.append(name)
    return arguments, tuple(others)


def _doubt(left_out: tuple[str, ...]) -> dict[str, str]:
    """A doubt that names arguments that were left out."""
    shown = ", ".join(left_out[:10]) + (f" and {len(left_out) - 10} more" if len(left_out) > 10 else "")
    return {"config": f"left out, for a card cannot have its value: {shown}"} if left_out else {}


def _is_numbers(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(n, int | float) and abs(n) < 1e9 for n in value)


def word(value: object) -> str | None:
    """A value that is one word; ``None`` of any other."""
    return value if isinstance(value, str) and re.fullmatch(r"\w[\w.+-]*", value) else None


def words(value: object) -> tuple[str, ...]:
    """The values that are names, of one or of a list."""
    values = value if isinstance(value, list) else [value]
    return tuple(v for v in values if isinstance(v, str) and re.fullmatch(r"\w[\w./+-]*", v))
