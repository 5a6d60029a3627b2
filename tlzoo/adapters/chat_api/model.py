"""Models behind an OpenAI-compatible API: asked, never trained; they have no weights here."""

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
from typing import TYPE_CHECKING, Any, cast

import openai

from tlzoo.adapters.chat_api import answers
from tlzoo.adapters.chat_api.endpoint import Endpoint, Prospect, endpoint
from tlzoo.adapters.chat_api.pacing import Pace, asked_wait, backoff
from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.model import Limits, Model
from tlzoo.core.predictions import Completion, Reply, Request
from tlzoo.errors import InputError, StoppedError, UnavailableError

if TYPE_CHECKING:
    from tlzoo.cards.schema import Input, Variant
    from tlzoo.core.task import Message, PromptTask, Task

PATIENCE = 120.0
"""Seconds that an endpoint may ask to wait where nobody set a limit of time."""
CONNECT = 10.0
"""Seconds to wait for a connection."""
FEW = 8
"""Answers after which it is told whether the rest will fit the time."""
_TURN = 16
"""Tokens that a server's template adds to a turn of a conversation, and to the conversation, at most."""

Answer = dict[str, Any]


def build(variant: Variant, given: Input, task: Task | None = None) -> ChatModel:
    """Build the model of a variant, behind the endpoint that the environment names.

    Args:
        variant: The variant; its ``model`` is what the endpoint is asked for, if ``TLZOO_OPENAI_MODEL`` names no
            other, at the ``price`` of its ``config``.
        given: Its input; text, as it is.
        task: What to ask; a task that can be put in words.

    Raises:
        InputError: The task cannot be put in words.
        UnavailableError: The environment names no endpoint.
    """
    if not hasattr(task, "prompt"):
        name = task.name if task else "no task"
        raise InputError(f"{variant.model} is asked in words, and {name} cannot be put in words")
    return ChatModel(endpoint(variant.model, variant.config.get("price")), cast("PromptTask", task))


class ChatModel(Model):
    """A served chat model: the task puts each row in words and reads the answer.

    Requests go out a few at a time, one an example, at temperature 0. Where the endpoint limits the rate, all wait as
    long as it says, and fewer go at a time; where it breaks down, a request is sent again after a longer and longer
    wait. Every answer is kept in ``<cache>/answers/``, so that no question is paid for twice; delete the folder if
    another model was put behind the same name.

    Attributes:
        pace: How fast the endpoint is asked.
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
        """Prepare to ask; nothing is sent yet.

        Args:
            endpoint: Whom to ask. The key is read from ``OPENAI_API_KEY`` when the first question is sent.
            task: What to ask.
            examples: Labelled rows for the prompt; none is zero-shot.
            concurrency: Most requests at a time; with 1, an answer's ``seconds`` are its own and no queue's.
            retries: How often a request is sent again, each time after a longer wait.
            timeout: Seconds to wait for an answer; a small server may have a queue.
            cache: Whether answers are kept, and kept ones used; without, ``predict`` can be timed.
        """
        super().__init__()
        self.spec = Spec("text")
        self.endpoint, self.task, self.examples = endpoint, task, tuple(examples)
        self.concurrency, self.retries, self.timeout, self.cache = concurrency, retries, timeout, cache
        self.served: set[str] = set()
        self._lock = threading.Lock()
        self._settled = threading.Condition(self._lock)
        self._count: Counter[str] = Counter()
        self.limit(Limits())

    def show(self, examples: Sequence[Row]) -> None:
        """Put labelled rows into every prompt."""
        self.examples = tuple(examples)

    def limit(self, limits: Limits) -> None:
        """Set limits of time and money; the clock starts now."""
        self.limits = limits
        self.pace = Pace(self.concurrency, limits.seconds)
        self._spent = 0.0
        self._under_way: list[float] = []
        self._new, self._began = 0, 0.0

    def encode(self, row: Row) -> Example:
        """Put a row in words."""
        return {"messages": self.task.prompt(row, self.examples), "row": row}

    def prospect(self, examples: Iterable[Example]) -> Prospect:
        """What it takes to predict examples; sends nothing."""
        prompts = [example["messages"] for example in examples]
        asked = [p for p in prompts if not self.cache or answers.find(self.endpoint.url, self._request(p)) is None]
        tokens = sum(map(_most_tokens, asked))
        return Prospect(self.endpoint, len(asked), len(prompts) - len(asked), tokens, len(asked) * self.task.max_tokens)

    @property
    def usage(self) -> dict[str, Any]:
        """What was asked so far, as columns of a row.

        Returns:
            ``requests`` that were sent and answered, answers found ``cached``; of all of them ``prompt_tokens``,
            ``completion_tokens`` and ``cost_usd``, null where the endpoint does not count or its price is not known;
            ``served``, the name by which it called the model. ``paid_usd`` is no column: what was spent now.
        """
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
        """Ask for every example of a batch.

        Returns:
            The task's predictions, each with what its ``request`` took.

        Raises:
            UnavailableError: The endpoint cannot be reached, refuses, or breaks down. Answers already had are kept.
            StoppedError: A limit of time or money was reached, or will be. Answers already had are kept.
        """
        self.pace.resume()
        pool = ThreadPoolExecutor(self.concurrency)
        futures: list[Future[Answer]] = [pool.submit(self._answer, messages) for messages in batch["messages"]]
        try:
            found = self._gathered(futures)
        except BaseException as error:
            self.pace.fail(StoppedError("another request failed"))
            pool.shutdown(wait=False, cancel_futures=True)
            # What is on its way is paid for, and kept when it comes.
            wait([f for f in futures if not f.cancelled()], max(0.0, min(self.timeout, self.pace.left())))
            if isinstance(error, StoppedError | UnavailableError):
                raise type(error)(f"{self.endpoint.label}: {error}") from None
            raise
        pool.shutdown()
        return [
            replace(self.task.parse(answer["text"], row), request=Request(answer["usage"], answer["seconds"]))
            for answer, row in zip(found, batch["row"], strict=True)
        ]

    def _gathered(self, futures: Sequence[Future[Answer]]) -> list[Answer]:
        """All answers, or the first failure, as soon as there is one."""
        left = self.pace.left()
        done, late = wait(futures, max(0.0, left) if math.isfinite(left) else None, FIRST_EXCEPTION)
        for future in done:
            future.result()
        if late:
            raise StoppedError("no answer within the time that is left of --budget")
        return [future.result() for future in futures]

    @cached_property
    def _client(self) -> openai.OpenAI:
        key = os.environ.get("OPENAI_API_KEY") or "none"  # local endpoints want none
        return openai.OpenAI(api_key=key, base_url=self.endpoint.url, max_retries=0)

    def _request(self, messages: list[Message]) -> dict[str, Any]:
        return {
            "model": self.endpoint.model,
            "messages": messages,
            "temperature": 0,
            "max_tokens": self.task.max_tokens,
        }

    def _answer(self, messages: list[Message]) -> Answer:
        """Get an answer, from the cache or from the endpoint."""
        request = self._request(messages)
        answer = answers.find(self.endpoint.url, request) if self.cache else None
        if answer is not None:
            self._book(answer, "cached")
            return answer
        try:
            answer = self._ask(request)
            if self.cache:
                answers.keep(self.endpoint.url, request, answer)
            self._book(answer, "requests")
            self._will_it_fit()
        except (StoppedError, UnavailableError) as error:
            self.pace.fail(error)
            raise
        return answer

    def _book(self, answer: Answer, source: str) -> None:
        usage = answer["usage"]
        with self._lock:
            self._count.update([source] if usage else [source, "uncounted"])
            self._count.update(usage or {})
            self.served.add(answer["model"])

    def _will_it_fit(self) -> None:
        """After a few answers, tell whether the rest will fit the time; the first one may have loaded the model."""
        now = time.monotonic()
        with self._lock:
            self._new += 1
            if self._new == 1:
                self._began = now
            if self._new != FEW + 1 or not math.isfinite(self.limits.seconds):
                return
            rest = self.limits.requests - self._new
            needed = rest * (now - self._began) / FEW
        if needed > self.pace.left():
            left = max(0.0, self.pace.left()) / 60
            raise StoppedError(
                f"about {needed / 60:.1f} min needed for {rest} more requests, {left:.1f} min left of --budget"
            )

    def _ask(self, request: dict[str, Any]) -> Answer:
        """Send a request, again and again where that may help.

        Raises:
            UnavailableError: There is no answer; without the cause, since what is said of a wrong key can hold it.
            StoppedError: There is none within the limits.
        """
        delay, attempt = 0.0, 0
        while True:
            try:
                with self.pace.turn(delay):
                    sent = time.monotonic()
                    return self._paid(request)
            except openai.OpenAIError as error:
                again = self._delay(error, attempt, sent)
                is_last = attempt == self.retries and self.pace.left() > 0
                if again is None or is_last:
                    raise UnavailableError(self._reason(error)) from None
                delay, attempt = again, attempt + 1

    def _paid(self, request: dict[str, Any]) -> Answer:
        """Send a request once, if its price fits the money that is left."""
        price = self.endpoint.price
        most = price.of(_most_tokens(request["messages"]), request["max_tokens"]) if price else 0.0
        with self._settled:
            while self._spent + sum(self._under_way) + most > self.limits.usd:
                if self._spent + most > self.limits.usd:
                    raise StoppedError(
                        f"the next request can cost ${most:.4f}, and ${self._spent:.4f} of ${self.limits.usd:.2f} "
                        "(--max-cost) are spent"
                    )
                self._settled.wait()  # what is under way seldom costs the most that it can
            self._under_way.append(most)
        cost = 0.0
        try:
            answer = self._sent(request)
            cost = most if answer["usage"] is None or not price else price.of(**answer["usage"])
            return answer
        except openai.APITimeoutError:
            cost = most  # it may be answered, and charged, all the same
            raise
        finally:
            with self._settled:
                self._under_way.remove(most)
                self._spent += cost
                self._settled.notify_all()

    def _sent(self, request: dict[str, Any]) -> Answer:
        start = time.perf_counter()
        seconds = max(0.01, min(self.timeout, self.pace.left()))
        timeout = openai.Timeout(seconds, connect=min(CONNECT, seconds))
        reply = self._client.chat.completions.with_raw_response.create(**request, timeout=timeout)
        try:
            answer = _read(reply.parse())
        except (ValueError, TypeError, AttributeError, LookupError):
            raise UnavailableError("the answer is no chat completion; does OPENAI_BASE_URL end in /v1?") from None
        self.pace.answered(reply.headers)
        return answer | {"seconds": time.perf_counter() - start}

    def _delay(self, error: openai.OpenAIError, attempt: int, sent: float) -> float | None:
        """Seconds after which to send a request again; nothing where that is of no use."""
        if isinstance(error, openai.APIConnectionError):  # out of time, too
            return backoff(attempt)
        if not isinstance(error, openai.APIStatusError):
            return None
        status, headers = error.status_code, error.response.headers
        hopeless = headers.get("x-should-retry") == "false" or error.code == "insufficient_quota"
        if hopeless or not (status in (408, 409, 425, 429) or status >= 500):
            return None
        asked = asked_wait(headers)
        delay = backoff(attempt) if asked is None else asked
        if delay > PATIENCE and not math.isfinite(self.pace.left()):
            return None
        if status == 429:
            self.pace.refused(delay, sent)
            return 0.0
        return delay

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


def _most_tokens(messages: Iterable[Message]) -> int:
    """The most tokens that a prompt can have: one a byte, and what a template adds to each turn."""
    return _TURN + sum(len(message["content"].encode()) + _TURN for message in messages)


def _read(completion: Any) -> Answer:
    """What is of use in an answer.

    Raises:
        ValueError: It is no chat completion; TypeError, AttributeError and LookupError too.
    """
    text = completion.choices[0].message.content
    usage = completion.usage and {
        "prompt_tokens": int(completion.usage.prompt_tokens),
        "completion_tokens": int(completion.usage.completion_tokens),
    }
    if not isinstance(text, str | None):
        raise ValueError(f"text expected, got {type(text).__name__}")
    return {"text": text or "", "model": str(completion.model), "usage": usage}
