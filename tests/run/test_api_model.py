"""Models behind an API, end to end: a chat endpoint on loopback, and the real open model where it is available."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, DatasetDict

from tests.support.chat_server import Chat, Reply, completion, refusal
from tlzoo.adapters.chat_api.serving import folder, served_variant, serving
from tlzoo.cards import catalogue
from tlzoo.data import catalogue as data
from tlzoo.data.dataset import Prepared
from tlzoo.data.schemas import CLOZE_FEATURES
from tlzoo.errors import UnavailableError
from tlzoo.files import cached, forget
from tlzoo.leaderboard.store import Store
from tlzoo.run.evaluate import Evaluation, evaluate

TASK = "language-modeling"
DATA = "news-cloze"
ANIMALS = ["horse", "tiger", "sheep", "mouse", "whale", "zebra", "camel", "otter", "eagle", "goose"]
SIZES = {"train": 20, "validation": 10, "test": 10}


def passages(split: str, count: int) -> list[dict[str, str]]:
    """Passages without their last word; the split is part of them."""
    each = [(i, ANIMALS[i % len(ANIMALS)]) for i in range(count)]
    return [
        {
            "text": f"In {split} story {i} there was a {animal}, it slept a while. At night everybody looked for the",
            "target": animal,
            "group": f"{split}-{i}",
            "id": f"{split}-{i}",
        }
        for i, animal in each
    ]


def animal_of(body: dict[str, Any]) -> str:
    """The animal of the passage that a request asks about."""
    return re.search(r"there was a (\w+),", body["messages"][-1]["content"])[1]  # type: ignore[index]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A cache in which the offline data set is a handful of passages."""
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path / "cache"))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TLZOO_OPENAI_MODEL", "TLZOO_OPENAI_PRICE"):
        monkeypatch.delenv(name, raising=False)
    keep(SIZES)


def keep(sizes: dict[str, int]) -> None:
    """Write the offline data set, as it is kept in the cache."""
    rows = {split: Dataset.from_list(passages(split, sizes[split]), features=CLOZE_FEATURES) for split in sizes}
    place = Path(os.environ["TLZOO_CACHE"]) / "datasets" / data.find(TASK, DATA).fingerprint
    forget(place)
    cached(place, lambda folder: data._write(Prepared(DatasetDict(rows)), folder), "data set")


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    """Right about eight animals of ten, when it is asked without examples, and about all with them."""

    def answer(body: dict[str, Any]) -> Reply:
        shown, animal = len(body["messages"]) > 2, animal_of(body)
        return completion(animal if shown or animal not in ANIMALS[:2] else "unicorn", (100 if shown else 20, 2))

    with Chat(answer=answer) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("TLZOO_OPENAI_MODEL", "m")
        yield server


def run(out: Path, **options: Any) -> tuple[Evaluation, list[str]]:
    said: list[str] = []
    done = evaluate(TASK, models=["gpt-4"], data=DATA, out=out, baselines=False, say=said.append, **options)
    return done, said


def test_the_command_gives_rows_that_are_named_as_what_they_are(chat: Chat, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tlzoo", "eval", "--task", TASK, "--model", "gpt-4", "--no-baselines", "--json"]
    command += ["--data", DATA]
    done = subprocess.run([*command, "--out", str(tmp_path / "a")], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    rows = {row["strategy"]: row for row in json.loads(done.stdout)}
    assert list(rows) == ["few-shot", "zero-shot"], "best first"
    host = chat.url.removeprefix("http://").removesuffix("/v1")
    for row in rows.values():
        assert (row["variant"], row["weights"]) == (f"m at {host}", "stand-in")
        assert (row["requests"], row["cached"], row["cost_usd"]) == (10, 0, None)
        assert row["latency_ms_p50"] > 0
        assert row["latency_ms_p90"] is row["latency_ms_p99"] is None, "of so few requests"
        assert row["throughput"] > 0
    assert rows["zero-shot"]["value"] == 0.8
    assert rows["few-shot"]["value"] == 1.0
    assert (rows["zero-shot"]["prompt_tokens"], rows["few-shot"]["prompt_tokens"]) == (200, 1000)
    assert f"sends 10 requests to {host}, at most" in done.stderr
    kept = {row["strategy"]: row for row in Store(tmp_path / "a" / "results").read().to_pylist()}
    assert [kept[s]["n_train"] for s in ("zero-shot", "few-shot")] == [0, 5]
    assert json.loads(kept["few-shot"]["recipe"])["shots"] == 5
    assert kept["few-shot"]["served"] == "m-2"

    asked = chat.asked
    for out, options in ((tmp_path / "a", {}), (tmp_path / "b", {"fresh": True})):
        again, said = run(out, **options)
        assert again.board["value"].to_pylist() == [1.0, 0.8]
        assert chat.asked == asked, "a rerun costs nothing"
    assert any("nothing is sent, 10 answers are cached" in line for line in said)


def test_examples_are_training_rows_and_another_seed_gives_others(chat: Chat, tmp_path: Path) -> None:
    done, _ = run(tmp_path, strategies=["few-shot"], seeds=[0, 1])
    (row,) = done.board.to_pylist()
    assert (row["seeds"], row["requests"]) == ([0, 1], 20)
    shown: set[tuple[str, ...]] = set()
    for body in chat.requests:
        *examples, question = [m["content"] for m in body["messages"] if m["role"] == "user"]
        assert "In test story" in question
        assert len(examples) == 5
        assert all("In train story" in example for example in examples)
        shown.add(tuple(examples))
    assert len(shown) == 2


def test_without_key_and_endpoint_nothing_is_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    done, _ = run(tmp_path)
    (row,) = done.board.to_pylist()
    assert row["status"] == "unavailable"
    assert "set OPENAI_API_KEY" in row["reason"]
    assert "OPENAI_BASE_URL" in row["reason"]


def test_predict_asks_whom_the_environment_names(chat: Chat) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tlzoo", "predict", "gpt-4", passages("test", 10)[2]["text"]],
        capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert json.loads(done.stdout)["text"] == ANIMALS[2], done.stderr


def test_money_is_limited_and_what_was_paid_for_is_kept(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chat.answer = lambda body: completion(animal_of(body), (0, 10))
    monkeypatch.setenv("TLZOO_OPENAI_PRICE", "0,10000")  # 0.1 dollars an answer, and at most 0.64
    done, said = run(tmp_path, max_cost=1.0, strategies=["zero-shot", "few-shot"])
    rows = {row["strategy"]: row for row in done.board.to_pylist()}
    assert {row["status"] for row in rows.values()} == {"skipped"}
    assert done.failed == 0
    first = rows["zero-shot"]
    assert re.search(r"\$1\.00 \(--max-cost\) are spent; 4 of 10 answers are kept", first["reason"]), first["reason"]
    assert first["cost_usd"] == pytest.approx(0.4)
    assert rows["few-shot"]["requests"] == 0, "not enough is left for one more"
    assert chat.asked == 4
    assert any("or $6.40" in line for line in said)

    before = chat.asked
    done, _ = run(tmp_path, max_cost=10.0, strategies=["zero-shot"])
    (row,) = done.board.to_pylist()
    assert (row["status"], row["value"], row["cost_usd"]) == ("ok", 1.0, pytest.approx(1.0))
    assert (row["requests"], row["cached"], chat.asked) == (10 - before, before, 10)


def test_a_limit_of_money_needs_a_price(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://192.0.2.1/v1")
    monkeypatch.setenv("TLZOO_OPENAI_MODEL", "m")
    done, _ = run(tmp_path, max_cost=1.0, strategies=["zero-shot"])
    (row,) = done.board.to_pylist()
    assert row["status"] == "skipped"
    assert "its price is not known; set TLZOO_OPENAI_PRICE" in row["reason"]


def test_the_budget_bounds_the_waiting_and_a_rerun_goes_on(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TLZOO_OPENAI_PRICE", "1,1")  # not free, so not measured
    patient, count = chat.answer, iter(range(100))
    assert patient is not None
    busy = refusal(429, "slow down", retry_after="3600")
    chat.answer = lambda body: patient(body) if next(count) < 4 else busy
    done, _ = run(tmp_path, strategies=["zero-shot"], budget=2.0)
    (row,) = done.board.to_pylist()
    assert row["status"] == "skipped"
    assert re.search(r"asks to wait 3\d\d\d s.*; 4 of 10 answers are kept, and the same command", row["reason"])
    chat.answer = patient
    done, said = run(tmp_path, strategies=["zero-shot"], budget=10.0)
    (row,) = done.board.to_pylist()
    assert (row["status"], row["requests"], row["cached"]) == ("ok", 6, 4)
    assert any("sends 6 requests" in line for line in said)


def test_the_real_open_model_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """SmolLM2, fetched, unpacked and served here; slow, since it is a real model of 135 M parameters."""
    cache = os.environ["TLZOO_CACHE"]
    if kept := os.environ.get("TLZOO_TEST_CACHE"):
        monkeypatch.setenv("TLZOO_CACHE", kept)
    try:
        model = folder(served_variant(catalogue.get("gpt-4")))
    except UnavailableError as error:
        pytest.skip(str(error))
    monkeypatch.setenv("TLZOO_CACHE", cache)
    keep(SIZES | {"test": 3})
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (tmp_path / "log").open("w") as log, serving(model, port, log.fileno()) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("TLZOO_OPENAI_MODEL", model.name)
        done, _ = run(tmp_path, strategies=["zero-shot"])
    (row,) = done.board.to_pylist()
    assert row["variant"] == f"SmolLM2-135M-Instruct at 127.0.0.1:{port}"
    assert (row["weights"], row["status"], row["requests"]) == ("stand-in", "ok", 3)
    assert 100 < row["prompt_tokens"] < 600
    assert 0 < row["completion_tokens"] <= 3 * 64
