"""MTCNN against facenet-pytorch 2.6.0, on the portrait of Eileen Collins in scikit-image (NASA, public domain).

``mtcnn_reference.json`` was made with facenet-pytorch's own ``PNet``, ``RNet`` and ``ONet`` and its ``detect_face``
(minsize 20, thresholds 0.6, 0.7, 0.7, factor 0.709; torch 2.14.1, CPU). For each network it holds crops,
``astronaut[::step, ::step][y : y + size, x : x + size]`` for each corner ``(x, y)``, mapped to [-1, 1] by
``(pixel - 127.5) / 128``, and the network's outputs in the order that its ``forward`` gives them.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.support.published import photograph
from tlzoo.architectures.mtcnn import MTCNN
from tlzoo.core.predictions import Boxes
from tlzoo.errors import InputError
from tlzoo.tasks.detection import iou

pytestmark = pytest.mark.usefixtures("one_thread")

REFERENCE = json.loads(Path(__file__).with_name("mtcnn_reference.json").read_text())
FACE = (181, 68, 270, 178)
"""Her face, read off the portrait by eye: cheek to cheek, fringe to chin; pixels x1, y1, x2, y2."""
FEATURES = [(202, 101), (246, 103), (223, 125), (203, 140), (244, 141)]
"""Eyes, nose and corners of the mouth, by eye."""


@pytest.fixture(scope="module")
def astronaut() -> Image.Image:
    return photograph("astronaut")


@pytest.mark.parametrize("name", ["pnet", "rnet", "onet"])
def test_networks_equal_the_reference(name, mtcnn, astronaut):
    wanted = REFERENCE[name]
    size, pixels = wanted["size"], np.array(astronaut)[:: wanted["step"], :: wanted["step"]]
    crops = torch.from_numpy(np.stack([pixels[y : y + size, x : x + size] for x, y in wanted["corners"]]))
    with torch.no_grad():
        outputs = getattr(mtcnn, name)((crops.permute(0, 3, 1, 2).float() - 127.5) / 128)
    assert len(outputs) == len(wanted["outputs"])
    for output, reference in zip(outputs, wanted["outputs"], strict=True):
        torch.testing.assert_close(output, torch.tensor(reference), atol=1e-4, rtol=0)


def test_finds_the_astronaut(mtcnn, astronaut):
    (found,) = mtcnn.predict(mtcnn.preprocess([{"image": astronaut}]))
    assert found.labels == ["face"]
    assert found.scores[0] >= 0.99
    assert iou(np.array(found.boxes), np.array([FACE], dtype=float)).item() >= 0.6
    assert np.abs(np.array(found.keypoints[0]) - FEATURES).max() < 6
    for key, reference in REFERENCE["astronaut"].items():
        np.testing.assert_allclose(getattr(found, key), reference, atol=1e-2)


def test_boxes_are_clipped_to_the_image(mtcnn, astronaut):
    (found,) = mtcnn.predict(mtcnn.preprocess([{"image": astronaut.crop((130, 80, 262, 300))}]))
    ((x1, y1, x2, y2),) = found.boxes
    assert x1 > 0 and y1 == 0 and x2 == 132 and y2 < 220
    points = np.array(found.keypoints)
    assert np.all(points >= 0) and np.all(points <= [132, 220])


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (19, 19), (20, 20), (23, 31)])
def test_tiny_images_have_no_faces(size, mtcnn):
    (found,) = mtcnn.predict(mtcnn.preprocess([{"image": Image.new("RGB", size, "white")}]))
    assert found == Boxes([], [], [], [])


def test_untrained_nano_predicts():
    torch.manual_seed(0)
    model = MTCNN(width=0.25, thresholds=(0.0, 0.0, 0.0)).eval()
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 60, 3), dtype=np.uint8))
    (found,) = model.predict(model.preprocess([{"image": noise}]))
    assert len(found.boxes) == len(found.scores) == len(found.labels) == len(found.keypoints) > 0
    assert found.scores == sorted(found.scores, reverse=True)


def test_an_untrained_network_passes_on_a_bounded_number_of_boxes():
    torch.manual_seed(0)
    model = MTCNN(width=0.25, thresholds=(0.0, 0.0, 0.0), most=(40, 7)).eval()
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (160, 160, 3), dtype=np.uint8))
    seen = {}
    for name in ("rnet", "onet"):
        getattr(model, name).register_forward_hook(lambda _, given, __, name=name: seen.update({name: len(given[0])}))
    (found,) = model.predict(model.preprocess([{"image": noise}]))
    assert 0 < seen["rnet"] <= 40 and 0 < seen["onet"] <= 7 and 0 < len(found.boxes) <= 7


def test_published_is_the_model_itself():
    model = MTCNN()
    assert model.published_model() is model and model.spec.input == "image"


def test_official_weights_ask_for_the_official_width():
    with pytest.raises(InputError, match=r"width 1\.0, not 0\.5"):
        MTCNN(width=0.5).load_official({})


@pytest.mark.parametrize(
    "arguments", [{"width": 0}, {"min_face": 0}, {"factor": 1.0}, {"thresholds": (0.5,)}, {"most": (9, 0)}]
)
def test_arguments_out_of_range(arguments):
    with pytest.raises(InputError, match=next(iter(arguments))):
        MTCNN(**arguments)
