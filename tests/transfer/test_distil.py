import pytest
import torch
from datasets import ClassLabel, Dataset, Features, Value
from torch.nn import functional as F

from tests.support.published import or_skip
from tlzoo.adapters import build
from tlzoo.adapters.weights import variant_of
from tlzoo.cards import catalogue
from tlzoo.core.model import Backbone
from tlzoo.errors import InputError
from tlzoo.tasks import task_type
from tlzoo.transfer.distil import Distilled, distilled
from tlzoo.transfer.loop import fit
from tlzoo.transfer.recipe import Recipe

TEXTS = (
    "a dog barks",
    "the cat sleeps",
    "stocks fell sharply",
    "shares rose today",
    "it rains",
    "snow fell",
    "we sing",
)


@pytest.fixture(scope="module")
def rows() -> Dataset:
    columns = {
        "text": [f"{t} {n}" for n in range(2) for t in TEXTS],
        "label": [0, 1] * 7,
        "id": [str(i) for i in range(14)],
    }
    features = {"text": Value("string"), "label": ClassLabel(names=["a", "b"]), "id": Value("string")}
    return Dataset.from_dict(columns, Features(features))


def student(rows: Dataset, teacher: str = "bert") -> Distilled:
    card = catalogue.get("bert")
    variant = variant_of(card, "nano")
    network = build(variant, card.input_of(variant))
    assert isinstance(network, Backbone)
    task = task_type("text-classification", "text")(rows.features)
    with or_skip():
        return distilled(network.for_task(task), teacher, [rows], task, "tests-of-distillation")  # type: ignore[arg-type]


def test_a_student_comes_to_judge_likeness_as_its_teacher_does(rows: Dataset, one_thread: None) -> None:
    torch.manual_seed(0)
    model = student(rows)
    examples = [model.encode(row) for row in rows]
    teacher = F.normalize(torch.stack([example["teacher"] for example in examples]), dim=1)

    def distance() -> float:
        with torch.inference_mode():
            vectors = F.normalize(model.learner.backbone(model.collate(examples))["pooled"], dim=1)  # type: ignore[union-attr]
        return float((vectors @ vectors.T - teacher @ teacher.T).square().mean())

    before = distance()
    fit(model, examples, lambda _: 0.0, Recipe(60, (2e-3,), batch_size=14, looks=1), 0, progress=False)
    assert distance() < before / 4


def test_a_teacher_of_another_kind_of_input_is_refused(rows: Dataset) -> None:
    with pytest.raises(InputError, match="efficientnet gives no vectors of text"):
        student(rows, "efficientnet")
