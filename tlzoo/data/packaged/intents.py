"""Banking77: what customers of a bank write, by what they want (Casanueva 2020, 2003.04807)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tlzoo.data.dataset import Listing


def banking77(train: Path, test: Path) -> Listing:
    """All 13,083 messages in 77 classes, with their published splits: 10,003 to train on, 3,080 of the test.

    Args:
        train: ``train.csv``, columns ``text`` and ``category``.
        test: ``test.csv``, likewise.
    """
    examples = Listing("text", [], [], [], splits=[])
    for split, path in (("train", train), ("test", test)):
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        examples.inputs += frame["text"].tolist()
        examples.labels += frame["category"].tolist()
        examples.names += [f"{split} {number}" for number in range(len(frame))]
        examples.splits = [*(examples.splits or ()), *[split] * len(frame)]
    return examples
