"""The errors that people are meant to read: one line each."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping


class TlzooError(Exception):
    """Base of every error that tlzoo raises on purpose.

    Attributes:
        usage: What an API model was asked until then, and what that cost; sent between processes with the error.
    """

    usage: Mapping[str, object] | None = None


class InputError(TlzooError):
    """What the user gave is wrong (exit code 2). Says what, where, and the alternatives."""


class UnavailableError(TlzooError):
    """Something from outside is not available now: weights, a data set, a key, a network."""


class StoppedError(TlzooError):
    """Work was ended at a limit of time or money; what was done until then is kept."""


class DivergedError(TlzooError):
    """Training or a model ended in values that are not finite, which are not a score."""


def unknown(kind: str, name: str, known: Iterable[str], where: str = "") -> InputError:
    """Build the error for an unknown name.

    Args:
        kind: What is being named, such as ``"task"``.
        name: The unknown name.
        known: Every name that would have been right.
        where: The place that named it, such as ``"cards/x.md:12, field 'task'"``.

    Returns:
        An error that suggests the closest name, and lists all of them.
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    prefix = f"{where}: " if where else ""
    return InputError(f"{prefix}unknown {kind} {name!r}; {hint}known: {', '.join(names) or 'none'}")
