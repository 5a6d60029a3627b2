"""Speed, memory and size of a model, each measured in a process of its own.

As MLPerf's single-stream scenario (Reddi 2019, 1911.02549) and optimum-benchmark do it: warm up, time single examples
until both enough of them and enough time have passed, report percentiles. Decoding and preprocessing stay outside.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from tlzoo.core.batch import Batch, Example, Row, to_device
from tlzoo.core.model import Learner, Model, Network

WARM_UP_CALLS = 10
MIN_CALLS = 40
MIN_SECONDS = 2.0
MAX_SECONDS = 10.0
BATCH_SIZES = (1, 4, 16, 64)


@dataclass(frozen=True)
class Measurement:
    """Speed and size of a model, as the columns of a row; what was not measured is absent.

    Attributes:
        latency_ms_p50: Median time from one preprocessed example to its prediction, in milliseconds.
        latency_ms_p90: 90th percentile of that time.
        latency_ms_p99: 99th percentile of that time.
        throughput: Examples a second at the best batch size.
        params: Learnable parameters.
        size_bytes: Bytes of all parameters and buffers.
        peak_memory_bytes: Bytes over the process without the model while single examples are predicted.
        flops: Floating-point operations of one example's forward pass.
    """

    latency_ms_p50: float | None = None
    latency_ms_p90: float | None = None
    latency_ms_p99: float | None = None
    throughput: float | None = None
    params: int | None = None
    size_bytes: int | None = None
    peak_memory_bytes: int | None = None
    flops: int | None = None


def measure(build: Callable[[], Model], rows: Sequence[Row], device: str = "cpu") -> Measurement:
    """Measure a model.

    Args:
        build: Makes the model; called once, after the memory's baseline was read.
        rows: Rows to predict; repeated where a batch is larger.
        device: ``"cpu"`` or ``"cuda"``.
    """
    _reset_peak(device)
    baseline = _memory(device, "VmRSS")
    model = build().to(device).eval()
    examples = [model.encode(row) for row in rows]
    singles = [to_device(model.collate([e]), device) for e in examples]
    with torch.inference_mode():
        times = _time(model, singles, device)
        peak = _memory(device, "VmHWM") - baseline
        throughput = _best_throughput(model, examples, device)
    p50, p90, p99 = (float(1000 * q) for q in np.quantile(times, [0.5, 0.9, 0.99]))
    return Measurement(
        latency_ms_p50=p50,
        latency_ms_p90=p90,
        latency_ms_p99=p99,
        throughput=throughput,
        params=parameter_count(model),
        size_bytes=sum(t.numel() * t.element_size() for t in model.state_dict().values()),
        peak_memory_bytes=max(0, peak),
        flops=_flops(model, singles[0]),
    )


def measure_answers(model: Model, rows: Sequence[Row]) -> Measurement:
    """Measure a model behind an API, without its first answer, for which a server may load the model.

    Args:
        model: The model.
        rows: Rows to send, each once alone, and once together with the others.

    Returns:
        The 50th and 90th percentiles of the latency of single requests (so few do not show a 99th), and the throughput
        of several at a time.
    """
    singles = [model.preprocess([row]) for row in rows]
    model.predict(singles[0])
    times: list[float] = []
    for single in singles:
        start = time.perf_counter()
        model.predict(single)
        times.append(time.perf_counter() - start)
        if sum(times) >= MAX_SECONDS:
            break
    start = time.perf_counter()
    model.predict(model.preprocess(rows[: len(times)]))
    together = len(times) / (time.perf_counter() - start)
    p50, p90 = (float(1000 * q) for q in np.quantile(times, [0.5, 0.9]))
    return Measurement(latency_ms_p50=p50, latency_ms_p90=p90, throughput=together)


def training_rate(model: Learner, rows: Sequence[Row], batch_size: int, device: str = "cpu") -> float:
    """Examples a second in training: the best of the last three of five steps (of two slow ones), updates left out."""
    examples = [model.encode(row) for row in rows]
    batch = to_device(model.collate([examples[i % len(examples)] for i in range(batch_size)]), device)
    model.to(device).train()
    seconds: list[float] = []
    while len(seconds) < 2 or (len(seconds) < 5 and sum(seconds) < MAX_SECONDS / 2):
        _wait(device)
        start = time.perf_counter()
        torch.autograd.backward(model.loss(model.augment(batch)))
        _wait(device)
        seconds.append(time.perf_counter() - start)
    return batch_size / min(seconds[-3:])


def parameter_count(network: Network) -> int:
    """Learnable parameters, each tensor once."""
    return sum(p.numel() for p in network.parameters())


def _time(model: Model, batches: list[Batch], device: str) -> list[float]:
    began = time.perf_counter()
    for i in range(WARM_UP_CALLS):
        model.predict(batches[i % len(batches)])
        if time.perf_counter() - began > MAX_SECONDS:
            break
    times: list[float] = []
    began = time.perf_counter()
    while True:
        _wait(device)
        start = time.perf_counter()
        model.predict(batches[len(times) % len(batches)])
        _wait(device)
        times.append(time.perf_counter() - start)
        spent = time.perf_counter() - began
        if (len(times) >= MIN_CALLS and spent >= MIN_SECONDS) or spent >= MAX_SECONDS:
            return times


def _best_throughput(model: Model, examples: Sequence[Example], device: str) -> float:
    """Examples a second at the best batch size; larger ones are tried as long as they gain and do not take long."""
    best = 0.0
    for size in BATCH_SIZES:
        if best and size / best > MAX_SECONDS:
            break
        rate = _throughput(model, examples, size, device)
        if rate <= best:
            break
        best = rate
    return best


def _throughput(model: Model, examples: Sequence[Example], size: int, device: str) -> float:
    batch = to_device(model.collate([examples[i % len(examples)] for i in range(size)]), device)
    best, spent, calls = 0.0, 0.0, 0
    while not calls or (calls < 3 and spent < MIN_SECONDS) or (calls < 50 and spent < MIN_SECONDS / 4):
        _wait(device)
        start = time.perf_counter()
        try:
            model.predict(batch)
        except torch.OutOfMemoryError:
            return best
        _wait(device)
        took = time.perf_counter() - start
        spent, calls = spent + took, calls + 1
        best = max(best, size / took)
    return best


def _flops(model: Model, batch: Batch) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.predict(batch)
    return int(counter.get_total_flops())


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _reset_peak(device: str) -> None:
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    else:
        Path("/proc/self/clear_refs").write_text("5")


def _memory(device: str, name: str) -> int:
    """Resident bytes of this process now (``VmRSS``) or at its peak (``VmHWM``); on CUDA, those allocated there."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() if name == "VmHWM" else torch.cuda.memory_allocated()
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 0
