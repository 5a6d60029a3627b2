"""Kinds of pictures with boxes, masks and keypoints."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Image as Pictures
from datasets import List, Value
from numpy.typing import NDArray
from PIL import Image

from tests.data.kinds import made
from tests.data.kinds.kind import Kind
from tests.data.kinds.made import (
    SIZE,
    Make,
    Texts,
    also,
    at,
    files,
    inside,
    joined,
    parquet,
    picture,
    removed,
    text,
    written,
)
from tests.data.kinds.photographs import metadata, pictured, table, tree, turned
from tests.data.kinds.written import reads, refuses
from tlzoo.data.media.image import encode_png

BOXES, FACES, MASKS, POSES = "object-detection", "face-detection", "image-segmentation", "pose-estimation"
TEN = "train 6.*test 3"
"""Counts of ten examples without classes."""
FIVES = "train 4.*test 5"
"""The same where each half is a split."""
UNREAD = "no annotations in a layout that is read: COCO .*YOLO .*a table of boxes"


def coco(
    change: Callable[[dict[str, Any]], object] | None = None,
    images: str = "{i}.png",
    file: str = "all.json",
    name: str = "{i}.png",
    count: int = 10,
    first: int = 1,
    prefix: bytes = b"",
    **options: Any,
) -> Make:
    """Pictures with a box each in COCO's form.

    Args:
        change: Changes the content.
        images: Pattern of the pictures' names.
        file: Name of the file.
        name: Pattern of the names in it.
        count: Number of pictures.
        first: The first id.
        prefix: What the file begins with.
        options: How pictures are stored.
    """
    numbers = range(first, first + count)
    content: dict[str, Any] = {
        "images": [
            {"id": i, "file_name": made.named(name, i - first, count), "width": SIZE[0], "height": SIZE[1]}
            for i in numbers
        ],
        "annotations": [
            {"id": i, "image_id": i, "category_id": first + i % 2, "bbox": [12, 4, 9, 8], "iscrowd": 0} for i in numbers
        ],
        "categories": [{"id": first + place, "name": name} for place, name in enumerate(("ant", "bee", "unused"))],
    }
    if change is not None:
        change(content)
    return also(
        files(images, partial(picture, **options), count),
        lambda home: text(home, file, prefix + json.dumps(content).encode()),
    )


def each_box(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], object]:
    """A change of every annotation."""
    return lambda content: [change(annotation) for annotation in content["annotations"]]


def box(place: int = 0, **fields: Any) -> Callable[[dict[str, Any]], object]:
    """A change of one annotation."""
    return lambda content: content["annotations"][place].update(fields)


def yolo(
    images: str = "images/{i}.png",
    labels: str = "labels/{i}.txt",
    texts: Texts | None = None,
    line: Callable[[int], str] = lambda i: f"{i % 2} .5 .5 .4 .4\n",
) -> Make:
    """Pictures with a text file each."""
    return files(images, picture, 10, {"data.yaml": "names: [ant, bee]\n"} if texts is None else texts, {labels: line})


def voc(images: str, notes: str, texts: Texts | None = None) -> Make:
    """Pictures with an XML file each."""

    def note(i: int) -> str:
        sides = "<bndbox><xmin>12</xmin><ymin>4</ymin><xmax>20</xmax><ymax>12</ymax></bndbox>"
        return (
            f"<annotation><filename>{i}.png</filename><object><name>{'ab'[i % 2]}</name>{sides}</object></annotation>"
        )

    return files(images, picture, 10, texts, {notes: note})


def labelme(i: int) -> str:
    """What LabelMe says of a picture."""
    shape = {"label": "ab"[i % 2], "points": [[2, 3], [9, 3], [9, 12]], "shape_type": "polygon"}
    return json.dumps({"version": "5", "shapes": [shape], "imagePath": f"{i}.png", "imageData": None})


def studio(i: int) -> dict[str, Any]:
    """A task of Label Studio."""
    value = {"x": 10, "y": 10, "width": 40, "height": 40, "rectanglelabels": ["a"]}
    size = {"original_width": SIZE[0], "original_height": SIZE[1]}
    result = [{"type": "rectanglelabels", "value": value, **size}]
    return {"id": i, "data": {"image": f"/data/upload/1/0123abcd-{i}.png"}, "annotations": [{"result": result}]}


CVAT = "".join(
    f'<image id="{i}" name="{i}.png" width="24" height="16"><box label="a" xtl="2" ytl="3" xbr="9" ybr="9"/></image>'
    for i in range(10)
)
OBJECTS = [{"file_name": f"{i}.png", "objects": {"bbox": [[2, 3, 9, 8]], "categories": [i % 2]}} for i in range(10)]
LISTS = {
    "train.txt": "".join(f"data/images/{i}.png\n" for i in range(5)),
    "test.txt": "data/images/5.png\nimages/6.png\n",
}


def three(make: Callable[[str], Make]) -> Make:
    """Data in three folders of splits."""
    return joined(*(inside(name, make(name)) for name in ("train", "valid", "test")))


DETECTION = (
    reads(
        BOXES,
        "Parquet with objects",
        parquet(
            train=pictured(
                "{i}.png",
                10,
                objects=(
                    {"bbox": List(List(Value("float32"))), "category": List(Value("string"))},
                    lambda i: {"bbox": [[2, 3, 9, 8]], "category": ["ab"[i % 2]]},
                ),
            )
        ),
        TEN,
    ),
    reads(BOXES, "COCO", coco(), TEN),
    reads(BOXES, "COCO, the file is named", at("all.json", coco()), TEN),
    reads(BOXES, "COCO, ids from 0 on, a byte order mark", coco(first=0, prefix=b"\xef\xbb\xbf"), TEN),
    reads(BOXES, "COCO, ids as strings", coco(each_box(lambda a: a.update(image_id=str(a["image_id"])))), TEN),
    reads(
        BOXES,
        "COCO as it is published",
        joined(
            coco(images="train2017/{i}.png", file="annotations/instances_train2017.json"),
            coco(images="val2017/{i}.png", file="annotations/instances_val2017.json", count=5),
            coco(images="val2017/{i}.png", file="annotations/person_keypoints_val2017.json", count=5),
        ),
        "train 8.*test 5",
    ),
    reads(
        BOXES,
        "COCO of Roboflow",
        three(lambda name: coco(file="_annotations.coco.json", images=name + "{i}.png", name=name + "{i}.png")),
        "train 10.*validation 10.*test 10",
    ),
    reads(BOXES, "COCO of CVAT", coco(images="images/default/{i}.png", file="annotations/instances_default.json"), TEN),
    reads(
        BOXES,
        "COCO of Label Studio",
        coco(images="images/{i}.png", name="..\\/../media/upload/1/{i}.png", file="result.json"),
        TEN,
    ),
    reads(
        BOXES,
        "COCO, paths of another computer",
        coco(images="images/{i}.png", name="C:\\users\\me\\pictures\\{i}.png"),
        TEN,
    ),
    reads(
        BOXES,
        "COCO, folders of which one is missing, pictures of the same names",
        coco(
            lambda c: [e.update(file_name=f"{'ab'[i % 2]}/{i // 2}.png") for i, e in enumerate(c["images"])],
            images="a/{i}.png",
            count=20,
        ),
        "train 6.*test 3",
        r"^b/0\.png: no such picture",
    ),
    reads(
        BOXES,
        "COCO, crowds",
        coco(box(iscrowd=1, segmentation={"size": [16, 24], "counts": [100, 50, 234]})),
        TEN,
        "crowds, in which detections count neither way: 1",
    ),
    refuses(
        BOXES,
        "COCO, boxes from 0 to 1",
        coco(each_box(lambda a: a.update(bbox=[0.5, 0.3, 0.4, 0.4]))),
        "all 10 boxes lie between 0 and 1.*pixels are expected: multiply",
    ),
    refuses(
        BOXES,
        "COCO, corners",
        coco(each_box(lambda a: a.update(bbox=[12, 8, 22, 15]))),
        "all 10 boxes look like corners.*write x2 - x1 for the width",
    ),
    reads(
        BOXES,
        "COCO, a box beyond its picture, and one without area",
        coco(lambda c: [box(0, bbox=[12, 4, 20, 8])(c), box(1, bbox=[3, 3, 0, 0])(c)]),
        TEN,
        "beyond their picture and were cut off at its edges: 1",
        "boxes without area inside .*: 1",
    ),
    reads(BOXES, "COCO, an empty box", coco(box(bbox=[])), "train 5.*test 3", r"^0\.png: .*'bbox' is \[\]; expected 4"),
    reads(
        BOXES, "COCO, an unknown category", coco(box(category_id=9)), "train 5.*test 3", "9 is not among the categories"
    ),
    reads(
        BOXES,
        "COCO, pictures held upright, boxes as stored",
        coco(images="{i}.jpg", name="{i}.jpg", exif=turned(6)),
        TEN,
    ),
    reads(
        BOXES,
        "COCO, pictures held upright, boxes as seen",
        coco(
            lambda c: [
                *(entry.update(width=SIZE[1], height=SIZE[0]) for entry in c["images"]),
                *(a.update(bbox=[4, 12, 8, 9]) for a in c["annotations"]),
            ],
            images="{i}.jpg",
            name="{i}.jpg",
            exif=turned(6),
        ),
        TEN,
    ),
    refuses(
        BOXES,
        "COCO, pictures resized later",
        coco(lambda c: [entry.update(width=640, height=480) for entry in c["images"]]),
        "is 24 x 16 pixels, but its annotation is 640 x 480",
    ),
    refuses(
        BOXES, "COCO without annotations", coco(lambda c: c.pop("annotations")), UNREAD + ".*no list 'annotations'"
    ),
    reads(BOXES, "COCO, folders of splits", coco(images="{split}/{i}.png", name="{split}/{i}.png"), FIVES),
    refuses(
        BOXES,
        "COCO files whose splits are not said",
        joined(coco(file="a.json"), coco(file="b.json")),
        r"which COCO file is which split\? name them train\.json, val\.json",
    ),
    reads(BOXES, "YOLO", yolo(), TEN),
    refuses(BOXES, "YOLO, data.yaml is named", at("data.yaml", yolo()), r"data\.yaml: .*name the folder: try --data "),
    reads(
        BOXES,
        "YOLO, some text files missing",
        also(yolo(), *(removed(f"labels/{i}.txt") for i in range(5))),
        TEN,
        "pictures without a text file, taken to have no object: 5",
    ),
    reads(BOXES, "YOLO, splits in images and labels", yolo("images/{split}/{i}.png", "labels/{split}/{i}.txt"), FIVES),
    reads(
        BOXES,
        "YOLO of Roboflow, a picture beside the splits",
        also(
            three(lambda name: yolo("images/" + name + "{i}.png", "labels/" + name + "{i}.txt", {})),
            written("data.yaml", "train: ../train/images\nval: ../valid/images\nnc: 2\nnames: ['ant', 'bee']\n"),
            lambda home: picture(home, "preview.png"),
        ),
        "train 10.*validation 10.*test 10",
        "pictures outside of the splits, left out: 1",
    ),
    reads(BOXES, "YOLO one folder further in", inside("bugs", yolo(line=lambda i: f"{i % 2} .5 .5 .4 .4\n")), TEN),
    reads(BOXES, "YOLO beside the pictures", yolo("{i}.png", "{i}.txt", {"classes.txt": "ant\nbee\n"}), TEN),
    reads(BOXES, "YOLO without names", yolo(texts={}), TEN),
    reads(
        BOXES,
        "YOLO, lists of splits",
        yolo("data/images/{i}.png", "data/labels/{i}.txt", {"obj.names": "ant\nbee\n", **LISTS}),
        "train 4.*test 2",
        "pictures outside of the splits, left out: 3",
    ),
    reads(BOXES, "YOLO, polygons, pictures of nothing", yolo(line=lambda i: "0 .1 .1 .5 .1 .5 .5\n" * (i > 2)), TEN),
    reads(
        BOXES,
        "YOLO, a class without a name",
        yolo(line=lambda i: f"{9 if i == 3 else 0} .5 .5 .4 .4\n"),
        "train 5.*test 3",
        r"labels/3\.txt:1: class 9 has no name; named: 0 to 1",
    ),
    refuses(
        BOXES, "YOLO in pixels", yolo(line=lambda i: f"0 12 {i + 2} 8 8\n"), "is not relative to the picture, from 0"
    ),
    reads(BOXES, "Pascal VOC", voc("JPEGImages/{i}.png", "Annotations/{i}.xml"), TEN),
    reads(
        BOXES,
        "Pascal VOC, lists of splits",
        voc(
            "V/JPEGImages/{i}.png",
            "V/Annotations/{i}.xml",
            {"V/ImageSets/Main/train.txt": "0\n1\n2\n3\n4\n", "V/ImageSets/Main/test.txt": "5\n6\n7\n8\n9\n"},
        ),
        FIVES,
    ),
    reads(BOXES, "Pascal VOC beside the pictures", voc("{split}/{i}.png", "{split}/{i}.xml"), FIVES),
    reads(BOXES, "LabelMe", files("{i}.png", picture, 10, None, {"{i}.json": labelme}), TEN),
    reads(BOXES, "CVAT", files("images/{i}.png", picture, 10, {"all.xml": f"<annotations>{CVAT}</annotations>"}), TEN),
    reads(BOXES, "Label Studio", files("{i}.png", picture, 10, {"x.json": json.dumps([*map(studio, range(10))])}), TEN),
    reads(
        BOXES,
        "a table of corners",
        table("boxes.csv", "filename;class;xmin;ymin;xmax;ymax", "{i}.png;{kind};2;3;9;12", count=10),
        TEN,
    ),
    reads(
        BOXES,
        "tables of corners, one for each split",
        joined(
            *(
                table(
                    f"{name}_labels.csv",
                    "filename,width,height,class,xmin,ymin,xmax,ymax",
                    name + "{i}.png,24,16,{kind},2,3,9,12",
                    f"images/{name}/{name}{{i}}.png",
                    count=count,
                )
                for name, count in (("train", 10), ("test", 5))
            )
        ),
        "train 8.*test 5",
    ),
    refuses(
        BOXES,
        "a table with boxes in one column",
        table("train.csv", "image_id,width,height,bbox", '{i},24,16,"[2, 3, 9, 8]"', count=10),
        UNREAD,
    ),
    reads(BOXES, "objects", metadata("\n".join(map(json.dumps, OBJECTS)), 10, "metadata.jsonl"), TEN),
    refuses(BOXES, "VIA's regions", files("{i}.png", picture, 3, {"via.json": '{"0.png3": {"regions": []}}'}), UNREAD),
    refuses(BOXES, "pictures alone", tree({"images": 5}), UNREAD),
    reads(FACES, "faces, and others", coco(lambda c: c["categories"][0].update(name="face")), TEN),
    reads(
        FACES,
        "faces called otherwise",
        coco(lambda c: [a.update(category_id=1) for a in c["annotations"]]),
        TEN,
        "category 'ant' is taken for 'face'",
    ),
    refuses(FACES, "faces under no such name", coco(), "needs a category 'face'; those used: ant, bee"),
)


def stripes(*values: int) -> NDArray[np.uint8]:
    """Columns of each value, as wide as each other."""
    return np.repeat(np.array(values, np.uint8), SIZE[0] // len(values))[None].repeat(SIZE[1], 0)


def masked(
    mask: NDArray[Any] | Image.Image,
    images: str = "images/{i}.png",
    masks: str = "masks/{i}.png",
    texts: Texts | None = None,
) -> Make:
    """Pictures, each with the same mask."""

    def write(home: Path, name: str) -> None:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (mask if isinstance(mask, Image.Image) else Image.fromarray(mask)).save(home / name)

    return joined(files(images, picture, 10, texts), files(masks, write, 10))


def palette(*values: int) -> Image.Image:
    """A mask whose values have colours."""
    image = Image.fromarray(stripes(*values), "P")
    image.putpalette([0, 0, 0, 200, 10, 10, 10, 200, 10])
    return image


THREE_VALUES = stripes(0, 1, 2)
COLOURS = np.array([[0, 0, 0], [200, 0, 0], [0, 0, 90]], np.uint8)[THREE_VALUES]
RUNS = {"size": [SIZE[1], SIZE[0]], "counts": [100, 50, 234]}
SEGMENTATION = (
    reads(MASKS, "indices", masked(THREE_VALUES), TEN),
    reads(MASKS, "0 and 255", masked(stripes(0, 255)), TEN, "0 and 255: 255 is the class"),
    reads(MASKS, "one bit", masked(stripes(0, 1) > 0), TEN),
    reads(MASKS, "0, 128 and 255", masked(stripes(0, 128, 255)), TEN, "0, 128, 255: 255 is a class like the others"),
    reads(MASKS, "a void border", masked(stripes(0, 1, 255)), TEN, "255 is void, and counts neither way: 33.3%"),
    reads(MASKS, "transparency", masked(np.dstack([stripes(0, 1)] * 3 + [stripes(255, 255)])), TEN),
    reads(MASKS, "a palette", masked(palette(0, 2, 1)), TEN),
    reads(MASKS, "colours", masked(COLOURS), TEN, "a class a colour: background .*colour_0_0_90 .*colour_200_0_0"),
    reads(
        MASKS,
        "colours and their names, as CamVid",
        masked(COLOURS, "train/{i}.png", "train_labels/{i}_L.png", {"class_dict.csv": "name,r,g,b\nsky,0,0,90\n"}),
        TEN,
        r"sky \(0, 0, 90\)",
    ),
    reads(MASKS, "classes.txt", masked(THREE_VALUES, texts={"classes.txt": "background\nant\nbee\n"}), TEN),
    refuses(
        MASKS,
        "classes.txt with too few names",
        masked(stripes(0, 1, 5), texts={"classes.txt": "background\nant\n"}),
        "2 names, but the masks have the value 5",
    ),
    *(
        reads(MASKS, f"{images} with {masks}", masked(THREE_VALUES, images, masks), counts)
        for images, masks, counts in (
            ("images/{i}.jpg", "masks/{i}_mask.gif", TEN),
            ("images/{i}.jpg", "labels/{i}.png", TEN),
            ("Images/{i}.jpg", "Masks/{i}.png", TEN),
            ("image/{i}.png", "label/{i}.png", TEN),
            ("JPEGImages/{i}.jpg", "SegmentationClass/{i}.png", TEN),
            ("train/{i}.png", "train_masks/{i}.png", TEN),
            ("images/{split}/{i}.jpg", "annotations/{split}/{i}.png", FIVES),
            ("{split}/images/{i}.png", "{split}/masks/{i}.png", FIVES),
        )
    ),
    reads(
        MASKS,
        "JPEG of two values",
        masked(stripes(0, 255), masks="masks/{i}.jpg"),
        TEN,
        "not exact, read as black and white: 10",
    ),
    refuses(
        MASKS,
        "JPEG of several values",
        masked(stripes(0, 100, 180), masks="masks/{i}.jpg"),
        "does not store values exactly, so classes are lost; save masks as PNG",
    ),
    refuses(
        MASKS,
        "instances in 16 bits",
        masked(stripes(0, 1).astype(np.uint16) * 300),
        "has values from 0 to 300; expected whole 0 to 255",
    ),
    refuses(MASKS, "nothing", masked(stripes(0)), "the masks have no value but 0, the background"),
    refuses(
        MASKS,
        "shades",
        masked((np.arange(SIZE[0] * SIZE[1]) // 2 * 2 % 256).astype(np.uint8).reshape(SIZE[1], SIZE[0])),
        "expected classes, not shades of a picture",
    ),
    reads(
        MASKS,
        "another size, and a missing mask",
        also(
            masked(stripes(0, 1)),
            lambda home: Image.fromarray(stripes(0, 1)[:9]).save(home / "masks" / "0.png"),
            removed("masks/1.png"),
        ),
        "train 5.*test 2",
        r"^images/0\.png: is 24 x 16 pixels, but its annotation is 24 x 9",
        r"^images/1\.png: no mask 1\.png",
    ),
    refuses(MASKS, "beside the pictures", masked(stripes(0, 1), "{i}.png", "{i}_mask.png"), "no folders 'images' and"),
    refuses(
        MASKS,
        "as Cityscapes",
        masked(THREE_VALUES, "leftImg8bit/{split}/{i}_leftImg8bit.png", "gtFine/{split}/{i}_gtFine_labelIds.png"),
        "no folders 'images' and 'masks'",
    ),
    reads(
        MASKS,
        "a test without masks",
        joined(masked(THREE_VALUES, "train/images/{i}.png", "train/masks/{i}.png"), tree({"test/images": 3})),
        TEN,
        "folders of splits without masks, left out: test",
    ),
    refuses(MASKS, "one folder further in", inside("data", masked(stripes(0, 1))), "; try --data .*/data$"),
    reads(MASKS, "polygons of COCO", coco(each_box(lambda a: a.update(segmentation=[[2, 3, 12, 3, 12, 12]]))), TEN),
    reads(MASKS, "run lengths of COCO", coco(each_box(lambda a: a.update(segmentation=RUNS))), TEN),
    refuses(MASKS, "COCO without areas", coco(), "no annotation has a 'segmentation'; masks are made of them"),
    reads(MASKS, "polygons of YOLO", yolo(line=lambda i: f"{i % 2} .1 .1 .5 .1 .5 .5\n"), TEN),
    reads(MASKS, "polygons of LabelMe", files("{i}.png", picture, 10, None, {"{i}.json": labelme}), TEN),
    reads(
        MASKS,
        "Parquet",
        parquet(
            train=pictured(
                "{i}.png",
                10,
                mask=(Pictures(decode=False), lambda i: {"bytes": encode_png(THREE_VALUES), "path": None}),
            )
        ),
        TEN,
    ),
)


def points(visibility: int) -> Callable[[dict[str, Any]], object]:
    """A change by which all annotations are people with 17 points."""

    def change(content: dict[str, Any]) -> None:
        content["categories"] = [{"id": 1, "name": "person"}]
        for annotation in content["annotations"]:
            annotation.update(category_id=1, keypoints=[5, 6, visibility] * 17, num_keypoints=17)

    return change


KEYPOINTS = (
    reads(POSES, "COCO", coco(points(2)), TEN),
    refuses(POSES, "COCO, none annotated", coco(points(0)), "all keypoints have visibility 0, not annotated"),
    refuses(POSES, "COCO without keypoints", coco(), "no annotation has 'keypoints'; poses are made of them"),
    reads(
        POSES,
        "YOLO",
        yolo(texts={"a.yaml": "names: [fly]\nkpt_shape: [2, 3]\n"}, line=lambda i: "0 .5 .5 .4 .4 .3 .3 2 .6 .6 1\n"),
        TEN,
    ),
)
KINDS: tuple[Kind, ...] = (*DETECTION, *SEGMENTATION, *KEYPOINTS)
