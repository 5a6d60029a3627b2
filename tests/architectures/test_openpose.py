"""OpenPose: published layout, fields drawn and read again, and learning; the file itself is not freely available."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.architectures.parity.torch_files import openpose
from tests.support.stick_figures import figures
from tlzoo.architectures.keypoints import PoseTargets
from tlzoo.architectures.openpose import SIGMA, STRIDE, OpenPose
from tlzoo.architectures.openpose.part_affinity import BODY, Skeleton, assemble, fields
from tlzoo.core.predictions import Poses
from tlzoo.data.media.keypoints import COCO_NAMES
from tlzoo.errors import InputError

pytestmark = pytest.mark.usefixtures("one_thread")


def checkpoint(path: Path, prefix: str = "") -> dict[str, Tensor]:
    """A file with the published names; each tensor repeats one number, so that it takes no room in memory."""
    state = {}
    for number, (name, shape) in enumerate(openpose().items()):
        state[prefix + name] = torch.tensor(number * 1e-4).expand(shape)
    torch.save(state, path)
    return state


@pytest.mark.parametrize("prefix", ["", "model0."])
def test_the_published_names_load(tmp_path: Path, prefix: str) -> None:
    path = tmp_path / "body_pose_model.pth"
    state = checkpoint(path, prefix)
    assert sum(tensor.numel() for tensor in state.values()) == 52_311_446
    model = OpenPose()
    model.load_official({path.name: path})
    own = model.state_dict()
    assert len(own) == len(state)
    for name, tensor in own.items():
        assert torch.equal(tensor, state[prefix + ".".join(name.split(".")[-2:])]), name
    assert torch.equal(own["refinement.1.limbs.Mconv1_stage2_L1.weight"], state[f"{prefix}Mconv1_stage2_L1.weight"])


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"conv1_1.weight": torch.zeros(8, 3, 3, 3), "fc.bias": torch.zeros(2)}, path)
    with pytest.raises(InputError, match=r"other\.pth: not the weights of OpenPose.*without.*unknown fc\.bias"):
        OpenPose(stages=1, width=0.125, size=64).load_official({path.name: path})


def people(*bodies: dict[str, tuple[float, float]], size: int = 46) -> PoseTargets:
    """People by the places of their parts, pixels of the input; what is not named is not there."""
    points, seen = torch.zeros(1, len(bodies), 18, 2), torch.zeros(1, len(bodies), 18, dtype=torch.bool)
    for number, body in enumerate(bodies):
        for part, place in body.items():
            points[0, number, BODY.parts.index(part)] = torch.tensor(place) / STRIDE
            seen[0, number, BODY.parts.index(part)] = True
    return PoseTargets(points, seen, torch.zeros(1, len(bodies), 4), size, size)


def body(x: float, y: float, scale: float = 1.0) -> dict[str, tuple[float, float]]:
    """Somebody who stands with the neck at (x, y)."""
    places = {"neck": (0, 0), "nose": (0, -30), "right_eye": (-6, -36), "left_eye": (6, -36)}
    places |= {"right_ear": (-14, -32), "left_ear": (14, -32)}
    for side, sign in (("right", -1), ("left", 1)):
        parts = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
        across, down = (28, 36, 44, 18, 20, 22), (2, 40, 78, 90, 140, 190)
        places |= {f"{side}_{part}": (sign * dx, dy) for part, dx, dy in zip(parts, across, down, strict=True)}
    return {name: (x + scale * dx, y + scale * dy) for name, (dx, dy) in places.items()}


def read(drawn: PoseTargets) -> list[tuple[Tensor, Tensor]]:
    return assemble(drawn.gaussians(SIGMA, shift=0.5)[0], fields(drawn, BODY.limbs)[0], BODY, STRIDE)


def test_two_people_are_drawn_and_read_again() -> None:
    bodies = body(110, 90), body(240, 110, 0.9)
    found = read(people(*bodies))
    assert len(found) == 2
    for places, heights in found:
        assert (heights > 0.5).all()
        mine = min(bodies, key=lambda b: abs(b["neck"][0] - float(places[1, 0])))
        for part, place in zip(BODY.parts, places, strict=True):
            assert torch.dist(place, torch.tensor(mine[part])) < 3, part
    assert len({round(float(places[1, 0]), -1) for places, _ in found}) == 2


def test_crossed_arms_stay_with_their_people() -> None:
    """The wrist of each lies nearer to the other's elbow: only the fields tell whose it is."""
    left, right = body(110, 90), body(230, 90)
    left["left_wrist"], right["right_wrist"] = (210.0, 150.0), (130.0, 160.0)
    found = sorted(read(people(left, right)), key=lambda person: float(person[0][1, 0]))
    assert len(found) == 2
    for (places, _), mine in zip(found, (left, right), strict=True):
        for part in ("left_wrist", "right_wrist"):
            assert torch.dist(places[BODY.parts.index(part)], torch.tensor(mine[part])) < 4, part


def test_parts_out_of_sight_are_missing_and_stray_peaks_are_nobody() -> None:
    half = {part: place for part, place in body(180, 200).items() if "knee" not in part and "ankle" not in part}
    stray = {"left_wrist": (40.0, 40.0)}
    ((_, heights),) = read(people(half, stray))
    missing = {part for part, height in zip(BODY.parts, heights, strict=True) if height == 0}
    assert missing == {"left_knee", "right_knee", "left_ankle", "right_ankle"}
    assert read(people(stray)) == []


def test_fields_point_along_limbs_and_are_averaged() -> None:
    drawn = fields(people({"neck": (100, 100), "right_hip": (100, 200)}), BODY.limbs)[0]
    assert drawn.shape == (38, 46, 46)
    assert drawn[:2, 18, 12].tolist() == [0, 1]
    assert not drawn[2:].any()
    crossing = people({"neck": (100, 100), "right_hip": (100, 200)}, {"neck": (50, 150), "right_hip": (150, 150)})
    torch.testing.assert_close(fields(crossing, BODY.limbs)[0, :2, 18, 12], torch.tensor([0.5, 0.5]))


def test_the_limbs_are_the_release_s() -> None:
    """Every part is reached from the neck, in order, and each limb has one field."""
    assert sorted(BODY.order) == list(range(19)) and len(BODY.limbs) == 19
    names = [(BODY.parts[a], BODY.parts[b]) for a, b in BODY.limbs]
    assert names[0] == ("neck", "right_hip") and names[6] == ("neck", "right_shoulder")
    reached = {"neck"}
    for limb in BODY.order:
        a, b = names[limb]
        assert a in reached
        reached.add(b)
    assert reached == set(BODY.parts) == {*COCO_NAMES, "neck"}
    assert Skeleton.of(COCO_NAMES[::-1]) is BODY


def test_a_blank_network_finds_nobody() -> None:
    model = OpenPose(stages=1, width=0.125, size=64).eval()
    nobody = Poses(keypoints=[], keypoint_scores=[], scores=[], names=list(COCO_NAMES))
    assert model.predict(model.preprocess(figures(2))) == [nobody, nobody]


def test_points_without_label_are_not_asked_for() -> None:
    model = OpenPose(stages=1, width=0.125, size=64).eval()
    (row,) = figures(1)
    row["people"]["keypoints"][0][9] = [0.0, 0.0, 0.0]
    row["people"]["bbox"] = [[-50, -50, 300, 300]]
    batch = model.preprocess([row])
    wrist = BODY.parts.index("left_wrist")
    maps = [(limbs.detach().requires_grad_(), parts.detach().requires_grad_()) for limbs, parts in model(batch)]
    model.forward = lambda batch: maps  # type: ignore[method-assign]
    model.loss(batch).backward()
    (limbs, parts), elbow_to_wrist = maps[0], BODY.limbs.index((BODY.parts.index("left_elbow"), wrist))
    assert not parts.grad[0, wrist].any() and not limbs.grad[0, 2 * elbow_to_wrist].any()
    assert parts.grad[0, wrist - 1].any() and not parts.grad[0, -1].any()


def test_the_network_gets_blue_first() -> None:
    model = OpenPose(stages=1, width=0.125, size=64).eval()
    seen: list[Tensor] = []
    model.trunk[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    red = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    red[:, 0] = 128
    model({"image": red})
    assert seen[0][0, :, 0, 0].tolist() == [-0.5, -0.5, 0.0]


@pytest.mark.parametrize("arguments", [{"stages": 0}, {"width": 0}, {"size": 100}])
def test_arguments_out_of_range(arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"OpenPose\(stages="):
        OpenPose(**arguments)
