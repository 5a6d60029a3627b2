"""Of a data set of the Hub only the rows that the protocol takes are downloaded and read."""

import json
import os
import subprocess
import sys
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Image, Value

from tests.support.hub_server import Hub
from tests.support.hub_sets import Shape, picture
from tlzoo.data.dataset import Listing
from tlzoo.data.files.hub.choice import choose
from tlzoo.data.files.hub.rows import Block, Shards
from tlzoo.data.protocol import Limits, draw
from tlzoo.errors import InputError

CLASSES = ("ant", "bee", "cat", "dog")
SET = Shape(
    "somebody/animals",
    {"train": 2400, "test": 1200},
    Features({"label": ClassLabel(names=list(CLASSES)), "owner": Value("string"), "image": Image(decode=False)}),
    lambda split, i: {"label": i // 300 % 4, "owner": f"{split} {i // 5}", "image": picture(i, 24)},
)
"""Pictures sorted by class, in row groups of 100, which only one class has."""
READ = """
import json, sys
from hashlib import sha256
from tlzoo.data.catalogue import find, load
from tlzoo.data.files.hub import choice
from tlzoo.data.protocol import Limits
choice.MAX_BYTES = int(sys.argv[1])
data = load(find("image-classification", "hub:somebody/animals", Limits(*map(int, sys.argv[2].split(",")))))
names = data.features["label"].names
def plain(r): return [r["id"], names[r["label"]], sha256(r["image"]["bytes"]).hexdigest()]
rows = {split: list(map(plain, part)) for split, part in data.splits.items()}
print(json.dumps({"rows": rows, "notices": data.notices, "available": data.available}))
"""
WHOLE = """
import sys
from datasets import load_dataset
print(len(load_dataset("somebody/animals")["train"]))
"""


def run(hub: Hub, home: Path, code: str, *wanted: object) -> tuple[Any, int]:
    """The answer of a process whose Hub is ours, and the bytes of the data set's files that were sent to it."""
    before = hub.served
    environment = os.environ | hub.environment(home) | {"TLZOO_CACHE": str(home / "cache")}
    command = [sys.executable, "-c", code, *map(str, wanted)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1]), hub.served - before


def test_bytes_of_a_draw(tmp_path: Path) -> None:
    SET.write(tmp_path / "hub", group=100)
    files = sum(path.stat().st_size for path in (tmp_path / "hub").rglob("*.parquet"))
    served = {f"{s}/{i}": row for s, rows in SET.rows().items() for i, row in enumerate(rows)}
    with Hub(tmp_path / "hub") as hub:
        _, whole = run(hub, tmp_path / "0", WHOLE)
        every, all_groups = run(hub, tmp_path / "1", READ, 1 << 30, "40,12,40")
        some, few_groups = run(hub, tmp_path / "2", READ, 1 << 17, "40,12,40")
    assert whole >= files
    assert few_groups < all_groups <= whole
    assert few_groups < files / 3, (whole, all_groups, few_groups)
    print(f"bytes served: whole {whole:,}, rows of all groups {all_groups:,}, of few groups {few_groups:,}")
    for data in (every, some):
        assert {split: len(rows) for split, rows in data["rows"].items()} == {"train": 40, "validation": 12, "test": 40}
        for rows in data["rows"].values():
            assert len(set(Counter(label for _, label, _ in rows).values())) == 1, "as many of each class"
            for name, label, content in rows:
                assert CLASSES[served[name]["label"]] == label
                assert sha256(served[name]["image"]["bytes"]).hexdigest() == content
        assert data["available"]["test"] == 1200
    assert any("row groups:" in notice and "to download instead of" in notice for notice in some["notices"])
    assert not any("row groups" in notice for notice in every["notices"])


def rows(labels: list[str], groups: list[str] | None = None) -> Listing:
    names = [f"train/{i}" for i in range(len(labels))]
    return Listing("image", [], labels, names, groups)


def test_rows_are_those_of_a_draw_of_all_where_that_is_no_large_download() -> None:
    labels = [str(i % 3) for i in range(900)]
    origin = [("train", i) for i in range(900)]
    blocks = {"train": [Block(range(i, i + 100), 1000) for i in range(0, 900, 100)]}
    choice = choose(rows(labels), origin, blocks, Limits(80, 20, 100), False, True)
    wanted = draw(labels, None, None, Limits(100, 25, 125))
    assert {i: s for s, indices in wanted.items() for i in map(int, indices)} == dict(choice.splits)
    assert not choice.notices


def test_groups_stay_on_one_side_and_each_class_is_there_in_a_draw_of_few_row_groups() -> None:
    labels = [str(i // 1000) for i in range(5000)]
    groups = [f"g{i // 4}" for i in range(5000)]
    origin = [("train", i) for i in range(5000)]
    blocks = {"train": [Block(range(i, i + 50), 10_000_000) for i in range(0, 5000, 50)]}
    choice = choose(rows(labels, groups), origin, blocks, Limits(80, 20, 100), True, True)
    sides: dict[str, set[str]] = {}
    for i, split in choice.splits.items():
        sides.setdefault(groups[i], set()).add(split)
    assert all(len(side) == 1 for side in sides.values())
    for split in ("train", "validation", "test"):
        assert {labels[i] for i, own in choice.splits.items() if own == split} == set("01234")
    touched = {i // 50 for i in choice.splits}
    assert len(touched) < 25
    again = choose(rows(labels, groups), origin, blocks, Limits(80, 20, 100), True, True)
    assert again == choice, "the same rows on every machine"
    assert f"rows are drawn from {len(touched)} of" in choice.notices[-1]


def test_a_class_that_nothing_is_left_of_is_an_error_before_anything_is_downloaded() -> None:
    with pytest.raises(InputError, match="train has no class but"):
        choose(rows(["a"] * 50), [("train", i) for i in range(50)], {"train": []}, Limits(8, 2, 4), False, True)


def test_columns_and_rows_in_the_order_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are on this disk; they are opened and read as those of the Hub."""
    home = SET.write(tmp_path, group=100)
    monkeypatch.setattr("huggingface_hub.HfFileSystem", lambda: Local())
    paths = {split: [str(home / "data" / f"{split}-00000-of-00001.parquet")] * 2 for split in SET.splits}
    shards = Shards(paths)
    assert dict(shards.sizes) == {"train": 4800, "test": 2400}
    places = np.random.default_rng(0).permutation(4800)[:60].tolist()
    part = shards.take("train", ["owner", "label"], places)
    assert isinstance(part, Dataset)
    expected = [SET.row("train", place % 2400) for place in places]
    assert part["owner"][:] == [row["owner"] for row in expected]
    assert part["label"][:] == [row["label"] for row in expected]
    assert part.features["label"].names == list(CLASSES)
    assert shards.read("test", ["label"])["label"][:] == [i // 300 % 4 for i in range(2400, 3600)] * 2
    blocks = shards.blocks("train", ["image"])
    assert [block.rows for block in blocks] == [range(i, i + 100) for i in range(0, 4800, 100)]
    assert sum(block.bytes for block in blocks) > 20 * sum(b.bytes for b in shards.blocks("train", ["label"]))


class Local:
    def open(self, path: str, mode: str, cache_type: str) -> Any:
        return Path(path).open(mode)
