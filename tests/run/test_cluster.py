"""Runs on a real Ray cluster of two cores, whose processes are killed while they work."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.run.test_worker import complain, die, double
from tlzoo.adapters.weights import resolve, variant_of
from tlzoo.cards import catalogue
from tlzoo.data.catalogue import Source
from tlzoo.errors import InputError, UnavailableError
from tlzoo.leaderboard.store import Store
from tlzoo.measure.measure import Measurement
from tlzoo.run.cluster import PROCESS_BYTES, Cluster, located, needs_of
from tlzoo.run.evaluate import Evaluation, evaluate
from tlzoo.run.plan import Run, recipe_for
from tlzoo.run.worker import Needs, WorkFailedError

ray = pytest.importorskip("ray")
NOTES = {"models": ["yamnet"], "variant": "nano", "strategies": ["probe", "scratch"], "weights": "stand-in"}
WHAT: dict[str, Any] = NOTES | {"fractions": [0.2], "seeds": [0], "budget": 20, "baselines": False}
EQUAL = ["run_id", "metric", "value", "statistics", "trained_sha256", "weights_sha256", "status", "hardware", "params"]
FAR = 240
"""Seconds far beyond what is waited for here."""


@pytest.fixture(scope="module")
def address(cache: Path) -> Iterator[str]:
    """A cluster of this machine, and its address."""
    before = os.environ.get("TLZOO_CACHE")
    os.environ |= {"TLZOO_CACHE": str(cache), "RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100 * 2**20)
    yield ray.get_runtime_context().gcs_address
    ray.shutdown()
    os.environ.pop("TLZOO_CACHE")
    os.environ |= {"TLZOO_CACHE": before} if before else {}


@pytest.fixture(scope="module")
def here(address: str, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the same evaluation gives without a cluster."""
    out = tmp_path_factory.mktemp("here")
    run(folder, out, "local")
    return out


def run(folder: Path, out: Path, executor: str, say: Callable[[str], None] = lambda line: None) -> Evaluation:
    return evaluate("audio-classification", data=folder, out=out, executor=executor, say=say, **WHAT)


def rows(out: Path) -> list[dict[str, Any]]:
    table = Store(out / "results").read().select(EQUAL)
    assert table.num_rows
    return sorted(table.to_pylist(), key=lambda row: (row["run_id"], row["metric"]))


def working(doing: str = "the run") -> list[psutil.Process]:
    """Processes of Ray that do some work now."""
    names = [f"ray::tlzoo {doing}"]
    return [each for each in psutil.process_iter(["cmdline"]) if (each.info["cmdline"] or [])[:1] == names]


def await_(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + FAR
    while time.monotonic() < deadline:
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended meanwhile
            if value := condition():
                return value
        time.sleep(0.05)
    raise TimeoutError


def test_killed_workers_change_nothing_in_the_table(folder: Path, here: Path, tmp_path: Path) -> None:
    """One process of Ray, and one that computes for another; then nothing is left to do."""
    shutil.copytree(here / "measurements", tmp_path / "measurements")
    killed: list[int] = []

    def kill() -> None:
        first = await_(working)[0]
        first.kill()
        second = await_(lambda: [child for each in working() if each != first for child in each.children()])[0]
        second.kill()
        killed.extend((first.pid, second.pid))

    killer = threading.Thread(target=kill)
    killer.start()
    lines: list[str] = []
    done = run(folder, tmp_path, "ray", lines.append)
    killer.join()
    assert len(set(killed)) == 2
    assert (done.executed, done.failed) == (2, 0)
    assert rows(tmp_path) == rows(here)
    assert {line.partition(":")[0] for line in lines if line.startswith("run ")} == {"run 1 of 2", "run 2 of 2"}
    again = run(folder, tmp_path, "ray")
    assert (again.executed, again.resumed) == (0, 2)
    assert again.board.num_rows == done.board.num_rows


def test_what_ends_badly_says_how(address: str) -> None:
    with Cluster(address) as cluster:
        assert cluster.slots == 2
        assert cluster.call(double, 4, needs=Needs(cores=64, memory=10**15)) == 8, "no more than there is"
        assert cluster.apart(os.getpid, seconds=FAR, doing="x") != cluster.apart(os.getpid, seconds=FAR, doing="x")
        with pytest.raises(InputError, match=r"a\.wav: bad"):
            cluster.call(complain, "input")
        for function, argument, status, reason in (
            (complain, "other", "error", "KeyError"),
            (time.sleep, 4 * FAR, "timeout", "the test was ended after 2 s without a result"),
            (die, signal.SIGKILL, "out-of-memory", "the process was killed, probably because memory ran out, 3 times"),
        ):
            with pytest.raises(WorkFailedError) as caught:
                cluster.call(function, argument, seconds=2, doing="the test")
            assert (caught.value.status, reason in caught.value.reason) == (status, True)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(cluster.call, time.sleep, 4 * FAR, doing="a long sleep")
            await_(lambda: working("a long sleep"))
            cluster.stop()
            with pytest.raises(CancelledError):
                waiting.result(FAR)
    await_(lambda: not working("a long sleep"))
    with Cluster(address, "cuda") as cluster, pytest.raises(InputError, match="no node of the Ray cluster has a GPU"):
        assert cluster.slots


@pytest.fixture
def one() -> Run:
    """A run of a small stand-in."""
    card, source = catalogue.get("yamnet"), Source("toy", "audio-classification", "audio", "f", "rendered", "")
    recipe = recipe_for(card, variant_of(card, "nano"), source.task, "full")
    return Run(resolve(card, "stand-in", "nano"), source.task, source, "full", 0, 1.0, recipe, "hash")


def test_weights_are_had_by_their_hash_where_the_files_of_the_driver_are_not(one: Run, tmp_path: Path) -> None:
    assert located(one) is one
    elsewhere = replace(one, checkpoint=replace(one.checkpoint, files=(("w", str(tmp_path / "w")),)))
    assert located(elsewhere) == one
    changed = replace(elsewhere, checkpoint=replace(elsewhere.checkpoint, sha256="0" * 64))
    with pytest.raises(UnavailableError, match="yamnet/nano: the node has other weights"):
        located(changed)


def test_a_run_needs_what_its_model_was_measured_with(one: Run) -> None:
    measured = Measurement(size_bytes=100, peak_memory_bytes=150)
    assert needs_of(one, measured) == Needs(1, PROCESS_BYTES + 4 * 100 + one.recipe.batch_size * 50, 0)
    assert needs_of(replace(one, device="cuda"), measured).gpus == 1
    official = replace(one, checkpoint=replace(one.checkpoint, variant="tflite", tier="official"))
    assert needs_of(official, Measurement()) == Needs(2, PROCESS_BYTES)


def test_an_interrupt_leaves_nothing_running(address: str, folder: Path, here: Path, tmp_path: Path) -> None:
    shutil.copytree(here / "measurements", tmp_path / "measurements")
    command = ["eval", "--task", "audio-classification", "--model", "yamnet", "--variant", "nano"]
    command += ["--data", str(folder), "--out", str(tmp_path), "--strategy", "scratch", "--seeds", "0,1,2,3,4,5"]
    command += [
        "--executor",
        "ray",
        "--address",
        address,
        "--no-baselines",
        "--device",
        "cpu",
        "--budget",
        "20",
        "--fractions",
        "1",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "tlzoo", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None and process.stdout is not None
    lines: list[str] = []
    while not any(line.startswith("run 2 of 6: ") for line in lines):
        lines.append(process.stderr.readline())
        assert lines[-1], lines
    os.killpg(process.pid, signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait(FAR) == 130, (lines, rest)
    assert re.search(r"^tlzoo: interrupted; finished runs are kept in .* goes on from there$", rest, re.M), rest
    assert "Traceback" not in rest and process.stdout.read() == ""
    await_(lambda: not working())


def test_where_no_cluster_answers_one_line_says_so(tmp_path: Path) -> None:
    command = ["eval", "--task", "audio-classification", "--weights", "none", "--out", str(tmp_path), "--offline"]
    command += ["--strategy", "scratch", "--executor", "ray", "--address", "127.0.0.1:9", "--device", "cpu"]
    done = subprocess.run([sys.executable, "-m", "tlzoo", *command], capture_output=True, text=True, timeout=FAR)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("tlzoo: --address 127.0.0.1:9: no Ray cluster answers ("), (
        done.stderr
    )
