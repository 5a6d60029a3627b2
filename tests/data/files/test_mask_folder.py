from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.support.prepared import rows_by_id
from tlzoo.data.catalogue import find, load
from tlzoo.data.files.mask_folder import classes, listing
from tlzoo.data.media.image import decode, read_values
from tlzoo.errors import InputError

TASK = "image-segmentation"
SHAPE = (20, 30)


def pair(root: Path, name: str, values: NDArray[Any] | Image.Image, mask: str = ".png", exif: int = 1) -> None:
    """A noisy picture and its mask."""
    for path in (root / "images" / name, root / "masks" / name):
        path.parent.mkdir(parents=True, exist_ok=True)
    turn = Image.Exif()
    turn[0x0112] = exif
    noise = np.random.default_rng(crc32(name.encode())).integers(0, 256, (*SHAPE, 3), dtype=np.uint8)
    Image.fromarray(noise).save(root / "images" / f"{name}.png", exif=turn)
    image = values if isinstance(values, Image.Image) else Image.fromarray(values)
    image.save(root / "masks" / f"{name}{mask}")


def stripes(*values: int) -> NDArray[np.uint8]:
    """Columns of each value, as wide as each other."""
    return np.repeat(np.array(values, np.uint8), SHAPE[1] // len(values))[None].repeat(SHAPE[0], 0)


def test_indices_and_what_is_ignored(tmp_path: Path) -> None:
    for i in range(10):
        pair(tmp_path, f"a{i}", stripes(0, 1, 255) if i else stripes(0, 2, 1))
    data = load(find(TASK, str(tmp_path)))
    assert {k: len(v) for k, v in data.splits.items()} == {"train": 6, "validation": 1, "test": 3}
    assert data.features["classes"].feature.names == ["background", "class_1", "class_2"]
    assert (read_values(rows_by_id(data)["images/a1.png"]["mask"]) == stripes(0, 1, 255)).all()
    assert rows_by_id(data)["images/a1.png"]["classes"] == [0, 1]
    assert data.notices == ("value 255 is void, and counts neither way: 30.0% of the pixels",) and data.problems == ()


COLOURS = np.array([[0, 0, 0], [200, 0, 0], [0, 0, 90]], np.uint8)


@pytest.mark.parametrize(
    ("pictures", "masks", "mark"),
    [
        ("images", "masks", "_mask"),
        ("images", "labels", ""),
        ("images", "annotations", ""),
        ("JPEGImages", "SegmentationClass", ""),
        ("data", "dataannot", ""),
        ("train", "train_masks", "-mask"),
    ],
)
def test_masks_where_people_keep_them(tmp_path: Path, pictures: str, masks: str, mark: str) -> None:
    for i in range(10):
        pair(tmp_path / "made", f"a{i}", stripes(0, 2, 1))
    (tmp_path / "made" / "images").rename(tmp_path / "made" / pictures)
    for path in sorted((tmp_path / "made" / "masks").iterdir()):
        path.rename(path.with_stem(f"{path.stem}{mark}"))
    (tmp_path / "made" / "masks").rename(tmp_path / "made" / masks)
    data = load(find(TASK, str(tmp_path / "made")))
    read = rows_by_id(data)
    assert len(read) == 10 and not data.problems
    assert (read_values(read[f"{pictures}/a1.png"]["mask"]) == stripes(0, 2, 1)).all()


def test_coloured_masks_have_a_class_a_colour(tmp_path: Path) -> None:
    for i in range(10):
        pair(tmp_path, f"a{i}", COLOURS[stripes(0, 2, 1)])
    data = load(find(TASK, str(tmp_path)))
    names = data.features["classes"].feature.names
    assert names == ["background", "colour_0_0_90", "colour_200_0_0"]
    assert (read_values(rows_by_id(data)["images/a1.png"]["mask"]) == stripes(0, 1, 2)).all()
    assert data.notices == (
        "coloured masks, a class a colour: background (0, 0, 0), colour_0_0_90 (0, 0, 90), colour_200_0_0 (200, 0, 0)",
    )
    (tmp_path / "labelmap.txt").write_text("# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:200,0,0::\n")
    assert load(find(TASK, str(tmp_path))).features["classes"].feature.names == ["background", "colour_0_0_90", "cat"]
    (tmp_path / "labelmap.txt").unlink()
    (tmp_path / "class_dict.csv").write_text("name,r,g,b\nsky,0,0,90\ncat,200,0,0\n")
    assert load(find(TASK, str(tmp_path))).features["classes"].feature.names == ["background", "sky", "cat"]


def test_masks_in_a_lossy_format_are_black_and_white_or_nothing(tmp_path: Path) -> None:
    for i in range(10):
        pair(tmp_path / "two", f"a{i}", stripes(0, 255), mask=".jpg")
        pair(tmp_path / "three", f"a{i}", stripes(0, 100, 180), mask=".jpg")
    data = load(find(TASK, str(tmp_path / "two")))
    assert (read_values(rows_by_id(data)["images/a1.png"]["mask"]) == stripes(0, 1)).mean() > 0.97
    assert data.notices[0] == "masks whose values are not exact, read as black and white: 10"
    with pytest.raises(InputError, match="does not store values exactly, so classes are lost; save masks as PNG"):
        find(TASK, str(tmp_path / "three"))


def test_spread_greys_are_classes_also_where_one_is_white(tmp_path: Path) -> None:
    for i in range(10):
        pair(tmp_path, f"a{i}", stripes(0, 128, 255))
    data = load(find(TASK, str(tmp_path)))
    assert data.features["classes"].feature.names == ["background", "class_128", "class_255"]
    assert data.notices == ("masks of the greys 0, 128, 255: 255 is a class like the others",)


def _palette() -> Image.Image:
    image = Image.fromarray(stripes(0, 2, 1), "P")
    image.putpalette([0, 0, 0, 200, 10, 10, 10, 200, 10])
    return image


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (stripes(0, 255), stripes(0, 1)),
        (stripes(0, 255) > 0, stripes(0, 1)),
        (np.stack([stripes(0, 255)] * 3, -1), stripes(0, 1)),
        (_palette(), stripes(0, 2, 1)),
        (stripes(0, 2, 1).astype(np.uint16), stripes(0, 2, 1)),
        (stripes(0, 7, 50), stripes(0, 1, 2)),
    ],
    ids=["binary", "one bit", "grey as colours", "palette", "16 bits", "gaps"],
)
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_forms_of_masks(tmp_path: Path, values: Any, wanted: NDArray[np.uint8], suffix: str) -> None:
    pair(tmp_path, "a", values, suffix)
    found = listing(tmp_path)
    columns = found.targets.of(0, found.inputs[0]).columns
    assert (read_values(columns["mask"]) == wanted).all()


@pytest.mark.parametrize("outer", [True, False])
def test_splits_of_the_folder(tmp_path: Path, outer: bool) -> None:
    for split in ("train", "val"):
        for i in range(8):
            folder, name = (tmp_path / split, f"{split}{i}") if outer else (tmp_path, f"{split}/{split}{i}")
            pair(folder, name, stripes(0, 1))
    data = load(find(TASK, str(tmp_path)))
    assert {k: len(v) for k, v in data.splits.items()} == {"train": 7, "validation": 1, "test": 8}
    assert all(Path(name).name.startswith("val") for name in data.splits["test"]["id"][:])


def test_what_does_not_fit_is_named_and_left_out(tmp_path: Path) -> None:
    for i in range(24):
        pair(tmp_path, f"a{i}", stripes(0, 1))
    (tmp_path / "masks" / "a0.png").unlink()
    Image.fromarray(stripes(0, 1)[:9]).save(tmp_path / "masks" / "a1.png")
    Image.fromarray(np.random.default_rng(0).integers(0, 9, (*SHAPE, 3), np.uint8)).save(tmp_path / "masks" / "a2.png")
    (tmp_path / "masks" / "a3.png").write_bytes(b"no picture")
    Image.fromarray(stripes(0, 1).astype(np.uint16) * 300).save(tmp_path / "masks" / "a4.png")
    (tmp_path / "images" / "a5.png").write_bytes((tmp_path / "images" / "a5.png").read_bytes()[:300])
    data = load(find(TASK, str(tmp_path)))
    told = dict(line.removeprefix("images/").split(".png: ", 1) for line in data.problems)
    assert told["a0"] == f"no mask a0.png in {tmp_path / 'masks'}"
    assert told["a1"] == "is 30 x 20 pixels, but its annotation is 30 x 9"
    assert "is coloured; expected one channel or a palette" in told["a2"]
    assert "not an image" in told["a3"]
    assert "values from 0 to 300; expected whole 0 to 255" in told["a4"]
    assert "broken image" in told["a5"]
    assert set(rows_by_id(data)) == {f"images/a{i}.png" for i in range(6, 24)}


@pytest.mark.parametrize(
    ("used", "given", "names", "moved"),
    [
        ([0, 1, 2], ["background", "a", "b", "c"], ["background", "a", "b", "c"], [0, 1, 2, 3, 255]),
        ([0, 1, 2], ["_Background_", "a", "b"], ["background", "a", "b"], [0, 1, 2, 255]),
        ([0, 1, 2], ["a", "b"], ["background", "a", "b"], [0, 1, 2, 255]),
        ([0, 1, 2], ["a", "b", "c"], ["background", "a", "b", "c"], [1, 2, 3, 255]),
        ([0, 1, 255], ["background", "a"], ["background", "a"], [0, 1, 255]),
        ([0, 255], ["cell"], ["background", "cell"], [0]),
        ([0, 255], ["background", "cell"], ["background", "cell"], [0]),
    ],
)
def test_names_of_classes(used: list[int], given: list[str], names: list[str], moved: list[int]) -> None:
    found, table = classes(used, given, "classes.txt", [])
    assert found == names
    assert table[: len(moved)].tolist() == moved
    assert table[255] == (1 if used == [0, 255] else 255)


@pytest.mark.parametrize(
    ("used", "given", "message"),
    [
        ([0, 5], ["background", "a"], "2 names, but the masks have the value 5"),
        ([0, 1], ["a", "a"], "a name occurs twice"),
        ([0, 1], [], "0 names"),
        ([0], None, "no value but 0"),
        (list(range(200)), None, "have 199 values; expected classes, not shades"),
    ],
)
def test_values_that_are_no_classes(used: list[int], given: list[str] | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        classes(used, given, "masks", [])


def test_a_file_of_names_is_read(tmp_path: Path) -> None:
    for i in range(6):
        pair(tmp_path, f"a{i}", stripes(0, 1))
    before = find(TASK, str(tmp_path)).fingerprint
    (tmp_path / "classes.txt").write_text("\ufeffcell\n\n")
    source = find(TASK, str(tmp_path))
    assert load(source).features["classes"].feature.names == ["background", "cell"]
    assert source.fingerprint != before


def test_a_mask_of_a_turned_picture(tmp_path: Path) -> None:
    pair(tmp_path, "stored", stripes(0, 1), exif=6)
    pair(tmp_path, "seen", np.ascontiguousarray(stripes(0, 1).T), exif=6)
    found = listing(tmp_path)
    for i, name in enumerate(found.names):
        mask = read_values(found.targets.of(i, found.inputs[i]).columns["mask"])
        assert mask.shape[::-1] == decode(found.inputs[i]).size == (20, 30), name
        assert (mask == stripes(0, 1).T).all(), name


def test_folders_without_pairs(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    with pytest.raises(InputError, match="has a folder 'masks', but no folder 'images' beside it"):
        find(TASK, str(tmp_path))
    (tmp_path / "images").mkdir()
    with pytest.raises(InputError, match="no picture in 'images' with a mask of the same name"):
        find(TASK, str(tmp_path))
