"""Parameters that an endpoint refuses by name, as OpenAI's newer models do, against an endpoint on loopback."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.chat_server import Chat, Reply, completion, newer_model, refusal
from tlzoo.adapters.chat_api.endpoint import OPENAI_URL, Endpoint, Price, endpoint
from tlzoo.adapters.chat_api.model import ChatModel
from tlzoo.adapters.weights import resolve
from tlzoo.cards import catalogue
from tlzoo.core.model import Limits
from tlzoo.data.schemas import CLOZE_FEATURES
from tlzoo.errors import InputError, UnavailableError
from tlzoo.tasks.language_modeling import Cloze

TASK = Cloze(CLOZE_FEATURES)
ROWS = [{"text": f"One of {count} chased the", "target": "whale", "id": str(count)} for count in range(5)]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-never-to-be-seen")
    for name in ("OPENAI_BASE_URL", "TLZOO_OPENAI_MODEL", "TLZOO_OPENAI_PRICE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


def words(model: ChatModel) -> list[str]:
    return [each.text for each in model.predict(model.preprocess(ROWS))]


def test_a_newer_model_answers_and_its_refusals_are_learnt_once(capsys: pytest.CaptureFixture[str]) -> None:
    with Chat(answer=newer_model) as chat:
        at = replace(chat.endpoint(), effort="none")
        model = ChatModel(at, TASK, concurrency=1)
        assert words(model) == ["whale"] * 5
        assert chat.asked == 2 + 5  # one refusal of each parameter
        last = chat.requests[-1]
        assert last["max_completion_tokens"] == TASK.max_tokens and last["reasoning_effort"] == "none"
        assert not {"max_tokens", "temperature"} & set(last)
        assert capsys.readouterr().err.count("takes no temperature of 0") == 1
        assert words(ChatModel(at, TASK)) == ["whale"] * 5 and chat.asked == 7  # answers are cached as before
        assert words(ChatModel(at, TASK, cache=False, concurrency=4)) == ["whale"] * 5  # refused together


def test_an_older_server_gets_the_older_name_and_a_server_that_knows_only_the_new_one_that() -> None:
    with Chat(completion("whale")) as chat:
        assert words(ChatModel(chat.endpoint(), TASK)) == ["whale"] * 5 and chat.asked == 5
        assert all(body["max_tokens"] == TASK.max_tokens and body["temperature"] == 0 for body in chat.requests)

    def strict(body: dict[str, object]) -> Reply:  # of a server that copied the words, not the fields
        return refusal(422, "unknown field `max_tokens`") if "max_tokens" in body else completion("whale")

    with Chat(answer=strict) as chat:
        assert words(ChatModel(chat.endpoint(), TASK, concurrency=1)) == ["whale"] * 5 and chat.asked == 6


def test_openai_is_asked_by_the_present_name_at_once() -> None:
    model = ChatModel(Endpoint(OPENAI_URL, "gpt-5.6-sol", official=False), TASK)
    sent = model._dialect.spoken(model._request([]))
    assert sent["max_completion_tokens"] == TASK.max_tokens and "max_tokens" not in sent


@pytest.mark.parametrize("param", ["messages", "max_completion_tokens", None])
def test_another_refusal_is_an_error_of_one_line(param: str | None) -> None:
    with (
        Chat(refusal(400, "Invalid value.", "invalid_value", param)) as chat,
        pytest.raises(UnavailableError, match="HTTP 400, Invalid value"),
    ):
        words(ChatModel(chat.endpoint(), TASK, concurrency=1))
    assert chat.asked == 1


def test_a_server_that_takes_neither_name_is_an_error() -> None:
    def neither(body: dict[str, object]) -> Reply:
        name = next(name for name in ("max_tokens", "max_completion_tokens") if name in body)
        return refusal(400, f"Unsupported parameter: '{name}'", "unsupported_parameter", name)

    with Chat(answer=neither) as chat, pytest.raises(UnavailableError, match="HTTP 400, Unsupported parameter"):
        words(ChatModel(chat.endpoint(), TASK, concurrency=1))
    assert chat.asked == 2


def test_reasoning_that_leaves_no_word_is_an_error_that_says_what_to_set_and_is_paid_for() -> None:
    with Chat(answer=newer_model) as chat:
        model = ChatModel(chat.endpoint(Price(0, 1e6)), TASK, concurrency=1)
        model.set_limits(Limits(usd=1e9))
        with pytest.raises(UnavailableError, match=r"tokens of reasoning, .* set TLZOO_OPENAI_EFFORT"):
            words(model)
        assert model.usage["paid_usd"] == TASK.max_tokens
        roomy = replace(chat.endpoint(), reasoning_tokens=300)
        assert words(ChatModel(roomy, TASK, concurrency=1)) == ["whale"] * 5


def test_effort_and_room_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (endpoint("gpt-4").effort, endpoint("gpt-4").reasoning_tokens) == ("", 0)
    monkeypatch.setenv("TLZOO_OPENAI_EFFORT", "low")
    monkeypatch.setenv("TLZOO_OPENAI_REASONING_TOKENS", "2000")
    assert (endpoint("gpt-4").effort, endpoint("gpt-4").reasoning_tokens) == ("low", 2000)
    monkeypatch.setenv("TLZOO_OPENAI_REASONING_TOKENS", "many")
    with pytest.raises(InputError, match="TLZOO_OPENAI_REASONING_TOKENS 'many': expected a number of tokens"):
        endpoint("gpt-4")


def test_gpt_4_itself_was_shut_down_and_what_answers_takes_its_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    card = catalogue.get("gpt-4")
    told = r"shut down on 2026-10-23 \(https://.*TLZOO_OPENAI_MODEL .* gpt-5.6-sol"
    with pytest.raises(UnavailableError, match=told):
        resolve(card)
    monkeypatch.setenv("TLZOO_OPENAI_MODEL", "gpt-5.6-sol")
    chosen = resolve(card)
    assert (chosen.tier, chosen.label) == ("stand-in", "gpt-5.6-sol at api.openai.com")
    monkeypatch.setenv("TLZOO_OPENAI_EFFORT", "low")
    assert resolve(card).sha256 != chosen.sha256  # it answers otherwise


def test_offline_only_an_endpoint_on_this_machine_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("TLZOO_OPENAI_MODEL", "gpt-5.6-sol")
    with pytest.raises(UnavailableError, match=r"gpt-4: api.openai.com is not asked, offline"):
        resolve(catalogue.get("gpt-4"))
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:8000/v1")
    assert resolve(catalogue.get("gpt-4")).label == "gpt-5.6-sol at localhost:8000"
