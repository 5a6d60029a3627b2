"""A served chat model, against `transformers serve` with a tiny model, and against endpoints that fail."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from transformers.utils.import_utils import is_serve_available

from tlzoo.adapters.endpoint import Endpoint, endpoint
from tlzoo.adapters.openai import ChatModel, build
from tlzoo.cards import catalogue
from tlzoo.data.news import CLOZE_FEATURES
from tlzoo.errors import InputError, UnavailableError
from tlzoo.tasks.cloze import Cloze

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
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<s>", "</s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator([row["text"] for row in ROWS], trainer)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="</s>",
        chat_template="{% for m in messages %}<s>{{ m.role }}: {{ m.content }}{% endfor %}<s>assistant:",
    ).save_pretrained(folder)
    torch.manual_seed(0)
    shape = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    LlamaForCausalLM(LlamaConfig(vocab_size=400, bos_token_id=0, eos_token_id=1, **shape)).save_pretrained(folder)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    if not is_serve_available():
        pytest.skip("transformers serve needs fastapi and uvicorn: pip install 'tlzoo[test]'")
    home = tmp_path_factory.mktemp("served")
    save_tiny_llama(home / "tiny-llama")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("transformers")), "serve", "tiny-llama", "--device", "cpu"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    log = home / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=home, stdout=out, stderr=out, env=os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process, log)
        yield Served(f"http://127.0.0.1:{port}/v1", "tiny-llama", log)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 240) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()[-2000:]
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise AssertionError(f"no server within {seconds} s: {log.read_text()[-2000:]}")


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
        assert isinstance(prediction["text"], str)
        assert TASK.statistics(prediction, row)["cloze_accuracy"][0] in (0.0, 1.0)
        assert prediction["usage"]["prompt_tokens"] > 50
        assert 0 < prediction["usage"]["completion_tokens"] <= TASK.max_tokens
        assert prediction["seconds"] > 0
    assert {name.partition("@")[0] for name in model.served} == {"tiny-llama"}  # releases differ on "@main"
    assert model.usage["requests"] == len(ROWS)
    assert model.usage["cached"] == 0
    assert model.usage["prompt_tokens"] == sum(p["usage"]["prompt_tokens"] for p in predictions)

    again = ChatModel(found, TASK)
    assert answers(again) == predictions
    assert served.requests - before == len(ROWS)
    assert (again.usage["requests"], again.usage["cached"]) == (0, len(ROWS))

    model.predict(model.preprocess([{"text": "Something else", "target": "here"}]))
    assert served.requests - before == len(ROWS) + 1


def test_without_cache_every_question_is_sent(served: Served) -> None:
    model = ChatModel(Endpoint(served.url, served.model, official=False), TASK, cache=False)
    before = served.requests
    assert [p["text"] for p in answers(model)] == [p["text"] for p in answers(model)]  # temperature 0
    assert served.requests - before == 2 * len(ROWS)


def test_a_model_that_is_not_served_is_named(served: Served) -> None:
    model = ChatModel(Endpoint(served.url, "gpt-4", official=False), TASK, retries=0)
    with pytest.raises(UnavailableError, match=r"^gpt-4 at 127.0.0.1:\d+: HTTP 400, .*pinned to 'tiny-llama'.*'gpt-4'"):
        answers(model)


class Failing:
    """An endpoint that gives the same answers to everybody, one after the other, the last one for ever."""

    def __init__(self, *replies: tuple[int, dict[str, str], object]) -> None:
        self.replies, self.asked, self.keys = list(replies), 0, set[str]()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                outer.keys.add(self.headers["Authorization"])
                status, headers, body = outer.replies[min(outer.asked, len(outer.replies) - 1)]
                outer.asked += 1
                data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                kind = "text/html" if isinstance(body, str) else "application/json"
                for name, value in ({"Content-Type": kind, "Content-Length": str(len(data))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = Endpoint(f"http://127.0.0.1:{self._server.server_port}/v1", "m", official=False)

    def __enter__(self) -> Failing:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def refusal(status: int, message: str) -> tuple[int, dict[str, str], object]:
    return status, {}, {"error": {"message": message, "type": "invalid_request_error", "code": None}}


def completion(text: str | None) -> tuple[int, dict[str, str], object]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return 200, {}, {"id": "1", "object": "chat.completion", "created": 0, "model": "m-2", "choices": [choice]}


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        (refusal(401, f"Incorrect API key provided: {KEY}."), "HTTP 401, the key in OPENAI_API_KEY was refused"),
        (refusal(403, f"{KEY} may not"), "HTTP 403, the key in OPENAI_API_KEY was refused"),
        (
            refusal(404, f"The model `m` does not exist,\nor {KEY} may not"),
            "HTTP 404, The model `m` does not exist, or ***",
        ),
        (refusal(429, "You exceeded your current quota"), "HTTP 429, You exceeded your current quota"),
        ((500, {}, "Internal Server Error"), "HTTP 500, Internal Server Error (asked for model 'm')"),
        ((200, {}, "<html>Welcome</html>"), "the answer is no chat completion; does OPENAI_BASE_URL end in /v1?"),
        ((200, {}, {"choices": []}), "the answer is no chat completion"),
    ],
)
def test_every_failure_is_one_line_without_the_key(reply: tuple[int, dict[str, str], object], line: str) -> None:
    with Failing(reply) as failing:
        with pytest.raises(UnavailableError) as caught:
            answers(ChatModel(failing.endpoint, TASK, retries=0))
        assert failing.keys == {f"Bearer {KEY}"}
    message = str(caught.value)
    assert message.startswith(f"{failing.endpoint.label}: {line}")
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
    busy = (429, {"Retry-After": "0.3"}, {"error": {"message": "slow down"}})
    with Failing(busy, busy, completion("Whale.")) as failing:
        start = time.monotonic()
        model = ChatModel(failing.endpoint, TASK, concurrency=1)
        assert [p["text"] for p in answers(model)] == ["Whale"] * len(ROWS)
        assert time.monotonic() - start >= 0.6
        assert failing.asked == 2 + len(ROWS)
    assert model.served == {"m-2"}
    assert model.usage["prompt_tokens"] == 0  # an endpoint need not count


def test_what_was_answered_before_a_failure_is_kept() -> None:
    with Failing(completion("whale"), completion(None), refusal(500, "broke")) as failing:
        model = ChatModel(failing.endpoint, TASK, concurrency=1, retries=0)
        with pytest.raises(UnavailableError, match="broke"):
            answers(model)
        asked = failing.asked
        assert asked in (3, 4)  # what was queued is not sent any more
        failing.replies[2] = completion("sheep")
        assert [p["text"] for p in answers(model)] == ["whale", "", "sheep", "sheep", "sheep"]
        assert failing.asked == asked + 3


def test_a_cache_that_cannot_be_written_costs_no_request(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path / "file"))
    with Failing(completion("whale")) as failing:
        with pytest.raises(UnavailableError, match="set TLZOO_CACHE"):
            answers(ChatModel(failing.endpoint, TASK))
        assert failing.asked == 0


def test_examples_make_it_few_shot() -> None:
    model = ChatModel(Endpoint("http://localhost/v1", "m", official=False), TASK, examples=ROWS[:2])
    messages = model.encode(ROWS[2])["messages"]
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert messages[2]["content"] == TASK.answer(ROWS[0])


def test_a_variant_is_built_for_a_task_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    variant = next(v for v in catalogue.get("gpt-4").variants if v.model == "gpt-4")
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    monkeypatch.setenv("TLZOO_OPENAI_MODEL", "")
    model = build(variant, catalogue.get("gpt-4").input, TASK)
    assert isinstance(model, ChatModel)
    assert model.endpoint == Endpoint("https://api.openai.com/v1", "gpt-4", official=True)
    with pytest.raises(InputError, match="gpt-4 is asked in words, and no task"):
        build(variant, catalogue.get("gpt-4").input)


def test_the_key_is_in_no_representation() -> None:
    model = ChatModel(Endpoint("http://localhost/v1", "m", official=False), TASK)
    assert model._client.api_key == KEY
    assert KEY not in f"{model!r} {model.endpoint!r} {model.usage!r}"
    assert not list(model.parameters())
    assert model.stages() == []
