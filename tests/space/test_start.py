"""How a Space starts: soon, since what trains models is not read until somebody tries one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("gradio")


def test_nothing_that_trains_is_read_before_it_is_asked_for(results: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tlzoo.space.app import build;"
        f"build('audio', Path({str(results)!r}));"
        "print(sorted({'torch', 'torchaudio', 'torchvision', 'transformers', 'datasets'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=os.environ, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
