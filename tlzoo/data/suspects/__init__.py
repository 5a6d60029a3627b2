"""What may be wrong with data, before anything is trained on them: copies, leaks, shortcuts, classes, labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal[
    "unreadable", "leak", "group leak", "contradiction", "repeat", "near repeat", "odd label", "shortcut", "groups",
    "imbalance", "few examples",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
"""The worst first."""
REMEDIES: dict[Kind, str] = {
    "unreadable": "save these files anew, or delete them",
    "leak": "delete the copies that are in train, or give no splits of your own",
    "group leak": "move the whole group to one side, or give no splits of your own and --group",
    "contradiction": "look which class is right, and delete the other copy",
    "repeat": "delete all but one",
    "near repeat": "keep them on one side; tlzoo does so with splits that it cuts",
    "odd label": "look at each, and correct what is wrong",
    "shortcut": "collect examples in which it does not tell the classes apart, or remove it from the inputs",
    "groups": "give that option, so that no group is in two splits",
    "imbalance": "judge by macro F1, and collect more of the small classes",
    "few examples": "collect more, or join classes",
}


@dataclass(frozen=True)
class Suspect:
    """Something that may be wrong.

    Attributes:
        kind: Its kind.
        message: What it is, in a sentence.
        example: The example that it concerns; empty where it is the data as a whole.
        other: The other example, or the class that is suggested.
        score: How sure it is, 0 to 1, where that is known.
    """

    kind: Kind
    message: str
    example: str = ""
    other: str = ""
    score: float | None = None
