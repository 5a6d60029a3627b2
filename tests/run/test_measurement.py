"""What a plan is estimated from."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tlzoo.adapters.weights import Checkpoint, resolve
from tlzoo.cards import catalogue
from tlzoo.data.catalogue import Sample, Source, find
from tlzoo.data.dataset import table
from tlzoo.data.media.image import encode_png
from tlzoo.data.rendered.scenes import boxed
from tlzoo.data.schemas import class_features
from tlzoo.measure.measurement import Measurement
from tlzoo.run import measurement
from tlzoo.run.measurement import Measured, MeasurementCache, Rates, measure_run, measured_tier
from tlzoo.run.plan import Run, recipe_for


@pytest.mark.parametrize(
    ("task", "trained"),
    [("object-detection", {"full", "partial", "probe"}), ("image-classification", {"full", "partial"})],
)
def test_training_is_measured_where_it_takes_time(
    scenes: list[dict[str, Any]], task: str, trained: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A head on cached maps is worth measuring, a head on cached vectors is not."""
    monkeypatch.setattr("tlzoo.measure.measure.ROUND_SECONDS", (0.1, 0.2))
    monkeypatch.setattr("tlzoo.measure.measure.THROUGHPUT_SECONDS", 0.5)
    pictures = [{"bytes": encode_png(row["image"]), "path": None} for row in scenes]
    names = [str(i) for i in range(len(scenes))]
    columns: dict[str, list[Any]] = {"image": pictures, "group": names, "id": names}
    if task == "object-detection":
        rows = table(boxed(("square", "disc")), columns | {"objects": [row["objects"] for row in scenes]})
    else:
        rows = table(class_features("image", ("a", "b")), columns | {"label": [0, 1] * (len(scenes) // 2)})
    sizes = {"train": 30, "validation": 20, "test": 10}
    monkeypatch.setattr(measurement, "sample", lambda source, count: Sample(rows, sizes))
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
    measured = measure_run(run)
    rates = measured.rates
    assert rates is not None and rates.sizes == sizes
    assert set(rates.training) == trained and min(rates.training.values()) > 0
    assert measured.measurement.params is not None and variant.params is not None
    assert measured.measurement.params > variant.params > 0
    assert Measured.from_json(measured.to_json()) == measured


@pytest.fixture
def run() -> Run:
    card = catalogue.get("resnet-50")
    variant = card.variants[-1]
    source = Source("rows", "image-classification", "image", "0", "rendered", "")
    recipe = recipe_for(card, variant, source.task, "full")
    return Run(Checkpoint(card.id, variant.id, "none"), source.task, source, "full", 0, 1.0, recipe, "hash")


def test_a_model_is_measured_once_for_a_task_and_its_data(run: Run, tmp_path: Path) -> None:
    cache, results = MeasurementCache(tmp_path / "measurements"), iter(range(1, 10))

    def measure() -> Measured:
        return Measured(Measurement(params=next(results)), Rates({"test": 3}, {"full": 2.5}))

    assert run not in cache
    first = cache.get(run, measure)
    assert run in cache and first == Measured(Measurement(params=1), Rates({"test": 3}, {"full": 2.5}))
    for same in (replace(run, seed=1), replace(run, strategy="partial"), replace(run, fraction=0.5)):
        assert same in cache and cache.get(same, measure) == first
    official = replace(run, checkpoint=replace(run.checkpoint, tier="official", sha256="a"))
    assert cache.get(official, measure) == first, "one vector an example takes as long with any weights"
    boxes = replace(official, task="object-detection")
    others = (
        boxes,
        replace(boxes, checkpoint=replace(boxes.checkpoint, sha256="b")),
        replace(boxes, strategy="scratch"),
        replace(run, strategy="zero-shot"),
        replace(run, device="cuda"),
        replace(run, card_hash="other"),
        replace(run, source=replace(run.source, fingerprint="1")),
    )
    assert [cache.get(other, measure).measurement.params for other in others] == [2, 3, 4, 5, 6, 7, 8]


def test_a_stand_in_that_is_not_there_yet_is_measured_again_when_it_is(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = replace(run, task="object-detection")
    standin = replace(run, checkpoint=replace(run.checkpoint, tier="stand-in", sha256="key"))
    cache, results = MeasurementCache(tmp_path / "measurements"), iter(range(1, 10))

    def measure() -> Measured:
        return Measured(Measurement(params=next(results)))

    path = tmp_path / "stand-in"
    monkeypatch.setattr("tlzoo.transfer.standin.cached_path", lambda key: path)
    assert measured_tier(standin) == "none" and cache.get(standin, measure) == cache.get(run, measure)
    path.touch()
    assert measured_tier(standin) == "stand-in" and standin not in cache
    assert cache.get(standin, measure).measurement.params == 2
    assert measured_tier(replace(standin, strategy="scratch")) == "none"


def test_a_cascade_is_measured_with_the_weights_of_its_row(monkeypatch: pytest.MonkeyPatch, mtcnn: Any) -> None:
    """What MTCNN's first network passes on decides what the others have to do."""
    monkeypatch.setattr("tlzoo.measure.measure.ROUND_SECONDS", (0.1, 0.2))
    monkeypatch.setattr("tlzoo.measure.measure.THROUGHPUT_SECONDS", 0.1)
    monkeypatch.setattr("tlzoo.measure.measure.BATCH_SIZES", (1, 2))
    monkeypatch.setattr(measurement, "MAX_STEP_SECONDS", 0.0)  # the rates of training are not measured
    task, card = "face-detection", catalogue.get("mtcnn")
    data, variant, checkpoint = find(task, "faces"), card.default, resolve(card, "official")

    def flops(strategy: Any) -> int | None:
        recipe = recipe_for(card, variant, task, strategy)
        return measure_run(Run(checkpoint, task, data, strategy, 0, 1.0, recipe, "hash")).measurement.flops

    assert flops("probe") == flops("zero-shot") != flops("scratch")


def test_a_damaged_measurement_is_not_used(run: Run, tmp_path: Path) -> None:
    cache = MeasurementCache(tmp_path)
    cache.get(run, lambda: Measured(Measurement(params=1)))
    (path,) = tmp_path.glob("*.json")
    path.write_text(path.read_text().replace("1", "7"))
    assert run not in cache
    assert cache.get(run, lambda: Measured(Measurement(params=2))).measurement.params == 2
