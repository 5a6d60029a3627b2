"""One kind of data that people have, and how it is tried."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tlzoo.data.catalogue import find, load
from tlzoo.errors import InputError


@dataclass(frozen=True)
class Kind:
    """Data of one kind; just one of ``reads`` and ``refuses`` is given.

    Attributes:
        name: What a person would call it.
        task: The task.
        make: Writes the data into an empty folder, and gives what ``--data`` names.
        reads: Pattern of the line that counts what was read.
        refuses: Pattern of the error, which names the cause and the way out.
        notices: Patterns, each of one of the notices or problems.
        given: Options of own data: ``text``, ``label``, ``group``; ``splits`` is ``no`` for ``--no-splits``.
    """

    name: str
    task: str
    make: Callable[[Path], Path]
    reads: str = ""
    refuses: str = ""
    notices: tuple[str, ...] = ()
    given: Mapping[str, str] = field(default_factory=dict)

    def outcome(self, folder: Path) -> Outcome:
        """Prepare the data as an evaluation does; anything but an input error passes through."""
        try:
            data = load(find(self.task, str(self.make(folder)), given=self.given))
        except InputError as error:
            return Outcome(False, str(error), ())
        return Outcome(True, str(data.counts()), (*data.notices, *data.problems))


@dataclass(frozen=True)
class Outcome:
    """What became of it.

    Attributes:
        is_read: Whether it was read.
        line: The counts, or the error.
        notices: Notices and problems.
    """

    is_read: bool
    line: str
    notices: tuple[str, ...]

    def fault(self, kind: Kind) -> str:
        """How it differs from what is expected; empty where it does not."""
        shown = "\n".join((self.line, *self.notices))
        if self.is_read != bool(kind.reads) or not re.search(kind.reads or kind.refuses, self.line):
            return f"expected {'read' if kind.reads else 'refused'}: {kind.reads or kind.refuses}\ngot: {shown}"
        if "\n" in self.line:
            return f"more than one line: {self.line}"
        absent = [each for each in kind.notices if not any(re.search(each, notice) for notice in self.notices)]
        return f"no notice {absent}\ngot: {shown}" if absent else ""
