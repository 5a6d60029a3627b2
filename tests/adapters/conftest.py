"""Pictures for image backbones."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def pictures() -> list[Image.Image]:
    """Sixteen blurred mosaics, none like another."""
    rng = np.random.default_rng(0)
    mosaics = rng.integers(0, 256, (16, 4, 4, 3)).astype(np.uint8)
    return [Image.fromarray(m).resize((80, 70), Image.Resampling.BILINEAR) for m in mosaics]
