"""What is said before a data set is downloaded: what, how much, from where, and under which licence."""

from __future__ import annotations

import sys
from fnmatch import fnmatch

from tlzoo import blobs
from tlzoo.blobs.limits import in_words
from tlzoo.data.named import DATASETS
from tlzoo.hub import client, hub_error

_SECONDS = 5.0
_PATTERNS = ("train", "test", "archive")
"""Options of a data set that name files; without them all files may be read."""


def announce(name: str, repo: str, commit: str, options: dict[str, str]) -> None:
    """Say on standard error what is about to be downloaded of a data set of the Hub; nothing offline.

    Args:
        name: What boards call it.
        repo: Repository id.
        commit: Its commit.
        options: Options of its listing.
    """
    if blobs.is_offline():
        return
    only = [options[option] for option in _PATTERNS if option in options]
    size, licence = _facts(repo, commit, only)
    known = DATASETS[name].license if name in DATASETS else licence
    much = f"at most {in_words(size)}" if size is not None else in_words(None)
    where = f"hub:datasets/{repo}@{commit}"
    print(f"download: data set {name}, {much}, from {where}, licence {known or 'unknown'}", file=sys.stderr)


def _facts(repo: str, commit: str, only: list[str]) -> tuple[int | None, str]:
    """Size in bytes of the files of a repository that fit one of some patterns, and the licence that it names."""
    try:
        info = client().dataset_info(repo, revision=commit, timeout=_SECONDS, files_metadata=True)
    except Exception as error:
        if hub_error(error, repo) is None:
            raise
        return None, ""
    chosen = [f for f in info.siblings or [] if not only or any(fnmatch(f.rfilename, pattern) for pattern in only)]
    sizes = [file.size for file in chosen]
    licence = getattr(info.card_data, "license", None)
    whole = sum(size for size in sizes if size is not None) if sizes and None not in sizes else None
    return whole, licence if isinstance(licence, str) else ", ".join(licence or ())
