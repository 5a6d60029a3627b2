"""The JSON lines of predictions are a contract: names, order and values of each type."""

import json
import math
from typing import Any

import numpy as np
import pytest
import torch

from tlzoo.core.predictions import (
    AnswerSpan,
    Boxes,
    ClassScores,
    Clip,
    Completion,
    DnaTracks,
    Embedding,
    Entities,
    Entity,
    Mask,
    PitchTrack,
    Poses,
    Prediction,
    Reply,
    Request,
    Similarity,
    Span,
    Transcript,
)

FRAMES = np.zeros((2, 4, 4, 3), np.uint8)
SPELT = {
    "text": "four two",
    "words": [{"text": "four", "start": 0.2, "end": 0.5}, {"text": "two", "start": 1, "end": 2}],
}
LINES: list[tuple[Prediction, str]] = [
    (
        ClassScores("cat", 0.75, {"dog": 0.25, "cat": 0.75}),
        '{"label": "cat", "score": 0.75, "scores": {"dog": 0.25, "cat": 0.75}}',
    ),
    (
        Boxes([[0.5, 1.0, 2.0, 3.0]], [0.5], ["cat"]),
        '{"boxes": [[0.5, 1.0, 2.0, 3.0]], "scores": [0.5], "labels": ["cat"]}',
    ),
    (
        Boxes([[0.5, 1.0, 2.0, 3.0]], [0.5], ["face"], [[[1.0, 2.0], [3.0, 4.0]]]),
        '{"boxes": [[0.5, 1.0, 2.0, 3.0]], "scores": [0.5], "labels": ["face"], '
        '"keypoints": [[[1.0, 2.0], [3.0, 4.0]]]}',
    ),
    (
        Mask(np.array([[0, 2], [255, 2]], np.uint8), ["background", "x", "cat"]),
        '{"masks": [{"label": "background", "area_share": 0.25, "rle": {"size": [2, 2], "counts": "013"}}, '
        '{"label": "cat", "area_share": 0.5, "rle": {"size": [2, 2], "counts": "22"}}]}',
    ),
    (Mask(np.full((2, 2), 255, np.uint8), ["background"]), '{"masks": []}'),
    (
        Poses([[[1.0, 2.0]]], [[0.9]], [0.9], ["nose"]),
        '{"keypoints": [[[1.0, 2.0]]], "keypoint_scores": [[0.9]], "scores": [0.9], "names": ["nose"]}',
    ),
    (PitchTrack([0.0], [220.0], [0.9]), '{"time": [0.0], "frequency": [220.0], "confidence": [0.9]}'),
    (Transcript.of(SPELT), json.dumps(SPELT)),
    (Clip(FRAMES, [2, 3], [0, 1]), '{"places": [2, 3], "given": [0, 1]}'),
    (Clip(FRAMES, [2, 3], [0, 1], 2.5), '{"places": [2, 3], "given": [0, 1], "bits_per_dim": 2.5}'),
    (
        AnswerSpan("May", 3, 6, 0.6, "short", 0.1, [Span("May", 3, 6, 0.6)]),
        '{"text": "May", "start": 3, "end": 6, "score": 0.6, "type": "short", "none": 0.1, '
        '"best": [{"text": "May", "start": 3, "end": 6, "score": 0.6}]}',
    ),
    (Reply("Hi"), '{"text": "Hi"}'),
    (
        Reply("Hi", {"Hi": 0.5}, [0.0, 1.0]),
        '{"text": "Hi", "scores": {"Hi": 0.5}, "candidate_scores": [0.0, 1.0]}',
    ),
    (
        Reply("Hi", candidate_scores=[1.5], candidate_nats=[2.5]),
        '{"text": "Hi", "candidate_scores": [1.5], "candidate_nats": [2.5]}',
    ),
    (
        Reply("Hi", candidate_scores=[1.0], request=Request({"prompt_tokens": 9, "completion_tokens": 1}, 0.5)),
        '{"text": "Hi", "candidate_scores": [1.0], "usage": {"prompt_tokens": 9, "completion_tokens": 1}, '
        '"seconds": 0.5}',
    ),
    (Completion("sun"), '{"text": "sun"}'),
    (Completion("sun", 1.5), '{"text": "sun", "nats": 1.5}'),
    (Completion("sun", request=Request(None, 0.5)), '{"text": "sun", "usage": null, "seconds": 0.5}'),
    (
        DnaTracks(np.array([[0.5, 0.0], [1.5, 3.0], [1.0, 0.0]], np.float32), ("a", "b"), 128, -64),
        '{"tracks": [{"label": "a", "mean": 1.0, "max": 1.5, "at": [64, 192]}, '
        '{"label": "b", "mean": 1.0, "max": 3.0, "at": [64, 192]}], "bin_size": 128, "start": -64, "bins": 3}',
    ),
    (
        Entities([Entity(0, 4, "Anna", "person", 0.5)]),
        '{"entities": [{"start": 0, "end": 4, "text": "Anna", "label": "person", "score": 0.5}]}',
    ),
    (Embedding([0.5, -0.25]), '{"embedding": [0.5, -0.25]}'),
    (Similarity(0.125), '{"score": 0.125}'),
]


@pytest.mark.parametrize(("prediction", "line"), LINES)
def test_a_line_of_json_stays_as_it_is(prediction: Prediction, line: str) -> None:
    assert json.dumps(prediction.to_json()) == line


def test_every_type_has_its_line() -> None:
    assert {type(prediction) for prediction, _ in LINES} == set(Prediction.__subclasses__())


def test_arrays_and_their_scalars_are_plain_numbers() -> None:
    scores: Any = {"cat": torch.tensor(0.25), "dog": np.float32(0.5)}
    assert ClassScores("dog", 0.5, scores).to_json()["scores"] == {"cat": 0.25, "dog": 0.5}
    points: Any = np.ones((1, 2, 2))
    names: Any = ("x", "y")
    line = Poses(points, torch.ones(1, 2).tolist(), [1.0], names).to_json()
    assert line["keypoints"] == [[[1, 1], [1, 1]]] and line["names"] == ["x", "y"]
    json.dumps(line)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_found_at_any_depth(bad: float) -> None:
    arrays: list[Any] = [[0.1, bad], np.array([1, bad]), torch.tensor([bad]), [np.float32(bad)], ({"deep": bad},)]
    for embedding in arrays:
        assert not Embedding(embedding).is_finite()
    assert not AnswerSpan("", 0, 0, 0.5, "none", 0.5, [Span("a", 0, 1, bad)]).is_finite()
    assert not Completion("", request=Request(None, bad)).is_finite()
    assert not DnaTracks(np.array([[bad]], np.float32), ["a"], 128, 0).is_finite()


def test_whole_numbers_texts_and_absent_values_are_finite() -> None:
    assert all(prediction.is_finite() for prediction, _ in LINES)


def test_the_best_classes_come_first() -> None:
    best = ClassScores.best(torch.tensor([0.125, 0.5, 0.25, 0.0]), list("abcd"), 3)
    assert best == ClassScores("b", 0.5, {"b": 0.5, "c": 0.25, "a": 0.125})
    assert list(best.scores) == ["b", "c", "a"]
