"""Mutated cards: each is read, or refused with its faults; nothing else, and at once.

``TLZOO_MUTATIONS=7500 pytest tests/cards/test_mutations.py`` tries that many.
"""

import json
import os
import random
import unicodedata
from collections.abc import Callable
from functools import wraps
from pathlib import Path

from tlzoo import escape
from tlzoo.cards import catalogue, render
from tlzoo.cards.reader import CardFile, front_matter, read, todos
from tlzoo.errors import InputError

NUMBER = int(os.environ.get("TLZOO_MUTATIONS", "300"))
VALUES = [
    "", "~", "0", "-1", "true", "[]", "{}", "[0, [1, {a: b}]]", "{a: {b: [c]}}", "2001-01-01", "2001-99-99", "12:30:45",
    ".inf", "-.nan", "1e400", "1.0e-12", "0x" + "f" * 5000, "9" * 5000, "0b" + "1" * 200, "1:" * 300 + "1", "nan",
    "!!bool maybe", "!!int x", "!!python/object/apply:os.system [true]", "!!binary x", "!!set {a}", "!<x> y", "&a [1]",
    "*a", "<<", "|", ">-", "'", '"', '"\\ud800"', '"\\0"', '"\\U0010ffff"', "\t1", "- 1", "? a", ": a", "%a", "@a",
    "`a", "# a", "[" * 500, "[" + "0, " * 20_000 + "]", "[" + "0, " * 1_500 + "]", "x" * 60_000, "a: b: c", "Infinity",
    "{" + ", ".join(f"k{i}: {i}" for i in range(3_000)) + "}",
]  # fmt: skip
CHARACTERS = (
    "\0\x07\x1b\x7f\x85\u00a0\u00ad\u200d\u2028\u202e\u2066\ufeff\uffff\U0001f600\U000e0041\u0301\u0660\u212a\t\r\n:#-?"
)
FILES = list(catalogue.card_files())


def a_line(lines: list[str], chance: random.Random) -> int:
    """A line, of the front matter more often than not."""
    end = next((i for i, line in enumerate(lines) if i and line.startswith("---")), len(lines) - 1)
    return chance.randrange(max(1, end if chance.random() < 0.85 else len(lines)))


def by_lines(change: Callable[[list[str], int, random.Random], None]) -> Callable[[bytes, random.Random], bytes]:
    @wraps(change)
    def mutate(content: bytes, chance: random.Random) -> bytes:
        lines = content.decode(errors="surrogateescape").split("\n")
        change(lines, a_line(lines, chance), chance)
        return "\n".join(lines).encode(errors="surrogateescape")

    return mutate


@by_lines
def swapped(lines: list[str], i: int, chance: random.Random) -> None:
    j = a_line(lines, chance)
    lines[i], lines[j] = lines[j], lines[i]


@by_lines
def repeated(lines: list[str], i: int, chance: random.Random) -> None:
    lines[i : i + 1] = [lines[i]] * chance.choice([2, 2, 3, 1000])


@by_lines
def removed(lines: list[str], i: int, chance: random.Random) -> None:
    del lines[i : i + chance.choice([1, 1, 2, 20])]


@by_lines
def indented(lines: list[str], i: int, chance: random.Random) -> None:
    lines[i] = chance.choice([" ", "  ", "\t", "- ", " " * 300]) + lines[i] if chance.random() < 0.7 else lines[i][1:]


@by_lines
def revalued(lines: list[str], i: int, chance: random.Random) -> None:
    key, colon, _ = lines[i].partition(":")
    lines[i] = f"{key}{colon} {chance.choice(VALUES)}"


@by_lines
def rekeyed(lines: list[str], i: int, chance: random.Random) -> None:
    _, colon, value = lines[i].partition(":")
    lines[i] = f"{chance.choice(VALUES)[:2000]}{colon}{value}"


@by_lines
def spelt(lines: list[str], i: int, chance: random.Random) -> None:
    at = chance.randrange(len(lines[i]) + 1)
    lines[i] = lines[i][:at] + chance.choice(CHARACTERS) + lines[i][at:]


def flipped(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice([1, 1, 3, 30])):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def torn(content: bytes, chance: random.Random) -> bytes:
    """Without a part in the middle, or with it twice."""
    begin, end = sorted(chance.randrange(len(content)) for _ in range(2))
    return content[:begin] + content[end:] if chance.random() < 0.5 else content[:end] + content[begin:]


def spliced(content: bytes, chance: random.Random) -> bytes:
    other = chance.choice(FILES).path.read_bytes()
    at = chance.randrange(min(len(content), len(other)))
    return content[:at] + other[at:]


MUTATIONS = [
    swapped, repeated, removed, indented, revalued, revalued, revalued, rekeyed, spelt, spelt, flipped, cut, torn,
    spliced,
]  # fmt: skip


def used(file: CardFile, text: str) -> None:
    """Whatever is read can be shown and hashed."""
    json.dumps(render.listing([file]))
    render.table([file]), render.text(file), render.markdown(file), render.markdown_table([file])
    escape.prose(file.prose), todos(text, file.path)
    file.card.model_dump_json()
    for variant in file.card.variants:
        assert len(file.card.variant_hash(variant)) == 64
        file.card.input_of(variant)


def test_a_mutated_card_is_read_or_refused(tmp_path: Path) -> None:
    read_ones, refused = 0, 0
    failures: list[str] = []
    for number in range(NUMBER):
        chance = random.Random(number)
        source = chance.choice(FILES)
        content = source.path.read_bytes()
        mutations = [chance.choice(MUTATIONS) for _ in range(chance.choice([1, 1, 1, 2, 4]))]
        for mutation in mutations:
            content = mutation(content or b"-", chance)
        path = tmp_path / f"{source.card.id}.md"
        path.write_bytes(content)
        try:
            front_matter(content.decode(errors="replace"))
            used(read(path), content.decode())
            read_ones += 1
        except InputError as error:
            refused += 1
            lines = str(error).split("\n")
            if not all(line.startswith(f"{path}:") and len(line) < 3000 for line in lines) or any(
                unicodedata.category(c) == "Cc" for line in lines for c in line
            ):
                failures.append(f"{number} {source.card.id}: {lines[0][:300]!r}")
            if ":1: cannot be read: " in lines[0]:
                failures.append(f"{number} {source.card.id}: refused for want of a better word: {lines[0][:300]}")
        except Exception as error:
            failures.append(f"{number} {source.card.id}: {type(error).__name__}: {str(error)[:300]}")
    print(f"{NUMBER} cards: {read_ones} read, {refused} refused")
    assert not failures, "\n".join(failures[:50])
    assert read_ones > NUMBER / 20 and refused > NUMBER / 3
