"""MTCNN is taught what the published weights know, and learns it."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.ops import box_iou

from tests.support.published import official, or_skip
from tests.support.training import learn, scores
from tlzoo.architectures.mtcnn import MTCNN, training
from tlzoo.data.rendered.drawn_faces import drawn_faces
from tlzoo.data.rendered.faces import faces
from tlzoo.errors import InputError
from tlzoo.tasks.detection import FaceDetection, ObjectDetection
from tlzoo.transfer.strategies import apply

pytestmark = pytest.mark.usefixtures("one_thread")

BOXES = torch.tensor([[20.0, 30.0, 60.0, 80.0], [100.0, 90.0, 124.0, 120.0]])
UNKNOWN = torch.full((2, 5, 2), torch.nan)


@pytest.fixture(scope="module")
def drawn() -> list:
    return list(drawn_faces(train=12, validation=0)["train"])


@pytest.fixture(scope="module")
@or_skip()
def photographs() -> list:
    """With faces that are large and clear: what the published weights are compared with is training, not the data."""
    module = "tlzoo.data.rendered.faces"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{module}._TALL", (24, 100))
        patch.setattr(f"{module}._blurred", lambda _, pixels: pixels)
        patch.setattr(f"{module}._covered", lambda _, pixels, others: pixels)
        return list(faces(train=24, validation=0, test=0)["train"])


def test_parts_are_of_the_kind_that_they_say() -> None:
    torch.manual_seed(0)
    parts = training.Parts.cat([training.drawn(3, (140, 160), BOXES, UNKNOWN, 20) for _ in range(20)])
    assert set(parts.picture.tolist()) == {3}
    assert set(parts.kind.tolist()) == {training.POSITIVE, training.PART, training.NEGATIVE}
    centre, side = (BOXES[:, :2] + BOXES[:, 2:]) / 2, torch.tensor([[50.0], [30.0]])
    overlap, nearest = box_iou(parts.squares, torch.cat([centre - side / 2, centre + side / 2], 1)).max(1)
    for kind, low, high in ((training.POSITIVE, 0.65, 1), (training.PART, 0.4, 0.65), (training.NEGATIVE, 0, 0.3)):
        found = overlap[parts.kind == kind]
        assert len(found) > 50 and low <= found.min() and found.max() <= high
    torch.testing.assert_close(parts.boxes, BOXES[nearest])
    assert torch.equal(parts.squares, parts.squares.round())


@pytest.mark.parametrize("extent", [(1, 1), (7, 300), (40, 40)])
def test_pictures_without_faces_teach_what_no_face_is(extent: tuple[int, int]) -> None:
    parts = training.drawn(0, extent, torch.zeros(0, 4), torch.zeros(0, 5, 2), 20)
    assert len(parts.kind) and set(parts.kind.tolist()) == {training.NEGATIVE}
    pixels = torch.zeros(*extent, 3, dtype=torch.uint8)
    target = {"boxes": torch.zeros(0, 4), "landmarks": torch.zeros(0, 5, 2)}
    assert torch.isfinite(MTCNN(width=0.25).loss({"image": [pixels], "target": [target]}))


def test_harder_parts_are_those_that_look_like_faces() -> None:
    kinds = torch.tensor([0, 1, 0, -1, 0, 0, 1, 0])
    parts = training.Parts(torch.arange(8), torch.zeros(8, 4), kinds, torch.zeros(8, 4), torch.zeros(8, 5, 2))
    scores = torch.tensor([0.9, 0.1, 0.2, 0.5, 0.8, 0.1, 0.1, 0.7])
    chosen = training.harder(parts, scores, 1)
    assert chosen[2:].tolist() == [0, 4] and kinds[chosen[:2]].tolist() == [1, -1]


def test_the_hardest_seven_in_ten_decide() -> None:
    logits = torch.tensor([[5.0, -5.0]] * 7 + [[-5.0, 5.0]] * 3 + [[0.0, 9.0]])
    kind = torch.tensor([0] * 10 + [-1])
    torch.testing.assert_close(training.decision_loss(logits, kind), torch.tensor(30 / 7), atol=1e-3, rtol=0)


def test_mirrored_targets_stay_on_their_pixels() -> None:
    picture = torch.zeros(20, 30, 3, dtype=torch.uint8)
    picture[4:9, 3:10] = 200
    points = torch.tensor([[[4.0, 5.0], [8.0, 5.0], [6.0, 6.0], [4.5, 8.0], [7.5, 8.0]]])
    target = {"boxes": torch.tensor([[3.0, 4.0, 10.0, 9.0]]), "landmarks": points}
    mirrored = 0
    for seed in range(10):
        torch.manual_seed(seed)
        pixels, new = training.varied(picture, target)
        bright = (pixels[..., 0] > pixels[..., 0].float().mean()).nonzero()
        x1, y1, x2, y2 = new["boxes"][0].tolist()
        assert [x1, y1] == bright.amin(0).flip(0).tolist() and [x2 - 1, y2 - 1] == bright.amax(0).flip(0).tolist()
        left, right, _, mouth_left, mouth_right = new["landmarks"][0]
        assert left[0] < right[0] and mouth_left[0] < mouth_right[0] and (right - left)[0] == 4
        mirrored += x1 == 20
    assert 2 <= mirrored <= 8


def test_targets_are_what_the_published_weights_say(mtcnn: MTCNN, photographs: list, monkeypatch) -> None:
    """Faces and boxes: in all three networks the published offsets lead, on average, to the reference boxes."""
    torch.manual_seed(0)
    residuals: list[Tensor] = []
    chances: list[list[float]] = []
    box_loss, decision_loss = training.box_loss, training.decision_loss

    def boxes(offsets: Tensor, start: Tensor, unit: Tensor, parts: training.Parts) -> Tensor:
        faces_only = parts.kind == training.POSITIVE
        residuals.append(((offsets * unit + start - parts.boxes) / parts.side)[faces_only].mean(0))
        return box_loss(offsets, start, unit, parts)

    def decisions(logits: Tensor, kind: Tensor) -> Tensor:
        face = logits.softmax(1)[:, 1]
        chances.append([float(face[kind == k].mean()) for k in (training.POSITIVE, training.PART, training.NEGATIVE)])
        return decision_loss(logits, kind)

    monkeypatch.setattr(training, "box_loss", boxes)
    monkeypatch.setattr(training, "decision_loss", decisions)
    with torch.no_grad():
        loss = mtcnn.loss(mtcnn.preprocess(photographs))
    assert loss < 1
    assert torch.stack(residuals).shape == (3, 4) and torch.stack(residuals).abs().max() < 0.09
    for positive, part, negative in chances:
        assert positive > 0.7 and positive > part > negative and negative < 0.15


def test_published_weights_do_not_collapse(photographs: list) -> None:
    model, faces_only = official("mtcnn", "cascade"), FaceDetection.of(["face"])
    model.for_task(faces_only)
    before = scores(faces_only, model, photographs[12:])["ap50"]
    losses = learn(model, photographs[:6], 6, 1e-4, augment=True)
    assert max(losses) < 2
    assert scores(faces_only, model, photographs[12:])["ap50"] > before - 0.1 > 0.7


def test_loss_falls_from_scratch(drawn: list) -> None:
    torch.manual_seed(0)
    losses = learn(MTCNN(width=0.25), drawn[:6], 24, 1e-2, augment=True)
    assert np.mean(losses[-5:]) < 0.75 * np.mean(losses[:3])


def test_a_probe_trains_what_decides_and_places(drawn: list) -> None:
    model = MTCNN(width=0.25)
    apply(model, "probe")
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    learn(model, drawn[:4], 2, 1e-2, augment=True)
    changed = {name.rpartition(".")[0] for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    decide, place = (f"pnet.conv4_{i} rnet.dense5_{i} onet.dense6_{i}".split() for i in (1, 2))
    assert changed == {*decide, *place, "onet.dense6_3"}


def test_landmarks_are_learnt_only_where_they_are_known(drawn: list) -> None:
    model = MTCNN(width=0.25)
    for row, learnt in ((drawn[0], True), (drawn[0] | {"objects": {**drawn[0]["objects"], "landmarks": None}}, False)):
        model.zero_grad()
        model.loss(model.preprocess([row])).backward()
        assert bool(model.onet.dense6_3.weight.grad.abs().sum() > 0) == learnt


def test_rows_without_boxes_are_encoded_and_predicted(drawn: list) -> None:
    model = MTCNN(width=0.25).eval()
    example = model.encode({"image": drawn[0]["image"]})
    assert set(example) == {"image"} and len(model.predict(model.collate([example]))) == 1
    flat = {"image": drawn[0]["image"], "objects": {"bbox": [[5, 5, 0, 9], [1, 2, 3, 4]], "category": [0, 0]}}
    assert model.encode(flat)["target"]["boxes"].tolist() == [[1, 2, 4, 6]]


def test_any_one_class_can_be_learnt(drawn: list) -> None:
    model = MTCNN(width=0.25, thresholds=(0.0, 0.0, 0.0), most=(30, 10)).eval()
    model.for_task(ObjectDetection.of(["plate"]))
    (found,) = model.predict(model.preprocess(drawn[:1]))
    assert set(found.labels) == {"plate"}
    again = MTCNN(width=0.25)
    again.for_task(ObjectDetection.of(["plate"]))
    again.load_state_dict(model.state_dict())
    with pytest.raises(InputError, match="one class of things; the data's: cat, dog"):
        model.for_task(ObjectDetection.of(["cat", "dog"]))
