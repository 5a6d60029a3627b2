"""Text of strangers in Markdown: it is shown as text, and never becomes HTML, a picture or a link."""

from __future__ import annotations

import re
import unicodedata

MAX_CHARACTERS = 2_000
"""Of one line."""
_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&:$^=@])")
"""Characters with a meaning in Markdown, or in a link."""
_CODE = re.compile(r"`([^`]+)`")


def text(value: object) -> str:
    """Escape a text as one line of Markdown.

    Args:
        value: Any value; line ends become blanks, and invisible characters are removed.
    """
    seen = visible(" ".join(str(value).split()))
    shown = seen if len(seen) <= MAX_CHARACTERS else f"{seen[:MAX_CHARACTERS]}..."
    return _PUNCTUATION.sub(r"\\\1", shown).replace("\\@", "\\@\u200b")  # a name after @ must not mention an account


def visible(line: str) -> str:
    """Remove invisible characters of a line, such as control characters and those that change the reading direction."""
    return "".join(c for c in line if unicodedata.category(c)[0] != "C" or c == "\t")


def fenced(value: str) -> str:
    """Write a block of code, with a fence that is longer than any in it."""
    lines = [visible(line) for line in value.splitlines()]
    longest = max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}text", *lines, fence])


def prose(value: str) -> str:
    """Escape Markdown except for headings, lists and code."""
    lines: list[str] = []
    block: list[str] | None = None
    for line in value.splitlines():
        if line.lstrip().startswith("```"):
            if block is None:
                block = []
            else:
                lines += [fenced("\n".join(block)), ""]
                block = None
        elif block is not None:
            block.append(line)
        else:
            lines.append(_line(line))
    if block is not None:
        lines.append(fenced("\n".join(block)))
    return "\n".join(lines)


def _line(line: str) -> str:
    if heading := re.match(r"(#{1,6}) +(.*)", line):
        return f"{'#' * min(6, len(heading[1]) + 2)} {text(heading[2])}"
    if item := re.match(r"( {0,3})[-*] +(.*)", line):
        return f"{item[1]}- {_inline(item[2])}"
    return _inline(line)


def _inline(line: str) -> str:
    """Plain text with spans of code, which no text between them can open or close."""
    parts = _CODE.split(line)
    return "".join(f"`{visible(part)}`" if i % 2 else _spaced(part) for i, part in enumerate(parts))


def _spaced(part: str) -> str:
    """Plain text including the blanks at its ends."""
    shown = text(part)
    if not shown:
        return " " if part else ""
    return f"{' ' if part[0].isspace() else ''}{shown}{' ' if part[-1].isspace() else ''}"
