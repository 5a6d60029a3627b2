"""Limits of the size of a picture, a sound or a video: checked before and while it is decoded, as headers may be wrong.

A small file may contain hours of silence or a huge picture, whose decoding would take all memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from PIL import Image

AREA = "{:,} x {:,} pixels; the limit is {:,} in all"
"""Message for a picture that is too large: width, height, limit."""


@dataclass(frozen=True)
class Limits:
    """Maximum sizes.

    Attributes:
        seconds: Of a sound.
        samples: Of a sound, over all channels.
        frame_pixels: Of one frame of a video.
        frames: Of a video.
        video_pixels: Of all frames of a video together: the work of decoding it.
        taken_pixels: Of the frames of a video that are held in memory together.
        ratio: Of the longer side of a picture to the shorter one, which models scale to a fixed size.
        image_pixels: Of a picture; by default Pillow's limit, ``PIL.Image.MAX_IMAGE_PIXELS``.
    """

    seconds: int
    samples: int
    frame_pixels: int
    frames: int
    video_pixels: int
    taken_pixels: int
    ratio: int
    image_pixels: int | None = None

    @property
    def pixels(self) -> int | None:
        """Maximum pixels of a picture, if limited."""
        return self.image_pixels if self.image_pixels is not None else Image.MAX_IMAGE_PIXELS


FILES = Limits(
    seconds=3600,
    samples=3600 * 48_000 * 2,  # an hour of stereo
    frame_pixels=8192 * 4320,  # 8K
    frames=2 * 3600 * 30,
    video_pixels=2 * 3600 * 30 * 1920 * 1080,  # two hours of full HD
    taken_pixels=256_000_000,
    ratio=2000,
)
"""For the files of a person and for data sets."""
_limits: ContextVar[Limits] = ContextVar("limits", default=FILES)


def limits() -> Limits:
    """The limits in force: :data:`FILES`, or those of :func:`within`."""
    return _limits.get()


@contextmanager
def within(limits: Limits) -> Iterator[None]:
    """Set other limits in this thread until the end of the block."""
    token = _limits.set(limits)
    try:
        yield
    finally:
        _limits.reset(token)


def check_ratio(width: int, height: int) -> None:
    """Check the ratio of the sides of a picture.

    Raises:
        ValueError: One side is more than ``limits().ratio`` times the other.
    """
    if max(width, height) > limits().ratio * min(width, height):
        raise ValueError(f"{width:,} x {height:,} pixels; the longer side may be {limits().ratio} times the shorter")
