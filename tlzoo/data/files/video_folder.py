"""A user's own videos, without labels, cut into consecutive clips."""

from __future__ import annotations

from pathlib import Path

from datasets import Features

from tlzoo.data.dataset import Listing, Target
from tlzoo.data.files.names import SUFFIXES
from tlzoo.data.files.split_names import by_folder
from tlzoo.data.files.walk import check_folder, walk
from tlzoo.data.media.clips import FRAMES, clips_of
from tlzoo.data.media.stored import Stored
from tlzoo.data.media.video import check, length
from tlzoo.errors import InputError


class _NoTargets:
    """Clips have no columns but the clip itself; as ``tlzoo.data.dataset.Targets``."""

    @property
    def features(self) -> Features:
        return Features({})

    def of(self, index: int, value: object) -> Target:
        return Target({})


def listing(folder: Path) -> Listing:
    """Cut every video into clips of 16 frames; videos lie at the top or inside ``train``, ``validation`` and ``test``.

    All clips of a video are in one split. Clips are resized to 64 x 64 pixels.

    Raises:
        InputError: The folder does not exist or holds no video that is long enough.
    """
    check_folder(folder, f"videos ({', '.join(sorted(SUFFIXES['video']))})")
    examples = Listing("video", [], [], [], [], [])
    videos = [path.relative_to(folder) for path in walk(folder) if path.suffix.lower() in SUFFIXES["video"]]
    for name, (split, _) in zip(map(str, videos), by_folder(videos), strict=True):
        path = folder / name
        source: Stored = {"bytes": None, "path": str(path)}
        reason = check(source)
        count = 0 if reason else length(source) // FRAMES
        if not count:
            examples.problems.append(f"{name}: {reason or f'shorter than {FRAMES} frames'}")
            continue
        for number, stored in clips_of(path):
            examples.inputs.append(stored)
            examples.labels.append("")
            examples.names.append(f"{name}/{number:04}")
            assert examples.groups is not None and examples.splits is not None
            examples.groups.append(name)
            examples.splits.append(split or "train")
        examples.files.append(path)
    if not examples.inputs:
        detail = f"; {examples.problems[0]}" if examples.problems else ""
        raise InputError(f"{folder}: no video of {FRAMES} frames or more{detail}")
    examples.targets = _NoTargets()
    return examples
