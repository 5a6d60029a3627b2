"""The OpenAI-compatible endpoint that the environment names. Only the standard library is imported.

=================================  =======================================================================
variable                           meaning
=================================  =======================================================================
``OPENAI_API_KEY``                 the key; sent to the endpoint only, never shown and never stored
``OPENAI_BASE_URL``                an endpoint other than OpenAI's, such as a local open model's
``TLZOO_OPENAI_MODEL``             the name under which the model is served; by default the card's, at OpenAI
``TLZOO_OPENAI_PRICE``             US dollars per million tokens of prompts and of answers, such as ``30,60``
``TLZOO_OPENAI_EFFORT``            how long the model reasons, such as ``none`` or ``low``; by default not sent
``TLZOO_OPENAI_REASONING_TOKENS``  tokens that it may reason for, beyond those of the answer; by default 0
=================================  =======================================================================
"""

from __future__ import annotations

import ipaddress
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import urlsplit

from tlzoo.errors import InputError, UnavailableError

_OPENAI_HOST = "api.openai.com"
OPENAI_URL = f"https://{_OPENAI_HOST}/v1"


@dataclass(frozen=True)
class Price:
    """Price of tokens, in US dollars per million.

    Attributes:
        prompt: Price of tokens in prompts.
        completion: Price of tokens in answers.
    """

    prompt: float
    completion: float

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """US dollars for a number of tokens."""
        return (self.prompt * prompt_tokens + self.completion * completion_tokens) / 1e6


@dataclass(frozen=True)
class Endpoint:
    """Where a model is served; the key is not part of it.

    Attributes:
        url: Base URL of the API, without the trailing slash.
        model: Name under which the model is served there.
        official: Whether this is the card's own model at OpenAI, and not a stand-in.
        price: Price of its tokens, if known.
        effort: How long the model reasons, in its own words; empty leaves that to the endpoint.
        reasoning_tokens: Maximum tokens that it may reason for, which are charged like those of an answer.
    """

    url: str
    model: str
    official: bool
    price: Price | None = None
    effort: str = ""
    reasoning_tokens: int = 0

    @property
    def is_openai(self) -> bool:
        """Whether it is OpenAI's own."""
        return urlsplit(self.url).hostname == _OPENAI_HOST

    @property
    def host(self) -> str:
        """Host, and port where the URL gives one."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def is_local(self) -> bool:
        """Whether the endpoint is on this machine."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def is_free(self) -> bool:
        """Whether the endpoint is on this machine and has no price set."""
        return self.is_local and self.price in (None, Price(0, 0))

    @property
    def label(self) -> str:
        """Name in rows: the model's own name (for a folder, its last part) and the host."""
        name = PurePath(self.model).name if PurePath(self.model).is_absolute() else self.model
        return f"{name} at {self.host}"


@dataclass(frozen=True)
class RequestEstimate:
    """The requests that a run is about to send, their tokens and their cost.

    Attributes:
        endpoint: The endpoint.
        requests: Number of requests to send.
        cached: Number of answers that are cached.
        prompt_tokens: Maximum tokens of the requests.
        completion_tokens: Maximum tokens of their answers.
    """

    endpoint: Endpoint
    requests: int
    cached: int
    prompt_tokens: int
    completion_tokens: int

    @property
    def cost_usd(self) -> float | None:
        """Maximum cost, if the price is known."""
        price = self.endpoint.price
        return price.of(self.prompt_tokens, self.completion_tokens) if price else None

    @property
    def notice(self) -> str:
        """One line for a person to read before anything is sent."""
        cached = f"{self.cached} answers are cached" if self.cached else ""
        if not self.requests:
            return f"{self.endpoint.label}: nothing is sent, {cached}"
        usd = self.cost_usd
        unknown = "" if self.endpoint.is_free else "; the price is not known: set TLZOO_OPENAI_PRICE"
        price = unknown if usd is None else f", or ${usd:.2f}"
        line = (
            f"{self.endpoint.label}: sends {self.requests} requests to {self.endpoint.host}, at most "
            f"{self.prompt_tokens:,} tokens of prompts and {self.completion_tokens:,} of answers{price}"
        )
        return f"{line}; {cached}" if cached else line


def endpoint(default_model: str, price: Sequence[float] | None = None) -> Endpoint:
    """Read the endpoint from the environment.

    Args:
        default_model: The card's model, such as ``"gpt-4"``. It or a dated snapshot of it (``gpt-4-0613``), served by
            api.openai.com, is official; anything else is a stand-in.
        price: The card's price of the official model, dollars per million tokens of prompts and of answers.

    Returns:
        The endpoint; nothing is sent to it yet.

    Raises:
        UnavailableError: Neither a key nor an endpoint is set, or an endpoint without the name of its model.
        InputError: A variable has no value of its kind, such as ``OPENAI_BASE_URL`` which is not the URL of an API.
    """
    key, url, model = map(_variable, ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TLZOO_OPENAI_MODEL"))
    host = _host(url or OPENAI_URL)
    openai = host == _OPENAI_HOST
    if openai and not key:
        raise UnavailableError(
            f"{default_model} needs an API: set OPENAI_API_KEY, or let an open model stand in: `tlzoo serve`, or "
            "`transformers serve MODEL` (a Hub name or a folder), then "
            "OPENAI_BASE_URL=http://localhost:8000/v1 TLZOO_OPENAI_MODEL=MODEL"
        )
    if not openai and not model:
        raise UnavailableError(
            f"OPENAI_BASE_URL names {host}, which is not OpenAI: set TLZOO_OPENAI_MODEL to the model that it serves"
        )
    model = model or default_model
    snapshot = rf"{re.escape(default_model)}(-\d{{4}}(-\d\d-\d\d)?)?"
    official = openai and re.fullmatch(snapshot, model) is not None
    known = _price() or (Price(*price) if official and price else None)
    effort = _variable("TLZOO_OPENAI_EFFORT")
    return Endpoint((url or OPENAI_URL).rstrip("/"), model, official, known, effort, _reasoning_tokens())


def _variable(name: str) -> str:
    return os.environ.get(name, "").strip()


def _reasoning_tokens() -> int:
    text = _variable("TLZOO_OPENAI_REASONING_TOKENS")
    if text and not (text.isascii() and text.isdigit() and len(text) < 9):
        raise InputError(f"TLZOO_OPENAI_REASONING_TOKENS {text[:40]!r}: expected a number of tokens, such as 2000")
    return int(text or 0)


def _price() -> Price | None:
    text = _variable("TLZOO_OPENAI_PRICE")
    if not text:
        return None
    try:
        prompt, completion = map(float, text.split(","))
        if 0 <= prompt < math.inf and 0 <= completion < math.inf:
            return Price(prompt, completion)
    except ValueError:
        pass
    raise InputError(
        f"TLZOO_OPENAI_PRICE {text!r}: expected dollars per million tokens of prompts and of answers, such as 30,60"
    )


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        wrong = parts.scheme not in ("http", "https") or not host or parts.username is not None or parts.port == 0
    except ValueError:
        wrong = True
    if wrong:  # the value is not shown: a URL may carry a password
        raise InputError("OPENAI_BASE_URL: expected a URL such as http://localhost:8000/v1, without user or password")
    if host == _OPENAI_HOST and parts.scheme != "https":
        raise InputError(f"OPENAI_BASE_URL: {host} is reached by https only; unset it, or use {OPENAI_URL}")
    return host
