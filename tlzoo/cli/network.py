"""The option ``--offline``, of every command that may download."""

from __future__ import annotations

import os
from typing import Annotated

import typer


def _use_no_network(is_given: bool) -> bool:
    """Set the variables that this process, its workers and the libraries read when they are imported."""
    if is_given:
        os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    return is_given


Offline = Annotated[
    bool,
    typer.Option(
        "--offline",
        callback=_use_no_network,
        help="Use only what is on this machine, as with HF_HUB_OFFLINE=1: cached files, mirrors, and data that need no "
        "download.",
    ),
]
