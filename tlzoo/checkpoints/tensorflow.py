"""TensorFlow's checkpoints, read without TensorFlow: ``NAME.index`` and the tensors of ``NAME.data-00000-of-00001``.

The index is a sorted table of blocks as in LevelDB, whose values are protocol buffers (tensorflow,
``core/util/tensor_bundle/tensor_bundle.h``, ``core/lib/io/format.cc``, ``core/protobuf/tensor_bundle.proto``); the data
are the tensors' bytes. A SavedModel has the same two files in its folder ``variables``. Checksums in the format are not
compared: files are known by their sha256.
"""

from __future__ import annotations

import difflib
import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tlzoo.checkpoints.damage import refused
from tlzoo.errors import InputError

_MAGIC = 0xDB4775248B80FB57
_FOOTER, _TRAILER = 48, 5
"""Bytes of the end of the table, and of what follows each block: the kind of its compression and a checksum."""
_SLICE = b"\0"
"""Start of the keys of slices, of which the entry of the whole tensor tells."""
_MAX_SHARDS = 10_000
_MAX_NAME = 2_000
"""Characters of a name; each may repeat those of the one before."""
_DTYPES = {
    1: np.float32,
    2: np.float64,
    3: np.int32,
    4: np.uint8,
    5: np.int16,
    6: np.int8,
    9: np.int64,
    10: np.bool_,
    17: np.uint16,
    19: np.float16,
    22: np.uint32,
    23: np.uint64,
}
"""By number in ``core/framework/types.proto``."""


@dataclass(frozen=True)
class _Entry:
    """Where a tensor is (``BundleEntryProto``)."""

    dtype: int = 0
    shape: tuple[int, ...] = ()
    shard: int = 0
    offset: int = 0
    size: int = 0
    sliced: bool = False


class Checkpoint:
    """The tensors of a checkpoint by name, each read when it is asked for; strings are left out.

    Example:
        >>> Checkpoint({"bert.ckpt.index": Path("nowhere/bert.ckpt.index")})
        Traceback (most recent call last):
        tlzoo.errors.InputError: nowhere/bert.ckpt.index: cannot be read: No such file or directory
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        """Read the index.

        Args:
            files: The index and the shards of data that it names, by name.

        Raises:
            InputError: The index is absent or damaged, or a shard is absent.
        """
        name = next((name for name in files if name.endswith(".index")), None)
        if name is None:
            raise InputError(f"a TensorFlow checkpoint needs its .index file; given: {', '.join(files) or 'nothing'}")
        self.path = files[name]
        with refused(self.path, "the index of a TensorFlow checkpoint"):
            table = dict(_table(self.path.read_bytes()))
            shards = next((value for number, value in _fields(table.pop(b"")) if number == 1), 1)
            entries = {key.decode(): _entry(value) for key, value in table.items() if not key.startswith(_SLICE)}
        self._entries = {n: e for n, e in entries.items() if e.dtype in _DTYPES}
        if not 0 < shards < _MAX_SHARDS:
            raise InputError(f"{self.path}: names {shards} files of data: damaged")
        expected = [f"{name.removesuffix('.index')}.data-{i:05d}-of-{shards:05d}" for i in range(shards)]
        if absent := [shard for shard in expected if shard not in files]:
            raise InputError(f"{self.path}: needs {', '.join(absent[:3])} beside it")
        self._shards = [files[shard] for shard in expected]
        self._is_sound = sum(e.size for e in self._entries.values()) <= sum(p.stat().st_size for p in self._shards)

    def __iter__(self) -> Iterator[str]:
        """Names, sorted."""
        return iter(self._entries)

    def __contains__(self, name: object) -> bool:
        """Whether there is a tensor of this name."""
        return name in self._entries

    def __len__(self) -> int:
        """How many tensors there are."""
        return len(self._entries)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor, without reading it."""
        return self._entries[name].shape

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Read a tensor.

        Raises:
            InputError: There is none of this name, it is in slices, or its bytes are not all there.
        """
        if name not in self._entries:
            near = difflib.get_close_matches(name, self._entries, 3) or list(self._entries)[:3]
            raise InputError(f"{self.path}: without tensor {name}; it has {len(self)}, such as {', '.join(near)}")
        entry = self._entries[name]
        dtype, count = np.dtype(_DTYPES[entry.dtype]).newbyteorder("<"), math.prod(entry.shape)
        if entry.sliced:
            raise InputError(f"{self.path}: tensor {name} is stored in slices, which are not read")
        if entry.size != count * dtype.itemsize or not 0 <= entry.shard < len(self._shards):
            raise InputError(f"{self.path}: tensor {name} of shape {entry.shape} has {entry.size} bytes: damaged")
        shard = self._shards[entry.shard]
        if shard.stat().st_size < entry.offset + entry.size:
            raise InputError(f"{shard}: ends before the end of tensor {name}")
        if not self._is_sound:
            raise InputError(f"{self.path}: names more bytes than its data have: damaged")
        with refused(shard, "the data of a TensorFlow checkpoint"):
            return np.fromfile(shard, dtype, count, offset=entry.offset).reshape(entry.shape)


def _table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The keys and values of a table, sorted by key."""
    if len(data) < _FOOTER or struct.unpack("<Q", data[-8:])[0] != _MAGIC:
        raise ValueError("its last 8 bytes are others")
    for _, place in _block(data, *_handle(data, len(data) - _FOOTER, skip=1)):  # the first is of metadata
        yield from _block(data, *_handle(place, 0))


def _handle(data: bytes, position: int, skip: int = 0) -> tuple[int, int]:
    """Offset and size of a block."""
    for _ in range(2 * skip):
        _, position = _varint(data, position)
    offset, position = _varint(data, position)
    size, _ = _varint(data, position)
    return offset, size


def _block(data: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """The entries of a block; each key repeats the start of the one before."""
    block = data[offset : offset + size]
    if len(block) < size or len(data) < offset + size + _TRAILER:
        raise ValueError("a block reaches beyond its end")
    if data[offset + size]:
        raise ValueError("a block is compressed, which is not read")
    end = size - 4 * (1 + struct.unpack("<I", block[-4:])[0])  # the places of whole keys follow
    position, key = 0, b""
    while position < end:
        shared, position = _varint(block, position)
        own, position = _varint(block, position)
        length, position = _varint(block, position)
        if shared + own > _MAX_NAME:
            raise ValueError(f"a name of more than {_MAX_NAME:,} characters")
        key = key[:shared] + block[position : position + own]
        position += own
        yield key, block[position : position + length]
        position += length


def _entry(data: bytes) -> _Entry:
    """Read a ``BundleEntryProto``."""
    fields: dict[int, Any] = {}
    shape: list[int] = []
    for number, value in _fields(data):
        if number == 2:  # a TensorShapeProto of dimensions; a dimension of 0 leaves its size out
            dimensions = [dict(_fields(dimension)) for kind, dimension in _fields(value) if kind == 2]
            shape = [dimension.get(1, 0) for dimension in dimensions]
        else:
            fields[number] = value
    return _Entry(
        fields.get(1, 0),
        tuple(shape),
        fields.get(3, 0),
        fields.get(4, 0),
        fields.get(5, 0),
        sliced=7 in fields,
    )


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Numbers and values of the fields of a protocol buffer: integers, or bytes."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        value: Any
        if tag & 7 == 0:
            value, position = _varint(data, position)
        elif tag & 7 == 2:
            length, position = _varint(data, position)
            value, position = data[position : position + length], position + length
        elif tag & 7 in (1, 5):
            width = 8 if tag & 7 == 1 else 4
            value, position = int.from_bytes(data[position : position + width], "little"), position + width
        else:
            raise ValueError("a field of an unknown kind")
        yield tag >> 3, value
    if position > len(data):
        raise ValueError("a value is cut off")


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """An integer of seven bits a byte, and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise ValueError("an integer of more than ten bytes")
