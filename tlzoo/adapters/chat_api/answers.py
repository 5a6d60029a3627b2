"""Answers of endpoints, kept on disk, so that no question is paid for twice."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tlzoo.blobs import cache_dir
from tlzoo.errors import UnavailableError
from tlzoo.files import damage, forget, put


def folder() -> Path:
    """Make the folder of answers, before anything is asked: an answer that cannot be kept is paid for again.

    Raises:
        UnavailableError: The cache cannot be written.
    """
    place = cache_dir() / "answers"
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"{place}: the cache cannot be written ({error.strerror}); set TLZOO_CACHE") from error
    return place


def find(url: str, request: Mapping[str, Any]) -> dict[str, Any] | None:
    """The answer that an endpoint gave to a request before, if it is there as it was written."""
    path = _path(url, request)
    if not path.is_file():
        return None
    if (reason := damage(path)) is not None:
        print(f"{path}: {reason}; asked again", file=sys.stderr)
        forget(path)
        return None
    answer: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return answer


def keep(url: str, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """Write an answer, whole or not at all."""
    text = json.dumps(answer, ensure_ascii=False)
    put(_path(url, request), lambda path: path.write_text(text, encoding="utf-8"))


def _path(url: str, request: Mapping[str, Any]) -> Path:
    key = hashlib.sha256(json.dumps([url, request], sort_keys=True).encode()).hexdigest()
    return folder() / f"{key}.json"
