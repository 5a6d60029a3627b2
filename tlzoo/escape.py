"""Text of strangers in Markdown: whatever a card says, it is shown, and never becomes HTML, a picture or a link."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 2_000
"""Characters of one line that are shown."""
_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&:$^=@])")
"""What begins or ends anything in Markdown, or becomes a link by itself."""
_CODE = re.compile(r"`([^`]+)`")


def text(value: object) -> str:
    """One line of plain text: every character that could mean something to Markdown is escaped.

    Args:
        value: Anything; line ends become blanks, and characters that are not seen are left out.
    """
    seen = visible(" ".join(str(value).split()))
    shown = seen if len(seen) <= LONGEST else f"{seen[:LONGEST]}..."
    return _PUNCTUATION.sub(r"\\\1", shown).replace("\\@", "\\@\u200b")  # a name after @ is nobody's


def visible(line: str) -> str:
    """A line without what is not seen, such as control characters and those that turn the direction of reading."""
    return "".join(c for c in line if unicodedata.category(c)[0] != "C" or c == "\t")


def fenced(value: str) -> str:
    """A block of code, whose fence is longer than any in it."""
    lines = [visible(line) for line in value.splitlines()]
    longest = max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}text", *lines, fence])


def prose(value: str) -> str:
    """Markdown of a stranger, of which headings, lists and code are kept, and all else is plain text."""
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
    """Plain text with spans of code; between two of those, nothing that we write can open or close another."""
    parts = _CODE.split(line)
    return "".join(f"`{visible(part)}`" if i % 2 else _kept(part) for i, part in enumerate(parts))


def _kept(part: str) -> str:
    """Plain text with the blanks at its ends."""
    shown = text(part)
    if not shown:
        return " " if part else ""
    return f"{' ' if part[0].isspace() else ''}{shown}{' ' if part[-1].isspace() else ''}"
