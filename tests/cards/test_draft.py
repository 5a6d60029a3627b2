from pathlib import Path

import pytest

from tlzoo.cards.draft import Known, KnownFile, write
from tlzoo.cards.reader import read, todos
from tlzoo.cards.vocabulary import TASKS
from tlzoo.errors import InputError


@pytest.mark.parametrize("task", TASKS)
def test_a_draft_can_be_read_and_names_what_is_left(task: str, tmp_path: Path) -> None:
    path = write("my-model", task, tmp_path)
    assert read(path).card.task == task
    left = todos(path.read_text(encoding="utf-8"), path)
    for field in ("license", "summary", "authors", "year", "papers", "training_data", "code", "model", "advice"):
        assert any(f"field '{field}': TODO: " in line for line in left), field
    assert any("section 'When not to': TODO: " in line for line in left)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(left) == sum("TODO" in line for line in lines)
    assert all("TODO" in lines[int(line.removeprefix(f"{path}:").partition(":")[0]) - 1] for line in left)


def test_what_is_known_is_on_the_card(tmp_path: Path) -> None:
    known = Known(
        name='A "name": # with - marks',
        summary="Yes",
        license="other",
        license_name="own-licence",
        code_license="mit",
        paper="https://arxiv.org/abs/1706.03762",
        organization="someone",
        framework="pytorch",
        training_data=("owner/set", "Another"),
        adapter="timm",
        model="resnet10t",
        config={"num_classes": 3},
        input={"height": 32, "width": 48, "mean": [0.5, 0.5, 0.5]},
        params=12,
        format="safetensors",
        files=(KnownFile("model.safetensors", "0" * 64, 5, "hub:someone/it@main/model.safetensors"),),
    )
    path = write("my-model", "image-classification", tmp_path, known)
    file = read(path)
    card, official = file.card, file.card.variants[0]
    assert (card.name, card.summary, card.provenance.year) == (known.name, "Yes", 2017)
    assert (file.header.license, file.header.license_name, file.header.datasets) == (
        "other",
        "own-licence",
        ("owner/set",),
    )
    assert (card.input.height, card.input.width, card.input.mean) == (32, 48, (0.5, 0.5, 0.5))
    assert (official.adapter, official.model, official.config, official.params) == (
        "timm",
        "resnet10t",
        {"num_classes": 3},
        12,
    )
    (weights,) = official.weights
    assert [(f.sha256, f.bytes, f.places) for f in weights.files] == [("0" * 64, 5, (known.files[0].place,))]
    assert not any(
        f"'{field}'" in line
        for line in todos(path.read_text(encoding="utf-8"), path)
        for field in ("license", "summary", "year", "height")
    )


def test_an_input_that_the_task_does_not_take(tmp_path: Path) -> None:
    assert read(write("my-model", "language-modeling", tmp_path, Known(kind="dna"))).card.input.kind == "dna"
    with pytest.raises(InputError, match="language-modeling takes dna or text"):
        write("other", "language-modeling", tmp_path, Known(kind="audio"))


def test_a_card_is_never_overwritten(tmp_path: Path) -> None:
    write("my-model", "pitch-extraction", tmp_path)
    with pytest.raises(InputError, match="exists already"):
        write("my-model", "pitch-extraction", tmp_path)


@pytest.mark.parametrize("name", ["My Model", "../up", "", "a--b"])
def test_an_id_is_a_slug(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lower-case"):
        write(name, "pitch-extraction", tmp_path)
