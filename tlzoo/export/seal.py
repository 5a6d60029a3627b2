"""The checksum of an exported file, inside of the file: whoever changed a byte since the export is noticed.

It covers all of the file but itself: graph, weights, labels and certificate. It needs no library of ONNX, so that it is
compared before anything of the file is used. It is no signature: a person who changes the file can write another one.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from tlzoo.errors import InputError

NAME = "sha256"
"""Entry of the metadata that is the checksum."""
BLANK = "0" * 64
"""Its value while the rest is hashed."""
_ENTRY = b"\n" + bytes([len(NAME)]) + NAME.encode() + b"\x12\x40"
"""What stands before its value in the protocol buffer (``StringStringEntryProto``): the key, then 64 bytes follow."""


def sealed(content: bytes) -> bytes:
    """A file with its checksum, given one whose entry :data:`NAME` is :data:`BLANK`."""
    assert content.count(_ENTRY + BLANK.encode()) == 1, "one checksum a file"
    place = content.index(_ENTRY) + len(_ENTRY)
    return content[:place] + hashlib.sha256(content).hexdigest().encode() + content[place + 64 :]


def read(path: Path) -> bytes:
    """Read a file, and compare its checksum.

    Raises:
        InputError: It cannot be read, tlzoo did not write it, or it was changed since.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    if content.count(_ENTRY) != 1:
        raise InputError(f"{path}: not a file that tlzoo export wrote, for it has no checksum; export a folder")
    place = content.index(_ENTRY) + len(_ENTRY)
    blank = content[:place] + BLANK.encode() + content[place + 64 :]
    if hashlib.sha256(blank).hexdigest().encode() != content[place : place + 64]:
        raise InputError(
            f"{path}: differs from its own checksum: it was changed or damaged after the export; copy it again, or "
            "export it again"
        )
    return content


def checksum(content: bytes) -> str:
    """The checksum that a sealed file holds, 64 hex digits."""
    place = content.index(_ENTRY) + len(_ENTRY)
    return content[place : place + 64].decode()
