"""Each case's model, built once."""

from collections.abc import Iterator

import pytest

from tests.conformance.models import Case, Subject
from tests.support.chat_server import Chat, completion
from tlzoo.errors import UnavailableError


@pytest.fixture(scope="module")
def served() -> Iterator[None]:
    """An endpoint on loopback that answers every question with a word."""
    with Chat(completion("house", (20, 1))) as chat, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", chat.url)
        patch.setenv("TLZOO_OPENAI_MODEL", "m")
        yield


@pytest.fixture(scope="module")
def subject(request: pytest.FixtureRequest, one_thread: None, served: None) -> Subject:
    """A case's model; skips, with the reason, where its weights are not available."""
    case: Case = request.param
    try:
        return Subject(case)
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def trained(subject: Subject) -> Subject:
    """The same, of a variant that some strategy trains, after its training."""
    if not subject.case.is_trained:
        pytest.skip("no strategy trains it")
    assert subject.training
    return subject
