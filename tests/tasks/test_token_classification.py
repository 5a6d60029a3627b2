"""Token classification: what counts as right, what is learnt, and where entities are said to stand."""

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.encoders import encoder
from tests.support.training import learn, scores
from tlzoo.core.predictions import Entities, Entity
from tlzoo.data.files.conll import tagged, words_of
from tlzoo.leaderboard.metrics import METRICS
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


def test_its_labels_are_those_of_entities() -> None:
    assert TASK.labels == ("name", "place") and not TASK.facts.is_cacheable


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.tuples(*[st.sampled_from(TAGS)] * 2), min_size=1, max_size=8), min_size=1, max_size=5))
def test_scores_are_those_of_seqeval(texts: list[list[tuple[str, str]]]) -> None:
    seqeval = pytest.importorskip("seqeval.metrics")
    right, predictions = ([[pair[side] for pair in text] for text in texts] for side in (0, 1))
    statistics = []
    for true, predicted in zip(right, predictions, strict=True):
        given = [Entity(start, end, "", label, 1.0) for start, end, label in spans(predicted)]
        starts, ends, labels = zip(*spans(true), strict=True) if spans(true) else ((), (), ())
        entities = {"start": starts, "end": ends, "label": [TASK.labels.index(label) for label in labels]}
        statistics.append(TASK.statistics(Entities(given), {"entities": entities}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("f1", "precision", "recall"):
            each = [statistic[f"entity_{name}"] for statistic in statistics]
            expected = getattr(seqeval, f"{name}_score")(right, predictions, zero_division=0)
            assert METRICS[f"entity_{name}"].reduce(each, np.ones((1, len(each))))[0] == pytest.approx(expected)


def test_a_text_is_right_in_every_entity_or_not() -> None:
    entity = Entity(3, 12, "Cape Town", "place", 1.0)
    for row, entities, right in ((ROWS[0], [], False), (ROWS[0], [entity], False), (ROWS[-1], [], True)):
        statistic = TASK.statistics(Entities(entities), row)["entity_f1"]
        assert TASK.is_right(None, row, statistic) is right


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
    losses = learn(model, ROWS, 80, rate=3e-3)
    assert losses[-1] < 0.1 * losses[0]
    assert set(scores(TASK, model, ROWS).values()) == {1.0}
    with torch.inference_mode():
        predictions = model.predict(model.preprocess([{"text": ROWS[0]["text"]}]))[0].entities
    assert [(each.text, each.label) for each in predictions] == [("Cape Town", "place"), ("Anna", "name")]
    assert all(ROWS[0]["text"][each.start : each.end] == each.text and 0.5 < each.score <= 1 for each in predictions)


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
    assert [each.text for each in alone.entities] == [each.text for each in beside.entities]


def test_a_text_without_words_has_no_entities() -> None:
    model = encoder("bert").for_task(TASK).eval()
    with torch.inference_mode():
        predictions = model.predict(model.preprocess([{"text": "  "}, {"text": "\u200b"}]))
    assert predictions == [Entities([]), Entities([])]
