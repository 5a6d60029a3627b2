import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value
from hypothesis import given, settings
from hypothesis import strategies as st

from tlzoo.data.catalogue import find, load
from tlzoo.data.files import conll, hub
from tlzoo.errors import InputError

WNUT = Path(__file__).resolve().parents[4] / "shared" / "data" / "wnut17"
TASK = "token-classification"


def marked(listing: Any, index: int = 0) -> list[tuple[str, str]]:
    """The entities of one example: what is marked, and as what."""
    columns = listing.targets.of(index, None).columns["entities"]
    places = zip(columns["start"], columns["end"], columns["label"], strict=True)
    return [(listing.inputs[index][start:end], listing.targets.names[label]) for start, end, label in places]


def written(folder: Path, name: str, *sentences: str) -> Path:
    """A file of sentences, each of words with their tags: ``Anna/B-person lives/O``."""
    lines = ["\n".join(" ".join(pair.rsplit("/", 1)) for pair in sentence.split()) for sentence in sentences]
    path = folder / name
    path.write_text("\n\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    "tags",
    [
        "I-place I-place O I-name B-name",  # IOB1
        "B-place I-place O B-name B-name",  # IOB2
        "B-place E-place O S-name S-name",  # BIOES
        "B-place L-place O U-name U-name",  # BILOU
    ],
)
def test_all_schemes_of_tags_are_read_alike(tags: str, tmp_path: Path) -> None:
    words = ["Cape", "Town", "suits", "Anna", "Boris"]
    path = written(tmp_path, "a.conll", " ".join(f"{w}/{t}" for w, t in zip(words, tags.split(), strict=True)))
    listing = conll.listing(path)
    assert listing.inputs == ["Cape Town suits Anna Boris"]
    assert marked(listing) == [("Cape Town", "place"), ("Anna", "name"), ("Boris", "name")]


@settings(deadline=None)
@given(st.lists(st.sampled_from(["O", *(f"{p}-{c}" for p in "BIES" for c in ("a", "b"))]), max_size=12))
def test_entities_are_those_of_seqeval(tags: list[str]) -> None:
    entities = pytest.importorskip("seqeval.metrics.sequence_labeling").get_entities(tags)
    assert conll.tagged(tags) == [(first, last + 1, label) for label, first, last in entities]


def test_comments_more_columns_and_documents(tmp_path: Path) -> None:
    """As of CoNLL-2003: word, part of speech, phrase, tag; a number sign is a word where it has a tag."""
    texts = ["# id 1\nAnna NNP B-NP B-PER\nleft VBD B-VP O", "#\tO\nPerth\tB-LOC", "Emma NNP I-NP I-PER"]
    path = tmp_path / "train.txt"
    path.write_text("\n\n".join(f"-DOCSTART- -X- -X- O\n\n{text}" for text in [*texts, *texts]))
    listing = conll.listing(path)
    assert listing.inputs == ["Anna left", "# Perth", "Emma"] * 2
    assert listing.groups == [f"train.txt document {i}" for i in range(1, 7)]


def test_files_are_splits_and_others_are_left_out(tmp_path: Path) -> None:
    for split in ("train", "dev", "test"):
        written(tmp_path, f"{split}.conll", f"{split}/B-word")
    (tmp_path / "LICENSE").write_text("as you like")
    listing = conll.listing(tmp_path)
    assert listing.splits == ["validation", "test", "train"] and listing.inputs == ["dev", "test", "train"]
    assert listing.notices == [f"{tmp_path}: not named after a split, left out: LICENSE"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a").write_text("")
    (tmp_path / "other" / "b").write_text("")
    with pytest.raises(InputError, match="no file here is named after a split"):
        conll.listing(tmp_path / "other")
    with pytest.raises(InputError, match="no entity is marked in its 1 texts"):
        conll.listing(written(tmp_path, "none.conll", "nothing/O"))


ANNA = {"start": 0, "end": 5, "label": "name"}


@pytest.mark.parametrize(
    "entities",
    [[ANNA, {"start": 9, "end": 14, "label": "place"}], [[0, 5, "name"], [9, 14, "place"]]],
)
def test_spans_of_json_lines(entities: Any, tmp_path: Path) -> None:
    """Blanks at the ends of a span do not belong to it; words are cut at signs."""
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": "Anna's a Perth!", "entities": entities}) + "\n" for _ in range(2)))
    listing = conll.listing(path)
    target = listing.targets.of(0, None)  # type: ignore[union-attr]
    words = zip(target.columns["words"]["start"], target.columns["words"]["end"], strict=True)
    assert [listing.inputs[0][start:end] for start, end in words] == ["Anna", "'", "s", "a", "Perth", "!"]
    assert marked(listing) == [("Anna'", "name"), ("Perth", "place")] and not target.remarks
    assert listing.columns == {"text": "text"}


def test_spans_that_cannot_be_used_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    texts = [[ANNA, {"start": 0, "end": 2, "label": "part"}], [{**ANNA, "end": 99}], [{**ANNA, "end": 3}]]
    path.write_text("".join(json.dumps({"text": "Anna is here", "entities": each}) + "\n" for each in texts))
    listing = conll.listing(path)
    assert marked(listing) == [("Anna", "name")] and listing.targets is not None
    assert listing.targets.of(0, None).remarks == {"entities that overlap a longer one, left out": 1}
    with pytest.raises(InputError, match="entity 'name' at characters 0 to 99, in a text of 12"):
        listing.targets.of(1, None)
    assert sum(listing.targets.of(2, None).remarks.values()) == 1, "ends inside a word"


def test_tags_of_a_data_set_of_the_hub() -> None:
    names = ["O", "B-name", "I-name"]
    features = Features({"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=names))})
    rows = {"tokens": [["Anna", "Berg", "left"]] * 3, "ner_tags": [[1, 2, 0]] * 3}
    part = Dataset.from_dict(rows, features=features)
    listing = hub.listed(DatasetDict({"train": part, "test": part}), "hub:a/b", TASK)
    assert marked(listing) == [("Anna Berg", "name")] and listing.splits == ["train"] * 3 + ["test"] * 3


def test_rows_to_predict(tmp_path: Path) -> None:
    """Words of CoNLL columns are the reader's, tags or not; lines and tables are texts."""
    notes: list[str] = []
    path = tmp_path / "a.conll"
    path.write_text("Anna B-name\n'm O\n\nPerth\n")
    assert [row for _, row in conll.rows(path, {}, notes.append)] == [
        {"text": "Anna 'm", "words": {"start": [0, 5], "end": [4, 7]}},
        {"text": "Perth", "words": {"start": [0], "end": [5]}},
    ]
    text = tmp_path / "a.txt"
    text.write_text("Anna left\n\nPerth\n")
    assert [row for _, row in conll.rows(text, {}, notes.append)] == [{"text": "Anna left"}, {"text": "Perth"}]


@pytest.mark.skipif(not WNUT.is_dir(), reason="needs WNUT 2017")
def test_wnut17() -> None:
    """Counts of the shared task (Derczynski 2017, W17-4418, table 2): sentences, and entities of train and test."""
    listing = conll.listing(WNUT)
    assert Counter(listing.splits) == {"train": 3394, "validation": 1009, "test": 1287}
    data = load(find(TASK, str(WNUT)))
    names = ["corporation", "creative-work", "group", "location", "person", "product"]
    assert data.features["entities"]["label"].feature.names == names
    assert isinstance(listing.targets, conll.Entities)
    assert sum(len(s.entities) for s in listing.targets.sentences if s.split == "train") == 1975
    assert sum(len(s.entities) for s in listing.targets.sentences if s.split == "test") == 1079
