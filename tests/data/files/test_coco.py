import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.prepared import Maker, refused, rows_by_id, share_nothing
from tlzoo.data.catalogue import find, load
from tlzoo.data.files.coco import listing
from tlzoo.data.files.coco.targets import Area, pixels
from tlzoo.data.media.image import decode, read_values
from tlzoo.data.protocol import Limits
from tlzoo.errors import InputError

MINICOCO = Path(__file__).resolve().parents[4] / "shared" / "data" / "minicoco"
CATEGORIES = [{"id": 7, "name": "cat"}, {"id": 2, "name": "dog"}, {"id": 5, "name": "unused"}]
Content = dict[str, Any]


def picture(path: Path, seed: int, size: tuple[int, int] = (40, 30), orientation: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(noise).save(path, exif=exif)


def content(names: list[str], **box: Any) -> Content:
    """One cat a picture, and a dog on every other one."""
    images = [{"id": i, "file_name": name, "width": 40, "height": 30} for i, name in enumerate(names)]
    annotations = [
        {"id": 10 * i + c, "image_id": i, "category_id": c, "bbox": [4 + c, 5, 10, 12], "iscrowd": 0, "area": 120}
        | {"segmentation": [[4, 5, 14, 5, 14, 17, 4, 17]]}
        | box
        for i in range(len(names))
        for c in ((7, 2) if i % 2 else (7,))
    ]
    return {"images": images, "annotations": annotations, "categories": copy.deepcopy(CATEGORIES)}


@pytest.fixture
def coco(tmp_path: Path) -> Maker:
    """Twenty pictures and one file; what is given changes the file."""

    def make(change: Callable[[Content], object] = lambda c: None, n: int = 20, **box: Any) -> Path:
        names = [f"{i:02}.png" for i in range(n)]
        for i, name in enumerate(names):
            if not (tmp_path / "mine" / name).exists():
                picture(tmp_path / "mine" / name, i)
        made = content(names, **box)
        change(made)
        (tmp_path / "mine" / "annotations.json").write_text(json.dumps(made))
        return tmp_path / "mine"

    return make


def test_one_file_by_its_folder_or_name_is_drawn_into_three_splits_within_limits(coco: Maker) -> None:
    data = load(find("object-detection", str(coco())))
    assert {k: len(v) for k, v in data.splits.items()} == {"train": 12, "validation": 2, "test": 6}
    assert data.features["objects"]["category"].feature.names == ["dog", "cat"], "those that occur, by id"
    assert rows_by_id(data)["01.png"]["objects"] == {"bbox": [[11, 5, 10, 12], [6, 5, 10, 12]], "category": [1, 0]}
    assert data.problems == () and data.notices == ()
    file = coco() / "annotations.json"
    source = find("object-detection", str(file), Limits(4, 2, 3))
    assert source.name == "mine-annotations"
    assert {k: len(v) for k, v in load(source).splits.items()} == {"train": 4, "validation": 2, "test": 3}


def test_the_fingerprint_follows_annotations_and_pictures(coco: Maker) -> None:
    keys = [find("object-detection", str(coco())).fingerprint]
    picture(coco() / "03.png", 99)
    keys.append(find("object-detection", str(coco())).fingerprint)
    keys.append(find("object-detection", str(coco(bbox=[1, 1, 3, 3]))).fingerprint)
    assert len(set(keys)) == 3


@pytest.mark.parametrize(
    ("file", "folder"),
    [
        ("{}.json", "images"),
        ("labels/{}.json", "images"),
        ("annotations/instances_{}2017.json", "{}2017"),
        ("{}/_annotations.coco.json", "{}"),
    ],
)
def test_a_file_for_each_split(tmp_path: Path, file: str, folder: str) -> None:
    for s, split in enumerate(("train", "valid")):
        names = [f"{split}{i}.png" for i in range(10)]
        for i, name in enumerate(names):
            picture(tmp_path / folder.format(split) / name, 100 * s + i)
        path = tmp_path / file.format(split)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content(names)))
    data = load(find("object-detection", str(tmp_path)))
    assert {k: len(v) for k, v in data.splits.items()} == {"train": 8, "validation": 2, "test": 10}
    assert all(Path(name).name.startswith("valid") for name in data.splits["test"]["id"][:])


def test_of_several_files_a_split_the_task_chooses(coco: Maker) -> None:
    folder = coco()
    made = (folder / "annotations.json").read_text()
    (folder / "annotations.json").unlink()
    for name in ("instances_train", "person_keypoints_train", "instances_val"):
        (folder / f"{name}.json").write_text(made)
    names = [file.name for file in listing(folder, "object-detection").files[:2]]
    assert names == ["instances_train.json", "instances_val.json"]
    (folder / "instances_b_train.json").write_text(made)
    with pytest.raises(InputError, match=r"several COCO files for train: .*instances_b_train"):
        listing(folder, "object-detection")


def test_groups_do_not_cross_splits(coco: Maker) -> None:
    def group(c: Content) -> None:
        for image in c["images"]:
            image["scene"] = image["id"] // 4

    data = load(find("object-detection", str(coco(group))))
    assert share_nothing(data.splits)
    assert data.notices == ("groups from field 'scene' of images",)


def test_boxes_are_cut_off_or_dropped_and_counted(coco: Maker) -> None:
    def spoil(c: Content) -> None:
        bad = [[-5, -5, 20, 20], [30, 20, 20, 20], [50, 5, 4, 4], [3, 3, 0, 5], [3, 3, -2, 5], [3, float("nan"), 4, 4]]
        c["annotations"] = [a | {"bbox": bad[i]} if i < len(bad) else a for i, a in enumerate(c["annotations"])]
        c["annotations"].append(c["annotations"][-1] | {"id": "crowd", "iscrowd": 1})

    folder = coco(spoil)
    data = load(find("object-detection", str(folder)))
    assert data.notices == (
        "boxes that reached beyond their picture and were cut off at its edges: 2",
        "boxes without area inside their picture, left out: 4",
        "regions of crowds, in which detections count neither way: 1",
    )
    found = rows_by_id(data)
    assert found["00.png"]["objects"]["bbox"] == [[0, 0, 15, 15]]
    nothing = {"bbox": [], "category": []}
    assert found["01.png"]["objects"] == {"bbox": [[30, 20, 10, 10]], "category": [1], "crowd": nothing}
    assert found["19.png"]["objects"]["crowd"] == {"bbox": [[6, 5, 10, 12]], "category": [0]}
    assert sum(len(r["objects"]["bbox"]) for r in found.values()) == 30 - 4


def _set(place: str, index: int, **fields: Any) -> Callable[[Content], None]:
    def change(c: Content) -> None:
        c[place][index].update(fields)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("images", 1, id=0), "two image entries have id 0"),
        (_set("images", 1, file_name=None), "image number 1: field 'file_name' is missing"),
        (_set("images", 1, file_name="00.png"), "images 0 and 1 are the same file"),
        (_set("categories", 1, name=None), "category number 1: field 'name' is missing"),
        (lambda c: c.pop("images"), "no list 'images'.*it has: annotations, categories"),
        (lambda c: c.update(annotations=["x"]), r"annotations\[0\] is str; expected an object"),
        (lambda c: c.update(annotations=[]), "no picture has an annotation"),
        (lambda c: [a.update(iscrowd=1) for a in c["annotations"]], "every annotation is a crowd"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_one_line(coco: Maker, change: Callable[[Content], object], message: str) -> None:
    with refused(message):
        find("object-detection", str(coco(change)))


@pytest.mark.parametrize(
    ("change", "message", "left"),
    [
        (_set("annotations", 3, image_id=99), r"\.json: annotation 27: image_id 99 is not .*: 0, 1, .*20", 20),
        (_set("annotations", 3, category_id="cat"), "02.png: .*annotation 27: category_id 'cat' is not .*: 7, 2", 19),
        (_set("annotations", 3, category_id=[1]), r"02.png: .*annotation 27: category_id \[1\] is not", 19),
        (_set("annotations", 0, bbox=[1, 2, 10**400, 4]), r"annotation 7: field 'bbox' is .*; expected 4 numbers", 19),
        (_set("annotations", 0, bbox=[1, 2, 3]), r"annotation 7: field 'bbox' is \[1, 2, 3\]; expected 4 numbers", 19),
        (_set("annotations", 0, bbox=[]), r"annotation 7: field 'bbox' is \[\]; expected 4 numbers", 19),
        (_set("annotations", 0, bbox=None), "annotation 7: field 'bbox' is missing", 19),
    ],
)  # fmt: skip
def test_a_wrong_annotation_leaves_out_its_picture_alone(
    coco: Maker, change: Callable[[Content], object], message: str, left: int
) -> None:
    data = load(find("object-detection", str(coco(change))))
    assert len(data.problems) == 1 and re.search(message, data.problems[0])
    assert sum(map(len, data.splits.values())) == left


def test_ids_as_text_are_the_numbers_that_they_say(coco: Maker) -> None:
    def change(c: Content) -> None:
        for annotation in c["annotations"]:
            annotation.update(category_id=str(annotation["category_id"]), image_id=str(annotation["image_id"]))

    data = load(find("object-detection", str(coco(change))))
    assert not data.problems and sum(map(len, data.splits.values())) == 20


def test_boxes_in_another_form_are_refused_with_how_to_put_them_right(coco: Maker) -> None:
    with refused("all 30 boxes lie between 0 and 1, so they are relative.*multiply x and width"):
        find("object-detection", str(coco(bbox=[0.1, 0.2, 0.3, 0.4])))
    with refused("all 30 boxes look like corners.*30 reach beyond.*write x2 - x1 for the width"):
        find("object-detection", str(coco(bbox=[20, 15, 39, 29])))
    assert find("object-detection", str(coco(bbox=[0, 0, 40, 30])))


def test_a_file_is_found_in_other_letters_and_without_its_suffix_but_not_by_a_name_that_two_have(coco: Maker) -> None:
    def rename(c: Content) -> None:
        given = ("00.PNG", "01", "a/03.png", "b/03.png")
        for image, name in zip(c["images"], given, strict=False):
            image["file_name"] = name

    data = load(find("object-detection", str(coco(rename))))
    assert {"00.png", "01.png"} <= set(rows_by_id(data)) and "02.png" not in rows_by_id(data)
    assert [line.partition(":")[0] for line in data.problems] == ["a/03.png", "b/03.png"]


def test_pictures_that_are_missing_or_cannot_be_read_are_named_and_left_out(coco: Maker) -> None:
    folder = coco()
    (folder / "04.png").unlink()
    (folder / "05.png").write_bytes((folder / "05.png").read_bytes()[:900])
    picture(folder / "06.png", 6, (30, 30))
    Image.new("1", (12_000, 9_000)).save(folder / "07.png")
    Image.new("RGB", (1, 1)).save(folder / "08.png")
    data = load(find("object-detection", str(folder)))
    told = dict(line.split(": ", 1) for line in data.problems)
    assert told["04.png"] == "no such picture (image 4 of annotations.json)"
    assert told["05.png"].startswith("broken image: ")
    assert told["06.png"] == "is 30 x 30 pixels, but its annotation is 40 x 30"
    assert told["07.png"] == "12,000 x 9,000 pixels; the limit is 89,478,485 in all"
    assert told["08.png"] == "is 1 x 1 pixels, but its annotation is 40 x 30"
    assert sum(len(s) for s in data.splits.values()) == 15
    for path in folder.glob("*.png"):
        path.unlink()
    with pytest.raises(
        InputError, match=r"no picture that can be used, such as 00\.png: no such picture.*; looked in .*images"
    ):
        find("object-detection", str(folder))


def test_a_path_in_the_file_cannot_leave_the_folder(coco: Maker, tmp_path: Path) -> None:
    picture(tmp_path.parent / "secret.png", 1)
    given = ["../../secret.png", "/content/drive/01.png", "C:\\pictures\\02.png", str(tmp_path.parent / "secret.png")]

    def rename(c: Content) -> None:
        for image, name in zip(c["images"], given, strict=False):
            image["file_name"] = name

    data = load(find("object-detection", str(coco(rename))))
    assert len(data.problems) == 2 and all("secret.png: no such picture" in line for line in data.problems)
    assert {"01.png", "02.png"} <= set(rows_by_id(data)), "found by their names"


def test_copies_of_a_picture_stay_on_one_side(coco: Maker) -> None:
    folder = coco()
    found = load(find("object-detection", str(folder)))
    in_test, in_train = found.splits["test"]["id"][0], found.splits["train"]["id"][0]
    (folder / in_train).write_bytes((folder / in_test).read_bytes())
    data = load(find("object-detection", str(folder)))
    holding = [s for s, rows in data.splits.items() if {in_train, in_test} & set(rows["id"][:])]
    assert len(holding) == 1 and sum(map(len, data.splits.values())) == 20
    groups = dict(zip(data.splits[holding[0]]["id"][:], data.splits[holding[0]]["group"][:], strict=True))
    assert groups[in_train] == groups[in_test], "one unit of the bootstrap"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", ["stored", "seen", "unknown"])
def test_a_turned_camera(tmp_path: Path, orientation: int, size: str) -> None:
    """The box is round the only white pixels, whichever way the tool looked at the picture."""
    (tmp_path / "mine").mkdir()
    stored = np.zeros((30, 40, 3), np.uint8)
    stored[5:17, 4:14] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    for i in range(2):
        Image.fromarray(stored).save(tmp_path / "mine" / f"{i:02}.png", exif=exif)
    box: list[float] = [4, 5, 10, 12]
    turned = size == "seen" and orientation > 4  # else the sizes are the same and tell nothing
    if turned:
        seen = decode({"bytes": None, "path": str(tmp_path / "mine" / "00.png")})
        ys, xs = np.nonzero(np.asarray(seen)[..., 0] > 200)
        box = [float(xs.min()), float(ys.min()), float(np.ptp(xs) + 1), float(np.ptp(ys) + 1)]
    x, y, w, h = box
    made = content([f"{i:02}.png" for i in range(2)], bbox=box, segmentation=[[x, y, x + w, y, x + w, y + h, x, y + h]])
    for image in made["images"]:
        image["width"], image["height"] = (30, 40) if turned else (40, 30) if size != "unknown" else (None, None)
    (tmp_path / "mine" / "a.json").write_text(json.dumps(made))
    for task in ("object-detection", "image-segmentation"):
        found = listing(tmp_path / "mine", task)
        row = found.targets.of(1, found.inputs[1]).columns
        white = np.asarray(decode(found.inputs[1]))[..., 0] > 200
        if task == "image-segmentation":
            assert ((read_values(row["mask"]) > 0) == white).all()
            continue
        x1, y1, w1, h1 = (int(v) for v in row["objects"]["bbox"][0])
        assert white[y1 : y1 + h1, x1 : x1 + w1].all() and white.sum() == w1 * h1


def test_faces_of_one_category_whatever_it_is_called(coco: Maker) -> None:
    def only_cats(c: Content) -> None:
        c["annotations"] = [a for a in c["annotations"] if a["category_id"] == 7]

    data = load(find("face-detection", str(coco(only_cats))))
    assert data.features["objects"]["category"].feature.names == ["face"]
    assert data.notices == ("category 'cat' is taken for 'face'",)
    with pytest.raises(InputError, match="needs a category 'face'; those used: dog, cat"):
        find("face-detection", str(coco()))
    named = coco(_set("categories", 1, name="face"))
    data = load(find("face-detection", str(named)))
    assert sum(len(r["objects"]["bbox"]) for r in rows_by_id(data).values()) == 10, "only the faces"


def test_masks_later_over_earlier_and_crowds_count_neither_way(coco: Maker) -> None:
    def draw(c: Content) -> None:
        c["annotations"][1]["segmentation"] = [[0, 0, 20, 0, 20, 30, 0, 30]]  # a cat on the left of picture 1
        c["annotations"][2]["segmentation"] = [[10, 0, 30, 0, 30, 30, 10, 30]]  # a dog, over it
        runs = {"size": [30, 40], "counts": [0, 150, 1050]}  # the first five columns
        c["annotations"].append(c["annotations"][1] | {"id": 5000, "iscrowd": 1, "segmentation": runs, "image_id": 2})

    data = load(find("image-segmentation", str(coco(draw))))
    assert data.features["classes"].feature.names == ["background", "dog", "cat"]
    mask = read_values(rows_by_id(data)["01.png"]["mask"])
    assert mask.shape == (30, 40)
    assert (mask[:, :10] == 2).all() and (mask[:, 10:30] == 1).all() and (mask[:, 30:] == 0).all()
    assert rows_by_id(data)["01.png"]["classes"] == [0, 1, 2]
    crowded = read_values(rows_by_id(data)["02.png"]["mask"])
    assert (crowded[0, :5] == 255).all() and (crowded[10, 4:14] == 2).all() and crowded[0, 5] == 0
    assert rows_by_id(data)["02.png"]["classes"] == [0, 2]


def test_run_lengths_packed_or_not_are_those_of_pycocotools() -> None:
    from pycocotools import mask as reference

    rng = np.random.default_rng(0)
    for shape in ((7, 5), (64, 48), (300, 211)):
        coarse = rng.random((-(-shape[0] // 4), -(-shape[1] // 4))) < 0.4
        inside = np.kron(coarse, np.ones((4, 4)))[: shape[0], : shape[1]]
        packed = reference.encode(np.asfortranarray(inside, np.uint8))
        text = {"size": packed["size"], "counts": packed["counts"].decode()}
        assert (pixels(Area("a", 1, text), *shape) == inside).all()
        flat = inside.T.ravel()
        edges = np.flatnonzero(np.diff(np.concatenate([[0], flat])))
        counts = np.diff(np.concatenate([[0], edges, [len(flat)]])).tolist()
        assert (pixels(Area("a", 1, {"size": list(shape), "counts": counts}), *shape) == inside).all()


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ({"size": [30, 40], "counts": [10, 5]}, "its mask has 15 pixels, its picture 1200"),
        ({"size": [30, 40], "counts": "PPPP1000"}, "not run lengths|its mask has"),
        ({"size": [30, 40], "counts": ""}, "its mask has 0 pixels"),
        ({"size": [30, 40], "counts": [-3, 1203]}, "not run lengths"),
        ({"size": [40, 30], "counts": [1200]}, r"of size \[40, 30\], its picture \[30, 40\]"),
        ([["a", "b"]], "not a list of polygons"),
        ([[1, 2, 3, 4, 5, 6, 7]], "not a list of polygons"),
        ("text", "not a list of polygons"),
    ],
)
def test_a_segmentation_of_no_form_is_named(coco: Maker, segmentation: Any, message: str) -> None:
    data = load(find("image-segmentation", str(coco(_set("annotations", 0, segmentation=segmentation)))))
    (line,) = data.problems
    assert line.startswith("00.png: ") and "annotation 7: " in line
    with pytest.raises(InputError, match=message):
        pixels(Area("annotation 7", 1, segmentation), 30, 40)


def test_segmentations_without_area_are_counted(coco: Maker) -> None:
    for segmentation in ([], [[1, 1, 2, 2]], [[50, 50, 60, 50, 60, 60]], [[1e300, 1, 2, 1, 2, float("inf")]]):
        data = load(find("image-segmentation", str(coco(_set("annotations", 0, segmentation=segmentation)))))
        assert data.notices == ("annotations without an area, left out: 1",) and not data.problems
    with pytest.raises(InputError, match="no annotation has a 'segmentation'"):
        find("image-segmentation", str(coco(segmentation=[])))


def people(names: list[str] | None = None) -> Callable[[Content], None]:
    def change(c: Content) -> None:
        count = len(names or range(17))
        if names:
            c["categories"][0]["keypoints"] = names
        for a in c["annotations"]:
            if a["category_id"] == 7:
                a["keypoints"] = [v for k in range(count) for v in (2 + k, 10, k % 3)]
            else:
                a["keypoints"] = [0] * 3 * count

    return change


@pytest.mark.parametrize("names", [None, ["snout", "left_paw", "right_paw"]])
def test_keypoints_and_their_names(coco: Maker, names: list[str] | None) -> None:
    data = load(find("pose-estimation", str(coco(people(names)))))
    parts = data.features["parts"].feature.names
    assert parts == names or (names is None and parts[0] == "nose" and len(parts) == 17)
    row = rows_by_id(data)["01.png"]
    assert row["parts"] == list(range(len(parts)))
    assert row["people"]["bbox"] == [[11, 5, 10, 12]]
    assert row["people"]["keypoints"][0][:3] == [[0, 0, 0], [3, 10, 1], [4, 10, 2]]
    assert data.notices == ("annotations without keypoints, left out: 10",)


def test_keypoints_outside_or_of_another_number_and_people_without_a_box(coco: Maker) -> None:
    def change(c: Content) -> None:
        people(["a", "b", "c"])(c)
        c["annotations"][0] |= {"keypoints": [-3, 5, 2, 10, 5, 2, 20, 15, 1], "bbox": None}
        c["annotations"][1] |= {"keypoints": [90, 5, 2, 0, 0, 0, 0, 0, 0]}  # nobody left in picture 1
        c["annotations"][3]["keypoints"] = [0] * 9

    data = load(find("pose-estimation", str(coco(change))))
    row = rows_by_id(data)["00.png"]
    assert row["people"]["keypoints"] == [[[0, 0, 0], [10, 5, 2], [20, 15, 1]]]
    assert row["people"]["bbox"] == [[10, 5, 10, 10]]
    assert data.problems == ("01.png: no person has keypoints inside the picture",)
    assert "pictures without anybody's keypoints, left out: 1" in data.notices
    assert "keypoints outside their picture, taken for absent: 1" in data.notices
    with pytest.raises(InputError, match=r"annotation 7: field 'keypoints' is .*expected 51 numbers"):
        find("pose-estimation", str(coco(lambda c: c["annotations"][0].update(keypoints=[1, 2, 2]))))
    with pytest.raises(InputError, match="no annotation has 'keypoints'"):
        find("pose-estimation", str(coco()))


@pytest.mark.skipif(not MINICOCO.is_dir(), reason=f"{MINICOCO} is not here")
def test_real_coco_pictures() -> None:
    boxes = load(find("object-detection", str(MINICOCO)))
    assert {k: len(v) for k, v in boxes.splits.items()} == {"train": 26, "validation": 4, "test": 10}
    assert boxes.features["objects"]["category"].feature.names == ["person", "car", "airplane"]
    masks = load(find("image-segmentation", str(MINICOCO)))
    there = []
    for boxed, masked in zip(boxes.splits["test"], masks.splits["test"], strict=True):
        assert boxed["id"] == masked["id"]
        mask = read_values(masked["mask"])
        for (x, y, w, h), category in zip(boxed["objects"]["bbox"], boxed["objects"]["category"], strict=True):
            part = mask[round(y) : round(y + h) + 1, round(x) : round(x + w) + 1]
            there.append((part == category + 1).any())
    assert len(there) > 100 and np.mean(there) > 0.95, "an object is where its box is, but for those that are covered"
