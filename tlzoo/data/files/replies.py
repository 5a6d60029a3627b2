"""Replies to rank: a message, ten candidate replies of which one is right, and splits that share nothing.

The nine wrong replies are those of other messages in the same split, as in Henderson 2017, 1705.00652, section 5.2, who
rank one of a hundred. They are drawn at random, or so that they are spelt as much like the message as the right one is.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tlzoo.data.dataset import Listing, Target
from tlzoo.data.files.names import GROUP_COLUMNS
from tlzoo.data.files.pairs import components
from tlzoo.data.files.tables import PROMPT_COLUMNS, listing_by, note_columns, with_input
from tlzoo.data.files.tables.table import Table
from tlzoo.data.protocol import SPLITS, Limits, draw
from tlzoo.data.schemas import REPLY_TARGETS
from tlzoo.errors import InputError

CANDIDATES = 10
"""Replies to choose from, including the right one."""

MESSAGE_COLUMNS = ("message", "text", *PROMPT_COLUMNS)
REPLY_COLUMNS = ("reply", "response", "answer", "completion", "output", "target")
TURNS_COLUMNS = ("messages", "conversations", "conversation", "turns", "dialog", "dialogue")
CONVERSATION_COLUMNS = (
    "conversation_id",
    "conversation",
    "dialog_id",
    "dialogue_id",
    "thread",
    "theme",
    *GROUP_COLUMNS,
)


@dataclass(frozen=True)
class Pair:
    """A message and a reply to it.

    Attributes:
        message: The message.
        reply: The reply.
        conversation: Name of the conversation; pairs of one conversation are not independent.
        theme: Topic of the conversation, where known.
        split: ``train``, ``validation`` or ``test``, where the source has splits.
    """

    message: str
    reply: str
    conversation: str
    theme: str = ""
    split: str = ""


def normal_form(text: str) -> str:
    """The words of a text in lower case without punctuation; texts that say the same have the same form."""
    return " ".join(re.findall(r"\w+(?:['’]\w+)*", text.casefold())) or text.strip()


def without_duplicates(pairs: Iterable[Pair]) -> list[Pair]:
    """The first of equal pairs, without pairs that have an empty text or whose reply repeats the message."""
    unique: dict[tuple[str, str], Pair] = {}
    for pair in pairs:
        message, reply = normal_form(pair.message), normal_form(pair.reply)
        if message and reply and message != reply:
            unique.setdefault((message, reply), pair)
    return list(unique.values())


def groups(pairs: Sequence[Pair]) -> list[str]:
    """The group of each pair: pairs that share a conversation, a message or a reply are in one group.

    A text that is a reply in one pair and a message in another counts as shared.

    Returns:
        For each pair the first conversation of its group.
    """
    edges = [((pair.conversation,), normal_form(text)) for pair in pairs for text in (pair.message, pair.reply)]
    first: dict[int, str] = {}
    component = components(edges)[::2]
    return [first.setdefault(number, pair.conversation) for number, pair in zip(component, pairs, strict=True)]


def likenesses(messages: Sequence[str], replies: Sequence[str]) -> NDArray[np.float64]:
    """How much each message and each reply are spelt alike, ``(messages, replies)``, 0 to 1.

    The cosine of the characters in a row of their words, by tf-idf (Salton 1988, doi:10.1016/0306-4573(88)90021-0):
    what few texts have counts most.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    vectorizer.fit([*messages, *replies])
    cosines = (vectorizer.transform(messages) @ vectorizer.transform(replies).T).toarray()
    rounded: NDArray[np.float64] = cosines.round(6)  # that no processor's rounding decides
    return rounded


def ranking(pairs: Sequence[Pair], seed: int = 0, matched: bool = False) -> Listing:
    """List pairs as replies to rank.

    Whole groups (see :func:`groups`) go to one split. If the source has splits, a group that is in several stays only
    in the last of them, so that the given test stays whole.

    Args:
        pairs: The pairs, without duplicates.
        seed: Seed of the wrong replies, and of the splits if the source has none.
        matched: Whether wrong replies are as much like the message as the right one is (see :class:`Choices`).

    Raises:
        InputError: A split has fewer than ten different replies.
    """
    named = groups(pairs)
    given = [pair.split for pair in pairs]
    notices = []
    if all(given):
        last: dict[str, int] = defaultdict(int)
        for name, split in zip(named, given, strict=True):
            last[name] = max(last[name], SPLITS.index(split))
        remaining = [i for i, name in enumerate(named) if SPLITS.index(given[i]) == last[name]]
        if len(remaining) < len(pairs):
            notices.append(
                f"{len(pairs) - len(remaining)} pairs share a message, a reply or a conversation with a later split "
                "and were left out"
            )
        pairs, given = [pairs[i] for i in remaining], [given[i] for i in remaining]
        named = groups(pairs)
    themes = [pair.theme for pair in pairs]
    divided = draw(themes, named, given if all(given) else None, Limits(None, None, None), seed)
    splits = [""] * len(pairs)
    for split, indices in divided.items():
        for index in indices:
            splits[index] = split
    number: Counter[str] = Counter()
    several = Counter(pair.conversation for pair in pairs)
    names = []
    for pair in pairs:
        number[pair.conversation] += 1
        alone = several[pair.conversation] == 1
        names.append(pair.conversation if alone else f"{pair.conversation}-{number[pair.conversation]}")
    inputs: list[Any] = [pair.message for pair in pairs]
    targets = Choices(pairs, splits, seed, matched)
    whole = Listing("text", inputs, themes, names, named, splits, notices, targets=targets, is_cut=not all(given))
    return whole if not matched else _kept(whole, targets)


class Choices:
    """The candidate replies of each pair, as ``tlzoo.data.dataset.Targets``."""

    features = REPLY_TARGETS

    def __init__(self, pairs: Sequence[Pair], splits: Sequence[str], seed: int, matched: bool = False) -> None:
        """Draw the wrong replies.

        Args:
            pairs: The pairs.
            splits: Split of each pair; wrong replies come from other messages of the same split.
            seed: Seed of the draw.
            matched: Whether of all wrong replies those are taken whose likeness to the message is next to that of the
                right one. How many of them are more like it is drawn, all numbers being as likely, so that likeness
                tells nothing. Pairs for which the split lacks as many are left without candidates.

        Raises:
            InputError: A split has too few different replies.
        """
        right: dict[str, set[str]] = defaultdict(set)
        reply_by_form: dict[str, dict[str, str]] = {split: {} for split in SPLITS}
        for pair, split in zip(pairs, splits, strict=True):
            right[normal_form(pair.message)].add(normal_form(pair.reply))
            reply_by_form[split].setdefault(normal_form(pair.reply), pair.reply)
        replies = {split: list(texts.items()) for split, texts in reply_by_form.items()}
        alike = _Likeness(pairs, splits, reply_by_form) if matched else None
        self.columns = []
        for index, (pair, split) in enumerate(zip(pairs, splits, strict=True)):
            never = right[normal_form(pair.message)] | {normal_form(pair.message)}
            rng = np.random.default_rng((seed, index))
            size = len(replies[split]) if alike else min(len(replies[split]), CANDIDATES - 1 + len(never))
            drawn = [replies[split][i] for i in rng.choice(len(replies[split]), size, replace=False)]
            wrong = [reply for key, reply in drawn if key not in never]
            candidates = (
                alike.next_to(index, wrong, int(rng.integers(CANDIDATES))) if alike else wrong[: CANDIDATES - 1]
            )
            if alike and len(candidates) < CANDIDATES - 1:
                self.columns.append({"candidates": [], "target": 0})
                continue
            if len(candidates) < CANDIDATES - 1:
                raise InputError(
                    f"{split}: {len(candidates)} different replies that are wrong for {pair.message[:40]!r}; "
                    f"{CANDIDATES - 1} are needed: give more pairs, at least about a hundred"
                )
            target = int(rng.integers(CANDIDATES))
            candidates.insert(target, pair.reply)
            self.columns.append({"candidates": candidates, "target": target})

    def of(self, index: int, value: Any) -> Target:
        """The candidate replies of one pair."""
        return Target(self.columns[index])


def _kept(examples: Listing, choices: Choices) -> Listing:
    """The pairs that have candidates."""
    places = [index for index, column in enumerate(choices.columns) if column["candidates"]]
    choices.columns = [choices.columns[i] for i in places]
    return replace(
        examples,
        inputs=[examples.inputs[i] for i in places],
        labels=[examples.labels[i] for i in places],
        names=[examples.names[i] for i in places],
        groups=None if examples.groups is None else [examples.groups[i] for i in places],
        splits=None if examples.splits is None else [examples.splits[i] for i in places],
    )


class _Likeness:
    """How much the messages and the replies of each split are alike."""

    def __init__(self, pairs: Sequence[Pair], splits: Sequence[str], replies: Mapping[str, Mapping[str, str]]) -> None:
        self._row: dict[int, dict[str, float]] = {}
        self._replies = [pair.reply for pair in pairs]
        for split, by_form in replies.items():
            places = [index for index, own in enumerate(splits) if own == split]
            texts = list(dict.fromkeys([*by_form.values(), *(pairs[i].reply for i in places)]))
            if places:
                table = likenesses([pairs[i].message for i in places], texts)
                self._row |= {
                    i: dict(zip(texts, row.tolist(), strict=True)) for i, row in zip(places, table, strict=True)
                }

    def next_to(self, index: int, wrong: Sequence[str], above: int) -> list[str]:
        """Of wrong replies those next to the right one in likeness to the message, so many of them above.

        Fewer where there are not nine above and nine below, whatever is wanted: which pairs remain must not depend on
        what is drawn.
        """
        like = self._row[index]
        right = like[self._replies[index]]
        as_much = [reply for reply in wrong if like[reply] == right]
        more = sorted((reply for reply in wrong if like[reply] > right), key=lambda reply: like[reply])
        less = sorted((reply for reply in wrong if like[reply] < right), key=lambda reply: -like[reply])
        more, less = as_much[::2] + more, as_much[1::2] + less
        others = CANDIDATES - 1
        return more[:above] + less[: others - above] if min(len(more), len(less)) >= others else []


def listing(path: Path) -> Listing:
    """List a user's own messages and replies: a table, or a folder of tables named after splits.

    A table has a column of messages and one of replies, or one of conversations: lists of turns with ``role`` and
    ``content``, or of strings. The pairs of a conversation are each turn of ``assistant`` and the user's turn before
    it; without such roles, each turn and the next one.

    Raises:
        InputError: The data cannot be read, no column fits, or there are too few pairs.
    """
    return listing_by(path, listed)


def listed(tables: Sequence[Table], where: str) -> Listing:
    """List the messages and replies of tables.

    Args:
        tables: The tables; where there are several, each names its split.
        where: Name of the source in messages.

    Raises:
        InputError: No column fits, or there are too few pairs.
    """
    notes = Listing("text", [], [], [])
    pairs = without_duplicates(pair for table in tables for pair in _of_table(table, notes, len(tables) > 1))
    try:
        examples = ranking(pairs)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    examples.notices = notes.notices + examples.notices
    examples.problems, examples.columns = notes.problems, notes.columns
    return examples


def _of_table(table: Table, notes: Listing, parted: bool) -> Iterator[Pair]:
    split = (table.split or "train") if parted else ""
    turns = table.find(TURNS_COLUMNS)
    if turns and isinstance(table.columns[turns][0], list):
        note_columns(notes, table, conversations=turns)
        for row, conversation in enumerate(table.columns[turns]):
            for message, reply in _exchanges(conversation, table.name(row)):
                yield Pair(message, reply, table.name(row), split=split)
        return
    if turns and not table.find(MESSAGE_COLUMNS):
        raise table.lacks(f"{turns!r} holds no lists of turns, which JSON Lines and Parquet can hold")
    instruction = table.find(["instruction"])
    more = table.find(["input", "context"]) if instruction else None
    strings = table.strings()
    message = instruction if instruction and more else table.need(MESSAGE_COLUMNS, "messages", strings)
    reply = table.need(REPLY_COLUMNS, "replies", strings)
    group = table.find([name for name in CONVERSATION_COLUMNS if name not in (message, reply)])
    note_columns(notes, table, message=message, input=more, reply=reply, group=group)
    notes.columns = notes.columns or {"text": message, **({"input": more} if more else {})}
    for row, texts in enumerate(zip(table.columns[message], table.columns[reply], strict=True)):
        missing = [name for name, text in zip((message, reply), texts, strict=True) if not str(text or "").strip()]
        if missing:
            notes.problems.append(f"{table.name(row)}: {missing[0]!r} is empty")
            continue
        where = f"{group} {table.columns[group][row]}" if group else table.name(row)
        prompt = with_input(str(texts[0]), table.columns[more][row] if more else None)
        yield Pair(prompt, str(texts[1]), where, split=split)


def _exchanges(conversation: Any, where: str) -> Iterator[tuple[str, str]]:
    """Messages and replies of one conversation.

    Raises:
        InputError: The value is not a conversation.
    """
    turns = [_turn(turn) if isinstance(turn, Mapping) else {"content": turn} for turn in conversation or []]
    if not all(isinstance(turn.get("content"), str) for turn in turns):
        raise InputError(f"{where}: a conversation is a list of turns, each with a 'role' and a 'content' of text")
    spoken = [turn for turn in turns if turn.get("role") != "system"]
    is_chat = any(turn.get("role") == "assistant" for turn in spoken)
    for turn, following in pairwise(spoken):
        if not is_chat or (turn.get("role"), following.get("role")) == ("user", "assistant"):
            yield turn["content"], following["content"]


def _turn(turn: Mapping[str, Any]) -> Mapping[str, Any]:
    """A turn with ``role`` and ``content``, which ShareGPT calls ``from`` (human or gpt) and ``value``."""
    if "content" in turn or "value" not in turn:
        return turn
    speaker = turn.get("from")
    return {"role": {"human": "user", "gpt": "assistant"}.get(str(speaker), speaker), "content": turn["value"]}
