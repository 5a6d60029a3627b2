"""A small table of texts whose classes are easy to tell apart."""

import csv
from pathlib import Path

import numpy as np

WORDS = {"fruit": ("apple", "banana", "cherry", "melon"), "tool": ("hammer", "saw", "drill", "wrench")}


def table_of_texts(path: Path, rows: int, words: int) -> Path:
    """Write so many rows, of two classes in turn, each of so many words and a number of its own."""
    rng = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for i in range(rows):
            label = tuple(WORDS)[i % 2]
            writer.writerow([f"{' '.join(rng.choice(WORDS[label], words))} {rng.integers(10_000)}", label])
    return path
