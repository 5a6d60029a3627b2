"""The same random weights, in the published file format, through torch originals and through the networks here.

The originals were run outside of the project; ``parity/*.json`` holds what they computed and how. Here the weights are
drawn again from their seed, written as the published file has them, loaded by the reader that loads it, and run.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.architectures.parity import torch_files
from tests.architectures.parity.fixtures import difference, fixture
from tests.architectures.parity.seeded import sound
from tlzoo.architectures.enformer import Enformer
from tlzoo.architectures.inception_resnet import InceptionResNetV1
from tlzoo.architectures.mtcnn import MTCNN
from tlzoo.architectures.openpose import OpenPose
from tlzoo.architectures.rcnn import FasterRCNN
from tlzoo.architectures.unet import UNet2d
from tlzoo.architectures.wav2vec import Wav2Vec
from tlzoo.architectures.yolov5 import ANCHORS, STRIDES, YOLOv5

pytestmark = pytest.mark.usefixtures("one_thread")
WAV2VEC: dict[str, Any] = {
    "channels": 48,
    "feature_kernels": [10, 8, 4, 4, 4, 1, 1],
    "feature_strides": [5, 4, 2, 2, 2, 1, 1],
    "context_kernels": list(range(2, 14)),
}
ENFORMER: dict[str, Any] = {
    "length": 12_288, "dim": 192, "depth": 1, "heads": 1, "attn_dim_key": 32, "num_downsamples": 3,
    "dim_divisible_by": 8, "target_length": 8, "output_heads": {"human": 9, "mouse": 4},
}  # fmt: skip
DETECTRON2: dict[str, Any] = {"width": 8, "fpn_channels": 32, "head_channels": 64, "proposals": 200, "size": 128}


def inception_resnet_v1(folder: Path) -> list[Tensor]:
    path = folder / "20180402-114759-vggface2.pt"
    torch.save(torch_files.tensors(torch_files.inception_resnet_v1()), path)
    model = InceptionResNetV1().eval()
    model.load_official({path.name: path})
    last, _ = model.maps(batch := {"image": torch_files.picture(160, 160, 2)})
    assert model.logits is not None
    logits = model.logits(model.last_bn(model.last_linear(last.mean((2, 3)))))
    return [model(batch)["pooled"][0, ::3], logits[0, ::100]]


def mtcnn(folder: Path) -> list[Tensor]:
    model = MTCNN().eval()
    names = ("pnet", "rnet", "onet")
    files = {f"{name}.pt": folder / f"{name}.pt" for name in names}
    for name, path in zip(names, files.values(), strict=True):
        torch.save(torch_files.tensors(torch_files.shapes(model.get_submodule(name).state_dict())), path)
    model.load_official(files)
    parts = []
    for name, size, seed in zip(names, (24, 24, 48), (3, 4, 5), strict=True):
        outputs = model.get_submodule(name)((torch_files.picture(size, size, seed, 3).float() - 127.5) / 128)
        parts += [output.flatten()[:60] for output in outputs]
    return parts


def openpose(folder: Path) -> list[Tensor]:
    path = folder / "body_pose_model.pth"
    torch.save(torch_files.tensors(torch_files.openpose()), path)
    model = OpenPose().eval()
    model.load_official({path.name: path})
    limbs, parts = model({"image": torch_files.picture(64, 96, 6)})[-1]
    return [limbs[0, :, ::4, ::4], parts[0, :, ::2, ::4].relu()]


def wav2vec(folder: Path) -> list[Tensor]:
    path = folder / "wav2vec_large.pt"
    config = WAV2VEC["channels"], WAV2VEC["feature_kernels"], WAV2VEC["context_kernels"]
    torch_files.fairseq_checkpoint(path, torch_files.tensors(torch_files.wav2vec(*config)))
    model = Wav2Vec(**WAV2VEC).eval()
    model.load_official({path.name: path})
    example = model.encode(sound(4000, 7))
    return [model(example | {"samples_lengths": torch.tensor([4000])})["tokens"][:, ::4]]


def dna() -> np.ndarray:
    """Codes of A, C, G and T."""
    return np.random.RandomState(10).randint(0, 4, ENFORMER["length"])


def enformer_state() -> dict[str, Tensor]:
    """The weights under their own names, and those before the heads once more, as the trunk's."""
    state = torch_files.tensors(torch_files.shapes(Enformer(**ENFORMER).state_dict()))
    places = {"stem": 1, "conv_tower": 2, "transformer": 4, "final_pointwise": 6}
    parts = {name: name.split(".", 1) for name in state}
    return state | {f"_trunk.{places[p[0]]}.{p[1]}": state[name] for name, p in parts.items() if p[0] in places}


def enformer(folder: Path) -> list[Tensor]:
    path = folder / "pytorch_model.bin"
    torch.save(enformer_state(), path)
    model = Enformer(**ENFORMER).eval()
    model.load_official({path.name: path})
    (found,) = model.predict(model.preprocess([{"dna": "".join("ACGT"[code] for code in dna())}]))
    human = ENFORMER["output_heads"]["human"]
    return [torch.from_numpy(part) for part in np.split(found.values, [human], 1)]


def yolov5_state() -> dict[str, Tensor]:
    """The weights and the anchors of ``yolov5n.pt``."""
    state = torch_files.tensors(torch_files.shapes(YOLOv5().state_dict()))
    anchors = torch.tensor(ANCHORS) / torch.tensor(STRIDES)[:, None, None]
    return state | {"model.24.anchors": anchors}


def yolov5(folder: Path) -> list[Tensor]:
    path = folder / "yolov5n.pt"
    torch_files.pickled_network(path, yolov5_state(), {i: f"thing {i}" for i in range(80)})
    model = YOLOv5().eval()
    model.load_official({path.name: path})
    assert model.spec.labels[79] == "thing 79"
    outputs = model({"image": torch_files.picture(96, 128, 8)})
    return [*(output[0, :, ::3, ::4, ::17] for output in outputs), model.detect.decode(outputs)[0, ::25, :6]]


def detectron2_state() -> dict[str, Tensor]:
    """Weights for pixels from 0 to 255, for maps that do not grow, and for boxes that stay near where they begin."""
    widths = DETECTRON2["width"], DETECTRON2["fpn_channels"], DETECTRON2["head_channels"]
    state = torch_files.tensors(torch_files.detectron2(*widths))
    shrunk = {"stem.conv1.weight": 64, "conv3.norm.weight": 4, "anchor_deltas.weight": 8, "bbox_pred.weight": 8}
    for name, tensor in state.items():
        tensor /= next((factor for ending, factor in shrunk.items() if name.endswith(ending)), 1)
    return state


def detectron2(folder: Path) -> list[Tensor]:
    path = folder / "model_final_280758.pkl"
    torch_files.numpy_pickle(path, detectron2_state())
    model = FasterRCNN(**DETECTRON2, as_detectron2=True).eval()
    model.load_official({path.name: path})
    seen: dict[str, Any] = {}
    network = model.network
    network.rpn.register_forward_hook(lambda _, given, proposals: seen.update(maps=given[1], proposals=proposals[0]))
    (found,), _ = model._run(model.pixels({"image": torch_files.picture(128, 128, 9)}))
    maps = [seen["maps"]["0"][0, ::8, ::8, ::8], seen["maps"]["3"][0, ::4], seen["proposals"][0][:30]]
    return [*maps, found["boxes"][::3], found["scores"][::3], found["labels"][::3] - 1]


def unet(folder: Path) -> list[Tensor]:
    path = folder / "weights.pt"
    model = UNet2d().eval()
    model.load_state_dict(torch_files.tensors(torch_files.shapes(model.state_dict())))
    pixels = sound(96 * 64, 11).reshape(1, 1, 96, 64)
    published = nn.Sequential(OrderedDict(model.named_children()))  # and nothing else, such as our constants
    published.forward = model.network  # type: ignore[method-assign]
    torch.jit.trace(published, torch.from_numpy(pixels)).save(str(path))
    loaded = UNet2d().eval()
    loaded.load_official({path.name: path})
    return [loaded.network(torch.from_numpy(pixels))[0, 0, ::8, ::3]]


COMPUTED: dict[str, Callable[[Path], Sequence[Tensor]]] = {
    "detectron2": detectron2,
    "enformer": enformer,
    "inception-resnet-v1": inception_resnet_v1,
    "mtcnn": mtcnn,
    "openpose": openpose,
    "unet": unet,
    "wav2vec": wav2vec,
    "yolov5": yolov5,
}


@pytest.mark.parametrize("card", COMPUTED)
def test_it_computes_what_the_original_computes(card: str, tmp_path: Path) -> None:
    with torch.inference_mode():
        parts = COMPUTED[card](tmp_path)
    assert difference(card, *(part.numpy() for part in parts)) < fixture(card)["tolerance"]


def test_the_files_have_the_originals_names() -> None:
    """The digests are those of the originals' state dicts."""
    names = {
        "detectron2": torch_files.shapes(detectron2_state()),
        "enformer": torch_files.shapes(enformer_state()),
        "inception-resnet-v1": torch_files.inception_resnet_v1(),
        "mtcnn": torch_files.shapes(MTCNN().state_dict()),
        "openpose": torch_files.openpose(),
        "unet": torch_files.shapes(UNet2d().state_dict()),
        "wav2vec": torch_files.wav2vec(*(WAV2VEC[k] for k in ("channels", "feature_kernels", "context_kernels"))),
        "yolov5": torch_files.shapes(YOLOv5().state_dict()),
    }
    assert names.keys() == COMPUTED.keys()
    for card, shapes in names.items():
        assert torch_files.names_digest(shapes) == fixture(card)["names"], card
