from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tlzoo.data.catalogue import find, load
from tlzoo.data.files import readers
from tlzoo.data.media.image import decode
from tlzoo.data.media.levels import Levels, levels_of

TASK = "image-classification"
Store = Callable[[NDArray[np.float64]], Image.Image]
"""Writes a picture with values from 0 to 1."""

STORES: dict[str, Store] = {
    "8 bits": lambda x: Image.fromarray(np.rint(255 * x).astype(np.uint8)),
    "16 bits": lambda x: Image.fromarray(np.rint(65_535 * x).astype(np.uint16)),
    "12 in 16 bits": lambda x: Image.fromarray(np.rint(4_095 * x).astype(np.uint16)),
    "10 in 32 bits": lambda x: Image.fromarray(np.rint(1_023 * x).astype(np.int32)),
    "tomography": lambda x: Image.fromarray(np.rint(4_000 * x - 1_024).astype(np.int32)),
    "floats": lambda x: Image.fromarray(x.astype(np.float32)),
    "floats to 4095": lambda x: Image.fromarray((4_095 * x).astype(np.float32)),
}


def pictures(folder: Path, store: Store) -> Path:
    """Two classes of pictures: dark ones and light ones, all of the whole range together."""
    for index in range(40):
        rng = np.random.default_rng(index)
        low = 0.0 if index % 2 else 0.35
        values = low + 0.65 * rng.random((24, 32))
        values[0, :2] = low, low + 0.65
        path = folder / ("dark", "light")[1 - index % 2] / f"{index}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        store(values).save(path)
    return folder


@pytest.mark.parametrize("name", STORES)
def test_pictures_look_the_same_whatever_their_values_are_stored_as(tmp_path: Path, name: str) -> None:
    data = load(find(TASK, str(pictures(tmp_path / "given", STORES[name]))))
    plain = load(find(TASK, str(pictures(tmp_path / "plain", STORES["8 bits"]))))
    rows = {row["id"]: row["image"] for split in data.splits.values() for row in split}
    same = {row["id"]: row["image"] for split in plain.splits.values() for row in split}
    assert rows.keys() == same.keys()
    for key, value in rows.items():
        difference = np.asarray(decode(value)).astype(int) - np.asarray(decode(same[key])).astype(int)
        assert np.abs(difference).max() <= 4, "the darkest and the lightest training pictures may lack the ends"
    assert (name == "8 bits") == ("levels" not in data.columns)


def test_a_picture_to_predict_is_scaled_as_those_to_train_on(tmp_path: Path) -> None:
    data = load(find(TASK, str(pictures(tmp_path / "mine", STORES["12 in 16 bits"]))))
    dark = tmp_path / "one.tif"
    Image.fromarray(np.full((24, 32), 400, np.uint16)).save(dark)
    ((_, row),) = readers.rows(dark, TASK, "image", data.columns, lambda line: None)
    assert isinstance(row, dict)
    assert np.asarray(decode(row["image"])).mean() == pytest.approx(255 * 400 / 4095, abs=2)


def test_single_bright_pixels_do_not_darken_all(tmp_path: Path) -> None:
    values = np.full((200, 200), 1_000, np.uint16)
    values[0, 0] = 65_535
    values[0, 1:50] = 0
    Image.fromarray(values).save(tmp_path / "a.tif")
    levels, _ = levels_of([{"bytes": None, "path": str(tmp_path / "a.tif")}])
    assert levels == Levels(0, 1_000)
    assert Levels.parse(str(levels)) == levels


def test_several_pages_are_said(tmp_path: Path) -> None:
    for label in "ab":
        for index in range(8):
            path = tmp_path / label / f"{index}.tif"
            path.parent.mkdir(exist_ok=True)
            noise = np.random.default_rng([index, ord(label)]).integers(0, 256, (2, 16, 16), dtype=np.uint8)
            first, second = map(Image.fromarray, noise)
            first.save(path, save_all=True, append_images=[second])
    notices = load(find(TASK, str(tmp_path))).notices
    assert any("pictures of several pages, of which the first is read: " in notice for notice in notices)


@pytest.mark.parametrize(("top", "value", "shown"), [(4095, 2048, 128), (1023, 512, 128), (65535, 32768, 128)])
def test_a_picture_by_itself_is_scaled_by_its_bits(tmp_path: Path, top: int, value: int, shown: int) -> None:
    values = np.full((8, 8), value, np.uint16)
    values[0] = top
    Image.fromarray(values).save(tmp_path / "a.png")
    assert np.asarray(decode({"bytes": None, "path": str(tmp_path / "a.png")}))[4, 4, 0] == shown
