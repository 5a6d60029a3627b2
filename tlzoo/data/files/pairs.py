"""Pairs of texts with a score: a person's own tables and the Hub's, divided so that no text is on two sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Features, Value
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tlzoo.data.dataset import Listing, Target
from tlzoo.data.files.tables import Columns, Say, Table, guessed, number, read_table, read_tables
from tlzoo.data.protocol import SPLITS, Limits, draw
from tlzoo.data.repeats import same_text
from tlzoo.errors import InputError
from tlzoo.leaderboard.statistics import crossed

PAIR_COLUMNS = (
    ("sentence1", "sentence2"),
    ("text1", "text2"),
    ("sentence_1", "sentence_2"),
    ("text_1", "text_2"),
    ("sentence_a", "sentence_b"),
    ("text_a", "text_b"),
    ("question1", "question2"),
    ("premise", "hypothesis"),
    ("query", "document"),
    ("query", "passage"),
    ("first", "second"),
    ("left", "right"),
    ("word1", "word2"),
    ("s1", "s2"),
    ("a", "b"),
)
SCORE_COLUMNS = (
    "score",
    "similarity",
    "similarity_score",
    "relatedness",
    "relatedness_score",
    "relevance",
    "rating",
    "gold",
    "is_duplicate",
    "is_paraphrase",
    "label",
    "target",
)
_OF_CLASSES = ("label", "target")
"""Columns of scores that are as often called so where they hold classes."""
_SAME = {"duplicate": 1.0, "equivalent": 1.0, "paraphrase": 1.0, "similar": 1.0, "true": 1.0, "yes": 1.0}
_NAMED = _SAME | {f"not_{name}": 0.0 for name in _SAME} | {"dissimilar": 0.0, "false": 0.0, "no": 0.0}
"""Scores of classes that say whether two texts mean the same."""
TEXT_SHARES = {"test": 0.4, "validation": 0.2}
"""Share of the texts that a split takes where all pairs hang together; the pairs between two splits are dropped."""

Pair = tuple[Hashable, Hashable]


def components(pairs: Sequence[Pair]) -> list[int]:
    """The connected component of each pair: pairs that share a member, or whose partners do, are in one."""
    place: dict[Hashable, int] = {}
    members = [[place.setdefault(member, len(place)) for member in pair] for pair in pairs]
    ends = np.array(members, dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(place), len(place)))
    _, component = connected_components(graph, directed=False)
    return [int(c) for c in component[ends[:, 0]]]


def pair_columns(table: Table) -> tuple[str, str]:
    """The columns of the two texts.

    Raises:
        InputError: None are named so, and not exactly two besides the score hold texts.
    """
    for names in PAIR_COLUMNS:
        first, second = (table.find([name]) for name in names)
        if first and second:
            return first, second
    score = table.find(SCORE_COLUMNS)
    texts = [name for name in table.columns if name != score and table.holds_texts(name)]
    if len(texts) != 2:
        known = ", ".join(f"{a}/{b}" for a, b in PAIR_COLUMNS)
        raise InputError(
            f"{table.path}: no two columns of texts ({known}, or just two that hold no numbers); "
            f"columns: {', '.join(table.columns)}"
        )
    return texts[0], texts[1]


def listing(path: Path) -> Listing:
    """List a person's own pairs: a table, or a folder of tables named after splits.

    Raises:
        InputError: It cannot be read, no column fits, or the pairs cannot be divided.
    """
    tables = read_tables(path)
    found = listed(tables, str(path))
    found.files = [table.path for table in tables]
    return found


def rows(path: Path, columns: Columns, say: Say) -> Iterator[tuple[dict[str, str], dict[str, str] | InputError]]:
    """The pairs of a table, to be predicted.

    Args:
        path: The file.
        columns: The columns that training read, as ``sentence1`` and ``sentence2``.
        say: Takes which ones are read.

    Yields:
        ``input``, what a row is called; and its ``sentence1`` and ``sentence2``, or what is wrong with them.

    Raises:
        InputError: It cannot be read, or no column fits.
    """
    table = read_table(path)
    first, second = (table.trained(columns, which) for which in ("sentence1", "sentence2"))
    names = (first, second) if first and second else pair_columns(table)
    say(f"sentence1 from column {names[0]!r}, sentence2 from column {names[1]!r}")
    for row, texts in enumerate(zip(*(table.columns[name] for name in names), strict=True)):
        fault = _faulty(dict(zip(names, texts, strict=True)))
        yield {"input": table.name(row)}, fault or dict(zip(("sentence1", "sentence2"), texts, strict=True))


def listed(tables: Sequence[Table], where: str) -> Listing:
    """List the pairs of tables, and divide them (see :func:`divided`).

    Args:
        tables: The tables; where there are several, each names its split.
        where: What errors call them.

    Raises:
        InputError: No column fits, no pair can be used, or all scores of a split are equal.
    """
    found = Listing("sentence1", [], [], [], [], [] if len(tables) > 1 else None)
    second: list[str] = []
    scores: list[float] = []
    for table in tables:
        one, two = pair_columns(table)
        score = table.need(SCORE_COLUMNS, "scores")
        if reason := _no_similarity(table, one, score):
            raise table.lacks(f"{score!r} {reason}; text-embedding learns how alike two texts are, from 'score'")
        guessed(found, table, sentence1=one, sentence2=two, score=score)
        found.columns = found.columns or {"sentence1": one, "sentence2": two}
        for row, (a, b, value) in enumerate(zip(*(table.columns[name] for name in (one, two, score)), strict=True)):
            rated, fault = _rated(value), _faulty({one: a, two: b})
            if fault or rated is None:
                found.problems.append(f"{table.name(row)}: {fault or f'{score!r} is {value!r}, which is no number'}")
                continue
            found.inputs.append(a)
            second.append(b)
            scores.append(rated)
            found.names.append(table.name(row))
            if found.splits is not None:
                found.splits.append(table.split or "train")
    if not scores:
        raise InputError(f"{where}: no pair can be used; {len(found.problems)} left out, such as: {found.problems[-1]}")
    pairs = [(same_text(a), same_text(b)) for a, b in zip(found.inputs, second, strict=True)]
    splits, found.groups = divided(pairs, found.splits)
    found.splits = [split or "dropped" for split in splits]
    found.labels, found.identity = [""] * len(pairs), second
    if short := [split for split in SPLITS if split not in splits]:
        raise InputError(f"{where}: too few texts that occur in no other split to have pairs for {' and '.join(short)}")
    for split in reversed(SPLITS):
        seen = [score for score, own in zip(scores, splits, strict=True) if own == split]
        if len(set(seen)) < 2:
            raise InputError(
                f"{where}: the pairs for {split} ({len(seen):,}) all have one score; a rank correlation needs two that "
                "differ, so give more pairs"
            )
    low, high = (0.0, 1.0) if min(seen) >= 0 and max(seen) <= 1 else (min(seen), max(seen))
    if (low, high) != (0.0, 1.0):
        found.notices.append(f"scores are from {low:g} to {high:g} in training, which became 0 and 1")
    if dropped := splits.count(None):
        found.notices.append(f"pairs left out, since a text of theirs is on another side as well: {dropped}")
    found.targets = _Pairs(second, [(score - low) / (high - low) for score in scores])
    return found


class _Pairs:
    """The second text and the score of each pair, as ``tlzoo.data.dataset.Targets``."""

    def __init__(self, second: Sequence[str], scores: Sequence[float]) -> None:
        self.second, self.scores = second, scores

    @property
    def features(self) -> Features:
        return Features({"sentence2": Value("string"), "score": Value("float64")})

    def of(self, index: int, value: Any) -> Target:
        return Target({"sentence2": self.second[index], "score": self.scores[index]})


def divided(pairs: Sequence[Pair], given: Sequence[str] | None = None) -> tuple[list[str | None], list[str]]:
    """Divide pairs into train, validation and test, with no text on two sides.

    Given splits are kept, and missing ones cut from the training pairs: by what hangs together (see
    :func:`components`), or, where more than half of the pairs do, by text, and pairs between two splits are dropped.

    Args:
        pairs: What tells the texts of each pair apart from others.
        given: Split of each pair, where the source has them; what has a text in a later split is dropped.

    Returns:
        The split of each pair, None where it is dropped; and its group for the bootstrap: what hangs together, or both
        texts, crossed, where most pairs do.
    """
    splits: list[str | None] = list(given or ["train"] * len(pairs))
    _drop_shared(pairs, splits)
    training = [i for i, split in enumerate(splits) if split == "train"]
    together = [f"group {c}" for c in components(pairs)]
    missing = [split for split in TEXT_SHARES if split not in splits]
    if missing and training:
        count = Counter(together[i] for i in training)
        if max(count.values()) > len(training) / 2:
            _deal_texts(pairs, splits, training, missing)
        else:
            kept = [i for i, split in enumerate(splits) if split is not None]
            drawn = draw([""] * len(kept), [together[i] for i in kept], [str(splits[i]) for i in kept], _ALL)
            for split, members in drawn.items():
                for member in members:
                    splits[kept[member]] = split
    count = Counter(name for name, split in zip(together, splits, strict=True) if split == "test")
    if count and max(count.values()) > count.total() / 2:
        place: dict[Hashable, str] = {}
        return splits, [crossed(*(place.setdefault(text, f"text {len(place)}") for text in pair)) for pair in pairs]
    return splits, together


_ALL = Limits(None, None, None)


def _drop_shared(pairs: Sequence[Pair], splits: list[str | None]) -> None:
    """Drop pairs with a text that a later split has."""
    taken: set[Hashable] = set()
    for split in ("test", "validation", "train"):
        members = [i for i, name in enumerate(splits) if name == split]
        for i in members:
            if not taken.isdisjoint(pairs[i]):
                splits[i] = None
        taken.update(text for i in members if splits[i] for text in pairs[i])


def _deal_texts(pairs: Sequence[Pair], splits: list[str | None], which: Sequence[int], missing: Sequence[str]) -> None:
    """Deal the texts of some pairs to the missing splits and to training; drop the pairs in between."""
    texts = list(dict.fromkeys(text for i in which for text in pairs[i]))
    order = np.random.default_rng(0).permutation(len(texts))
    side = dict.fromkeys(texts, "train")
    start = 0
    for split in missing:
        end = start + round(TEXT_SHARES[split] * len(texts))
        side |= {texts[i]: split for i in order[start:end]}
        start = end
    for i in which:
        first, second = (side[text] for text in pairs[i])
        splits[i] = first if first == second else None


def _faulty(values: Mapping[str, Any]) -> InputError | None:
    """What is wrong with texts by column, if anything is."""
    for name, value in values.items():
        if not isinstance(value, str) or not value.strip():
            return InputError(f"{name!r} is {'empty' if value is None or isinstance(value, str) else 'no text'}")
    return None


def _rated(value: Any) -> float | None:
    """How alike two texts are, as a cell says it: a number, or whether they mean the same."""
    named = _NAMED.get(value.strip().lower().replace(" ", "_")) if isinstance(value, str) else None
    return number(value) if named is None else named


def _no_similarity(table: Table, first: str, score: str) -> str:
    """Why a column holds classes, and not how alike two texts are; empty where it may hold that."""
    if score.lower() not in _OF_CLASSES:
        return ""
    values = {value for value in map(_rated, table.columns[score]) if value is not None}
    if first.lower() == "premise":
        return "of a premise and a hypothesis is a class, such as entailment"
    if len(values) == 3 and values == {0.0, 1.0, 2.0}:
        return "is 0, 1 or 2, which are classes, as in natural language inference"
    return ""
