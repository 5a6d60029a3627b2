"""A card that a visitor contributes: checked, proposed as a pull request, and read again once it is merged."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub_writes import STRANGER, WritableHub
from tests.space.conftest import free_port
from tlzoo.cards import catalogue

pytest.importorskip("gradio")
from gradio import OAuthToken

from tlzoo.space import contributing

SPACE, PLACE = "me/tlzoo-audio", "zoo_cards/audio/audio-classification/my-yamnet.md"
VISITOR = OAuthToken(STRANGER, "openid profile write-discussions", int(time.time()) + 3600)


@pytest.fixture
def text() -> str:
    """A card that is complete."""
    yamnet = catalogue.get_file("yamnet").path.read_text(encoding="utf-8")
    return yamnet.replace("  id: yamnet\n", "  id: my-yamnet\n")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WritableHub]:
    """A Hub that holds the Space, for the client in this process, which has no token of its own."""
    from huggingface_hub import constants

    with WritableHub(tmp_path / "served") as served:
        home = served.home("spaces", SPACE)
        home.mkdir(parents=True)
        (home / "README.md").write_text("---\nsdk: gradio\n---\n")
        monkeypatch.setattr(constants, "ENDPOINT", served.url)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        monkeypatch.setenv("SPACE_ID", SPACE)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield served


def told(answer: str) -> list[str]:
    """The lines of an answer, which never hold the token."""
    assert STRANGER not in answer
    return [line.partition("</li>")[0] for line in answer.split("<li>")[1:]]


def test_a_visitor_opens_a_pull_request(hub: WritableHub, text: str) -> None:
    assert told(contributing.propose(text, VISITOR)) == [
        f"Thank you. The pull request: {hub.url}/spaces/{SPACE}/discussions/1"
    ]
    (commit,) = hub.commits
    assert (commit.repository, commit.branch, commit.written) == (SPACE, "refs/pr/1", (PLACE,))
    assert (hub.home("spaces", SPACE, "refs/pr/1") / PLACE).read_text(encoding="utf-8") == text
    assert list(hub.files("spaces", SPACE)) == ["README.md"], "main is as it was"


def test_what_cannot_be_proposed_is_told(hub: WritableHub, text: str) -> None:
    assert told(contributing.propose(text)) == ["Log in first: the pull request is yours."]
    draft = contributing.drafted("my-model", "audio-classification", "", "", "")
    lines = told(contributing.propose(draft, VISITOR))
    assert lines and all("TODO" in line for line in lines)
    assert "is taken by" in told(contributing.propose(text.replace("id: my-yamnet", "id: yamnet"), VISITOR))[0]
    assert hub.requests == []


def test_a_hub_that_does_not_take_it_is_told_in_one_line(
    hub: WritableHub, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.fail("forbidden", "/commit/")
    (line,) = told(contributing.propose(text, VISITOR))
    assert line == "No pull request, the Hub did not take it: Your token lacks the permission to read this repository."
    hub.heal()
    hub.accounts.clear()
    (line,) = told(contributing.propose(text, VISITOR))
    assert "Invalid credentials" in line
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{free_port()}")
    (line,) = told(contributing.propose(text, VISITOR))
    assert line.startswith("No pull request, the Hub did not take it: ") and "refused" in line
    assert hub.commits == []


def test_checking_a_card_leaves_no_file(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    verdict, save = contributing.checked(text)
    assert told(verdict) == [f"A valid card. It belongs at {PLACE}"] and save.interactive
    verdict, save = contributing.checked(text.replace("task: audio-classification", "task: nonsense"))
    assert "nonsense" in verdict and not save.interactive
    assert list(tmp_path.iterdir()) == []


def test_cards_of_another_folder_are_read_too_and_bad_ones_left_out(text: str, tmp_path: Path) -> None:
    good = tmp_path.joinpath(*PLACE.split("/")[1:])
    good.parent.mkdir(parents=True)
    good.write_text(text, encoding="utf-8")
    (good.parent / "bad.md").write_text("---\nlicense: mit\n---\n")
    yamnet = catalogue.get_file("yamnet").path
    (good.parent / "yamnet.md").write_bytes(yamnet.read_bytes())
    command = [sys.executable, "-m", "tlzoo", "list", "--domain", "audio"]

    def listed(folder: Path) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {catalogue.MORE: str(folder)}
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    done = listed(tmp_path)
    assert done.returncode == 0 and "my-yamnet" in done.stdout
    bad, taken = done.stderr.splitlines()
    assert bad.startswith(f"left out: {good.parent / 'bad.md'}:2: field '")
    assert bad.endswith(f" more; tlzoo cards validate {good.parent / 'bad.md'})")
    assert taken == f"left out: {good.parent / 'yamnet.md'}: id 'yamnet' is taken by {yamnet}"
    missing = listed(tmp_path / "nowhere")
    assert missing.returncode == 2 and f"{catalogue.MORE}: {tmp_path / 'nowhere'}: no such folder" in missing.stderr
