"""The check of changed cards, in real git repositories: what a contributor and a pull request go through."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import timm
from safetensors.torch import save_file

from tlzoo.cards.reader import todos
from tlzoo.escape import text as escaped
from tlzoo.leaderboard.ranking import board
from tlzoo.leaderboard.store import Store

ROOT = Path(__file__).resolve().parents[2]
PITCH = "zoo_cards/audio/pitch-extraction"
PICTURES = "zoo_cards/image/image-classification"


class Repository:
    """A copy of this checkout, as a git repository with one commit."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("tlzoo", "zoo_cards", "scripts", "tests/cards"):
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "tests/conftest.py", ".gitignore"):
            shutil.copy(ROOT / name, root / name)
        self.git("init", "--quiet", "--initial-branch", "main")
        self.commit("base")

    def git(self, *arguments: str) -> str:
        who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.c", "GIT_CONFIG_GLOBAL": os.devnull}
        who |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b.c", "GIT_CONFIG_SYSTEM": os.devnull}
        command = ["git", "-C", self.root, *arguments]
        return subprocess.run(command, env=os.environ | who, capture_output=True, text=True, check=True).stdout

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD").strip()

    def copy(self, place: str, source: str, card: str, folder: str | None = None, **changes: str) -> Path:
        """A copy of a card under another id, with some of its text changed."""
        text = (self.root / place / f"{source}.md").read_text(encoding="utf-8")
        text = text.replace(f"id: {source}", f"id: {card}", 1)
        for old, new in changes.items():
            assert old.replace("_", " ") in text
            text = text.replace(old.replace("_", " "), new)
        path = self.root / (folder or place) / f"{card}.md"
        path.write_text(text, encoding="utf-8")
        return path

    def python(self, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env=os.environ | {"PYTHONPATH": str(self.root)} | environment,
            capture_output=True,
            text=True,
            timeout=280,
        )

    def check(self, *arguments: str, against: str = "main", **environment: str) -> subprocess.CompletedProcess[str]:
        report = self.root.parent / "summary.md"
        report.unlink(missing_ok=True)
        script = [self.root / "scripts" / "check_cards.py", "--changed-against", against, "--summary", report]
        return self.python(*script, *arguments, **environment)

    @property
    def summary(self) -> str:
        return (self.root.parent / "summary.md").read_text(encoding="utf-8")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def fill_in(path: Path) -> None:
    """Do what a draft leaves to do, as a person would."""
    text = path.read_text(encoding="utf-8")
    text = text.replace("papers: []  # TODO: title and url of the paper", "papers: []")
    text = re.sub(r'"TODO: SPDX[^"]*"', "mit", text)
    text = re.sub(r"  # TODO: .*", "", re.sub(r'"TODO: ([^"]*)"', r'"In the end, \1"', text))
    text = re.sub(r"^TODO: BibTeX.*", "```bibtex\n@misc{nobody, title = {A net}}\n```", text, flags=re.MULTILINE)
    prose = "It is a network of the usual kind, and does what such networks do. " * 4
    text = re.sub(r"^TODO: .*", prose, text, flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")


def test_a_new_card_goes_from_a_draft_to_a_green_check(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: Callable[..., dict[str, Any]]
) -> None:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    save_file(timm.create_model("resnet10t", num_classes=10).state_dict(), folder / "model.safetensors")
    given = {"input_size": [3, 32, 32], "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
    config = {"architecture": "resnet10t", "num_classes": 10, "pretrained_cfg": given}
    (folder / "config.json").write_text(json.dumps(config))
    new = ["cards", "new", "tiny-net", "--task", "image-classification", "--from", str(folder), "--license", "mit"]
    drafted = repository.python("-m", "tlzoo", *new)
    path = repository.root / drafted.stdout.strip()
    assert path == repository.root / PICTURES / "tiny-net.md", drafted.stderr

    done = repository.check()
    assert done.returncode == 1
    assert "TODO left" in done.stdout
    assert f"field 'summary': {'TODO'}" in repository.summary

    fill_in(path)
    results = repository.root / "results"
    Store(results / "runs").write(
        [row("vgg-16", "probe", 0.75, task="image-classification", dataset="digits", origin="reference")]
    )
    pq.write_table(board(Store(results / "runs").read()), results / "board.parquet")
    monkeypatch.setenv("TLZOO_REFERENCE", "")
    nano = "{layers: [1, 1, 1, 1], channels: [8, 16, 32, 64], num_classes: 0}\n      size: 24\n      params: 1\n"
    text = path.read_text(encoding="utf-8")
    assert "config: {}\n" in text
    scratch = (
        "      weights:\n        - tier: stand-in\n          recipe: {task: image-classification, data: letters}\n"
    )
    assert scratch in text, "it would be pretrained first"
    text = text.replace("config: {}\n", f"config: {nano}").replace(scratch, "")
    path.write_text(text, encoding="utf-8")
    assert not todos(path.read_text(encoding="utf-8"), path)
    done = repository.check()
    assert done.returncode == 1, "the parameters are not one"
    (counted,) = re.findall(r"variant 'nano', field 'params': should be (\d+)", done.stdout)

    path.write_text(path.read_text(encoding="utf-8").replace("params: 1\n", f"params: {counted}\n"), encoding="utf-8")
    done = repository.check("--budget", "4")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tiny-net.md: the conformance suite: passed" in done.stdout
    assert re.search(r"nano on image-classification: passed: .*scratch accuracy 0\.\d+", done.stdout)
    before, _, after = repository.summary.partition("### The board after")
    for shown in (before.partition("### The board before")[2], after):
        assert f"| {escaped('vgg-16')} base | official | probe | digits | reference | accuracy 0\\.750" in shown
    assert f"{escaped('tiny-net')} nano \\(this card\\) | none | scratch | textures | local |" in after


def test_other_files_are_nothing_to_check(repository: Repository) -> None:
    (repository.root / "README.md").write_text("new")
    (repository.root / "zoo_cards" / "schema.json").write_text("{}")
    done = repository.check()
    assert (done.returncode, done.stdout) == (0, "nothing to check: no card changed\n")
    assert "Nothing to check: no card changed (2 other files did)" in repository.summary


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--changed-against", "nowhere"], "'nowhere': no such revision in"),
        (["--changed-against", "--output=evil"], "expected one argument"),
        (["--changed-against=--output=evil"], "no such revision"),
        (["--changed-against", "main", "--cards-of", "nowhere"], "'nowhere': no such revision in"),
        (["--changed-against", "main", "--budget", "0"], "expected minutes, more than 0"),
        (["--changed-against", "main", "--summary", "no/such/folder.md"], "no/such/folder.md"),
        ([], "--changed-against"),
    ],
)
def test_bad_usage_is_exit_2(repository: Repository, arguments: list[str], part: str) -> None:
    done = repository.python(repository.root / "scripts" / "check_cards.py", *arguments)
    assert done.returncode == 2
    assert part in done.stderr
    assert not (repository.root / "evil").exists()


def test_a_deleted_card_of_the_list_is_missed(repository: Repository) -> None:
    (repository.root / PITCH / "crepe.md").unlink()
    done = repository.check()
    assert done.returncode == 1
    assert "crepe.md: the file: passed: deleted" in done.stdout
    assert "crepe.md: the conformance suite: FAILED" in done.stdout


def test_hostile_files_are_refused(repository: Repository, tmp_path: Path) -> None:
    root = repository.root
    secret = tmp_path / "secret.md"
    secret.write_text("---\nkey: very secret\n---\n")
    (root / PITCH / "link.md").symlink_to(secret)
    (root / "zoo_cards" / "audio" / "audio-embedding-2").symlink_to(tmp_path)
    (root / "zoo_cards" / "audio" / "no-task").mkdir()
    code, no_place = "!!python/object/apply:os.system ['touch marker']", "no place of a card"
    texts = {
        "huge.md": (b"---\n" + b"a: b\n" * 100_000, "500,004 bytes; a card has at most 100,000"),
        "bomb.md": (b"---\na: &a [x, x]\nb: &b [*a, *a]\n---\n", "an alias (*name)"),
        "code.md": (f"---\na: {code}\n---\n".encode(), "a tag (tag:yaml.org,2002:python/object/apply:os.system)"),
        "bytes.md": (b"---\n\xff\xfe\n---\n", "no UTF-8 text"),
        "Evil Name.md": (b"---\n---\n", no_place),
        "$(touch marker).md": (b"---\n---\n", no_place),
        "new\nline.md": (b"---\n---\n", no_place),
        "conftest.py": (b"open('marker', 'w')", no_place),
        "../../audio/no-task/card.md": (b"---\n---\n", no_place),
    }
    for name, (text, _) in texts.items():
        (root / PITCH / name).write_bytes(text)
    repository.copy(PITCH, "crepe", "wrong-place", folder="zoo_cards/audio/audio-embedding")
    repository.copy(PITCH, "crepe", "system", **{"model:_crepe:CREPE": "model: '##[error]os.system(1)'"})
    repository.copy(PITCH, "crepe", "loads", **{"config:_{capacity:_nano}": "config: {checkpoint_path: ../../x}"})
    done = repository.check()
    assert done.returncode == 1, done.stderr
    found = dict(re.findall(r"^.*?([^/\n]+): the file: (.*)$", done.stdout, re.MULTILINE))
    expected = {Path(name.replace("\n", "")).name: reason for name, (_, reason) in texts.items()} | {
        "link.md": "a symbolic link",
        "audio-embedding-2": no_place,
        "wrong-place.md": "a card of audio/pitch-extraction belongs in that folder",
        "system.md": "field 'tlzoo.variants.0.model'",
        "loads.md": "config.checkpoint_path: should be null or false",
    }
    for name, reason in expected.items():
        assert found[name].startswith("FAILED: refused: "), name
        assert reason in found[name], name
    assert set(found) == set(expected)
    assert "##[" not in done.stdout, "GitHub's runner would read it"
    assert "very secret" not in done.stdout + repository.summary
    assert not (root / "marker").exists()


def test_a_strangers_card_is_checked_by_the_code_that_is_here(repository: Repository, tmp_path: Path) -> None:
    """Of another revision only cards are taken: its code is not run, and nothing of it but cards is written."""
    root, base = repository.root, repository.git("rev-parse", "HEAD").strip()
    repository.git("checkout", "--quiet", "-b", "pull")
    evil = f"open({str(tmp_path / 'marker')!r}, 'w')\n"
    for name in ("tlzoo/__init__.py", "tests/conftest.py", "scripts/check_cards.py", "sitecustomize.py"):
        (root / name).write_text(evil)
    path = repository.copy(
        PITCH,
        "crepe",
        "strange",
        **{"Mono,": '<script>alert(1)</script> <img src=x onerror="y"> ![p](http://e.x/p.png) | @you Mono,'},
    )
    prose = "\n<iframe src='http://e.x'></iframe>\n</details><script>alert(2)</script>\n```\n<b>\n"
    path.write_text(path.read_text(encoding="utf-8") + prose, encoding="utf-8")
    (root / PITCH / "link.md").symlink_to("/etc/passwd")
    repository.git("mv", f"{PICTURES}/vgg-16.md", f"{PICTURES}/vgg.md")
    head = repository.commit("a pull request")
    repository.git("checkout", "--quiet", "--detach", base)

    done = repository.check("--cards-of", head, "--budget", "0.05", against=base)
    assert done.returncode == 1, done.stderr
    assert not (tmp_path / "marker").exists()
    assert "link.md: the file: FAILED: refused: a symbolic link" in done.stdout
    assert "vgg.md: the file: FAILED: refused" in done.stdout, "its id is another one"
    assert "strange.md: the conformance suite: passed" in done.stdout
    assert "nano on pitch-extraction: FAILED: no result: " in done.stdout, "green only where it was evaluated"
    assert repository.git("status", "--porcelain", "--untracked-files=all").split() == ["??", f"{PITCH}/strange.md"]

    shown = repository.summary
    assert "4 other files changed too; they were not run" in shown
    assert r"\<script\>alert\(1\)\</script\>" in shown
    outside = re.sub(r"^(`{3,})text\n.*?^\1$", "", shown, flags=re.DOTALL | re.MULTILINE)
    tags = re.findall(r"(?<!\\)<[^>]*>", re.sub(r"`[^`\n]*`", "", outside))
    assert set(tags) <= {"<details>", "<summary>", "</summary>", "</details>"}
    assert tags.count("</details>") == 1
    assert not re.search(r"(?<!\\)!\[|(?<!\\)\]\(|\w://|@\w", outside)


def test_secrets_are_not_handed_on(repository: Repository) -> None:
    """A variable that holds a secret is not in the environment of what is run on a card."""
    conftest = repository.root / "tests" / "cards" / "conftest.py"
    conftest.write_text(conftest.read_text() + "\nimport os\n\nassert not [n for n in os.environ if 'TOKEN' in n]\n")
    repository.commit("look")
    (repository.root / PITCH / "crepe.md").unlink()
    done = repository.check(HF_TOKEN="x", github_token="y")
    assert "1 failed, 6 passed" in done.stdout, "the suite ran, and misses the card"


def test_a_board_that_cannot_be_read_is_a_failed_check(repository: Repository) -> None:
    (repository.root / "results").mkdir()
    (repository.root / "results" / "board.parquet").write_text("no Parquet")
    repository.copy("zoo_cards/text/language-modeling", "gpt-4", "other-api")
    done = repository.check(TLZOO_REFERENCE="")
    assert done.returncode == 1, done.stdout
    assert re.search(r"other-api\.md: the board: FAILED: .*board\.parquet: left out", done.stdout)
    assert re.search(r"\| the board \| \*\*failed\*\* \| .*left out", repository.summary)


def test_a_model_behind_an_api_is_not_asked(repository: Repository) -> None:
    folder = "zoo_cards/text/language-modeling"
    path = repository.copy(folder, "gpt-4", "other-api")
    done = repository.check(OPENAI_API_KEY="x", OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "other-api.md: nano on language-modeling: not run: behind an API" in done.stdout
    assert path.is_file()
