"""Whether a published classifier of pictures gives here what its own library gives."""

from __future__ import annotations

from tlzoo.adapters.weights import resolve, variant_of
from tlzoo.blobs import fetch
from tlzoo.cards import catalogue
from tlzoo.checkpoints.tensors import read_tensors
from tlzoo.core.model import Model
from tlzoo.core.predictions import ClassScores
from tlzoo.data.media.image import decode
from tlzoo.data.media.stored import Stored
from tlzoo.data.packaged.photographs import COINS, PAGE, PHOTOGRAPHS, SOURCE_PHOTOGRAPHS
from tlzoo.transfer.assemble import assemble
from tlzoo.transfer.inference import predict


def same_top1(card: str, variant: str) -> list[float]:
    """Share of photographs of which our pipeline and torchvision's own give the same class.

    Args:
        card: The card's id.
        variant: A variant of torchvision, with official weights in one file.

    Raises:
        UnavailableError: The weights or the photographs are not available.
    """
    import torch
    from torchvision.models import get_model, get_model_weights

    described = catalogue.get(card)
    checkpoint = resolve(described, "official", variant)
    model = assemble(checkpoint).published_model()
    assert isinstance(model, Model)
    name = variant_of(described, variant).model
    (path,) = checkpoint.paths().values()
    library = get_model(name).eval()
    library.load_state_dict(read_tensors(path))
    published = next(w for w in get_model_weights(name) if w.url.endswith(path.name))
    blobs = [*(blob for split in (*PHOTOGRAPHS.values(), *SOURCE_PHOTOGRAPHS.values()) for blob in split), COINS, PAGE]
    stored: list[Stored] = [{"bytes": None, "path": str(fetch(blob))} for blob in blobs]
    predictions = list(predict(model, (model.encode({"image": each}) for each in stored)))
    ours = [each.label for each in predictions if isinstance(each, ClassScores)]
    with torch.inference_mode():
        pictures = torch.stack([published.transforms()(decode(each).convert("RGB")) for each in stored])
        theirs = [published.meta["categories"][i] for i in library(pictures).argmax(-1).tolist()]
    return [sum(one == two for one, two in zip(ours, theirs, strict=True)) / len(stored)]
