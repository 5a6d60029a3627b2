"""Files of strangers: valid ones that are changed at random, the same ones for the same seed."""

import json
import random
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

Mutation = Callable[[bytes, random.Random], bytes]

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


def a_line(lines: list[str], chance: random.Random) -> int:
    """A line, of the front matter more often than not."""
    end = next((i for i, line in enumerate(lines) if i and line.startswith("---")), len(lines) - 1)
    return chance.randrange(max(1, end if chance.random() < 0.85 else len(lines)))


def by_lines(change: Callable[[list[str], int, random.Random], None]) -> Mutation:
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


def numbered(content: bytes, chance: random.Random) -> bytes:
    """With an extreme number in place of some bytes, as a length, a count or an offset is."""
    changed = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 8])):
        width = chance.choice([1, 2, 4, 8])
        number = chance.choice([0, 1, -1, 1 << 8 * width - 1, (1 << 8 * width - 1) - 1, chance.randrange(1 << 20)])
        packed = (number % (1 << 8 * width)).to_bytes(width, chance.choice(["little", "big"]))
        at = chance.randrange(max(1, min(len(changed), chance.choice([64, 1024, len(changed)]))))
        changed[at : at + width] = packed
    return bytes(changed)


def repeated_bytes(content: bytes, chance: random.Random) -> bytes:
    begin, end = sorted(chance.randrange(len(content)) for _ in range(2))
    return content[:end] + content[begin:end][:10_000] * chance.choice([1, 10, 100]) + content[end:]


def spliced(content: bytes, other: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(max(1, min(len(content), len(other))))
    return content[:at] + other[at:]


LINES: tuple[Mutation, ...] = (
    swapped, repeated, removed, indented, revalued, revalued, revalued, rekeyed, spelt, spelt,
)  # fmt: skip
BYTES: tuple[Mutation, ...] = (flipped, flipped, cut, torn, numbered, numbered, repeated_bytes)


def mutated(content: bytes, chance: random.Random, mutations: Sequence[Mutation], others: Sequence[bytes]) -> bytes:
    """A content that is changed once or several times.

    Args:
        content: Of a valid file.
        chance: Decides.
        mutations: The changes.
        others: Contents of other files, of whose ends some take the place of its own.
    """
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        content = content or b"-"
        if chance.random() < 1 / (len(mutations) + 1):
            content = spliced(content, chance.choice(others), chance)
        else:
            content = chance.choice(mutations)(content, chance)
    return content


JSON_VALUES: tuple[object, ...] = (
    None, True, 0, -1, 1, 2**31, -(2**63), 10**30, 1e308, 0.5, float("nan"), float("inf"), "", "x", "\ud800", "\0",
    "x" * 10_000, "../../escape", "/etc/passwd", [], {}, [[]], [None] * 100, {"x": {"x": {}}}, ["\u202e", "\n"],
)  # fmt: skip


def rewritten(content: bytes, chance: random.Random) -> bytes:
    """JSON, or JSON lines, with other values, keys or lengths in some places; other content by its lines."""
    try:
        value = json.loads(content)
    except ValueError:
        lines = content.split(b"\n")
        at = chance.randrange(len(lines))
        try:
            lines[at] = json.dumps(_rewritten(json.loads(lines[at]), chance)).encode()
        except ValueError:
            return chance.choice(LINES)(content, chance)
        return b"\n".join(lines)
    return json.dumps(_rewritten(value, chance)).encode()


def _rewritten(value: Any, chance: random.Random) -> Any:
    """A value with one change at a random depth."""
    if not isinstance(value, dict | list) or not value or chance.random() < 0.1:
        return chance.choice(JSON_VALUES)
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = chance.choice(keys)
    act = chance.random()
    if act < 0.1:
        del value[key]
    elif act < 0.15 and isinstance(value, dict):
        value[chance.choice(["", "x", "../x", "x" * 5000, "\0"])] = value.pop(key)
    elif act < 0.2 and isinstance(value, list):
        value.insert(key, value[key])
    else:
        value[key] = _rewritten(value[key], chance)
    return value
