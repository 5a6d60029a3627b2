"""Examples of a data set: all preprocessed at once where they fit into memory, else each when it is asked for."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast, overload

import torch
from torch import Tensor
from torch.utils.data import DataLoader, get_worker_info

from tlzoo.core.batch import Example, Row
from tlzoo.core.model import HeadModel, RowNetwork
from tlzoo.errors import InputError
from tlzoo.measure.device import cores

KEPT_BYTES = 1_000_000_000
"""Examples are kept preprocessed up to so many bytes; above, decoding again is the price of bounded memory."""
FIRST = 32
"""So many examples tell how large all will be."""
OVERHEAD = 500
"""Bytes of an empty tensor."""
MAX_WORKERS = 4
"""Maximum number of processes that preprocess."""
SHARED_BYTES = 1_000_000_000
"""Shared memory without which no processes preprocess: batches pass through it, and a container may have little."""
MEDIA = ("audio", "image", "video")
"""Kinds of input that take long to decode."""

T = TypeVar("T")


class Streamed(Sequence[T]):
    """Rows that are preprocessed when they are asked for."""

    def __init__(self, rows: Sequence[Row], encode: Callable[[Row], T], workers: int = 0) -> None:
        """Preprocess nothing yet.

        Args:
            rows: The rows.
            encode: Preprocesses a row.
            workers: Number of processes that a ``DataLoader`` lets preprocess.
        """
        self.rows, self.encode, self.workers = rows, encode, workers

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        """Preprocess a row."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        try:
            return self.encode(self.rows[index])
        except InputError as error:
            if get_worker_info() is None:
                raise
            return cast(T, error)  # torch would put a traceback into its message; see read


def examples_of(model: RowNetwork, rows: Sequence[Row], kept_bytes: int | None = None) -> Sequence[Example]:
    """The preprocessed examples of rows, equal however they are held.

    Those of a head on frozen features are all made now: they refer to a memory-mapped file.

    Args:
        model: The model that reads them.
        rows: The rows.
        kept_bytes: Maximum bytes of a list of all; by default ``KEPT_BYTES``.

    Returns:
        A list, or :class:`Streamed`.
    """
    limit = KEPT_BYTES if kept_bytes is None else kept_bytes
    examples: list[Example] = []
    size = 0
    for row in rows:
        examples.append(model.encode(row))
        if isinstance(model, HeadModel):
            continue
        size += _bytes(examples[-1])
        if size > limit or (len(examples) == FIRST and size * len(rows) > FIRST * limit):
            return Streamed(rows, model.encode, workers_for(model.spec.input))
    return examples


def workers_for(kind: str) -> int:
    """How many processes preprocess inputs of a kind while another computes: as many as cores are left to them.

    None where inputs are read in no time, where processes cannot be forked, and where they share little memory.
    """
    shared = Path("/dev/shm")  # noqa: S108, the place of shared memory
    if kind not in MEDIA or sys.platform != "linux" or not shared.is_dir():
        return 0
    if shutil.disk_usage(shared).free < SHARED_BYTES:
        return 0
    return min(MAX_WORKERS, max(0, cores() - torch.get_num_threads()))


def loader(
    examples: Sequence[Any],
    batches: Any,
    collate: Callable[[list[Any]], Any],
    generator: torch.Generator,
    is_pinned: bool = False,
) -> DataLoader[Any]:
    """What puts examples together to batches.

    Args:
        examples: A list, or :class:`Streamed`, whose processes preprocess ahead.
        batches: Indices of each batch: a sampler of batches, or a list of lists.
        collate: Makes a batch of examples.
        generator: The only source of randomness.
        is_pinned: Whether batches lie in memory that a GPU reads fast.
    """
    workers = examples.workers if isinstance(examples, Streamed) else 0

    def together(given: list[Any]) -> Any:
        return next((each for each in given if isinstance(each, InputError)), None) or collate(given)

    return DataLoader(
        examples,  # type: ignore[arg-type]
        batch_sampler=batches,
        collate_fn=together,
        num_workers=workers,
        multiprocessing_context="fork" if workers else None,
        generator=generator,
        pin_memory=is_pinned,
    )


def read(batches: Iterable[T]) -> Iterator[T]:
    """The batches of a :func:`loader`.

    Raises:
        InputError: A row cannot be decoded.
    """
    for batch in batches:
        if isinstance(batch, InputError):
            raise batch
        yield batch


def _bytes(value: Any) -> int:
    """Memory of an example, in bytes."""
    if isinstance(value, Tensor):
        return value.nbytes + OVERHEAD
    if isinstance(value, dict):
        return sum(map(_bytes, value.values())) + OVERHEAD
    if isinstance(value, list | tuple):
        return sum(map(_bytes, value)) + OVERHEAD
    return sys.getsizeof(value)
