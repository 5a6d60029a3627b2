"""The test examples that an exported file is compared on, and what identifies them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlzoo.data.catalogue import HUB, Source, find
from tlzoo.data.dataset import Prepared
from tlzoo.data.media.stored import opened
from tlzoo.data.named import DATASETS
from tlzoo.data.protocol import Limits
from tlzoo.errors import InputError
from tlzoo.export.description import DataDescription
from tlzoo.run.execute import data_of
from tlzoo.tasks import task_type
from tlzoo.transfer.bundle import RECIPE

if TYPE_CHECKING:
    from tlzoo.core.batch import Row
    from tlzoo.core.task import Task

_OWN_OPTIONS = ("group", "text", "label", "splits")


@dataclass(frozen=True)
class HeldOut:
    """Test examples, with the data that they are of.

    Attributes:
        name: Of the data set.
        is_own_test: Whether these are the test examples of the data that the model was trained on.
        is_seen: Whether the model learnt from these examples, as where it was trained on all there are.
        task: The task, bound to the data.
        data: All splits.
        sha256: Fingerprint of the test examples: their inputs as they are stored, and their targets.
    """

    name: str
    is_own_test: bool
    is_seen: bool
    task: Task
    data: Prepared
    sha256: str

    @property
    def rows(self) -> Sequence[Row]:
        """The test examples."""
        rows: Sequence[Row] = self.data.splits["test"]
        return rows


def described(recipe: Mapping[str, Any]) -> DataDescription:
    """What a recipe says of the data that a model was trained on.

    Args:
        recipe: A ``recipe.json``.
    """
    source = recipe["run"]["source"]
    fields = {name: source[name] for name in ("name", "fingerprint", "where", "options", "limits")}
    return DataDescription(**fields, is_whole=bool(recipe["training"].get("is_crossfitted")))


def held_out(
    trained: DataDescription,
    task: str,
    kind: str,
    labels: Sequence[str],
    wanted: str | None,
    given: Mapping[str, str],
    place: str,
) -> HeldOut:
    """Find test examples.

    Args:
        trained: The data that the model was trained on.
        task: The task.
        kind: Kind of the input.
        labels: Classes of the model.
        wanted: The data, as ``--data`` names them; None for those that the model was trained on.
        given: Columns of own data that ``wanted`` names; empty for those of the training.
        place: Name of the folder or file, for errors.

    Raises:
        InputError: The data cannot be found again, are for another task, or have other classes.
        UnavailableError: They are on the Hub, which does not answer.
    """
    source = _source(trained, task, kind, wanted, given, place)
    data = data_of(source)
    bound = task_type(task, kind)(data.features)
    if labels and (others := sorted(set(bound.labels) - set(labels))):
        raise InputError(
            f"--data {wanted or trained.name}: has classes that {place} does not know: {', '.join(others[:5])}; it "
            f"knows {', '.join(labels[:10])}"
        )
    rows = data.splits["test"]
    if not len(rows):
        raise InputError(f"--data {wanted or trained.name}: has no test examples")
    is_own = source.fingerprint == trained.fingerprint
    return HeldOut(source.name, is_own, is_own and trained.is_whole, bound, data, fingerprint(rows, kind))


def _source(
    trained: DataDescription, task: str, kind: str, wanted: str | None, given: Mapping[str, str], place: str
) -> Source:
    limits = Limits(**trained.limits)
    own = dict(given) or {name: value for name, value in trained.options.items() if name in _OWN_OPTIONS}
    if wanted is not None:
        is_own = wanted.startswith(HUB) or wanted not in DATASETS
        return find(task, wanted, limits, kind, own if is_own else given)
    if trained.where == "folder":
        raise InputError(
            f"{place}: was trained on your own data ({trained.name}), whose place is not written down; name them with "
            "--data PATH"
        )
    is_own = trained.name.startswith(HUB)
    name = trained.name if is_own or trained.name in DATASETS else trained.name.removesuffix(f"-{kind}")
    return find(task, name, limits, kind, own if is_own else {})


def recipe_of(folder: Path) -> dict[str, Any]:
    """The recipe of a fine-tuned folder: how its model was trained, and what it scored.

    Raises:
        InputError: It cannot be read, or lacks one of them.
    """
    path = folder / RECIPE
    try:
        recipe: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        first = recipe["results"][0]
        float(first["value"]), int(first["n_test"]), described(recipe)
    except (OSError, ValueError, TypeError, LookupError) as error:
        reason = getattr(error, "strerror", None) or " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InputError(
            f"{path}: does not say how the model was trained and tested ({reason}); copy the folder again"
        ) from None
    return recipe


def fingerprint(rows: Sequence[Row], kind: str) -> str:
    """Hash test examples: their inputs as they are stored, and their targets, in their order.

    Args:
        rows: The examples.
        kind: Kind of the input.

    Raises:
        InputError: The file of an input cannot be read.
    """
    total = hashlib.sha256()
    for row in rows:
        parts = {name: value for name, value in row.items() if name not in ("id", "group", kind)}
        source = row.get(kind)
        if isinstance(source, Mapping):
            try:
                with opened(source) as file:  # type: ignore[arg-type]
                    parts[kind] = hashlib.sha256(file.read()).hexdigest()
            except (OSError, ValueError) as error:
                raise InputError(f"{source.get('path')}: cannot be read: {error}") from None
        else:
            parts[kind] = source
        total.update(json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str).encode("utf-8", "replace"))
    return total.hexdigest()
