"""A published Space: what its folder holds is enough to start it, with the results that ship."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.space.conftest import free_port, served
from tests.space.test_app import Visitor
from tlzoo.errors import UnavailableError


def test_it_starts_from_its_own_wheel(tmp_path: Path, browse: Callable[..., Any]) -> None:
    pytest.importorskip("gradio")
    pytest.importorskip("build")
    from tlzoo.publish.space import build_space

    try:
        built = build_space("audio", tmp_path / "space")
    except UnavailableError as error:
        pytest.skip(str(error))
    requirement = (built / "requirements.txt").read_text().strip()
    assert requirement.endswith(".whl[spaces]")
    wheel = built / requirement.removesuffix("[spaces]")
    package = tmp_path / "package"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(package), str(wheel)]
    subprocess.run(install, check=True)
    port = free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": str(package),
        "GRADIO_SERVER_PORT": str(port),
        "TLZOO_CACHE": str(tmp_path / "cache"),
        "TLZOO_REFERENCE": "",
    }
    where = [sys.executable, "-c", "import tlzoo; print(tlzoo.__file__)"]
    found = subprocess.run(where, env=environment, cwd=built, capture_output=True, text=True, check=True).stdout
    assert found.startswith(str(package)), "not the checkout"
    with served([sys.executable, "app.py"], port, environment, built) as url:
        visitor = Visitor(browse(), url)
        visitor.sees("audio-classification on spoken-digits", "crepe tiny")
        assert not visitor.complaints()
