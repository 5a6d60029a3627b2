"""``--model timm:NAME``, ``hub:OWNER/NAME`` and a folder, as a person types them: evaluated, fine-tuned, predicted."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.hub_server import Hub, sha256
from tests.support.named import mobilenet, tiny_bert

ONCE = ("--seeds", "0", "--fractions", "1", "--folds", "1", "--no-baselines", "--budget", "30")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def hub(home: Path) -> Iterator[Hub]:
    mobilenet(home / "served" / "models")
    tiny_bert(home / "served" / "models" / "someone" / "tiny")
    with Hub(home / "served") as served:
        yield served


class Cli:
    """The program, behind a Hub or behind none."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.environment, self.folder = environment, folder

    def __call__(self, *arguments: object, code: int = 0, **more: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "tlzoo", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=self.environment | more,
            timeout=280,
        )
        assert done.returncode == code, done.stderr
        return done


@pytest.fixture(scope="module")
def cli(hub: Hub, home: Path) -> Cli:
    root = str(Path(__file__).resolve().parents[2])
    return Cli(hub.environment(home) | {"PYTHONPATH": root, "OMP_NUM_THREADS": "1"}, home)


@pytest.fixture(scope="module")
def pictures(home: Path) -> Path:
    """Noise that is more red or more green."""
    rng = np.random.default_rng(0)
    for i in range(36):
        pixels = rng.integers(0, 80, (32, 32, 3), dtype=np.uint8)
        pixels[..., i % 2] += 100
        path = home / "pictures" / ("test" if i % 3 == 0 else "train") / ("red", "green")[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return home / "pictures"


@pytest.fixture(scope="module")
def texts(home: Path) -> Path:
    with (home / "texts.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "label"])
        table.writerows([f"{('good', 'bad')[i % 2]} {chr(97 + i % 26)}{chr(97 + i // 26)}", i % 2] for i in range(60))
    return home / "texts.csv"


def rows(printed: str) -> dict[str, dict[str, Any]]:
    return {row["strategy"]: row for row in json.loads(printed)}


def test_a_network_of_timm(cli: Cli, hub: Hub, pictures: Path) -> None:
    task = ("--task", "image-classification", "--data", pictures, "--strategy", "probe", *ONCE, "--json")
    done = cli("eval", "--model", "timm:mobilenetv3_small_100", *task)
    repository = "timm/mobilenetv3_small_100.lamb_in1k"
    commit = hub.commit("models", repository)
    assert f"not a card of the zoo; licence apache-2.0, revision {commit[:12]}" in done.stderr
    (row,) = rows(done.stdout).values()
    assert (row["card"], row["variant"]) == ("timm:mobilenetv3_small_100", commit)
    assert row["weights_sha256"] == sha256(hub.home("models", repository) / "model.safetensors")
    assert row["status"] == "ok" and row["license"] == "apache-2.0" and row["params"] > 900_000
    shown = cli("leaderboard", "--task", "image-classification", "--wide").stdout
    assert f"timm:mobilenetv3_small_100 {commit[:12]} " in shown and "ad-hoc models" in shown
    chosen = cli("select", "--task", "image-classification", "--license", "apache-2.0").stdout
    assert "timm:mobilenetv3_small_100" in chosen and "apache-2.0" in chosen
    cli("select", "--task", "image-classification", "--license", "mit", code=1)


def test_a_published_classifier_predicts_and_is_kept(cli: Cli, pictures: Path) -> None:
    picture = pictures / "test" / "red" / "0.png"
    done = cli("predict", "hub:timm/mobilenetv3_small_100.lamb_in1k", picture)
    assert len(json.loads(done.stdout)["scores"]) == 5 and "licence apache-2.0" in done.stderr
    offline = cli("predict", "timm:mobilenetv3_small_100", picture, HF_HUB_OFFLINE="1")
    assert offline.stdout == done.stdout


def test_a_folder(cli: Cli, hub: Hub, texts: Path) -> None:
    folder = hub.home("models", "someone/tiny")
    task = ("--task", "text-classification", "--data", texts)
    done = cli("eval", "--model", folder, *task, "--strategy", "full", "--strategy", "scratch", *ONCE, "--json")
    board = rows(done.stdout)
    full = board["full"]
    assert (full["card"], full["variant"]) == ("folder:tiny", sha256(folder / "model.safetensors")[:12])
    assert full["license"] == "mit" and full["gain"] is not None
    assert board["scratch"]["weights_sha256"] is None and board["scratch"]["variant"] == full["variant"]
    assert str(folder.parent) not in done.stdout


def test_a_folder_is_fine_tuned_and_what_comes_out_is_a_start(cli: Cli, hub: Hub, texts: Path) -> None:
    folder = hub.home("models", "someone/tiny")
    task = ("--task", "text-classification", "--data", texts)
    cli("finetune", folder, *task, "--strategy", "probe", "--out", "mine")
    config = json.loads((cli.folder / "mine" / "config.json").read_text())
    assert config["card"] == "folder:tiny"
    assert str(folder) not in (cli.folder / "mine" / "recipe.json").read_text()
    assert "license: mit" in (cli.folder / "mine" / "README.md").read_text()
    (answer,) = cli("predict", "mine", "good ab").stdout.splitlines()
    assert set(json.loads(answer)["scores"]) == {"0", "1"}
    done = cli("eval", "--model", "mine", *task, "--strategy", "probe", *ONCE, "--json")
    assert "fine-tuned by tlzoo from folder:tiny for text-classification; licence mit" in done.stderr
    (row,) = (row for row in json.loads(done.stdout) if row["card"] == "folder:mine")
    assert row["status"] == "ok" and row["variant"] == sha256(cli.folder / "mine" / "model.safetensors")[:12]


def test_a_repository_at_a_revision_reproduces(cli: Cli, hub: Hub, texts: Path) -> None:
    commit = hub.commit("models", "someone/tiny")
    task = ("--task", "text-classification", "--data", texts, "--strategy", "probe", *ONCE, "--json")
    done = cli("eval", "--model", f"hub:someone/tiny@{commit}", *task, "--out", "pinned")
    (row,) = rows(done.stdout).values()
    assert (row["card"], row["variant"], row["license"]) == ("hub:someone/tiny", commit, "mit")
    rerun = cli("rerun", row["run_ids"][0], "--data", texts, "--out", "pinned")
    assert "reproduced: every metric is equal to the last digit" in rerun.stdout


WRONG = {
    "timm:mobilnetv3_small_100": "timm has no such network; near: mobilenetv3_small_100",
    "hub:someone/none": "HTTP 404, no such repository",
    "hub:someone/tiny@nowhere": "HTTP 404, no such revision",
    "hub:someone/gated": "gated: accept its terms on",
    "hub:someone/tiny": "(text in, pooled+tokens out) cannot do image-classification",
}
ASK = """
import json, sys
from tlzoo.errors import TlzooError
from tlzoo.run.plan import cards_of
from tlzoo.run.request import EvaluationRequest
for name in json.loads(sys.argv[1]):
    try:
        cards_of(EvaluationRequest("image-classification", (name,)))
        print()
    except TlzooError as error:
        print(json.dumps(str(error)))
"""


def refusals(cli: Cli, names: list[str], **more: str) -> list[str]:
    """Why each of some models is not planned, all asked in one process."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, json.dumps(names)],
        capture_output=True,
        text=True,
        check=True,
        env=cli.environment | more,
        timeout=280,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_does_not_fit_is_one_line(cli: Cli, hub: Hub) -> None:
    tiny_bert(hub.root / "models" / "someone" / "gated")
    hub.fail("gated", "someone/gated")
    try:
        said = refusals(cli, list(WRONG))
    finally:
        hub.heal()
    for (name, part), line in zip(WRONG.items(), said, strict=True):
        assert part in line and name.partition("@")[0] in line and "\n" not in line, line


def test_without_a_network(cli: Cli, tmp_path: Path) -> None:
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    (line,) = refusals(cli, ["timm:mobilenetv3_small_100"], **nowhere)
    assert line.startswith("model timm:mobilenetv3_small_100: the Hub cannot be reached") and "\n" not in line
