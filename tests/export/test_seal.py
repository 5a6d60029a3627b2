"""The checksum inside of a file notices every change."""

from pathlib import Path

import pytest

from tlzoo.errors import InputError
from tlzoo.export import seal

ENTRY = b"\n\x06sha256\x12\x40"
CONTENT = b"graph" + ENTRY + seal.BLANK.encode() + b"labels"


def test_what_was_sealed_is_read(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(seal.sealed(CONTENT))
    content = seal.read(tmp_path / "m.onnx")
    assert len(content) == len(CONTENT) and seal.checksum(content) != seal.BLANK


@pytest.mark.parametrize("place", [0, 4, 12, 20, 79, 84])
def test_a_changed_byte_is_noticed(place: int, tmp_path: Path) -> None:
    content = bytearray(seal.sealed(CONTENT))
    content[place] ^= 1
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(InputError, match=r"m\.onnx: (differs from its own checksum|not a file that tlzoo export)"):
        seal.read(tmp_path / "m.onnx")


@pytest.mark.parametrize("content", [b"", b"PK", CONTENT + CONTENT, seal.sealed(CONTENT)[:-1]])
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(InputError):
        seal.read(tmp_path / "m.onnx")
    with pytest.raises(InputError, match="No such file"):
        seal.read(tmp_path / "absent.onnx")
