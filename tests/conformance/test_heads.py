"""What came with a head answers with it, and its card says so; of official variants whose files are in packages."""

import pytest

from tests.conformance.models import Case, cases
from tests.support.published import official
from tlzoo.core.model import Backbone
from tlzoo.tasks import task_type
from tlzoo.vocabulary import TASKS

PACKAGED = [case for case in cases() if not case.is_small and not case.variant.is_api_model]


@pytest.mark.parametrize("case", PACKAGED, ids=str)
def test_a_head_in_the_files_is_on_the_card(case: Case) -> None:
    network = official(case.card.id, case.variant.id)
    if not isinstance(network, Backbone):
        assert case.variant.heads == ()
        return
    is_known = bool(case.variant.heads) or case.card.brings_head(case.card.task)
    assert (network.published_model() is not None) == is_known
    for task in case.variant.heads:
        model = network.for_zero_shot(task_type(task).of(["a", "b"]))
        assert model is not None and (not TASKS[task].annotation or model.spec.labels)
