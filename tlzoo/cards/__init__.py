"""Model cards: schema, reader, catalogue, rendering.

The module is also the public function ``tlzoo.cards()``, whichever of its parts was imported before.

Example:
    >>> import tlzoo
    >>> [card.id for card in tlzoo.cards() if card.task == "pitch-extraction"]
    ['crepe']
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlzoo.cards.schema import Card


class _Cards(ModuleType):
    def __call__(self) -> list[Card]:
        from tlzoo.cards.catalogue import cards

        return cards()


sys.modules[__name__].__class__ = _Cards
