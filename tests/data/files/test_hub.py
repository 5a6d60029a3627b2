import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from datasets import Audio, ClassLabel, Dataset, DatasetDict, Features, Image, List, Value

from tests.support.hub_server import Hub
from tests.support.prepared import Maker, are_apart
from tlzoo.data.dataset import Prepared, gather, table
from tlzoo.data.files.hub import listed
from tlzoo.data.media.image import encode_png, read_values
from tlzoo.data.media.inputs import read_checked
from tlzoo.data.media.video import encode
from tlzoo.data.named import DATASETS
from tlzoo.data.protocol import draw
from tlzoo.errors import InputError

READ = """
import json, sys
from tlzoo.data.catalogue import find, load
from tlzoo.errors import TlzooError
try:
    data = load(find("audio-classification", sys.argv[1]))
except TlzooError as error:
    sys.exit(f"{type(error).__name__}: {error}")
print(json.dumps({"names": data.features["label"].names, "notices": data.notices,
                  "sizes": {k: len(v) for k, v in data.splits.items()},
                  "groups": [sorted(set(v["group"][:])) for v in data.splits.values()]}))
"""


@pytest.fixture
def notes(sound: Maker, tmp_path: Path) -> Path:
    """A repository of sixty notes of two classes by six speakers, as ``datasets`` writes one."""
    features = Features(
        {"sound": Audio(decode=False), "category": ClassLabel(names=["low", "high"]), "speaker_id": Value("string")}
    )
    rows = [sound(f"s/{i}.wav", 300 + 900 * (i % 2) + i) for i in range(60)]
    columns = {
        "sound": [{"bytes": path.read_bytes(), "path": path.name} for path in rows],
        "category": [i % 2 for i in range(60)],
        "speaker_id": [f"p{i % 6}" for i in range(60)],
    }
    folder = tmp_path / "hub" / "datasets" / "somebody" / "notes" / "data"
    folder.mkdir(parents=True)
    Dataset(pa.table(columns, schema=features.arrow_schema)).to_parquet(folder / "train-00000-of-00001.parquet")
    return tmp_path / "hub"


def run(hub: Hub, tmp_path: Path, code: str, *wanted: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | hub.environment(tmp_path) | {"TLZOO_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-c", code, *wanted]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def test_any_data_set_of_the_hub_with_a_sound_and_a_label_and_what_the_hub_refuses(notes: Path, tmp_path: Path) -> None:
    with Hub(notes) as hub:
        done = run(hub, tmp_path, READ, "hub:somebody/notes")
        missing = run(hub, tmp_path, READ, "hub:somebody/nothing")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["names"] == ["high", "low"]
    assert sum(found["sizes"].values()) == 60
    assert are_apart(found["groups"]), "no speaker on two sides"
    assert "audio from column 'sound', label from column 'category'" in found["notices"][0]
    assert missing.returncode == 1
    last = missing.stderr.strip().splitlines()[-1]
    assert last.startswith("UnavailableError: hub:somebody/nothing: HTTP 404, no such")


def test_class_folders_in_an_archive(tmp_path: Path) -> None:
    folder = tmp_path / "hub" / "datasets" / "somebody" / "films"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    with tarfile.open(folder / "films.tar.gz", "w:gz") as tar:
        for i in range(24):
            film = tmp_path / "film.mkv"
            film.write_bytes(encode(rng.integers(0, 256, (3, 16, 16, 3), dtype=np.uint8), 10))
            tar.add(film, f"films/{'train' if i < 16 else 'test'}/{'run' if i % 2 else 'jump'}/v{i}.mkv")
    code = """
from tlzoo.data.catalogue import Source, load
from tlzoo.data.files.hub import revision
place = "somebody/films@" + revision("somebody/films").commit
source = Source("films", "video-classification", "video", "f" * 64, "hub", place, (("archive", "films.tar.gz"),))
data = load(source)
print({k: len(v) for k, v in data.splits.items()}, data.features["label"].names)
"""
    with Hub(tmp_path / "hub") as hub:
        done = run(hub, tmp_path, code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "{'train': 14, 'validation': 2, 'test': 8} ['jump', 'run']"


def test_transcripts_beside_sounds(sound: Maker) -> None:
    features = Features({"audio": Audio(decode=False), "text": Value("string"), "speaker_id": Value("int64")})
    paths = [sound(f"t/{i}.wav", 300 + 50 * i) for i in range(24)]
    columns = {
        "audio": [{"bytes": path.read_bytes(), "path": path.name} for path in paths],
        "text": ["HE SAID, YES", "THE SECOND"] * 12,
        "speaker_id": [i % 6 for i in range(24)],
    }
    rows = Dataset(pa.table(columns, schema=features.arrow_schema))
    found = listed(DatasetDict({"train": rows, "test": rows}), "hub:a/b", "speech-recognition")
    data = gather(found, draw(found.labels, found.groups, found.splits), read_checked("audio"))
    assert data.splits["test"][0]["text"] in ("he said yes", "the second")
    assert found.groups and found.groups[1] == "1"


BOX = [[1.0, 2.0, 5.0, 6.0], [-4.0, 0.0, 8.0, 8.0]]
NAMES = ["mask", "glove"]


def pictures(features: dict[str, Any], value: Callable[[int], Any]) -> DatasetDict:
    """Splits as the Hub has them, of pictures of 12 x 10 pixels and one more column."""
    (column,) = features
    splits = {}
    for s, split in enumerate(("train", "valid")):
        noise = np.random.default_rng(s).integers(0, 256, (12, 10, 12, 3), dtype=np.uint8)
        images = [{"bytes": encode_png(pixels), "path": None} for pixels in noise]
        columns = {"image": images, column: [value(i) for i in range(12)]}
        splits[split] = table(Features({"image": Image(decode=False), **features}), columns)
    return DatasetDict(splits)


def drawn(loaded: DatasetDict, task: str) -> Prepared:
    found = listed(loaded, "hub:a/b", task)
    return gather(found, draw(found.labels, found.groups, found.splits), read_checked("image"))


@pytest.mark.parametrize("listed_objects", [False, True])
@pytest.mark.parametrize("kind", ["names", "numbers", "words"])
def test_objects_with_boxes_and_categories(listed_objects: bool, kind: str) -> None:
    category = {"names": ClassLabel(names=NAMES), "numbers": Value("int64"), "words": Value("string")}[kind]
    given = {"names": [1, 0], "numbers": [7, 3], "words": ["glove", "mask"]}[kind]
    if listed_objects:
        feature: Any = List({"bbox": List(Value("float32")), "category": category, "area": Value("int64")})
        value: Any = [{"bbox": b, "category": c, "area": 1} for b, c in zip(BOX, given, strict=True)]
    else:
        feature = {
            "bbox": List(List(Value("float32"), length=4)),
            "category": List(category),
            "area": List(Value("int64")),
        }
        value = {"bbox": BOX, "category": given, "area": [1, 1]}
    data = drawn(pictures({"objects": feature}, lambda i: value), "object-detection")
    names = {"names": NAMES, "numbers": ["3", "7"], "words": ["glove", "mask"]}[kind]
    assert data.features["objects"]["category"].feature.names == names
    row = data.splits["test"][0]
    assert row["objects"]["bbox"] == [[1, 2, 5, 6], [0, 0, 4, 8]]
    wanted = ["7", "3"] if kind == "numbers" else ["glove", "mask"]
    assert [names[c] for c in row["objects"]["category"]] == wanted
    assert {k: len(v) for k, v in data.splits.items()} == {"train": 10, "validation": 2, "test": 12}
    assert data.notices[-1] == "boxes that reached beyond their picture and were cut off at its edges: 24"


def test_faces_need_no_category() -> None:
    loaded = pictures({"faces": {"bbox": List(List(Value("float32")))}}, lambda i: {"bbox": BOX[: i % 3]})
    data = drawn(loaded, "face-detection")
    assert data.features["objects"]["category"].feature.names == ["face"]
    assert sorted(len(row["objects"]["bbox"]) for row in data.splits["test"]) == [0] * 4 + [1] * 4 + [2] * 4
    with pytest.raises(InputError, match="its objects have no category; they have: bbox"):
        listed(loaded, "hub:a/b", "object-detection")


def test_masks_beside_pictures() -> None:
    values = np.repeat(np.array([0, 1, 2], np.uint8), 4)[None].repeat(10, 0)
    loaded = pictures({"label": Image(decode=False)}, lambda i: {"bytes": encode_png(values), "path": None})
    data = drawn(loaded, "image-segmentation")
    assert data.features["classes"].feature.names == ["background", "class_1", "class_2"]
    assert (read_values(data.splits["test"][0]["mask"]) == values).all()


def test_a_mask_is_known_by_its_name_whatever_the_order_of_columns() -> None:
    values = np.repeat(np.array([0, 1, 2], np.uint8), 4)[None].repeat(10, 0)
    masks = [{"bytes": encode_png(values), "path": None}] * 12
    noise = np.random.default_rng(0).integers(0, 256, (12, 10, 12, 3), dtype=np.uint8)
    images = [{"bytes": encode_png(pixels), "path": None} for pixels in noise]
    features = Features({name: Image(decode=False) for name in ("mask", "depth", "img")})
    rows = table(features, {"mask": masks, "depth": images[::-1], "img": images})
    found = listed(DatasetDict({"train": rows}), "hub:a/b", "image-segmentation")
    assert found.inputs == images and found.notices[0].endswith("image from column 'img', mask from column 'mask'")
    assert len(gather(found, draw(found.labels, None, None), read_checked("image")).splits["test"]) == 4


@pytest.mark.parametrize("boxes_of", ["corners", "sizes"])
def test_boxes_as_two_corners_are_told_by_pictures_that_they_would_leave(boxes_of: str) -> None:
    corners = [[6.0, 5.0, 11.0, 9.0], [2.0, 1.0, 6.0, 4.0]]
    sizes = [[x, y, right - x, bottom - y] for x, y, right, bottom in corners]
    feature = {"bbox": List(List(Value("float32"))), "category": List(ClassLabel(names=NAMES))}
    given = {"bbox": corners if boxes_of == "corners" else sizes, "category": [0, 1]}
    data = drawn(pictures({"objects": feature}, lambda i: given), "object-detection")
    assert all(row["objects"]["bbox"] == sizes for row in data.splits["train"])
    assert any("two corners" in notice for notice in data.notices) == (boxes_of == "corners")


@pytest.mark.parametrize("form", ["triples", "flat", "of objects", "of a list"])
def test_keypoints_of_people(form: str) -> None:
    person = [[float(1 + k % 10), float(1 + k % 8), 2.0] for k in range(17)]
    triples, flat = List(List(Value("float32"))), List(Value("float32"))
    spread = [number for point in person for number in point]
    feature: Any
    feature, value = {
        "triples": (List(triples), [person, [[0.0, 0.0, 0.0]] * 17]),
        "flat": (List(flat), [spread]),
        "of objects": ({"keypoints": List(flat), "bbox": List(flat)}, {"keypoints": [spread], "bbox": [[0.0] * 4]}),
        "of a list": (List({"keypoints": triples, "area": Value("int64")}), [{"keypoints": person, "area": 1}]),
    }[form]
    name = "objects" if form.startswith("of") else "keypoints"
    nobody: Any = {"keypoints": [], "bbox": []} if form == "of objects" else []
    data = drawn(pictures({name: feature}, lambda i: value if i % 3 else nobody), "pose-estimation")
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 7, "validation": 1, "test": 8}
    assert "hub:a/b: 4 rows of 'train' have no label" in data.notices
    for row in data.splits["test"]:
        assert row["people"]["keypoints"] == [person]
        assert row["people"]["bbox"] == [[1.0, 1.0, 9.0, 7.0]]
    few = pictures({"keypoints": List(List(List(Value("float32"))))}, lambda i: [person[:5]])
    with pytest.raises(InputError, match="poses of 17 keypoints are read, COCO's, as x, y, visibility; has 5"):
        listed(few, "hub:a/b", "pose-estimation")


def test_a_test_whose_objects_are_kept_secret_is_left_out() -> None:
    feature = {"bbox": List(List(Value("float32"))), "category": List(ClassLabel(names=NAMES))}
    loaded = pictures({"objects": feature}, lambda i: {"bbox": BOX[: i % 2], "category": [0][: i % 2]})
    secret = pictures({"objects": feature}, lambda i: {"bbox": [], "category": []})["train"]
    found = listed(DatasetDict({**loaded, "test": secret}), "hub:a/b", "object-detection")
    assert found.splits == ["train"] * 12 + ["validation"] * 12, "pictures without an object are kept"
    assert "hub:a/b: 12 rows of 'test' have no label" in found.notices


def test_numbers_are_no_texts_of_pairs_and_replies_whatever_their_column_is_called() -> None:
    texts = [f"text {i} of {'many' if i % 2 else 'few'}" for i in range(240)]
    rows = {
        **{"id": [f"train-{i}" for i in range(120)], "a": list(range(120)), "b": list(range(120))},
        **{"left_one": texts[:120], "right_one": texts[120:], "score": [i % 5 for i in range(120)]},
    }
    found = listed(DatasetDict({"train": Dataset.from_dict(rows)}), "hub:a/b", "text-embedding")
    assert found.columns == {"sentence1": "left_one", "sentence2": "right_one"}
    rows = {"message": list(range(120)), "prompt": texts[:120], "answer": list(range(120)), "output": texts[120:]}
    found = listed(DatasetDict({"train": Dataset.from_dict(rows)}), "hub:a/b", "text-generation")
    assert found.columns == {"text": "prompt"} and set(found.inputs) == set(texts[:120])


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("object-detection", "hub:a/b: no objects column; columns: image, label"),
        ("image-segmentation", "no mask column"),
        ("pose-estimation", "no keypoints column"),
    ],
)
def test_columns_that_do_not_fit_a_task(task: str, message: str) -> None:
    loaded = pictures({"label": ClassLabel(names=NAMES)}, lambda i: i % 2)
    with pytest.raises(InputError, match=message):
        listed(loaded, "hub:a/b", task)
    assert drawn(loaded, "image-classification").features["label"].names == ["glove", "mask"], "sorted"


def test_rows_whose_label_is_kept_secret_are_left_out_but_minus_one_may_be_a_class() -> None:
    features = Features({"sentence": Value("string"), "label": ClassLabel(names=["bad", "good"])})
    texts = [f"a film {i}" for i in range(12)]
    train = Dataset.from_dict({"sentence": texts, "label": [i % 2 for i in range(12)]}, features=features)
    secret = Dataset.from_dict({"sentence": texts, "label": [-1] * 12}, features=features)
    found = listed(
        DatasetDict({"train": train, "validation": train, "test": secret}), "hub:sst2", "text-classification"
    )
    assert set(found.labels) == {"bad", "good"} and set(found.splits or ()) == {"train", "validation"}
    assert "hub:sst2: 12 rows of 'test' have no label" in found.notices
    assert len(draw(found.labels, found.groups, found.splits)["test"]) == 12, "validation takes the test's place"
    rows = Dataset.from_dict({"text": [f"text {i}" for i in range(30)], "label": [i % 3 - 1 for i in range(30)]})
    assert set(listed(DatasetDict({"train": rows}), "hub:a/b", "text-classification").labels) == {"-1", "0", "1"}


def test_texts_are_the_sentences_and_never_an_index() -> None:
    features = Features({"idx": Value("int32"), "sentence": Value("string"), "label": ClassLabel(names=["neg", "pos"])})
    texts = [f"a film {i}" for i in range(40)]
    columns = {"idx": list(range(40)), "sentence": texts, "label": [i % 2 for i in range(40)]}
    rows = Dataset.from_dict(columns, features=features)
    other = Dataset.from_dict({**columns, "label": [-1] * 40}, features=features)
    loaded = DatasetDict({"unsupervised": other, "train": rows, "validation": rows, "test": other})
    for given in ({}, DATASETS["sst2"].options):
        found = listed(loaded, "hub:sst2", "text-classification", **given)
        assert found.inputs == texts * 2 and found.labels == ["neg", "pos"] * 40
        assert found.names[:2] == ["train/0", "train/1"] and found.columns == {"text": "sentence"}
        assert found.splits == ["train"] * 40 + ["validation"] * 40
    assert any("no splits to train or to test on: unsupervised" in notice for notice in found.notices)
    with pytest.raises(InputError, match="hub:sst2: no column 'labels'; columns: idx, sentence, label"):
        listed(loaded, "hub:sst2", "text-classification", label="labels")


def test_a_configuration_is_named(tmp_path: Path) -> None:
    home = tmp_path / "hub" / "datasets" / "somebody" / "texts"
    for config in ("one", "two"):
        (home / config).mkdir(parents=True)
        lines = ["text,label", *(f"{config} {i},{i % 2}" for i in range(40))]
        (home / config / "train.csv").write_text("\n".join(lines))
    listing = "".join(f"- config_name: {c}\n  data_files: {c}/train.csv\n" for c in ("one", "two"))
    (home / "README.md").write_text(f"---\nconfigs:\n{listing}---\n")
    code = READ.replace("audio-classification", "text-classification").replace(
        '"groups"', '"texts": data.splits["test"]["text"][:], "groups"'
    )
    with Hub(tmp_path / "hub") as hub:
        pinned = f"hub:somebody/texts:two@{hub.commit('datasets', 'somebody/texts')}"
        done = [run(hub, tmp_path, code, wanted) for wanted in ("hub:somebody/texts", pinned)]
    done.append(run(hub, tmp_path, code, pinned))
    assert done[0].stderr.strip().splitlines()[-1] == (
        "InputError: hub:somebody/texts: has several configurations, one, two; name one: hub:somebody/texts:CONFIG"
    )
    for each in done[1:]:
        assert each.returncode == 0, each.stderr
        assert all(text.startswith("two ") for text in json.loads(each.stdout)["texts"])
    assert done[1].stdout == done[2].stdout, "what is prepared of a whole commit needs no Hub"
