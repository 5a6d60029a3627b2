"""tlzoo: a model zoo for transfer learning.

The Python API mirrors the command line: :func:`cards`, :func:`load`, :func:`evaluate`, :class:`Leaderboard`, and
:func:`metric` for training code of your own. Importing the package imports nothing heavy.

Example:
    >>> import tlzoo
    >>> [card.id for card in tlzoo.cards() if card.task == "pitch-extraction"]
    ['crepe']
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tlzoo.api import Leaderboard, load, metric
    from tlzoo.cards.catalogue import cards
    from tlzoo.run.evaluate import evaluate

__version__ = "0.1.0"
__all__ = ["Leaderboard", "__version__", "cards", "evaluate", "load", "metric"]
_WHERE = {
    "Leaderboard": "tlzoo.api",
    "evaluate": "tlzoo.run.evaluate",
    "load": "tlzoo.api",
    "metric": "tlzoo.api",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'tlzoo' has no attribute {name!r}; it has: {', '.join(__all__)}")
    from importlib import import_module

    return import_module("tlzoo.cards") if name == "cards" else getattr(import_module(_WHERE[name]), name)
