"""The same boxes, whichever tool wrote them."""

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.prepared import refused
from tests.support.shared import shared
from tlzoo.data.catalogue import find, load
from tlzoo.data.files import readers
from tlzoo.data.files.annotations import LAYOUTS
from tlzoo.data.files.boxes import Objects
from tlzoo.data.media.image import read_values

SIZE = (48, 36)
COUNT = 20
NAMES = ("cat", "dog")
Box = tuple[str, int, int, int, int]


def objects(index: int) -> list[Box]:
    """Class, x, y, width and height of what is on a picture; the last picture has nothing."""
    if index == COUNT - 1:
        return []
    return [("cat", 3 + index, 5, 10, 7), ("dog", 20, 11, 9 + index, 12)][: 1 + index % 2]


def pictures(folder: Path, place: str = "") -> list[Path]:
    paths = [folder / place / f"{index:02}.png" for index in range(COUNT)]
    for index, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(index).integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)
    return paths


def coco(folder: Path) -> None:
    images = [
        {"id": i, "file_name": path.name, "width": SIZE[0], "height": SIZE[1]}
        for i, path in enumerate(pictures(folder))
    ]
    boxes = [
        {"image_id": i, "category_id": NAMES.index(name), "bbox": box}
        for i in range(COUNT)
        for name, *box in objects(i)
    ]
    names = [{"id": number, "name": name} for number, name in enumerate(NAMES)]
    (folder / "all.json").write_text(json.dumps({"images": images, "annotations": boxes, "categories": names}))


def yolo_line(name: str, x: int, y: int, width: int, height: int) -> str:
    box = ((x + width / 2) / SIZE[0], (y + height / 2) / SIZE[1], width / SIZE[0], height / SIZE[1])
    return " ".join(map(str, (NAMES.index(name), *box)))


def yolo(folder: Path, place: str = "images") -> None:
    for index, path in enumerate(pictures(folder, place)):
        label = Path(str(path).replace("/images/", "/labels/")).with_suffix(".txt")
        label.parent.mkdir(parents=True, exist_ok=True)
        if objects(index):
            label.write_text("\n".join(yolo_line(*each) for each in objects(index)))
    (folder / "data.yaml").write_text("names: {0: cat, 1: dog}\ntrain: images\n")


def yolo_beside(folder: Path) -> None:
    yolo(folder, "")
    (folder / "data.yaml").unlink()
    (folder / "classes.txt").write_text("cat\ndog\n")


def yolo_polygons(folder: Path) -> None:
    for index, path in enumerate(pictures(folder)):
        lines = []
        for name, x, y, width, height in objects(index):
            corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
            numbers = [value / size for corner in corners for value, size in zip(corner, SIZE, strict=True)]
            lines.append(" ".join(map(str, (NAMES.index(name), *numbers))))
        path.with_suffix(".txt").write_text("\n".join(lines))
    (folder / "data.yaml").write_text("names: [cat, dog]\n")


def voc(folder: Path, place: str = "JPEGImages") -> None:
    (folder / "Annotations").mkdir(parents=True)
    for index, path in enumerate(pictures(folder, place)):
        each = "".join(
            f"<object><name>{name}</name><bndbox><xmin>{x + 1}</xmin><ymin>{y + 1}</ymin>"
            f"<xmax>{x + width}</xmax><ymax>{y + height}</ymax></bndbox></object>"
            for name, x, y, width, height in objects(index)
        )
        size = f"<size><width>{SIZE[0]}</width><height>{SIZE[1]}</height></size>"
        (folder / "Annotations" / f"{path.stem}.xml").write_text(
            f"<?xml version='1.0'?><annotation><filename>{path.name}</filename>{size}{each}</annotation>"
        )


def labelme(folder: Path) -> None:
    for index, path in enumerate(pictures(folder)):
        shapes = [
            {"label": name, "points": [[x, y], [x + width, y + height]], "shape_type": "rectangle"}
            for name, x, y, width, height in objects(index)
        ]
        content = {"version": "5", "imageData": "x" * 100_000, "shapes": shapes, "imagePath": path.name}
        path.with_suffix(".json").write_text(json.dumps(content))


def cvat(folder: Path) -> None:
    images = ""
    for index, path in enumerate(pictures(folder, "images")):
        boxes = "".join(
            f'<box label="{name}" xtl="{x}" ytl="{y}" xbr="{x + width}" ybr="{y + height}"/>'
            for name, x, y, width, height in objects(index)
        )
        images += f'<image id="{index}" name="{path.name}" width="{SIZE[0]}" height="{SIZE[1]}">{boxes}</image>'
    (folder / "annotations.xml").write_text(f"<annotations><version>1.1</version>{images}</annotations>")


def label_studio(folder: Path) -> None:
    tasks = []
    for index, path in enumerate(pictures(folder)):
        results = [
            {
                "type": "rectanglelabels",
                "original_width": SIZE[0],
                "original_height": SIZE[1],
                "value": {"x": 100 * x / SIZE[0], "y": 100 * y / SIZE[1], "rectanglelabels": [name]}
                | {"width": 100 * width / SIZE[0], "height": 100 * height / SIZE[1]},
            }
            for name, x, y, width, height in objects(index)
        ]
        address = f"/data/upload/1/0123abcd-{path.name}"
        tasks.append({"id": index, "annotations": [{"result": results}], "data": {"image": address}})
    (folder / "export.json").write_text(json.dumps(tasks))


def table(folder: Path, corners: bool = True) -> None:
    with (folder / "boxes.csv").open("w", newline="") as file:
        sides = ("xmin", "ymin", "xmax", "ymax") if corners else ("x", "y", "width", "height")
        sheet = csv.writer(file)
        sheet.writerow(("filename", "class", *sides))
        for index, path in enumerate(pictures(folder)):
            for name, x, y, width, height in objects(index):
                sheet.writerow((path.name, name, x, y, *((x + width, y + height) if corners else (width, height))))
            if not objects(index):
                sheet.writerow((path.name, "", "", "", "", ""))


def table_of_sizes(folder: Path) -> None:
    table(folder, corners=False)


def metadata(folder: Path) -> None:
    rows = []
    for index, path in enumerate(pictures(folder)):
        boxes, names = [box for _, *box in objects(index)], [name for name, *_ in objects(index)]
        rows.append({"file_name": path.name, "objects": {"bbox": boxes, "categories": names}})
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))


WRITERS = (coco, yolo, yolo_beside, yolo_polygons, voc, labelme, cvat, label_studio, table, table_of_sizes, metadata)


def boxes_of(path: Path) -> Mapping[str, Any]:
    """Boxes, with the name of each one's class, by the picture's name."""
    data = load(find("object-detection", str(path)))
    assert not data.problems
    names = data.features["objects"]["category"].feature.names
    boxes = {}
    for rows in data.splits.values():
        for row in rows.with_format(None).select_columns(["id", "objects"]):
            kinds = [names[kind] for kind in row["objects"]["category"]]
            boxes[Path(row["id"]).name] = [(k, *box) for k, box in zip(kinds, row["objects"]["bbox"], strict=True)]
    return boxes


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_every_layout_gives_the_same_boxes(tmp_path: Path, write: Callable[[Path], None]) -> None:
    (tmp_path / "mine").mkdir()
    write(tmp_path / "mine")
    read = boxes_of(tmp_path / "mine")
    assert {name: [(kind, *map(float, box)) for kind, *box in boxes] for name, boxes in read.items()} == {
        f"{index:02}.png": [(kind, *map(float, box)) for kind, *box in objects(index)] for index in range(COUNT)
    }


def test_a_writer_for_every_layout() -> None:
    assert set(LAYOUTS) <= {*(write.__name__ for write in WRITERS), "tables"}


def test_folders_named_after_splits_are_splits(tmp_path: Path) -> None:
    for split in ("train", "valid", "test"):
        yolo(tmp_path / "first", f"images/{split}")
        yolo(tmp_path / "last" / split)
        (tmp_path / "last" / split / "data.yaml").rename(tmp_path / "last" / "data.yaml")
        (tmp_path / "voc" / split).mkdir(parents=True)
        voc(tmp_path / "voc" / split)
    for name in ("first", "last", "voc"):
        splits = readers.listing(tmp_path / name, "object-detection").splits
        assert splits is not None and {split: splits.count(split) for split in splits} == {
            "train": COUNT,
            "validation": COUNT,
            "test": COUNT,
        }


def test_lists_of_pascal_voc_say_the_splits_and_what_is_difficult_counts_neither_way(tmp_path: Path) -> None:
    voc(tmp_path)
    sets = tmp_path / "ImageSets" / "Main"
    sets.mkdir(parents=True)
    for name, rows in (("train", range(10)), ("val", range(10, 15)), ("test", range(15, 20)), ("trainval", range(15))):
        (sets / f"{name}.txt").write_text("\n".join(f"{row:02}" for row in rows))
    file = tmp_path / "Annotations" / "03.xml"
    file.write_text(file.read_text().replace("</name>", "</name><difficult>1</difficult>", 1))
    data = load(find("object-detection", str(tmp_path)))
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 10, "validation": 5, "test": 5}
    row = next(row for row in data.splits["train"].with_format(None) if Path(row["id"]).stem == "03")
    assert len(row["objects"]["category"]) == 1 and len(row["objects"]["crowd"]["category"]) == 1


@pytest.mark.parametrize(
    ("write", "file", "text", "message"),
    [
        (yolo, "labels/03.txt", "0 .5 .5 cat .1", "labels/03.txt:1: '0 .5 .5 cat .1'; expected the class's number"),
        (yolo, "labels/03.txt", "0 20 .5 .1 .1", "labels/03.txt:1: 20 is not relative to the picture"),
        (yolo, "labels/03.txt", "7 .5 .5 .1 .1", "labels/03.txt:1: class 7 has no name; named: 0 to 1"),
        (yolo, "labels/03.txt", "1 .5 .5 .1", "3 numbers after the class; expected 4 of a box or pairs of a polygon"),
        (voc, "Annotations/03.xml", "<annotation><filename>no.png</filename></annotation>", "03.png|no.png: no such"),
        (voc, "Annotations/03.xml", "<annotation><object>", "is not valid XML"),
        (labelme, "03.json", '{"shapes": [{"points": [[1, 2]]}], "imagePath": "03.png"}', "shape 1: has no label"),
    ],
)
def test_a_file_that_is_wrong_leaves_out_its_picture_alone(
    tmp_path: Path, write: Callable[[Path], None], file: str, text: str, message: str
) -> None:
    write(tmp_path)
    (tmp_path / file).write_text(text)
    examples = readers.listing(tmp_path, "object-detection")
    if message.startswith("03.png|"):
        assert len(examples.inputs) == COUNT, "found by the name of its own file"
    else:
        assert len(examples.inputs) == COUNT - 1
        assert len(examples.problems) == 1 and message in examples.problems[0]


def test_an_xml_file_that_declares_entities_is_not_expanded(tmp_path: Path) -> None:
    voc(tmp_path)
    bomb = '<!DOCTYPE a [<!ENTITY x "xxxx"><!ENTITY y "&x;&x;&x;">]><annotation><filename>&y;</filename></annotation>'
    (tmp_path / "Annotations" / "03.xml").write_text(bomb)
    problems = readers.listing(tmp_path, "object-detection").problems
    assert len(problems) == 1 and "declares entities" in problems[0]


def test_keypoints_and_polygons_of_yolo(tmp_path: Path) -> None:
    for index, path in enumerate(pictures(tmp_path)):
        path.with_suffix(".txt").write_text(f"0 .5 .5 .5 .5 .25 .5 2 .75 {0.3 + index / 100} 1\n")
    (tmp_path / "pose.yaml").write_text("names: [person]\nkpt_shape: [2, 3]\n")
    data = load(find("pose-estimation", str(tmp_path)))
    row = next(row for rows in data.splits.values() for row in rows.with_format(None) if row["id"] == "05.png")
    assert row["people"]["bbox"] == [[12, 9, 24, 18]]
    assert row["people"]["keypoints"] == [[[12, 18, 2], pytest.approx([36, 12.6, 1])]]


def test_no_annotations_at_all_names_what_is_read(tmp_path: Path) -> None:
    pictures(tmp_path)
    with refused("no annotations in a layout that is read: COCO.*YOLO.*Pascal VOC.*LabelMe.*CVAT.*Label Studio.*table"):
        find("object-detection", str(tmp_path))


def test_blood_cells_as_downloaded_are_the_same_in_coco_and_in_yolo(tmp_path: Path) -> None:
    """Pascal VOC as its authors publish it, and what conversion tools make of it, to the last digit."""
    source = shared("bccd")
    targets = readers.listing(source, "object-detection").targets
    assert isinstance(targets, Objects)
    listing = readers.listing(source, "object-detection")
    assert listing.splits is not None
    contents: dict[str, dict[str, list[Any]]] = {}
    for index, (value, split) in enumerate(zip(listing.inputs, listing.splits, strict=True)):
        photograph, size = Path(value["path"]), targets.sizes[index]
        assert size is not None
        for place in (tmp_path / "yolo" / split / "images", tmp_path / "coco" / split):
            place.mkdir(parents=True, exist_ok=True)
            (place / photograph.name).symlink_to(photograph)
        names = [{"id": number, "name": name} for number, name in enumerate(targets.names)]
        content = contents.setdefault(split, {"images": [], "annotations": [], "categories": names})
        entry = {"id": index, "file_name": photograph.name, "width": size[0], "height": size[1]}
        content["images"].append(entry)
        lines = []
        for kind, box in zip(targets.classes[index], targets.boxes[index].tolist(), strict=True):
            content["annotations"].append({"image_id": index, "category_id": kind, "bbox": box})
            relative = [(box[side] + box[side + 2] / 2) / size[side] for side in (0, 1)]
            relative += [box[side + 2] / size[side] for side in (0, 1)]
            lines.append(" ".join(map(str, (kind, *relative))))
        labels = tmp_path / "yolo" / split / "labels"
        labels.mkdir(exist_ok=True)
        (labels / f"{photograph.stem}.txt").write_text("\n".join(lines))
    for split, content in contents.items():
        (tmp_path / "coco" / f"{split}.json").write_text(json.dumps(content))
    (tmp_path / "yolo" / "data.yaml").write_text(f"names: {list(targets.names)}\n")
    given = boxes_of(source)
    assert len(given) > 350
    for name in ("coco", "yolo"):
        assert boxes_of(tmp_path / name) == given


@pytest.mark.parametrize("write", [yolo_polygons, labelme], ids=lambda write: write.__name__)
def test_outlines_of_other_layouts_are_masks(tmp_path: Path, write: Callable[[Path], None]) -> None:
    (tmp_path / "mine").mkdir()
    write(tmp_path / "mine")
    data = load(find("image-segmentation", str(tmp_path / "mine")))
    assert data.features["classes"].feature.names == ["background", "cat", "dog"]
    row = next(r for rows in data.splits.values() for r in rows.with_format(None) if Path(r["id"]).stem == "03")
    mask = read_values(row["mask"])
    for name, x, y, width, height in objects(3):
        assert (mask[y : y + height, x : x + width] == 1 + NAMES.index(name)).mean() > 0.7


def test_pictures_in_capital_letters_are_those_that_a_file_names_in_small_ones(tmp_path: Path) -> None:
    voc(tmp_path)
    for path in sorted((tmp_path / "JPEGImages").iterdir()):
        path.rename(path.with_suffix(".PNG"))
    examples = readers.listing(tmp_path, "object-detection")
    assert len(examples.inputs) == COUNT and not examples.problems


def test_a_polygon_of_pixels_and_a_name_for_a_number_are_named(tmp_path: Path) -> None:
    yolo(tmp_path)
    (tmp_path / "labels" / "03.txt").write_text("PIPE 1607 797 1607 799 1608 799\n")
    (tmp_path / "labels" / "05.txt").write_text("0 1607 797 1607 799 1608 799\n")
    (tmp_path / "labels" / "07.txt").write_text("0 .1 .1 .2 .1 .2\n")
    problems = "\n".join(readers.listing(tmp_path, "object-detection").problems)
    assert "03.txt:1: 'PIPE 1607 797 1607 799 1608 799'; expected the class's number" in problems
    assert "05.txt:1: 1608 is not relative to the picture" in problems
    assert "07.txt:1: 5 numbers after the class; expected 4 of a box or pairs of a polygon" in problems
