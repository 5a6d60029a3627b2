"""Shared by all tests."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tlzoo.architectures.mtcnn import MTCNN

os.environ.setdefault("OMP_NUM_THREADS", "1")  # several processes on few cores: more threads only fight
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 128 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Small networks: a second thread gains little, and waiting for it on a busy machine costs much."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def mtcnn() -> "MTCNN":
    """The published face detector."""
    from tlzoo.adapters.weights import resolve
    from tlzoo.cards import catalogue
    from tlzoo.errors import UnavailableError
    from tlzoo.transfer.assemble import assemble

    try:
        return assemble(resolve(catalogue.get("mtcnn"), "official")).eval()  # type: ignore[return-value]
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred and twenty noisy notes of three classes, a third of them for the test."""
    import numpy as np
    import soundfile

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
