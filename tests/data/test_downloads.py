"""A data set of the Hub is announced before it is downloaded, through the Hub's own client."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hub_server import Hub

READ = """
import sys
from tlzoo.data.catalogue import find, load
source = find("text-classification", sys.argv[1])
print(source.notice)
load(source)
"""


def read(environment: dict[str, str], wanted: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", READ, wanted]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)


def test_what_how_much_from_where_and_under_which_licence(tmp_path: Path) -> None:
    file = tmp_path / "hub" / "datasets" / "somebody" / "texts" / "train.csv"
    file.parent.mkdir(parents=True)
    lines = [f"a {'good' if i % 2 else 'bad'} film of number {i},{'pos' if i % 2 else 'neg'}" for i in range(80)]
    file.write_text("\n".join(["text,label", *lines]) + "\n")
    with Hub(tmp_path / "hub") as hub:
        environment = os.environ | hub.environment(tmp_path)
        done = read(environment, "hub:somebody/texts")
        commit = hub.commit("datasets", "somebody/texts")
        assert done.returncode == 0, done.stderr
        line = f"download: data set hub:somebody/texts, at most {file.stat().st_size / 1e3:.3g} kB, from "
        assert f"{line}hub:datasets/somebody/texts@{commit}, licence unknown\n" in done.stderr
        assert "download:" not in read(environment, "hub:somebody/texts").stderr  # prepared once


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_hub_that_is_slow_is_said_loudly_with_the_way_out(silent: str, tmp_path: Path) -> None:
    environment = os.environ | {"HF_ENDPOINT": silent, "HF_HOME": str(tmp_path), "TLZOO_CACHE": str(tmp_path)}
    code = READ.replace("load(source)", "")
    done = subprocess.run(
        [sys.executable, "-c", code, "auto"], env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    told = r"since sst2 is not available: hub:stanfordnlp/sst2(@[0-9a-f]{40})?: the Hub cannot be reached: "
    assert re.search(told, done.stdout), done.stderr
    assert done.stdout.endswith("; --data sst2 takes no other, --offline asks nobody\n")
