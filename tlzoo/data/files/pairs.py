"""Pairs of texts with a score, from a user's own tables or the Hub, split so that no text is in two splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Features, Value
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tlzoo.data.alike.texts import plain
from tlzoo.data.dataset import Listing, Target
from tlzoo.data.files.names import GROUP_COLUMNS
from tlzoo.data.files.tables import Say, listing_by, note_columns, read_table
from tlzoo.data.files.tables.table import ID_COLUMNS, Columns, Table
from tlzoo.data.files.text_files.delimited import column_named, number
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
TRIPLET_COLUMNS = (("anchor", "positive", "negative"), ("query", "positive", "negative"), ("query", "pos", "neg"))
"""A text, one that means the same, and one that does not."""
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
    "gold_label",
)
_CLASS_OR_SCORE = ("label", "target", "gold_label")
"""Columns of scores whose names are as common for columns of classes."""
_SAME = {"duplicate": 1.0, "equivalent": 1.0, "paraphrase": 1.0, "similar": 1.0, "true": 1.0, "yes": 1.0}
_NAMED = _SAME | {f"not_{name}": 0.0 for name in _SAME} | {"dissimilar": 0.0, "false": 0.0, "no": 0.0}
"""Scores of class names that say whether two texts mean the same."""
_INFERENCE = frozenset({"entailment", "neutral", "contradiction", "not_entailment"})
"""Classes of natural language inference."""
TEXT_SHARES = {"test": 0.4, "validation": 0.2}
"""Share of the texts in each split if all pairs are connected; the pairs between two splits are dropped."""

Pair = tuple[Hashable, Hashable]


def components(pairs: Sequence[Pair]) -> list[int]:
    """The connected component of each pair, in the graph whose nodes are members and whose edges are the pairs."""
    place: dict[Hashable, int] = {}
    members = [[place.setdefault(member, len(place)) for member in pair] for pair in pairs]
    ends = np.array(members, dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(place), len(place)))
    _, component = connected_components(graph, directed=False)
    return [int(c) for c in component[ends[:, 0]]]


def pair_columns(table: Table) -> tuple[str, str]:
    """The columns of the two texts.

    Raises:
        InputError: No known pair of names is there, and the number of other columns with texts is not two.
    """
    strings = table.strings()
    for names in PAIR_COLUMNS:
        first, second = (column_named(strings, [name]) for name in names)
        if first and second:
            return first, second
    score = table.find(SCORE_COLUMNS)
    taken = (*ID_COLUMNS, *GROUP_COLUMNS)
    texts = [
        name
        for name in table.columns
        if name != score and column_named([name], taken) is None and table.holds_texts(name)
    ]
    if len(texts) != 2:
        alternatives = ", ".join(f"{a}/{b}" for a, b in PAIR_COLUMNS)
        raise InputError(
            f"{table.path}: no two columns of texts ({alternatives}, or exactly two that do not hold numbers); "
            f"columns: {', '.join(table.columns)}"
        )
    return texts[0], texts[1]


def listing(path: Path) -> Listing:
    """List a user's own pairs: a table, or a folder of tables named after splits.

    Raises:
        InputError: The data cannot be read, no column fits, or the pairs cannot be split.
    """
    return listing_by(path, partial(listed, form=plain))


def rows(path: Path, columns: Columns, say: Say) -> Iterator[tuple[dict[str, Any], dict[str, str] | InputError]]:
    """The pairs of a table, to be predicted.

    Args:
        path: The file.
        columns: The columns that training read, as ``sentence1`` and ``sentence2``.
        say: Receives a line that names the columns read.

    Yields:
        ``input``, the name of the row; and its ``sentence1`` and ``sentence2``, or the error in them.

    Raises:
        InputError: The table cannot be read, or no column fits.
    """
    table = read_table(path)
    first, second = (table.trained(columns, which) for which in ("sentence1", "sentence2"))
    names = (first, second) if first and second else pair_columns(table)
    say(f"sentence1 from column {names[0]!r}, sentence2 from column {names[1]!r}")
    for row, texts in enumerate(zip(*(table.columns[name] for name in names), strict=True)):
        fault = _fault(dict(zip(names, texts, strict=True)))
        yield table.identified(row), fault or dict(zip(("sentence1", "sentence2"), texts, strict=True))


def listed(tables: Sequence[Table], where: str, form: Callable[[str], str] = same_text) -> Listing:
    """List the pairs of tables, and split them (see :func:`split_pairs`).

    Args:
        tables: The tables; if there are several, each names its split.
        where: Name of the source in messages.
        form: Gives the form in which texts are compared, to tell whether one is in two splits.

    Raises:
        InputError: No column fits, no pair can be used, or all scores of a split are equal.
    """
    examples = Listing("sentence1", [], [], [], [], [] if len(tables) > 1 else None)
    second: list[str] = []
    scores: list[float] = []
    for given in tables:
        table = _of_triplets(given, examples)
        one, two = pair_columns(table)
        score = table.need(SCORE_COLUMNS, "scores")
        if reason := _no_similarity(table, one, score):
            raise table.lacks(
                f"{score!r} {reason}; text-embedding learns the similarity of two texts, from 'score': write one, such "
                "as 1 for entailment and 0 for contradiction, without the neutral pairs"
            )
        if table is given:
            note_columns(examples, table, sentence1=one, sentence2=two, score=score)
            if score.lower() in _CLASS_OR_SCORE and {*map(number, table.columns[score])} - {None} == {0.0, 1.0}:
                examples.notices.append(f"{table.path.name}: {score!r} of 1 is read as similar, of 0 as not")
        examples.columns = examples.columns or {"sentence1": one, "sentence2": two}
        for row, (a, b, value) in enumerate(zip(*(table.columns[name] for name in (one, two, score)), strict=True)):
            rating, fault = _rating(value), _fault({one: a, two: b})
            if fault or rating is None:
                examples.problems.append(
                    f"{table.name(row)}: {fault or f'{score!r} is {value!r}, which is not a number'}"
                )
                continue
            examples.inputs.append(a)
            second.append(b)
            scores.append(rating)
            examples.names.append(table.name(row))
            if examples.splits is not None:
                examples.splits.append(table.split or "train")
    if not scores:
        raise InputError(
            f"{where}: no pair can be used; {len(examples.problems)} left out, such as: {examples.problems[-1]}"
        )
    pairs = [(form(a), form(b)) for a, b in zip(examples.inputs, second, strict=True)]
    examples.is_cut = examples.splits is None
    splits, examples.groups = split_pairs(pairs, examples.splits)
    examples.splits = [split or "dropped" for split in splits]
    examples.labels, examples.identity = [""] * len(pairs), second
    if short := [split for split in SPLITS if split not in splits]:
        raise InputError(f"{where}: no pairs left for {' and '.join(short)}: too few texts occur in one split only")
    for split in reversed(SPLITS):
        seen = [score for score, own in zip(scores, splits, strict=True) if own == split]
        if len(set(seen)) < 2:
            raise InputError(
                f"{where}: the pairs for {split} ({len(seen):,}) all have one score; a rank correlation needs two "
                "different scores: give more pairs"
            )
    low, high = (0.0, 1.0) if min(seen) >= 0 and max(seen) <= 1 else (min(seen), max(seen))
    if (low, high) != (0.0, 1.0):
        examples.notices.append(f"scores are from {low:g} to {high:g} in training, mapped to 0 and 1")
    if dropped := splits.count(None):
        examples.notices.append(f"pairs left out, since one of their texts is in another split as well: {dropped}")
    examples.targets = _Pairs(second, [(score - low) / (high - low) for score in scores])
    return examples


def _of_triplets(table: Table, examples: Listing) -> Table:
    """A table of triplets as one of pairs: the first text with the second has a score of 1, with the third of 0."""
    strings = table.strings()
    columns = ([column_named(strings, [name]) for name in names] for names in TRIPLET_COLUMNS)
    names = next(([name for name in each if name] for each in columns if all(each)), [])
    if not names or table.find(SCORE_COLUMNS):
        return table
    first, same, other = names
    note_columns(examples, table, sentence1=first, **{"sentence2 with a score of 1": same, "with 0": other})
    rows = [(row, column) for row in range(len(table)) for column in (same, other)]
    pairs = {
        first: [table.columns[first][row] for row, _ in rows],
        same: [table.columns[column][row] for row, column in rows],
        "score": [float(column == same) for _, column in rows],
    }
    return replace(table, columns=pairs, ids=[f"{table.name(row)} {column}" for row, column in rows])


class _Pairs:
    """The second text and the score of each pair, as ``tlzoo.data.dataset.Targets``."""

    def __init__(self, second: Sequence[str], scores: Sequence[float]) -> None:
        self.second, self.scores = second, scores

    @property
    def features(self) -> Features:
        return Features({"sentence2": Value("string"), "score": Value("float64")})

    def of(self, index: int, value: Any) -> Target:
        return Target({"sentence2": self.second[index], "score": self.scores[index]})


def split_pairs(pairs: Sequence[Pair], given: Sequence[str] | None = None) -> tuple[list[str | None], list[str]]:
    """Split pairs into train, validation and test, with no text in two splits.

    Given splits are kept, and missing ones are taken from the training pairs: by connected component (see
    :func:`components`), or, if one component has more than half of the pairs, by text; then pairs between two splits
    are dropped.

    Args:
        pairs: A key for each text of each pair.
        given: Split of each pair, if the source has splits; pairs with a text of a later split are dropped.

    Returns:
        The split of each pair, None if it is dropped; and its group for the bootstrap: its component, or both texts,
        crossed, if one component has most pairs.
    """
    splits: list[str | None] = list(given or ["train"] * len(pairs))
    _drop_shared(pairs, splits)
    training = [i for i, split in enumerate(splits) if split == "train"]
    together = [f"group {c}" for c in components(pairs)]
    missing = [split for split in TEXT_SHARES if split not in splits]
    if missing and training:
        count = Counter(together[i] for i in training)
        if max(count.values()) > len(training) / 2:
            _assign_texts(pairs, splits, training, missing)
        else:
            remaining = [i for i, split in enumerate(splits) if split is not None]
            drawn = draw(
                [""] * len(remaining), [together[i] for i in remaining], [str(splits[i]) for i in remaining], _ALL
            )
            for split, members in drawn.items():
                for member in members:
                    splits[remaining[member]] = split
    count = Counter(name for name, split in zip(together, splits, strict=True) if split == "test")
    if count and max(count.values()) > count.total() / 2:
        place: dict[Hashable, str] = {}
        return splits, [crossed(*(place.setdefault(text, f"text {len(place)}") for text in pair)) for pair in pairs]
    return splits, together


_ALL = Limits(None, None, None)


def _drop_shared(pairs: Sequence[Pair], splits: list[str | None]) -> None:
    """Drop pairs with a text that is also in a later split."""
    taken: set[Hashable] = set()
    for split in ("test", "validation", "train"):
        members = [i for i, name in enumerate(splits) if name == split]
        for i in members:
            if not taken.isdisjoint(pairs[i]):
                splits[i] = None
        taken.update(text for i in members if splits[i] for text in pairs[i])


def _assign_texts(
    pairs: Sequence[Pair], splits: list[str | None], which: Sequence[int], missing: Sequence[str]
) -> None:
    """Assign the texts of some pairs to the missing splits and to training; drop the pairs in between."""
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


def _fault(values: Mapping[str, object]) -> InputError | None:
    """The first error in texts by column, if any."""
    for name, value in values.items():
        if not isinstance(value, str) or not value.strip():
            return InputError(f"{name!r} is {'empty' if value is None or isinstance(value, str) else 'not text'}")
    return None


def _rating(value: object) -> float | None:
    """The similarity in a cell: a number, or the score of a class name; None if the cell is neither."""
    named = _NAMED.get(value.strip().lower().replace(" ", "_")) if isinstance(value, str) else None
    return number(value) if named is None else named


def _no_similarity(table: Table, first: str, score: str) -> str:
    """Why a column holds classes rather than similarities; empty if it may hold similarities."""
    words = (value for value in table.columns[score] if isinstance(value, str))
    if word := next((word for word in words if word.strip().lower() in _INFERENCE), ""):
        return f"is {word!r}, a class, as in natural language inference"
    if score.lower() not in _CLASS_OR_SCORE:
        return ""
    values = {value for value in map(_rating, table.columns[score]) if value is not None}
    if first.lower() == "premise":
        return "of a premise and a hypothesis is a class, such as entailment"
    if values - {-1.0} == {0.0, 1.0, 2.0}:
        return "is 0, 1 or 2, which are classes, as in natural language inference"
    return ""
