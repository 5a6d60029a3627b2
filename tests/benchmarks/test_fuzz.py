"""Some mutated files of each kind are read or refused; and the benchmark notices what goes wrong."""

import json
import multiprocessing
import os
import random
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from benchmarks import fuzz
from tests.support.mutations import BYTES, LINES, mutated, rewritten
from tlzoo.errors import InputError, TlzooError

COUNTS = {"archives": 30, "media": 60, "weights": 60, "folders": 10, "results": 40}


@pytest.mark.parametrize("kind", COUNTS)
def test_a_mutated_file_is_read_or_refused(kind: str) -> None:
    cases = fuzz.run(kind, range(COUNTS[kind]), seed=99)
    assert not [case for case in cases if case.faults]
    assert {case.outcome for case in cases} >= ({"read"} if kind == "results" else {"read", "refused"})


def read(act: Callable[[Path], object], folder: Path) -> fuzz.Case:
    """What the benchmark says of a reader that does something."""

    class Files:
        def make(self, chance: random.Random, case: Path) -> Path:
            (case / "a").write_text("x")
            return case / "a"

        def read(self, path: Path) -> None:
            act(path)

    for name in ("cache", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    writes = fuzz.Writes([folder / "cache", folder / "tmp"])
    return fuzz.one(Files(), 0, "seed", folder, writes)


def refuse(error: TlzooError) -> None:
    raise error


@pytest.mark.parametrize(
    ("act", "faults"),
    [
        (lambda path: None, []),
        (lambda path: refuse(InputError("no")), []),
        (lambda path: (path.parents[1] / "cache" / "x").write_text("x"), []),
        (lambda path: path.with_name("b").write_text("x"), ["outside"]),
        (lambda path: os.link(path, path.parents[2] / "escape.png"), ["outside"]),
        (lambda path: 1 / 0, ["exception"]),
        (lambda path: refuse(InputError("MemoryError: no room")), ["over 1 GB"]),
    ],
)
def test_what_goes_wrong_is_noticed(tmp_path: Path, act: Callable[[Path], object], faults: list[str]) -> None:
    (tmp_path / "root").mkdir()
    assert read(act, tmp_path / "root").faults == faults


def work(path: Path) -> None:
    """What takes a twentieth of a second and 50 MB."""
    content = bytes(range(256)) * 200_000
    begun = time.process_time()
    while time.process_time() - begun < 0.05:
        content.count(b"x")


def test_time_and_memory_are_measured(tmp_path: Path) -> None:
    """In a process of its own: this one may let go of the memory of other tests meanwhile."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        case = pool.submit(read, work, tmp_path).result()
    assert case.bytes > 10_000_000 and case.seconds >= 0.05
    assert fuzz.Case(0, "read", seconds=6, bytes=2 * 10**9).faults == ["over 5 s", "over 1 GB"]


def test_the_same_seed_makes_the_same_files() -> None:
    content = json.dumps({"a": [1, {"b": "c"}]}).encode() + b"\nmore: 1\n"
    changes = (*LINES, *BYTES, rewritten)
    one, other = ([mutated(content, random.Random(i), changes, [content]) for i in range(50)] for _ in range(2))
    assert one == other and len(set(one)) > 30
