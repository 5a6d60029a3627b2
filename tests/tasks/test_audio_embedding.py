"""Embedding of sounds: neighbours and a linear probe on the vectors of training examples."""

import numpy as np
import pytest
import torch
from torch import nn

from tlzoo.adapters import build
from tlzoo.adapters.weights import variant_of
from tlzoo.cards import catalogue
from tlzoo.core.batch import Spec
from tlzoo.core.predictions import Embedding
from tlzoo.data.media.audio import encode_wav
from tlzoo.tasks.audio_embedding import AudioEmbedding

LABELS = ("high", "low", "mixed")


def vectors(count: int, seed: int = 0) -> tuple[list[dict], list[dict]]:
    """Predictions and rows of three classes, which lie in three directions; one value is large and says nothing."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    values = np.eye(3)[labels] * 3 + rng.normal(0, 0.3, (count, 3))
    values = np.hstack([values, rng.normal(0, 1000, (count, 1))])
    return [Embedding(v.tolist()) for v in values], [{"label": int(y)} for y in labels]


def scores(task: AudioEmbedding, predictions: list[Embedding], rows: list[dict]) -> dict[str, float]:
    each = [task.statistics(p, row) for p, row in zip(predictions, rows, strict=True)]
    return {name: float(np.mean([e[name] for e in each])) for name in task.metrics}


def test_neighbours_and_a_linear_probe_find_classes() -> None:
    task = AudioEmbedding.of(LABELS)
    assert task.metrics == ("knn_accuracy", "linear_accuracy")
    task.fit_reference(*vectors(90))
    found = scores(task, *vectors(60, seed=1))
    assert min(found.values()) > 0.9  # not so without standardising: the last value would drown the others


def test_wrong_labels_of_training_are_believed() -> None:
    predictions, rows = vectors(90)
    task = AudioEmbedding.of(LABELS)
    task.fit_reference(predictions, [{"label": (row["label"] + 1) % 3} for row in rows])
    assert max(scores(task, *vectors(60, seed=1)).values()) < 0.1


def test_few_training_examples_are_enough() -> None:
    task = AudioEmbedding.of(LABELS)
    task.fit_reference(*vectors(3))
    assert set(scores(task, *vectors(6, seed=1))) == set(task.metrics)


def test_scores_need_what_is_compared_with() -> None:
    predictions, rows = vectors(1)
    with pytest.raises(AssertionError, match="refer"):
        AudioEmbedding.of(LABELS).statistics(predictions[0], rows[0])


def test_head_changes_nothing_at_first_and_learns() -> None:
    torch.manual_seed(0)
    task = AudioEmbedding.of(LABELS)
    head = task.head(Spec("audio", {"pooled": 4}))
    predictions, rows = vectors(90)
    x = torch.tensor([p.embedding for p in predictions])
    torch.testing.assert_close(head(x).vectors, (x - x.mean(0)) / x.std(0, correction=0), atol=1e-3, rtol=1e-3)
    target = torch.tensor([row["label"] for row in rows])
    optimizer = torch.optim.Adam(head.parameters(), 0.05)
    first = task.loss(head(x), {"target": target}).item()
    for _ in range(60):
        loss = task.loss(head(x), {"target": target})
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < first / 4
    assert len(task.decode(head.eval()(x), {})[0].embedding) == 4


def test_any_audio_backbone_embeds_without_training() -> None:
    task = AudioEmbedding.of(LABELS)
    sound = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    row = {"audio": {"bytes": encode_wav(sound, 16_000), "path": None}}
    for name in ("openl3", "trill", "yamnet", "crepe"):
        card = catalogue.get(name)
        assert card.can_do("audio-embedding") and card.can_do("audio-classification")
        variant = variant_of(card, "nano")
        model = build(variant, card.input_of(variant)).for_zero_shot(task)
        assert model is not None and isinstance(model.head, nn.Identity)
        with torch.inference_mode():
            (prediction,) = model.eval().predict(model.preprocess([row]))
        assert len(prediction.embedding) == model.spec.outputs["pooled"]
