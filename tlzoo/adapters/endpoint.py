"""Which OpenAI-compatible endpoint to ask, from the environment; standard library only, so asking is cheap.

======================  ==================================================================================
variable                meaning
======================  ==================================================================================
``OPENAI_API_KEY``      the key; only ever sent to the endpoint, never shown and never stored
``OPENAI_BASE_URL``     an endpoint other than OpenAI's, such as a local open model's
``TLZOO_OPENAI_MODEL``  the model to ask for, by the name under which it is served; for OpenAI: the card's
======================  ==================================================================================
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import urlsplit

from tlzoo.errors import InputError, UnavailableError

OPENAI_URL = "https://api.openai.com/v1"


@dataclass(frozen=True)
class Endpoint:
    """Where a served model is, without the key that opens it.

    Attributes:
        url: Base URL of the API, without the trailing slash.
        model: Name under which the model is served there.
        official: Whether this is the card's own model at OpenAI, and not a stand-in.
    """

    url: str
    model: str
    official: bool

    @property
    def host(self) -> str:
        """Host, and port where the URL gives one."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def label(self) -> str:
        """What rows show: the model's own name (of a folder its last part) and the host."""
        name = PurePath(self.model).name if PurePath(self.model).is_absolute() else self.model
        return f"{name} at {self.host}"


def endpoint(default_model: str) -> Endpoint:
    """Read the endpoint from the environment.

    Args:
        default_model: The card's model, such as ``"gpt-4"``. It or a dated snapshot of it (``gpt-4-0613``), served by
            api.openai.com, is official; everything else is what its label says.

    Returns:
        The endpoint; nothing is sent to it yet.

    Raises:
        UnavailableError: If neither a key nor an endpoint is set, or an endpoint without the name of its model.
        InputError: If ``OPENAI_BASE_URL`` is not the URL of an API.
    """
    key, url, model = map(_variable, ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TLZOO_OPENAI_MODEL"))
    host = _host(url or OPENAI_URL)
    openai = host == "api.openai.com"
    if openai and not key:
        raise UnavailableError(
            f"{default_model} needs an API: set OPENAI_API_KEY, or let an open model stand in: "
            "`transformers serve MODEL` (a Hub name or a folder), then "
            "OPENAI_BASE_URL=http://localhost:8000/v1 TLZOO_OPENAI_MODEL=MODEL"
        )
    if not openai and not model:
        raise UnavailableError(
            f"OPENAI_BASE_URL names {host}, which is not OpenAI: set TLZOO_OPENAI_MODEL to the model that it serves"
        )
    model = model or default_model
    snapshot = rf"{re.escape(default_model)}(-\d{{4}}(-\d\d-\d\d)?)?"
    return Endpoint((url or OPENAI_URL).rstrip("/"), model, openai and re.fullmatch(snapshot, model) is not None)


def _variable(name: str) -> str:
    return os.environ.get(name, "").strip()


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
