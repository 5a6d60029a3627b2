"""Names and shapes of published files, most of them TensorFlow's, for random weights; and inputs of networks."""

from collections.abc import Mapping

import numpy as np

from tests.architectures.parity.seeded import Shape


def openl3() -> dict[str, Shape]:
    """Arrays of the mel-256 network, in the order of the Keras layers (openl3 0.4.2, ``models.py``)."""
    shapes: dict[str, Shape] = {}
    channels = (1, 64, 64, 128, 128, 256, 256, 512, 512)
    for i in range(9):
        if i:
            layer = f"conv2d_{i}" if i < 8 else "audio_embedding_layer"
            shapes |= {f"{layer}/kernel": (3, 3, channels[i - 1], channels[i]), f"{layer}/bias": (channels[i],)}
        if i < 8:
            parts = ("gamma", "beta", "moving_mean", "moving_variance")
            shapes |= {f"batch_normalization_{i + 1}/{part}": (channels[i],) for part in parts}
    return shapes


BERT = {
    "vocab_size": 50,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 32,
}
"""BERT-joint in the small."""


def bert_joint() -> dict[str, Shape]:
    """Variables of google-research/bert's ``modeling.py`` and of bert_joint's ``run_nq.py``, in the small."""
    hidden, inner = BERT["hidden_size"], BERT["intermediate_size"]
    shapes: dict[str, Shape] = {}

    def norm(name: str) -> None:
        shapes.update({f"{name}/LayerNorm/beta": (hidden,), f"{name}/LayerNorm/gamma": (hidden,)})

    def dense(name: str, inputs: int, outputs: int) -> None:
        shapes.update({f"{name}/kernel": (inputs, outputs), f"{name}/bias": (outputs,)})

    for name, rows in (("word", BERT["vocab_size"]), ("token_type", 2), ("position", BERT["max_position_embeddings"])):
        shapes[f"bert/embeddings/{name}_embeddings"] = (rows, hidden)
    norm("bert/embeddings")
    for i in range(BERT["num_hidden_layers"]):
        layer = f"bert/encoder/layer_{i}"
        for part in ("query", "key", "value"):
            dense(f"{layer}/attention/self/{part}", hidden, hidden)
        dense(f"{layer}/attention/output/dense", hidden, hidden)
        norm(f"{layer}/attention/output")
        dense(f"{layer}/intermediate/dense", hidden, inner)
        dense(f"{layer}/output/dense", inner, hidden)
        norm(f"{layer}/output")
    dense("bert/pooler/dense", hidden, hidden)
    heads = {"cls/nq/output_weights": (2, hidden), "cls/nq/output_bias": (2,)}
    return shapes | heads | {"answer_type_output_weights": (5, hidden), "answer_type_output_bias": (5,)}


def bert_inputs() -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Ids and segments of two inputs of 20 and 13 tokens, one after the other, and these lengths."""
    rng = np.random.RandomState(3)
    ids = rng.randint(0, BERT["vocab_size"], (2, 20))
    lengths = [20, 13]
    segments = np.concatenate([np.arange(length) >= 6 for length in lengths]).astype(np.int64)
    return np.concatenate([row[:length] for row, length in zip(ids, lengths, strict=True)]), segments, lengths


TRILLSSON_BLOCKS = ((1, 24, 2), (4, 48, 4), (4, 64, 4), (4, 128, 6), (6, 160, 9), (6, 256, 15))
"""Expansion, channels and blocks of ``TrillssonEfficientNetConfig``; the last three stages are not fused."""


def trillsson3() -> dict[str, Shape]:
    """Parameters of ``TrillssonEfficientNetModel``, without the counters of its norms."""
    shapes: dict[str, Shape] = {}

    def convolution(name: str, inputs: int, outputs: int, kernel: int, bias: bool = False) -> None:
        shapes[f"{name}.weight"] = (outputs, inputs, kernel, kernel)
        if bias:
            shapes[f"{name}.bias"] = (outputs,)

    def norm(name: str, channels: int) -> None:
        shapes.update({f"{name}.{part}": (channels,) for part in ("weight", "bias", "running_mean", "running_var")})

    convolution("stem.stem_conv", 1, 24, 3)
    norm("stem.stem_bn", 24)
    inputs, number = 24, 0
    for stage, (expansion, outputs, blocks) in enumerate(TRILLSSON_BLOCKS):
        for _ in range(blocks):
            name, hidden = f"block.{number}", expansion * inputs
            if expansion > 1:
                convolution(f"{name}.expand_conv", inputs, hidden, 3 if stage < 3 else 1)
                norm(f"{name}.expand_bn", hidden)
            if stage >= 3:
                convolution(f"{name}.dwconv2", 1, hidden, 3)
                norm(f"{name}.normalization", hidden)
                convolution(f"{name}.squeeze_excitation.se_reduce", hidden, inputs // 4, 1, bias=True)
                convolution(f"{name}.squeeze_excitation.se_expand", inputs // 4, hidden, 1, bias=True)
            convolution(f"{name}.project_conv", hidden, outputs, 1 if expansion > 1 else 3)
            norm(f"{name}.project_bn", outputs)
            inputs, number = outputs, number + 1
    convolution("top.top_conv", 256, 1280, 1)
    norm("top.top_bn", 1280)
    return shapes | {"dense.weight": (1024, 1280), "dense.bias": (1024,)}


def crepe(capacity: int = 4) -> dict[str, Shape]:
    """Parameters of torchcrepe's module; ``capacity`` 4 is ``tiny``, 32 ``full``."""
    shapes: dict[str, Shape] = {}
    channels = [1, *(capacity * n for n in (32, 4, 4, 4, 8, 16))]
    for i in range(6):
        shapes[f"conv{i + 1}.weight"] = (channels[i + 1], channels[i], 64 if i else 512, 1)
        shapes[f"conv{i + 1}.bias"] = (channels[i + 1],)
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"conv{i + 1}_BN.{part}"] = (channels[i + 1],)
    return shapes | {"classifier.weight": (360, 4 * channels[6]), "classifier.bias": (360,)}


def yamnet() -> dict[str, Shape]:
    """Arrays of tensorflow/models' YAMNet, in the order of the Keras layers; its norms have no gamma."""
    shapes: dict[str, Shape] = {"layer1/conv/kernel": (3, 3, 1, 32)}
    channels = (32, 64, 128, 128, 256, 256, 512, *(512,) * 5, 1024, 1024)
    norm = ("beta", "moving_mean", "moving_variance")
    shapes |= {f"layer1/conv/bn/{part}": (32,) for part in norm}
    for i in range(1, len(channels)):
        name, inputs, outputs = f"layer{i + 1}", channels[i - 1], channels[i]
        shapes[f"{name}/depthwise_conv/depthwise_kernel"] = (3, 3, inputs, 1)
        shapes |= {f"{name}/depthwise_conv/bn/{part}": (inputs,) for part in norm}
        shapes[f"{name}/pointwise_conv/kernel"] = (1, 1, inputs, outputs)
        shapes |= {f"{name}/pointwise_conv/bn/{part}": (outputs,) for part in norm}
    return shapes | {"dense/kernel": (1024, 521), "dense/bias": (521,)}


VIDEOFLOW = {"levels": 2, "depth": 1, "coupling_width": 6, "latent_width": 4, "latent_depth": 1}
"""The published VideoFlow in the small."""


def videoflow_arrays(shapes: Mapping[str, Shape], seed: int) -> dict[str, np.ndarray]:
    """Weights of ``next_frame_glow`` near those of the start: rotations are the identity nearly, scales nearly 1."""
    rng = np.random.RandomState(seed)
    drawn = {}
    for name in sorted(shapes):
        shape, part = shapes[name], name.rpartition("/")[2]
        values = rng.standard_normal(shape) * (0.05 if part in ("b", "logs", "log_S") else 0.2)
        if part == "P":
            values = np.eye(shape[0])[rng.permutation(shape[0])]
        elif part == "sign_S":
            values = np.where(values < 0, -1.0, 1.0)
        drawn[name] = values.astype(np.float32)
    return drawn


def video() -> np.ndarray:
    """Four frames of a bright square that moves over noise, ``(4, 1, 64, 64, 3)`` in [-0.5, 0.5]."""
    frames = np.random.RandomState(4).uniform(-0.4, 0.0, (1, 1, 64, 64, 3)).repeat(4, 0)
    for t in range(4):
        frames[t, 0, 20:36, 10 + 6 * t : 26 + 6 * t] += 0.4
    return frames.astype(np.float32)


def picture(side: int) -> np.ndarray:
    """Something like a person on a plain ground, uint8 of shape ``(side, side, 3)``."""
    y, x = np.mgrid[:side, :side] / side
    body = np.exp(-(((x - 0.5) / 0.09) ** 2) - ((y - 0.6) / 0.2) ** 2)
    head = np.exp(-(((x - 0.5) ** 2 + (y - 0.3) ** 2) / 0.05**2))
    ground = 90 + 60 * y + 8 * np.random.RandomState(5).standard_normal((side, side))
    colours = np.array([1.0, 0.8, 0.6])
    pixels = ground[..., None] + (110 * head - 60 * body)[..., None] * colours
    return pixels.clip(0, 255).astype(np.uint8)
