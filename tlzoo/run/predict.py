"""Predict files with a fine-tuned model or a published one, as a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlzoo.data.dna import is_fasta, read_sequences
from tlzoo.data.folder import SUFFIXES
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from tlzoo.adapters.base import Model, Row


def open_model(name: str) -> Model:
    """The model of a folder that ``tlzoo finetune`` wrote, or a card's published model.

    Raises:
        InputError: Neither such a folder nor such a card, or the card has no published head.
        UnavailableError: The card's official weights cannot be had.
    """
    if (Path(name) / "config.json").is_file() or Path(name).is_dir():
        from tlzoo.transfer.bundle import load

        return load(Path(name))
    from tlzoo.adapters.weights import resolve
    from tlzoo.cards import catalogue
    from tlzoo.transfer.assemble import assemble

    model = assemble(resolve(catalogue.get(name), "official")).published()
    if model is None:
        raise InputError(
            f"{name}: has no published head; fine-tune it first: tlzoo finetune {name} --task T --data PATH --out DIR"
        )
    return model.eval()


def expand(inputs: Iterable[str], kind: str) -> Iterator[Path]:
    """Files as they are named; of a folder, all files of the kind beneath it, sorted."""
    for name in inputs:
        path = Path(name)
        if path.is_dir():
            yield from (p for p in sorted(path.rglob("*")) if _is_of(p, kind))
        else:
            yield path


def _is_of(path: Path, kind: str) -> bool:
    return is_fasta(path) if kind == "dna" else path.suffix.lower() in SUFFIXES.get(kind, ())


def rows_of(path: Path, kind: str) -> Iterator[tuple[str, Row]]:
    """The rows of a file, each with what to call it: one, but of DNA one a sequence.

    Raises:
        InputError: It is no file of DNA.
        OSError: It cannot be read.
    """
    if kind == "dna":
        for name, sequence in read_sequences(path):
            yield f"{path} {name}", {"dna": sequence}
    else:
        yield str(path), {kind: {"bytes": path.read_bytes(), "path": str(path)}}


def _inputs(paths: Iterable[Path], kind: str) -> Iterator[tuple[Path, str, Row | Exception]]:
    """File, name and row of every input; where a file cannot be read, what was raised."""
    for path in paths:
        try:
            for name, row in rows_of(path, kind):
                yield path, name, row
        except (InputError, OSError) as error:
            yield path, str(path), error


def predict(
    model: Model, paths: Iterable[Path], batch_size: int = 32, draw: Path | None = None
) -> Iterator[dict[str, Any]]:
    """Predict files, in their order, never holding more than a batch of them.

    Args:
        model: The model.
        paths: The files.
        batch_size: Files a batch.
        draw: A folder to draw the predictions into, of pictures; no file there but ours is overwritten.

    Yields:
        ``{"input": path, ...prediction}``, plain values that JSON takes (see :func:`plain`), with ``"drawn": path``
        where it was drawn; or ``{"input": path, "error": reason}`` for what cannot be read.

    Raises:
        InputError: Predictions cannot be drawn: the model takes no pictures, or the folder cannot be written to.
    """
    import torch

    from tlzoo.transfer.inference import batched

    kind = model.spec.input
    artist = _artist(kind, draw) if draw is not None else None
    for batch in batched(_inputs(paths, kind), batch_size):
        examples, answers = [], []
        for _, name, row in batch:
            try:
                if isinstance(row, Exception):
                    raise row
                examples.append(model.encode(row))
                answers.append({"input": name})
            except (InputError, OSError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                answers.append({"input": name, "error": reason or str(error)})
        with torch.inference_mode():
            predictions = iter(model.predict(model.collate(examples)) if examples else [])
        for (path, _, _), answer in zip(batch, answers, strict=True):
            if "error" not in answer:
                prediction = next(predictions)
                answer |= plain(prediction)
                if artist is not None:
                    answer["drawn"] = str(artist(path, prediction))
            yield answer


def plain(prediction: Mapping[str, Any]) -> dict[str, Any]:
    """A prediction in values that JSON takes.

    Args:
        prediction: Of any task.

    Returns:
        The same; a mask becomes ``masks``, one entry a class that is present, the background too: ``label``,
        ``area_share`` and ``rle``, COCO's run-length encoding (``pycocotools.mask``) with ``size`` ``[height, width]``.
        Of tracks along DNA the ``bins`` are counted, and each of the ``tracks`` is told by its ``label``, ``mean``,
        ``max``, and the bases of that bin, ``at`` (first and one past the last, from the sequence's first, 0).
    """
    import numpy as np

    found = {key: value for key, value in prediction.items() if key != "mask"}
    if "tracks" in prediction:
        values = np.asarray(prediction["tracks"])
        highest, size = values.argmax(0), found["bin_size"]
        first = found["start"] + highest * size
        columns = zip(found.pop("labels"), values.mean(0), values.max(0), first, strict=True)
        found["bins"] = len(values)
        found["tracks"] = [{"label": t, "mean": m, "max": h, "at": [f, f + size]} for t, m, h, f in columns]
    if "mask" in prediction:
        from pycocotools.mask import encode

        from tlzoo.data.geometry import IGNORED

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


def _artist(kind: str, folder: Path) -> Callable[[Path, Mapping[str, Any]], Path]:
    """What draws a prediction of a file, and says where to."""
    from tlzoo.data.image import decode
    from tlzoo.run import pictures

    if kind != "image":
        raise InputError(f"--draw {folder}: predictions of pictures are drawn; this model takes {kind}")
    name, palette = pictures.Names(folder), pictures.Palette()

    def draw(path: Path, prediction: Mapping[str, Any]) -> Path:
        target = name(path)
        pictures.save(pictures.drawn(decode({"bytes": None, "path": str(path)}), prediction, palette), target)
        return target

    return draw
