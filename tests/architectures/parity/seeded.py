"""Random weights that are the same everywhere, under published names: the draws of ``RandomState`` never change."""

from collections.abc import Mapping

import numpy as np

Shape = tuple[int, ...]
_SPREADS = ("variance", "gamma", "running_var")


def arrays(shapes: Mapping[str, Shape], seed: int, out: int = -1) -> dict[str, np.ndarray]:
    """Draw an array for each name, in the order of the names.

    Args:
        shapes: Shapes by name.
        seed: Of ``RandomState``.
        out: Axis of a kernel's outputs: the last in TensorFlow, the first in PyTorch.

    Returns:
        float32: kernels whose outputs are about as large as their inputs, small shifts, spreads from 0.5 to 1.5.
    """
    rng = np.random.RandomState(seed)
    drawn = {}
    for name, shape in shapes.items():
        if name.endswith(_SPREADS):
            values = rng.uniform(0.5, 1.5, shape)
        elif len(shape) > 1:
            values = rng.standard_normal(shape) * (2 * shape[out] / np.prod(shape)) ** 0.5
        else:
            values = 0.1 * rng.standard_normal(shape)
        drawn[name] = values.astype(np.float32)
    return drawn


def sound(samples: int, seed: int) -> np.ndarray:
    """Noise and two tones, float32 of shape ``(samples,)``."""
    time = np.arange(samples)
    noise = np.random.RandomState(seed).standard_normal(samples)
    return (0.05 * noise + 0.3 * np.sin(0.05 * time) + 0.1 * np.sin(0.61 * time)).astype(np.float32)


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
