"""``tlzoo cards new`` as a person meets it: from nothing, from files, from the Hub, and on a terminal."""

import hashlib
import json
import os
import pickle
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.support.hub_server import Hub
from tlzoo.cards.reader import CardFile, read, todos

ROOT = Path(__file__).resolve().parents[2]
README = """---
license: mit
datasets: [someone/pictures, Other]
---
# A Small Net

From [a paper](https://arxiv.org/abs/1905.11946).
"""
TIMM = {
    "architecture": "resnet10t",
    "num_classes": 10,
    "pretrained_cfg": {
        "input_size": [3, 64, 96],
        "crop_pct": 0.9,
        "interpolation": "bicubic",
        "mean": [0.5, 0.5, 0.5],
        "std": [0.2, 0.2, 0.2],
        "url": "x",
    },
}
BERT = {
    "architectures": ["BertForMaskedLM"],
    "model_type": "bert",
    "hidden_size": 32,
    "hidden_act": "gelu",
    "max_position_embeddings": 128,
    "auto_map": {"AutoModel": "evil.Model"},
    "_attn_implementation": "someone/kernel",
    "pad_token_id": 0,
}


class Bomb:
    """Unpickling it would leave a file behind."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.marker}",)


def new(to: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tlzoo", "cards", "new", "my-model", "--to", str(to), *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
        cwd=ROOT,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


def drafted(done: subprocess.CompletedProcess[str]) -> CardFile:
    assert done.returncode == 0, done.stderr
    return read(Path(done.stdout.strip()))


def checkpoint(folder: Path, config: dict[str, object]) -> Path:
    """A folder with two tensors of 6 and 4 parameters and one of statistics."""
    folder.mkdir(parents=True)
    tensors = {
        "conv.weight": np.zeros((2, 3), np.float32),
        "fc.bias": np.zeros(4, np.float16),
        "bn.running_mean": np.zeros(5, np.float32),
    }
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "README.md").write_text(README)
    return folder


def test_without_a_source_nothing_is_asked_and_validate_names_what_is_left(tmp_path: Path) -> None:
    done = new(tmp_path, "--task", "pitch-extraction")
    path = drafted(done).path
    checked = subprocess.run(
        [sys.executable, "-m", "tlzoo", "cards", "validate", path], capture_output=True, text=True, cwd=ROOT
    )
    assert checked.returncode == 2
    assert checked.stderr.splitlines()[:-1] == todos(path.read_text(encoding="utf-8"), path)
    assert "field 'summary': TODO: one sentence" in checked.stderr


def test_from_a_folder(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "it", TIMM)
    file = drafted(
        new(tmp_path, "--task", "image-classification", "--from", str(folder), "--code-license", "bsd-3-clause")
    )
    card, official = file.card, file.card.variants[0]
    assert (card.name, file.header.license, card.provenance.license.code) == ("A Small Net", "mit", "bsd-3-clause")
    assert (file.header.datasets, card.provenance.training_data) == (
        ("someone/pictures",),
        ("someone/pictures", "Other"),
    )
    assert card.provenance.papers[0].url == "https://arxiv.org/abs/1905.11946"
    assert card.provenance.year == 2019
    assert (official.adapter, official.model, official.config, official.params) == (
        "timm",
        "resnet10t",
        {"num_classes": 10},
        10,
    )
    assert (card.input.height, card.input.width, card.input.mean) == (64, 96, (0.5, 0.5, 0.5))
    assert (card.input.resize, card.input.interpolation) == (71, "bicubic"), "a crop of 90% of the shorter side"
    (weights,) = official.weights
    (stored,) = weights.files
    content = (folder / "model.safetensors").read_bytes()
    assert (stored.sha256, stored.bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert any("where it can be downloaded" in line for line in todos(file.path.read_text(encoding="utf-8"), file.path))


def test_numbers_of_a_configuration_are_numbers_on_the_card(tmp_path: Path) -> None:
    given = BERT | {"layer_norm_eps": 1e-12, "limits": [0.0, float("inf")], "rope": {"type": "linear", "factor": 1e-05}}
    given |= {"prompts": {"summarize": "Summarize: "}, "seed": 2**64, "classifier": None}
    folder = checkpoint(tmp_path / "it", given)
    file = drafted(new(tmp_path, "--task", "text-embedding", "--from", str(folder)))
    config = file.card.variants[0].config
    assert config["layer_norm_eps"] == 1e-12 and isinstance(config["layer_norm_eps"], float)
    assert config["rope"] == {"type": "linear", "factor": 1e-05}
    left = todos(file.path.read_text(encoding="utf-8"), file.path)
    assert any("left out, for a card cannot have its value: limits, prompts, seed" in line for line in left)


def test_an_id_that_is_taken_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tlzoo", "cards", "new", "bert", "--to", str(tmp_path), "--task", "text-embedding"]
    done = subprocess.run([*command, "--from", "nowhere"], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert "card id 'bert' is taken by " in done.stderr and len(done.stderr.splitlines()) == 1


def test_from_one_file_that_is_only_hashed(tmp_path: Path) -> None:
    marker, path = tmp_path / "marker", tmp_path / "net.pth"
    path.write_bytes(pickle.dumps(Bomb(marker)))
    file = drafted(new(tmp_path, "--task", "audio-embedding", "--from", str(path)))
    (weights,) = file.card.variants[0].weights
    assert weights.format == "pth"
    assert weights.files[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not marker.exists()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    checkpoint(tmp_path / "served" / "models" / "someone" / "bert", BERT)
    (tmp_path / "served" / "models" / "someone" / "bert" / "tokenizer.json").write_text("{}")
    with Hub(tmp_path / "served", large=200) as served:
        yield served


def test_from_the_hub(hub: Hub, tmp_path: Path) -> None:
    environment = hub.environment(tmp_path / "home")
    file = drafted(new(tmp_path, "--task", "text-embedding", "--from", "hub:someone/bert", **environment))
    card, official = file.card, file.card.variants[0]
    assert (official.adapter, official.model, official.params) == ("transformers", "BertModel", 10)
    assert official.config == {"hidden_size": 32, "hidden_act": "gelu", "max_position_embeddings": 128}
    assert (card.provenance.organization, card.input.max_tokens) == ("someone", 128)
    (weights,) = official.weights
    served = hub.root / "models" / "someone" / "bert"
    commit = hub.commit("models", "someone/bert")
    assert [f.name for f in weights.files] == ["model.safetensors", "config.json", "tokenizer.json"]
    for stored in weights.files:
        assert stored.sha256 == hashlib.sha256((served / stored.name).read_bytes()).hexdigest()
        assert stored.places == (f"hub:someone/bert@{commit}/{stored.name}",)
    whole = [path for method, path in hub.requests if method == "GET" and path.startswith("/lfs/")]
    assert len(whole) <= 3, "of the weights only the header, and what is short"


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("nowhere", "--from nowhere: no such folder or file; of the Hub, hub:OWNER/NAME"),
        ("hub:one", "expected hub:OWNER/NAME"),
        ("hub:some/../one", "expected hub:OWNER/NAME"),
        ("tests/cards", "there are no weights; known: .safetensors"),
    ],
)
def test_bad_sources_are_one_line(source: str, part: str, tmp_path: Path) -> None:
    done = new(tmp_path, "--task", "text-embedding", "--from", source)
    assert done.returncode == 2
    assert done.stdout == ""
    assert part in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("failure", ["gated", "repository", "rate", "server"])
def test_a_hub_that_does_not_deliver_is_one_line(hub: Hub, failure: str, tmp_path: Path) -> None:
    hub.fail(failure)
    environment = hub.environment(tmp_path / "home")
    done = new(tmp_path, "--task", "text-embedding", "--from", "hub:someone/bert", **environment)
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines()[-1].startswith("tlzoo: --from hub:someone/bert: HTTP")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * 8, (10).to_bytes(8, "little") + b"not json..", (2).to_bytes(8, "little") + b"[]"]
)
def test_a_damaged_file_is_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    done = new(tmp_path, "--task", "text-embedding", "--from", str(path))
    assert done.returncode == 2
    assert "not a valid safetensors file" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_on_a_terminal_it_asks_for_what_is_not_given(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "it", TIMM)
    command = [sys.executable, "-m", "tlzoo", "cards", "new", "my-model", "--task", "language-modeling"]
    command += ["--to", str(tmp_path), "--from", str(folder), "--paper", "https://arxiv.org/abs/2101.00001"]
    ours, theirs = pty.openpty()
    child = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, cwd=ROOT, text=True)
    os.close(theirs)
    answers = {
        "Name of the model [A Small Net]:": "",
        "What it is and when it helps, in one sentence:": "Reads genomes.",
        "Licence of the weights (SPDX, such as apache-2.0) [mit]:": "bsd-2-clause",
        "Licence of the original code:": "",
        "Kind of the input (dna, text):": "dna",
    }
    seen, end = "", time.monotonic() + 60
    for question, answer in answers.items():
        while question not in seen:
            assert time.monotonic() < end, seen
            if select.select([ours], [], [], 1)[0]:
                seen += os.read(ours, 1024).decode()
        os.write(ours, f"{answer}\n".encode())
    out, _ = child.communicate(timeout=60)
    os.close(ours)
    assert "paper" not in seen, "it was given"
    file = read(Path(out.strip()))
    assert (file.card.name, file.card.summary, file.card.input.kind) == ("A Small Net", "Reads genomes.", "dna")
    assert (file.header.license, file.card.provenance.papers[0].url) == (
        "bsd-2-clause",
        "https://arxiv.org/abs/2101.00001",
    )
    assert any("field 'code': TODO" in line for line in todos(file.path.read_text(encoding="utf-8"), file.path))
