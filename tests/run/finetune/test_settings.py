"""What a person sets instead of leaving it to the recipe."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlzoo.errors import InputError
from tlzoo.run.finetune import finetune
from tlzoo.run.finetune.settings import Settings
from tlzoo.run.predict import open_model, predict
from tlzoo.transfer.recipe import recipe

PICTURES = "image-classification"


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    for label, shift in (("dark", 0), ("light", 120)):
        folder = tmp_path / "pictures" / label
        folder.mkdir(parents=True)
        for i in range(16):
            Image.fromarray((rng.integers(0, 100, (40, 40, 3)) + shift).astype(np.uint8)).save(folder / f"{i}.png")
    return tmp_path / "pictures"


def test_pictures_are_read_in_another_size_and_the_model_keeps_it(pictures: Path, tmp_path: Path) -> None:
    settings = Settings(learning_rate=1e-2, epochs=2, image_size=48)
    done = finetune(
        "mobilenet", PICTURES, str(pictures), tmp_path / "out", strategy="probe", weights="stand-in", folds=1,
        settings=settings, progress=False, say=lambda line: None,
    )  # fmt: skip
    model = open_model(str(done.folder))
    assert (model.spec.height, model.spec.width) == (48, 48)
    (answer,) = predict(model, [pictures / "dark" / "0.png"])
    assert answer.error is None and answer.prediction is not None


def test_a_model_of_sounds_has_no_size_of_pictures(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(InputError, match="--image-size 48: is for models of pictures; yamnet reads audio"):
        finetune(
            "yamnet", "audio-classification", str(folder), tmp_path / "out", weights="stand-in",
            settings=Settings(image_size=48), say=lambda line: None,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learning_rate": 0.0}, "--lr 0: expected more than 0"),
        ({"epochs": 0}, "--epochs 0: expected 1 or more"),
        ({"batch_size": -1}, "--batch-size -1: expected 1 or more"),
        ({"image_size": 8}, "--image-size 8: expected 16 to 2,048 pixels"),
    ],
)
def test_a_number_out_of_range_is_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Settings(**settings)  # type: ignore[arg-type]


def test_what_is_set_replaces_what_validation_would_choose() -> None:
    given = Settings(learning_rate=2e-3, epochs=3, batch_size=8).applied(recipe("full"), 20)
    assert given.learning_rates == (2e-3,) and given.extensions == 0
    assert given.batch_size == 8 and given.steps == 3 * 3, "three batches hold 20 examples"
