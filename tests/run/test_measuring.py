"""What a plan is estimated from."""

from __future__ import annotations

from typing import Any

import pytest
from datasets import DatasetDict

from tlzoo.adapters.weights import Checkpoint
from tlzoo.cards import catalogue
from tlzoo.data.catalogue import Source
from tlzoo.data.dataset import Prepared, table
from tlzoo.data.media.image import encode_png
from tlzoo.data.rendered.scenes import boxed
from tlzoo.data.schemas import class_features
from tlzoo.run import execute
from tlzoo.run.measuring import measure_run
from tlzoo.run.plan import Run, recipe_for


@pytest.mark.parametrize(
    ("task", "trained"),
    [("object-detection", {"full", "partial", "probe"}), ("image-classification", {"full", "partial"})],
)
def test_training_is_measured_where_it_takes_time(
    scenes: list[dict[str, Any]], task: str, trained: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A head on cached maps is worth measuring, a head on cached vectors is not."""
    pictures = [{"bytes": encode_png(row["image"]), "path": None} for row in scenes]
    names = [str(i) for i in range(len(scenes))]
    columns: dict[str, list[Any]] = {"image": pictures, "group": names, "id": names}
    if task == "object-detection":
        rows = table(boxed(("square", "disc")), columns | {"objects": [row["objects"] for row in scenes]})
    else:
        rows = table(class_features("image", ("a", "b")), columns | {"label": [0, 1] * (len(scenes) // 2)})
    data = Prepared(DatasetDict(dict.fromkeys(("train", "validation", "test"), rows)))
    monkeypatch.setattr(execute, "data_of", lambda source: data)
    card = catalogue.get("inception-resnet-v2")
    variant = card.variants[-1]
    run = Run(
        Checkpoint(card.id, variant.id, "none"),
        task,
        Source("scenes", task, "image", "0", "rendered", ""),
        "full",
        0,
        1.0,
        recipe_for(card, variant, task, "full"),
        card.variant_hash(variant),
    )
    found = measure_run(run)
    assert found["sizes"] == dict.fromkeys(("train", "validation", "test"), len(scenes))
    assert set(found["training_rates"]) == trained and min(found["training_rates"].values()) > 0
    assert found["params"] > variant.params > 0
