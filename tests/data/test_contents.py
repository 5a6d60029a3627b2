from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from datasets import ClassLabel, DatasetDict, Features, List, Value
from PIL import Image

from tlzoo.data.contents import contents
from tlzoo.data.dataset import table
from tlzoo.data.media.video import encode
from tlzoo.data.schemas import class_features, entity_features, storage


def held(kind: str, inputs: list[Any], features: dict[str, Any] | None = None, **columns: list[Any]) -> list[str]:
    whole = Features({kind: storage(kind), **(features or {})})
    half = len(inputs) // 2
    parts = {"train": slice(None, half), "test": slice(half, None)}
    values = {kind: inputs, **columns}
    splits = {name: table(whole, {key: each[part] for key, each in values.items()}) for name, part in parts.items()}
    return contents(DatasetDict(splits))


def test_sounds_by_their_lengths(tmp_path: Path) -> None:
    paths = [tmp_path / f"{n}.wav" for n in (1, 2, 4)]
    for path in paths:
        soundfile.write(path, np.zeros(800 * int(path.stem)), 8000)
    assert held("audio", [{"bytes": None, "path": str(path)} for path in paths]) == [
        "sounds of 0.10 to 0.40 s (median 0.20)"
    ]


def test_pictures_by_their_sizes_and_boxes_by_their_classes(tmp_path: Path) -> None:
    paths = [tmp_path / f"{n}.png" for n in (1, 2)]
    for path in paths:
        Image.new("RGB", (16 * int(path.stem), 24)).save(path)
    objects = {"bbox": List(List(Value("float32"))), "category": List(ClassLabel(names=["cat", "dog", "cow"]))}
    marked = [{"bbox": [[1, 2, 3, 4]] * 3, "category": [1, 1, 0]}, {"bbox": [], "category": []}]
    inputs = [{"bytes": None, "path": str(path)} for path in paths]
    assert held("image", inputs, {"objects": objects}, objects=marked) == [
        "3 boxes in 2 classes (dog 2, cat 1)",
        "pictures of 16 x 24 to 32 x 24 pixels",
    ]


def test_a_file_that_is_gone_costs_no_more_than_its_size(tmp_path: Path) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    inputs = [{"bytes": None, "path": str(tmp_path / name)} for name in ("a.png", "gone.png")]
    assert held("image", inputs) == ["pictures of 9 x 9 pixels, by 1 of them"]


def test_videos_by_their_frames() -> None:
    stored = [{"bytes": encode(np.zeros((n, 16, 16, 3), np.uint8), 8), "path": None} for n in (3, 5)]
    assert held("video", stored) == ["videos of 3 to 5 frames (median 4)"]


def test_texts_by_characters_and_scripts_unless_latin() -> None:
    assert held("text", ["abc", "defgh", "élan"]) == ["'text' of 3 to 5 characters (median 4)"]
    assert held("text", ["абвгде", "漢字", "ab"]) == [
        "'text' of 2 to 6 characters (median 2), in Cyrillic (60%), Han (20%), Latin (20%)"
    ]


def test_entities_are_counted() -> None:
    place = {"start": [0], "end": [4]}
    entities = [{**place, "label": [0]}, {"start": [], "end": [], "label": []}]
    shown = held("text", ["Anna", "sings"], entity_features(["who"]), words=[place, place], entities=entities)
    assert shown[0] == "1 entity in 1 class (1 each)"


def test_columns_that_name_rows_are_no_texts() -> None:
    rows = table(class_features("text", ("a", "b")), {"text": ["x"], "label": [0], "group": ["g"], "id": ["long name"]})
    assert contents(DatasetDict({"train": rows})) == ["'text' of 1 characters"]
