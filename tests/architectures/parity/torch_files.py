"""Files of weights as the torch originals publish them, with random values: names, shapes and containers."""

import hashlib
import pickle
import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn

from tests.architectures.parity.seeded import Shape, arrays

SEED = 1
LONGEST = 99_991
"""Numbers of a kernel that are drawn; a prime, so that no two rows of a larger one are the same."""


def names_digest(named: Mapping[str, Shape]) -> str:
    """Hash of the names and shapes of a state dict, in the order of the names."""
    lines = "".join(f"{name} {shape}\n" for name, shape in sorted(named.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def tensors(named: Mapping[str, Shape]) -> dict[str, Tensor]:
    """Random tensors, drawn in the order of the names; the counters of batch norms are ones."""
    counters = [name for name in named if name.endswith("num_batches_tracked")]
    drawn = arrays({name: named[name] for name in sorted(named) if name not in counters}, SEED, 0, LONGEST)
    found = {name: torch.from_numpy(array) for name, array in drawn.items()}
    return found | {name: torch.tensor(1) for name in counters}


def shapes(state: Mapping[str, Tensor]) -> dict[str, Shape]:
    """Names and shapes of a state dict."""
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def inception_resnet_v1() -> dict[str, Shape]:
    """Of ``20180402-114759-vggface2.pt``, as facenet-pytorch 2.6.0 writes it."""
    found: dict[str, Shape] = {}

    def conv(name: str, inputs: int, outputs: int, height: int = 1, width: int = 1) -> None:
        found[f"{name}.conv.weight"] = (outputs, inputs, height, width)
        norm(f"{name}.bn", outputs)

    def norm(name: str, channels: int) -> None:
        found.update({f"{name}.{kind}": (channels,) for kind in ("weight", "bias", "running_mean", "running_var")})
        found[f"{name}.num_batches_tracked"] = ()

    def branches(name: str, inputs: int, *convolutions: tuple[tuple[int, ...], ...], joined: int = 0) -> None:
        for number, branch in enumerate(convolutions):
            before = inputs
            for place, (outputs, *sides) in enumerate(branch):
                conv(f"{name}.branch{number}" + f".{place}" * (len(branch) > 1), before, outputs, *sides)
                before = outputs
        if joined:
            found[f"{name}.conv2d.weight"], found[f"{name}.conv2d.bias"] = (inputs, joined, 1, 1), (inputs,)

    stem = {"1a": (32, 3, 3), "2a": (32, 3, 3), "2b": (64, 3, 3), "3b": (80,), "4a": (192, 3, 3), "4b": (256, 3, 3)}
    for name, inputs in zip(stem, (3, 32, 32, 64, 80, 192), strict=True):
        conv(f"conv2d_{name}", inputs, *stem[name])
    for i in range(5):
        deep = (32,), (32, 3, 3), (32, 3, 3)
        branches(f"repeat_1.{i}", 256, deep[:1], deep[:2], deep, joined=96)
    branches("mixed_6a", 256, ((384, 3, 3),), ((192,), (192, 3, 3), (256, 3, 3)))
    for i in range(10):
        branches(f"repeat_2.{i}", 896, ((128,),), ((128,), (128, 1, 7), (128, 7, 1)), joined=256)
    last = (256, 3, 3)
    branches("mixed_7a", 896, ((256,), (384, 3, 3)), ((256,), last), ((256,), last, last))
    for name in (*(f"repeat_3.{i}" for i in range(5)), "block8"):
        branches(name, 1792, ((192,),), ((192,), (192, 1, 3), (192, 3, 1)), joined=384)
    found["last_linear.weight"] = (512, 1792)
    norm("last_bn", 512)
    found["logits.weight"], found["logits.bias"] = (8631, 512), (8631,)
    return found


def openpose() -> dict[str, Shape]:
    """Of ``body_pose_model.pth``."""
    kernels = {"conv1_1": (64, 3, 3), "conv1_2": (64, 64, 3), "conv2_1": (128, 64, 3), "conv2_2": (128, 128, 3)}
    kernels |= {"conv3_1": (256, 128, 3)} | {f"conv3_{i}": (256, 256, 3) for i in (2, 3, 4)}
    kernels |= {"conv4_1": (512, 256, 3), "conv4_2": (512, 512, 3)}
    kernels |= {"conv4_3_CPM": (256, 512, 3), "conv4_4_CPM": (128, 256, 3)}
    for branch, maps in (("L1", 38), ("L2", 19)):
        kernels |= {f"conv5_{i}_CPM_{branch}": (128, 128, 3) for i in (1, 2, 3)}
        kernels |= {f"conv5_4_CPM_{branch}": (512, 128, 1), f"conv5_5_CPM_{branch}": (maps, 512, 1)}
        for stage in range(2, 7):
            ending = f"stage{stage}_{branch}"
            kernels |= {f"Mconv1_{ending}": (128, 185, 7)} | {f"Mconv{i}_{ending}": (128, 128, 7) for i in (2, 3, 4, 5)}
            kernels |= {f"Mconv6_{ending}": (128, 128, 1), f"Mconv7_{ending}": (maps, 128, 1)}
    found: dict[str, Shape] = {}
    for name, shape in kernels.items():
        found |= {f"{name}.weight": (*shape, shape[-1]), f"{name}.bias": shape[:1]}
    return found


def wav2vec(channels: int, kernels: Iterable[int], context: Iterable[int]) -> dict[str, Shape]:
    """Of fairseq's ``Wav2VecModel``."""
    found: dict[str, Shape] = {}
    for i, kernel in enumerate(kernels):
        layer = f"feature_extractor.conv_layers.{i}"
        found |= {f"{layer}.0.weight": (channels, channels if i else 1, kernel)}
        found |= {f"{layer}.2.weight": (channels,), f"{layer}.2.bias": (channels,)}
    for i, kernel in enumerate(context):
        layer = f"feature_aggregator.conv_layers.{i}"
        found |= {f"{layer}.1.weight": (channels, channels, kernel), f"{layer}.1.bias": (channels,)}
        found |= {f"{layer}.3.weight": (channels,), f"{layer}.3.bias": (channels,)}
    steps = "wav2vec_predictions.project_to_steps"
    return found | {f"{steps}.weight": (channels, channels, 1, 12), f"{steps}.bias": (channels,)}


def detectron2(width: int, pyramid: int, head: int, classes: int = 80) -> dict[str, Shape]:
    """Of Detectron2's Faster R-CNN R50-FPN with these channels in stem, pyramid and dense layers."""
    found: dict[str, Shape] = {}

    def conv(name: str, outputs: int, inputs: int, kernel: int, norm: bool = False) -> None:
        found[f"{name}.weight"] = (outputs, inputs, kernel, kernel)
        if norm:
            found.update({f"{name}.norm.{k}": (outputs,) for k in ("weight", "bias", "running_mean", "running_var")})
        else:
            found[f"{name}.bias"] = (outputs,)

    def dense(name: str, outputs: int, inputs: int) -> None:
        found.update({f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)})

    conv("backbone.bottom_up.stem.conv1", width, 3, 7, norm=True)
    inputs = width
    for stage, blocks in enumerate((3, 4, 6, 3)):
        inner, outputs = width * 2**stage, 4 * width * 2**stage
        for block in range(blocks):
            name = f"backbone.bottom_up.res{stage + 2}.{block}"
            if not block:
                conv(f"{name}.shortcut", outputs, inputs, 1, norm=True)
            conv(f"{name}.conv1", inner, inputs, 1, norm=True)
            conv(f"{name}.conv2", inner, inner, 3, norm=True)
            conv(f"{name}.conv3", outputs, inner, 1, norm=True)
            inputs = outputs
        conv(f"backbone.fpn_lateral{stage + 2}", pyramid, outputs, 1)
        conv(f"backbone.fpn_output{stage + 2}", pyramid, pyramid, 3)
    conv("proposal_generator.rpn_head.conv", pyramid, pyramid, 3)
    conv("proposal_generator.rpn_head.objectness_logits", 3, pyramid, 1)
    conv("proposal_generator.rpn_head.anchor_deltas", 12, pyramid, 1)
    dense("roi_heads.box_head.fc1", head, 49 * pyramid)
    dense("roi_heads.box_head.fc2", head, head)
    dense("roi_heads.box_predictor.cls_score", classes + 1, head)
    dense("roi_heads.box_predictor.bbox_pred", 4 * classes, head)
    return found


def numpy_pickle(path: Path, state: Mapping[str, Tensor]) -> None:
    """Write a checkpoint as Detectron2's model zoo has it: a pickle of arrays."""
    model = {name: tensor.numpy() for name, tensor in state.items()}
    path.write_bytes(pickle.dumps({"model": model, "__author__": "Detectron2 Model Zoo"}))


def fairseq_checkpoint(path: Path, state: Mapping[str, Tensor]) -> None:
    """Write a checkpoint as fairseq did in 2019: no zip file, arguments beside the weights, half precision."""
    content = {"args": Namespace(arch="wav2vec"), "model": {name: t.half() for name, t in state.items()}}
    torch.save(content, path, _use_new_zipfile_serialization=False)


def pickled_network(path: Path, state: Mapping[str, Tensor], names: Mapping[int, str]) -> None:
    """Write a checkpoint as YOLOv5's training does: the network itself, of classes of its own, in half precision."""
    homes = {name: ModuleType(name) for name in ("models", "models.yolo")}
    kind: Any = type("DetectionModel", (nn.Module,), {"__module__": "models.yolo"})
    vars(homes["models.yolo"])["DetectionModel"] = kind
    network = kind()
    for name, tensor in state.items():
        *parents, last = name.split(".")
        module = network
        for parent in parents:
            if parent not in module._modules:
                module.add_module(parent, kind())
            module = module._modules[parent]
        value = tensor.half() if tensor.is_floating_point() else tensor
        if last in ("weight", "bias"):
            module.register_parameter(last, nn.Parameter(value, requires_grad=False))
        else:
            module.register_buffer(last, value)
    network.names = dict(names)
    with patch.dict(sys.modules, homes):
        torch.save({"epoch": -1, "model": network, "ema": None, "optimizer": None}, path)


def picture(height: int, width: int, seed: int, count: int = 1) -> Tensor:
    """Grey waves with noise, uint8 of shape ``(count, 3, height, width)``."""
    rng = np.random.RandomState(seed)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x * a + y * b + c) for a, b, c in rng.uniform(0, 0.5, (count * 3, 3))]
    noise = rng.standard_normal((count * 3, height, width))
    pixels = 128 + 70 * np.stack(waves) + 20 * noise
    return torch.from_numpy(pixels.clip(0, 255).astype(np.uint8)).view(count, 3, height, width)
