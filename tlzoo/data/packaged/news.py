"""Real news: 300 stories of the Australian Broadcasting Corporation, 2001, the Lee background corpus (Lee 2005).

The file is a test file of gensim, taken from its wheel by hash; gensim itself is never imported.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np
from datasets import Dataset, DatasetDict

from tlzoo.blobs import Blob, fetch
from tlzoo.data.schemas import CHOICE_FEATURES

LEE_BACKGROUND = Blob(
    name="lee_background.cor",
    places=("pypi:gensim==4.4.0/gensim/test/test_data/lee_background.cor",),
    sha256="5d78d6dafd953bbf65797bef09a9ffb9ec430583381be705f8fd460000f370fb",
    bytes=360082,
)

CHOICES = 4
"""Words to choose from."""

_SIZES = {"test": 200, "validation": 100, "train": 300}
_WORDS = range(30, 81)  # length of a passage in words, with its last one
_OVERLAP = 13  # words in a row that make two stories one: as GPT-3 was decontaminated (Brown 2020, 2005.14165, app. C)
_LONG_FUNCTION_WORDS = """
about above after again against ahead along already also although always among around back because been before behind
being below between both came cannot come could does doing done down during each either else even ever every from
further give given going have having here hers herself himself however into itself just know like made make many might
more most much must neither never next nothing often once only onto other others ours over perhaps quite rather really
said same says several shall should since some something still such take taken than that their theirs them themselves
then there these they thing things this those though through till together told towards toward under until upon very
want wants well went were what when where whether which while whom whose will with within without would yesterday your
yours
"""
FUNCTION_WORDS = frozenset(_LONG_FUNCTION_WORDS.split())
"""Function words of four letters and more, which are never the word to guess."""


@cache
def documents() -> dict[str, str]:
    """Read the stories by name (``lee-background-<line>``), in order.

    A story that shares 13 words in a row with an earlier one is left out, so that no two are versions of one.

    Raises:
        UnavailableError: The file is not available.
    """
    stories: dict[str, str] = {}
    seen: set[tuple[str, ...]] = set()
    for number, line in enumerate(fetch(LEE_BACKGROUND).read_text(encoding="ascii").splitlines(), start=1):
        words = _plain(line)
        grams = {tuple(words[i : i + _OVERLAP]) for i in range(len(words) - _OVERLAP + 1)}
        if seen.isdisjoint(grams):
            stories[f"lee-background-{number:03d}"] = " ".join(line.split())
        seen |= grams
    return stories


def cloze(seed: int = 0) -> DatasetDict:
    """Passages of the news without their last word, to be chosen among four (see :func:`passages`, :func:`choices`).

    Args:
        seed: Decides the split of each story; a story gives passages to one split only.

    Returns:
        ``train``, ``validation`` and ``test`` of at most 300, 100 and 200 rows: ``text``, ``target`` (the missing
        word), ``candidates`` (that word and three others of the passage), ``group`` (the story) and ``id``.

    Raises:
        UnavailableError: The file is not available.
    """
    stories = list(documents().items())
    counts = Counter(word for _, story in stories for word in _plain(story))
    rows: dict[str, list[dict[str, object]]] = {split: [] for split in _SIZES}
    splits = iter(_SIZES)
    split = next(splits)
    for index in np.random.default_rng(seed).permutation(len(stories)):
        name, story = stories[index]
        if len(rows[split]) >= _SIZES[split] and (split := next(splits, "")) == "":
            break
        for number, (text, target) in enumerate(passages(story), start=1):
            rng = np.random.default_rng((seed, int(index), number))
            words = choices(text, target, counts, rng)
            row = {"text": text, "target": target, "candidates": words, "group": name, "id": f"{name}-{number}"}
            rows[split].append(row)
    return DatasetDict(
        {split: Dataset.from_list(rows[split][: _SIZES[split]], features=CHOICE_FEATURES) for split in reversed(_SIZES)}
    )


def passages(story: str) -> Iterator[tuple[str, str]]:
    """Cut a story into passages whose last word can be guessed from what comes before, as LAMBADA's can.

    A passage begins with a sentence and is as long as it can be within 30 to 80 words; the next one begins with the
    next sentence. Its last word has at least four letters and nothing but letters, is not a function word, does not
    begin a sentence, and occurs earlier in the passage.

    Yields:
        Passage without its last word, and that word.
    """
    words = story.split()
    begins = [0, *(i + 1 for i, word in enumerate(words) if _ends_sentence(word))]
    after = 0
    for start in begins:
        if start < after:
            continue
        for end in reversed(range(start + _WORDS.start - 1, min(start + _WORDS.stop - 1, len(words)))):
            target = re.fullmatch(r"""([A-Za-z]{4,})[.,;:!?"')\]]*""", words[end])
            if target is None or target[1].lower() in FUNCTION_WORDS or _ends_sentence(words[end - 1]):
                continue
            if target[1].lower() in _plain(" ".join(words[start:end])):
                yield " ".join(words[start:end]), target[1]
                after = end + 1
                break


def choices(text: str, target: str, counts: Mapping[str, int], rng: np.random.Generator) -> list[str]:
    """The missing word among three others of the passage, so that how often words occur does not tell.

    The others have at least four letters and are no function words. First come those that the passage has as often as
    the missing word, and of these those that the news have about as often.

    Args:
        text: The passage without its last word.
        target: That word.
        counts: How often all of the news have each word.
        rng: Decides the order, and which of equal ones are taken.
    """
    here = Counter(_plain(text))
    spelt: dict[str, str] = {}
    for word in re.findall(r"[A-Za-z]+", text):
        if len(word) >= 4 and word.lower() not in FUNCTION_WORDS and word.lower() != target.lower():
            spelt.setdefault(word.lower(), word)
    others = sorted(spelt)
    rng.shuffle(others)

    def apart(word: str) -> tuple[int, float]:
        return abs(here[word] - here[target.lower()]), abs(float(np.log(counts[word] / counts[target.lower()])))

    words = [target, *(spelt[word] for word in sorted(others, key=apart)[: CHOICES - 1])]
    rng.shuffle(words)
    return words


def _plain(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def _ends_sentence(word: str) -> bool:
    return re.search(r"""[.!?]["')\]]*$""", word) is not None
