"""Shared by all tests."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from tlzoo.architectures.mtcnn import MTCNN

os.environ.setdefault("OMP_NUM_THREADS", "1")  # several processes on few cores: more threads only fight
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ["TLZOO_REFERENCE"] = str(Path(__file__).parent / "no-results")  # boards hold what a test put there


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "install the published Space in a new environment: some minutes and 7 GB"
    parser.addoption("--new-environment", action="store_true", help=told)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 128 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)  # this process marks a cache there as used


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


@pytest.fixture(scope="session")
def notebook() -> "Callable[[str, Path], str]":
    """Runs code as the cell of a notebook, in a kernel that stands in a folder, and gives what it printed."""
    import nbformat
    from nbclient import NotebookClient

    def run(code: str, folder: Path) -> str:
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
        NotebookClient(
            book, timeout=280, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        ).execute()
        outputs = book.cells[0].outputs
        return "".join(each["text"] for each in outputs if each["output_type"] == "stream" and each["name"] == "stdout")

    return run


@pytest.fixture(scope="session")
def scenes() -> "list[dict[str, Any]]":
    """Eight pictures of 90 x 72 pixels, each with a red square and a green disc: their boxes and their masks."""
    import numpy as np
    from PIL import Image

    from tlzoo.data.media.image import encode_png

    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:72, :90]
    scenes = []
    for i in range(8):
        picture = rng.integers(60, 130, (72, 90, 3)).astype(np.uint8)
        mask = np.zeros((72, 90), dtype=np.uint8)
        left, top, side = rng.integers(2, 16), rng.integers(2, 40), rng.integers(20, 28)
        mask[top : top + side, left : left + side] = 1
        x, y, radius = rng.integers(62, 74), rng.integers(16, 56), rng.integers(10, 14)
        mask[(rows - y) ** 2 + (columns - x) ** 2 <= radius**2] = 2
        picture[mask == 1] = (220, 40, 30)
        picture[mask == 2] = (40, 200, 60)
        boxes = [[left, top, side, side], [x - radius, y - radius, 2 * radius + 1, 2 * radius + 1]]
        scenes.append(
            {
                "image": Image.fromarray(picture),
                "mask": {"bytes": encode_png(mask), "path": None},
                "classes": [0, 1, 2],
                "objects": {"bbox": [[float(v) for v in box] for box in boxes], "category": [0, 1]},
                "id": str(i),
            }
        )
    return scenes


@pytest.fixture(scope="session")
def row() -> Callable[..., dict[str, Any]]:
    """Results made by hand: what a run would have written."""

    def make(
        card: str, strategy: str, accuracy: float, *, seed: int = 0, fraction: float = 1.0, **changed: Any
    ) -> dict[str, Any]:
        n = 200
        right = np.arange(n) < round(accuracy * n)
        return {
            "run_id": f"{card}-{strategy}-{seed}-{fraction}",
            "card": card,
            "variant": "base",
            "weights": "none" if strategy == "scratch" else "official",
            "task": "audio-classification",
            "dataset": "toy",
            "dataset_fingerprint": "f",
            "card_hash": card,
            "strategy": strategy,
            "seed": seed,
            "fraction": fraction,
            "metric": "accuracy",
            "value": accuracy,
            "status": "ok",
            "n_test": n,
            "example_ids": [str(i) for i in range(n)],
            "groups": [str(i) for i in range(n)],
            "statistics": [[float(x)] for x in right],
            "history": [
                {"seconds": 10.0 * (i + 1), "step": i, "loss": 1.0, "score": accuracy * (i + 1) / 4} for i in range(4)
            ],
            "train_seconds": 40.0,
            "latency_ms_p50": 5.0,
            "throughput": 100.0,
            "params": 3_700_000,
            "size_bytes": 15_000_000,
            "created": datetime.now(UTC),
            "origin": "local",
        } | changed

    return make
