"""Kept results get the keys of today: as the same run under another name, or not at all."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tlzoo.leaderboard.store import Store

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "rekey.py"
RECIPE = {
    "accumulation": 1,
    "augment": True,
    "batch_size": 32,
    "epochs": 40,
    "learning_rates": [0.01, 0.003, 0.001],
    "looks": 16,
    "max_norm": 1.0,
    "patience": 5,
    "precision": "no",
    "shots": 0,
    "steps": 600,
    "trial": 0.5,
    "version": 1,
    "warmup": 0.1,
    "weight_decay": 0.001,
}
OLD = {
    "run_id": "ccc37a866d4bd84c0a04b4c059b6efcd",
    "variant": "nano",
    "weights": "stand-in",
    "task": "audio-classification",
    "dataset": "spoken-digits",
    "metric": "accuracy",
    "value": 0.625,
    "status": "ok",
    "card_hash": "fb41e640e07f98c7972390fdd8ac4e1c5bba984b4b61ad331e5b3e8fc94fe48f",
    "weights_sha256": "488abe17a1f4e54634e445e5f147413a00034b67f278db633a9b8ab81571080d",
    "dataset_fingerprint": "1d7ae81ebc22f7bf7d11f4611ba031f9a4ab0587a09256363a4a0169cf9829d0",
    "recipe": json.dumps(RECIPE, sort_keys=True),
}
"""A row of a run, with the keys of before."""
NEW = {
    "run_id": "637332f0542635240b79576e0cda4192",
    "card_hash": "5473d5b662ef7c44dbb39e28b06533e3fe27e2d6985c3da5414204c93246a940",
    "weights_sha256": "e57bc8c3ed02ae51fac1b7f9e5c9468dc0c231229439d1d15b4b53154b2eb257",
    "dataset_fingerprint": "7ea073264d2fc0b0e11d8fc8fc431993f6655803c49a17e1ea2b8bb7a83c644b",
}


def rekeyed(row: Callable[..., dict[str, Any]], folder: Path, **changes: Any) -> tuple[str, dict[str, Any]]:
    """What the script says of a folder with the one row, and the row afterwards."""
    Store(folder).write([row("yamnet", "probe", 0.625, **OLD | changes)])
    done = subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True, check=True)
    return done.stdout, Store(folder).read().to_pylist()[0]


OTHER = json.dumps(RECIPE | {"steps": 5}, sort_keys=True)


@pytest.mark.parametrize(
    ("changes", "message", "keys"),
    [
        ({}, "1 rows have new keys; 0 rows", NEW),
        ({"recipe": OTHER}, "0 rows have new keys; 1 rows are of other versions", {}),
        ({"card_hash": "0" * 64}, "0 rows have new keys; 1 rows", {}),
    ],
    ids=["of today", "with another recipe than its key says", "of a card that is not known"],
)
def test_a_run_of_today_gets_its_new_keys_and_any_other_stays_as_it_is(
    row: Callable[..., dict[str, Any]], tmp_path: Path, changes: dict[str, str], message: str, keys: dict[str, str]
) -> None:
    said, result = rekeyed(row, tmp_path, **changes)
    assert message in said
    assert {name: result[name] for name in OLD} == OLD | changes | keys
    again = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, check=True)
    assert "0 rows have new keys; 1 rows" in again.stdout  # once is enough: a new key is not taken for an old one
