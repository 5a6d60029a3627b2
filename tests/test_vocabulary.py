"""The record of each task names what is there."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

import tlzoo
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
    for place in (TASKS[name].reader, TASKS[name].row_reader, TASKS[name].table_reader):
        if place is not None:
            module, _, function = place.partition(":")
            assert callable(getattr(import_module(f"tlzoo.data.files.{module}"), function))


def test_another_kind_of_input_has_its_own_board_and_no_other_domain_has_it() -> None:
    facts = TASKS["language-modeling"]
    assert facts.headlines == {"cloze_accuracy", "pearson"}
    assert facts.code_of("dna") != facts.code_of("text") == facts.code_of(None)
    ends = TASKS["video-generation"]
    assert ends.headlines == {"bits_per_dim", "psnr"} and ends.code_of("ends") != ends.code


def test_the_name_of_a_task_stands_in_its_record_its_module_and_its_data_alone() -> None:
    """Examples in docstrings aside."""
    package = Path(tlzoo.__file__).parent
    literals = {
        path.relative_to(package).as_posix(): {
            node.value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant)
        }
        for path in package.rglob("*.py")
    }
    for name in TASKS:
        files = sorted(path for path, constants in literals.items() if name in constants)
        assert len(files) == 3 and files[0] == "data/named.py" and files[2] == "vocabulary.py", (name, files)
        assert files[1].startswith("tasks/"), files


@pytest.mark.parametrize("name", TASKS)
def test_what_small_models_are_pretrained_on_for_it_is_data_of_its_domain(name: str) -> None:
    entry = DATASETS[TASKS[name].pretrained_on]
    assert TASKS[entry.task].domain == TASKS[name].domain and entry.loader
    assert entry.kind == TASKS[name].domain


@pytest.mark.parametrize("name", TASKS)
def test_heads_read_what_a_model_can_give(name: str) -> None:
    """A task with maps, sequences or frames among its needs says so of its heads, and no other one does."""
    needed = {output for outputs in TASKS[name].needs for output in outputs}
    forms = {"pyramid": {"maps"}, "tokens": {"sequence", "ctc"}, "frames": {"frames"}}
    expected = next((heads for output, heads in forms.items() if output in needed), {"vector"})
    assert TASKS[name].head in expected
