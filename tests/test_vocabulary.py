"""The record of each task names what is there."""

from importlib import import_module

import pytest

from tlzoo.data.named import DATASETS
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.tasks import task_type
from tlzoo.vocabulary import TASKS

FORMS = [(name, kind) for name, facts in TASKS.items() for kind in sorted(facts.inputs)]


@pytest.mark.parametrize(("name", "kind"), FORMS)
def test_its_class_metrics_and_standard_data_are_its_own(name: str, kind: str) -> None:
    facts = TASKS[name]
    assert task_type(name, kind).name == name
    assert set(facts.metrics_of(kind)) <= set(METRICS)
    standard, offline = facts.standard_of(kind)
    assert DATASETS[offline].task == name and DATASETS[offline].loader
    assert standard is None or (DATASETS[standard].task == name and DATASETS[standard].hub)


@pytest.mark.parametrize("name", TASKS)
def test_its_readers_are_functions(name: str) -> None:
    for place in (TASKS[name].reader, TASKS[name].row_reader):
        if place is not None:
            module, _, function = place.partition(":")
            assert callable(getattr(import_module(f"tlzoo.data.files.{module}"), function))


def test_another_kind_of_input_has_its_own_board_and_no_other_domain_has_it() -> None:
    facts = TASKS["language-modeling"]
    assert facts.headlines == {"cloze_accuracy", "pearson"}
    assert facts.code_of("dna") != facts.code_of("text") == facts.code_of(None)
    assert TASKS["video-generation"].code_of("ends") == TASKS["video-generation"].code
