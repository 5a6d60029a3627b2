"""What is measured of a model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """Speed and size of a model, as the columns of a row; what was not measured is absent.

    Attributes:
        latency_ms_p50: Median time from one preprocessed example to its prediction, in milliseconds.
        latency_ms_p90: 90th percentile of that time, from 100 calls or more.
        latency_ms_p99: 99th percentile of that time, from 1,000 calls or more.
        throughput: Examples a second at the best batch size, the median of its calls.
        params: Learnable parameters.
        size_bytes: Bytes of all parameters and buffers.
        peak_memory_bytes: Bytes over the process without the model while single examples are predicted; what building
            it took for a while is left out. Absent where the system does not say it, as macOS.
        flops: Floating-point operations of one example's forward pass; absent where none can be counted, as of a
            network in numpy.
        end_to_end_ms: Median time from one example as it is stored to its prediction, in milliseconds.
        noisy: Whether the medians of two rounds of calls differ by more than 20%.
    """

    latency_ms_p50: float | None = None
    latency_ms_p90: float | None = None
    latency_ms_p99: float | None = None
    throughput: float | None = None
    params: int | None = None
    size_bytes: int | None = None
    peak_memory_bytes: int | None = None
    flops: int | None = None
    end_to_end_ms: float | None = None
    noisy: bool | None = None
