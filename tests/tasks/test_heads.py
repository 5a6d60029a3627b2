"""Dense heads: which maps they read, where their outputs lie, and which location answers for which box."""

import pytest
import torch
from torch import Tensor

from tlzoo.core.batch import Spec
from tlzoo.tasks.heads import BoxHead, MapHead, PointHead, PointMaps, chosen

FIVE = ((8, 2), (12, 4), (16, 8), (24, 16), (32, 32))


def spec(side: int, *pyramid: tuple[int, int], width: int = 0) -> Spec:
    return Spec("image", {"pyramid": len(pyramid)}, height=side, width=width or side, pyramid=pyramid)


def maps(given: Spec, n: int = 2) -> list[Tensor]:
    assert given.height and given.width
    return [torch.randn(n, c, -(-given.height // s), -(-given.width // s)) for c, s in given.pyramid]


@pytest.mark.parametrize(
    ("pyramid", "finest", "most", "wanted"),
    [
        (FIVE, 4, 3, [2, 3, 4]),
        (FIVE, 4, 9, [1, 2, 3, 4]),
        (((8, 4), (16, 8), (24, 16), (32, 32), (48, 64)), 4, 3, [1, 2, 3]),
        (((64, 16), (64, 16), (64, 16)), 4, 3, [2]),  # a transformer: of one stride, the deepest
        (((8, 1), (8, 2)), 4, 3, [1]),
        (((8, 64),), 4, 3, [0]),
    ],
)
def test_the_maps_that_are_read(
    pyramid: tuple[tuple[int, int], ...], finest: int, most: int, wanted: list[int]
) -> None:
    assert chosen(spec(96, *pyramid), finest, most) == wanted


@pytest.mark.parametrize(("side", "width"), [(96, 128), (100, 100), (256, 256)])
def test_maps_cover_the_input(side: int, width: int) -> None:
    given = spec(side, *FIVE, width=width)
    assert MapHead(given, 5)(maps(given)).shape == (2, 5, -(-side // 4), -(-width // 4))
    assert MapHead(given, 5, whole=True)(maps(given)).shape == (2, 5, side, width)


def test_points_have_maps_at_a_stride_of_eight_where_the_pyramid_is_coarse() -> None:
    given = spec(96, (64, 16))
    output = PointHead(given, 7)(maps(given))
    assert output.scores.shape == (2, 7, 12, 12)
    assert output.offsets.shape == (2, 7, 2, 12, 12)


def test_an_untrained_head_is_unsure_of_points_and_boxes() -> None:
    given = spec(96, *FIVE)
    assert PointHead(given, 3)(maps(given)).scores.sigmoid().mean().item() == pytest.approx(0.1, abs=0.03)
    boxes = BoxHead(given, 2)(maps(given))
    assert boxes.outputs["cls_logits"].sigmoid().mean().item() == pytest.approx(0.01, abs=0.005)


def test_frozen_maps_may_have_any_scale() -> None:
    given = spec(96, *FIVE)
    torch.manual_seed(0)
    head, read = MapHead(given, 3), maps(given)
    torch.testing.assert_close(head([1000 * m for m in read]), head(read), atol=1e-3, rtol=1e-2)


def test_large_inputs_have_levels_for_large_objects() -> None:
    small, large = spec(128, *FIVE), spec(256, *FIVE)
    assert BoxHead(small, 1)(maps(small)).counts == [256, 64, 16]
    assert BoxHead(large, 1)(maps(large)).counts == [1024, 256, 64, 16, 4]


def answered(side: float) -> list[int]:
    """How many locations of each level answer for a box of a side in the middle of an input of 128 pixels."""
    given = spec(128, *FIVE)
    output = BoxHead(given, 1)(maps(given, 1))
    found: list[Tensor] = []
    output.fcos.head.compute_loss = lambda targets, outputs, anchors, matched: (
        found.extend(matched) or {"": Tensor([0])}
    )
    box = torch.tensor([[66 - side / 2, 66 - side / 2, 66 + side / 2, 66 + side / 2]])
    output.loss([{"boxes": box, "labels": torch.tensor([0])}])
    return [int((level >= 0).sum()) for level in torch.split(found[0], output.counts)]


def test_every_size_has_a_level_that_answers_for_it() -> None:
    table = {side: answered(side) for side in (8, 12, 20, 30, 50, 70, 100, 124)}
    assert all(sum(counts) > 0 for counts in table.values()), table
    assert table[20][1:] == [0, 0]
    assert table[70][0] == 0 and table[70][1] > 0
    assert table[124][:1] == [0] and table[124][2] > 0


def test_a_box_that_is_said_is_found() -> None:
    given = spec(96, *FIVE)
    output = BoxHead(given, 2)(maps(given, 1))
    wanted = torch.tensor([30.0, 40, 58, 62])
    logits = torch.full((1, sum(output.counts), 2), -9.0)
    place = 5 * 12 + 5  # cell (5, 5) of stride 8: its middle is at 44, 44
    logits[0, place, 1] = 9
    middle = output.anchors[place].view(2, 2).mean(0)
    assert middle.tolist() == [44, 44]
    regression = output.outputs["bbox_regression"].detach().clone()
    regression[0, place] = torch.cat([middle - wanted[:2], wanted[2:] - middle]) / 4
    output.outputs = {
        "cls_logits": logits,
        "bbox_regression": regression,
        "bbox_ctrness": torch.full((1, sum(output.counts), 1), 9.0),
    }
    found = output.detections()[0]
    torch.testing.assert_close(found["boxes"], wanted[None])
    assert found["labels"].tolist() == [1] and found["scores"].item() > 0.99


def test_no_box_anywhere_is_a_loss_of_its_own() -> None:
    given = spec(96, *FIVE)
    output = BoxHead(given, 2)(maps(given))
    empty = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    loss = output.loss([empty, empty])
    loss.backward()
    assert 0 < loss.item() < 1


def point_maps(points: Tensor, high: int = 12, wide: int = 16, stride: int = 8) -> PointMaps:
    """Maps that say just where points are."""
    n, k = points.shape[:2]
    scores, offsets = torch.full((n, k, high, wide), -9.0), torch.zeros(n, k, 2, high, wide)
    for i in range(n):
        for j in range(k):
            x, y = (points[i, j, :2] / stride - 0.5).tolist()
            scores[i, j, round(y), round(x)] = 9
            offsets[i, j, :] = torch.tensor([x - round(x), y - round(y)])[:, None, None]
    return PointMaps(scores, offsets, (high * stride, wide * stride))


def test_points_that_are_said_are_found_and_cost_least() -> None:
    torch.manual_seed(0)
    points = torch.cat([torch.rand(3, 5, 2) * torch.tensor([110.0, 80]) + 8, torch.full((3, 5, 1), 2.0)], -1)
    output = point_maps(points)
    places, sure = output.points()
    torch.testing.assert_close(places, points[..., :2], atol=1e-4, rtol=0)
    assert (sure > 0.99).all()
    elsewhere = torch.cat([points[..., :2].flip(1), points[..., 2:]], -1)
    assert output.loss(elsewhere) > 3 * output.loss(points)


def test_unlabelled_points_cost_nothing_and_absent_ones_do() -> None:
    points = torch.tensor([[[40.0, 40, 2], [80, 40, 0]]])
    output = point_maps(points)
    nothing = torch.tensor([[[40.0, 40, 0], [80, 40, 0]]])
    assert output.loss(nothing).item() == 0
    nobody = torch.tensor([[[0.0, 0, -1], [0, 0, -1]]])
    assert output.loss(nobody).item() > 5
