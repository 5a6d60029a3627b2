"""Which device there is, and how many cores a process may use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tlzoo.errors import InputError
from tlzoo.measure import device

HERE = device.accelerator()


def test_auto_is_what_torch_can_use_else_the_cpu() -> None:
    there = torch.accelerator.current_accelerator(check_available=True)
    assert device.choose_device("auto") == (there.type if there else "cpu")
    assert device.choose_device("cpu") == "cpu"


@pytest.mark.skipif(HERE is not None, reason="there is an accelerator")
def test_where_there_is_no_driver_torch_is_not_asked() -> None:
    code = "import sys; from tlzoo.measure.device import choose_device as choose; print(choose('auto'), *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    words = done.stdout.split()
    assert words[0] == "cpu" and "torch" not in words


@pytest.mark.parametrize("name", sorted({"cuda", "mps", "xpu"} - {HERE}))
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    use = " or ".join(f"--device {each}" for each in filter(None, (HERE, "cpu")))
    with pytest.raises(InputError, match=f"^--device {name}: torch can use no such device here; use {use}$"):
        device.choose_device(name)


def test_a_driver_alone_is_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_DRIVERS", ("libc.so.6",))
    assert device.accelerator() == HERE


def test_the_name_of_the_device() -> None:
    assert device.device_name("cpu") == "cpu"
    assert HERE is None or device.device_name(HERE) not in ("", HERE)


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
