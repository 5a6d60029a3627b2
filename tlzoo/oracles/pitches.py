"""How much better one model's embeddings tell notes apart than another's."""

from __future__ import annotations

from tlzoo.adapters.weights import resolve
from tlzoo.cards import catalogue
from tlzoo.data.named import DATASETS
from tlzoo.data.rendered.tones import NOTES, tones
from tlzoo.oracles.embeddings import accuracy, embeddings

TO_LEARN, TO_TEST = 360, 180
"""Notes, as many of each class."""
STEPS = 1000


def lead(card: str, variant: str, other: str, other_variant: str) -> list[float]:
    """Accuracy of a model less that of another one, of 36 classes a semitone apart.

    Args:
        card: The card that should lead.
        variant: Its variant, with official weights.
        other: The other card.
        other_variant: Its variant.

    Raises:
        UnavailableError: Weights are not available.
    """
    chosen = ((card, variant), (other, other_variant))
    checkpoints = [resolve(catalogue.get(name), "official", which) for name, which in chosen]
    splits = tones(sizes=(TO_LEARN, TO_TEST))
    parts = [list(splits[name]) for name in ("train", "validation")]
    classes = [[row["label"] for row in rows] for rows in parts]
    scores = []
    for checkpoint in checkpoints:
        train, test = (embeddings(checkpoint, DATASETS["tones"].task, rows, NOTES) for rows in parts)
        scores.append(accuracy(train, classes[0], test, classes[1], STEPS))
    return [scores[0] - scores[1]]
