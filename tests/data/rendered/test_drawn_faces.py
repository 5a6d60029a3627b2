import numpy as np
import pytest
from datasets import DatasetDict

from tlzoo.data.media.image import decode
from tlzoo.data.rendered.drawn_faces import FEATURES, drawn_faces
from tlzoo.tasks.detection import FaceDetection, iou


@pytest.fixture(scope="module")
def data() -> DatasetDict:
    return drawn_faces(train=30, validation=4)


def test_boxes_are_inside_and_their_landmarks_in_order(data: DatasetDict) -> None:
    assert {split: len(rows) for split, rows in data.items()} == {"train": 30, "validation": 4}
    counts = []
    for row in data["train"]:
        assert data["train"].features == FEATURES
        image = decode(row["image"])
        assert min(image.size) >= 128 and max(image.size) <= 192
        boxes = np.reshape(row["objects"]["bbox"], (-1, 4))
        counts.append(len(boxes))
        assert row["objects"]["category"] == [0] * len(boxes)
        assert np.all(boxes[:, :2] >= 0) and np.all(boxes[:, :2] + boxes[:, 2:] <= np.array(image.size) + 1e-3)
        assert np.all(boxes[:, 3] >= 11) and np.all(boxes[:, 3] <= 112)
        corners = np.c_[boxes[:, :2], boxes[:, :2] + boxes[:, 2:]]
        assert np.triu(iou(corners, corners), 1).max(initial=0) < 0.1
    assert set(counts) == {0, 1, 2, 3}
    FaceDetection(data["train"].features)
    contrast = []
    for row in data["train"]:
        grey = np.asarray(decode(row["image"]).convert("L"), float)
        for (x, y, w, h), points in zip(row["objects"]["bbox"], row["objects"]["landmarks"], strict=True):
            left, right, nose, mouth_left, mouth_right = np.array(points)
            assert all(x < p[0] < x + w and y < p[1] < y + h for p in points)
            assert left[0] < right[0] and mouth_left[0] < mouth_right[0]
            assert left[1] < nose[1] < mouth_right[1] and right[1] < nose[1] < mouth_left[1]
            cheeks = [grey[int(p[1]), int(p[0])] for p in ((left + mouth_left) / 2, (right + mouth_right) / 2)]
            eyes = [grey[int(p[1]), int(p[0])] for p in (left, right)]
            contrast.append(np.mean(eyes) < np.mean(cheeks))
    assert np.mean(contrast) > 0.9
