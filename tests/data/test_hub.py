"""Data sets of the Hub, read from a small one on loopback by the unmodified client."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from datasets import Audio, ClassLabel, Dataset, Features, Value

from tests.hub_server import Hub

Maker = Callable[..., Path]
READ = """
import json, sys
from tlzoo.data.catalogue import find, load
from tlzoo.errors import TlzooError
try:
    data = load(find("audio-classification", sys.argv[1]))
except TlzooError as error:
    sys.exit(f"{type(error).__name__}: {error}")
print(json.dumps({"names": data.features["label"].names, "notices": data.notices,
                  "sizes": {k: len(v) for k, v in data.splits.items()},
                  "groups": [sorted(set(v["group"][:])) for v in data.splits.values()]}))
"""


@pytest.fixture
def notes(sound: Maker, tmp_path: Path) -> Path:
    """A repository of sixty notes of two classes by six speakers, as ``datasets`` writes one."""
    features = Features(
        {"sound": Audio(decode=False), "category": ClassLabel(names=["low", "high"]), "speaker_id": Value("string")}
    )
    rows = [sound(f"s/{i}.wav", 300 + 900 * (i % 2) + i) for i in range(60)]
    columns = {
        "sound": [{"bytes": path.read_bytes(), "path": path.name} for path in rows],
        "category": [i % 2 for i in range(60)],
        "speaker_id": [f"p{i % 6}" for i in range(60)],
    }
    folder = tmp_path / "hub" / "datasets" / "somebody" / "notes" / "data"
    folder.mkdir(parents=True)
    Dataset(pa.table(columns, schema=features.arrow_schema)).to_parquet(folder / "train-00000-of-00001.parquet")
    return tmp_path / "hub"


def read(hub: Hub, wanted: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | hub.environment(tmp_path) | {"TLZOO_CACHE": str(tmp_path / "cache")}
    return subprocess.run(
        [sys.executable, "-c", READ, wanted], env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_any_data_set_of_the_hub_with_a_sound_and_a_label(notes: Path, tmp_path: Path) -> None:
    with Hub(notes) as hub:
        done = read(hub, "hub:somebody/notes", tmp_path)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert found["names"] == ["high", "low"]
        assert sum(found["sizes"].values()) == 60
        sides = [set(g) for g in found["groups"]]
        assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2]), "no speaker on two sides"
        assert "audio from column 'sound', label from column 'category'" in found["notices"][0]


def test_what_the_hub_refuses_is_one_line(notes: Path, tmp_path: Path) -> None:
    with Hub(notes) as hub:
        done = read(hub, "hub:somebody/nothing", tmp_path)
    assert done.returncode == 1
    assert (
        done.stderr.strip().splitlines()[-1].startswith("UnavailableError: hub:somebody/nothing: the Hub answered 404")
    )
