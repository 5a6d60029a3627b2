"""Files of weights that are damaged, or made to harm: whatever reading them raises becomes an error of one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tlzoo.errors import InputError, TlzooError

MAX_RATIO = 4
"""Size of the content that is read, relative to the file."""
MIN_LIMIT_BYTES = 16_000_000
"""Bytes that any file may hold, however small it is."""


@contextmanager
def refused(path: Path | str, what: str) -> Iterator[None]:
    """Turn an exception in the block into a refusal of a file, since readers of binary formats raise many kinds.

    Args:
        path: The file.
        what: What it should be, such as ``"a TensorFlow Lite file"``.

    Raises:
        InputError: There was one, but for a lack of memory; names the file.
    """
    try:
        yield
    except (TlzooError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        if "can't allocate memory" in str(error):  # of torch
            raise
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: damaged, or not {what} ({type(error).__name__}: {reason})") from None


def check_content(count: int, size: int, path: Path | str) -> None:
    """Check how much a file holds before that is read, since a small one may name any number of bytes.

    Args:
        count: Bytes of its content.
        size: Bytes of the file.
        path: Its name.

    Raises:
        InputError: They are too many.
    """
    if count > (limit := max(MAX_RATIO * size, MIN_LIMIT_BYTES)):
        raise InputError(f"{path}: holds more than {limit:,} bytes, over {MAX_RATIO} times its size: damaged")
