"""Token classification: what counts as right, what is learnt, and where entities are said to stand."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Features, Value
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.test_spans import encoder
from tests.support.small import learn, scores
from tlzoo.data.files.conll import tagged, words_of
from tlzoo.errors import InputError
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.tasks import task_type
from tlzoo.tasks.token_classification import TokenClassification, first_pieces

TASK = TokenClassification.of(["name", "place"])
TAGS = ["O", "B-name", "I-name", "B-place", "I-place"]
NAMES, PLACES = ("Anna", "Boris Berg", "Clara"), ("Cape Town", "Perth", "Hobart")


def row(text: str, *entities: str) -> dict[str, Any]:
    """A row in which names and places are marked wherever these words stand first."""
    places = [(text.index(each), text.index(each) + len(each), int(each in PLACES)) for each in entities]
    words = words_of(text)
    return {
        "text": text,
        "words": {"start": [start for start, _ in words], "end": [end for _, end in words]},
        "entities": dict(zip(("start", "end", "label"), map(list, zip(*places, strict=True)), strict=True))
        if places
        else {"start": [], "end": [], "label": []},
    }


ROWS = [row(f"In {p} nobody knows {n}, they say.", p, n) for n in NAMES for p in PLACES] + [row("Nobody is here.")]


def spans(tags: list[str]) -> list[tuple[int, int, str]]:
    """Entities of words that are a character long, with a blank between them."""
    return [(2 * first, 2 * after - 1, label) for first, after, label in tagged(tags)]


def test_its_metrics_and_labels() -> None:
    assert task_type("token-classification") is TokenClassification
    assert TASK.labels == ("name", "place") and not TASK.facts.is_cacheable
    for missing in ("text", "entities"):
        features = Features({name: feature for name, feature in TASK.features.items() if name != missing})
        with pytest.raises(InputError, match=f"token-classification needs a column '{missing}'"):
            TokenClassification(features)
    with pytest.raises(InputError, match="lists 'start', 'end' and 'label'"):
        TokenClassification(Features(TASK.features | {"entities": Value("string")}))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS)), min_size=1, max_size=8),
        min_size=1,
        max_size=5,
    )
)
def test_scores_are_those_of_seqeval(texts: list[list[tuple[str, str]]]) -> None:
    seqeval = pytest.importorskip("seqeval.metrics")
    right, predictions = ([[pair[side] for pair in text] for text in texts] for side in (0, 1))
    statistics = []
    for true, predicted in zip(right, predictions, strict=True):
        given = [{"start": start, "end": end, "label": label} for start, end, label in spans(predicted)]
        columns = [[s for s, _, _ in spans(true)], [e for _, e, _ in spans(true)]]
        labels = [TASK.labels.index(label) for _, _, label in spans(true)]
        entities = {"start": columns[0], "end": columns[1], "label": labels}
        statistics.append(TASK.statistics({"entities": given}, {"entities": entities}))  # type: ignore[typeddict-item]
    weights = np.ones((1, len(statistics)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, reference in (
            ("entity_f1", seqeval.f1_score),
            ("entity_precision", seqeval.precision_score),
            ("entity_recall", seqeval.recall_score),
        ):
            value = METRICS[name].reduce([each[name] for each in statistics], weights)[0]
            assert value == pytest.approx(reference(right, predictions, zero_division=0))


def test_a_text_is_right_in_every_entity_or_not() -> None:
    text = ROWS[0]
    entity = {"start": 3, "end": 12, "text": "Cape Town", "label": "place", "score": 1.0}
    for entities, right in (([], False), ([entity], False)):
        statistic = TASK.statistics({"entities": entities}, text)["entity_f1"]  # type: ignore[typeddict-item]
        assert TASK.is_right(None, text, statistic) is right
    assert TASK.is_right(None, ROWS[-1], TASK.statistics({"entities": []}, ROWS[-1])["entity_f1"])


@pytest.mark.parametrize("card", ["bert", "xlnet", "roberta"])
def test_a_word_is_tagged_at_its_first_piece(card: str) -> None:
    """Whatever tokenizer: lower-cased pieces, pieces with their blank, or bytes."""
    network = encoder(card)
    model = network.for_task(TASK)
    for text in ROWS:
        example = model.encode(text)
        tagged_at = (example["target"] >= 0).nonzero()[:, 0]
        begins = example["offsets"][tagged_at, 0].tolist()
        assert sorted(begins) == sorted(begin for begin, _ in example["words"]), "each word once"
        by_place = dict(zip(begins, example["target"][tagged_at].tolist(), strict=True))
        first = text["entities"]["start"]
        assert [by_place[start] for start in first] == [1 + 2 * label for label in text["entities"]["label"]]
        assert sum(tag % 2 for tag in by_place.values()) == len(first)


def test_ten_texts_are_learnt_and_read_back(one_thread: None) -> None:
    model = encoder("bert").for_task(TASK)
    first, last = learn(model, ROWS, 80, rate=3e-3)
    assert last < 0.1 * first
    assert scores(TASK, model, ROWS) == [1.0, 1.0, 1.0]
    with torch.inference_mode():
        predictions = model.predict(model.collate([model.encode({"text": ROWS[0]["text"]})]))[0]["entities"]
    assert [(each["text"], each["label"]) for each in predictions] == [("Cape Town", "place"), ("Anna", "name")]
    assert all(ROWS[0]["text"][each["start"] : each["end"]] == each["text"] for each in predictions)
    assert all(0.5 < each["score"] <= 1 for each in predictions)


def test_no_word_of_a_long_text_is_left_out_and_a_batch_changes_nothing() -> None:
    """Each word is read once, in the window where it is farthest from an edge."""
    model = encoder("bert", max_tokens=24).for_task(TASK).eval()
    long = row(" ".join(text["text"] for text in ROWS) + " Anna")
    example = model.encode(long)
    assert len(example["windows"]) > 3
    pieces = first_pieces(example["offsets"], example["windows"].tolist(), example["words"])
    assert (pieces >= 0).all() and len(set(pieces.tolist())) == len(pieces)
    with torch.inference_mode():
        alone = model.predict(model.collate([example]))[0]
        beside = model.predict(model.collate([model.encode(ROWS[0]), example]))[1]
    assert [each["text"] for each in alone["entities"]] == [each["text"] for each in beside["entities"]]


def test_a_text_without_words_has_no_entities() -> None:
    model = encoder("bert").for_task(TASK).eval()
    with torch.inference_mode():
        predictions = model.predict(model.collate([model.encode({"text": "  "}), model.encode({"text": "\u200b"})]))
    assert [each["entities"] for each in predictions] == [[], []]
