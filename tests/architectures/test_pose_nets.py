"""What pose nets have in common: learning, other keypoints, and pictures of nobody."""

from typing import Any

import numpy as np
import pytest
import torch

from tests.support.stick_figures import distance, figures
from tests.support.training import learn, scores
from tlzoo.architectures.movenet import MoveNet
from tlzoo.architectures.openpose import OpenPose
from tlzoo.data.media.keypoints import COCO_NAMES
from tlzoo.errors import InputError
from tlzoo.tasks.pose_estimation import Pose

pytestmark = pytest.mark.usefixtures("one_thread")
HIPS, ARM = ("nose", "left_hip", "right_hip"), ("left_shoulder", "left_elbow", "left_wrist")
WHOLE = Pose.of(COCO_NAMES)


def net(kind: type[MoveNet | OpenPose], size: int = 64) -> Any:
    torch.manual_seed(0)
    return MoveNet(width=0.25, size=size) if kind is MoveNet else OpenPose(stages=2, width=0.125, size=size)


@pytest.mark.parametrize(
    ("kind", "size", "rows", "steps", "rate", "loss", "pck"),
    [
        (MoveNet, 64, figures(8), 60, 1e-2, 0.1, 0.95),
        (OpenPose, 96, figures(8, people=2, size=(128, 96)), 70, 8e-3, 0.35, 0.9),
    ],
    ids=["movenet", "openpose"],
)
def test_nano_learns_eight_pictures(
    kind: type, size: int, rows: Any, steps: int, rate: float, loss: float, pck: float
) -> None:
    model = net(kind, size)
    losses = learn(model, rows, steps, rate)
    assert losses[-1] < loss * losses[0]
    for prediction, row in zip(model.predict(model.preprocess(rows)), rows, strict=True):
        assert len(prediction.scores) == len(row["people"]["bbox"])
        apart = distance(prediction, row)
        assert (apart.mean() if kind is MoveNet else np.median(apart)) < 8
    assert scores(WHOLE, model, rows)["pck"] > pck


@pytest.mark.parametrize(
    ("kind", "names", "steps", "changed"),
    [(MoveNet, HIPS, 15, {"heatmap", "offset", "regress"}), (OpenPose, ARM, 40, None)],
)
def test_other_keypoints(kind: type, names: tuple[str, ...], steps: int, changed: set[str] | None) -> None:
    rows, model = figures(4), net(kind)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.for_task(WHOLE)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    model.for_task(Pose.of(names))
    state = model.state_dict()
    if changed:
        others = {n for n, value in state.items() if value.shape != before[n].shape}
        assert {n.split(".")[1] for n in others} == changed
        assert all(torch.equal(v, before[n]) for n, v in state.items() if n not in others)
        with pytest.raises(InputError, match=r"people of \[17\] keypoints; the model has 3"):
            model.encode(rows[0])
    else:
        assert model.skeleton.limbs == ((0, 1), (1, 2))
        assert all(torch.equal(value, before[n]) for n, value in state.items() if n.startswith("trunk."))
        assert len(model.stages()) == 6, "the new stages are trained together"
        with pytest.raises(InputError, match="two keypoints or more"):
            net(kind).for_task(Pose.of(names[:1]))
    for row in rows:
        people = row["people"]["keypoints"]
        row["people"]["keypoints"] = [[p[COCO_NAMES.index(n)] for n in names] for p in people]
    losses = learn(model, rows, steps)
    assert losses[-1] < 0.6 * losses[0]
    (prediction,) = model.predict(model.preprocess([{"image": rows[0]["image"]}]))
    assert prediction.names == list(names)
    assert changed is None or np.shape(prediction.keypoints) == (1, 3, 2)
    again = net(kind)
    again.for_task(Pose.of(names))
    again.load_state_dict(model.state_dict())


@pytest.mark.parametrize("kind", [MoveNet, OpenPose])
def test_pictures_of_nobody_have_a_loss(kind: type) -> None:
    model, row = net(kind), figures(1)[0] | {"people": {"bbox": [], "keypoints": []}}
    assert model.loss(model.preprocess([row, row])).isfinite()
