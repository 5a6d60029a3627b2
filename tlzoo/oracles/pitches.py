"""How much better one model's embeddings tell notes apart than another's."""

from __future__ import annotations

from tlzoo.data.rendered.tones import NOTES, tones
from tlzoo.oracles.embeddings import accuracy, embeddings

TO_LEARN, TO_TEST = 360, 180
"""Notes, as many of each class."""
STEPS = 1000
TASK = "audio-classification"


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
    splits = tones(sizes=(TO_LEARN, TO_TEST))
    parts = [list(splits[name]) for name in ("train", "validation")]
    classes = [[row["label"] for row in rows] for rows in parts]
    scores = []
    for name, chosen in ((card, variant), (other, other_variant)):
        train, test = (embeddings(name, chosen, TASK, rows, NOTES) for rows in parts)
        scores.append(accuracy(train, classes[0], test, classes[1], STEPS))
    return [scores[0] - scores[1]]
