"""Detection: statistics and reducer against pycocotools; a head that learns drawn squares."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset, Features, Value

from tests.support.coco import average_precisions, corner_and_size, truth
from tests.support.small import COLOURS, noise, stored, whole
from tests.support.training import learn, scores
from tlzoo.core.predictions import Boxes
from tlzoo.data.dataset import table
from tlzoo.leaderboard.detection_metrics import mean_average_precision
from tlzoo.tasks.detection import THRESHOLDS, FaceDetection, ObjectDetection, iou, match


def scenes(classes: int, images: int, seed: int = 0, crowds: bool = False) -> list[tuple[Boxes, dict]]:
    """Random references as rows, and predictions near some of them, with misses, doubles and ghosts."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(images):
        n = rng.integers(0, 4)
        right = np.c_[rng.uniform(0, 60, (n, 2)), rng.uniform(10, 40, (n, 2))]
        category = rng.integers(0, classes, n)
        near = np.repeat(np.arange(n), rng.integers(0, 3, n))
        ghosts = rng.integers(0, 3)
        boxes = right[near] + rng.normal(0, 2.5, (len(near), 4))
        boxes = np.r_[boxes, np.c_[rng.uniform(0, 60, (ghosts, 2)), rng.uniform(10, 40, (ghosts, 2))]]
        guesses = np.r_[category[near], rng.integers(0, classes, ghosts)].astype(int)
        prediction = Boxes(
            np.c_[boxes[:, :2], boxes[:, :2] + boxes[:, 2:]].tolist(),
            rng.uniform(0, 1, len(boxes)).tolist(),
            [f"c{c}" for c in guesses],
        )
        objects = {"bbox": right.tolist(), "category": category.tolist()}
        if crowds:
            n = rng.integers(0, 3)
            regions = np.c_[rng.uniform(0, 50, (n, 2)), rng.uniform(20, 60, (n, 2))].tolist()
            objects["crowd"] = {"bbox": regions, "category": rng.integers(0, classes, n).tolist()}
        made.append((prediction, {"objects": objects}))
    return made


def statistics(classes: int, pairs: list[tuple[Boxes, dict]], key: str) -> list[list[float]]:
    task = ObjectDetection.of([f"c{c}" for c in range(classes)])
    return [task.statistics(prediction, row)[key] for prediction, row in pairs]


def pycocotools_ap(classes: int, pairs: list[tuple[Boxes, dict]]) -> list[float]:
    """AP and AP50 by COCO's own code (torchmetrics rounds thresholds to float32, which moves hits at the edge)."""
    references, detections = [], []
    for i, (prediction, row) in enumerate(pairs, 1):
        for is_crowd, marks in enumerate((row["objects"], row["objects"].get("crowd", {"bbox": [], "category": []}))):
            for box, c in zip(marks["bbox"], marks["category"], strict=True):
                mark = {"image_id": i, "category_id": c + 1, "bbox": box, "area": box[2] * box[3], "iscrowd": is_crowd}
                references.append(mark)
        for corners, score, name in zip(prediction.boxes, prediction.scores, prediction.labels, strict=True):
            detection = {"image_id": i, "category_id": int(name[1:]) + 1, "score": score}
            detections.append(detection | {"bbox": corner_and_size(*corners)})
    return list(average_precisions(truth(len(pairs), classes, references), detections)[:2])


@pytest.mark.parametrize("classes", [1, 5])
@pytest.mark.parametrize("images", [3, 10, 80])
def test_equals_pycocotools(classes, images):
    pairs = scenes(classes, images, seed=images)
    once = np.ones((1, images))
    found = [mean_average_precision(statistics(classes, pairs, key), once)[0] for key in ("ap", "ap50")]
    assert found[0] > 0.01
    assert found == pytest.approx(pycocotools_ap(classes, pairs), abs=1e-9)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("classes", "images"), [(1, 4), (2, 20), (5, 40)])
def test_crowds_count_neither_way_as_in_pycocotools(classes: int, images: int, seed: int) -> None:
    pairs = scenes(classes, images, seed, crowds=True)
    once = np.ones((1, images))
    found = [mean_average_precision(statistics(classes, pairs, key), once)[0] for key in ("ap", "ap50")]
    assert found == pytest.approx(pycocotools_ap(classes, pairs), abs=1e-9)
    if images > 4:
        for _, row in pairs:
            del row["objects"]["crowd"]
        assert found[1] > mean_average_precision(statistics(classes, pairs, "ap50"), once)[0]


def test_many_detections_may_lie_in_one_crowd() -> None:
    task = ObjectDetection.of(["a", "b"])
    row = {
        "objects": {"bbox": [[0, 0, 10, 10]], "category": [0], "crowd": {"bbox": [[20, 0, 40, 40]], "category": [0]}}
    }
    guesses = Boxes([[22, 2, 30, 10], [30, 10, 50, 30], [0, 0, 10, 10]], [0.9, 0.8, 0.7], ["a"] * 3)
    assert mean_average_precision([task.statistics(guesses, row)["ap"]], np.ones((1, 1)))[0] == 1
    other = replace(guesses, labels=["b", "b", "a"])
    assert task.statistics(other, row)["ap50"] == [2, 1, 1, 0, 0, 0.7, 1, 1, 0.9, 0, 1, 0.8, 0], "a crowd of its class"
    half = Boxes([[14, 0, 24, 10]], [0.9], ["a"])  # 0.4 of it lies in the crowd, too little
    assert task.statistics(half, row)["ap50"][-1] == 0


@pytest.mark.parametrize("classes", [1, 3])
def test_a_weight_is_a_repetition(classes):
    ap = statistics(classes, scenes(classes, 20, crowds=True), "ap")
    weights = np.random.default_rng(0).multinomial(20, np.ones(20) / 20, size=4).astype(float)
    repeated = [[s for s, k in zip(ap, w, strict=True) for _ in range(int(k))] for w in weights]
    wanted = [mean_average_precision(r, np.ones((1, 20)))[0] for r in repeated]
    np.testing.assert_allclose(mean_average_precision(ap, weights), wanted, atol=5e-3)  # copies tie in score


def test_reducer_in_blocks_gives_the_same(monkeypatch):
    ap = statistics(2, scenes(2, 30), "ap")
    weights = np.random.default_rng(0).multinomial(30, np.ones(30) / 30, size=11).astype(float)
    whole = mean_average_precision(ap, weights)
    monkeypatch.setattr("tlzoo.leaderboard.detection_metrics._BLOCK", 1)
    np.testing.assert_array_equal(mean_average_precision(ap, weights), whole)


def test_perfect_missing_and_absent():
    task = FaceDetection.of(["face"])
    assert task.labels == ("face",)
    row = {"objects": {"bbox": [[10, 20, 30, 40]], "category": [0]}}
    empty = {"objects": {"bbox": [], "category": []}}
    hit = Boxes([[10, 20, 40, 60]], [0.9], ["face"])
    nothing = Boxes([], [], [])

    def ap(*pairs):
        return mean_average_precision([task.statistics(*pair)["ap"] for pair in pairs], np.ones((1, len(pairs))))[0]

    assert task.statistics(hit, row) == {"ap50": [1, 1, 1, 0, 0.9, 1], "ap": [1, 10, 1, 0, 0.9, *[1] * 10]}
    assert task.statistics(nothing, empty) == {"ap50": [1, 1, 0], "ap": [1, 10, 0]}
    assert ap((hit, row)) == 1
    assert ap((nothing, row)) == 0
    assert ap((hit, row), (nothing, empty)) == 1
    assert ap((hit, row), (nothing, row)) == pytest.approx(51 / 101)
    assert ap((hit, row), (replace(hit, scores=[0.95]), empty)) == pytest.approx(0.5)
    assert ap((hit, empty)) == 0
    assert ap((replace(hit, labels=["cat"]), row)) == 0  # a class that the data set does not have
    assert ap((Boxes([[10, 20, 40, 60]] * 150, [0.9] * 150, ["face"] * 150), row)) == 1


def test_matching_is_greedy_by_score():
    overlaps = np.array([[0.6, 0.7], [0.0, 0.9], [0.55, 0.0]])
    assert match(overlaps, THRESHOLDS)[:, [0, 4, 5]].astype(int).tolist() == [[1, 1, 0], [0, 0, 1], [1, 0, 0]]
    assert match(np.zeros((2, 0)), [0.5]).tolist() == [[False], [False]]
    assert match(np.zeros((0, 2)), [0.5]).shape == (0, 1)


def test_iou():
    boxes = np.array([[0, 0, 10, 10], [5, 5, 15, 15], [3, 3, 3, 9]], dtype=float)
    np.testing.assert_allclose(iou(boxes, boxes[:2]), [[1, 25 / 175], [25 / 175, 1], [0, 0]])


def test_what_people_call_right():
    task = ObjectDetection.of(["a"])
    nothing = {"objects": {"bbox": [], "category": []}}
    something = {"objects": {"bbox": [[0, 0, 10, 10]], "category": [0]}}
    for row, boxes, score, right in (
        (nothing, [], 0, True),
        (nothing, [[0, 0, 5, 5]], 0.2, True),
        (nothing, [[0, 0, 5, 5]], 0.9, False),
        (something, [[0, 0, 10, 10]], 0.2, True),
        (something, [], 0, False),
    ):
        prediction = Boxes(boxes, [score] * len(boxes), ["a"] * len(boxes))
        statistic = task.statistics(prediction, row)[task.metrics[0]]
        assert task.is_right(prediction, row, statistic) == right


def squares(n: int) -> Dataset:
    """Pictures of 110 x 70 pixels with up to three squares of 10 to 36 pixels; the first has none."""
    rng = np.random.default_rng(0)
    images, objects = [], []
    for i in range(n):
        image = noise(rng, 70, 110)
        found: dict[str, list] = {"bbox": [], "category": []}
        for place in rng.permutation(3)[: 1 + i % 3 if i else 0]:
            side, c = rng.integers(10, 36), int(rng.integers(2))
            x, y = place * 37 + rng.integers(37 - side), rng.integers(70 - side)
            image[y : y + side, x : x + side] = COLOURS[c]
            found["bbox"].append([float(v) for v in (x, y, side, side)])
            found["category"].append(c)
        images.append(stored(image))
        objects.append(found)
    given = Features({**ObjectDetection.features_of(["red", "green"]), "id": Value("string")})
    return table(given, {"image": images, "objects": objects, "id": [str(i) for i in range(n)]})


def test_the_head_learns_a_few_pictures() -> None:
    task, rows = ObjectDetection.of(["red", "green"]), squares(8)
    model = whole(task)
    before = [*scores(task, model, rows).values()]
    losses = learn(model, rows, 40)
    assert losses[-1] < 0.3 * losses[0]
    ap, ap50 = [*scores(task, model, rows).values()]
    assert ap50 > 0.9 > 0.3 > before[1]
    assert ap > 0.6


@pytest.mark.parametrize(("high", "wide"), [(70, 110), (300, 90), (40, 31)])
def test_decoding_undoes_the_framing(high: int, wide: int) -> None:
    task = ObjectDetection.of(["red", "green"])
    boxes = [[0, 0, wide, high], [wide * 0.25, high * 0.5, wide * 0.5, high * 0.25]]
    row = {"image": stored(np.zeros((high, wide, 3), np.uint8)), "objects": {"bbox": boxes, "category": [1, 0]}}
    example = whole(task).encode(row)
    target = example["target"]
    assert target["boxes"].max() <= 96 and target["boxes"].min() >= 0

    def decoded(boxes: torch.Tensor, labels: torch.Tensor) -> Boxes:
        detections = {"boxes": boxes, "scores": torch.ones(len(boxes)), "labels": labels}
        output: Any = SimpleNamespace(detections=lambda: [detections])
        return task.decode(output, {"frame": example["frame"][None]})[0]

    found = decoded(target["boxes"], target["labels"])
    assert found.labels == ["green", "red"]
    corners = [[x, y, x + w, y + h] for x, y, w, h in boxes]
    np.testing.assert_allclose(found.boxes, corners, atol=1e-3)
    outside = decoded(torch.tensor([[-50.0, -50, 500, 500]]), torch.zeros(1).long())
    assert outside.boxes == [[0, 0, wide, high]]


def test_boxes_without_area_are_no_targets() -> None:
    task = ObjectDetection.of(["red", "green"])
    example = {"frame": torch.tensor([1.0, 1, 0, 0, 50, 50])}
    objects = {"bbox": [[5, 5, 0, 9], [1, 2, 3, 4]], "category": [0, 1]}
    target = task.target({"objects": objects}, example)
    assert target["boxes"].tolist() == [[1, 2, 4, 6]] and target["labels"].tolist() == [1]
    assert task.target({"objects": {"bbox": [], "category": []}}, example)["boxes"].shape == (0, 4)
