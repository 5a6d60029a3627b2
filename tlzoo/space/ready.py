"""The best small model of a task, made ready to predict: loaded, or fine-tuned once and kept."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tlzoo import blobs
from tlzoo.cards import catalogue
from tlzoo.data.named import DATASETS
from tlzoo.errors import InputError
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.render import Row, rows_of
from tlzoo.leaderboard.selection import name
from tlzoo.run.finetune import STRATEGIES, finetune
from tlzoo.space.boards import Boards

MOST_MB, MOST_SECONDS = 100, 300
"""Size of a small model, and for how long the first visitor may wait while it is trained."""


@dataclass
class Ready:
    """A model that answers visitors, one at a time.

    Attributes:
        name: What it is.
        model: The model.
    """

    name: str
    model: Any
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def predict(self, given: Path | str, folder: Path) -> dict[str, Any]:
        """Predict one input (``tlzoo.run.predict.predict``), and draw it into a folder where it can be drawn."""
        from tlzoo.cards.vocabulary import column
        from tlzoo.run.drawing import KINDS
        from tlzoo.run.predict import predict

        drawn = folder if column(self.model.spec.input) in KINDS else None
        with self._lock:
            return next(iter(predict(self.model, [given], draw=drawn)), {"error": "it is empty"})


_ready: dict[str, Ready] = {}
_locks: dict[str, threading.Lock] = defaultdict(threading.Lock)


def ready(boards: Boards, task: str) -> Ready:
    """The model of a task; who comes first waits for it, and all others with them.

    Raises:
        InputError: Nothing small was evaluated on the task.
        UnavailableError: Data or weights cannot be had.
    """
    with _locks[task]:
        if task not in _ready:
            _ready[task] = _make(task, best(boards, task))
        return _ready[task]


def best(boards: Boards, task: str) -> Row:
    """The row of a task's board whose model visitors try: the best score of a model that is small and soon ready.

    Raises:
        InputError: There is none.
    """
    rows = [row for row in rows_of(boards.board(task)) if _is_soon_ready(row)]
    if not rows:
        raise InputError(f"no model of {task} can be tried yet; evaluate some: tlzoo eval --task {task}")
    main = next(row["dataset"] for row in rows)
    return max(
        (row for row in rows if row["dataset"] == main), key=lambda row: METRICS[row["metric"]].sign * row["value"]
    )


def announced(boards: Boards, task: str) -> str:
    """Who will answer, and how long the first visitor waits.

    Raises:
        InputError: Nothing small was evaluated on the task.
    """
    row = best(boards, task)
    model = f"{name(row)}, the best small model of the board of {row['dataset']}, answers on this machine's CPU"
    if task in _ready:
        return f"{model}."
    if row["strategy"] == "zero-shot" or _kept(row).is_dir():
        return f"{model}. The first visitor waits some seconds while it is loaded."
    first = "pretrained, if it was not yet, and " if row["weights"] == "stand-in" else ""
    return (
        f"{model}. The first visitor waits while it is {first}fine-tuned, once: that took {row['train_seconds']:.0f} s "
        "where the board was made."
    )


def _is_soon_ready(row: Row) -> bool:
    known = row["card"] in catalogue.read_all() and (row["dataset"] in DATASETS or row["dataset"].startswith("hub:"))
    small = row["size_bytes"] is not None and row["size_bytes"] < MOST_MB * 1e6
    trained = row["train_seconds"] is not None and row["train_seconds"] < MOST_SECONDS
    soon = row["strategy"] == "zero-shot" or (row["strategy"] in STRATEGIES and trained)
    return known and small and soon and row["value"] is not None and row["fraction"] == 1.0


def _kept(row: Row) -> Path:
    """The folder of a model that was fine-tuned for visitors."""
    return Path(blobs.cache_dir(), "tried", row["run_ids"][0])


def _make(task: str, row: Row) -> Ready:
    from tlzoo.run.execute import threads
    from tlzoo.run.predict import published

    threads()
    if row["strategy"] == "zero-shot":
        return Ready(name(row), published(row["card"], task, row["weights"], row["variant"]))
    kept = _kept(row)
    if kept.is_dir():
        try:
            return _of(row, kept)
        except InputError as error:
            print(f"{error}; fine-tuned anew", file=sys.stderr)
            shutil.rmtree(kept)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix="unfinished-") as folder:
        finetune(
            row["card"],
            task,
            row["dataset"],
            Path(folder, "model"),
            strategy=row["strategy"],
            weights="auto" if row["strategy"] == "scratch" else row["weights"],
            variant=row["variant"],
            progress=False,
            say=lambda line: None,
        )
        Path(folder, "model").rename(kept)
    return _of(row, kept)


def _of(row: Row, folder: Path) -> Ready:
    from tlzoo.run.predict import open_model

    return Ready(f"{name(row)} on {row['dataset']}", open_model(str(folder)))


def example(boards: Boards, task: str, columns: Sequence[str]) -> list[str]:
    """An example of a task's data: a path of a file, or texts.

    Args:
        boards: What there is.
        task: The task.
        columns: Of the data, that make an input.

    Raises:
        InputError: Nothing small was evaluated on the task.
        UnavailableError: The data cannot be had.
    """
    import random

    from tlzoo.data.catalogue import find, load

    test = load(find(task, best(boards, task)["dataset"])).splits["test"]
    row = test[random.randrange(len(test))]  # noqa: S311 - any will do
    return [_given(row[name], name) for name in columns]


@cache
def _examples() -> Path:
    return Path(tempfile.mkdtemp(prefix="tlzoo-examples-"))


def _given(stored: Any, column: str) -> str:
    """What a data set stores, as a visitor gives it: a text, or a file that browsers show, the same one each time."""
    if not isinstance(stored, dict):
        return "\n".join(stored) if isinstance(stored, list) else str(stored)
    content = stored["bytes"] or Path(stored["path"]).read_bytes()
    known = {"image": ".png", "audio": ".wav", "video": ".mp4"}[column]
    suffix = known if column == "video" else Path(stored["path"] or "").suffix or known
    path = _examples() / f"{hashlib.sha256(content).hexdigest()[:16]}{suffix}"
    if column == "video":
        from tlzoo.data.video import decode, length
        from tlzoo.run.films import save_mp4

        save_mp4(decode(stored, length(stored), every=1), path)
    else:
        path.write_bytes(content)
    return str(path)
