"""How many cores a process may use."""

import os
from pathlib import Path

import pytest

from tlzoo.measure import device


@pytest.fixture
def eight(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A process that may run on eight cores; gives the folder of its control group."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(device, "_CGROUPS", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("quota", "count"), [("max 100000", 8), ("250000 100000", 2), ("50000 100000", 1), ("9900000 100000", 8)]
)
def test_a_quota_of_time_limits_the_cores(eight: Path, quota: str, count: int) -> None:
    assert device.cores() == 8
    (eight / "cpu.max").write_text(f"{quota}\n")
    assert device.cores() == count


@pytest.mark.parametrize(("quota", "count"), [("-1", 8), ("300000", 3)])
def test_a_quota_of_the_first_version(eight: Path, quota: str, count: int) -> None:
    (eight / "cpu").mkdir()
    (eight / "cpu" / "cpu.cfs_quota_us").write_text(quota)
    (eight / "cpu" / "cpu.cfs_period_us").write_text("100000")
    assert device.cores() == count


def test_threads_are_those_that_are_set_else_one_a_core(eight: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device.thread_count.cache_clear()
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert device.thread_count() == 3
    device.thread_count.cache_clear()
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert device.thread_count() == 8
    device.thread_count.cache_clear()
