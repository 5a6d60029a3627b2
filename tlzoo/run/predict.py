"""Predict files with a fine-tuned model or a published one, as a stream."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlzoo.data.files.folder import SUFFIXES, walk
from tlzoo.data.files.text_files import printable
from tlzoo.draw import Artist
from tlzoo.errors import InputError
from tlzoo.vocabulary import column

if TYPE_CHECKING:
    from tlzoo.adapters.weights import Wanted
    from tlzoo.core.model import Model


def open_model(name: str) -> Model:
    """The model of a folder that ``tlzoo finetune`` wrote, or a card's published model.

    Raises:
        InputError: Neither such a folder nor such a card, or the card has no published head.
        UnavailableError: The card's official weights cannot be had.
    """
    if (Path(name) / "config.json").is_file() or Path(name).is_dir():
        from tlzoo.transfer.bundle import load

        return load(Path(name))
    from tlzoo.cards import catalogue

    card = catalogue.get(name)
    return published(
        name, card.task, "auto" if card.default.is_api_model else "official"
    )  # who names an endpoint wants it


def trained_columns(name: str) -> dict[str, str]:
    """The column of a table that each input of a model was read from in training; none where that is not known."""
    if not (Path(name) / "config.json").is_file():
        return {}
    from tlzoo.transfer.bundle import columns

    return columns(Path(name))


def published(card_id: str, task: str, weights: Wanted, variant: str | None = None) -> Model:
    """A model that needs no training for a task: with a published head, or with none where the task needs none.

    Raises:
        InputError: It has no published head.
        UnavailableError: The weights cannot be had.
    """
    from tlzoo.adapters.weights import resolve
    from tlzoo.cards import catalogue
    from tlzoo.tasks import task_type
    from tlzoo.transfer.assemble import assemble
    from tlzoo.vocabulary import task_facts

    card = catalogue.get(card_id)
    needs_task = card.default.is_api_model or task_facts(task).untrained
    bound = task_type(task).of(()) if needs_task else None
    network = assemble(resolve(card, weights, variant), bound)
    model = network.for_zero_shot(bound) if bound is not None else network.published_model()
    if model is None:
        raise InputError(
            f"{card_id}: has no published head; fine-tune it first: "
            f"tlzoo finetune {card_id} --task T --data PATH --out DIR"
        )
    return model.eval()


def expand(inputs: Iterable[str], kind: str) -> Iterator[Path | str]:
    """Files as they are named; of a folder, all files of the kind beneath it, sorted.

    Where texts are wanted, what is no file and does not look like the name of one is a text itself, and ``-`` is what
    comes in at standard input, a text a line.

    Raises:
        InputError: One is empty.
    """
    for name in inputs:
        if not name.strip():
            raise InputError("one of the inputs is empty; name files or folders" + ", or give texts" * (kind == "text"))
        if kind == "text" and not _exists(name) and not _is_name(name):
            yield name
            continue
        path = Path("/dev/stdin" if name == "-" and kind == "text" else name)
        if path.is_dir():
            yield from (p for p in walk(path) if _is_of(p, kind))
        else:
            yield path


def _is_name(name: str) -> bool:
    """Whether a string can only be meant as the name of a file: no blanks, and a folder, a suffix or ``-``."""
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
    say: Callable[[str], None] = lambda line: None,
) -> Iterator[dict[str, Any]]:
    """Predict files, in their order, never holding more than a batch of them.

    Args:
        model: The model.
        paths: The files; of texts tables, of which every row is predicted, and files of lines, of which every line is,
            or texts themselves, as strings.
        batch_size: Files, or rows, a batch.
        draw: A folder to draw the predictions into, of what can be drawn; no file there but ours is overwritten.
        columns: Of tables the column that each input is read from, as training read it (:func:`trained_columns`).
        say: Takes one line for each way in which tables are read.

    Yields:
        ``{"input": path or row, ...prediction}``, plain values that JSON takes (see :func:`plain`), with what else
        tells a row from others (a question its ``id``), and ``"drawn": path`` where it was drawn; or
        ``{"input": path, "error": reason}`` for what cannot be read, or is answered with no numbers.

    Raises:
        InputError: Predictions cannot be drawn: nothing is of such inputs, or the folder cannot be written to.
    """
    import torch

    from tlzoo.transfer.inference import batched, is_finite

    kind = model.spec.input
    artist = Artist(kind, draw) if draw is not None else None
    for batch in batched(_rows(model, paths, columns or {}, say), batch_size):
        examples, answers = [], []
        for facts, row in batch:
            answers.append(dict(facts))
            try:
                if isinstance(row, InputError):
                    raise row
                examples.append(model.encode(row))
            except InputError as error:
                answers[-1]["error"] = str(error)
        with torch.inference_mode():
            predictions = iter(model.predict(model.collate(examples)) if examples else [])
        for answer in answers:
            if "error" not in answer:
                prediction = next(predictions)
                if not is_finite(prediction):
                    answer["error"] = "its prediction holds NaN or infinite numbers"
                else:
                    answer |= plain(prediction)
                    if artist is not None and (drawn := artist(Path(answer["input"]), prediction)):
                        answer["drawn"] = str(drawn)
            yield answer


def _rows(
    model: Model, paths: Iterable[Path | str], columns: Mapping[str, str], say: Callable[[str], None]
) -> Iterator[tuple[dict[str, Any], Mapping[str, Any] | InputError]]:
    """What there is to predict, file by file; or why a file cannot be read."""
    from tlzoo.data.files import readers

    task = getattr(model, "task", None)
    reported: set[str] = set()

    def report(name: str, reading: str) -> None:
        if reading not in reported:
            reported.add(reading)
            say(f"{name}: {reading}")

    for path in paths:
        try:
            if isinstance(path, str) and (several := getattr(task, "inputs", ())):
                raise InputError(f"one text, where a table of {' and '.join(several)} is read")
            if isinstance(path, str):
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


def plain(prediction: Mapping[str, Any]) -> dict[str, Any]:
    """A prediction in values that JSON takes.

    Args:
        prediction: Of any task.

    Returns:
        The same, without generated frames, which are drawn; a mask becomes ``masks``, one entry a class that is
        present, the background too: ``label``, ``area_share`` and ``rle``, COCO's run-length encoding
        (``pycocotools.mask``) with ``size`` ``[height, width]``.
        Of tracks along DNA the ``bins`` are counted, and each of the ``tracks`` is told by its ``label``, ``mean``,
        ``max``, and the bases of that bin, ``at`` (first and one past the last, from the sequence's first, 0).
    """
    import numpy as np

    found = {key: value for key, value in prediction.items() if key not in ("mask", "frames")}
    if "tracks" in prediction:
        values = np.asarray(prediction["tracks"])
        highest, size = values.argmax(0), found["bin_size"]
        first = found["start"] + highest * size
        columns = zip(found.pop("labels"), values.mean(0), values.max(0), first, strict=True)
        found["bins"] = len(values)
        found["tracks"] = [{"label": t, "mean": m, "max": h, "at": [f, f + size]} for t, m, h, f in columns]
    if "mask" in prediction:
        from pycocotools.mask import encode

        from tlzoo.data.media.geometry import IGNORED

        mask, names = np.asarray(prediction["mask"], dtype=np.uint8), found.pop("labels")
        found["masks"] = []
        for value in np.unique(mask[mask != IGNORED]).tolist():
            inside = mask == value
            rle = encode(np.asfortranarray(inside, dtype=np.uint8))
            rle = {"size": [int(side) for side in rle["size"]], "counts": rle["counts"].decode("ascii")}
            found["masks"].append({"label": names[value], "area_share": float(inside.mean()), "rle": rle})
    return {key: _plain(value) for key, value in found.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.tolist() if hasattr(value, "tolist") else value  # arrays, tensors and their scalars
