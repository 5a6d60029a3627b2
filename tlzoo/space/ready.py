"""The best small model of a task, made ready to predict: loaded, or fine-tuned once and cached."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tlzoo import blobs
from tlzoo.cards import catalogue
from tlzoo.data.named import DATASETS
from tlzoo.errors import InputError
from tlzoo.leaderboard.identity import BOARD, grouped
from tlzoo.leaderboard.row import ScoredRow, scored
from tlzoo.run.finetune import STRATEGIES, finetune
from tlzoo.space.boards import Boards

if TYPE_CHECKING:
    from tlzoo.adapters.weights import Wanted
    from tlzoo.core.model import Model
    from tlzoo.data.media.stored import Stored
    from tlzoo.run.predict import Predicted

MAX_MB, MAX_SECONDS = 100, 300
"""Maximum size of a small model in MB, and maximum seconds of its training where the board was made."""
_ONE_IS_TRAINED = threading.Lock()


@dataclass(frozen=True)
class Ready:
    """A model that answers visitors.

    Attributes:
        name: What it is.
        model: The model.
    """

    name: str
    model: Model

    def predict(self, given: Path | str, folder: Path) -> Predicted:
        """Predict one input (``tlzoo.run.predict.predict``), and draw it into a folder where it can be drawn."""
        from tlzoo.draw import KINDS
        from tlzoo.run.predict import Predicted, predict
        from tlzoo.vocabulary import column

        drawn = folder if column(self.model.spec.input) in KINDS else None
        return next(
            iter(predict(self.model, [given], draw=drawn)), Predicted({"input": str(given)}, error="it is empty")
        )


@dataclass
class Making:
    """A model that is made ready in the background.

    Attributes:
        model: It, once it is ready, or why it cannot be.
        step: What is being done.
    """

    model: Future[Ready] = field(default_factory=Future)
    step: str = "waits for another model that is being made ready"


_made: dict[str, Making] = {}
_starting = threading.Lock()


def making(boards: Boards, task: str) -> Making:
    """The model of a task: whoever comes first has it made, in a thread of its own, and nobody else waits for that.

    Raises:
        InputError: Nothing small was evaluated on the task.
    """
    with _starting:
        made = _made.get(task)
        if made is None or (made.model.done() and made.model.exception() is not None):  # what failed is tried again
            row, made = best(boards, task), Making()
            made.model.set_running_or_notify_cancel()  # who leaves does not end what others wait for
            _made[task] = made
            threading.Thread(target=_finish, args=(made, task, row), daemon=True).start()
        return made


def is_ready(task: str) -> bool:
    """Whether a task's model answers at once."""
    made = _made.get(task)
    return made is not None and made.model.done() and made.model.exception() is None


def _finish(made: Making, task: str, row: ScoredRow) -> None:
    def say(line: str) -> None:
        made.step = line

    try:
        made.model.set_result(_make(task, row, say))
    except BaseException as error:  # raised again where the model is waited for
        made.model.set_exception(error)


def best(boards: Boards, task: str) -> ScoredRow:
    """The row of a task's board whose model visitors try: the best score of a model that is small and soon ready.

    Raises:
        InputError: There is none.
    """
    rows = [row for row in scored(boards.rows(task)) if _is_soon_ready(row)]
    if not rows:
        raise InputError(f"no model of {task} can be tried yet; evaluate some: tlzoo eval --task {task}")
    return max(grouped(rows, BOARD)[0], key=lambda row: row.score)


def announced(boards: Boards, task: str) -> str:
    """Who will answer, and how long the first visitor waits.

    Raises:
        InputError: Nothing small was evaluated on the task.
    """
    row = best(boards, task)
    model = f"{row.name}, the best small model of the board of {row.dataset}, answers on this machine's CPU"
    if is_ready(task):
        return f"{model}."
    if row.strategy == "zero-shot" or _folder(row).is_dir():
        return f"{model}. The first visitor waits some seconds while it is loaded."
    return (
        f"{model}. The first visitor waits while it is fine-tuned, once, which took {row.train_seconds:.0f} s where "
        "the board was made."
    )


def _is_soon_ready(row: ScoredRow) -> bool:
    known = row.card in catalogue.read_all() and (row.dataset in DATASETS or row.dataset.startswith("hub:"))
    small = row.size_bytes is not None and row.size_bytes < MAX_MB * 1e6
    trained = row.train_seconds is not None and row.train_seconds < MAX_SECONDS
    soon = row.strategy == "zero-shot" or (row.strategy in STRATEGIES and trained)
    return known and small and soon and row.on_all_labels


def _folder(row: ScoredRow) -> Path:
    """The folder of a model that was fine-tuned for visitors."""
    assert row.run_ids, "every row with a value has runs"
    return Path(blobs.cache_dir(), "tried", row.run_ids[0])


def _make(task: str, row: ScoredRow, say: Callable[[str], None]) -> Ready:
    from tlzoo.run.execute import threads
    from tlzoo.run.predict import published

    threads()
    if row.strategy == "zero-shot":
        say("is loaded")
        return Ready(row.name, published(catalogue.get(row.card), task, cast("Wanted", row.weights), row.variant))
    target = _folder(row)
    if target.is_dir():
        say("is loaded")
        try:
            return _of(row, target)
        except InputError as error:
            print(f"{error}; fine-tuned anew", file=sys.stderr)
            shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _ONE_IS_TRAINED, tempfile.TemporaryDirectory(dir=target.parent, prefix="unfinished-") as folder:
        say("is trained")
        finetune(
            row.card,
            task,
            row.dataset,
            Path(folder, "model"),
            strategy=row.strategy,
            weights="auto" if row.strategy == "scratch" else cast("Wanted", row.weights),
            variant=row.variant,
            progress=False,
            say=say,
        )
        Path(folder, "model").rename(target)
    return _of(row, target)


def _of(row: ScoredRow, folder: Path) -> Ready:
    from tlzoo.run.predict import open_model

    return Ready(f"{row.name} on {row.dataset}", open_model(str(folder)))


def example(boards: Boards, task: str, columns: Sequence[str]) -> list[str]:
    """An example of a task's data: a path of a file, or texts.

    Args:
        boards: The boards.
        task: The task.
        columns: Of the data, that make an input.

    Raises:
        InputError: Nothing small was evaluated on the task.
        UnavailableError: The data are not available.
    """
    import random

    from tlzoo.data.catalogue import find, load

    test = load(find(task, best(boards, task).dataset)).splits["test"]
    row = test[random.randrange(len(test))]  # noqa: S311 - any will do
    return [_given(row[name], name) for name in columns]


@cache
def _examples() -> Path:
    return Path(tempfile.mkdtemp(prefix="tlzoo-examples-"))


def to_lines(texts: Sequence[str]) -> str:
    r"""Texts as a visitor writes them: one a line, a line break inside of one as ``\n``."""
    return "\n".join(re.sub(r"\r\n?|\n", r"\\n", text.replace("\\", r"\\")) for text in texts)


def from_lines(lines: str) -> list[str]:
    """The texts of :func:`to_lines`; empty lines are none."""
    known = {r"\n": "\n", r"\\": "\\"}
    return [re.sub(r"\\[n\\]", lambda match: known[match[0]], line) for line in lines.split("\n") if line.strip()]


def _given(stored: Any, column: str) -> str:
    """What a data set stores, as a visitor gives it: a text, or a file that browsers show, the same one each time."""
    if not isinstance(stored, dict):
        return to_lines(stored) if isinstance(stored, list) else str(stored)
    content = stored["bytes"] or Path(stored["path"]).read_bytes()
    known = {"image": ".png", "audio": ".wav", "video": ".mp4"}[column]
    suffix = known if column == "video" else Path(stored["path"] or "").suffix or known
    path = _examples() / f"{hashlib.sha256(content).hexdigest()[:16]}{suffix}"
    if column == "video":
        from tlzoo.data.media.video import decode, length
        from tlzoo.draw.video import save_mp4

        video = cast("Stored", stored)
        save_mp4(decode(video, length(video), every=1), path)
    else:
        path.write_bytes(content)
    return str(path)
