"""Pictures of more than 8 bits: the range of values of a data set, and pictures brought to 8 bits by it.

Cameras of microscopes and scanners store 10 to 16 bits, computed tomography has negative values, and floats may be of
any range. A picture by itself does not say which of its values is white; a data set does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tlzoo.data.media.image import deep_samples, encode_png, pages
from tlzoo.data.media.stored import Stored
from tlzoo.errors import InputError

SHARE = 1e-4
"""Share of a picture's pixels that may be beyond its range, at each end: single bright ones are faults of a camera."""
MAX_MEASURED = 500
"""Maximum number of pictures whose values are measured."""


@dataclass(frozen=True)
class Levels:
    """A range of values, of which the ends become black and white."""

    low: float
    high: float

    def __str__(self) -> str:
        """As it is kept with a model: ``low..high``."""
        return f"{self.low:g}..{self.high:g}"

    @classmethod
    def parse(cls, text: str) -> Levels:
        """The range that :meth:`__str__` wrote."""
        low, _, high = text.partition("..")
        return cls(float(low), float(high))

    def applied(self, source: Stored) -> Stored:
        """A picture with 8 bits: itself, unless it has more.

        Raises:
            InputError: It cannot be read.
        """
        samples = deep_samples(source)
        if samples is None:
            return source
        name = Path(source["path"]).with_suffix(".png").name if source["path"] else None
        return {"bytes": encode_png(self._scaled(samples)), "path": name}

    def _scaled(self, samples: NDArray[np.float64]) -> NDArray[np.uint8]:
        scaled = (samples - self.low) * (255 / max(self.high - self.low, 1e-12))
        return np.clip(np.rint(np.nan_to_num(scaled)), 0, 255).astype(np.uint8)


def levels_of(pictures: Iterable[Stored]) -> tuple[Levels | None, int]:
    """The range of values of pictures of more than 8 bits, and how many pictures have several pages.

    Args:
        pictures: Pictures to train on; those that cannot be read are passed over.

    Returns:
        The range, None if no picture has more than 8 bits; and the number of pictures of several pages.
    """
    lows, highs, several = [], [], 0
    for place, source in enumerate(pictures):
        if place == MAX_MEASURED:
            break
        try:
            several += pages(source) > 1
            samples = deep_samples(source)
        except InputError:
            continue
        if samples is not None:
            low, high = np.nanquantile(samples, (SHARE, 1 - SHARE), method="nearest")
            lows.append(float(low))
            highs.append(float(high))
    return (Levels(min(lows), max(highs)) if lows else None), several
