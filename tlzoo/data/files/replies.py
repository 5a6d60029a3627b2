"""Replies to be ranked: a message, ten replies of which one is right, and splits that share nothing.

The right reply stands among nine that other messages of the same split got, as in Henderson 2017, 1705.00652, section
5.2, who rank one of a hundred.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tlzoo.data.dataset import Listing, Target
from tlzoo.data.files.folder import GROUP_COLUMNS
from tlzoo.data.files.pairs import components
from tlzoo.data.files.tables import PROMPT_COLUMNS, Table, guessed, read_tables, with_input
from tlzoo.data.protocol import SPLITS, Limits, draw
from tlzoo.data.schemas import REPLY_TARGETS
from tlzoo.errors import InputError

CANDIDATES = 10
"""Replies to choose from, the right one among them."""


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
        message: What was said.
        reply: What was answered.
        conversation: Where it was said; pairs of one conversation are not independent.
        theme: What it was about, where that is known.
        split: ``train``, ``validation`` or ``test``, where the source says so.
    """

    message: str
    reply: str
    conversation: str
    theme: str = ""
    split: str = ""


def form(text: str) -> str:
    """What texts have in common that say the same: their words, whatever case, blanks and punctuation."""
    return " ".join(re.findall(r"\w+(?:['’]\w+)*", text.casefold())) or text.strip()


def without_doubles(pairs: Iterable[Pair]) -> list[Pair]:
    """The pairs that say something, each once: no text is empty, and no reply repeats its message."""
    kept: dict[tuple[str, str], Pair] = {}
    for pair in pairs:
        message, reply = form(pair.message), form(pair.reply)
        if message and reply and message != reply:
            kept.setdefault((message, reply), pair)
    return list(kept.values())


def groups(pairs: Sequence[Pair]) -> list[str]:
    """A name for each pair's group: pairs that share a conversation, a message or a reply are in one.

    A reply that is elsewhere a message counts as the same text.

    Returns:
        The first conversation of each group.
    """
    edges = [((pair.conversation,), form(text)) for pair in pairs for text in (pair.message, pair.reply)]
    first: dict[int, str] = {}
    component = components(edges)[::2]
    return [first.setdefault(number, pair.conversation) for number, pair in zip(component, pairs, strict=True)]


def ranking(pairs: Sequence[Pair], seed: int = 0) -> Listing:
    """List pairs as replies to be ranked.

    Whole groups (see :func:`groups`) go to one split. Where the source has splits, a group that is in several keeps its
    place in the last of them only, so that the given test stays whole.

    Args:
        pairs: The pairs, each once.
        seed: Decides the splits, where the source has none, and the wrong replies.

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
        kept = [i for i, name in enumerate(named) if SPLITS.index(given[i]) == last[name]]
        if len(kept) < len(pairs):
            notices.append(
                f"{len(pairs) - len(kept)} pairs share a message, a reply or a conversation with a later split and "
                "were left out"
            )
        pairs, given = [pairs[i] for i in kept], [given[i] for i in kept]
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
    targets = Choices(pairs, splits, seed)
    return Listing("text", inputs, themes, names, named, splits, notices, targets=targets)


class Choices:
    """The replies to choose from for each pair, as ``tlzoo.data.dataset.Targets``."""

    features = REPLY_TARGETS

    def __init__(self, pairs: Sequence[Pair], splits: Sequence[str], seed: int) -> None:
        """Draw them.

        Args:
            pairs: The pairs.
            splits: The split of each: wrong replies are other messages' of the same split.
            seed: Of the draw.

        Raises:
            InputError: A split has too few different replies.
        """
        right: dict[str, set[str]] = defaultdict(set)
        told: dict[str, dict[str, str]] = {split: {} for split in SPLITS}
        for pair, split in zip(pairs, splits, strict=True):
            right[form(pair.message)].add(form(pair.reply))
            told[split].setdefault(form(pair.reply), pair.reply)
        replies = {split: list(each.items()) for split, each in told.items()}
        self.columns = []
        for index, (pair, split) in enumerate(zip(pairs, splits, strict=True)):
            never = right[form(pair.message)] | {form(pair.message)}
            rng = np.random.default_rng((seed, index))
            size = min(len(replies[split]), CANDIDATES - 1 + len(never))
            drawn = [replies[split][i] for i in rng.choice(len(replies[split]), size, replace=False)]
            candidates = [reply for key, reply in drawn if key not in never][: CANDIDATES - 1]
            if len(candidates) < CANDIDATES - 1:
                raise InputError(
                    f"{split}: {len(candidates)} different replies that are wrong for {pair.message[:40]!r}; "
                    f"{CANDIDATES - 1} are needed: give more pairs, about a hundred at the least"
                )
            target = int(rng.integers(CANDIDATES))
            candidates.insert(target, pair.reply)
            self.columns.append({"candidates": candidates, "target": target})

    def of(self, index: int, value: Any) -> Target:
        """The replies to choose from of one pair."""
        return Target(self.columns[index])


def listing(path: Path) -> Listing:
    """List a person's own messages and replies: a table, or a folder of tables named after splits.

    A table has a column of messages and one of replies, or one of conversations, as chats are kept: lists of turns with
    ``role`` and ``content``, or of strings. Of a conversation the pairs are what ``assistant`` says and what was said
    before it; where nobody is called so, each turn and the next one.

    Raises:
        InputError: It cannot be read, no column fits, or it holds too few pairs.
    """
    tables = read_tables(path)
    found = listed(tables, str(path))
    found.files = [table.path for table in tables]
    return found


def listed(tables: Sequence[Table], where: str) -> Listing:
    """List the messages and replies of tables.

    Args:
        tables: The tables; where there are several, each names its split.
        where: What errors call them.

    Raises:
        InputError: No column fits, or they hold too few pairs.
    """
    notes = Listing("text", [], [], [])
    pairs = without_doubles(pair for table in tables for pair in _of_table(table, notes, len(tables) > 1))
    try:
        found = ranking(pairs)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    found.notices, found.problems, found.columns = notes.notices + found.notices, notes.problems, notes.columns
    return found


def _of_table(table: Table, notes: Listing, parted: bool) -> Iterator[Pair]:
    split = (table.split or "train") if parted else ""
    turns = table.find(TURNS_COLUMNS)
    if turns and isinstance(table.columns[turns][0], list):
        guessed(notes, table, conversations=turns)
        for row, conversation in enumerate(table.columns[turns]):
            for message, reply in _exchanges(conversation, table.name(row)):
                yield Pair(message, reply, table.name(row), split=split)
        return
    instruction = table.find(["instruction"])
    more = table.find(["input"]) if instruction else None
    message = instruction if instruction and more else table.need(MESSAGE_COLUMNS, "messages")
    reply = table.need(REPLY_COLUMNS, "replies")
    group = table.find([name for name in CONVERSATION_COLUMNS if name not in (message, reply)])
    guessed(notes, table, message=message, input=more, reply=reply, group=group)
    notes.columns = notes.columns or {"text": message, **({"input": more} if more else {})}
    for row, texts in enumerate(zip(table.columns[message], table.columns[reply], strict=True)):
        missing = [name for name, text in zip((message, reply), texts, strict=True) if not str(text or "").strip()]
        if missing:
            notes.problems.append(f"{table.name(row)}: {missing[0]!r} is empty")
            continue
        where = f"{group} {table.columns[group][row]}" if group else table.name(row)
        said = with_input(str(texts[0]), table.columns[more][row] if more else None)
        yield Pair(said, str(texts[1]), where, split=split)


def _exchanges(conversation: Any, where: str) -> Iterator[tuple[str, str]]:
    """Messages and replies of one conversation.

    Raises:
        InputError: It is none.
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
