"""Give kept results the content keys of today: ``python scripts/rekey.py FOLDER...``, such as ``.tlzoo/results``.

Keys used to hash where a loader lies, what a card says in prose, and every field of a recipe, so that tidying any of
these made a finished run unknown. ``rekey.json`` holds what variants, data sets and stand-ins were called then, and
what they are called now. A row gets its new key only where the old formula gives exactly the key that it has: then it
is the same run under another name. All other rows stay as they are, and are counted. No value is touched.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tlzoo.keys import changed, key
from tlzoo.leaderboard.schema import VERSION
from tlzoo.transfer.recipe import Recipe

Names = dict[str, dict[str, Any]]
COLUMNS = ("run_id", "card_hash", "weights_sha256", "dataset_fingerprint")


def rekeyed(row: dict[str, Any], names: Names) -> dict[str, Any] | None:
    """The columns of one row that change; nothing where the old formula does not give the key that it has.

    Args:
        row: A row of a run.
        names: Of ``variants`` the card, the variant and the new hash by the old hash; of ``data`` and ``stand_ins`` the
            new key by the old one.
    """
    old = row["card_hash"], row["weights_sha256"] or "", row["dataset_fingerprint"]
    if old[0] not in names["variants"] or old[2] not in names["data"]:
        return None
    card, variant, variant_hash = names["variants"][old[0]]
    new = variant_hash, names["stand_ins"].get(old[1], old[1]), names["data"][old[2]]
    recipe = json.loads(row["recipe"])
    cell = row["strategy"], row["seed"], row["fraction"]
    parts = [card, variant, old[0], row["weights"], old[1], row["task"], old[2], *cell, recipe, VERSION]
    if hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32] != row["run_id"]:
        return None
    how = changed(Recipe(**recipe | {"learning_rates": tuple(recipe["learning_rates"])}))
    run_id = key(card, variant, new[0], row["weights"], new[1], row["task"], new[2], *cell, how, VERSION)[:32]
    return dict(zip(COLUMNS, (run_id, new[0], new[1] or None, new[2]), strict=True))


def rekey(path: Path, names: Names) -> tuple[int, int]:
    """Rewrite one file in place.

    Returns:
        Rows of runs that have new keys, and rows of runs that stay as they are.
    """
    table = pq.read_table(path)
    rows = table.to_pylist()
    changes = [rekeyed(row, names) if row["card_hash"] else {} for row in rows]
    for name in COLUMNS:
        values = [(change or {}).get(name, row[name]) for change, row in zip(changes, rows, strict=True)]
        table = table.set_column(
            table.column_names.index(name), table.schema.field(name), pa.array(values, pa.string())
        )
    if any(changes):
        pq.write_table(table, path, compression="zstd", compression_level=19)
    return sum(bool(change) for change in changes), sum(change is None for change in changes)


def main() -> int:
    """Rewrite all files of the folders, and say how many rows have new keys."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="folders of results (Parquet files)")
    names: Names = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    for folder in parser.parse_args().folders:
        counts = [rekey(path, names) for path in sorted(folder.glob("*.parquet"))]
        new, old = (sum(column) for column in zip((0, 0), *counts, strict=True))
        print(f"{folder}: {new} rows have new keys; {old} rows are of other versions and stay as they are")
    return 0


if __name__ == "__main__":
    sys.exit(main())
