"""Any model: a card drafted in memory for a name of timm, a repository of the Hub, a folder, or models side by side.

``timm:NAME``, ``hub:OWNER/NAME[@REVISION]`` or a path: the configuration that a library wrote decides the adapter, and
the network is built once, with random parameters, for its outputs. Code of a repository is never run: where its
configuration names some (``auto_map``), the library's own class is built, and the weights have to fit that.
``concat:CARD/VARIANT+CARD/VARIANT``: models of the catalogue, whose vectors one head reads.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlzoo.adapters import build
from tlzoo.adapters.weights import variant_of
from tlzoo.cards import catalogue
from tlzoo.cards.adhoc import AdHocCard, AdHocProvenance, LocalFile
from tlzoo.cards.reader import front_matter
from tlzoo.cards.schema import FEATURES, Card, File, Input, Licenses, OutputFacts, Transfer, Variant, Weights
from tlzoo.drafting.describe import VariantFacts, variant_facts, word
from tlzoo.drafting.readable import (
    TOKENIZERS,
    WEIGHTS,
    assets,
    check_normalisation,
    check_readable,
    first,
    heads,
    outputs,
    tagged,
)
from tlzoo.drafting.shelves import Folder, HubShelf, Shelf
from tlzoo.errors import InputError, UnavailableError, unknown
from tlzoo.keys import key
from tlzoo.vocabulary import SHORT_REVISION, TASKS, ModelStrategy, Output, is_ad_hoc, shown

if TYPE_CHECKING:
    from tlzoo.core.model import Backbone, Model

MAX_PARTS = 3
"""Models side by side."""
MAX_TOKENS = 512
"""Maximum length of a text, in tokens, where a network takes longer ones: those cost memory by their square."""


def find(name: str) -> Card:
    """The card of a name: of the catalogue, else drafted now.

    Args:
        name: A card's id, ``timm:NAME[.TAG]``, ``hub:OWNER/NAME[@REVISION]``, ``concat:CARD/VARIANT+CARD/VARIANT`` or a
            folder; of equal names, the card's.

    Raises:
        InputError: There is no such model, or none that an adapter reads.
        UnavailableError: The Hub does not deliver.
    """
    path = Path(name)
    if name in catalogue.read_all() or not (is_ad_hoc(name) or path.is_dir()):
        return catalogue.get(name)
    stamp = tuple((f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in path.iterdir()) if path.is_dir() else ()
    return _drafted(name, tuple(sorted(stamp)))


def find_again(card_id: str, variant: str) -> Card:
    """The card of a row: an ad-hoc model at the revision that it had; a folder is looked for where this process stands.

    Raises:
        InputError: There is no such model, or the folder is not there.
        UnavailableError: The Hub does not deliver.
    """
    scheme, _, rest = card_id.partition(":")
    if scheme == "concat":
        return find(card_id)
    if scheme != "folder" or not is_ad_hoc(card_id):
        return find(f"{card_id}@{variant}" if is_ad_hoc(card_id) else card_id)
    if not Path(rest).is_dir():
        raise InputError(f"model {card_id}: there is no folder {rest} here, which a row knows by its name alone")
    return find(f".{os.sep}{rest}")


@lru_cache(maxsize=16)
def _drafted(name: str, _stamp: tuple[tuple[str, int, int], ...]) -> AdHocCard:
    label, (scheme, _, rest) = f"model {name}", name.partition(":")
    if scheme == "timm":
        return _of_timm(rest, label)
    if scheme == "hub":
        return _draft(f"hub:{rest.partition('@')[0]}", HubShelf(rest, label))
    if scheme == "concat":
        return _side_by_side(rest, label)
    path = Path(name).resolve()
    if not path.is_dir():
        raise InputError(f"{label}: no such folder; name it without folder:, which only its id begins with")
    title = re.sub(r"[^\w.-]+", "-", path.name)
    return _draft(f"folder:{title or 'root'}", Folder(path, label))


def _of_timm(name: str, label: str) -> AdHocCard:
    """The card of a network of timm, with the weights of its tag, or of the tag that timm takes by default."""
    import timm

    name, _, revision = name.partition("@")
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        near = difflib.get_close_matches(architecture, timm.list_models(), n=5)
        raise InputError(f"{label}: timm has no such network; near: {', '.join(near) or 'none'}")
    tags = timm.list_models(architecture, pretrained=True, include_tags=True)
    if tag and name not in tags:
        raise unknown("weights", name, tags, label)
    cfg: Any = timm.get_pretrained_cfg(name)
    if not tags or not cfg.hf_hub_id:
        raise UnavailableError(f"{label}: timm publishes no weights of it on the Hub")
    full = f"{architecture}.{cfg.tag}" if cfg.tag else architecture
    place = f"{cfg.hf_hub_id}{full}" if cfg.hf_hub_id.endswith("/") else cfg.hf_hub_id
    default: Any = timm.get_pretrained_cfg(architecture)
    shelf = HubShelf(f"{place}@{revision}" if revision else place, label)
    return _draft(f"timm:{architecture if default.tag == cfg.tag else full}", shelf, full, cfg.license)


def _side_by_side(rest: str, label: str) -> AdHocCard:
    """The card of two or three models of the catalogue, whose frozen vectors one head reads."""
    chosen: list[tuple[Card, Variant]] = []
    for name in rest.split("+"):
        card = catalogue.get(name.partition("/")[0])
        chosen.append((card, variant_of(card, name.partition("/")[2] or card.default.id)))
    names = [f"{card.id}/{variant.id}" for card, variant in chosen]
    if not 1 < len(set(names)) == len(names) <= MAX_PARTS:
        raise InputError(f"{label}: expected two or three different models, such as concat:yamnet/nano+trill/nano")
    kind = chosen[0][0].input.kind
    for card, variant in chosen:
        is_probed = "probe" in card.transfer.strategies and variant.takes("probe")
        if card.input.kind != kind or "pooled" not in card.outputs or not is_probed:
            gives = f"{card.input.kind} in, {'+'.join(card.outputs)} out"
            raise InputError(f"{label}: {card.id}/{variant.id} ({gives}) gives no vector of one {kind} to a probe")
    parts = [{"card": card.id, "variant": variant.id, "facts": card.variant_hash(variant)} for card, variant in chosen]
    licences = {
        catalogue.license_of(card.id, "stand-in" if variant.kind == "nano" else "official") for card, variant in chosen
    }
    variant = Variant(
        id=key(parts)[:SHORT_REVISION],
        kind="official",
        description=f"The vectors of {' and '.join(names)}, side by side.",
        adapter="concat",
        model="concat",
        config={"parts": parts},
        params=sum(variant.params or 0 for _, variant in chosen),
    )
    rate = max(card.input.sample_rate or 0 for card, _ in chosen) or None
    given = Input(kind=kind, description="as each of them takes it", sample_rate=rate)
    licence = "unknown" if "unknown" in licences else " and ".join(sorted(licences))
    card_id = f"concat:{'+'.join(names)}"
    return _card(card_id, None, label, given, ("pooled",), variant, licence, [], None, ("probe",), licence)


def _draft(card_id: str, shelf: Shelf, timm_name: str | None = None, timm_license: str | None = None) -> AdHocCard:
    """Draft a card from what lies beside the weights."""
    config, preprocessor = shelf.json("config.json"), shelf.json("preprocessor_config.json")
    if "tlzoo" in config:
        return _of_bundle(card_id, shelf, config)
    facts = variant_facts(config, preprocessor)
    check_readable(facts, config, shelf)
    name, settings = facts.model, dict(facts.config)
    if facts.adapter == "timm":
        settings |= {"num_classes": config["num_classes"]} if "num_classes" in config else {}
        if timm_name is not None and timm_name.partition(".")[0] != name:
            raise InputError(f"{shelf.label}: the repository holds {name}")
        name = timm_name or tagged(name, config)
    else:
        settings |= {"pad_token_id": config["pad_token_id"]} if isinstance(config.get("pad_token_id"), int) else {}
        settings |= {"is_decoder": True} if name and name.endswith("ForCausalLM") else {}
    weights = first(WEIGHTS, shelf, "weights")
    files = [weights, *assets(facts, shelf)]
    licence = _licence(shelf) or timm_license or "unknown"
    known = {"kind": "official", "adapter": facts.adapter, "model": name, "config": settings}
    variant = _variant(shelf, files, licence, known | {"heads": heads(facts, config)})
    given = Input(kind="image", description="as its configuration says", **_sizes(facts))
    network = _built(variant, given, shelf)
    if facts.adapter == "timm":
        check_normalisation(network, facts, shelf)
    spec = network.spec
    seen = {"kind": spec.input, "height": spec.height, "width": spec.width, "hop_seconds": spec.hop_seconds}
    given = given.model_copy(update=seen)
    params = sum(parameter.numel() for parameter in network.parameters())
    notices = [f"{card_id}: not a card of the zoo; licence {licence}, revision {shown(card_id, variant.id)}"]
    if "auto_map" in config:
        notices.append(f"{card_id}: its own code is not run; it is read as {name} of {facts.adapter}")
    if facts.left_out:
        notices.append(f"{card_id}: left out of its configuration: {', '.join(facts.left_out)}")
    variant = variant.model_copy(update={"params": params})
    outputs_ = outputs(network, variant, config)
    return _card(card_id, shelf.owner, shelf.label, given, outputs_, variant, licence, notices)


def _variant(shelf: Shelf, names: list[str], licence: str, facts: Mapping[str, Any]) -> Variant:
    """The one variant: its id is the commit, or the beginning of the hash of the weights, which come first."""
    files = tuple(_file(shelf, name) for name in names)
    weights = Weights(tier="official", format=names[0].rpartition(".")[2], license=licence, files=files)
    revision = shelf.revision or (files[0].sha256 or "")[:SHORT_REVISION]
    return Variant.model_validate({"description": f"As in {names[0]}.", **facts, "id": revision, "weights": (weights,)})


def _file(shelf: Shelf, name: str) -> File:
    known = shelf.file(name)
    if known.place is None:
        return LocalFile(name=name, sha256=known.sha256, bytes=known.bytes, path=shelf.path(name))
    return File(name=name, places=(known.place,), sha256=known.sha256, bytes=known.bytes)


def _sizes(facts: VariantFacts) -> dict[str, Any]:
    """Fields of an input, with what a network of the kind usually takes where its configuration says nothing."""
    sizes: dict[str, Any] = {"height": 224, "width": 224} if facts.adapter == "timm" else {}
    sizes |= facts.input
    if facts.adapter == "transformers":
        sizes["max_tokens"] = min(MAX_TOKENS, sizes.get("max_tokens", MAX_TOKENS))
        sizes.setdefault("sample_rate", 16_000 if facts.model == "Wav2Vec2Model" else None)
    return sizes


def _built(variant: Variant, given: Input, shelf: Shelf) -> Backbone | Model:
    """The network with random parameters.

    Raises:
        InputError: Its library does not build it, or it is no backbone.
    """
    import torch

    try:
        with torch.random.fork_rng(devices=[]):
            return build(variant, given)
    except InputError as error:
        raise InputError(f"{shelf.label}: {error}") from error
    except Exception as error:  # libraries raise many types for a configuration that they do not take
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InputError(f"{shelf.label}: {variant.model} cannot be built as configured: {reason}") from error


def _of_bundle(card_id: str, shelf: Shelf, config: Mapping[str, object]) -> AdHocCard:
    """The card of a model that ``tlzoo finetune`` wrote: its variant, with the weights of the folder.

    Raises:
        InputError: Its description is damaged, or it has no backbone whose card is known.
    """
    try:
        hashes: Any = config["sha256"]
        paths = [shelf.path(name) for name in ("config.json", *hashes) if name in shelf.sizes]
        names = [WEIGHTS[0], *(name for name in TOKENIZERS if name in shelf.sizes)]
        licence = _licence(shelf) or "unknown"
        variant = _variant(shelf, names, licence, config["variant"])  # type: ignore[arg-type]
        given = Input.among(shelf.json("preprocessor_config.json"))
    except (KeyError, TypeError, ValueError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InputError(f"{shelf.label}: its config.json or preprocessor_config.json is damaged: {reason}") from None
    known = catalogue.read_all().get(str(config.get("card")))
    given_outputs = known.card.outputs if known else outputs(_built(variant, given, shelf), variant, config)
    notice = (
        f"{card_id}: fine-tuned by tlzoo from {config.get('card')} for {config.get('task')}; licence {licence}, "
        f"revision {shown(card_id, variant.id)}"
    )
    owner, label, folder = shelf.owner, shelf.label, paths[0].parent
    return _card(card_id, owner, label, given, given_outputs, variant, licence, [notice], folder)


def _licence(shelf: Shelf) -> str | None:
    """The licence that a repository's card names."""
    header = front_matter(shelf.text("README.md"))
    return word(header.get("license_name")) or word(header.get("license"))


def _card(
    card_id: str,
    owner: str | None,
    label: str,
    given: Input,
    outputs: tuple[Output, ...],
    variant: Variant,
    licence: str,
    notices: list[str],
    bundle: Path | None = None,
    strategies: tuple[ModelStrategy, ...] = ("zero-shot", "scratch", "probe", "partial", "full", "lora"),
    code: str = catalogue.CODE_LICENSE,
) -> AdHocCard:
    met = {
        name: [need for need in facts.needs if need <= set(outputs)]
        for name, facts in TASKS.items()
        if given.kind in facts.inputs
    }
    fits = [name for name, needs in met.items() if needs]
    if not fits:
        raise InputError(f"{label}: its outputs ({', '.join(outputs)} of {given.kind}) serve no task")
    # what its own head does, else what needs no head
    task = min(fits, key=lambda t: (all(need & FEATURES for need in met[t]), not TASKS[t].untrained))
    return AdHocCard(
        id=card_id,
        name=card_id,
        domain=TASKS[task].domain,
        task=task,
        summary="Drafted from its configuration.",
        provenance=AdHocProvenance(
            authors=("unknown",),
            organization=owner or "unknown",
            framework="pytorch",
            training_data=("unknown",),
            license=Licenses(code=code, weights=licence),
        ),
        input=given,
        output=OutputFacts(description="as its configuration says"),
        outputs=outputs,
        variants=(variant,),
        transfer=Transfer(
            strategies=strategies,
            freeze="all but the head first",
            advice="start with a probe",
        ),
        bundle=bundle,
        notices=tuple(notices),
    )
