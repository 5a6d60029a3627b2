"""Ctrl-C: finished runs are kept, one line says so, and the same command goes on from there."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tlzoo.leaderboard.store import Store


def eval_command(data: Path, out: Path, seeds: str) -> list[str]:
    arguments = ["--task", "audio-classification", "--model", "yamnet", "--variant", "nano", "--strategy", "scratch"]
    arguments += [
        "--data",
        str(data),
        "--out",
        str(out),
        "--seeds",
        seeds,
        "--fractions",
        "0.5",
        "--budget",
        "30",
        "--no-baselines",
    ]
    return [sys.executable, "-m", "tlzoo", "eval", *arguments]


def unignored() -> None:
    """What runs in the background of a shell may ignore the signal, and would hand that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.timeout(600)
def test_an_interrupted_sweep_says_what_is_kept_and_goes_on(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(
        eval_command(folder, out, "0,1,2,3,4,5"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=unignored,
    )
    assert process.stderr and process.stdout
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        if ": accuracy" in line:
            os.killpg(process.pid, signal.SIGINT)
            break
    rest = process.stderr.read()
    assert process.wait(60) == 130, (lines, rest)
    assert re.fullmatch(r"yamnet/nano scratch, 50% of the labels, seed 0: accuracy \d\.\d{3}\n", lines[-1])
    where = re.escape(str(out / "results"))
    assert re.search(rf"^tlzoo: interrupted; finished runs are kept in {where}, and .+ goes on from there$", rest, re.M)
    assert "Traceback" not in rest and process.stdout.read() == ""
    kept = Store(out / "results").read(["seed", "status", "metric"]).to_pylist()
    assert {(row["seed"], row["status"]) for row in kept} >= {(0, "ok")}
    done = subprocess.run(eval_command(folder, out, "0"), capture_output=True, text=True, timeout=300, check=True)
    assert f"0 runs executed, 1 taken from {out / 'results'}" in done.stderr
    assert "scratch" in done.stdout


def test_elsewhere_it_is_one_line_too(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\nfrom tlzoo.cards import catalogue\nfrom tlzoo.cli import main\n"
        "catalogue.get_file = lambda card: os.kill(os.getpid(), signal.SIGINT) or signal.pause()\n"
        "sys.argv = ['tlzoo', 'show', 'yamnet']\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, preexec_fn=unignored, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "tlzoo: interrupted\n")
