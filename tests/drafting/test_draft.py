from pathlib import Path

import pytest

from tlzoo.adapters.tokenizing import shipped
from tlzoo.cards import catalogue
from tlzoo.cards.reader import read, todos
from tlzoo.drafting.draft import DraftFacts, KnownFile, write
from tlzoo.errors import InputError
from tlzoo.vocabulary import TASKS


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
    known = DraftFacts(
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
    card, header, official = file.card, file.header, file.card.variants[0]
    assert (card.name, card.summary, card.provenance.year) == (known.name, "Yes", 2017)
    assert (header.license, header.license_name, header.datasets) == ("other", "own-licence", ("owner/set",))
    assert (card.input.height, card.input.width, card.input.mean) == (32, 48, (0.5, 0.5, 0.5))
    assert (official.adapter, official.model) == ("timm", "resnet10t")
    assert (official.config, official.params) == ({"num_classes": 3}, 12)
    (weights,) = official.weights
    assert [(f.sha256, f.bytes, f.places) for f in weights.files] == [("0" * 64, 5, (known.files[0].place,))]
    left = "\n".join(todos(path.read_text(encoding="utf-8"), path))
    assert not any(f"'{field}'" in left for field in ("license", "summary", "year", "height"))


@pytest.mark.parametrize("model", ["BertModel", "XLNetModel", "RobertaModel"])
def test_a_small_encoder_of_texts_has_the_tokenizer_of_its_kind(model: str, tmp_path: Path) -> None:
    known = DraftFacts(kind="text", adapter="transformers", model=model)
    (nano,) = (
        v for v in read(write("my-model", "text-classification", tmp_path, known)).card.variants if v.id == "nano"
    )
    assert nano.tokenizer is not None
    assert shipped(nano.tokenizer).get_vocab_size() == nano.config["vocab_size"]


def test_an_input_that_the_task_does_not_take(tmp_path: Path) -> None:
    assert read(write("my-model", "language-modeling", tmp_path, DraftFacts(kind="dna"))).card.input.kind == "dna"
    with pytest.raises(InputError, match="language-modeling takes dna or text"):
        write("other", "language-modeling", tmp_path, DraftFacts(kind="audio"))


@pytest.mark.parametrize("name", ["My Model", "../up", "", "a--b", "a\n", "a" * 101, "a" * 300, "a" * 100_000])
def test_an_id_is_a_slug(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lower-case"):
        write(name, "pitch-extraction", tmp_path)


def test_an_id_that_is_taken_anywhere_is_refused_and_a_card_never_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"'bert' is taken by .*zoo_cards/text/text-embedding/bert\.md"):
        write("bert", "image-classification", tmp_path)
    more = tmp_path / "more"
    write("of-mine", "pitch-extraction", more)
    monkeypatch.setenv(catalogue.MORE, str(more))
    with pytest.raises(InputError, match=r"'of-mine' is taken by .*more/audio/pitch-extraction/of-mine\.md"):
        write("of-mine", "image-classification", tmp_path)
    assert write("a" * 100, "image-classification", tmp_path).is_file()
    write("my-model", "pitch-extraction", tmp_path)
    with pytest.raises(InputError, match=r"is taken by .*pitch-extraction/my-model\.md"):
        write("my-model", "pitch-extraction", tmp_path)


WORDS = ["yes", "No", "on", "null", "1e5", "1e-12", "0x10", "12", "1_000", "2001", "gelu", "a.b-c", "", ".inf", "+1"]
VALUES: dict[str, object] = {
    "small": 1e-12,
    "large": 1e16,
    "largest": 1.7976931348623157e308,
    "smallest": 5e-324,
    "negative": -1e-05,
    "exact": 1.5e-7,
    "plain": 0.1,
    "whole": 3.0,
    "zero": -0.0,
    "number": -(2**63) + 1,
    "yes": True,
    "none": None,
    "words": WORDS,
    "numbers": [1, 1.0, 1e-12, [0, []]],
    "nested": {"type": "linear", "factor": 1e-05, "on": {"y": [None, False]}},
}


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    known = DraftFacts(
        adapter="transformers", model="BertModel", config=VALUES, input={"mean": [1e-05, 1.0], "height": 8}
    )
    card = read(write("my-model", "image-classification", tmp_path, known)).card
    config = card.variants[0].config
    assert config == VALUES
    assert {name: type(value) for name, value in config.items()} == {n: type(v) for n, v in VALUES.items()}
    assert str(config["numbers"]) == str(VALUES["numbers"]) and str(config["zero"]) == "-0.0"
    assert card.input.mean == (1e-05, 1.0)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("2001-01-01", "2001-01-01"),
        ("12:30", "12:30"),
        ('"a": \\b # c', '"a": \\b # c'),
        ("two\n lines\u2028 ", "two lines"),
        ("seen \x1b[31m\u202e\ufeff\ud800", "seen [31m"),
        ("\U0001f600 caf\u00e9", "\U0001f600 caf\u00e9"),
        ("- &a *b !c", "- &a *b !c"),
        ("~", "~"),
        ("---", "---"),
    ],
)
def test_texts_are_written_on_one_line_as_they_are_seen(given: str, shown: str, tmp_path: Path) -> None:
    card = read(write("my-model", "image-classification", tmp_path, DraftFacts(name=given, summary=given))).card
    assert (card.name, card.summary) == (shown, shown)


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_what_is_no_finite_number_is_refused(value: float, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a card has finite numbers only"):
        write("my-model", "image-classification", tmp_path, DraftFacts(config={"a": [1, {"b": value}]}))
    assert not list(tmp_path.rglob("*.md"))
