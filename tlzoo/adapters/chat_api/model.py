"""Models behind an OpenAI-compatible API: prompted and never trained; their weights are not here."""

from __future__ import annotations

import math
import os
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import openai

from tlzoo.adapters.chat_api import answers
from tlzoo.adapters.chat_api.answers import Answer, TokenCount
from tlzoo.adapters.chat_api.endpoint import Endpoint, RequestEstimate, endpoint
from tlzoo.adapters.chat_api.pacing import Pace, backoff, requested_wait
from tlzoo.adapters.chat_api.parameters import Dialect, Payload
from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.model import ApiModel, Limits, Usage
from tlzoo.core.predictions import Completion, Reply, Request
from tlzoo.core.task import Message, PromptTask, Task
from tlzoo.errors import InputError, StoppedError, UnavailableError

if TYPE_CHECKING:
    from tlzoo.cards.schema import Input, Variant

MAX_REQUESTED_WAIT = 120.0
"""Seconds that an endpoint may ask to wait, if there is no time limit."""
CONNECT_TIMEOUT = 10.0
"""Seconds to wait for a connection."""
ANSWERS_TO_EXTRAPOLATE = 8
"""Answers after which the time of all requests is estimated."""
_TEMPLATE_TOKENS = 16
"""Maximum tokens that a server's template adds to a turn of a conversation, and to the conversation."""


def build(variant: Variant, given: Input, task: Task | None = None) -> ChatModel:
    """Build the model of a variant, behind the endpoint that the environment names.

    Args:
        variant: The variant. Requests name its ``model``, unless ``TLZOO_OPENAI_MODEL`` names another, and cost the
            ``price`` of its ``config``.
        given: Its input, which is plain text.
        task: A task that can be put in words.

    Raises:
        InputError: The task cannot be put in words.
        UnavailableError: The environment names no endpoint.
    """
    if not isinstance(task, PromptTask):
        name = task.name if task else "a model without a task"
        raise InputError(f"{variant.model} takes prompts, and {name} cannot be put in words")
    return ChatModel(endpoint(variant.model, variant.config.get("price")), task)


class ChatModel(ApiModel):
    """A served chat model: the task puts each row in words and reads the answer.

    Requests are sent a few at a time, one for each example, at temperature 0 where the endpoint takes that. If the
    endpoint limits the rate, all wait as long as it says, and fewer are sent at a time; if it fails, a request is
    retried after longer and longer waits. Every answer is cached in ``<cache>/answers/``, so that a request is paid for
    only once; delete the folder if another model was put behind the same name.

    Attributes:
        pace: The pace of requests.
        served: Names by which the endpoint called the model that answered, such as ``gpt-4-0613``.
    """

    task: PromptTask

    def __init__(
        self,
        endpoint: Endpoint,
        task: PromptTask,
        *,
        examples: Sequence[Row] = (),
        concurrency: int = 4,
        retries: int = 4,
        timeout: float = 300.0,
        cache: bool = True,
    ) -> None:
        """Prepare requests; nothing is sent yet.

        Args:
            endpoint: The endpoint. The key is read from ``OPENAI_API_KEY`` when the first request is sent.
            task: Puts rows in words and reads answers.
            examples: Labelled rows for the prompt; empty for zero-shot.
            concurrency: Maximum requests at a time; with 1, the ``seconds`` of an answer include no queueing.
            retries: Maximum retries of a request, each after a longer wait.
            timeout: Seconds to wait for an answer; a small server may have a queue.
            cache: Whether answers are cached and cached ones used; without a cache ``predict`` can be timed.
        """
        super().__init__()
        self.spec = Spec("text")
        self.endpoint, self.task, self.examples = endpoint, task, tuple(examples)
        self.concurrency, self.retries, self.timeout, self.cache = concurrency, retries, timeout, cache
        self.served: set[str] = set()
        self._dialect = Dialect(endpoint)
        self._lock = threading.Lock()
        self._settled = threading.Condition(self._lock)
        self._count: Counter[str] = Counter()
        self.set_limits(Limits())

    def set_demonstrations(self, examples: Sequence[Row]) -> None:
        """Put labelled rows into every prompt."""
        self.examples = tuple(examples)

    def set_limits(self, limits: Limits) -> None:
        """Set limits of time and money; the clock starts now."""
        self.limits = limits
        self.pace = Pace(self.concurrency, limits.seconds)
        self._spent = 0.0
        self._under_way: list[float] = []
        self._new, self._began = 0, 0.0

    def encode(self, row: Row) -> Example:
        """Put a row in words."""
        return {"messages": self.task.prompt(row, self.examples), "row": row}

    def estimate(self, examples: Iterable[Example]) -> RequestEstimate:
        """Estimate the requests for examples; sends nothing."""
        prompts = [example["messages"] for example in examples]
        new = [p for p in prompts if not self.cache or answers.find(self.endpoint.url, self._request(p)) is None]
        tokens = sum(map(_max_tokens, new))
        return RequestEstimate(
            self.endpoint, len(new), len(prompts) - len(new), tokens, len(new) * self.task.max_tokens
        )

    @property
    def usage(self) -> Usage:
        """Requests, tokens and cost so far."""
        with self._lock:
            count = self._count
            tokens = None if count["uncounted"] else (count["prompt_tokens"], count["completion_tokens"])
            return {
                "requests": count["requests"],
                "cached": count["cached"],
                "prompt_tokens": tokens and tokens[0],
                "completion_tokens": tokens and tokens[1],
                "cost_usd": self.endpoint.price.of(*tokens) if self.endpoint.price and tokens else None,
                "served": ", ".join(sorted(self.served)) or None,
                "paid_usd": self._spent,
            }

    def predict(self, batch: Batch) -> list[Completion | Reply]:
        """Send a request for every example of a batch.

        Returns:
            The task's predictions, each with the tokens and the time of its ``request``.

        Raises:
            UnavailableError: The endpoint cannot be reached, refuses, or fails. Answers received so far are cached.
            StoppedError: A limit of time or money was reached, or will be. Answers received so far are cached.
        """
        self.pace.resume()
        pool = ThreadPoolExecutor(self.concurrency)
        futures: list[Future[Answer]] = [pool.submit(self._answer, messages) for messages in batch["messages"]]
        try:
            received = self._gathered(futures)
        except BaseException as error:
            self.pace.fail(StoppedError("another request failed"))
            pool.shutdown(wait=False, cancel_futures=True)
            # Requests on their way are paid for, so their answers are awaited and cached.
            wait([f for f in futures if not f.cancelled()], max(0.0, min(self.timeout, self.pace.left())))
            if isinstance(error, StoppedError | UnavailableError):
                raise type(error)(f"{self.endpoint.label}: {error}") from None
            raise
        pool.shutdown()
        return [
            replace(self.task.parse(answer["text"], row), request=Request(answer["usage"], answer["seconds"]))
            for answer, row in zip(received, batch["row"], strict=True)
        ]

    def _gathered(self, futures: Sequence[Future[Answer]]) -> list[Answer]:
        """All answers, or the first failure as soon as it occurs."""
        left = self.pace.left()
        done, late = wait(futures, max(0.0, left) if math.isfinite(left) else None, FIRST_EXCEPTION)
        for future in done:
            future.result()
        if late:
            raise StoppedError("no answer within the remaining --budget")
        return [future.result() for future in futures]

    @cached_property
    def _client(self) -> openai.OpenAI:
        key = os.environ.get("OPENAI_API_KEY") or "none"  # local endpoints need none
        return openai.OpenAI(api_key=key, base_url=self.endpoint.url, max_retries=0)

    def _request(self, messages: list[Message]) -> Payload:
        """A request, by whose content its answer is cached, whatever names its parameters are sent under."""
        effort = {"reasoning_effort": self.endpoint.effort} if self.endpoint.effort else {}
        return {
            "model": self.endpoint.model,
            "messages": messages,
            "temperature": 0,
            "max_tokens": self.task.max_tokens + self.endpoint.reasoning_tokens,
        } | effort

    def _answer(self, messages: list[Message]) -> Answer:
        """Get an answer, from the cache or from the endpoint."""
        request = self._request(messages)
        answer = answers.find(self.endpoint.url, request) if self.cache else None
        if answer is not None:
            self._count_answer(answer, "cached")
            return answer
        try:
            answer = self._send_with_retries(request)
            if self.cache:
                answers.keep(self.endpoint.url, request, answer)
            self._count_answer(answer, "requests")
            self._check_time()
        except (StoppedError, UnavailableError) as error:
            self.pace.fail(error)
            raise
        return answer

    def _count_answer(self, answer: Answer, source: str) -> None:
        usage = answer["usage"]
        with self._lock:
            self._count.update([source] if usage else [source, "uncounted"])
            if usage:
                self._count.update(prompt_tokens=usage["prompt_tokens"], completion_tokens=usage["completion_tokens"])
            self.served.add(answer["model"])

    def _check_time(self) -> None:
        """After a few answers, check that all requests will fit the time; the first one may have loaded the model."""
        now = time.monotonic()
        with self._lock:
            self._new += 1
            if self._new == 1:
                self._began = now
            if self._new != ANSWERS_TO_EXTRAPOLATE + 1 or not math.isfinite(self.limits.seconds):
                return
            rest = self.limits.requests - self._new
            needed = rest * (now - self._began) / ANSWERS_TO_EXTRAPOLATE
        if needed > self.pace.left():
            left = max(0.0, self.pace.left()) / 60
            raise StoppedError(
                f"about {needed / 60:.1f} min needed for {rest} more requests, {left:.1f} min left of --budget"
            )

    def _send_with_retries(self, request: Payload) -> Answer:
        """Send a request, and retry where that may help.

        Raises:
            UnavailableError: There is no answer. The cause is left out, since a message about a wrong key can quote it.
            StoppedError: There is no answer within the limits.
        """
        delay, attempt = 0.0, 0
        while True:
            payload = self._dialect.spoken(request)
            try:
                with self.pace.turn(delay):
                    sent = time.monotonic()
                    return self._send_within_limits(request, payload)
            except openai.OpenAIError as error:
                if self._dialect.learn(error, request, payload):
                    delay = 0.0
                    continue
                again = self._delay(error, attempt, sent)
                is_last = attempt == self.retries and self.pace.left() > 0
                if again is None or is_last:
                    raise UnavailableError(self._reason(error)) from None
                delay, attempt = again, attempt + 1

    def _send_within_limits(self, request: Payload, payload: Payload) -> Answer:
        """Send a request once, as its payload, if the remaining money covers its maximum cost."""
        price = self.endpoint.price
        max_cost = price.of(_max_tokens(request["messages"]), request["max_tokens"]) if price else 0.0
        with self._settled:
            while self._spent + sum(self._under_way) + max_cost > self.limits.usd:
                if self._spent + max_cost > self.limits.usd:
                    raise StoppedError(
                        f"the next request can cost ${max_cost:.4f}, and ${self._spent:.4f} of ${self.limits.usd:.2f} "
                        "(--max-cost) are spent"
                    )
                self._settled.wait()  # requests seldom cost their maximum
            self._under_way.append(max_cost)
        cost = 0.0
        try:
            answer = self._send(payload)
            cost = max_cost if answer["usage"] is None or not price else price.of(**answer["usage"])
            return answer
        except (openai.APITimeoutError, _NoWordsError):
            cost = max_cost  # it is charged, or may still be answered and charged
            raise
        finally:
            with self._settled:
                self._under_way.remove(max_cost)
                self._spent += cost
                self._settled.notify_all()

    def _send(self, request: Payload) -> Answer:
        start = time.perf_counter()
        seconds = max(0.01, min(self.timeout, self.pace.left()))
        timeout = openai.Timeout(seconds, connect=min(CONNECT_TIMEOUT, seconds))
        reply = self._client.chat.completions.with_raw_response.create(**request, timeout=timeout)
        try:
            answer = _read(reply.parse(), start)
        except (ValueError, TypeError, AttributeError, LookupError):
            raise UnavailableError("the answer is not a chat completion; does OPENAI_BASE_URL end in /v1?") from None
        self.pace.answered(reply.headers)
        return answer

    def _delay(self, error: openai.OpenAIError, attempt: int, sent: float) -> float | None:
        """Seconds until a retry; ``None`` if a retry is of no use."""
        if isinstance(error, openai.APIConnectionError):  # out of time, too
            return backoff(attempt)
        if not isinstance(error, openai.APIStatusError):
            return None
        status, headers = error.status_code, error.response.headers
        hopeless = headers.get("x-should-retry") == "false" or error.code == "insufficient_quota"
        if hopeless or not (status in (408, 409, 425, 429) or status >= 500):
            return None
        wait = requested_wait(headers)
        delay = backoff(attempt) if wait is None else wait
        if delay > MAX_REQUESTED_WAIT and not math.isfinite(self.pace.left()):
            return None
        if status == 429:
            self.pace.refused(delay, sent)
            return 0.0
        return delay

    def _reason(self, error: openai.OpenAIError) -> str:
        """Why there is no answer, in one line, without the key."""
        if isinstance(error, openai.APITimeoutError):
            return f"no answer within {self.timeout:g} s"
        if isinstance(error, openai.APIConnectionError):
            return "cannot be reached; is it running, and OPENAI_BASE_URL right?"
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            return f"HTTP {error.status_code}, the key in OPENAI_API_KEY was refused"
        if not isinstance(error, openai.APIStatusError):
            return f"no usable answer ({type(error).__name__})"
        body = error.body if isinstance(error.body, dict) else {}
        message = body.get("message") or body.get("detail") or error.response.reason_phrase
        line = " ".join(str(message).replace(self._client.api_key, "***").split())[:200]
        return f"HTTP {error.status_code}, {line} (model {self.endpoint.model!r})"


class _NoWordsError(UnavailableError):
    """A model reasoned until its tokens were spent; they are charged."""


def _max_tokens(messages: Iterable[Message]) -> int:
    """Maximum tokens of a prompt: one for each byte, and those that a template adds to each turn."""
    return _TEMPLATE_TOKENS + sum(len(message["content"].encode()) + _TEMPLATE_TOKENS for message in messages)


def _read(completion: Any, start: float) -> Answer:
    """Read an answer to a request that was sent at ``start``.

    Raises:
        UnavailableError: The model reasoned to the end of its limit.
        ValueError: It is not a chat completion; TypeError, AttributeError and LookupError too.
    """
    text = completion.choices[0].message.content
    count = completion.usage
    reasoned = getattr(getattr(count, "completion_tokens_details", None), "reasoning_tokens", None)
    if not text and reasoned and completion.choices[0].finish_reason == "length":
        raise _NoWordsError(
            f"{reasoned} tokens of reasoning, and no word of an answer before the limit; set TLZOO_OPENAI_EFFORT, such "
            "as to none, or TLZOO_OPENAI_REASONING_TOKENS to more"
        )
    usage: TokenCount | None = None
    if count:
        usage = {"prompt_tokens": int(count.prompt_tokens), "completion_tokens": int(count.completion_tokens)}
    if not isinstance(text, str | None):
        raise ValueError(f"text expected, got {type(text).__name__}")
    seconds = time.perf_counter() - start
    return {"text": text or "", "model": str(completion.model), "usage": usage, "seconds": seconds}
