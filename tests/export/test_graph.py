"""Every network of one class an example predicts the same as a graph of ONNX, inputs of any size included."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from tests.conformance.models import data
from tlzoo.adapters.weights import Checkpoint, resolve
from tlzoo.architectures.openl3 import OpenL3
from tlzoo.cards import catalogue
from tlzoo.cards.schema import Card, Variant
from tlzoo.core.model import HeadedModel, trainable
from tlzoo.core.novelty import Novelty, distances
from tlzoo.data.media.inputs import read_input
from tlzoo.errors import InputError, UnavailableError
from tlzoo.export.certificate import difference, is_equal
from tlzoo.export.graph import exported
from tlzoo.export.session import Runtime, Session
from tlzoo.export.write import input_of, tokenizer_of
from tlzoo.tasks import task_type
from tlzoo.transfer.assemble import assemble

pytestmark = pytest.mark.usefixtures("one_thread")


ALIKE = {"ernie", "tf2nq", "inception-resnet-v2", "trill"}
"""Cards whose network has the layers of another one's; an export takes seconds."""
ELSEWHERE = {"crepe", "electra", "resnet-50"}
"""Cards that other tests export in the same way, ``test_export.py`` from a folder."""


def cases() -> Iterator[Any]:
    """The first nano variant of each architecture that can do a classification of its kind of input."""
    architectures = set()
    for card in catalogue.cards():
        variant = next(each for each in card.variants if each.kind == "nano")
        task = f"{card.input.kind}-classification"
        architecture = variant.adapter, variant.model
        is_able = card.input.kind in ("image", "audio", "text") and card.can_do(task)
        if is_able and architecture not in architectures and card.id not in ALIKE | ELSEWHERE:
            architectures.add(architecture)
            yield pytest.param(card, variant, id=card.id)


def probed(card: Card, variant: Variant, task_name: str) -> tuple[HeadedModel, list[Any]]:
    """A network whose head learnt a little, and rows that it did not see."""
    kind = card.input.kind
    splits = data(task_name, kind)
    task = task_type(task_name, kind)(splits["train"].features)
    torch.manual_seed(0)
    try:
        network = assemble(resolve(card, "stand-in", variant.id), task)
    except UnavailableError as error:
        pytest.skip(str(error))
    model = trainable(network).for_task(task).eval()
    assert isinstance(model, HeadedModel)
    batch = model.collate([model.encode(row) for row in splits["train"].select(range(16))])
    with torch.no_grad():
        read = model.backbone.output_for(batch, model.task)
    optimizer = torch.optim.Adam(model.head.parameters(), 0.05)
    model.head.train()
    for _ in range(20):
        optimizer.zero_grad()
        model.task.loss(model.head(read), batch).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    model.eval()
    rows = list(splits["test"].select(range(10)))
    if kind == "image":
        for row, size in zip(rows, ((20, 90), (131, 64), (300, 301)), strict=False):
            row["image"] = read_input(row, "image").resize(size)
    return model, rows


def session_of(model: HeadedModel) -> tuple[Session, Runtime]:
    graph = exported(model)
    threshold = None if model.novelty is None else model.novelty.threshold
    labels = model.task.labels if graph.output == "scores" else ()
    runtime = Runtime(graph.proto.SerializeToString())
    return Session(runtime, input_of(model), labels, threshold, tokenizer_of(model)), runtime


@torch.inference_mode()
def compare(model: HeadedModel, rows: list[Any]) -> list[Any]:
    """Predictions of the graph, after they were compared with the model's."""
    session, runtime = session_of(model)
    expected = [model.predict(model.collate([model.encode(row)]))[0] for row in rows]
    actual = list(session.predict(rows))
    for one, other in zip(expected, actual, strict=True):
        assert is_equal(one, other)
        assert difference(one, other) < (2e-2 if isinstance(model.backbone, OpenL3) else 1e-3)
    if session.input.kind == "text" and session.labels:
        compare_batch(model, runtime, rows[:3])
    return actual


def compare_batch(model: HeadedModel, graph: Runtime, rows: list[Any]) -> None:
    """Texts of a batch are padded without a trace, on the side that the description names."""
    examples = [model.encode(row) for row in rows]
    longest = max(len(each["ids"]) for each in examples)
    given = input_of(model)
    assert given.pad is not None
    ids = np.full((len(rows), longest), given.pad[0])
    mask, segments = np.zeros_like(ids), np.zeros_like(ids)
    for i, each in enumerate(examples):
        place = slice(-len(each["ids"]), None) if given.pad[1] == "left" else slice(len(each["ids"]))
        ids[i, place], mask[i, place], segments[i, place] = each["ids"], 1, each["segments"]
    feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": segments}
    expected = model(model.collate(examples)).softmax(-1).numpy()
    assert np.allclose(graph.outputs(feed)[0], expected, atol=1e-4)


@pytest.mark.parametrize(("card", "variant"), [*cases()])
def test_a_graph_predicts_what_the_model_predicts(card: Card, variant: Variant) -> None:
    model, rows = probed(card, variant, f"{card.input.kind}-classification")
    before = [p.clone() for p in model.parameters()]
    predictions = compare(model, rows)
    assert len({tuple(each.scores.values()) for each in predictions}) > 1, "inputs matter"
    assert all(torch.equal(p, q) for p, q in zip(before, model.parameters(), strict=True))


def test_what_is_unlike_the_training_examples_is_unknown_to_the_graph_as_well() -> None:
    card = catalogue.get("vgg-16")
    model, rows = probed(card, next(v for v in card.variants if v.kind == "nano"), "image-classification")
    with torch.no_grad():
        vectors = torch.cat([model.backbone.output_for(model.collate([model.encode(row)]), model.task) for row in rows])
    near = torch.nn.functional.normalize(vectors[:5])
    far = distances(vectors, near).sort().values
    model.novelty = Novelty(near, float(far[4:6].mean()), 0.01)
    labels = [each.label for each in compare(model, rows)]
    assert labels.count("unknown") == 5


@pytest.mark.parametrize(("card_id", "task"), [("crepe", "audio-embedding"), ("bert", "text-embedding")])
def test_embeddings(card_id: str, task: str) -> None:
    card = catalogue.get(card_id)
    variant = next(each for each in card.variants if each.kind == "nano")
    model, rows = probed(card, variant, task)
    compare(model, rows)


def test_what_cannot_be_exported_is_refused_in_a_line() -> None:
    card = catalogue.get("resnet-50")
    variant = next(each for each in card.variants if each.kind == "nano")
    task = task_type("object-detection").of(["cat", "dog"])
    model = trainable(assemble(Checkpoint(card.id, variant.id, "none"), task)).for_task(task)
    with pytest.raises(InputError, match="object-detection cannot be exported, since its output is not one vector; "):
        exported(model)
