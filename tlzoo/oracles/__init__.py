"""Published numbers that the harness has to reproduce, each with its protocol, source and tolerance: plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_MTEB = "https://github.com/embeddings-benchmark/results/blob/main/results/"
_MINILM = f"{_MTEB}sentence-transformers__all-MiniLM-L6-v2/8b3219a92973c328a8e22fadcfa821b5dc75636a/"
_HEAR = "https://github.com/hearbenchmark/hearbenchmark.com/blob/main/docs/assets/leaderboard.csv"
_FEW_LABELS = (
    "MTEB's classification: ten draws of 8 examples a class, a logistic regression on frozen embeddings, "
    "mean accuracy on the whole test"
)
_COSINE = "MTEB's similarity: mean of the tokens' vectors, Spearman's correlation of cosines with people's scores"
_ORDER = (
    "how much better a logistic regression on frozen embeddings tells semitones apart; HEAR's number is of NSynth "
    "Pitch, 5 hours, and ours of rendered notes, so that only the order can be compared"
)


@dataclass(frozen=True)
class Oracle:
    """A published number.

    Attributes:
        card: The card's id.
        variant: The variant, with its official weights.
        data: What it is measured on.
        metric: What the number is.
        published: The number.
        low: Least value here that reproduces it.
        high: Greatest value here that reproduces it.
        protocol: How it is measured.
        source: Where it is published.
        measure: ``module:function`` that measures it from the card and the variant.
        arguments: What else the function takes.
        run_low: Least value of a single run of several, such as a draw of the labels; none if there is one run.
        run_high: Greatest value of a single run.
    """

    card: str
    variant: str
    data: str
    metric: str
    published: float
    low: float
    high: float
    protocol: str
    source: str
    measure: str
    arguments: Mapping[str, str | bool] = field(default_factory=dict)
    run_low: float | None = None
    run_high: float | None = None


def _similarity(data: str, published: float, source: str, name: str, rows: str) -> Oracle:
    """MiniLM on pairs of sentences, which leaves nothing to chance: only the last digits may differ."""
    return Oracle(
        "bert", "minilm", data, "spearman", published, published - 0.0005, published + 0.0005,
        f"{_COSINE}; {rows} pairs", f"{_MINILM}{source}.json", "tlzoo.oracles.sentences:similarity", {"name": name},
    )  # fmt: skip


ORACLES: dict[str, Oracle] = {
    "minilm-stsbenchmark": _similarity("STS Benchmark, test", 0.820325, "STSBenchmark", "stsbenchmark", "1,379"),
    "minilm-sick-r": _similarity("SICK-R", 0.775825, "SICK-R", "sick-r", "9,927"),
    "minilm-sts13": _similarity("STS 2013", 0.806032, "STS13", "sts13", "1,500"),
    "minilm-banking77": Oracle(
        "bert", "minilm", "Banking77", "accuracy", 0.800422, 0.790, 0.810, _FEW_LABELS,
        f"{_MINILM}Banking77Classification.json", "tlzoo.oracles.few_labels:accuracies",
        {"name": "banking77", "is_unit": True}, run_low=0.78, run_high=0.82,
    ),
    "yamnet-fsdd": Oracle(
        "yamnet", "tflite", "Free Spoken Digits", "accuracy", 0.345, 0.303, 0.403, _FEW_LABELS,
        f"{_MTEB}google__yamnet/1/FSDD.json", "tlzoo.oracles.few_labels:accuracies", {"name": "fsdd"},
    ),
    "crepe-over-yamnet": Oracle(
        "crepe", "full", "rendered notes, YAMNet beside it", "lead in accuracy", 0.712, 0.2, 1.0, _ORDER, _HEAR,
        "tlzoo.oracles.pitches:lead", {"other": "yamnet", "other_variant": "tflite"},
    ),
    "crepe-over-openl3": Oracle(
        "crepe", "full", "rendered notes, OpenL3 beside it", "lead in accuracy", 0.310, 0.1, 1.0, _ORDER, _HEAR,
        "tlzoo.oracles.pitches:lead", {"other": "openl3", "other_variant": "music"},
    ),
    "mobilenet-v2-top1": Oracle(
        "mobilenet", "v2", "photographs of scikit-image and scikit-learn", "same top-1", 1.0, 1.0, 1.0,
        "share of pictures with the top-1 of torchvision's own transforms and network, from the same file",
        "https://docs.pytorch.org/vision/stable/models/generated/torchvision.models.mobilenet_v2.html",
        "tlzoo.oracles.pictures:same_top1",
    ),
}  # fmt: skip
"""By name."""
