"""Speed, memory and size of a model, each measured in a process of its own.

As MLPerf's single-stream scenario (Reddi 2019, 1911.02549) and optimum-benchmark do it: warm up, time single examples
until enough of them or enough time have passed, report percentiles. Decoding and preprocessing stay outside, except in
the time from an example as it is stored to its prediction.
"""

from __future__ import annotations

import ctypes
import gc
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from tlzoo.core.batch import Batch, Example, Row, to_device
from tlzoo.core.model import Learner, Model, Network
from tlzoo.measure.measurement import Measurement

WARM_UP = (10, 1.0)
"""Calls, and seconds after which no more of them are made."""
ROUNDS = 2
"""Rounds of timed calls, with the measurement of the throughput between them."""
ROUND_CALLS = 500
ROUND_SECONDS = (1.5, 4.0)
"""Seconds of a round of calls after which it ends: where it has enough for a 90th percentile, and at all events."""
CALLS_OF = {"p90": 100, "p99": 1000}
"""Minimum number of calls that a percentile is read from, so that ten or more of them lie beyond it."""
NOISY = 0.2
"""Share by which the medians of two rounds may differ."""
BATCH_SIZES = (1, 4, 16, 64)
THROUGHPUT_SECONDS = 6.0
STORED_CALLS, STORED_SECONDS = 30, 1.0
"""Maximum of calls, and of seconds, from an example as it is stored to its prediction."""
MAX_SECONDS = 10.0
"""Of requests to an endpoint, or of two rounds of training steps."""
_STATUS = Path("/proc/self/status")


def measure(build: Callable[[], Model], rows: Sequence[Row], device: str = "cpu") -> Measurement:
    """Measure a model.

    Args:
        build: Makes the model; called twice, so that libraries and files that it is the first to load are there before
            the memory's baseline is read.
        rows: Rows to predict; repeated where a batch is larger.
        device: One of :data:`~tlzoo.measure.device.DEVICES`, but ``"auto"``.
    """
    model, peak = _loaded(build, rows, device)
    examples = [model.encode(row) for row in rows]
    singles = [to_device(model.collate([e]), device) for e in examples]
    with torch.inference_mode():
        _warm_up(model, singles, device)
        rounds = [_time(model, singles, device)]
        throughput = _best_throughput(model, examples, device)
        rounds += [_time(model, singles, device) for _ in range(ROUNDS - 1)]
        end_to_end = _end_to_end(model, rows, device)
    medians = [float(np.median(times)) for times in rounds]
    times = np.concatenate(rounds)
    return Measurement(
        latency_ms_p50=float(1000 * np.median(times)),
        latency_ms_p90=_percentile(times, "p90"),
        latency_ms_p99=_percentile(times, "p99"),
        throughput=throughput,
        params=parameter_count(model),
        size_bytes=sum(t.numel() * t.element_size() for t in model.state_dict().values()),
        peak_memory_bytes=peak,
        flops=_flops(model, singles[0]),
        end_to_end_ms=1000 * end_to_end,
        noisy=max(medians) > (1 + NOISY) * min(medians),
    )


def measure_answers(model: Model, rows: Sequence[Row]) -> Measurement:
    """Measure a model behind an API, without its first answer, for which a server may load the model.

    Args:
        model: The model.
        rows: Rows to send, each once alone, and once together with the others.

    Returns:
        The median latency of single requests (so few show no other percentile), and the throughput of several at a
        time.
    """
    singles = [model.preprocess([row]) for row in rows]
    model.predict(singles[0])
    times: list[float] = []
    for single in singles:
        times.append(_seconds(partial(model.predict, single)))
        if sum(times) >= MAX_SECONDS:
            break
    together = len(times) / _seconds(lambda: model.predict(model.preprocess(rows[: len(times)])))
    return Measurement(latency_ms_p50=float(1000 * np.median(times)), throughput=together)


def training_rate(model: Learner, rows: Sequence[Row], batch_size: int, device: str = "cpu") -> float:
    """Examples a second in training: the best of the last three of five steps (of two slow ones), updates left out."""
    examples = [model.encode(row) for row in rows]
    batch = to_device(model.collate([examples[i % len(examples)] for i in range(batch_size)]), device)
    model.to(device).train()
    seconds: list[float] = []
    while len(seconds) < 2 or (len(seconds) < 5 and sum(seconds) < MAX_SECONDS / 2):
        seconds.append(_seconds(lambda: torch.autograd.backward(model.loss(model.augment(batch))), device))
    return batch_size / min(seconds[-3:])


def parameter_count(network: Network) -> int:
    """Learnable parameters, each tensor once."""
    return sum(p.numel() for p in network.parameters())


def _seconds(call: Callable[[], object], device: str = "cpu") -> float:
    """Seconds of a call until its work on the device is done: on CUDA by events, which the device times itself."""
    _wait(device)
    if device == "cuda":
        begin, end = (torch.Event(device, enable_timing=True) for _ in range(2))
        begin.record()
        call()
        end.record()
        end.synchronize()
        return float(begin.elapsed_time(end)) / 1000
    start = time.perf_counter()
    call()
    _wait(device)
    return time.perf_counter() - start


def _loaded(build: Callable[[], Model], rows: Sequence[Row], device: str) -> tuple[Model, int | None]:
    """Build a model; and the peak of the memory that it takes to predict rows one at a time, in bytes.

    It is built twice: after the first one is gone, what a process loads only once does not count.
    """
    _predict_singly(build().to(device).eval(), rows[:1], device)
    baseline = _resting(device)
    model = build().to(device).eval()
    _resting(device)
    _reset_peak(device)
    _predict_singly(model, rows, device)
    peak = _memory(device, "VmHWM")
    return model, None if peak is None or baseline is None else max(0, peak - baseline)


def _predict_singly(model: Model, rows: Sequence[Row], device: str) -> None:
    with torch.inference_mode():
        for row in rows:
            model.predict(to_device(model.preprocess([row]), device))


def _warm_up(model: Model, batches: Sequence[Batch], device: str) -> None:
    calls, seconds = WARM_UP
    began = time.perf_counter()
    for _, batch in zip(range(calls), cycle(batches), strict=False):
        model.predict(batch)
        _wait(device)
        if time.perf_counter() - began > seconds:
            break


def _time(model: Model, batches: Sequence[Batch], device: str) -> list[float]:
    """Seconds of each call of a round."""
    enough, limit = ROUND_SECONDS
    times: list[float] = []
    began = time.perf_counter()
    for batch in cycle(batches):
        times.append(_seconds(partial(model.predict, batch), device))
        elapsed = time.perf_counter() - began
        is_enough = elapsed >= enough and len(times) * ROUNDS >= CALLS_OF["p90"]
        if len(times) == ROUND_CALLS or is_enough or elapsed >= limit:
            break
    return times


def _percentile(times: NDArray[np.float64], name: str) -> float | None:
    """A percentile in milliseconds; absent where there are too few calls for it."""
    return float(1000 * np.quantile(times, int(name[1:]) / 100)) if len(times) >= CALLS_OF[name] else None


def _end_to_end(model: Model, rows: Sequence[Row], device: str) -> float:
    """Median of the seconds from a row to its prediction."""
    times: list[float] = []
    for row in cycle(rows):
        times.append(_seconds(partial(_predict_singly, model, [row], device), device))
        if len(times) == STORED_CALLS or sum(times) >= STORED_SECONDS:
            break
    return float(np.median(times))


def _best_throughput(model: Model, examples: Sequence[Example], device: str) -> float:
    """Examples a second at the best batch size, of all sizes whose batches fit into the time that is left."""
    best, began = 0.0, time.perf_counter()
    for size in BATCH_SIZES:
        left = THROUGHPUT_SECONDS - (time.perf_counter() - began)
        if best and size / best > left:
            break
        best = max(best, _throughput(model, examples, size, device))
    return best


def _throughput(model: Model, examples: Sequence[Example], size: int, device: str) -> float:
    """Examples a second in batches of a size, the median of some calls; 0 where the memory does not suffice."""
    batch = to_device(model.collate([examples[i % len(examples)] for i in range(size)]), device)
    times: list[float] = []
    share = THROUGHPUT_SECONDS / len(BATCH_SIZES)
    while not times or (sum(times) < share and (len(times) < 3 or (len(times) < 30 and sum(times) < share / 3))):
        try:
            times.append(_seconds(partial(model.predict, batch), device))
        except torch.OutOfMemoryError:
            return 0.0
    return size / float(np.median(times))


def _flops(model: Model, batch: Batch) -> int | None:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.predict(batch)
    return int(counter.get_total_flops()) or None


def _wait(device: str) -> None:
    if device != "cpu":
        torch.accelerator.synchronize()


def _resting(device: str) -> int | None:
    """Bytes that this process needs for what it has; what it has freed is given back first."""
    gc.collect()
    if device == "cpu":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc alone
        if trim is not None:
            trim(0)
    return _memory(device, "VmRSS")


def _reset_peak(device: str) -> None:
    if device in ("cuda", "xpu"):
        torch.accelerator.reset_peak_memory_stats()
    elif _STATUS.exists():
        Path("/proc/self/clear_refs").write_text("5")


def _memory(device: str, name: str) -> int | None:
    """Resident bytes of this process now (``VmRSS``) or at its peak (``VmHWM``); on a GPU, those allocated there.

    Absent where they are not known: a GPU of Apple has no peak, and only Linux has that of a process.
    """
    if device == "mps":
        return None
    if device != "cpu":
        of_torch = torch.accelerator.max_memory_allocated if name == "VmHWM" else torch.accelerator.memory_allocated
        return int(of_torch())
    lines = _STATUS.read_text().splitlines() if _STATUS.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), None)
