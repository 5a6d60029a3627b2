"""Videos: stored inputs are decoded to frames by PyAV, whose wheel includes FFmpeg.

Video columns are ``Video(decode=False)``. Frames are numbered in the order in which they are shown, and spread by the
time at which they are shown, so that a variable frame rate does not change the speed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from tlzoo.data.media.containers import container_of
from tlzoo.data.media.limits import AREA, check_ratio, limits
from tlzoo.data.media.stored import Stored, opened
from tlzoo.errors import InputError

Frames = NDArray[np.uint8]
"""RGB, ``(frames, height, width, 3)``."""
FORMATS = ("mov", "matroska", "avi", "mpeg", "mpegvideo", "mpegts", "asf", "flv", "ogg", "gif")
"""Containers that are read, by FFmpeg's names: files of frames, and not lists of other files or addresses."""


def decode(source: Stored, count: int, every: int | None = None, first: int = 0, side: int | None = None) -> Frames:
    """Decode some frames of a video.

    Args:
        source: A stored video.
        count: Number of frames.
        every: Distance between two of them, in frames of the video; by default they are spread evenly over its time.
        first: Number of the first one, if they are not spread.
        side: Height and width that frames are scaled to: the shorter side fills it, and the longer one is cropped at
            its centre; by default they keep their size.

    Returns:
        uint8 of shape ``(count, height, width, 3)``, turned upright; a video that is too short repeats its frames.

    Raises:
        InputError: The video cannot be read, has no frames, or more or larger ones than ``tlzoo.data.media.limits``
        allows.
    """
    try:
        return _read(source, count, every, first, side)
    except ValueError as error:
        raise _named(source, error) from error


def check_size(source: Stored) -> None:
    """Check the number of frames and their size, without decoding them.

    Raises:
        InputError: As for :func:`decode`.
    """
    try:
        with _opened(source) as container:
            _times(container)
    except ValueError as error:
        raise _named(source, error) from error


def check(source: Stored) -> str | None:
    """Try to read every frame of a video.

    Returns:
        The reason why it cannot be decoded, in one line without its name; ``None`` if it can.
    """
    try:
        with _opened(source) as container:
            _times(container)
        with _opened(source) as container:
            if not sum(1 for _ in _decoded(container)):  # all of them, to the end
                return "no frames"
    except ValueError as error:
        return str(error)
    return None


def length(source: Stored) -> int:
    """Number of frames of a readable video."""
    with _opened(source) as container:
        return len(_times(container))


def extent(source: Stored) -> int:
    """Number of frames in the index of a file.

    Raises:
        InputError: It cannot be read.
    """
    try:
        return length(source)
    except ValueError as error:
        raise _named(source, error) from error


def encode(frames: Frames, rate: int) -> bytes:
    """Write frames without loss, as FFV1 in a Matroska file.

    Args:
        frames: RGB, uint8 of shape ``(frames, height, width, 3)``.
        rate: Frames a second.

    Returns:
        The bytes of the file; :func:`decode` returns the same frames.
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
    """Numbers of the frames that are shown at the middles of ``count`` equal parts of a video.

    Args:
        times: Start of each frame, sorted; the last one is shown for the average time of a frame.
        count: Number of parts.
    """
    first, last = times[0], times[-1]
    lasts = (last - first) / (len(times) - 1) if len(times) > 1 else 1.0
    middles = first + (np.arange(count) + 0.5) / count * (last + lasts - first)
    return [int(i) for i in np.clip(np.searchsorted(times, middles, side="right") - 1, 0, len(times) - 1)]


def _read(source: Stored, count: int, every: int | None, first: int, side: int | None) -> Frames:
    with _opened(source) as container:
        times = _times(container)
    wanted = spread(times, count) if every is None else [min(first + i * every, len(times) - 1) for i in range(count)]
    places: dict[int, list[int]] = {}
    for place, index in enumerate(wanted):
        places.setdefault(index, []).append(place)
    frames: Frames | None = None
    last = None
    with _opened(source) as container:
        for index, frame in enumerate(_decoded(container)):
            last = frame
            if index in places:
                frames = _put(_upright(frame, side), places.pop(index), frames, count)
            if not places:
                break
    if last is None:
        raise ValueError("no frames")
    if places:  # a container may announce more than can be decoded
        frames = _put(_upright(last, side), [place for each in places.values() for place in each], frames, count)
    assert frames is not None
    return frames


def _put(picture: Frames, places: list[int], frames: Frames | None, count: int) -> Frames:
    """Put a picture in its places among the frames, for which memory is allocated at the first one."""
    if frames is None:
        height, width = picture.shape[:2]
        limit = limits().taken_pixels
        if count * height * width > limit:
            raise ValueError(f"{count} frames of {AREA.format(width, height, limit)}")
        frames = np.empty((count, *picture.shape), np.uint8)
    if picture.shape != frames.shape[1:]:
        raise ValueError("its frames are of several sizes")
    frames[places] = picture
    return frames


@contextmanager
def _opened(source: Stored) -> Iterator[Any]:
    """Open a video whose header is within the limits; failures in the block become a ``ValueError``."""
    max_pixels = {"max_pixels": str(limits().frame_pixels)}
    try:
        with (
            opened(source) as stored,
            container_of(stored, FORMATS, max_pixels) as container,
        ):
            if not container.streams.video or container.streams.video[0].codec_context is None:
                raise ValueError("no video in it that can be decoded")
            stream = container.streams.video[0]
            if not stream.width:
                raise ValueError(f"frames of unknown size, or of more than {limits().frame_pixels:,} pixels, the limit")
            _check_size(stream, 1)
            stream.thread_type = "AUTO"
            stream.codec_context.options = max_pixels  # a frame need not be what its header says
            yield container
    except (av.FFmpegError, OSError) as error:  # first: some of the former are ValueErrors too
        raise ValueError(_unreadable(error)) from error


def _check_size(stream: Any, frames: int) -> None:
    """Check the number of frames of a stream, and their size."""
    limit, width, height = limits(), stream.width, stream.height
    if width * height > limit.frame_pixels:
        raise ValueError(f"frames of {AREA.format(width, height, limit.frame_pixels)}")
    check_ratio(width, height)
    if frames > limit.frames:
        raise ValueError(f"{frames:,} frames; the limit is {limit.frames:,}")
    if frames * width * height > limit.video_pixels:
        raise ValueError(f"{frames:,} frames of {AREA.format(width, height, limit.video_pixels)}")


def _decoded(container: Any) -> Iterator[Any]:
    for index, frame in enumerate(container.decode(video=0)):
        _check_size(frame, index + 1)
        yield frame


def _times(container: Any) -> list[float]:
    """Time of each frame, sorted; its number if the file has no times."""
    shown = []
    for packet in container.demux(video=0):
        if packet.size and not packet.is_discard:
            shown.append(packet.pts)
            _check_size(packet.stream, len(shown))
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


def _named(source: Stored, error: ValueError) -> InputError:
    return InputError(f"{source.get('path') or 'video without a path'}: {error}")


def _unreadable(error: Exception) -> str:
    if isinstance(error, av.ArgumentError):  # FFmpeg's error for frames larger than max_pixels
        return (
            f"not readable as video: a frame is damaged, or has more than {limits().frame_pixels:,} pixels, the limit"
        )
    return f"not readable as video: {getattr(error, 'strerror', None) or error}"
