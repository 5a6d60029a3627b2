"""What the Hub, its data sets and their files can do wrong is one line that says what to do."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.hub_server import CONVERSION, Hub
from tests.support.hub_sets import SHAPES

READ = """
import json, sys, time
from dataclasses import replace
time.sleep = lambda seconds: None  # the client waits half a minute before it gives up
import tlzoo.data.named as named
from tlzoo.data.catalogue import find, load
from tlzoo.errors import TlzooError

named.DATASETS["sst2"] = replace(named.DATASETS["sst2"], revision=None)
answers = {}
for wanted in json.loads(sys.argv[1]):
    try:
        load(find("text-classification", wanted))
        answers[wanted] = "read"
    except TlzooError as error:
        answers[wanted] = f"{type(error).__name__}: {error}"
source = find("text-classification", "auto")
answers["auto"] = source.name, source.notice
print(json.dumps(answers))
"""
LOGIN = "set HF_TOKEN, or run `hf auth login`"
LATER = f"try again in 55 s, or {LOGIN}"
EXPECTED = {
    "hub:a/fine": ("read", ()),
    "hub:a/fine@main": ("read", ()),
    "hub:a/configs:two": ("read", ()),
    "hub:a/configs:two@main": ("read", ()),
    "hub:a/configs@main:two": ("read", ()),
    "hub:a/nothing": ("UnavailableError: hub:a/nothing: HTTP 404, no such repository", ()),
    "hub:a/fine@elsewhere": ("UnavailableError: hub:a/fine@elsewhere: HTTP 404, no such revision", ()),
    "hub:a/configs": ("InputError: hub:a/configs: has several configurations, one, two; name one:", ()),
    "hub:a/configs:three": ("InputError: hub:a/configs:three: no such configuration; it has: one, two", ()),
    "hub:a/converted:three": ("InputError: hub:a/converted:three: no such configuration; it has: one, two", ()),
    "hub:a/converted": ("InputError: hub:a/converted: has several configurations, one, two; name one:", ()),
    "hub:a/converted:one": ("read", ()),
    "hub:a:b@c@d": ("InputError: --data hub:a:b@c@d: expected hub:OWNER/NAME[:CONFIG][@REVISION]", ()),
    "hub:a/b:one@main:two": ("InputError: --data hub:a/b:one@main:two: names two configurations, one and two", ()),
    "hub:a/script": ("UnavailableError: hub:a/script: has only a loading script, script.py, which is not run", ()),
    "hub:a/gated": ("InputError: hub:a/gated: gated: accept its terms on its page", (LOGIN,)),
    "hub:a/login": ("InputError: hub:a/login: gated: accept its terms on its page", (LOGIN,)),
    "hub:a/busy": ("UnavailableError: hub:a/busy: HTTP 429, rate limited", (LATER,)),
    "hub:a/files-busy": ("UnavailableError: hub:a/files-busy: HTTP 429, rate limited", (LATER,)),
    "hub:a/down": ("UnavailableError: hub:a/down: HTTP 500, server error of the Hub", ("try again later",)),
    "hub:a/files-down": ("UnavailableError: hub:a/files-down: HTTP 500, server error", ("try again later",)),
    "hub:a/empty": ("InputError: hub:a/empty: has no data files that can be read (Parquet, CSV", ()),
    "hub:a/torn": ("UnavailableError: hub:a/torn: data/train.parquet is damaged or cut off", ("hub:a/torn@REVISION",)),
    "hub:a/garbled": ("UnavailableError: hub:a/garbled: data/train.parquet is damaged or cut off", ()),
    "hub:a/mixed": ("InputError: hub:a/mixed: cannot be read by datasets:", ()),
    "sst2": ("UnavailableError: hub:stanfordnlp/sst2: data/train-00000-of-00001.parquet is damaged or cut", ()),
}


def table(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = {"text": [f"{path.parent} {i} {'x' * 200}" for i in range(600)], "label": [i % 2 for i in range(600)]}
    pq.write_table(pa.table(rows), path, compression="none", use_dictionary=False)
    return path


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    root = tmp_path_factory.mktemp("hub")
    home = root / "datasets" / "a"
    for name in ("fine", "gated", "login", "busy", "files-busy", "down", "files-down", "torn", "garbled"):
        table(home / name / "data" / "train.parquet")
    configs = "".join(f"- config_name: {c}\n  data_files: {c}/train.parquet\n" for c in ("one", "two"))
    for config in ("one", "two"):
        table(home / "configs" / config / "train.parquet")
        table(root / "branches" / "datasets" / "a" / "converted" / CONVERSION / config / "train" / "0000.parquet")
    (home / "configs" / "README.md").write_text(f"---\nconfigs:\n{configs}---\n")
    for name in ("script", "converted"):
        (home / name).mkdir()
        (home / name / f"{name}.py").write_text("raise SystemExit('run')")
    (home / "empty").mkdir()
    (home / "empty" / "notes.docx").write_text("no data")
    (home / "mixed").mkdir()
    (home / "mixed" / "train-1.csv").write_text("text,label\na,1\n")
    (home / "mixed" / "train-2.csv").write_text("other\n1\n")
    whole = SHAPES["sst2"].write(root) / "data" / "train-00000-of-00001.parquet"
    for torn in (home / "torn" / "data" / "train.parquet", whole):
        torn.write_bytes(torn.read_bytes()[:-500])
    garbled = home / "garbled" / "data" / "train.parquet"
    content = garbled.read_bytes()
    garbled.write_bytes(content[:4] + bytes(255 for _ in range(2000)) + content[2004:])
    with Hub(root) as hub:
        failing = {"gated": "gated", "login": "unauthorized", "files-busy": "rate", "files-down": "server"}
        for name, failure in failing.items():
            hub.fail(failure, f"/datasets/a/{name}/resolve")
        hub.fail("rate", "/api/datasets/a/busy")
        hub.fail("server", "/api/datasets/a/down")
        environment = os.environ | hub.environment(root / "home") | {"TLZOO_CACHE": str(root / "home" / "cache")}
        command = [sys.executable, "-c", READ, json.dumps(list(EXPECTED))]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    yield json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.parametrize("wanted", EXPECTED)
def test_one_line_that_names_the_alternatives(wanted: str, answers: dict[str, Any]) -> None:
    message, parts = EXPECTED[wanted]
    assert answers[wanted].startswith(message), answers[wanted]
    assert all(part in answers[wanted] for part in parts)
    assert "\n" not in answers[wanted] and "Traceback" not in answers[wanted] and len(answers[wanted]) < 500


def test_a_standard_set_that_cannot_be_loaded_gives_way_to_the_one_at_hand(answers: dict[str, Any]) -> None:
    name, notice = answers["auto"]
    assert name == "chatterbot-topics"
    assert notice.startswith("data: chatterbot-topics (what an utterance") and "since sst2 is not available" in notice
    assert "data/train-00000-of-00001.parquet is damaged or cut off" in notice and "\n" not in notice
