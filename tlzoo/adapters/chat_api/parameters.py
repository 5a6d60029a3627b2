"""Parameters of chat completions, by the names that an endpoint takes: newer models of OpenAI refuse older ones."""

from __future__ import annotations

import re
import sys
import threading
from typing import Any

import openai

from tlzoo.adapters.chat_api.endpoint import Endpoint

Payload = dict[str, Any]
"""A request for a chat completion, as JSON."""

_LIMITS = ("max_completion_tokens", "max_tokens")
"""Names of the limit of tokens: OpenAI's present one, on which newer models insist, and the one that others know."""


class Dialect:
    """What an endpoint takes, as far as it has refused a parameter by name; shared by threads that send requests."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Begin with what endpoints of its kind take."""
        self.endpoint = endpoint
        self._limits = _LIMITS if endpoint.is_openai else _LIMITS[::-1]
        self._refused: set[str] = set()
        self._lock = threading.Lock()

    def spoken(self, request: Payload) -> Payload:
        """A request, whose limit is called ``max_tokens``, with the parameters that the endpoint takes."""
        with self._lock:
            limit = next((name for name in self._limits if name not in self._refused), self._limits[-1])
            left_out = {"temperature"} & self._refused
        renamed = {limit if name == "max_tokens" else name: value for name, value in request.items()}
        return {name: value for name, value in renamed.items() if name not in left_out}

    def learn(self, error: openai.OpenAIError, request: Payload, sent: Payload) -> bool:
        """Take an error in.

        Args:
            error: The error.
            request: The request.
            sent: What was sent for it.

        Returns:
            Whether the endpoint refused a parameter without which, or with another name of which, the request may be
            sent again.
        """
        if not isinstance(error, openai.BadRequestError | openai.UnprocessableEntityError):
            return False
        name = _named(error)
        if name not in sent or name not in (*_LIMITS, "temperature"):
            return False
        with self._lock:
            is_new = name not in self._refused
            self._refused.add(name)
        if is_new and name == "temperature":
            print(f"{self.endpoint.label}: takes no temperature of 0; its answers may vary", file=sys.stderr)
        return self.spoken(request) != sent


def _named(error: openai.APIStatusError) -> str:
    """The parameter that an error names: as OpenAI does, or else in quotes, as those do who copied its words."""
    return str(error.param or next(iter(re.findall(r"[`'\"](\w+)[`'\"]", str(error.message))), ""))
