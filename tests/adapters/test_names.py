"""A card's adapter and model can only name what the package itself has, whatever they are."""

import sys
from pathlib import Path

import pytest

from tlzoo.adapters import build, is_built
from tlzoo.adapters.weights import variant_of
from tlzoo.cards import catalogue
from tlzoo.cards.schema import Input, Variant
from tlzoo.errors import InputError, TlzooError

GIVEN = Input(kind="image", description="x", height=32, width=32)


def variant(adapter: str, model: str, **config: object) -> Variant:
    """A variant that the schema would or would not let through."""
    return Variant.model_construct(
        id="x", kind="nano", description="x", adapter=adapter, model=model, config=config, weights=()
    )


@pytest.mark.parametrize(
    ("adapter", "model", "config"),
    [
        ("os", "system", {"command": "touch {marker}"}),
        ("own", "os:system", {"command": "touch {marker}"}),
        ("own", "yamnet:torch", {}),
        ("own", "yamnet:nn", {}),
        ("own", "yamnet:import_module", {"name": "antigravity"}),
        ("own", "yamnet:Path", {}),
        ("own", "yamnet", {}),
        ("own", "..cards.draft:write", {}),
        ("own", "yamnet.os:system", {}),
        ("timm", "hf-hub:someone/model", {}),
        ("timm", "local-dir:/tmp", {}),
        ("timm", "_hub.load_state_dict_from_hf", {"model_id": "someone/model", "weights_only": False}),
        ("timm", "_hub.download_cached_file", {"url": "https://example.org/x"}),
        ("timm", "_helpers.load_state_dict", {"checkpoint_path": "{marker}", "weights_only": False}),
        ("timm", "resnet.partial", {}),
        ("timm", "resnet.torch", {}),
        ("timm", "resnet.load_checkpoint", {}),
        ("timm", "os.system", {"command": "touch {marker}"}),
        ("torchvision", "_api.inspect", {}),
        ("torchvision", "detection.os", {}),
        ("torchvision", "get_model", {"name": "resnet18"}),
        ("smp", "from_pretrained", {"pretrained_model_name_or_path": "someone/model"}),
        ("transformers", "pipeline", {}),
        ("transformers", "AutoModel", {}),
        ("litert", "../evil.tflite", {}),
    ],
    ids=lambda v: str(v) if isinstance(v, str) else "",
)
def test_nothing_else_can_be_named(adapter: str, model: str, config: dict[str, object], tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    filled = {k: v.replace("{marker}", str(marker)) if isinstance(v, str) else v for k, v in config.items()}
    named = variant(adapter, model, **filled)
    is_built(named)
    with pytest.raises(TlzooError):
        build(named, GIVEN)
    assert not marker.exists()
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize(
    ("card", "variant", "model", "message"),
    [
        ("mobilenet", 0, "mobilenet_v4", "did you mean 'mobilenet_v2'"),
        ("detectron2", 0, "detection.fasterrcnn_resnet50_fp", r"did you mean 'detection\.fasterrcnn_resnet50_fpn'"),
        ("unet", 0, "UNett", "did you mean 'Unet'"),
        ("deeplabv3", "tflite", "deeplabv4.tflite", r"deeplabv3\.tflite"),
    ],
)
def test_an_unknown_network_names_the_closest(card: str, variant: str | int, model: str, message: str) -> None:
    facts = catalogue.get(card)
    known = facts.variants[0] if variant == 0 else variant_of(facts, str(variant))
    with pytest.raises(InputError, match=message):
        build(known.model_copy(update={"model": model}), facts.input)
