"""Which OpenAI-compatible endpoint to ask, from the environment; standard library only, so asking is cheap.

======================  ==================================================================================
variable                meaning
======================  ==================================================================================
``OPENAI_API_KEY``      the key; only ever sent to the endpoint, never shown and never stored
``OPENAI_BASE_URL``     an endpoint other than OpenAI's, such as a local open model's
``TLZOO_OPENAI_MODEL``  the model to ask for, by the name under which it is served; for OpenAI: the card's
``TLZOO_OPENAI_PRICE``  US dollars for a million tokens of prompts and of answers, such as ``30,60``
======================  ==================================================================================
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

OPENAI_URL = "https://api.openai.com/v1"


@dataclass(frozen=True)
class Price:
    """What tokens cost, in US dollars for a million.

    Attributes:
        prompt: Of those that are sent.
        completion: Of those that are answered.
    """

    prompt: float
    completion: float

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """US dollars for so many tokens."""
        return (self.prompt * prompt_tokens + self.completion * completion_tokens) / 1e6


@dataclass(frozen=True)
class Endpoint:
    """Where a served model is, without the key that opens it.

    Attributes:
        url: Base URL of the API, without the trailing slash.
        model: Name under which the model is served there.
        official: Whether this is the card's own model at OpenAI, and not a stand-in.
        price: What its tokens cost, where that is known.
    """

    url: str
    model: str
    official: bool
    price: Price | None = None

    @property
    def host(self) -> str:
        """Host, and port where the URL gives one."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def is_free(self) -> bool:
        """Whether it is on this machine, and nobody said that it costs money."""
        host = urlsplit(self.url).hostname or ""
        try:
            here = ipaddress.ip_address(host).is_loopback
        except ValueError:
            here = host == "localhost"
        return here and self.price in (None, Price(0, 0))

    @property
    def label(self) -> str:
        """What rows show: the model's own name (of a folder its last part) and the host."""
        name = PurePath(self.model).name if PurePath(self.model).is_absolute() else self.model
        return f"{name} at {self.host}"


@dataclass(frozen=True)
class RequestEstimate:
    """What a run is about to ask, before anything is sent; small, so that it travels between processes.

    Attributes:
        endpoint: Whom.
        requests: Requests that are to be sent.
        cached: Answers that are there already.
        prompt_tokens: Most tokens that the requests can have.
        completion_tokens: Most tokens that their answers can have.
    """

    endpoint: Endpoint
    requests: int
    cached: int
    prompt_tokens: int
    completion_tokens: int

    @property
    def cost_usd(self) -> float | None:
        """The most that it can cost, where the price is known."""
        price = self.endpoint.price
        return price.of(self.prompt_tokens, self.completion_tokens) if price else None

    @property
    def notice(self) -> str:
        """What a person should know before anything is sent, in one line."""
        kept = f"{self.cached} answers are kept from before" if self.cached else ""
        if not self.requests:
            return f"{self.endpoint.label}: nothing is sent, {kept}"
        usd = self.cost_usd
        unknown = "" if self.endpoint.is_free else ", at a price that is not known: set TLZOO_OPENAI_PRICE"
        price = unknown if usd is None else f", or ${usd:.2f}"
        line = (
            f"{self.endpoint.label}: sends {self.requests} requests to {self.endpoint.host}, at most "
            f"{self.prompt_tokens:,} tokens of prompts and {self.completion_tokens:,} of answers{price}"
        )
        return f"{line}; {kept}" if kept else line


def endpoint(default_model: str, price: Sequence[float] | None = None) -> Endpoint:
    """Read the endpoint from the environment.

    Args:
        default_model: The card's model, such as ``"gpt-4"``. It or a dated snapshot of it (``gpt-4-0613``), served by
            api.openai.com, is official; everything else is what its label says.
        price: The card's price of the official model, dollars for a million tokens of prompts and of answers.

    Returns:
        The endpoint; nothing is sent to it yet.

    Raises:
        UnavailableError: If neither a key nor an endpoint is set, or an endpoint without the name of its model.
        InputError: If ``OPENAI_BASE_URL`` is not the URL of an API, or ``TLZOO_OPENAI_PRICE`` no price.
    """
    key, url, model = map(_variable, ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TLZOO_OPENAI_MODEL"))
    host = _host(url or OPENAI_URL)
    openai = host == "api.openai.com"
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
    return Endpoint((url or OPENAI_URL).rstrip("/"), model, official, known)


def _variable(name: str) -> str:
    return os.environ.get(name, "").strip()


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
        f"TLZOO_OPENAI_PRICE {text!r}: expected dollars for a million tokens of prompts and of answers, such as 30,60"
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
    if host == "api.openai.com" and parts.scheme != "https":
        raise InputError(f"OPENAI_BASE_URL: {host} is asked by https only; unset it, or use {OPENAI_URL}")
    return host
