"""An input as a row stores it: the bytes or the path of a file."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO

Stored = Mapping[str, bytes | str | None]
"""What ``Audio``, ``Image`` and ``Video`` of `datasets` store with ``decode=False``: ``bytes`` or None, which take
precedence, and ``path`` or None."""


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
    with io.BytesIO(data) if isinstance(data, bytes) else open(str(path), "rb") as file:
        yield file
