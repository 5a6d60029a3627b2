"""MoveNet against LiteRT, which runs Google's int8 file itself, on photographs of people; and what needs no file."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.support.published import official, or_skip, photograph
from tests.support.stick_figures import figures
from tlzoo import blobs
from tlzoo.adapters.weights import blob, resolve, variant_of
from tlzoo.architectures.folding import FoldableNorm
from tlzoo.architectures.movenet import MoveNet, focal_loss
from tlzoo.cards import catalogue
from tlzoo.checkpoints import tfjs
from tlzoo.data.media.geometry import points_from_input
from tlzoo.errors import InputError

pytestmark = pytest.mark.usefixtures("one_thread")

CARD = catalogue.get("movenet")
COCO = Path(__file__).parents[2].parent / "shared/data/minicoco/images"
CONFIDENT = ("000000201899.jpg", "000000413096.jpg", "000000457745.jpg")
"""Pictures of COCO in which the reference is sure of most keypoints of one person."""


def photographs() -> list[Image.Image]:
    found = [photograph(name) for name in ("astronaut", "camera")]
    return found + [Image.open(COCO / name).convert("RGB") for name in CONFIDENT if (COCO / name).exists()]


@pytest.fixture(scope="module")
def lightning() -> MoveNet:
    return official("movenet", "lightning")


class Reference:
    """The int8 file as LiteRT runs it."""

    def __init__(self, path: Path) -> None:
        interpreter = pytest.importorskip("ai_edge_litert.interpreter")
        self.run = interpreter.Interpreter(str(path))
        self.run.allocate_tensors()

    def __call__(self, image: torch.Tensor) -> tuple[torch.Tensor, np.ndarray]:
        """Points, x and y in pixels of the input, and scores, of an input ``(3, 192, 192)``."""
        self.run.set_tensor(self.run.get_input_details()[0]["index"], image.permute(1, 2, 0)[None].numpy())
        self.run.invoke()
        found = torch.from_numpy(self.run.get_tensor(self.run.get_output_details()[0]["index"])[0, 0].copy())
        return 192 * found[:, [1, 0]], found[:, 2].numpy()


@pytest.fixture(scope="module")
@or_skip()
def reference() -> Reference:
    (weights,) = variant_of(CARD, "lightning-int8").weights
    return Reference(blobs.fetch(blob(weights.files[0]), progress=False))


@pytest.mark.parametrize("variant", ["lightning", "lightning-int8"])
def test_keypoints_are_the_references(variant: str, reference: Reference) -> None:
    model = official("movenet", variant)
    for picture in photographs():
        example = model.encode({"image": picture})
        points, confidence = reference(example["image"])
        assert confidence.mean() > 0.35
        expected = points_from_input(points, example["frame"]).numpy()
        (prediction,) = model.predict(model.collate([example]))
        apart = np.linalg.norm(np.array(prediction.keypoints[0]) - expected, axis=1)
        assert apart.mean() <= 0.03 * max(picture.size)
        scores = np.array(prediction.keypoint_scores[0])  # the file's own come in steps of up to 0.2
        assert np.abs(scores - confidence).mean() < 0.15
        assert abs(scores.mean() - confidence.mean()) < 0.1


def test_thunder_agrees_with_lightning(lightning: MoveNet) -> None:
    thunder = official("movenet", "thunder")
    picture = photographs()[0]
    one, two = (model.predict(model.preprocess([{"image": picture}]))[0] for model in (lightning, thunder))
    apart = np.linalg.norm(np.array(one.keypoints[0]) - np.array(two.keypoints[0]), axis=1)
    assert apart[:7].max() < 0.05 * 512  # face and shoulders
    assert two.scores[0] > 0.35


def test_files_of_another_width_or_format(tmp_path: Path, lightning: MoveNet) -> None:
    files = resolve(CARD, "official", "lightning").paths()
    with pytest.raises(InputError, match=r"not MoveNet at this width: .* expected \(16, 3, 3, 3\)"):
        MoveNet(width=0.5).load_official(files)
    with pytest.raises(InputError, match=r"lists the shards movenet-lightning\.bin"):
        MoveNet().load_official({n: p for n, p in files.items() if n.endswith(".json")})
    short = tmp_path / "movenet-lightning.bin"
    short.write_bytes(files["movenet-lightning.bin"].read_bytes()[:-1])
    with pytest.raises(InputError, match="the shards end within weight"):
        MoveNet().load_official(files | {"movenet-lightning.bin": short})
    other = tmp_path / "other.json"
    other.write_text("{}")
    with pytest.raises(InputError, match=r"not a TensorFlow\.js graph model"):
        MoveNet().load_official({"other.json": other})


def test_folded_norms_survive_training_and_a_bundle(lightning: MoveNet) -> None:
    restored = MoveNet()
    restored.load_state_dict(lightning.state_dict())
    norms = [m for m in restored.train().modules() if isinstance(m, FoldableNorm)]
    assert norms and not any(norm.training for norm in norms)
    batch = lightning.preprocess([{"image": photographs()[0]}])
    with torch.no_grad():
        for name, wanted in lightning(batch).items():
            torch.testing.assert_close(restored(batch)[name], wanted)


def test_weights_of_a_graph_model(tmp_path: Path) -> None:
    coarse = {"dtype": "uint8", "scale": 0.5, "min": -1}
    entries = [
        {"name": "plain", "shape": [2], "dtype": "float32"},
        {"name": "half", "shape": [2], "dtype": "float32", "quantization": {"dtype": "float16"}},
        {"name": "bytes", "shape": [1, 3], "dtype": "float32", "quantization": coarse},
        {"name": "count", "shape": [], "dtype": "int32"},
    ]
    data = np.float32([1, 2]).tobytes() + np.float16([0.5, -3]).tobytes() + bytes([0, 2, 255]) + np.int32(7).tobytes()
    (tmp_path / "a.bin").write_bytes(data[:9])  # cut within a weight, as shards are
    (tmp_path / "b.bin").write_bytes(data[9:])
    manifest = {"format": "graph-model", "weightsManifest": [{"paths": ["a.bin", "b.bin"], "weights": entries}]}
    (tmp_path / "model.json").write_text(json.dumps(manifest))
    files = {name: tmp_path / name for name in ("model.json", "a.bin", "b.bin")}
    found = {name: value.tolist() for name, value in tfjs.weights(files).items()}
    assert found == {"plain": [1, 2], "half": [0.5, -3], "bytes": [[-1, 0, 126.5]], "count": 7}
    (tmp_path / "b.bin").write_bytes(data[9:] + b"more")
    with pytest.raises(InputError, match="have 23 bytes, expected 19"):
        tfjs.weights(files)
    manifest["weightsManifest"][0]["weights"][0]["dtype"] = "string"
    (tmp_path / "model.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="weight plain is of type string; known: float32"):
        tfjs.weights(files)


def test_the_person_in_the_middle_is_read_off_its_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two people, one in the middle; hands of both on one heatmap: regression and distance tell them apart."""
    model, maps = MoveNet(width=0.25, size=64), {}
    maps["center"], maps["heatmap"] = torch.full((1, 1, 16, 16), -9.0), torch.full((1, 17, 16, 16), -9.0)
    maps["offset"], maps["regress"] = torch.zeros(1, 34, 16, 16), torch.zeros(1, 34, 16, 16)
    maps["center"][0, 0, 8, 7], maps["center"][0, 0, 1, 1] = 2.0, 2.2
    maps["heatmap"][0, 9, 10, 12], maps["heatmap"][0, 9, 2, 3] = 1.0, 1.5
    maps["regress"][0, 18:20, 8, 7] = torch.tensor([2.0, 4.0])  # y, x of the left wrist from the centre
    maps["offset"][0, 18:20, 10, 12] = torch.tensor([0.25, 0.75])
    monkeypatch.setattr(model, "forward", lambda batch: maps)
    batch = {"frame": torch.tensor([[0.5, 0.5, 0.0, 8.0, 128.0, 96.0]])}
    (prediction,) = model.predict(batch)
    assert prediction.keypoints[0][9] == pytest.approx([2 * 4 * 12.75, 2 * (4 * 10.25 - 8)])
    assert prediction.keypoint_scores[0][9] == pytest.approx(1 / (1 + np.exp(-1)))


def test_points_without_label_count_neither_way() -> None:
    torch.manual_seed(0)
    (row,) = figures(1)
    model = MoveNet(width=0.25, size=64).eval()
    row["people"]["keypoints"][0][9] = [0.0, 0.0, 0.0]
    row["people"]["bbox"] = [[0, 0, 160, 120]]
    batch = model.preprocess([row])
    with torch.no_grad():
        model.heads["heatmap"].output.bias[9] += 3
        inside = model.loss(batch)
        model.heads["heatmap"].output.bias[9] -= 3
        row["people"]["bbox"] = [[0, 0, 1, 1]]
        outside = model.loss(model.preprocess([row])) - model.loss(batch)
    assert inside.isfinite() and outside > 0
    logits, wanted = torch.zeros(1, 1, 2), torch.tensor([[[1.0, 0.0]]])
    assert focal_loss(logits, wanted, torch.tensor([[[1.0, 0.0]]])) == pytest.approx(0.25 * np.log(2))


def test_the_mirror_swaps_left_and_right() -> None:
    torch.manual_seed(0)
    model, (row,) = MoveNet(width=0.25, size=64), figures(1)
    batch = model.preprocess([row] * 16)
    for target in model.augment(batch)["target"]:
        for left, right in ((5, 6), (11, 12)):
            assert target["keypoints"][0, left, 0] > target["keypoints"][0, right, 0]  # as seen by the viewer


@pytest.mark.parametrize("arguments", [{"width": 0}, {"size": 100}, {"size": 0}])
def test_arguments_out_of_range(arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"MoveNet\(width="):
        MoveNet(**arguments)
