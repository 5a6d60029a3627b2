"""Small folders of sounds, as a person would have them."""

from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
import soundfile

from tests.support.prepared import Maker


@pytest.fixture
def sound(tmp_path: Path) -> Maker:
    def write(name: str, hertz: float = 440.0, seconds: float = 0.2, rate: int = 16_000) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        time = np.arange(int(seconds * rate)) / rate
        noise = np.random.default_rng(crc32(f"{name} {hertz}".encode())).normal(0, 0.01, len(time))
        soundfile.write(path, 0.5 * np.sin(2 * np.pi * hertz * time) + noise, rate)
        return path

    return write


@pytest.fixture(scope="module")
def new_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache in which nothing is prepared yet, for the tests of a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TLZOO_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
