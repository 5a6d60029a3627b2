"""Pairs of texts with people's similarity ratings: news stories (Lee 2005) and words (WordSim-353, Finkelstein 2002).

The files are test files of gensim, taken from its wheel by hash; gensim itself is never imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np
from datasets import Dataset, DatasetDict, Features, Value

from tlzoo.blobs import Blob, fetch
from tlzoo.data.files.pairs import components
from tlzoo.data.protocol import SPLITS
from tlzoo.leaderboard.statistics import crossed

_PLACE = "pypi:gensim==4.4.0/gensim/test/test_data/"
LEE = Blob(
    name="lee.cor",
    places=(f"{_PLACE}lee.cor",),
    sha256="a878f9a58f6743c32985c56c2f2f75988386216b38a4023a01fd3bcf7884d93e",
    bytes=24658,
)
LEE_RATINGS = Blob(
    name="similarities0-1.txt",
    places=(f"{_PLACE}similarities0-1.txt",),
    sha256="23762bc6b728897144dda3d324a2c032dc1e059e1009806226d64b6dd123ed79",
    bytes=8738,
)
WORDSIM = Blob(
    name="wordsim353.tsv",
    places=(f"{_PLACE}wordsim353.tsv",),
    sha256="f92a022fc2537793a15bc3a8c162ebcd74990e033a228bb6388cb71e4c0b1e1d",
    bytes=7186,
)
FEATURES = Features(
    {name: Value("string") for name in ("sentence1", "sentence2")}
    | {"score": Value("float64")}
    | {name: Value("string") for name in ("group", "id")}
)

_LEE_STORIES = {"test": 24, "validation": 9}  # of 50; a test of fewer cannot tell models apart
_ONE_EVENT = 0.75  # a rating of 4 of 5
_WORDSIM_PAIRS = {"test": 150, "validation": 50}  # of 352


def lee(seed: int = 0) -> DatasetDict:
    """Pairs of short news stories, and how similar people find them.

    Of the 50 stories of Lee 2005, "An empirical evaluation of models of text document similarity", each is in one
    split only, and stories of one event are in the same. Pairs across splits are dropped.

    Args:
        seed: Decides the split of each story.

    Returns:
        ``train``, ``validation`` and ``test`` of about 136, 36 and 276 pairs (17, 9 and 24 stories) of the 1,225:
        ``sentence1``, ``sentence2``, ``score`` (mean rating, 0 to 1), ``group`` (both stories, crossed) and ``id``.

    Raises:
        UnavailableError: A file is not available.
    """
    stories = fetch(LEE).read_text(encoding="latin-1").splitlines()
    ratings = np.loadtxt(fetch(LEE_RATINGS))
    scores = (5 * ratings - 1) / 4  # rated from 1 to 5, and divided by 5
    alike = np.argwhere(np.triu(scores >= _ONE_EVENT, k=1))
    places = [(i, i) for i in range(len(stories))] + [(i, j) for i, j in alike.tolist()]
    events = _together(components(places)[: len(stories)])
    splits: dict[str, list[dict[str, str | float]]] = {}
    for split, members in _assigned(events, _LEE_STORIES, seed).items():
        splits[split] = [
            {
                "sentence1": stories[i],
                "sentence2": stories[j],
                "score": float(scores[i, j]),
                "group": crossed(f"lee-{i + 1:02d}", f"lee-{j + 1:02d}"),
                "id": f"lee-{i + 1:02d}-{j + 1:02d}",
            }
            for i, j in combinations(sorted(members), 2)
        ]
    return _splits(splits)


def wordsim(seed: int = 0) -> DatasetDict:
    """Pairs of words, and how related people find them (Finkelstein 2002, "Placing search in context").

    Pairs that share words form connected components; each component is in one split, and no pair is dropped. The
    largest one, 124 pairs around a few words, is for training.

    Args:
        seed: Decides the split of each other component.

    Returns:
        ``train``, ``validation`` and ``test`` of about 150, 50 and 150 pairs: ``sentence1``, ``sentence2``, ``score``
        (mean rating, 0 to 1; of a pair that was rated twice, the mean of both), ``group`` (the component) and ``id``.

    Raises:
        UnavailableError: The file is not available.
    """
    ratings: dict[tuple[str, str], list[float]] = {}
    for line in fetch(WORDSIM).read_text(encoding="ascii").splitlines():
        if line.startswith("#"):
            continue
        first, second, rating = line.split("\t")
        ratings.setdefault((first, second), []).append(float(rating) / 10)
    pairs = list(ratings)
    component = components([(a.lower(), b.lower()) for a, b in pairs])
    largest, *others = sorted(_together(component), key=len, reverse=True)
    assigned = _assigned(others, _WORDSIM_PAIRS, seed)
    assigned["train"] += largest
    splits: dict[str, list[dict[str, str | float]]] = {}
    for split, members in assigned.items():
        splits[split] = [
            {
                "sentence1": pairs[i][0],
                "sentence2": pairs[i][1],
                "score": float(np.mean(ratings[pairs[i]])),
                "group": f"wordsim-{component[i]:02d}",
                "id": "wordsim-" + "-".join(pairs[i]),
            }
            for i in sorted(members)
        ]
    return _splits(splits)


def _together(component: Iterable[int]) -> list[list[int]]:
    """The places of each component, in order."""
    members: dict[int, list[int]] = {}
    for place, name in enumerate(component):
        members.setdefault(name, []).append(place)
    return list(members.values())


def _assigned(units: Sequence[Sequence[int]], sizes: Mapping[str, int], seed: int) -> dict[str, list[int]]:
    """Assign whole units in random order: each split takes units until it has its size, the rest is for training."""
    order = iter(np.random.default_rng(seed).permutation(len(units)))
    assigned: dict[str, list[int]] = {}
    for split, size in sizes.items():
        assigned[split] = []
        while len(assigned[split]) < size:
            assigned[split] += units[next(order)]
    return assigned | {"train": [place for index in order for place in units[index]]}


def _splits(rows: Mapping[str, list[dict[str, str | float]]]) -> DatasetDict:
    return DatasetDict({split: Dataset.from_list(rows[split], features=FEATURES) for split in SPLITS})
