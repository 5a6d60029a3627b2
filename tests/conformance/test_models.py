"""What every variant of the catalogue has to do: nothing here knows any of them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from tests.conformance.models import Subject, cases, same
from tlzoo.core.batch import collate
from tlzoo.core.model import Backbone
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.transfer import bundle
from tlzoo.transfer.inference import fit_reference, statistics, value

CASES = list(cases())
TOLERANCE = 1e-4
"""Relative and absolute, of float32 that is summed in another order."""

pytestmark = pytest.mark.parametrize("subject", CASES, ids=str, indirect=True)


def test_outputs_are_as_the_spec_says_and_need_every_stage(subject: Subject) -> None:
    network = subject.network
    if not isinstance(network, Backbone) or not subject.case.is_trained:
        pytest.skip("gives predictions and no named outputs")
    spec, count = network.spec, len(subject.rows)
    outputs = network(collate([network.encode(source) for source in subject.sources], network.ragged))
    assert set(spec.outputs) <= set(outputs)
    values = []
    for name, size in spec.outputs.items():
        if name == "pyramid":
            assert [len(outputs[name]), *(m.shape[:2] for m in outputs[name])] == [
                size, *((count, channels) for channels, _ in spec.pyramid)
            ]  # fmt: skip
            sides = [tuple(m.shape[2:]) for m in outputs[name]]
            assert sides == [(-(-spec.height // s), -(-spec.width // s)) for _, s in spec.pyramid]
            values += outputs[name]
        else:
            rows = int(outputs["tokens_lengths"].sum()) if name == "tokens" else count
            assert outputs[name].shape == (rows, size)
            values.append(outputs[name])
    assert all(v.isfinite().all() for v in values)
    staged = [p for stage in network.stages() for p in stage.parameters()]
    gradients = torch.autograd.grad(sum(v.square().sum() for v in values), staged, allow_unused=True)
    names = {id(p): name for name, p in network.named_parameters()}
    assert [names[id(p)] for p, gradient in zip(staged, gradients, strict=True) if gradient is None] == []


def test_the_loss_is_a_finite_scalar_that_falls(trained: Subject) -> None:
    training = trained.training
    assert training.shape == ()
    assert np.isfinite([*training.losses, training.varied]).all()
    assert training.is_learnt or not trained.case.is_small, training.losses


def test_norms_follow_a_training_of_hundreds_of_steps(trained: Subject) -> None:
    """Keras' usual 0.99 (here 0.01) remembers hundreds of steps: predictions stay chance while the loss falls."""
    norms = [module for module in trained.model.modules() if isinstance(module, _BatchNorm)]
    assert all(norm.momentum is not None and norm.momentum >= 0.1 for norm in norms)


def test_gradients_are_finite_and_change_every_stage(trained: Subject) -> None:
    assert trained.training.infinite == []
    assert trained.training.unchanged == []


def test_stages_partition_what_the_loss_depends_on(trained: Subject) -> None:
    """Tied parameters lie in two stages, and a number, such as a temperature, in none."""
    model = trained.model
    names = [name for name, _ in model.named_parameters(remove_duplicate=False)]
    tied = len(names) - len(list(model.parameters()))
    staged = [id(p) for stage in model.stages() for p in stage.parameters()]
    assert len(staged) - len(set(staged)) <= tied
    of_model = {id(p): name for name, p in model.named_parameters()}
    assert set(staged) <= set(of_model)
    reached = {name for name in trained.training.reached if model.get_parameter(name).dim()}
    assert reached - {of_model[i] for i in staged} == set()


def test_a_batch_changes_no_prediction_nor_does_the_order(subject: Subject) -> None:
    examples = subject.examples
    assert len(subject.predictions) == len(examples)
    assert same(subject.predict(examples, 1), subject.predictions, TOLERANCE)
    assert same(subject.predict(examples[::-1]), subject.predictions[::-1], TOLERANCE)


def test_predictions_are_scored_by_every_metric(subject: Subject) -> None:
    task, rows = subject.task, subject.rows
    fit_reference(task, subject.model, subject.examples, rows)
    found = statistics(task, subject.predictions, rows)
    assert task.metrics[0] in found
    for name, each in found.items():
        metric, number = METRICS[name], value(name, each)
        assert metric.low <= number <= metric.high or np.isnan(number), name


def test_predictions_survive_json(subject: Subject) -> None:
    for prediction in subject.predictions:
        line = prediction.to_json()
        assert json.loads(json.dumps(line, allow_nan=False)) == line
        if not prediction.written:
            assert type(prediction).from_json(line).to_json() == line


def test_a_saved_model_predicts_the_same(trained: Subject, tmp_path: Path) -> None:
    case = trained.case
    bundle.save(trained.model, trained.task, case.card, case.variant, tmp_path, {}, "")
    loaded = bundle.load(tmp_path)
    with torch.inference_mode():
        again = loaded.predict(loaded.preprocess(list(trained.rows)))
    folded = "loader" in (bundle.described(tmp_path) or {})  # a standardised head became one layer, and was rounded
    assert same(again, trained.predictions, 1e-6 if folded else 0.0)
