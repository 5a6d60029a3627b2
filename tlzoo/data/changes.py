"""What became of a person's data since an earlier evaluation in the same folder: rows added, removed and changed."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlzoo.keys import key

if TYPE_CHECKING:
    from datasets import DatasetDict

MAX_NAMED = 3
"""Rows that are named of each kind of change."""


def contents_by_row(splits: DatasetDict) -> dict[str, str]:
    """What each row holds, in short, by its ``id``: its columns, and of a file the size; not its split, which is drawn.

    Args:
        splits: Prepared data.
    """
    return {
        row["id"]: key({name: _short(value) for name, value in row.items()})[:12]
        for rows in splits.values()
        for row in rows
    }


def _short(value: Any) -> Any:
    if not isinstance(value, Mapping) or set(value) != {"bytes", "path"}:
        return value
    if value["bytes"] is not None:
        return len(value["bytes"])
    path = Path(value["path"])
    return path.stat().st_size if path.is_file() else None


def difference(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What changed, such as ``2 rows added (a.png, b.png), 1 row changed (c.png)``.

    Args:
        before: :func:`contents_by_row` of earlier data.
        now: Of the data of today.
    """
    kinds = {
        "added": [name for name in now if name not in before],
        "removed": [name for name in before if name not in now],
        "changed": [name for name in now if before.get(name, now[name]) != now[name]],
    }
    parts = [
        f"{len(names):,} row{'s' * (len(names) != 1)} {kind} ({_named(names)})"
        for kind, names in kinds.items()
        if names
    ]
    return ", ".join(parts) or "contents of files of the same names and sizes"


def _named(names: Collection[str]) -> str:
    return ", ".join(sorted(names)[:MAX_NAMED]) + (", ..." if len(names) > MAX_NAMED else "")


def since(folder: Path, name: str, fingerprint: str, rows: Mapping[str, str]) -> str:
    """Say how data differ from those of the same name that were evaluated here last, and keep what they hold.

    Args:
        folder: Where it is kept.
        name: What boards call the data.
        fingerprint: Of the data.
        rows: :func:`contents_by_row`.

    Returns:
        One line; empty where no other data of this name were evaluated here.
    """
    own = folder / f"{key(name)[:12]}-{fingerprint[:12]}.json"
    others = [path for path in folder.glob(f"{key(name)[:12]}-*.json") if path != own]
    line = ""
    if others and not own.exists():
        last = max(others, key=lambda path: path.stat().st_mtime_ns)
        change = difference(json.loads(last.read_text(encoding="utf-8")), rows)
        line = f"data: {name} differs from what it was here before, so it has a board of its own: {change}"
    folder.mkdir(parents=True, exist_ok=True)
    own.write_text(json.dumps(dict(rows)), encoding="utf-8")
    return line
