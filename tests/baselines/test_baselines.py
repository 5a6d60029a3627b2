"""Every task and kind of input has both baselines, which see no target of the rows that they predict."""

import json
import math
import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest

from tlzoo.baselines import fit
from tlzoo.baselines.fitted import Fitted
from tlzoo.core.task import Task
from tlzoo.data.catalogue import find, load
from tlzoo.errors import UnavailableError
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.tasks import prediction_type, task_type
from tlzoo.transfer.inference import baseline_statistics, values
from tlzoo.vocabulary import BASELINES, TASKS, Baseline

FORMS = [(name, kind) for name, facts in TASKS.items() for kind in sorted(facts.inputs)]
TRAIN, OTHERS = 40, 10


@cache
def data(name: str, kind: str) -> tuple[Task, dict[str, Any]]:
    """A task and some rows of each split of its data, which are always at hand."""
    try:
        prepared = load(find(name, TASKS[name].standard_of(kind)[1], kind=kind))
    except UnavailableError as error:
        pytest.skip(str(error))
    sizes = {"train": TRAIN, "validation": OTHERS, "test": OTHERS}
    rows = {s: all_.select(range(min(sizes[s], len(all_)))) for s, all_ in prepared.splits.items()}
    return task_type(name, kind)(prepared.features), rows


@cache
def fitted(baseline: Baseline, name: str, kind: str) -> Fitted:
    task, rows = data(name, kind)
    return fit(baseline, task, rows["train"], rows["validation"], kind)


@pytest.fixture(autouse=True)
def strict() -> Iterator[None]:
    """Nothing is divided by zero, and no solver complains."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


@pytest.mark.parametrize("baseline", BASELINES)
@pytest.mark.parametrize(("name", "kind"), FORMS)
def test_it_predicts_and_is_scored(name: str, kind: str, baseline: Baseline) -> None:
    task, rows = data(name, kind)
    one = fitted(baseline, name, kind)
    predictions = one.predict(rows["test"])
    assert len(predictions) == len(rows["test"]) and one.description
    for prediction in predictions:
        assert type(prediction) is prediction_type(name, kind)
        assert json.loads(json.dumps(prediction.to_json(), allow_nan=False))
    numbers = values(task, baseline_statistics(task, one, rows["train"], rows["test"]))
    assert task.metrics[0] in numbers, "the board is ranked by it"
    for metric, number in numbers.items():
        assert METRICS[metric].low <= number <= METRICS[metric].high, metric


@pytest.mark.parametrize("baseline", BASELINES)
@pytest.mark.parametrize(("name", "kind"), FORMS)
def test_it_sees_no_target_of_what_it_predicts(name: str, kind: str, baseline: Baseline) -> None:
    """But of the words and frames whose likelihood is asked for, which are left out here."""
    _, rows = data(name, kind)
    own = {column: rows["test"][0][column] for column in ("id", "group")}
    inputs: dict[str, tuple[str, ...]] = {"video": ("video",), "ends": ("video",), "dna": ("dna",)}
    wanted = inputs.get(kind) or TASKS[name].input_columns
    kept = [{**own, **{c: row[c] for c in (*wanted, "words", "candidates") if c in row}} for row in rows["test"]]
    one = fitted(baseline, name, kind)
    pairs = zip(one.predict(kept), one.predict(rows["test"]), strict=True)
    for without, whole in pairs:
        assert plain(without.to_json()) == plain(whole.to_json())


def plain(line: Mapping[str, Any]) -> dict[str, Any]:
    """A prediction without likelihoods of what is right."""
    return {name: value for name, value in line.items() if name not in ("nats", "candidate_nats")}


def test_a_choice_is_made_on_validation_and_ties_go_to_the_first() -> None:
    from tlzoo.baselines.fitted import best

    task, rows = data("text-embedding", "text")
    right = Fitted("right", lambda some: [prediction_type(task.name)(row["score"]) for row in some])  # type: ignore[call-arg]
    wrong = Fitted("wrong", lambda some: [prediction_type(task.name)(-row["score"]) for row in some])  # type: ignore[call-arg]
    assert best(task, [wrong, right, right], rows["validation"]).description == "right"
    assert math.isclose(
        values(task, baseline_statistics(task, right, rows["train"], rows["test"]))["spearman"], 1.0, abs_tol=1e-9
    )
    assert np.isfinite([prediction.score for prediction in right.predict(rows["test"])]).all()  # type: ignore[attr-defined]
