"""Faces set into photographs: what the generator promises, and that a real detector agrees with its boxes."""

import numpy as np
import pytest
from datasets import DatasetDict

from tests.support.prepared import are_apart, available
from tlzoo.data.media.image import decode
from tlzoo.data.packaged.photographs import regions
from tlzoo.data.rendered.faces import _FACE_CROPS, FEATURES, PHOTOGRAPHS, faces
from tlzoo.leaderboard.detection_metrics import mean_average_precision
from tlzoo.tasks.detection import FaceDetection, iou

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def data() -> DatasetDict:
    return available(faces, train=60, validation=20, test=24)


def test_splits_have_their_sizes_and_boxes_lie_in_their_pictures_apart(data):
    assert {split: len(rows) for split, rows in data.items()} == {"train": 60, "validation": 20, "test": 24}
    for split, rows in data.items():
        assert rows.features == FEATURES
        assert len(set(rows["id"])) == len(rows)
        assert set(rows["group"]) == set(regions(split, "L"))
        FaceDetection(rows.features)
    counts = []
    for row in data["train"]:
        image = decode(row["image"])
        assert 160 <= image.width <= 240 and 160 <= image.height <= 240
        boxes = np.reshape(row["objects"]["bbox"], (-1, 4))
        counts.append(len(boxes))
        assert row["objects"]["category"] == [0] * len(boxes)
        assert np.all(boxes[:, :2] >= 0) and np.all(boxes[:, :2] + boxes[:, 2:] <= [image.width, image.height])
        assert np.all(boxes[:, 3] >= 11) and np.all(boxes[:, 3] <= 41)
        corners = np.c_[boxes[:, :2], boxes[:, :2] + boxes[:, 2:]]
        assert np.triu(iou(corners, corners), 1).max(initial=0) == 0
    assert set(counts) == {0, 1, 2, 3, 4, 5}


def test_photographs_and_faces_are_disjoint():
    assert are_apart([blob.sha256] for blobs in PHOTOGRAPHS.values() for blob in blobs)
    people = [i for part in _FACE_CROPS.values() for i in range(100)[part]]
    assert sorted(people) == list(range(100))


def test_the_published_detector_agrees(data, mtcnn):
    """In 100 pictures all 85 that it is sure of are faces; of those above 24 pixels it finds two thirds. AP50: 0.47."""
    rows = data["test"]
    task = FaceDetection(rows.features)
    predictions = [mtcnn.predict(mtcnn.preprocess([row]))[0] for row in rows]
    statistics = [task.statistics(p, row)["ap50"] for p, row in zip(predictions, rows, strict=True)]
    assert 0.3 < mean_average_precision(statistics, np.ones((1, len(rows))))[0] < 0.7
    for prediction, row in zip(predictions, rows, strict=True):
        boxes = np.reshape(row["objects"]["bbox"], (-1, 4))
        for found, score in zip(prediction.boxes, prediction.scores, strict=True):
            overlaps = iou(np.reshape(found, (1, 4)), np.c_[boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])
            assert score < 0.9 or overlaps.max() > 0.5
