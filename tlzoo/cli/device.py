"""The options ``--device`` and ``--precision``."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

Device = Annotated[
    Literal["auto", "cpu", "cuda", "mps", "xpu"],
    typer.Option(
        help="Device to run on: cuda (a GPU of NVIDIA or AMD), mps (Apple), xpu (Intel) or cpu; auto is the GPU that "
        "torch can use, else cpu."
    ),
]
Precision = Annotated[
    Literal["no", "auto", "bf16", "fp16"],
    typer.Option(
        help="Precision of training: no (float32), or mixed: bf16 or fp16, used only if a short trial agrees with "
        "float32; auto is the first of these that does on a GPU, else no."
    ),
]
