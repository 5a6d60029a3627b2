"""``tlzoo space`` where it cannot start."""

import os
import socket
import subprocess
import sys

import pytest


def test_a_port_in_use_is_told_in_one_line() -> None:
    pytest.importorskip("gradio")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "tlzoo", "space", "audio", "--port", port]
        done = subprocess.run(command, env=os.environ | {"HF_HUB_OFFLINE": "1"}, capture_output=True, text=True)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"tlzoo: port {port}: in use") and "--port" in line
