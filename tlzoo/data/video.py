"""Video in: ``datasets`` storage to frames, by PyAV, whose wheel brings FFmpeg.

Video columns are ``Video(decode=False)``, ``{"bytes": ..., "path": ...}``. Frames are counted in the order in which
they are shown, and spread by the time at which they are shown, so that a variable frame rate changes no speed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from tlzoo.errors import InputError

Frames = NDArray[np.uint8]
"""RGB, ``(frames, height, width, 3)``."""


def decode(
    source: Mapping[str, Any], count: int, every: int | None = None, first: int = 0, side: int | None = None
) -> Frames:
    """Read some frames of a video.

    Args:
        source: Storage of ``Video(decode=False)``: ``{"bytes": bytes | None, "path": str | None}``; bytes come first.
        count: Number of frames.
        every: How many frames of the video it is from one to the next; by default they are spread evenly over its time.
        first: The first one, where they are not spread.
        side: Height and width to bring frames to, while they are decoded: the shorter side fills it, and the centre is
            kept; by default they keep their own size.

    Returns:
        uint8 of shape ``(count, height, width, 3)``, turned upright; a video that is too short repeats its frames.

    Raises:
        InputError: The video cannot be read, or has no frames.
    """
    try:
        return _read(source, count, every, first, side)
    except ValueError as error:
        raise InputError(f"{source.get('path') or 'video without a path'}: {error}") from error


def check(source: Mapping[str, Any]) -> str | None:
    """Try to read every frame of a video.

    Returns:
        Why it cannot be decoded, in one line that does not name it, or nothing.
    """
    try:
        with _opened(source) as container:
            _times(container)
        with _opened(source) as container:
            if not sum(1 for _ in container.decode(video=0)):  # all of them, to the end
                return "no frames"
    except ValueError as error:
        return str(error)
    except (av.FFmpegError, OSError) as error:
        return _told(error)
    return None


def length(source: Mapping[str, Any]) -> int:
    """How many frames a readable video has."""
    with _opened(source) as container:
        return len(_times(container))


def encode(frames: Frames, rate: int) -> bytes:
    """Write frames without loss, as FFV1 in a Matroska file.

    Args:
        frames: RGB, uint8 of shape ``(frames, height, width, 3)``.
        rate: Frames a second.

    Returns:
        The bytes of the file; :func:`decode` gives the same frames back.
    """
    file = io.BytesIO()
    with av.open(file, "w", format="matroska", options={"fflags": "bitexact"}) as container:  # no random numbers in it
        stream: Any = container.add_stream("ffv1", rate=rate)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "bgr0"
        for picture in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return file.getvalue()


def spread(times: Sequence[float], count: int) -> list[int]:
    """Which frames are shown at the middles of ``count`` equal parts of a video.

    Args:
        times: When each frame begins, sorted; the last one is shown as long as the frames are on average.
        count: Number of parts.
    """
    first, last = times[0], times[-1]
    lasts = (last - first) / (len(times) - 1) if len(times) > 1 else 1.0
    middles = first + (np.arange(count) + 0.5) / count * (last + lasts - first)
    return [int(i) for i in np.clip(np.searchsorted(times, middles, side="right") - 1, 0, len(times) - 1)]


def _read(source: Mapping[str, Any], count: int, every: int | None, first: int, side: int | None) -> Frames:
    try:
        with _opened(source) as container:
            times = _times(container)
        wanted = (
            spread(times, count) if every is None else [min(first + i * every, len(times) - 1) for i in range(count)]
        )
        found: dict[int, Frames] = {}
        last = None
        with _opened(source) as container:
            for index, frame in enumerate(container.decode(video=0)):
                last = frame
                if index in wanted:
                    found[index] = _upright(frame, side)
                if index >= max(wanted):
                    break
    except (av.FFmpegError, OSError) as error:
        raise ValueError(_told(error)) from error
    if last is None:
        raise ValueError("no frames")
    if max(wanted) not in found:  # a container may announce more than can be decoded
        end = _upright(last, side)
        found |= {index: end for index in wanted if index not in found}
    shapes = {picture.shape for picture in found.values()}
    if len(shapes) > 1:
        raise ValueError("its frames are of several sizes")
    return np.stack([found[index] for index in wanted])


@contextmanager
def _opened(source: Mapping[str, Any]) -> Iterator[Any]:
    data, path = source.get("bytes"), source.get("path")
    if data is None and not path:
        raise ValueError("neither bytes nor a path")
    if data is not None and not data:
        raise ValueError("an empty file")
    with av.open(io.BytesIO(data) if data is not None else str(path)) as container:
        if not container.streams.video:
            raise ValueError("no video in it")
        container.streams.video[0].thread_type = "AUTO"
        yield container


def _times(container: Any) -> list[float]:
    """When each frame is shown, sorted; where a file does not say, frames are counted."""
    found = [(p.pts, p.is_discard) for p in container.demux(video=0) if p.size]
    shown = [pts for pts, is_discarded in found if not is_discarded]
    if not shown:
        raise ValueError("no frames")
    return [float(t) for t in (range(len(shown)) if None in shown else sorted(shown))]


def _upright(frame: Any, side: int | None) -> Frames:
    if side is not None:
        fit = side / min(frame.width, frame.height)
        width, height = (max(side, round(each * fit)) for each in (frame.width, frame.height))
        picture: Frames = frame.to_ndarray(format="rgb24", width=width, height=height)
        top, left = (height - side) // 2, (width - side) // 2
        picture = picture[top : top + side, left : left + side]
    else:
        picture = frame.to_ndarray(format="rgb24")
    return np.rot90(picture, frame.rotation // 90) if frame.rotation else picture


def _told(error: Exception) -> str:
    return f"not readable as video: {getattr(error, 'strerror', None) or error}"
