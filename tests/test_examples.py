"""The README's recipes do what they say: its own lines, run in a folder that has what they name."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
SERVERS = ("tlzoo space", "tlzoo publish", "pip install")
"""Begin lines that serve, talk to the Hub or install: each has tests of its own."""


@pytest.fixture(scope="module")
def desk(folder: Path, scenes: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A practitioner's folder: sounds, pictures with boxes, reviews."""
    desk = tmp_path_factory.mktemp("desk")
    shutil.copytree(folder, desk / "my_sounds")
    sounds = sorted(folder.rglob("*.wav"))
    (desk / "new_sounds").mkdir()
    for each in sounds[:3]:
        shutil.copy(each, desk / "new_sounds")
    shutil.copy(sounds[0], desk / "song.wav")
    (desk / "my_coco").mkdir()
    images, annotations = [], []
    for i in range(24):
        scene = scenes[i % len(scenes)]
        scene["image"].save(desk / "my_coco" / f"{i}.png")
        images.append({"id": i, "file_name": f"{i}.png", "width": 90, "height": 72})
        for box, category in zip(scene["objects"]["bbox"], scene["objects"]["category"], strict=True):
            area = box[2] * box[3]
            annotations.append(
                {"id": len(annotations), "image_id": i, "bbox": box, "area": area, "category_id": category + 1}
            )
    classes = [{"id": 1, "name": "square"}, {"id": 2, "name": "disc"}]
    coco = {"images": images, "annotations": annotations, "categories": classes}
    (desk / "my_coco" / "annotations.json").write_text(json.dumps(coco))
    lines = [
        f"a {word} day number {i},{label}" for i in range(60) for word, label in (("fine", "good"), ("sad", "bad"))
    ]
    (desk / "my_reviews.csv").write_text("text,label\n" + "\n".join(lines))
    return desk


def recipes() -> list[str]:
    """Lines of the recipes' blocks."""
    section = README.split("## Five recipes")[1].split("\n## ")[0]
    return [line for block in re.findall(r"```bash\n(.*?)```", section, re.DOTALL) for line in block.splitlines()]


@pytest.mark.timeout(600)
def test_the_recipes_run(desk: Path) -> None:
    """As they are written; only that training gets seconds: what an evaluation has no time for is a row."""
    bin_folder = desk / "bin"
    bin_folder.mkdir()
    (bin_folder / "tlzoo").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tlzoo "$@"\n')
    (bin_folder / "tlzoo").chmod(0o755)
    environment = os.environ | {
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "TLZOO_REFERENCE": "",
    }
    run = [line for line in recipes() if not line.startswith(SERVERS)]
    assert len(run) >= 10
    for line in run:
        quick = {
            "tlzoo eval": " --budget 0.2",
            "tlzoo finetune": " --folds 1 --epochs 5",
            "tlzoo select": " --no-training",
        }
        short = line + quick.get(" ".join(line.split()[:2]), "")
        done = subprocess.run(["bash", "-euc", short], cwd=desk, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    page = (desk / "board.html").read_text()
    assert "<table" in page and "openl3" in page
    predictions = [json.loads(line) for line in (desk / "predictions.jsonl").read_text().splitlines()]
    assert len(predictions) == 3 and all(each["label"].startswith("note") for each in predictions)
    assert list((desk / "drawn").iterdir())
    assert list((desk / "zoo_cards").rglob("my-model.md"))


@pytest.mark.parametrize("form", ["script", "standard input", "notebook"])
def test_the_python_example_runs(
    form: str, notebook: Callable[[str, Path], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is written; only with a budget of seconds."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[1]))
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert '"probe"])' in code
    code = code.replace('"probe"])', '"probe"], budget=0.1)')
    code += "\nassert set(board['status'].to_pylist()) <= {'ok', 'skipped'}, board['reason'].to_pylist()"
    code += "\nprint(board.num_rows, card.id)"
    if form == "notebook":
        said = notebook(code, tmp_path)
    else:
        (tmp_path / "example.py").write_text(code)
        command = [sys.executable, "example.py" if form == "script" else "-"]
        done = subprocess.run(command, input=code, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        said = done.stdout
    rows, card = said.split()
    assert int(rows) > 0 and card
