"""What a repository of the Hub, or a local checkpoint, says of itself: the facts of a card's draft.

Nothing is run and nothing unpickled: names, sizes and hashes of files, headers of safetensors, JSON and front matter.
"""

from __future__ import annotations

import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from tlzoo import blobs
from tlzoo.adapters.families import ENCODERS, FAMILIES
from tlzoo.blobs.hub import Repository, from_hub, repository
from tlzoo.blobs.places import PlaceError
from tlzoo.cards.reader import front_matter
from tlzoo.cards.schema import LOADING, MAX_BITS, check_inert
from tlzoo.drafting.draft import DraftFacts, KnownFile
from tlzoo.errors import InputError, UnavailableError
from tlzoo.vocabulary import Interpolation

FORMATS = ("safetensors", "bin", "pth", "pt", "ckpt", "h5", "keras", "tflite", "onnx", "npz", "pkl", "gguf")
"""Extensions of weights, the safest first: only files of the first that is there are taken."""
ASSETS = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
"""What adapters read beside the weights, of models of transformers."""
MAX_BYTES = 5_000_000
"""Maximum size of a text that is read."""
MAX_HEADER_BYTES = 100_000_000
"""Maximum length of a safetensors header, by its definition."""
MAX_DIMENSIONS = 64
"""Maximum number of dimensions of a tensor, as in PyTorch."""
_NO_PARAMETER = re.compile(r"(^|\.)(running_mean|running_var|num_batches_tracked|position_ids|token_type_ids)$")
_FRAMEWORKS = {"h5": "tensorflow", "keras": "tensorflow", "tflite": "tensorflow"}
_NOT_OF_THE_NETWORK = frozenset(
    {"architectures", "model_type", "transformers_version", "torch_dtype", "dtype", "use_cache", "num_labels"}
    | {"problem_type", "gradient_checkpointing", "classifier_dropout", "id2label", "label2id"}
)


class _Shelf(ABC):
    """Files that lie together, wherever that is."""

    def __init__(self, where: str, owner: str | None, sizes: Mapping[str, int]) -> None:
        self.where, self.owner, self.sizes = where, owner, sizes

    @abstractmethod
    def path(self, name: str) -> Path:
        """A file, on disk."""

    @abstractmethod
    def file(self, name: str) -> KnownFile:
        """Its size and hash."""

    @abstractmethod
    def shapes(self, name: str) -> dict[str, tuple[int, ...]]:
        """Shapes of its tensors, of safetensors."""


class _Folder(_Shelf):
    """A folder on disk; of one file, that file and what describes it."""

    def __init__(self, path: Path) -> None:
        self.root = path if path.is_dir() else path.parent
        beside = {*ASSETS, "README.md", "preprocessor_config.json", path.name}
        files = [f for f in sorted(self.root.iterdir()) if f.is_file() and (path.is_dir() or f.name in beside)]
        super().__init__(str(path), None, {file.name: file.stat().st_size for file in files})

    def path(self, name: str) -> Path:
        return self.root / name

    def file(self, name: str) -> KnownFile:
        return KnownFile(name, blobs.sha256_of(self.path(name)), self.sizes[name])

    def shapes(self, name: str) -> dict[str, tuple[int, ...]]:
        return safetensors_shapes(self.path(name))


class _Hub(_Shelf):
    """A repository of the Hub."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        sizes = {name: size for name, (size, _) in repository.files.items()}
        super().__init__(f"hub:{repository.name}", repository.name.partition("/")[0], sizes)

    def path(self, name: str) -> Path:
        return from_hub(self.repository.place(name), size=self.sizes[name], progress=False)

    def file(self, name: str) -> KnownFile:
        size, sha256 = self.repository.files[name]
        return KnownFile(name, sha256 or blobs.sha256_of(self.path(name)), size, self.repository.place(name))

    def shapes(self, name: str) -> dict[str, tuple[int, ...]]:
        return self.repository.shapes(name)


def describe(source: str) -> DraftFacts:
    """Read what a source says of a model.

    Args:
        source: ``hub:owner/name``, with ``@revision`` where it is not ``main``; or a folder or a file.

    Raises:
        InputError: The source does not exist, or has no weights.
        UnavailableError: The Hub does not deliver.
    """
    if not source.startswith("hub:"):
        path = Path(source)
        if not path.exists():
            raise InputError(f"--from {source}: no such folder or file; of the Hub, hub:OWNER/NAME")
        return _read(_Folder(path))
    name = source.removeprefix("hub:")
    if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*(@[\w.-]+)?", name):
        raise InputError(f"--from {source}: expected hub:OWNER/NAME or hub:OWNER/NAME@REVISION")
    try:
        return _read(_Hub(repository(name)))
    except PlaceError as error:
        raise UnavailableError(f"--from {source}: {error}") from error


def safetensors_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of the tensors of a safetensors file by name, from its header.

    Raises:
        InputError: It is not a valid safetensors file.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > MAX_HEADER_BYTES:
                raise ValueError(f"a header of {length:,} bytes")
            header = json.loads(file.read(length))
        return {name: tuple(map(int, tensor["shape"])) for name, tensor in header.items() if name != "__metadata__"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: not a valid safetensors file: {' '.join(str(error).split())[:200]}") from None


@dataclass(frozen=True)
class _Variant:
    """What a configuration says of the network."""

    adapter: str | None = None
    model: str | None = None
    config: Mapping[str, object] = field(default_factory=dict)
    input: Mapping[str, object] = field(default_factory=dict)
    doubts: Mapping[str, str] = field(default_factory=dict)


def _read(shelf: _Shelf) -> DraftFacts:
    form = next((f for f in FORMATS if any(name.endswith(f".{f}") for name in shelf.sizes)), None)
    if form is None:
        raise InputError(f"--from {shelf.where}: there are no weights; known: {', '.join(f'.{f}' for f in FORMATS)}")
    weights = [name for name in shelf.sizes if name.endswith(f".{form}")]
    variant = _variant(_json(shelf, "config.json"), _json(shelf, "preprocessor_config.json"))
    assets = [name for name in ASSETS if name in shelf.sizes] if variant.adapter == "transformers" else []
    text = _text(shelf, "README.md")
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
        license=_word(header.get("license")),
        license_name=_word(header.get("license_name")),
        paper=f"https://arxiv.org/abs/{paper[1]}" if paper else None,
        organization=shelf.owner,
        framework=_FRAMEWORKS.get(form, "pytorch"),
        training_data=_words(header.get("datasets")),
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


def _variant(config: Mapping[str, object], preprocessor: Mapping[str, object]) -> _Variant:
    """Adapter, model and input, from the configuration that a library wrote."""
    if "architecture" in config and isinstance(given := config.get("pretrained_cfg"), dict):
        return _of_timm(config, given)
    if "_model_class" in config and "encoder_name" in config:
        arguments, doubt = _arguments(config)
        model = _word(config["_model_class"]) or "Unet"
        return _Variant("smp", model, arguments | {"encoder_weights": None}, doubts=doubt)
    if "model_type" in config:
        return _of_transformers(config, preprocessor)
    return _Variant()


def _of_timm(config: Mapping[str, object], given: Mapping[str, object]) -> _Variant:
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
    arguments, doubt = _arguments(given_arguments)
    return _Variant("timm", _word(config["architecture"]), arguments, facts, doubt)


def _of_transformers(config: Mapping[str, object], preprocessor: Mapping[str, object]) -> _Variant:
    known = {**ENCODERS, **FAMILIES}
    named = next(iter(_words(config.get("architectures"))), "")
    body = re.sub(r"(For\w+|LMHeadModel|Model)$", "", named)
    model = next((name for name in (named, f"{body}Model", f"{body}ForCausalLM") if name in known), None)
    doubts = {}
    if model is None:
        doubts["model"] = f"no adapter builds {named or config['model_type']} yet; known: {', '.join(known)}"
    network = {n: v for n, v in config.items() if n not in _NOT_OF_THE_NETWORK and not n.endswith("_token_id")}
    arguments, doubt = _arguments(network)
    if arguments:
        doubts["config"] = "; ".join(["keep only what differs from the class's own defaults", *doubt.values()])
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
    return _Variant("transformers", model or _word(named) or f"{body}Model", arguments, facts, doubts)


def _arguments(config: Mapping[str, object]) -> tuple[dict[str, object], dict[str, str]]:
    """Arguments that a card may have, and a doubt that names those that were left out."""
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
    shown = ", ".join(others[:10]) + (f" and {len(others) - 10} more" if len(others) > 10 else "")
    return arguments, {"config": f"left out, for a card cannot have its value: {shown}"} if others else {}


def _is_numbers(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(n, int | float) and abs(n) < 1e9 for n in value)


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(r"\w[\w.+-]*", value) else None


def _words(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(v for v in values if isinstance(v, str) and re.fullmatch(r"\w[\w./+-]*", v))


def _text(shelf: _Shelf, name: str) -> str:
    if not 0 < shelf.sizes.get(name, 0) <= MAX_BYTES:
        return ""
    return shelf.path(name).read_text(encoding="utf-8", errors="replace")


def _json(shelf: _Shelf, name: str) -> dict[str, object]:
    try:
        value = json.loads(_text(shelf, name) or "{}")
    except (ValueError, RecursionError) as error:
        raise InputError(f"--from {shelf.where}: {name}: not valid JSON: {error}") from None
    return value if isinstance(value, dict) else {}
