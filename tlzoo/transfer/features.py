"""Frozen features: one forward pass for each example, cached in Arrow, shared by all heads, seeds and fractions."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from datasets import Dataset
from tqdm import tqdm

from tlzoo import blobs
from tlzoo.core.batch import Example, Row, collate, to_device
from tlzoo.core.model import Backbone, HeadInput
from tlzoo.core.task import HeadTask
from tlzoo.files import cached

BATCH = 32


class Features:
    """Frozen features of a data set's examples, by id."""

    def __init__(self, table: pa.Table) -> None:  # noqa: D107
        self._place = {name: i for i, name in enumerate(table["id"].to_pylist())}
        shapes = json.loads(table.schema.metadata[b"shapes"])
        self._values = {name: _unpacked(table[name], shape) for name, shape in shapes.items()}
        self._seconds = table["seconds"].to_numpy()

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
        return {name: values[place] for name, values in self._values.items()}

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
    with pa.memory_map(str(path)) as source:
        return Features(pa.ipc.open_file(source).read_all())


def are_cached(task: HeadTask, key: Sequence[str]) -> bool:
    """Whether :func:`frozen` has them already."""
    return _place(task, key).exists()


def _place(task: HeadTask, key: Sequence[str]) -> Path:
    name = hashlib.sha256("\0".join([*key, task.output, *task.inputs]).encode()).hexdigest()
    return blobs.cache_dir() / "features" / f"{name}.arrow"


@torch.inference_mode()
def _compute(
    backbone: Backbone, task: HeadTask, splits: Sequence[Dataset | Sequence[Row]], device: str, progress: bool
) -> pa.Table:
    backbone.eval().to(device)
    ids: list[str] = []
    values: dict[str, list[np.ndarray]] = {}
    seconds: list[float] = []
    with tqdm(
        total=sum(map(len, splits)), desc="frozen features", unit="example", leave=False, disable=not progress
    ) as bar:
        for split in splits:
            for start in range(0, len(split), BATCH):
                rows = [split[i] for i in range(start, min(start + BATCH, len(split)))]
                examples = [backbone.encode_row(row, task) for row in rows]
                batch = to_device(collate(examples, backbone.ragged_for(task)), device)
                began = time.perf_counter()
                outputs = _named(backbone.output_for(batch, task))
                out = {name: value.float().cpu().numpy() for name, value in outputs.items()}
                seconds += [(time.perf_counter() - began) / len(rows)] * len(rows)
                ids += [row["id"] for row in rows]
                for name, value in (
                    out | ({"frame": batch["frame"].cpu().numpy()} if "frame" in batch else {})
                ).items():
                    values.setdefault(name, []).append(value)
                bar.update(len(rows))
    whole = {name: np.concatenate(parts) for name, parts in values.items()}
    shapes = {name: value.shape[1:] for name, value in whole.items()}
    flat = {name: pa.FixedSizeListArray.from_arrays(pa.array(v.ravel()), v[0].size) for name, v in whole.items()}
    return pa.table({"id": ids, **flat, "seconds": seconds}).replace_schema_metadata({"shapes": json.dumps(shapes)})


def _named(output: HeadInput) -> dict[str, torch.Tensor]:
    """Name one output ``features``; maps of a pyramid, or vectors of several texts, ``features0``, ``features1``..."""
    if isinstance(output, torch.Tensor):
        return {"features": output}
    return {f"features{i}": value for i, value in enumerate(output)}


def _unpacked(column: pa.ChunkedArray, shape: list[int]) -> torch.Tensor:
    values = column.combine_chunks()
    return torch.from_numpy(values.flatten().to_numpy().reshape(len(values), *shape).copy())


def _write(table: pa.Table, path: Path) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
