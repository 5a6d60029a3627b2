"""A backbone with a task's head: the model that most cards become."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from torch import Tensor, nn

from tlzoo.adapters import spans
from tlzoo.core.batch import Batch, Example, Row, Spec, Tokens, collate
from tlzoo.core.image import ImageBackbone
from tlzoo.core.model import Backbone, Model
from tlzoo.core.task import HeadTask
from tlzoo.data.media.inputs import read_input

if TYPE_CHECKING:
    from tlzoo.adapters.text_encoder import TextEncoder


class _Headed(Model):
    """A head on something; the task gives its loss and decoding."""

    task: HeadTask

    def loss(self, batch: Batch) -> Tensor:
        """The task's loss."""
        return self.task.loss(self(batch), batch)

    def predict(self, batch: Batch) -> list[Any]:
        """The task's predictions."""
        return self.task.decode(self(batch), batch)

    def with_target(self, row: Row, example: Example) -> Example:
        """An example with what its row says is right, if it says that."""
        return example | {"target": self.task.target(row, example)} if self.task.has_target(row) else example


class HeadedModel(_Headed):
    """Backbone + head."""

    def __init__(self, backbone: Backbone, task: HeadTask) -> None:
        """Put a new head on a backbone.

        Args:
            backbone: Any backbone whose outputs include ``task.output``.
            task: The task.
        """
        super().__init__()
        backbone.drop_published_head()
        frame(backbone, task)
        self.backbone = backbone
        self.task = task
        self.head = task.head(backbone.spec)
        self.spec: Spec = backbone.spec
        self.ragged = ragged(backbone, task)

    def encode(self, row: Row) -> Example:
        """Decode and preprocess the input; with its target where the row has one."""
        return self.with_target(row, encode(self.backbone, self.task, row))

    def augment(self, batch: Batch) -> Batch:
        """As the task does."""
        return self.task.augment(batch)

    def forward(self, batch: Batch) -> Any:
        """The head's output."""
        return self.head(output(self.backbone, self.task, batch))

    def stages(self) -> list[nn.Module]:
        """The backbone's stages, then the head."""
        return [*self.backbone.stages(), self.head]

    def save_assets(self, folder: Path) -> None:
        """What the backbone needs."""
        self.backbone.save_assets(folder)

    def load_assets(self, folder: Path) -> None:
        """What the backbone needs."""
        self.backbone.load_assets(folder)


class HeadModel(_Headed):
    """A head alone, on frozen features: what a probe trains."""

    def __init__(self, head: nn.Module, task: HeadTask, features: Callable[[Row], Example], spec: Spec) -> None:
        """Wrap a head.

        Args:
            head: The head.
            task: The task.
            features: Gives what the head reads of a row, ``features``, and the ``frame`` of a picture.
            spec: The backbone's.
        """
        super().__init__()
        self.head, self.task, self.features, self.spec = head, task, features, spec

    def encode(self, row: Row) -> Example:
        """Look the frozen features up."""
        return self.with_target(row, self.features(row))

    def forward(self, batch: Batch) -> Any:
        """The head's output."""
        if "features" in batch:
            return self.head(batch["features"])
        return self.head([batch[name] for i in range(len(batch)) if (name := f"features{i}") in batch])


def encode(backbone: Backbone, task: HeadTask, row: Row) -> Example:
    """Decode and preprocess what a task reads of a row; of a siamese one, names end in the number of the column."""
    spec = backbone.spec
    texts = tuple(row[column] for column in task.inputs)
    if task.windowed:
        return spans.encode(cast("TextEncoder", backbone), *(texts or (row[spec.input],))) | task.layout(row)
    if not texts:
        return backbone.encode(read_input(row, spec.input, spec.sample_rate, spec.frames))
    if not task.siamese:
        return backbone.encode(texts)
    return {f"{name}{i}": value for i, text in enumerate(texts) for name, value in backbone.encode(text).items()}


def ragged(backbone: Backbone, task: HeadTask) -> frozenset[str]:
    """Which parts of :func:`encode`'s examples vary in their first dimension."""
    if task.windowed:
        return backbone.ragged | spans.RAGGED
    if not task.siamese:
        return backbone.ragged | task.ragged
    return frozenset(f"{name}{i}" for name in backbone.ragged for i in range(len(task.inputs)))


def output(backbone: Backbone, task: HeadTask, batch: Batch) -> Any:
    """The backbone's output that a task's head reads; of a siamese task, whose output is ``pooled``, one a column.

    What occurs several times in a siamese batch goes through the backbone once: pairs of few documents share them.
    """
    if task.windowed:
        return spans.tokens(backbone, batch)
    if not task.siamese:
        found = backbone(batch)
        return Tokens(found["tokens"], found["tokens_lengths"]) if task.output == "tokens" else found[task.output]
    columns = [_examples(_column(batch, i), backbone.ragged) for i in range(len(task.inputs))]
    distinct: dict[bytes, tuple[int, Example]] = {}
    places = [
        [distinct.setdefault(_content(example), (len(distinct), example))[0] for example in column]
        for column in columns
    ]
    vectors = backbone(collate([example for _, example in distinct.values()], backbone.ragged))[task.output]
    return [vectors[place] for place in places]


def _examples(batch: Batch, ragged: frozenset[str]) -> list[Example]:
    """A batch of tensors taken apart again."""
    parts = {
        name: list(value.split(batch[f"{name}_lengths"].tolist()) if name in ragged else value)
        for name, value in batch.items()
        if name.removesuffix("_lengths") not in ragged or name in ragged
    }
    return [dict(zip(parts, values, strict=True)) for values in zip(*parts.values(), strict=True)]


def _content(example: Example) -> bytes:
    """What tells an example from others."""
    return b"".join(value.cpu().numpy().tobytes() for value in example.values())


def _column(batch: Batch, number: int) -> Batch:
    """The part of a siamese batch that is of one column."""
    found = {}
    for name, value in batch.items():
        whole = name.removesuffix("_lengths")
        if whole.endswith(str(number)):
            found[whole.removesuffix(str(number)) + name[len(whole) :]] = value
    return found


def frame(backbone: Backbone, task: HeadTask) -> None:
    """Have a backbone bring pictures to its size, or give tokens as often, as a task wants it."""
    if task.hop_seconds is not None:
        backbone.look_every(task.hop_seconds)
    if isinstance(backbone, ImageBackbone):
        backbone.framing = task.framing
