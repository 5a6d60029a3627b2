"""A person's own videos, without labels, cut into clips that follow each other."""

from __future__ import annotations

from pathlib import Path

from datasets import Features

from tlzoo.data.dataset import Listing, Target
from tlzoo.data.files.folder import SUFFIXES, walk
from tlzoo.data.files.split_names import by_folder
from tlzoo.data.media.clips import FRAMES, clips_of
from tlzoo.data.media.video import check, length
from tlzoo.errors import InputError


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
        for number, stored in clips_of(path):
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
