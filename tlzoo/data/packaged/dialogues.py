"""Short dialogues in English: the ChatterBot corpus; and, as a source of stand-ins, consecutive sentences of Wikipedia.

The corpus was written by people to train chat bots. Its files are YAML, one a theme, taken from the package's wheel by
hash; the package itself is never imported.
"""

from __future__ import annotations

import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import PurePosixPath

import yaml
from datasets import DatasetDict

from tlzoo.blobs import Blob, fetch
from tlzoo.data.dataset import Listing, gather
from tlzoo.data.files.replies import Pair, groups, normal_form, ranking, without_duplicates
from tlzoo.data.packaged.wikipedia import pages, splits
from tlzoo.data.protocol import VTAB, Limits, draw

WHEEL = Blob(
    "chatterbot_corpus-1.3.3-py2.py3-none-any.whl",
    ("pypi:chatterbot-corpus==1.3.3",),
    "86de5300afb9a80826386339d3bec79c0a72eb0358abb8327e2ecef5ae0ce154",
    bytes=345_706,
)
"""Pinned as a whole, since all its English files are used."""
MAX_CHARACTERS = 300
"""Maximum length of a message or a reply; longer ones, mostly source code, are left out."""

_ALTERNATIVES = ("computers", "emotion")  # here the lines after the first are answers to it, and not to each other
_MIN_UTTERANCES, _MAX_UTTERANCES = 40, 120  # of a class of the topics
_WORDS = range(4, 25)  # words of a sentence that is a message or a reply


@cache
def conversations() -> dict[str, list[list[str]]]:
    """Read the conversations of each theme: lists of utterances, in order.

    Raises:
        UnavailableError: The wheel is not available.
    """
    by_theme = {}
    with zipfile.ZipFile(fetch(WHEEL)) as wheel:
        for name in sorted(wheel.namelist()):
            path = PurePosixPath(name)
            if path.match("chatterbot_corpus/data/english/*.yml"):
                content = yaml.safe_load(wheel.read(name))["conversations"]
                by_theme[path.stem] = [
                    [str(line).strip() for line in lines] for lines in content if isinstance(lines, list)
                ]
    return by_theme


def pairs() -> list[Pair]:
    """Messages with a reply each, without duplicates.

    Raises:
        UnavailableError: The wheel is not available.
    """
    return without_duplicates(pair for theme in conversations() for pair in _pairs(theme))


def _pairs(theme: str) -> Iterator[Pair]:
    for number, lines in enumerate(conversations()[theme], start=1):
        for message, reply in ((lines[0], line) for line in lines[1:]) if theme in _ALTERNATIVES else pairwise(lines):
            if max(len(message), len(reply)) <= MAX_CHARACTERS:
                yield Pair(message, reply, f"{theme}/{number}", theme)


def chatterbot() -> DatasetDict:
    """Messages with ten replies to choose from, all as much like the message (see ``tlzoo.data.files.replies``).

    Divided by conversation and not by theme: of 21 themes three hold half of all pairs, and replies to trivia are no
    replies to small talk, so that hardly any themes were left to learn from, and too few for an interval.

    Returns:
        ``train``, ``validation`` and ``test``: ``text``, ``candidates``, ``target``, ``group`` and ``id``; 751 rows
        of 1,148 pairs: for the others a split has too few replies that are more, or less, like the message.

    Raises:
        UnavailableError: The wheel is not available.
    """
    return _drawn(ranking(pairs(), matched=True))


def topics() -> DatasetDict:
    """The theme of an utterance.

    Themes with at least 40 different utterances of two words or more, of which at most 120 are taken; utterances that
    occur under two themes are left out.

    Returns:
        ``train``, ``validation`` and ``test``: ``text``, ``label``, ``group`` and ``id``; no conversation, message or
        reply is in two.

    Raises:
        UnavailableError: The wheel is not available.
    """
    themes: dict[str, set[str]] = defaultdict(set)
    for pair in pairs():
        for text in (pair.message, pair.reply):
            themes[normal_form(text)].add(pair.theme)
    utterances: dict[str, tuple[str, str, str]] = {}
    for pair, group in zip(pairs(), groups(pairs()), strict=True):
        for text in (pair.message, pair.reply):
            if " " in normal_form(text) and len(themes[normal_form(text)]) == 1:
                utterances.setdefault(normal_form(text), (text, pair.theme, group))
    all_of = Counter(theme for _, theme, _ in utterances.values())
    number: Counter[str] = Counter()
    examples = Listing("text", [], [], [], [])
    for text, theme, group in utterances.values():
        number[theme] += 1
        if all_of[theme] >= _MIN_UTTERANCES and number[theme] <= _MAX_UTTERANCES:
            examples.inputs.append(text)
            examples.labels.append(theme)
            examples.names.append(f"{theme}-{number[theme]}")
            assert examples.groups is not None
            examples.groups.append(group)
    return _drawn(examples)


def _drawn(examples: Listing, limits: Limits = VTAB) -> DatasetDict:
    chosen = draw(examples.labels, examples.groups, examples.splits, limits)
    return gather(examples, chosen, lambda text: (text, None)).splits


def wikipedia_replies() -> DatasetDict:
    """Sentences of Wikipedia with the one that follows as the reply; source of stand-ins.

    Sentences of 4 to 24 words that follow each other in a paragraph; each article is in one split.

    Returns:
        ``train``, ``validation`` and ``test``: ``text``, ``candidates``, ``target``, ``group`` and ``id``.

    Raises:
        UnavailableError: The articles are not available.
    """
    sentence_pairs = without_duplicates(
        Pair(*both, f"{title} {number}", title, splits()[title])
        for title, text in pages().items()
        for number, paragraph in enumerate(text.split("\n"), start=1)
        for both in pairwise(re.split(r"(?<=[.!?])\s+", paragraph))
        if all(len(sentence.split()) in _WORDS for sentence in both)
    )
    return _drawn(ranking(sentence_pairs), Limits(None, None, None))
