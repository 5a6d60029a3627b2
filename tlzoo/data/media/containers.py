"""Containers of videos and of sounds, opened by FFmpeg such that they cannot refer to other files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

import av

from tlzoo.data.media.mov import check_tables


def container_of(stored: BinaryIO, formats: Sequence[str], options: Mapping[str, str] | None = None) -> Any:
    """Open a container.

    Args:
        stored: The file.
        formats: FFmpeg's names of the formats that are read.
        options: More options of FFmpeg's.

    Raises:
        ValueError: It is in no such format, or its tables are wrong.
        av.FFmpegError: It cannot be read.
    """
    check_tables(stored)
    try:
        return av.open(stored, options={"format_whitelist": ",".join(formats), **(options or {})}, io_open=_refuse)
    except av.ArgumentError as error:
        raise ValueError(f"not in a container that is read: {', '.join(formats)}") from error


def _refuse(url: str, flags: int, options: Mapping[str, str]) -> Any:
    """Refuse to open a file that a container refers to."""
    raise PermissionError(f"it refers to another file, {url}, which is not read")
