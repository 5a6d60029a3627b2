"""An input as a row stores it: the bytes or the path of a file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, TypedDict

Stored = TypedDict("Stored", {"bytes": bytes | None, "path": str | None})  # noqa: UP013 - a field named as its type
"""What ``Audio``, ``Image`` and ``Video`` of `datasets` store with ``decode=False``; the bytes take precedence."""


@contextmanager
def opened(source: Stored) -> Iterator[BinaryIO]:
    """Open the bytes of a stored input, else the file at its path.

    Raises:
        ValueError: It has neither, or is empty.
        OSError: The file cannot be opened.
    """
    data, path = source.get("bytes"), source.get("path")
    if data is None and not path:
        raise ValueError("neither bytes nor a path")
    if data is not None and not data:
        raise ValueError("an empty file")
    with io.BytesIO(data) if data is not None else open(str(path), "rb") as file:
        yield file
