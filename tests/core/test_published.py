"""Published classes under the names of a data set: where they meet, and only there."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import nn

from tlzoo.adapters.imagenet import categories, synonyms
from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.model import Model
from tlzoo.core.predictions import Boxes, Mask, Poses, Prediction
from tlzoo.core.published import PublishedClassifier, answering, meeting

IMAGENET = Spec("image", labels=categories(), synonyms=synonyms())


def spec(*labels: str, synonyms: Sequence[str] = ()) -> Spec:
    return Spec("image", labels=labels, synonyms=tuple(synonyms))


@pytest.mark.parametrize(
    ("classes", "found"),
    [
        (["tabby", "Egyptian_cat", "TIGER-CAT"],
         {"tabby": "tabby", "Egyptian cat": "Egyptian_cat", "tiger cat": "TIGER-CAT"}),
        (["tabby cat", "n02124075"], {"tabby": "tabby cat", "Egyptian cat": "n02124075"}),
        (["dark glasses", "shades"], {}),  # both are the same class: which one is meant?
        (["projectile", "projectile missile"], {"projectile": "projectile"}),
        (["Crane"], {}),  # a bird and a machine
        (["crane"], {"crane": "crane"}),  # the machine's published name
        (["cat", "dog", "!!!", ""], {}),
    ],
)  # fmt: skip
def test_classes_of_imagenet_meet_by_name_or_synonym(classes: list[str], found: dict[str, str]) -> None:
    assert meeting(IMAGENET, classes) == found


def test_all_of_imagenet_is_itself_by_its_names_and_by_the_ids_of_wordnet() -> None:
    assert meeting(IMAGENET, categories()) == {name: name for name in categories()}
    ids = [each.partition(",")[0] for each in synonyms()]
    assert ids[285] == "n02124075" and meeting(IMAGENET, ids) == dict(zip(categories(), ids, strict=True))


def test_actions_meet_without_blanks_and_case() -> None:
    actions = spec("playing guitar", "high kick", "tai chi")
    assert meeting(actions, ["PlayingGuitar", "HighJump", "TaiChi"]) == {
        "playing guitar": "PlayingGuitar", "tai chi": "TaiChi"
    }  # fmt: skip


class Fixed(nn.Module):
    """A backbone whose classifier always gives the same scores."""

    classifier = nn.Identity()
    ragged: frozenset[str] = frozenset()

    def __init__(self, labels: Sequence[str], values: Sequence[float]) -> None:
        super().__init__()
        self.spec, self.values = spec(*labels), values

    def scores(self, batch: Batch) -> torch.Tensor:
        return torch.tensor([self.values])


def test_a_classifier_chooses_among_the_classes_that_meet() -> None:
    published = PublishedClassifier(Fixed(["cat", "red fox", "dog"], [0.5, 0.2, 0.3]))  # type: ignore[arg-type]
    (usual,) = published.predict({})
    assert (usual.label, usual.scores) == ("cat", pytest.approx({"cat": 0.5, "dog": 0.3, "red fox": 0.2}))
    model = answering(published, ["Red_Fox", "dog", "wolf"])
    assert model is not None and model.spec.labels == ("Red_Fox", "dog")
    (prediction,) = model.predict({})
    assert (prediction.label, prediction.scores) == ("dog", pytest.approx({"dog": 0.3, "Red_Fox": 0.2}))
    assert answering(published, ["wolf"]) is None


class Native(Model):
    """Finds something, always."""

    spec = spec("traffic light", "left eye")

    def __init__(self, prediction: Prediction) -> None:
        super().__init__()
        self.prediction = prediction

    def encode(self, row: Row) -> Example:
        return {"image": row["image"]}

    def predict(self, batch: Batch) -> list[Prediction]:
        return [self.prediction]


def test_boxes_masks_and_points_are_called_as_the_data_call_them() -> None:
    boxes = Boxes([[0, 0, 1, 1]] * 2, [0.9, 0.8], ["left eye", "traffic light"])
    mask = Mask(np.zeros((2, 2), np.uint8), ["traffic light", "left eye"])
    poses = Poses([[[0, 0], [1, 1]]], [[1, 1]], [1], ["left eye", "traffic light"])
    for native, field in ((boxes, "labels"), (mask, "labels"), (poses, "names")):
        model = answering(Native(native), ["TrafficLight", "car"])
        assert model is not None and model.spec.labels == ("TrafficLight", "left eye")
        (prediction,) = model.predict(model.collate([model.encode({"image": 0})]))
        assert sorted(getattr(prediction, field)) == ["TrafficLight", "left eye"]
    unchanged = Native(boxes)
    assert answering(unchanged, ["left eye", "car"]) is unchanged
