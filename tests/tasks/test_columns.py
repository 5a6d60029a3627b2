"""What a task needs of its rows, and what it does without."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from datasets import Features, List, Value

from tests.support.small import stored, whole
from tlzoo.core.predictions import Boxes, Mask, Poses
from tlzoo.core.task import Task
from tlzoo.data.schemas import CLOZE_FEATURES, QUESTION_FEATURES, REPLY_FEATURES, track_features
from tlzoo.errors import InputError
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.tasks import task_type
from tlzoo.tasks.detection import FaceDetection
from tlzoo.tasks.dna_tracks import Tracks
from tlzoo.tasks.image_segmentation import Segmentation
from tlzoo.tasks.language_modeling import Cloze
from tlzoo.tasks.pose_estimation import Pose
from tlzoo.tasks.question_answering import QuestionAnswering
from tlzoo.tasks.speech_recognition import SpeechRecognition
from tlzoo.tasks.text_embedding import TextEmbedding
from tlzoo.tasks.text_generation import Replies
from tlzoo.tasks.token_classification import TokenClassification
from tlzoo.tasks.video_generation import VideoGeneration


@pytest.mark.parametrize(
    ("kind", "columns", "message"),
    [
        (Replies, ("text", "candidates", "target"), "text-generation needs a column '{}'"),
        (Cloze, ("text", "target"), "language-modeling needs a column '{}' of strings"),
        (QuestionAnswering, ("question", "context", "answers"), "not so: {}; columns: "),
        (FaceDetection, ("image", "objects"), "face-detection needs a column '{}'"),
        (Pose, ("image", "people", "parts"), "pose-estimation needs a column '{}'"),
        (Segmentation, ("mask", "classes"), "'{}'"),
        (TokenClassification, ("text", "entities"), "token-classification needs a column '{}'"),
        (TextEmbedding, ("sentence2",), "text-embedding needs a column '{}' of strings; columns: sentence1"),
        (SpeechRecognition, ("text",), "'{}' of strings"),
        (VideoGeneration, ("video",), "needs a column '{}'; columns: "),
        (Tracks, ("tracks",), "language-modeling of DNA needs a column '{}'"),
    ],
)
def test_a_missing_column_is_named(kind: type[Task], columns: tuple[str, ...], message: str) -> None:
    complete = kind.features_of(["face"])
    for column in columns:
        with pytest.raises(InputError, match=message.format(column)):
            kind(Features({name: feature for name, feature in complete.items() if name != column}))


OBJECTS = {"bbox": List(List(Value("float32"))), "category": List(Value("int64"))}


@pytest.mark.parametrize(
    ("kind", "changed", "message"),
    [
        *((Replies, {c: Value("bool")}, f"needs a column '{c}'") for c in ("text", "candidates", "target")),
        *((Cloze, {c: Value("int64")}, f"language-modeling needs a column '{c}'") for c in ("text", "target")),
        (QuestionAnswering, {"answers": Value("string")}, "not so: answers"),
        (FaceDetection, {"objects": OBJECTS}, "'category' \\(classes\\)"),
        (FaceDetection, FaceDetection.features_of(["head"]), "class 'face' in 'objects'; classes: head"),
        (TokenClassification, {"entities": Value("string")}, "lists 'start', 'end' and 'label'"),
        (SpeechRecognition, {"letters": Value("string")}, "'letters', a list of classes"),
        (Tracks, {"tracks": Value("float32")}, "language-modeling of DNA needs a column 'tracks'"),
        (Tracks, track_features(8, -1), "language-modeling of DNA needs a column 'tracks'"),
    ],
)
def test_a_column_of_another_kind_is_named(kind: type[Task], changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        kind(Features(kind.features_of(["face"]) | changed))


@pytest.mark.parametrize(
    ("name", "kind", "metrics"),
    [
        ("text-generation", Replies, ("recall_at_1", "perplexity")),
        ("language-modeling", Cloze, ("cloze_accuracy", "perplexity")),
        ("question-answering", QuestionAnswering, ("f1", "exact_match", "f1_has_answer", "f1_no_answer")),
        ("token-classification", TokenClassification, ("entity_f1", "entity_precision", "entity_recall")),
        ("face-detection", FaceDetection, ("ap50", "ap")),
    ],
)
def test_a_task_is_registered_with_metrics_that_there_are(name: str, kind: Any, metrics: tuple[str, ...]) -> None:
    task = kind.of(["face"])
    assert task_type(name) is kind
    assert task.metrics == metrics and set(metrics) <= set(task.facts.metrics) & set(METRICS)


def test_features_of_texts_are_those_of_their_data() -> None:
    assert Replies.of([]).features == REPLY_FEATURES and Cloze.of([]).features == CLOZE_FEATURES
    assert QuestionAnswering.of([]).features == QUESTION_FEATURES


@pytest.mark.parametrize(
    ("task", "is_whole"),
    [
        (FaceDetection.of(["face"]), lambda found: type(found) is Boxes and found.keypoints is None),
        (Pose.of(["head", "left", "right", "foot"]), lambda found: len(found.keypoints[0]) == 4),
        (Segmentation.of(["background", "red"]), lambda found: found.mask.shape == (30, 50)),
    ],
    ids=["boxes", "poses", "masks"],
)
def test_rows_without_a_target_are_predicted(task: Any, is_whole: Callable[[Boxes | Mask | Poses], bool]) -> None:
    model = whole(task).eval()
    batch = model.preprocess([{"image": stored(np.zeros((30, 50, 3), np.uint8))}])
    assert "target" not in batch
    assert is_whole(model.predict(batch)[0])
