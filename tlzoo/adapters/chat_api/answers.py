"""Answers of endpoints, cached on disk, so that a request is paid for only once."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from tlzoo.blobs import cache_dir
from tlzoo.errors import UnavailableError
from tlzoo.files import damage, forget, put


class TokenCount(TypedDict):
    """Tokens of a request and of its answer."""

    prompt_tokens: int
    completion_tokens: int


class Answer(TypedDict):
    """An answer of an endpoint.

    ``model`` is the name by which the endpoint called it; ``usage`` is absent where it does not count; ``seconds`` is
    the time that the request took.
    """

    text: str
    model: str
    usage: TokenCount | None
    seconds: float


def folder() -> Path:
    """Make the folder of answers, before the first request: an answer that cannot be cached is paid for again.

    Raises:
        UnavailableError: The cache cannot be written.
    """
    place = cache_dir() / "answers"
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"{place}: the cache cannot be written ({error.strerror}); set TLZOO_CACHE") from error
    return place


def find(url: str, request: Mapping[str, object]) -> Answer | None:
    """The cached answer of an endpoint to a request, if its file is undamaged."""
    path = _path(url, request)
    if not path.is_file():
        return None
    if (reason := damage(path)) is not None:
        print(f"{path}: {reason}; the request is sent again", file=sys.stderr)
        forget(path)
        return None
    answer: Answer = json.loads(path.read_text(encoding="utf-8"))
    return answer


def keep(url: str, request: Mapping[str, object], answer: Answer) -> None:
    """Cache an answer, whole or not at all."""
    text = json.dumps(answer, ensure_ascii=False)
    put(_path(url, request), lambda path: path.write_text(text, encoding="utf-8"))


def _path(url: str, request: Mapping[str, object]) -> Path:
    key = hashlib.sha256(json.dumps([url, request], sort_keys=True).encode()).hexdigest()
    return folder() / f"{key}.json"
