"""An answer of every task is seen at once, and not only among its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tlzoo.run.predict import plain
from tlzoo.space.answers import headline, shown
from tlzoo.vocabulary import TASKS

CLASSES = {"label": "cat", "score": 0.75, "scores": {"cat": 0.75, "<b>dog": 0.2, "owl": 0.05}}
BOX = {"boxes": [[0.0, 0.0, 9.0, 9.0], [1.0, 1.0, 2.0, 2.0]], "scores": [0.9, 0.2]}
MASK = np.repeat(np.array([0, 1, 1, 2], np.uint8), 4).reshape(4, 4)
PREDICTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "image-classification": (CLASSES, "cat (75%)"),
    "text-classification": (CLASSES, "cat (75%)"),
    "audio-classification": (CLASSES, "cat (75%)"),
    "video-classification": (CLASSES, "cat (75%)"),
    "image-segmentation": (
        {"mask": MASK, "labels": ["background", "cat", "dog"]},
        "cat 50%, background 25%, dog 25%",
    ),
    "object-detection": (BOX | {"labels": ["cat", "dog"]}, "cat (90%)"),
    "face-detection": (BOX | {"labels": ["face"] * 2, "keypoints": np.zeros((2, 5, 2))}, "face (90%)"),
    "pose-estimation": (
        {
            "keypoints": np.zeros((2, 3, 2)),
            "keypoint_scores": np.ones((2, 3)),
            "scores": [0.8, 0.1],
            "names": list("abc"),
        },
        "1 body of 3 points",
    ),
    "language-modeling": ({"text": "whale", "nats": 1.5}, "whale"),
    "question-answering": (
        {"text": "in May", "start": 3, "end": 9, "score": 0.6, "type": "short", "none": 0.1, "best": []},
        "in May (60%)",
    ),
    "token-classification": (
        {"entities": [{"start": 0, "end": 4, "text": "Anna", "label": "person", "score": 0.9}]},
        "Anna (person)",
    ),
    "text-embedding": ({"score": 0.114}, "Similarity 0.11, of at most 1"),
    "text-generation": ({"text": "Hello\nyou", "candidate_scores": [0.1, 0.9]}, "Hello\nyou"),
    "speech-recognition": ({"text": "one two", "words": []}, "one two"),
    "audio-embedding": (
        {"embedding": [0.5, -0.25, 0.0, 1.0, 2.0]},
        "A vector of 5 numbers: 0.500, -0.250, 0.000, 1.000",
    ),
    "pitch-extraction": (
        {"time": [0.0, 0.1, 0.2, 0.3], "frequency": [440.0, 441.0, 439.0, 50.0], "confidence": [0.9, 0.9, 0.9, 0.1]},
        "Pitch 440 Hz (median), in 75% of the time",
    ),
    "video-generation": ({"frames": np.zeros((2, 4, 4, 3)), "places": [2, 3], "given": [0, 1]}, "2 frames made from 2"),
}
"""A prediction of each task in its documented form, and what is seen of it."""
NOTHING: dict[str, tuple[dict[str, Any], str]] = {
    "no answer": (PREDICTIONS["question-answering"][0] | {"text": "", "score": 0.9}, "No answer in the context (90%)"),
    "no box": ({"boxes": [], "scores": [], "labels": []}, "Nothing with a score of 50% or more"),
    "no pitch": ({"time": [0.0], "frequency": [99.0], "confidence": [0.1]}, "No pitch"),
    "no sound": ({"time": [], "frequency": [], "confidence": []}, "No pitch"),
    "no words": ({"text": "", "words": []}, "No words"),
    "no entities": ({"entities": []}, "No entities"),
    "no candidates": ({"text": "", "candidate_scores": []}, "No reply: there are no candidates"),
    "nobody": (PREDICTIONS["pose-estimation"][0] | {"scores": [], "keypoints": []}, "0 bodies of 3 points"),
    "label alone": ({"label": "cat"}, "cat"),
    "dna": (
        {"tracks": np.eye(3, 2), "labels": ["heart", "liver"], "start": 100, "bin_size": 10},
        "2 tracks of 3 bins; the highest value is 1, of heart, at bases 100 to 110",
    ),
    "something new": ({"novel": 1}, "An answer without a summary"),
}  # fmt: skip


def test_every_task_is_here() -> None:
    assert set(PREDICTIONS) == set(TASKS)


@pytest.mark.parametrize("name", [*PREDICTIONS, *NOTHING])
def test_an_answer_has_a_headline(name: str) -> None:
    prediction, wanted = (PREDICTIONS | NOTHING)[name]
    facts = plain(prediction)
    assert headline(facts).startswith(wanted)
    page = shown({"input": "x"} | facts, "a model", 0.25)
    head = page.split("<h3>")[1].split("</h3>")[0]
    assert head.startswith(wanted) and "a model, 250 ms" in page
    assert "input" not in page.split("<pre>")[1]


def test_what_a_model_knows_is_named_and_nothing_of_it_is_markup() -> None:
    page = shown(CLASSES | {"label": "<i>cat"}, "<b>", 0.1)
    assert "of 3 classes that it knows; next: &lt;b&gt;dog (20%), owl (5%)" in page
    assert "<h3>&lt;i&gt;cat (75%)</h3>" in page and "<b>" not in page


def test_scores_of_replies_are_no_classes() -> None:
    assert "classes" not in shown({"text": "Hello", "scores": {"Hello": 0.9}, "candidate_scores": [0.1]}, "m", 1)


def test_what_was_drawn_is_shown(tmp_path: Path) -> None:
    for name, tag in (("a.png", "img"), ("a.gif", "img"), ("a.mp4", "video")):
        (tmp_path / name).write_bytes(b"content")
        assert f'<{tag} src="data:' in shown({"text": "x", "drawn": str(tmp_path / name)}, "m", 1)
    (tmp_path / "a.vtt").write_bytes(b"content")
    assert "data:" not in shown({"text": "x", "drawn": str(tmp_path / "a.vtt")}, "m", 1)
