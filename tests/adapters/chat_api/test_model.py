"""A served chat model, against `transformers serve` with a tiny model, and against endpoints that fail."""

import os
import socket
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.chat_server import Chat, Reply, completion, refusal
from tests.support.published import or_skip
from tlzoo.adapters.chat_api.endpoint import OPENAI_URL, Endpoint, Price, endpoint
from tlzoo.adapters.chat_api.model import ANSWERS_TO_EXTRAPOLATE, ChatModel, build
from tlzoo.adapters.chat_api.serving import serving
from tlzoo.cards import catalogue
from tlzoo.core.model import Limits
from tlzoo.data.schemas import CLOZE_FEATURES
from tlzoo.errors import InputError, StoppedError, UnavailableError
from tlzoo.tasks.language_modeling import Cloze

KEY = "sk-never-to-be-seen"
TASK = Cloze(CLOZE_FEATURES)
ROWS = [
    {"text": f"The {animal} saw the other {animal}, and {count} of them chased the", "target": animal, "id": str(count)}
    for count, animal in enumerate(["horse", "tiger", "sheep", "mouse", "whale"], start=2)
]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def answers(model: ChatModel) -> list[dict[str, object]]:
    return model.predict(model.preprocess(ROWS))


@dataclass
class Served:
    """`transformers serve` with a tiny model, on loopback."""

    url: str
    model: str
    log: Path

    @property
    def requests(self) -> int:
        return self.log.read_text().count("POST /v1/chat/completions")


def save_tiny_llama(folder: Path) -> None:
    """Write a Llama of 64 hidden units with random parameters, its tokenizer and a chat template."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet, special = pre_tokenizers.ByteLevel.alphabet(), {"bos_token": "<s>", "eos_token": "</s>"}
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=[*special.values()], initial_alphabet=alphabet)
    tokenizer.train_from_iterator([row["text"] for row in ROWS], trainer)
    chat = "{% for m in messages %}<s>{{ m.role }}: {{ m.content }}{% endfor %}<s>assistant:"
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="</s>", chat_template=chat, **special)
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    shape = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    LlamaForCausalLM(LlamaConfig(vocab_size=400, bos_token_id=0, eos_token_id=1, **shape)).save_pretrained(folder)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("served")
    save_tiny_llama(home / "tiny-llama")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = home / "log"
    with log.open("w") as out, or_skip(), serving(home / "tiny-llama", port, out.fileno()) as server:
        yield Served(server.url, "tiny-llama", log)


def test_rows_come_back_and_a_second_run_sends_nothing(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", served.url)
    monkeypatch.setenv("TLZOO_OPENAI_MODEL", served.model)
    found = endpoint("gpt-4")
    assert not found.official

    before = served.requests
    model = ChatModel(found, TASK)
    predictions = answers(model)
    assert served.requests - before == len(ROWS)
    assert len(predictions) == len(ROWS)
    for prediction, row in zip(predictions, ROWS, strict=True):
        assert isinstance(prediction.text, str)
        assert TASK.statistics(prediction, row)["cloze_accuracy"][0] in (0.0, 1.0)
        request = prediction.request
        assert request is not None and request.usage is not None and request.seconds > 0
        assert request.usage["prompt_tokens"] > 50 and 0 < request.usage["completion_tokens"] <= TASK.max_tokens
        assert list(prediction.to_json()) == ["text", "usage", "seconds"]
    assert {name.partition("@")[0] for name in model.served} == {"tiny-llama"}  # releases differ on "@main"
    assert model.usage["requests"] == len(ROWS)
    assert model.usage["cached"] == 0
    assert model.usage["prompt_tokens"] == sum(p.request.usage["prompt_tokens"] for p in predictions)

    again = ChatModel(found, TASK)
    assert answers(again) == predictions
    assert served.requests - before == len(ROWS)
    assert (again.usage["requests"], again.usage["cached"]) == (0, len(ROWS))

    model.predict(model.preprocess([{"text": "Something else", "target": "here"}]))
    assert served.requests - before == len(ROWS) + 1


def test_without_cache_every_question_is_sent(served: Served) -> None:
    model = ChatModel(Endpoint(served.url, served.model, official=False), TASK, cache=False)
    before = served.requests
    assert [p.text for p in answers(model)] == [p.text for p in answers(model)]  # temperature 0
    assert served.requests - before == 2 * len(ROWS)


def test_a_model_that_is_not_served_is_named(served: Served) -> None:
    model = ChatModel(Endpoint(served.url, "gpt-4", official=False), TASK, retries=0)
    with pytest.raises(UnavailableError, match=r"^gpt-4 at 127.0.0.1:\d+: HTTP 400, .*pinned to 'tiny-llama'.*'gpt-4'"):
        answers(model)


GARBAGE: list[Any] = [
    {"choices": []},
    {"choices": [{}]},
    {"choices": [{"message": None}]},
    {"choices": "none"},
    {"choices": [{"message": {"content": 5}}]},
    {"choices": [{"message": {"content": ["a"]}}], "usage": {}},
    {"choices": [{"message": {"content": "a"}}], "usage": {"prompt_tokens": "many", "completion_tokens": 1}},
    [],
    None,
    5,
]


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        (refusal(401, f"Incorrect API key provided: {KEY}."), "HTTP 401, the key in OPENAI_API_KEY was refused"),
        (refusal(403, f"{KEY} may not"), "HTTP 403, the key in OPENAI_API_KEY was refused"),
        (refusal(404, f"No model `m`,\nor {KEY} may not"), "HTTP 404, No model `m`, or ***"),
        (refusal(429, "You exceeded your current quota"), "HTTP 429, You exceeded your current quota"),
        (Reply(500, "Internal Server Error"), "HTTP 500, Internal Server Error (model 'm')"),
        (Reply(200, "<html>Welcome</html>"), "the answer is not a chat completion; does OPENAI_BASE_URL end in /v1?"),
        *((Reply(200, body), "the answer is not a chat completion") for body in GARBAGE),
        (Reply(200, "{", {"Content-Type": "application/json"}), "the answer is not a chat completion"),
    ],
)
def test_every_failure_is_one_line_without_the_key(reply: Reply, line: str) -> None:
    with Chat(reply) as failing:
        with pytest.raises(UnavailableError) as caught:
            answers(ChatModel(failing.endpoint(), TASK, retries=0))
        assert failing.keys == {f"Bearer {KEY}"}
    message = str(caught.value)
    assert message.startswith(f"{failing.endpoint().label}: {line}")
    assert "\n" not in message
    assert KEY not in message
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert not list(Path(os.environ["TLZOO_CACHE"]).rglob("*.json"))


def test_nobody_there_and_too_slow() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        closed = Endpoint(f"http://127.0.0.1:{silent.getsockname()[1]}/v1", "m", official=False)
        with pytest.raises(UnavailableError, match=r"^m at 127.0.0.1:\d+: cannot be reached"):
            answers(ChatModel(closed, TASK, retries=0))
        silent.listen()
        with pytest.raises(UnavailableError, match=r": no answer within 0.2 s$"):
            answers(ChatModel(closed, TASK, retries=0, timeout=0.2))


def test_a_busy_endpoint_is_asked_again_when_it_says() -> None:
    busy = refusal(429, "slow down", retry_after="0.3")
    with Chat(busy, busy, completion("Whale.")) as chat:
        model = ChatModel(chat.endpoint(), TASK, concurrency=1)
        assert [p.text for p in answers(model)] == ["Whale"] * len(ROWS)
        assert chat.times[2] - chat.times[0] >= 0.6
        assert chat.asked == 2 + len(ROWS)
    assert model.served == {"m-2"}


@pytest.mark.parametrize("status", [408, 409, 500, 503])
def test_a_broken_endpoint_is_asked_again_later_and_later(status: int) -> None:
    with Chat(refusal(status, "broke"), refusal(status, "broke"), completion("Whale.")) as chat:
        answers(ChatModel(chat.endpoint(), TASK, concurrency=1))
        assert chat.asked == 2 + len(ROWS)
        first, second = (b - a for a, b in zip(chat.times, chat.times[1:3], strict=False))
        assert 0.25 <= first < second


@pytest.mark.parametrize(
    "hopeless",
    [
        refusal(404, "The model `m` does not exist"),
        refusal(400, "pinned to another"),
        refusal(429, "You exceeded your current quota", "insufficient_quota"),
        refusal(429, "later", x_should_retry="false"),
        refusal(429, "tomorrow", retry_after="86400"),
    ],
)
def test_what_will_not_change_is_asked_once(hopeless: Reply) -> None:
    with Chat(hopeless) as chat:
        with pytest.raises(UnavailableError, match="model 'm'"):
            answers(ChatModel(chat.endpoint(), TASK, concurrency=1))
        assert chat.asked == 1


def test_fewer_go_at_a_time_where_the_rate_is_limited() -> None:
    def ask(model: ChatModel, first: int) -> int:
        rows = [{"text": f"Number {i} is called the", "target": "x"} for i in range(first, first + 16)]
        chat.most = 0
        model.predict(model.preprocess(rows))
        return chat.most

    with Chat(answer=lambda _: completion("a", seconds=0.05)) as chat:
        model = ChatModel(chat.endpoint(), TASK, concurrency=8)
        assert 6 <= ask(model, 0) <= 8
        slow_refusal = replace(refusal(429, "slow down", retry_after="2"), seconds=1.0)  # all three are sent by then
        busy = iter([slow_refusal] * 3)
        chat.answer = lambda _: next(busy, completion("a", seconds=0.05))
        ask(model, 100)
        assert model.pace.width == 4, "once, since they were refused together"
        assert ask(model, 200) <= 5, "one more for every 20 answers"


def test_an_exhausted_limit_is_waited_for_before_it_refuses() -> None:
    none_left = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "400ms"}
    with Chat(completion("a", headers=none_left), completion("a")) as chat:
        answers(ChatModel(chat.endpoint(), TASK, concurrency=1))
        gaps = [b - a for a, b in zip(chat.times, chat.times[1:], strict=False)]
    assert gaps[0] >= 0.4


def test_time_that_is_over_ends_the_waiting_and_keeps_what_was_answered() -> None:
    with Chat(completion("a"), completion("b"), refusal(429, "later", retry_after="60")) as chat:
        model = ChatModel(chat.endpoint(), TASK, concurrency=1)
        model.set_limits(Limits(seconds=5, requests=len(ROWS)))
        start = time.monotonic()
        with pytest.raises(StoppedError, match=r"asks to wait 60 s, but only \d s of --budget remain"):
            answers(model)
        assert time.monotonic() - start < 30, "nobody waits for what would come too late"
        assert (model.usage["requests"], chat.asked) == (2, 3)
        chat.answer = lambda _: completion("c")
        again = ChatModel(chat.endpoint(), TASK)
        assert [p.text for p in answers(again)] == ["a", "b", "c", "c", "c"]
        assert (again.usage["requests"], again.usage["cached"], chat.asked) == (3, 2, 6)


@pytest.mark.parametrize("slow", [Reply(seconds=30), Reply(body={"choices": []}, drip=2)])
def test_answers_that_come_too_late_are_not_waited_for(slow: Reply) -> None:
    with Chat(slow) as chat:
        model = ChatModel(chat.endpoint(), TASK)
        model.set_limits(Limits(seconds=1, requests=len(ROWS)))
        start = time.monotonic()
        with pytest.raises(StoppedError, match="--budget"):
            answers(model)
        assert time.monotonic() - start < 20


def test_a_few_answers_tell_whether_the_rest_will_fit() -> None:
    rows = [{"text": f"Number {i} is called the", "target": "x"} for i in range(100)]
    with Chat(answer=lambda _: completion("a", seconds=0.1)) as chat:
        model = ChatModel(chat.endpoint(), TASK, concurrency=1)
        model.set_limits(Limits(seconds=6, requests=100))
        with pytest.raises(StoppedError, match=r"about 0\.\d min needed for 91 more requests, 0\.1 min left"):
            model.predict(model.preprocess(rows))
        assert ANSWERS_TO_EXTRAPOLATE + 1 <= chat.asked <= ANSWERS_TO_EXTRAPOLATE + 2
        model.set_limits(Limits(seconds=6, requests=20))
        model.predict(model.preprocess(rows[:20]))


def test_money_that_is_spent_ends_it_before_the_next_request() -> None:
    """An answer costs 0.1 dollars; the next one could cost up to 0.03 for the prompt and 0.64 for 64 tokens."""
    with Chat(answer=lambda _: completion("a", (0, 10))) as chat:
        model = ChatModel(chat.endpoint(Price(1, 10_000)), TASK, concurrency=1)
        model.set_limits(Limits(usd=0.85, requests=len(ROWS)))
        with pytest.raises(StoppedError, match=r"can cost \$0\.64\d\d, and \$0\.3000 of \$0\.85 \(--max-cost\)"):
            answers(model)
        assert chat.asked == 3
        assert model.usage["cost_usd"] == pytest.approx(0.3)
        assert model.usage["paid_usd"] == pytest.approx(0.3)
        again = ChatModel(chat.endpoint(Price(1, 10_000)), TASK)
        answers(again)
        assert again.usage["cost_usd"] == pytest.approx(0.5), "of all answers"
        assert again.usage["paid_usd"] == pytest.approx(0.2), "of the new ones"


def test_tokens_and_cost_are_what_the_endpoint_counts_or_unknown() -> None:
    with Chat(completion("a", (50, 3))) as chat:
        priced, unpriced = (ChatModel(chat.endpoint(price), TASK) for price in (Price(30, 60), None))
        for model in (priced, unpriced):
            answers(model)
            assert model.usage["prompt_tokens"] == 50 * len(ROWS)
            assert model.usage["completion_tokens"] == 3 * len(ROWS)
            assert model.usage["served"] == "m-2"
        assert priced.usage["cost_usd"] == pytest.approx(len(ROWS) * (50 * 30 + 3 * 60) / 1e6)
        assert unpriced.usage["cost_usd"] is None
    with Chat(completion("a")) as silent:
        model = ChatModel(silent.endpoint(Price(30, 60)), TASK)
        answers(model)
        assert model.usage["requests"] == len(ROWS)
        assert [model.usage[name] for name in ("prompt_tokens", "completion_tokens", "cost_usd")] == [None] * 3


def test_an_estimate_is_an_upper_bound_and_sends_nothing(served: Served) -> None:
    before = served.requests
    model = ChatModel(Endpoint(served.url, served.model, official=False, price=Price(1, 2)), TASK)
    examples = [model.encode({"text": f"“Çà et là”, {i} of them found the", "target": "x"}) for i in range(3)]
    found = model.estimate(examples)
    assert (found.requests, found.cached, served.requests) == (3, 0, before)
    model.predict(model.collate(examples))
    assert model.usage["prompt_tokens"] <= found.prompt_tokens
    assert model.usage["completion_tokens"] <= found.completion_tokens
    assert model.usage["cost_usd"] <= found.cost_usd
    assert model.estimate(examples).requests == 0


def test_what_was_answered_before_a_failure_is_kept() -> None:
    with Chat(completion("whale"), completion(None), refusal(500, "broke")) as failing:
        model = ChatModel(failing.endpoint(), TASK, concurrency=1, retries=0)
        with pytest.raises(UnavailableError, match="broke"):
            answers(model)
        asked = failing.asked
        assert asked == 3, "what was queued is not sent any more"
        failing.replies[2] = completion("sheep")
        assert [p.text for p in answers(model)] == ["whale", "", "sheep", "sheep", "sheep"]
        assert failing.asked == asked + 3


def test_a_cache_that_cannot_be_written_costs_no_request(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path / "file"))
    with Chat(completion("whale")) as chat:
        with pytest.raises(UnavailableError, match="set TLZOO_CACHE"):
            answers(ChatModel(chat.endpoint(), TASK))
        assert chat.asked == 0


def test_examples_make_it_few_shot() -> None:
    model = ChatModel(Endpoint("http://localhost/v1", "m", official=False), TASK)
    model.set_demonstrations(ROWS[:2])
    messages = model.encode(ROWS[2])["messages"]
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert messages[2]["content"] == TASK.answer(ROWS[0])


def test_a_variant_is_built_for_a_task_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    variant = next(v for v in catalogue.get("gpt-4").variants if v.model == "gpt-4")
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    monkeypatch.setenv("TLZOO_OPENAI_MODEL", "")
    model = build(variant, catalogue.get("gpt-4").input, TASK)
    assert isinstance(model, ChatModel)
    assert model.endpoint == Endpoint(OPENAI_URL, "gpt-4", official=True, price=Price(30, 60))
    with pytest.raises(InputError, match="gpt-4 takes prompts, and a model without a task"):
        build(variant, catalogue.get("gpt-4").input)


def test_the_key_is_in_no_representation() -> None:
    model = ChatModel(Endpoint("http://localhost/v1", "m", official=False), TASK)
    assert model._client.api_key == KEY
    assert KEY not in f"{model!r} {model.endpoint!r} {model.usage!r}"
    assert not list(model.parameters())
