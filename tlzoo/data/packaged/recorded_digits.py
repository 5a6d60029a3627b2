"""The Free Spoken Digit Dataset: ten digits, said fifty times each by six people, at 8 kHz."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from tlzoo.blobs.archives import contents
from tlzoo.data.dataset import Listing

TEST_TAKES = range(5)
"""The takes of each digit and speaker that are the published test (the data set's README, "Usage")."""


def fsdd(recordings: Path) -> Listing:
    """All 3,000 recordings with their published splits, 2,700 to train on, 300 of the test; grouped by speaker.

    Args:
        recordings: A tar file with a sound for each take, named ``DIGIT_SPEAKER_TAKE.wav``.
    """
    examples = Listing("audio", [], [], [], groups=[], splits=[])
    assert examples.groups is not None and examples.splits is not None
    for path, content in contents(recordings).items():
        name = PurePosixPath(path).stem
        digit, speaker, take = name.split("_")
        examples.inputs.append({"bytes": content, "path": path})
        examples.labels.append(digit)
        examples.names.append(name)
        examples.groups.append(speaker)
        examples.splits.append("test" if int(take) in TEST_TAKES else "train")
    return examples
