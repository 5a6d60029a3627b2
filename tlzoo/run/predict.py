"""Predict files with a fine-tuned model or a published one, as a stream."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tlzoo.data.files.names import SUFFIXES
from tlzoo.data.files.text_files import printable
from tlzoo.data.files.walk import walk
from tlzoo.draw import DrawingFolder
from tlzoo.errors import InputError
from tlzoo.vocabulary import column

if TYPE_CHECKING:
    from tlzoo.adapters.weights import Wanted
    from tlzoo.cards.schema import Card
    from tlzoo.core.batch import Example, Row
    from tlzoo.core.model import Model
    from tlzoo.core.predictions import Prediction


@dataclass(frozen=True)
class Predicted:
    """One input with its prediction, or with the reason why it has none.

    Attributes:
        facts: ``input``, its name, and what else identifies it, such as a question's ``id``.
        prediction: The prediction; None where there is an error.
        error: Why the input cannot be read, or its prediction is not used.
        drawn: The file that the prediction was drawn into.
        columns: The row of the table that the input is from.
    """

    facts: Mapping[str, str]
    prediction: Prediction | None = None
    error: str | None = None
    drawn: Path | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """One line of ``tlzoo predict``."""
        line: dict[str, Any] = dict(self.facts)
        if self.prediction is not None:
            line |= self.prediction.to_json()
        if self.error is not None:
            line["error"] = self.error
        return line if self.drawn is None else line | {"drawn": str(self.drawn)}


def with_columns(columns: Mapping[str, Any], line: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
    """A row of a table of predictions: the columns of the table predicted, then the fields of the prediction.

    A column that has the name of a field becomes ``given_NAME``.

    Args:
        columns: :attr:`Predicted.columns` of the prediction.
        line: :meth:`Predicted.to_json` of it.
        fields: Fields of all predictions.
    """
    return {f"given_{name}" if name in fields else name: value for name, value in columns.items()} | dict(line)


def open_model(name: str, say: Callable[[str], None] = lambda line: None) -> Model:
    """A model that ``tlzoo finetune`` wrote, in its folder or published on the Hub, or a card's published model.

    Args:
        name: The folder, or the card's id, ``timm:NAME`` or ``hub:OWNER/NAME[@REVISION]``; where a folder and a card
            exist, the folder is opened if it holds a fine-tuned model.
        say: Takes a line that says which of the two is opened, where both exist, and notices of an ad-hoc model.

    Raises:
        InputError: Neither such a folder nor such a card exists, or the card has no published head.
        UnavailableError: The card's official weights are not available.
    """
    from tlzoo.cards import catalogue
    from tlzoo.cards.adhoc import AdHocCard
    from tlzoo.drafting import adhoc

    if Path(name).is_dir():
        from tlzoo.transfer.bundle import described, load

        is_model, is_card = described(Path(name)) is not None, os.sep not in name and name in catalogue.read_all()
        if is_card:
            opened = "fine-tuned model in the folder" if is_model else "card, as the folder is not a fine-tuned model"
            say(f"{name} is the name of a folder and of a card; opening the {opened}")
        if is_model:
            return load(Path(name))
    card = adhoc.find(name)
    for notice in card.notices if isinstance(card, AdHocCard) else ():
        say(notice)
    if isinstance(card, AdHocCard) and card.bundle is not None:
        from tlzoo.transfer.bundle import load

        return load(card.bundle)
    # a named endpoint is meant
    return published(card, card.answers, "auto" if card.default.is_api_model else "official")


def fine_tuned(name: str) -> Path | None:
    """The folder of a model that ``tlzoo finetune`` wrote: the named one, or the files of a published one, downloaded.

    Args:
        name: The folder, or ``hub:OWNER/NAME[@REVISION]``.

    Returns:
        The folder; ``None`` for any other name, or where somebody else wrote what is there.

    Raises:
        InputError: The description of a published model is damaged.
        UnavailableError: The Hub does not deliver.
    """
    from tlzoo.cards.adhoc import AdHocCard
    from tlzoo.drafting import adhoc
    from tlzoo.transfer.bundle import described

    if Path(name).is_dir():
        return Path(name) if described(Path(name)) is not None else None
    card = adhoc.find(name) if name.startswith("hub:") else None
    return card.bundle if isinstance(card, AdHocCard) else None


def trained_columns(name: str) -> dict[str, str]:
    """The column of a table that each input of a model was read from in training; empty where that is not known."""
    from tlzoo.transfer.bundle import columns

    folder = fine_tuned(name)
    return columns(folder) if folder is not None else {}


def published(card: Card, task: str, weights: Wanted, variant: str | None = None) -> Model:
    """A model that needs no training for a task: with its published head, or without a head if the task needs none.

    Raises:
        InputError: The model was published without a head.
        UnavailableError: The weights are not available.
    """
    from tlzoo.adapters.weights import resolve
    from tlzoo.tasks import task_type
    from tlzoo.transfer.assemble import assemble
    from tlzoo.vocabulary import task_facts

    facts = task_facts(task)
    is_headed = task in card.heads
    # a task without classes is known without data
    needs_task = card.default.is_api_model or facts.untrained or (is_headed and facts.annotation is None)
    bound = task_type(task).of(()) if needs_task else None
    network = assemble(resolve(card, weights, variant, "zero-shot" if is_headed else None, task), bound)
    model = network.for_zero_shot(bound) if bound is not None else network.published_model()
    if model is None:
        raise InputError(
            f"{card.id}: has no published head; fine-tune it first: "
            f"tlzoo finetune {card.id} --task T --data PATH --out DIR"
        )
    return model.eval()


def expand(inputs: Iterable[str], kind: str) -> Iterator[Path | str]:
    """Yield the named files, and of each named folder all files of the kind beneath it, sorted.

    A name may begin with ``~``, be a pattern such as ``photos/*.jpg`` (``**`` for folders within folders), ``-`` for
    standard input, or an address, whose file is downloaded and removed again. For models of texts, standard input has
    one text a line, and a name that is neither a file nor looks like one is a text itself.

    Raises:
        InputError: A name is empty, a pattern fits no file, or an address does not deliver one.
    """
    for name in inputs:
        if not name.strip():
            raise InputError("one of the inputs is empty; name files or folders" + ", or give texts" * (kind == "text"))
        if kind == "text" and not _exists(name) and not _is_name(name):
            yield name
            continue
        if name.startswith(("http://", "https://")):
            with _downloaded(name) as path:
                yield path
            continue
        for path in _paths(name):
            if path.is_dir():
                yield from (p for p in walk(path) if _is_of(p, kind))
            else:
                yield path


def _paths(name: str) -> list[Path]:
    """The files and folders that a name stands for."""
    if name == "-":
        return [Path("/dev/stdin")]
    path = Path(name).expanduser()
    if _exists(str(path)) or not any(character in name for character in "*?["):
        return [path]
    paths = sorted(map(Path, glob(str(path), recursive=True)))
    if not paths:
        raise InputError(f"{name}: no file fits this pattern")
    return paths


@contextmanager
def _downloaded(address: str) -> Iterator[Path]:
    """The file at an address, until the block ends."""
    from tlzoo.blobs import is_offline
    from tlzoo.blobs.download import download
    from tlzoo.blobs.places import PlaceError

    if is_offline():
        raise InputError(f"{address}: is not downloaded, since --offline asks nobody")
    with tempfile.TemporaryDirectory(prefix="tlzoo-") as folder:
        path = Path(folder) / (Path(urlsplit(address).path).name or "input")
        try:
            download(address, path, progress=False)
        except PlaceError as error:
            raise InputError(f"{address}: {error}") from None
        yield path


def _is_name(name: str) -> bool:
    """Whether a string looks like the name of a file: it has no blanks, and has a folder or a suffix, or is ``-``."""
    if any(character.isspace() for character in name):
        return False
    return name == "-" or os.sep in name or re.search(r"\.[A-Za-z]\w{0,7}$", name) is not None


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):  # too long for a name, or with a NUL
        return False


def _is_of(path: Path, kind: str) -> bool:
    from tlzoo.data.files.fasta import is_fasta

    suffix = Path(path.name.removesuffix(".gz") if kind == "text" else path.name).suffix.lower()
    return is_fasta(path) if kind == "dna" else suffix in SUFFIXES.get(column(kind), ())


def predict(
    model: Model,
    paths: Iterable[Path | str],
    batch_size: int = 32,
    draw: Path | None = None,
    columns: Mapping[str, str] | None = None,
    threshold: float | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Iterator[Predicted]:
    """Predict files, in their order, never holding more than a batch of them.

    Args:
        model: The model.
        paths: The files: for models of texts, tables, whose rows are predicted, and text files, whose lines are
            predicted, or texts themselves, as strings.
        batch_size: Files, or rows, a batch.
        draw: A folder to draw the predictions into; files in it that tlzoo did not write are not overwritten.
        columns: The column of tables that each input is read from, as in training (:func:`trained_columns`).
        threshold: Minimum score of a detected object.
        say: Takes one line for each way in which tables are read.

    Yields:
        One for each input; inputs that cannot be read and predictions that are not finite are errors.

    Raises:
        InputError: Predictions from such inputs are not drawn, or the folder cannot be written to.
    """
    import torch

    from tlzoo.core.predictions import Boxes
    from tlzoo.transfer.inference import batched

    drawings = DrawingFolder(model.spec.input, draw) if draw is not None else None
    for batch in batched(_rows(model, paths, columns or {}, say), batch_size):
        examples: list[Example] = []
        inputs: list[Predicted] = []
        for facts, row in batch:
            given = Predicted(facts, columns=facts.pop("columns", {}))
            try:
                if isinstance(row, InputError):
                    raise row
                examples.append(model.encode(row))
            except InputError as error:
                given = replace(given, error=str(error))
            inputs.append(given)
        with torch.inference_mode():
            predictions = iter(model.predict(model.collate(examples)) if examples else [])
        for each in inputs:
            if each.error is not None:
                yield each
                continue
            prediction = next(predictions)
            if threshold is not None and isinstance(prediction, Boxes):
                prediction = prediction.above(threshold)
            yield _judged(each, prediction, drawings)


def _judged(given: Predicted, prediction: Prediction, drawings: DrawingFolder | None) -> Predicted:
    """An input with its prediction, drawn where that was asked for, or with an error if it is not finite."""
    if not prediction.is_finite():
        return replace(given, error="its prediction holds NaN or infinite numbers")
    drawn = drawings.draw(Path(given.facts["input"]), prediction) if drawings is not None else None
    return replace(given, prediction=prediction, drawn=drawn)


def _rows(
    model: Model, paths: Iterable[Path | str], columns: Mapping[str, str], say: Callable[[str], None]
) -> Iterator[tuple[dict[str, Any], Row | InputError]]:
    """Yield the rows to predict, file by file, each with what identifies it; or why a file cannot be read."""
    from tlzoo.data.files import readers

    task = model.task
    reported: set[str] = set()

    def report(name: str, reading: str) -> None:
        if reading not in reported:
            reported.add(reading)
            say(f"{name}: {reading}")

    for path in paths:
        try:
            if isinstance(path, str):
                if task is not None and task.inputs:
                    raise InputError(f"one text, where a table of {' and '.join(task.inputs)} is read")
                yield {"input": path.encode("utf-8", "replace").decode()}, {"text": path}
            else:
                name = task.name if task is not None else None
                for facts, row in readers.rows(
                    path, name, model.spec.input, columns, partial(report, printable(path.name))
                ):
                    yield facts | {"input": printable(facts["input"])}, row
        except InputError as error:
            reason = str(error).removeprefix(f"{printable(path)}: ")
            yield {"input": printable(path)}, InputError(reason)
        except OSError as error:
            yield {"input": printable(path)}, InputError(error.strerror or str(error))
