"""Whether the memory of ``tlzoo finetune`` and ``tlzoo predict`` grows with the number of files.

``python benchmarks/memory.py [--files 1000 20000] [--strategy probe]`` writes so many small pictures to a temporary
folder, fine-tunes a small network on them, predicts them, each in a process of its own with empty caches, and prints
the peak of each: of the largest process, and of all processes together, pages that they share counted once.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
from PIL import Image

CLASSES = 4
SIDE = 32
TICK_SECONDS = 0.5


class Peak(NamedTuple):
    """What a command took: seconds, and MB of the largest process (VmHWM) and of all together (PSS)."""

    seconds: float
    largest: float
    together: float


def pictures(folder: Path, count: int) -> None:
    """Pictures of random coarse patterns, no two alike, with a colour for each class."""
    rng = np.random.default_rng(0)
    for number in range(count):
        pattern = rng.integers(0, 200, (6, 6, 3), dtype=np.uint8)
        pattern[..., number % 3] //= 1 + number % CLASSES
        path = folder / f"class{number % CLASSES}" / f"{number:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pattern).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(path)


def peak(arguments: list[str], cache: Path) -> Peak:
    """Run a command, and watch its memory.

    Raises:
        SystemExit: It failed.
    """
    began = time.monotonic()
    log = cache.with_suffix(".log")
    with log.open("w") as output:
        command = [sys.executable, "-m", "tlzoo", *arguments]
        child = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | {"TLZOO_CACHE": str(cache)})
    largest, together = 0.0, 0.0
    while child.poll() is None:
        shares = 0.0
        try:
            whole = psutil.Process(child.pid)
            for process in (whole, *whole.children(recursive=True)):
                lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
                highest = next((line for line in lines if line.startswith("VmHWM")), "VmHWM: 0")
                largest = max(largest, int(highest.split()[1]) / 1e3)
                shares += process.memory_full_info().pss / 1e6
        except (psutil.Error, OSError):
            continue  # one ended meanwhile
        together = max(together, shares)
        time.sleep(TICK_SECONDS)
    if child.returncode:
        raise SystemExit(f"{' '.join(arguments)}\n{log.read_text()[-2000:]}")
    return Peak(time.monotonic() - began, largest, together)


def main() -> None:
    """Print a line for each command and number of files, and the ratios of the last to the first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, nargs="+", default=[1000, 20_000])
    parser.add_argument("--strategy", default="probe")
    parser.add_argument("--model", default="mobilenet")
    given = parser.parse_args()
    peaks: dict[str, list[Peak]] = {"finetune": [], "predict": []}
    for count in given.files:
        with tempfile.TemporaryDirectory() as place:
            folder, cache, out = (Path(place) / name for name in ("pictures", "cache", "model"))
            pictures(folder, count)
            model = [given.model, "--task", "image-classification", "--weights", "stand-in", "--variant", "nano"]
            training = ["--data", str(folder), "--strategy", given.strategy, "--device", "cpu", "--out", str(out)]
            commands = {
                "finetune": ["finetune", *model, *training, "--offline"],
                "predict": [
                    "predict",
                    str(out),
                    str(folder),
                    "--out",
                    str(Path(place) / "predictions.csv"),
                    "--offline",
                ],
            }
            for name, command in commands.items():
                peaks[name].append(each := peak(command, cache))
                print(
                    f"{name} {count:,} files: {each.seconds:.0f} s, largest process {each.largest:.0f} MB, "
                    f"all together {each.together:.0f} MB", flush=True,
                )  # fmt: skip
    for name, each in peaks.items():
        first, last = each[0], each[-1]
        print(
            f"{name}, {given.files[-1]:,} files to {given.files[0]:,}: largest process "
            f"{last.largest / first.largest:.2f}, all together {last.together / first.together:.2f}"
        )


if __name__ == "__main__":
    main()
