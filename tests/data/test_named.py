"""The standard data sets of the Hub, served in their true shapes: what is prepared is what their rows hold."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import pytest

from tests.support.hub_server import Hub
from tests.support.hub_sets import BOXES, PARSING, SHAPES, Row, write_films
from tlzoo.data.media.image import read_values
from tlzoo.data.named import DATASETS
from tlzoo.vocabulary import TASKS

FIRST = 10
READ = """
import json, sys
from dataclasses import asdict
from hashlib import sha256
from datasets import ClassLabel
from tlzoo.data.catalogue import find, load
from tlzoo.data.named import DATASETS

def plain(feature, value):
    if isinstance(value, dict) and "bytes" in value:
        return sha256(value["bytes"]).hexdigest()
    if isinstance(feature, ClassLabel):
        return None if value is None else feature.names[value]
    if isinstance(value, dict):
        return {k: plain(feature[k], v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(feature.feature, v) for v in value]
    return value

found = {}
for name in sys.argv[1:]:
    source = find(DATASETS[name].task, name)
    data = load(source)
    rows = {row["id"]: {k: plain(f, row[k]) for k, f in data.features.items()} | {"split": split}
            for split, part in data.splits.items() for row in part}
    found[name] = {"rows": rows, "notices": [source.notice, *data.notices], "place": source.place,
                   "problems": data.problems, "available": data.available}
print(json.dumps(found))
"""
SERVED = (*SHAPES, "hear-esc50")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    root = tmp_path_factory.mktemp("hub")
    for shape in SHAPES.values():
        shape.write(root)
    write_films(root)
    with Hub(root) as served:
        yield served


@pytest.fixture(scope="module")
def prepared(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every standard set by name, prepared by one process whose Hub is ours; pinned commits are those of ours."""
    home = tmp_path_factory.mktemp("home")
    unpinned = """
import tlzoo.data.named as named
from dataclasses import replace
for name, entry in list(named.DATASETS.items()):
    named.DATASETS[name] = replace(entry, revision=None)
"""
    environment = os.environ | hub.environment(home) | {"TLZOO_CACHE": str(home / "cache")}
    command = [sys.executable, "-c", unpinned + READ, *SERVED, "ucf101-subset"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def digest(stored: Any) -> str:
    return sha256(stored["bytes"]).hexdigest()


def by_place(what: Callable[[Row], Row]) -> Callable[[str, int, Row], tuple[str, Row]]:
    """Rows whose name is their split and place."""
    return lambda split, place, row: (f"{split}/{place}", what(row))


def by_table(what: Callable[[Row], Row]) -> Callable[[str, int, Row], tuple[str, Row]]:
    """Rows whose name is that of a table and the number of a row."""
    return lambda split, place, row: (f"{split} row {place + 1}", what(row))


def named(shape: str, column: str, row: Row) -> str:
    names: list[str] = SHAPES[shape].features[column].names
    return names[row[column]]


def faces(row: Row) -> Row:
    boxes = row["faces"]["bbox"]
    return {"image": digest(row["image"]), "objects": {"bbox": boxes, "category": ["face"] * len(boxes)}}


def objects(row: Row) -> Row:
    names = SHAPES["cppe-5"].features["objects"]["category"].feature.names
    classes = [names[c] for c in row["objects"]["category"]]
    return {"image": digest(row["image"]), "objects": {"bbox": [list(box) for box in BOXES], "category": classes}}


def dialog(split: str, place: int, row: Row) -> tuple[str, Row]:
    return f"{split} row {place + 1}-1", {"text": row["dialog"][0]}


def question(split: str, place: int, row: Row) -> tuple[str, Row]:
    return row["id"], {name: row[name] for name in ("question", "context", "answers")} | {"group": row["title"]}


def entities(row: Row) -> Row:
    words = " ".join(row["tokens"])
    acme = words.index("Acme")
    places = {"start": [0, acme], "end": [4, acme + 4], "label": ["person", "corporation"]}
    return {"text": words, "entities": places}


def esc50(row: Row) -> Row:
    return {"audio": digest(row["audio"]), "label": row["category"], "group": str(row["src_file"])}


def librispeech(split: str, place: int, row: Row) -> tuple[str, Row]:
    """Its development set is what is learnt from."""
    found = {"audio": digest(row["audio"]), "text": row["text"].lower(), "group": str(row["speaker_id"])}
    return f"{'train' if split == 'validation' else split}/{place}", found


EXPECTED: dict[str, Callable[[str, int, Row], tuple[str, Row]]] = {
    "esc50": by_place(esc50),
    "hear-esc50": by_place(esc50),
    "speech-commands": by_place(
        lambda row: {
            "audio": digest(row["audio"]),
            "label": named("speech-commands", "label", row),
            "group": row["speaker_id"],
        }
    ),
    "librispeech": librispeech,
    "cifar10": by_place(lambda row: {"image": digest(row["img"]), "label": named("cifar10", "label", row)}),
    "sst2": by_place(lambda row: {"text": row["sentence"], "label": named("sst2", "label", row)}),
    "ag-news": by_place(lambda row: {"text": row["text"], "label": named("ag-news", "label", row)}),
    "stsbenchmark": by_table(
        lambda row: {"sentence1": row["sentence1"], "sentence2": row["sentence2"], "score": row["score"] / 5}
    ),
    "squad": question,
    "daily-dialog": dialog,
    "lambada": by_table(lambda row: {"text": row["text"].rpartition(" ")[0], "target": row["text"].rpartition(" ")[2]}),
    "wnut17": by_table(entities),
    "cppe-5": by_place(objects),
    "wider-face": by_place(faces),
    "human-parsing": by_place(lambda row: {"image": digest(row["image"])}),
}


def of(name: str) -> str:
    """The shape of a data set."""
    return "esc50" if name == "hear-esc50" else name


def test_each_standard_set_of_the_hub_is_served_here() -> None:
    of_the_hub = {name for name, entry in DATASETS.items() if entry.hub}
    assert of_the_hub == {*SERVED, "ucf101-subset"} == {*EXPECTED, "ucf101-subset"}
    for name in SERVED:
        assert DATASETS[name].hub == SHAPES[of(name)].repository
    standard = {facts.standard[0] for facts in TASKS.values() if facts.standard[0]}
    assert standard <= of_the_hub


@pytest.mark.parametrize("name", SERVED)
def test_inputs_and_targets_of_the_first_rows_are_those_that_are_served(name: str, prepared: dict[str, Any]) -> None:
    data = prepared[name]
    assert not data["problems"]
    read = (DATASETS[name].options.get("splits") or ",".join(SHAPES[of(name)].splits)).split(",")
    for split, rows in SHAPES[of(name)].rows().items():
        expected = dict(EXPECTED[name](split, place, row) for place, row in enumerate(rows[:FIRST]))
        if split not in read or (name == "sst2" and split == "test"):
            assert not set(expected) & set(data["rows"])
            continue
        assert set(expected) <= set(data["rows"])
        for row, wanted in expected.items():
            found = data["rows"][row]
            assert {column: found[column] for column in wanted} == wanted
    assert {row["split"] for row in data["rows"].values()} == {"train", "validation", "test"}


@pytest.mark.parametrize("name", [name for name in SERVED if SHAPES[of(name)].is_script])
def test_a_loading_script_is_not_run_and_the_conversion_is_read(name: str, hub: Hub, prepared: dict[str, Any]) -> None:
    notice = prepared[name]["notices"][0]
    repository = SHAPES[of(name)].repository
    assert notice == (
        f"data: hub:{repository} is a loading script, which is not run: the Hub's conversion is read, "
        "refs/convert/parquet"
    )
    assert prepared[name]["place"] == f"{repository}@{hub.commit('datasets', repository, 'refs/convert/parquet')}"


def test_inputs_of_sst2_are_sentences_and_its_secret_test_is_left_out(prepared: dict[str, Any]) -> None:
    rows = prepared["sst2"]["rows"]
    assert all(row["text"].startswith("the ") and not row["text"].isdecimal() for row in rows.values())
    assert "hub:stanfordnlp/sst2: 20 rows of 'test' have no label" in prepared["sst2"]["notices"]


def test_masks_keep_their_values_and_have_the_names_of_the_repository(prepared: dict[str, Any]) -> None:
    row = SHAPES["human-parsing"].rows()["train"][3]
    found = prepared["human-parsing"]["rows"]["train/3"]
    values = set(read_values(row["mask"]).ravel().tolist())
    assert set(found["classes"]) == {PARSING[v] if v else "background" for v in values}


def test_clips_of_an_archive(prepared: dict[str, Any]) -> None:
    rows = prepared["ucf101-subset"]["rows"]
    assert {row["label"] for row in rows.values()} == {"Archery", "Basketball"}
    assert {row["split"] for row in rows.values()} == {"train", "validation", "test"}
    assert all(name.split("/")[1] == row["label"] for name, row in rows.items())


def test_pinned_revisions_are_whole_commits() -> None:
    for name, entry in DATASETS.items():
        assert entry.revision is None or (entry.hub and len(entry.revision) == 40), name
