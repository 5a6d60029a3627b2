"""``tlzoo.metric``: what training code of one's own computes is what the board says."""

import re
import socket
from pathlib import Path
from typing import Any

import evaluate
import numpy as np
import pytest
import torch
from datasets import Dataset
from torch import nn
from transformers import EvalPrediction, Trainer, TrainingArguments

import tlzoo
from tlzoo.core.predictions import Prediction
from tlzoo.errors import InputError
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.tasks import prediction_type, task_type
from tlzoo.transfer.inference import statistics, values


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No socket is opened, and nothing is cached from before."""

    def refuse(*_: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path))


def boards(task: str, labels: tuple[str, ...], predictions: list[Any], rows: list[Any]) -> dict[str, float]:
    """What a run of the harness would have put on a board."""
    bound = task_type(task).of(labels)
    made = [p if isinstance(p, Prediction) else prediction_type(task).from_json(p) for p in predictions]
    return values(bound, statistics(bound, made, rows))


def test_a_run_of_the_harness_has_the_same_numbers(folder: Path, tmp_path: Path, one_thread: None) -> None:
    """A model fine-tuned on a person's own sounds: the metric of its predictions is the value that was recorded."""
    from tlzoo.data.catalogue import find, load
    from tlzoo.run.finetune import finetune
    from tlzoo.run.predict import open_model
    from tlzoo.transfer.inference import predict

    source = find("audio-classification", str(folder))
    options: Any = {"strategy": "scratch", "variant": "nano", "progress": False}
    done = finetune("yamnet", source.task, str(folder), tmp_path / "model", **options)
    test = load(source).splits["test"]
    model = open_model(str(tmp_path / "model"))
    predictions = list(predict(model, (model.encode(row) for row in test)))
    names = tuple(test.features["label"].names)
    computed = tlzoo.metric("audio-classification", labels=names).compute(
        predictions=predictions, references=test["label"]
    )
    assert computed == boards("audio-classification", names, predictions, list(test))
    assert (done.metric, done.value) == ("accuracy", computed["accuracy"])


LABELS = ("cat", "dog", "emu")


@pytest.mark.parametrize("form", ["ids", "names", "scores", "predictions"])
def test_classes_are_given_in_any_form(form: str) -> None:
    rng = np.random.default_rng(0)
    scores, true = rng.random((40, 3)), rng.integers(3, size=40)
    best = scores.argmax(-1)
    full = [{"label": LABELS[b], "score": float(s[b]), "scores": {}} for b, s in zip(best, scores, strict=True)]
    given = {"ids": best, "names": [LABELS[b] for b in best], "scores": scores, "predictions": full}[form]
    metric = tlzoo.metric("image-classification", labels=() if form in ("ids", "scores") else LABELS)
    expected = boards("image-classification", LABELS, full, [{"label": int(t)} for t in true])
    assert metric.compute(predictions=given, references=true) == expected
    assert set(expected) == {"accuracy", "macro_f1"}


def test_pitch() -> None:
    rng = np.random.default_rng(0)
    time = np.arange(50) / 100
    rows, predictions = [], []
    for _ in range(4):
        hz = np.where(rng.random(50) < 0.8, rng.uniform(100, 400, 50), 0)
        near = np.where(rng.random(50) < 0.7, hz * 1.01, hz * 2) + (hz == 0) * 200
        rows.append({"f0": {"time": time.tolist(), "hz": hz.tolist()}})
        predictions.append({"time": time.tolist(), "frequency": near.tolist(), "confidence": rng.random(50).tolist()})
    computed = tlzoo.metric("pitch-extraction").compute(predictions=predictions, references=[row["f0"] for row in rows])
    assert computed == boards("pitch-extraction", (), predictions, rows)
    assert set(computed) == {"rpa", "rca", "voicing_recall", "voicing_false_alarm"} and 0 < computed["rpa"] < 1


@pytest.mark.parametrize("numbers", [True, False])
def test_detection(numbers: bool) -> None:
    rng = np.random.default_rng(0)
    rows, predictions = [], []
    for _ in range(6):
        boxes = np.concatenate([rng.uniform(0, 50, (3, 2)), rng.uniform(20, 40, (3, 2))], axis=1)
        classes = rng.integers(3, size=3)
        rows.append({"objects": {"bbox": boxes.tolist(), "category": classes.tolist()}})
        corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1) + rng.normal(0, 3, (3, 4))
        labels = [LABELS[c] for c in classes]
        predictions.append({"boxes": corners.tolist(), "scores": rng.random(3).tolist(), "labels": labels})
    expected = boards("object-detection", LABELS, predictions, rows)
    if numbers:
        predictions = [p | {"labels": [LABELS.index(name) for name in p["labels"]]} for p in predictions]
    metric = tlzoo.metric("object-detection", labels=() if numbers else LABELS)
    assert metric.compute(predictions=predictions, references=[row["objects"] for row in rows]) == expected
    assert 0 < expected["ap"] < expected["ap50"]


def test_transcripts_are_texts_or_predictions() -> None:
    said, heard = ["one two three", "four"], ["one too three", "four five"]
    expected = boards("speech-recognition", (), [{"text": t} for t in heard], [{"text": t} for t in said])
    metric = tlzoo.metric("speech-recognition")
    assert metric.compute(predictions=heard, references=said) == expected
    assert metric.compute(predictions=[{"text": t} for t in heard], references=[{"text": t} for t in said]) == expected
    assert expected["wer"] == 0.5


def test_answers_and_similarities() -> None:
    answers = tlzoo.metric("question-answering", "f1")
    assert answers.compute(predictions=["the cat", ""], references=[["a cat", "dog"], []]) == {"f1": 1.0}
    pairs = tlzoo.metric("text-embedding")
    assert pairs.compute(predictions=[0.1, 0.2, 0.9], references=[1.0, 2.0, 5.0]) == {"spearman": 1.0}
    words = tlzoo.metric("language-modeling")
    assert words.compute(predictions=["Whale.", "cat"], references=["whale", "dog"]) == {"cloze_accuracy": 0.5}


def test_embeddings_are_compared_with_those_of_training_examples() -> None:
    rng = np.random.default_rng(0)
    middles = np.eye(2, 8) * 5
    train, test = np.arange(20) % 2, np.arange(8) % 2
    vectors = [middles[labels] + rng.normal(size=(len(labels), 8)) for labels in (train, test)]
    metric = tlzoo.metric("audio-embedding")
    given = {"predictions": vectors[1], "references": test}
    computed = metric.compute(**given, train_predictions=vectors[0], train_references=train)
    assert computed == {"knn_accuracy": 1.0, "linear_accuracy": 1.0}
    with pytest.raises(InputError, match="train_predictions and train_references"):
        metric.compute(**given)


def test_batches_add_up_and_metrics_are_combined() -> None:
    predictions, references = [0, 1, 2, 2, 1], [0, 1, 1, 2, 0]
    both = evaluate.combine([tlzoo.metric("text-classification", name) for name in ("accuracy", "macro_f1")])
    whole = tlzoo.metric("text-classification").compute(predictions=predictions, references=references)
    assert both.compute(predictions=predictions, references=references) == whole
    metric = tlzoo.metric("text-classification")
    metric.add_batch(predictions=predictions[:2], references=references[:2])
    for prediction, reference in zip(predictions[2:], references[2:], strict=True):
        metric.add(prediction=prediction, reference=reference)
    assert metric.compute() == whole
    assert "1911.03347" in metric.citation and METRICS["macro_f1"].description in metric.description


class Small(nn.Module):
    """Logits of three classes from four numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, values: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        logits = self.layer(values)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


def test_a_trainer_agrees_with_the_board(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = Dataset.from_dict({"values": rng.random((30, 4)).astype(np.float32), "labels": rng.integers(3, size=30)})
    metric = tlzoo.metric("text-classification")
    trainer = Trainer(
        Small(),
        TrainingArguments(str(tmp_path), report_to="none", max_steps=2, use_cpu=True, disable_tqdm=True),
        train_dataset=rows,
        eval_dataset=rows,
        compute_metrics=lambda made: metric.compute(predictions=made.predictions, references=made.label_ids),
    )
    trainer.train()
    scores = trainer.evaluate()
    best = trainer.predict(rows).predictions.argmax(-1)
    predictions = [{"label": LABELS[b]} for b in best]
    expected = boards("text-classification", LABELS, predictions, [{"label": label} for label in rows["labels"]])
    assert {name: scores[f"eval_{name}"] for name in expected} == expected


def test_what_is_wrong_is_one_line() -> None:
    with pytest.raises(InputError, match="did you mean 'rpa'"):
        tlzoo.metric("pitch-extraction", "rpaa")
    with pytest.raises(InputError, match="the JSON form of image-segmentation is a summary"):
        tlzoo.metric("image-segmentation")
    with pytest.raises(InputError, match="object-detection: a prediction lacks boxes, scores"):
        tlzoo.metric("object-detection").compute(predictions=[{"labels": [0]}], references=[{}])
    with pytest.raises(InputError, match="labels= has to give the names of the classes"):
        tlzoo.metric("text-classification").compute(predictions=["cat"], references=["dog"])
    with pytest.raises(InputError, match="unknown class 'cow'; did you mean"):
        tlzoo.metric("text-classification", labels=("cow2", "cat")).compute(predictions=["cat"], references=["cow"])


def test_the_guides_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).resolve().parents[1] / "docs" / "metric.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(code, names)
    assert capsys.readouterr().out == "{'rpa': 0.5}\n"
    logits = np.array([[2.0, 1.0], [0.0, 3.0]])
    assert names["compute_metrics"](EvalPrediction(logits, np.array([0, 0]))) == {"accuracy": 0.5, "macro_f1": 1 / 3}
