"""A linear probe of few labels, as MTEB measures classification."""

from __future__ import annotations

import numpy as np

from tlzoo.adapters.weights import resolve
from tlzoo.cards import catalogue
from tlzoo.data.named import DATASETS
from tlzoo.data.published import published
from tlzoo.oracles.embeddings import Labels, accuracy, embeddings

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
    data = published(name)
    train, test = data["train"], data["test"]
    labels, truth = train["label"][:], test["label"][:]
    drawn = draws(labels)
    wanted = sorted({place for places in drawn for place in places})
    rows = [*train.select(wanted), *test]
    checkpoint = resolve(catalogue.get(card), "official", variant)
    vectors = embeddings(checkpoint, DATASETS[name].task, rows, train.features["label"].names)
    if is_unit:
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    learnt, tested = dict(zip(wanted, vectors, strict=False)), vectors[len(wanted) :]
    return [
        accuracy(np.stack([learnt[i] for i in places]), [labels[i] for i in places], tested, truth, STEPS, SEED)
        for places in drawn
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
