"""Decodes the input of a row for a model; its column has the name of the kind of input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from tlzoo.data.files.text_files import printable
from tlzoo.data.media.stored import Stored
from tlzoo.errors import InputError


def read_input(row: Mapping[str, Any], kind: str, sample_rate: int | None = None, frames: int | None = None) -> Any:
    """Decode the input of a row.

    Args:
        row: A row whose column ``kind`` has the stored input.
        kind: ``"audio"``, ``"image"``, ``"video"``, ``"text"`` or ``"dna"``.
        sample_rate: Hz, for audio.
        frames: Number of frames, for video.

    Returns:
        Audio: mono samples, float32 of shape ``(samples,)``. Image: a PIL image, RGB. Video: frames spread evenly over
        its time, uint8 of shape ``(frames, height, width, 3)``. Text and DNA: the string.

    Raises:
        InputError: It cannot be decoded.
    """
    if kind == "audio":
        from tlzoo.data.media.audio import decode

        assert sample_rate is not None
        return decode(row["audio"], sample_rate)
    if kind == "image":
        from tlzoo.data.media.image import decode as decode_image

        return decode_image(row["image"])
    if kind == "video":
        from tlzoo.data.media.video import decode as decode_video

        assert frames is not None
        return decode_video(row["video"], frames)
    return row[kind]


def check_size(row: Mapping[str, Any], kind: str) -> None:
    """Check the size of the input of a row, without decoding it; texts have no limit.

    Raises:
        InputError: It is larger than ``tlzoo.data.media.limits`` allows, or cannot be read.
    """
    if kind in ("audio", "image", "video"):
        module = import_module(f"tlzoo.data.media.{kind}")
        module.check_size(row[kind])


def read_checked(kind: str) -> Callable[[Any], tuple[Any, str | None]]:
    """Build a reader that adds the bytes of a file to its stored input, or returns the reason why it cannot.

    Args:
        kind: ``"audio"``, ``"image"`` or ``"video"``; the values of any other kind are strings, which must not be
            blank; DNA is returned in capitals, with N for unknown bases.

    Returns:
        A function from a stored input to ``(stored input with bytes, None)`` or ``(stored input, reason)``.
    """

    def read(value: Any) -> tuple[Any, str | None]:
        if kind == "dna":
            return _dna(value)
        if kind not in ("audio", "image", "video"):
            return value, None if value.strip() else f"{kind} is empty"
        try:
            data = value["bytes"] if value["bytes"] is not None else Path(value["path"]).read_bytes()
        except OSError as error:
            return value, error.strerror or str(error)
        whole: Stored = {"bytes": data, "path": printable(Path(value["path"]).name) if value["path"] else None}
        return whole, _unreadable(whole, kind)

    return read


def _dna(value: str) -> tuple[str, str | None]:
    from tlzoo.data.media.dna import codes, letters

    try:
        return letters(codes(value)), None
    except InputError as error:
        return value, str(error)


def _unreadable(value: Stored, kind: str) -> str | None:
    if kind == "audio":
        from tlzoo.data.media.audio import check

        return check(value)
    if kind == "video":
        from tlzoo.data.media.video import check as check_video

        return check_video(value)
    try:
        read_input({kind: value}, kind)
    except InputError as error:
        return str(error)
    return None
