"""Random weights that are the same everywhere, under published names: the draws of ``RandomState`` never change."""

from collections.abc import Mapping

import numpy as np

Shape = tuple[int, ...]
_SPREADS = ("variance", "gamma", "running_var")


def arrays(shapes: Mapping[str, Shape], seed: int, out: int = -1, longest: int | None = None) -> dict[str, np.ndarray]:
    """Draw an array for each name, in the order of the names.

    Args:
        shapes: Shapes by name.
        seed: Of ``RandomState``.
        out: Axis of a kernel's outputs: the last in TensorFlow, the first in PyTorch.
        longest: Numbers of a kernel that are drawn; those of a larger one repeat, which takes less time.

    Returns:
        float32: kernels whose outputs are about as large as their inputs, small shifts, spreads from 0.5 to 1.5.
    """
    rng = np.random.RandomState(seed)
    drawn = {}
    for name, shape in shapes.items():
        if name.endswith(_SPREADS) or (name.endswith(".weight") and len(shape) == 1):  # a norm's, in PyTorch
            values = rng.uniform(0.5, 1.5, shape)
        elif len(shape) > 1:
            size = int(np.prod(shape))
            numbers = rng.standard_normal(min(size, longest or size)) * (2 * shape[out] / size) ** 0.5
            values = np.resize(numbers, shape)
        else:
            values = 0.1 * rng.standard_normal(shape)
        drawn[name] = values.astype(np.float32)
    return drawn


def sound(samples: int, seed: int) -> np.ndarray:
    """Noise and two tones, float32 of shape ``(samples,)``."""
    time = np.arange(samples)
    noise = np.random.RandomState(seed).standard_normal(samples)
    return (0.05 * noise + 0.3 * np.sin(0.05 * time) + 0.1 * np.sin(0.61 * time)).astype(np.float32)
