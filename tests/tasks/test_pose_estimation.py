"""Pose estimation: PCK and OKS-AP against pycocotools, and a head that learns drawn figures."""

from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset, Features, Value

from tests.support.coco import average_precisions, truth
from tests.support.small import COLOURS, noise, stored, whole
from tests.support.training import learn, scores
from tlzoo.core.predictions import Poses
from tlzoo.data.dataset import table
from tlzoo.data.media.keypoints import COCO_NAMES, COCO_SIGMAS
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.tasks.pose_estimation import BODY, Pose, oks

POINTS = ("head", "left_hand", "right_hand", "foot")


@pytest.fixture
def coco() -> Pose:
    return Pose.of(COCO_NAMES)


def figures(n: int) -> Dataset:
    """Pictures of 110 x 70 pixels with a figure of four coloured points, the last without anybody."""
    rng = np.random.default_rng(0)
    images, people = [], []
    for i in range(n):
        image, tall = noise(rng, 70, 110), int(rng.integers(26, 60))
        x, y, half = rng.integers(4, 106 - tall // 2), rng.integers(4, 66 - tall), tall // 4
        places = [(x + half, y), (x, y + tall // 2), (x + 2 * half, y + tall // 2), (x + half, y + tall)]
        for (px, py), colour in zip(places if i < n - 1 else [], COLOURS, strict=False):
            image[py - 3 : py + 3, px - 3 : px + 3] = colour
        one = {"bbox": [[x, y, 2 * half, tall]], "keypoints": [[[px, py, 2] for px, py in places]]}
        images.append(stored(image))
        people.append(one if i < n - 1 else {"bbox": [], "keypoints": []})
    features = Features({**Pose.features_of(POINTS), "id": Value("string")})
    names = [str(i) for i in range(n)]
    return table(features, {"image": images, "people": people, "parts": [[0, 1, 2, 3]] * n, "id": names})


def test_the_head_learns_a_few_pictures() -> None:
    task, rows = Pose.of(POINTS), figures(8)
    model = whole(task)
    before = [*scores(task, model, rows).values()]
    losses = learn(model, rows, 40)
    assert losses[-1] < 0.3 * losses[0]
    ap, pck = [*scores(task, model, rows).values()]
    assert pck > 0.9 > 0.4 > before[1]
    assert ap > 0.8 > 0.2 > before[0]
    with torch.inference_mode():
        found = model.predict(model.preprocess(list(rows)))
    assert min(p.scores[0] for p in found[:-1]) > found[-1].scores[0]  # it knows where nobody is


@pytest.mark.parametrize(("high", "wide"), [(70, 110), (300, 90), (40, 31)])
def test_decoding_undoes_the_framing(high: int, wide: int) -> None:
    task = Pose.of(POINTS)
    places = np.array([[0.1, 0.2], [0.9, 0.3], [0.4, 0.85], [0.5, 0.5]]) * (wide, high)
    people = {"bbox": [[0, 0, wide, high]], "keypoints": [[[x, y, 2] for x, y in places]]}
    model = whole(task, 128, 160)
    example = model.encode({"image": stored(np.zeros((high, wide, 3), np.uint8)), "people": people})
    output = model.eval()(model.collate([example]))
    cells = example["target"]["keypoints"][0, :, :2] / 4 - 0.5
    for k, (x, y) in enumerate(cells.tolist()):
        output.scores[0, k, round(y), round(x)] = 99
        output.offsets[0, k, :, round(y), round(x)] = torch.tensor([x - round(x), y - round(y)])
    found = task.decode(output, {"frame": example["frame"][None]})[0]
    np.testing.assert_allclose(found.keypoints, places[None], atol=1e-3)
    assert found.names == list(POINTS) and min(found.keypoint_scores[0]) > 0.99


def test_targets_are_everybody_largest_first() -> None:
    task = Pose.of(["a", "b"])
    small, large = [[1, 2, 2], [3, 4, 0]], [[5, 6, 1], [7, 8, 2]]
    people = {"bbox": [[0, 0, 2, 2], [0, 0, 9, 9]], "keypoints": [small, large]}
    target = task.target({"people": people}, {"frame": torch.tensor([2.0, 2, 1, 0, 50, 50])})
    assert target["keypoints"].tolist() == [[[11, 12, 1], [15, 16, 2]], [[3, 4, 2], [7, 8, 0]]]
    assert target["boxes"].tolist() == [[1, 0, 19, 18], [1, 0, 5, 4]]
    np.testing.assert_allclose(target["areas"], [BODY * 81 * 4, BODY * 4 * 4], rtol=1e-6)
    nobody = task.target({"people": {"bbox": [], "keypoints": []}}, {"frame": torch.ones(6)})
    assert nobody["keypoints"].shape == (0, 2, 3)


def scenes(pictures: int, seed: int = 0) -> list[tuple[Poses, dict[str, Any]]]:
    """Predictions near labelled people, with misses, doubles, ghosts, and people without a labelled point."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(pictures):
        n, ghosts = rng.integers(0, 4), rng.integers(0, 2)
        boxes = np.c_[rng.uniform(0, 200, (n, 2)), rng.uniform(40, 160, (n, 2))]
        points = boxes[:, None, :2] + rng.random((n, 17, 2)) * boxes[:, None, 2:]
        seen = rng.choice(3, (n, 17), p=(0.3, 0.2, 0.5)) * (rng.random((n, 1)) > 0.2)
        near = np.repeat(np.arange(n), rng.integers(0, 3, n))
        spread = rng.choice([1, 4, 12], (len(near), 1, 1))
        found = np.r_[points[near] + rng.normal(0, 1, (len(near), 17, 2)) * spread, rng.random((ghosts, 17, 2)) * 300]
        names = list(COCO_NAMES)
        prediction = Poses(found.tolist(), np.ones((len(found), 17)).tolist(), rng.random(len(found)).tolist(), names)
        keypoints = np.concatenate([points, seen[..., None]], -1)
        people = {"bbox": boxes.tolist(), "keypoints": keypoints.tolist(), "area": rng.uniform(900, 9000, n).tolist()}
        made.append((prediction, {"people": people}))
    return made


def pycocotools_ap(pairs: list[tuple[Poses, dict[str, Any]]]) -> float:
    references, detections = [], []
    for i, (prediction, row) in enumerate(pairs, 1):
        people = row["people"]
        for box, points, area in zip(people["bbox"], people["keypoints"], people["area"], strict=True):
            labelled = int((np.array(points)[:, 2] > 0).sum())
            mark = {"image_id": i, "category_id": 1, "bbox": box, "area": area, "iscrowd": 0, "num_keypoints": labelled}
            references.append(mark | {"keypoints": np.ravel(points).tolist()})
        for points, score in zip(prediction.keypoints, prediction.scores, strict=True):
            flat = np.concatenate([points, np.ones((17, 1))], 1).ravel().tolist()
            detections.append({"image_id": i, "category_id": 1, "score": score, "keypoints": flat})
    return float(average_precisions(truth(len(pairs), 1, references), detections, "keypoints")[0])


@pytest.mark.parametrize(("pictures", "seed"), [(5, 0), (30, 1), (80, 2)])
def test_oks_ap_equals_pycocotools(coco: Pose, pictures: int, seed: int) -> None:
    pairs = scenes(pictures, seed)
    statistics = [coco.statistics(*pair)["oks_ap"] for pair in pairs]
    found = METRICS["oks_ap"].reduce(statistics, np.ones((1, pictures)))[0]
    assert found > 0.05
    assert found == pytest.approx(pycocotools_ap(pairs), abs=1e-9)


def test_a_prediction_of_a_person_without_labels_counts_in_nothing() -> None:
    task = Pose.of(["nose"])
    row = {"people": {"bbox": [[0, 0, 50, 100]], "keypoints": [[[0, 0, 0]]]}}
    inside, outside = (Poses([[p]], [[1.0]], [0.5], ["nose"]) for p in [(20, 30), (900, 30)])
    assert task.statistics(inside, row)["oks_ap"] == [10, 1, *[0] * 10]
    assert task.statistics(outside, row)["oks_ap"] == [10, 1, *[0] * 10, *[x for t in range(10) for x in (t, 0.5, 0)]]
    assert task.statistics(inside, row)["pck"] == [0, 0]


def person(*points: tuple[float, float, int], box: tuple[float, ...] = (0, 0, 50, 100)) -> dict[str, Any]:
    return {"people": {"bbox": [list(box)], "keypoints": [[list(p) for p in points]]}}


def guess(names: tuple[str, ...], *people: list[tuple[float, float]]) -> Poses:
    ones = [[1.0] * len(names)] * len(people)
    return Poses(people, ones, [1.0] * len(people), list(names))


def test_a_point_is_right_within_a_fifth_of_the_longer_side() -> None:
    task, names = Pose.of(["a", "b", "c"]), ("a", "b", "c")
    row = person((10, 10, 2), (30, 50, 1), (0, 0, 0))
    assert task.statistics(guess(names, [(30, 10), (30, 70.1), (0, 0)]), row)["pck"] == [1, 2]
    assert task.statistics(guess(names, [(10, 29.9), (44, 64), (0, 0)]), row)["pck"] == [2, 2]
    assert task.statistics(guess(names), row)["pck"] == [0, 2]


def test_one_prediction_serves_one_person() -> None:
    task, one = Pose.of(["a"]), ("a",)
    row = {"people": {"bbox": [[0, 0, 50, 50], [5, 0, 50, 50]], "keypoints": [[[10, 10, 2]], [[12, 10, 2]]]}}
    assert task.statistics(guess(one, [(11, 10)]), row)["pck"] == [1, 2]
    assert task.statistics(guess(one, [(11, 10)], [(12, 10)]), row)["pck"] == [2, 2]
    far = {"people": {"bbox": [[0, 0, 50, 50], [200, 0, 50, 50]], "keypoints": [[[10, 10, 2]], [[210, 10, 2]]]}}
    assert task.statistics(guess(one, [(210, 10)], [(211, 10)]), far)["pck"] == [1, 2], "twice the same person"


def test_a_false_person_costs_the_true_one_that_it_keeps_out() -> None:
    task = Pose.of(["a"])
    row = person((10, 10, 2), box=(0, 0, 50, 50))
    ghosts, found = [[(400.0 + i, 400.0)] for i in range(19)], [(10.0, 10.0)]
    ahead = Poses([*ghosts, found], [[1.0]] * 20, [*[0.9] * 19, 0.5], ["a"])
    behind = Poses([*ghosts, found], [[1.0]] * 20, [*[0.4] * 19, 0.5], ["a"])
    assert task.statistics(ahead, row)["pck"] == [0, 1]
    assert task.statistics(behind, row)["pck"] == [1, 1]


def test_no_person_is_put_together_from_two() -> None:
    task = Pose.of(["a", "b"])
    row = person((10, 10, 2), (40, 90, 2))
    halves = guess(("a", "b"), [(10, 10), (500, 500)], [(500, 500), (40, 90)])
    assert task.statistics(halves, row)["pck"] == [1, 2]


def test_points_are_known_by_name() -> None:
    task = Pose.of(["nose", "left_ear"])
    row = person((10, 10, 2), (20, 10, 2))
    assert task.statistics(guess(("left_ear", "tail", "nose"), [(20, 10), (5, 5), (10, 10)]), row)["pck"] == [2, 2]
    found = task.statistics(guess(("tail", "nose"), [(20, 10), (10, 10)]), row)
    assert found["pck"] == [1, 2]
    assert all(np.isfinite(found["oks_ap"]))


def test_sigmas_are_cocos_where_the_points_are() -> None:
    assert Pose.of(COCO_NAMES).sigmas.tolist() == list(COCO_SIGMAS)
    assert Pose.of(["right_ankle", "nose"]).sigmas.tolist() == [COCO_SIGMAS[-1], COCO_SIGMAS[0]]
    np.testing.assert_allclose(Pose.of(["nose", "tail"]).sigmas, np.mean(COCO_SIGMAS))


def test_the_body_is_half_of_its_box_where_its_area_is_not_given() -> None:
    task = Pose.of(["nose"])
    row = person((10, 10, 2))
    assert task.people(row)[2].tolist() == [BODY * 5000]
    row["people"]["area"] = [77]
    assert task.people(row)[2].tolist() == [77]


def test_oks_of_nobody_and_of_one() -> None:
    box, sigmas = np.array([[0.0, 0, 50, 100]]), np.array([0.1])
    true = np.array([[[10.0, 10, 2]]])
    assert oks(np.zeros((0, 1, 2)), true, box, np.array([100.0]), sigmas).shape == (0, 1)
    assert oks(true[..., :2], true, box, np.array([100.0]), sigmas).item() == pytest.approx(1)
    one_off = np.array([[[12.0, 10]]])  # d^2 = 4; 2 * area * (2 sigma)^2 = 8
    assert oks(one_off, true, box, np.array([100.0]), sigmas).item() == pytest.approx(np.exp(-0.5))
