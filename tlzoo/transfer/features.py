"""Frozen features: one forward pass for each example, cached in Arrow, shared by all heads, seeds and fractions."""

from __future__ import annotations

import hashlib
import json
import time
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, pairwise
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import torch
from datasets import Dataset
from torch.utils.data import ConcatDataset
from tqdm import tqdm

from tlzoo import blobs
from tlzoo.core.batch import Example, Row, collate, to_device
from tlzoo.core.model import Backbone, HeadInput
from tlzoo.core.task import HeadTask
from tlzoo.files import cached
from tlzoo.transfer.examples import Streamed, loader, read, workers_for

BATCH = 32
MANY = 500
"""Examples from which on processes decode ahead; of fewer, starting them costs what they save."""


class Features:
    """Frozen features of a data set's examples, by id."""

    def __init__(self, parts: Iterable[pa.RecordBatch]) -> None:
        """Refer to the memory of record batches, which is not copied; nobody writes to it."""
        self._place: dict[str, int] = {}
        self._starts: list[int] = []
        self._values: list[dict[str, torch.Tensor]] = []
        self._seconds: list[float] = []
        for part in parts:
            start = len(self._seconds)
            self._starts.append(start)
            self._place.update((name, start + i) for i, name in enumerate(part["id"].to_pylist()))
            self._seconds += part["seconds"].to_pylist()
            shapes = json.loads(part.schema.metadata[b"shapes"])
            self._values.append({name: _unpacked(part[name], shape) for name, shape in shapes.items()})

    @classmethod
    def of(cls, backbone: Backbone, task: HeadTask, rows: Sequence[Row], device: str = "cpu") -> Features:
        """Compute the features of a few rows, without caching them."""
        return cls(_compute(backbone, task, [rows], device, progress=False))

    def __call__(self, row: Row) -> Example:
        """The input of a head for a row.

        Returns:
            ``features``, or ``features0``, ``features1``... for a pyramid or several texts; a picture's ``frame``.
        """
        place = self._place[row["id"]]
        part = bisect_right(self._starts, place) - 1
        return {name: values[place - self._starts[part]] for name, values in self._values[part].items()}

    def seconds(self, ids: Sequence[str]) -> float:
        """Time that it took to compute the features of examples."""
        return float(sum(self._seconds[self._place[i]] for i in ids))


def frozen(
    backbone: Backbone,
    task: HeadTask,
    splits: Sequence[Dataset],
    key: Sequence[str],
    device: str = "cpu",
    progress: bool = True,
) -> Features:
    """Compute the features of every example of the splits, or read them from the cache.

    Args:
        backbone: The backbone, with its weights.
        task: The task whose head reads them.
        splits: Data with unique ids.
        key: Identifies the features: weights, variant, data set.
        device: Where to compute.
        progress: Whether to show a progress bar.

    Raises:
        UnavailableError: The features are not cached, and the cache cannot be written.
    """
    path = cached(
        _place(task, key),
        lambda new: _write(_compute(backbone, task, splits, device, progress), new),
        "frozen features",
    )
    file = pa.ipc.open_file(pa.memory_map(str(path)))
    return Features(file.get_batch(i) for i in range(file.num_record_batches))


def are_cached(task: HeadTask, key: Sequence[str]) -> bool:
    """Whether :func:`frozen` has them already."""
    return _place(task, key).exists()


def _place(task: HeadTask, key: Sequence[str]) -> Path:
    name = hashlib.sha256("\0".join([*key, task.output, *task.inputs]).encode()).hexdigest()
    return blobs.cache_dir() / "features" / f"{name}.arrow"


def _compute(
    backbone: Backbone, task: HeadTask, splits: Sequence[Dataset | Sequence[Row]], device: str, progress: bool
) -> Iterator[pa.RecordBatch]:
    """Features batch by batch; no batch has rows of two splits, and processes decode ahead where many are decoded."""
    backbone.eval().to(device)
    ragged = backbone.ragged_for(task)
    starts = [0, *accumulate(map(len, splits))]
    places = [
        range(start, min(start + BATCH, end)) for first, end in pairwise(starts) for start in range(first, end, BATCH)
    ]
    examples = Streamed(
        cast(Sequence[Row], ConcatDataset(cast(Any, splits))),
        lambda row: (row["id"], backbone.encode_row(row, task)),
        workers_for(backbone.spec.input) if starts[-1] >= MANY else 0,
    )
    batches = loader(
        examples,
        places,
        lambda given: ([name for name, _ in given], collate([each for _, each in given], ragged)),
        torch.Generator(),  # nothing is random, and another generator's numbers stay as they are
    )
    with tqdm(total=starts[-1], desc="frozen features", unit="example", leave=False, disable=not progress) as bar:
        for ids, given in read(batches):
            batch = to_device(given, device)
            began = time.perf_counter()
            with torch.inference_mode():
                outputs = _named(backbone.output_for(batch, task))
            values = {name: value.float().cpu().numpy() for name, value in outputs.items()}
            seconds = (time.perf_counter() - began) / len(ids)
            if "frame" in batch:
                values["frame"] = batch["frame"].cpu().numpy()
            shapes = {name: value.shape[1:] for name, value in values.items()}
            flat = {n: pa.FixedSizeListArray.from_arrays(pa.array(v.ravel()), v[0].size) for n, v in values.items()}
            columns = {"id": pa.array(ids), **flat, "seconds": pa.array([seconds] * len(ids))}
            yield pa.record_batch(columns, metadata={"shapes": json.dumps(shapes)})
            bar.update(len(ids))


def _named(output: HeadInput) -> dict[str, torch.Tensor]:
    """Name one output ``features``; maps of a pyramid, or vectors of several texts, ``features0``, ``features1``..."""
    if isinstance(output, torch.Tensor):
        return {"features": output}
    return {f"features{i}": value for i, value in enumerate(output)}


def _unpacked(column: pa.FixedSizeListArray, shape: Sequence[int]) -> torch.Tensor:
    values = column.flatten().to_numpy().reshape(len(column), *shape)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(values)


def _write(parts: Iterator[pa.RecordBatch], path: Path) -> None:
    """Write what is computed as it comes."""
    first = next(parts)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, first.schema) as writer:
        for part in chain([first], parts):
            writer.write_batch(part)
