"""An answer of every task is seen at once, and not only among its numbers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

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
    Similarity,
    Transcript,
)
from tlzoo.run.predict import Predicted
from tlzoo.space.answers import headline, shown
from tlzoo.vocabulary import TASKS

CLASSES = ClassScores("cat", 0.75, {"cat": 0.75, "<b>dog": 0.2, "owl": 0.05})
BOXES = Boxes([[0.0, 0.0, 9.0, 9.0], [1.0, 1.0, 2.0, 2.0]], [0.9, 0.2], ["cat", "dog"])
FACES = replace(BOXES, labels=["face"] * 2, keypoints=np.zeros((2, 5, 2)).tolist())
MASK = np.repeat(np.array([0, 1, 1, 2], np.uint8), 4).reshape(4, 4)
POSES = Poses(np.zeros((2, 3, 2)).tolist(), np.ones((2, 3)).tolist(), [0.8, 0.1], list("abc"))
ANSWER = AnswerSpan("in May", 3, 9, 0.6, "short", 0.1, [])
PITCH = PitchTrack([0.0, 0.1, 0.2, 0.3], [440.0, 441.0, 439.0, 50.0], [0.9, 0.9, 0.9, 0.1])
PREDICTIONS: dict[str, tuple[Prediction, str]] = {
    "image-classification": (CLASSES, "cat (75%)"),
    "text-classification": (CLASSES, "cat (75%)"),
    "audio-classification": (CLASSES, "cat (75%)"),
    "video-classification": (CLASSES, "cat (75%)"),
    "image-segmentation": (Mask(MASK, ["background", "cat", "dog"]), "cat 50%, background 25%, dog 25%"),
    "object-detection": (BOXES, "cat (90%)"),
    "face-detection": (FACES, "face (90%)"),
    "pose-estimation": (POSES, "1 body of 3 points"),
    "language-modeling": (Completion("whale", 1.5), "whale"),
    "question-answering": (ANSWER, "in May (60%)"),
    "token-classification": (Entities([Entity(0, 4, "Anna", "person", 0.9)]), "Anna (person)"),
    "text-embedding": (Similarity(0.114), "Similarity 0.11, of at most 1"),
    "text-generation": (Reply("Hello\nyou", candidate_scores=[0.1, 0.9]), "Hello\nyou"),
    "speech-recognition": (Transcript("one two", []), "one two"),
    "audio-embedding": (
        Embedding([0.5, -0.25, 0.0, 1.0, 2.0]),
        "A vector of 5 numbers: 0.500, -0.250, 0.000, 1.000",
    ),
    "pitch-extraction": (PITCH, "Pitch 440 Hz (median), in 75% of the time"),
    "video-generation": (Clip(np.zeros((2, 4, 4, 3), np.uint8), [2, 3], [0, 1]), "2 frames made from 2"),
}
"""A prediction of each task, and its headline."""
NOTHING: dict[str, tuple[Prediction, str]] = {
    "no answer": (replace(ANSWER, text="", score=0.9), "No answer in the context (90%)"),
    "no box": (Boxes([], [], []), "Nothing with a score of 50% or more"),
    "no pitch": (PitchTrack([0.0], [99.0], [0.1]), "No pitch"),
    "no sound": (PitchTrack([], [], []), "No pitch"),
    "no words": (Transcript("", []), "No words"),
    "no entities": (Entities([]), "No entities"),
    "no candidates": (Reply("", candidate_scores=[]), "No reply: there are no candidates"),
    "nobody": (replace(POSES, scores=[], keypoints=[], keypoint_scores=[]), "0 bodies of 3 points"),
    "dna": (
        DnaTracks(np.eye(3, 2, dtype=np.float32), ["heart", "liver"], 10, 100),
        "2 tracks of 3 bins; the highest value is 1, of heart, at bases 100 to 110",
    ),
    "something new": (Prediction(), "An answer without a summary"),
}


def page_of(prediction: Prediction, drawn: Path | None = None) -> str:
    return shown(Predicted({"input": "x"}, prediction, drawn=drawn), "a model", 0.25)


def test_every_task_is_here() -> None:
    assert set(PREDICTIONS) == set(TASKS)


@pytest.mark.parametrize("name", [*PREDICTIONS, *NOTHING])
def test_an_answer_has_a_headline(name: str) -> None:
    prediction, wanted = (PREDICTIONS | NOTHING)[name]
    assert headline(prediction).startswith(wanted)
    page = page_of(prediction)
    head = page.split("<h3>")[1].split("</h3>")[0]
    assert head.startswith(wanted) and "a model, 250 ms" in page
    assert "input" not in page.split("<pre>")[1]


def test_what_a_model_knows_is_named_and_nothing_of_it_is_markup() -> None:
    page = shown(Predicted({"input": "x"}, replace(CLASSES, label="<i>cat")), "<b>", 0.1)
    assert "of 3 classes that it knows; next: &lt;b&gt;dog (20%), owl (5%)" in page
    assert "<h3>&lt;i&gt;cat (75%)</h3>" in page and "<b>" not in page


def test_scores_of_replies_are_no_classes() -> None:
    assert "classes" not in page_of(Reply("Hello", {"Hello": 0.9}, [0.1]))


def test_what_was_drawn_is_shown(tmp_path: Path) -> None:
    for name, tag in (("a.png", "img"), ("a.gif", "img"), ("a.mp4", "video")):
        (tmp_path / name).write_bytes(b"content")
        assert f'<{tag} src="data:' in page_of(Completion("x"), tmp_path / name)
    (tmp_path / "a.vtt").write_bytes(b"content")
    assert "data:" not in page_of(Completion("x"), tmp_path / "a.vtt")
