"""Models behind an OpenAI-compatible API: asked, never trained; they have no weights here."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import openai

from tlzoo.adapters.base import Batch, Example, Model, Row, Spec
from tlzoo.adapters.endpoint import Endpoint, endpoint
from tlzoo.blobs import cache_dir
from tlzoo.errors import InputError, UnavailableError

if TYPE_CHECKING:
    from tlzoo.cards.schema import Input, Variant
    from tlzoo.tasks.base import Message, PromptTask, Task


def build(variant: Variant, given: Input, task: Task | None = None) -> ChatModel:
    """Build the model of a variant, behind the endpoint that the environment names.

    Args:
        variant: The variant; its ``model`` is what the endpoint is asked for, if ``TLZOO_OPENAI_MODEL`` names no other.
        given: Its input; text, as it is.
        task: What to ask; a task that can be put in words.

    Raises:
        InputError: The task cannot be put in words.
        UnavailableError: The environment names no endpoint.
    """
    if not hasattr(task, "prompt"):
        name = task.name if task else "no task"
        raise InputError(f"{variant.model} is asked in words, and {name} cannot be put in words")
    return ChatModel(endpoint(variant.model), cast("PromptTask", task))


class ChatModel(Model):
    """A served chat model: the task puts each row in words and reads the answer.

    Requests go out a few at a time, one an example, at temperature 0. The client waits and tries again where the
    endpoint is busy, limits the rate (as its ``Retry-After`` says) or breaks down. Every answer is kept in
    ``<cache>/answers/``, so that no question is paid for twice; delete the folder if another model was put behind the
    same name.

    Attributes:
        usage: ``requests`` sent, answers found ``cached``, and the ``prompt_tokens`` and ``completion_tokens`` of all.
        served: Names by which the endpoint called the model that answered, such as ``gpt-4-0613``.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        task: PromptTask,
        *,
        examples: Sequence[Row] = (),
        concurrency: int = 4,
        retries: int = 4,
        timeout: float = 60.0,
        cache: bool = True,
    ) -> None:
        """Prepare to ask; nothing is sent yet.

        Args:
            endpoint: Whom to ask. The key is read from ``OPENAI_API_KEY`` when the first question is sent.
            task: What to ask.
            examples: Labelled rows for the prompt; none is zero-shot.
            concurrency: Most requests at a time; with 1, an answer's ``seconds`` are its own and no queue's.
            retries: How often a request is sent again, each time after a longer wait.
            timeout: Seconds to wait for an answer.
            cache: Whether answers are kept, and kept ones used; without, ``predict`` can be timed.
        """
        super().__init__()
        self.spec = Spec("text")
        self.endpoint, self.task, self.examples = endpoint, task, tuple(examples)
        self.concurrency, self.retries, self.timeout, self.cache = concurrency, retries, timeout, cache
        self.usage: Counter[str] = Counter()
        self.served: set[str] = set()

    def encode(self, row: Row) -> Example:
        """Put a row in words."""
        return {"messages": self.task.prompt(row, self.examples), "row": row}

    def predict(self, batch: Batch) -> list[Any]:
        """Ask for every example of a batch.

        Returns:
            The task's predictions, each with the ``usage`` of its request (``prompt_tokens``, ``completion_tokens``)
            and the ``seconds`` that the request took when it was sent.

        Raises:
            UnavailableError: The endpoint cannot be reached, refuses, or breaks down. Answers already had are kept.
        """
        with ThreadPoolExecutor(self.concurrency) as pool:
            futures = [pool.submit(self._answer, messages) for messages in batch["messages"]]
            try:
                answers = [future.result() for future in futures]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        for answer, is_new in answers:
            self.usage.update(answer["usage"], requests=int(is_new), cached=int(not is_new))
            self.served.add(answer["model"])
        return [
            self.task.parse(answer["text"], row) | {"usage": answer["usage"], "seconds": answer["seconds"]}
            for (answer, _), row in zip(answers, batch["row"], strict=True)
        ]

    @cached_property
    def _client(self) -> openai.OpenAI:
        key = os.environ.get("OPENAI_API_KEY") or "none"  # local endpoints want none
        return openai.OpenAI(api_key=key, base_url=self.endpoint.url, max_retries=self.retries, timeout=self.timeout)

    def _answer(self, messages: list[Message]) -> tuple[dict[str, Any], bool]:
        """Get an answer, and whether it had to be asked for."""
        request = {
            "model": self.endpoint.model,
            "messages": messages,
            "temperature": 0,
            "max_tokens": self.task.max_tokens,
        }
        if not self.cache:
            return self._ask(request), True
        key = hashlib.sha256(json.dumps([self.endpoint.url, request], sort_keys=True).encode()).hexdigest()
        path = _answers() / f"{key}.json"
        try:
            return cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8"))), False
        except (OSError, ValueError):  # not there, or not whole
            answer = self._ask(request)
            _write(path, json.dumps(answer, ensure_ascii=False))
            return answer, True

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        start = time.perf_counter()
        try:
            completion = self._client.chat.completions.create(**request)
        except openai.OpenAIError as error:
            # The cause is dropped: what an endpoint says of a wrong key can hold that key.
            raise UnavailableError(f"{self.endpoint.label}: {self._reason(error)}") from None
        choices = getattr(completion, "choices", None)
        if not choices:
            raise UnavailableError(
                f"{self.endpoint.label}: the answer is no chat completion; does OPENAI_BASE_URL end in /v1?"
            )
        usage = completion.usage
        return {
            "text": choices[0].message.content or "",
            "model": completion.model,
            "usage": {
                "prompt_tokens": usage.prompt_tokens if usage else 0,
                "completion_tokens": usage.completion_tokens if usage else 0,
            },
            "seconds": time.perf_counter() - start,
        }

    def _reason(self, error: openai.OpenAIError) -> str:
        """Say in one line why there is no answer, without the key."""
        if isinstance(error, openai.APITimeoutError):
            return f"no answer within {self.timeout:g} s"
        if isinstance(error, openai.APIConnectionError):
            return "cannot be reached; is it running, and OPENAI_BASE_URL right?"
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            return f"HTTP {error.status_code}, the key in OPENAI_API_KEY was refused"
        if not isinstance(error, openai.APIStatusError):
            return f"no usable answer ({type(error).__name__})"
        body = error.body if isinstance(error.body, dict) else {}
        told = body.get("message") or body.get("detail") or error.response.reason_phrase
        line = " ".join(str(told).replace(self._client.api_key, "***").split())[:200]
        return f"HTTP {error.status_code}, {line} (asked for model {self.endpoint.model!r})"


def _answers() -> Path:
    """Make the folder of answers, before anything is asked: an answer that cannot be kept is paid for again."""
    folder = cache_dir() / "answers"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"{folder}: the cache cannot be written ({error.strerror}); set TLZOO_CACHE") from error
    return folder


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, suffix=".part", delete=False) as file:
        file.write(text)
    os.replace(file.name, path)
