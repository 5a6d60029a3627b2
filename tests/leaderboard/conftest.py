"""Results made by hand: what a run would have written."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

Maker = Callable[..., dict[str, Any]]


@pytest.fixture
def row() -> Maker:
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
