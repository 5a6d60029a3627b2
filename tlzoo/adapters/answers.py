"""Answers of endpoints, kept on disk, so that no question is paid for twice."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tlzoo.blobs import cache_dir
from tlzoo.errors import UnavailableError


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
    """The answer that an endpoint gave to a request before, if it is there and whole."""
    try:
        answer = json.loads(_path(url, request).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return answer if isinstance(answer, dict) and "text" in answer else None


def keep(url: str, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """Write an answer, whole or not at all."""
    path = _path(url, request)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, suffix=".part", delete=False) as file:
        json.dump(answer, file, ensure_ascii=False)
    os.replace(file.name, path)


def _path(url: str, request: Mapping[str, Any]) -> Path:
    key = hashlib.sha256(json.dumps([url, request], sort_keys=True).encode()).hexdigest()
    return folder() / f"{key}.json"
