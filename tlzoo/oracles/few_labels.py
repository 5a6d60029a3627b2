"""A linear probe of few labels, as MTEB measures classification."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from tlzoo.blobs import fetch
from tlzoo.data.dataset import Listing
from tlzoo.data.named import DATASETS
from tlzoo.oracles.embeddings import Labels, accuracy, embeddings
from tlzoo.vocabulary import column

SEED = 42
RUNS = 10
EXAMPLES = 8
"""Of each class."""
STEPS = 100


def accuracies(card: str, variant: str, name: str, is_unit: bool = False) -> list[float]:
    """Accuracy on the whole published test, for each draw of the labels.

    Args:
        card: The card's id.
        variant: Its variant, with official weights.
        name: A named data set that lists published files.
        is_unit: Whether vectors are brought to length one, as sentence-transformers does for models that say so.

    Raises:
        UnavailableError: The weights or the files are not available.
    """
    entry = DATASETS[name]
    module, _, function = str(entry.loader).partition(":")
    listing: Listing = getattr(import_module(module), function)(*(fetch(blob) for blob in entry.files))
    assert listing.splits is not None
    names = sorted(set(listing.labels))
    classes = [names.index(label) for label in listing.labels]
    rows: list[dict[str, Any]] = [
        {column(listing.kind): source, "label": label, "id": each}
        for source, label, each in zip(listing.inputs, classes, listing.names, strict=True)
    ]
    train, test = ([i for i, split in enumerate(listing.splits) if split == part] for part in ("train", "test"))
    drawn = draws([classes[i] for i in train])
    wanted = sorted({train[i] for places in drawn for i in places} | set(test))
    found = embeddings(card, variant, entry.task, [rows[i] for i in wanted], names)
    if is_unit:
        found /= np.linalg.norm(found, axis=1, keepdims=True)
    vectors = dict(zip(wanted, found, strict=True))
    tested, truth = np.stack([vectors[i] for i in test]), [classes[i] for i in test]
    return [
        accuracy(np.stack([vectors[i] for i in chosen]), [classes[i] for i in chosen], tested, truth, STEPS, SEED)
        for chosen in ([train[i] for i in places] for places in drawn)
    ]


def draws(labels: Labels) -> list[list[int]]:
    """Places of each run's examples: the first of each class, in an order that is shuffled once more each time."""
    order = list(range(len(labels)))
    drawn: list[list[int]] = []
    for _ in range(RUNS):
        np.random.RandomState(SEED).shuffle(order)
        left = dict.fromkeys(labels, EXAMPLES)
        chosen = []
        for place in order:
            if left[labels[place]]:
                left[labels[place]] -= 1
                chosen.append(place)
        drawn.append(chosen)
    return drawn
