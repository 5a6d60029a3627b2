"""A card that a visitor contributes: checked, proposed as a pull request, and read again once it is merged."""

import html
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.space.conftest import free_port
from tests.space.test_app import Visitor
from tests.support.hub_writes import STRANGER, WritableHub
from tlzoo.cards import catalogue

pytest.importorskip("gradio")
import gradio
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
    reason = "Your token lacks the permission to read this repository."
    assert line == f"No pull request: HTTP 403, the token may not write there ({reason})"
    hub.heal()
    hub.accounts.clear()
    (line,) = told(contributing.propose(text, VISITOR))
    assert "Invalid credentials" in line
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{free_port()}")
    (line,) = told(contributing.propose(text, VISITOR))
    assert line.startswith("No pull request: the Hub cannot be reached: ") and "refused" in line
    assert hub.commits == []


def test_checking_a_card_leaves_no_file(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    verdict, save = contributing.checked(text)
    assert told(verdict) == [f"A valid card. It belongs at {PLACE}"]
    assert save.interactive and save.value == "Download the card"
    verdict, save = contributing.checked(text.replace("task: audio-classification", "task: nonsense"))
    assert "nonsense" in verdict and save.interactive and save.value == "Download the draft"
    verdict, save = contributing.checked("no card")
    assert verdict and not save.interactive
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("licence", ["", "free"])
def test_a_draft_is_called_one_with_the_lines_of_the_command(licence: str, tmp_path: Path) -> None:
    draft = contributing.drafted("my-model", "audio-classification", "My model", licence, "One sentence.")
    first, *lines = told(contributing.checked(draft)[0])
    assert first.startswith(f"A draft: {len(lines)} things are left to do. It belongs at zoo_cards/audio/")
    (tmp_path / "my-model.md").write_text(draft, encoding="utf-8")
    command = [sys.executable, "-m", "tlzoo", "cards", "validate", "my-model.md"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert [html.unescape(line) for line in lines] == done.stderr.splitlines()[:-1]


FACTS = ("my-model", "audio-classification", "My model", "mit", "One sentence.")


def test_drafting_again_keeps_what_was_written() -> None:
    first, base = contributing.redrafted(*FACTS, "", "")
    assert first == base
    written = first.replace("## When not to\n", "## When not to\nNever on a Sunday.\n")
    written = written.replace("      weights: mit", "      weights: cc-by-4.0")
    changed = ("our-model", "audio-classification", "Our model", "apache-2.0", "Another sentence.")
    text, base = contributing.redrafted(*changed, written, base)
    assert base == contributing.drafted(*changed)
    assert "Never on a Sunday." in text and "      weights: cc-by-4.0" in text
    assert "id: our-model" in text and 'name: "Our model"' in text and "Another sentence." in text
    assert text.startswith("---\nlicense: apache-2.0\n") and "my-model" not in text and "One sentence." not in text
    again, _ = contributing.redrafted(*changed, text, base)
    assert again == text
    other = ("our-model", "speech-recognition", "Our model", "apache-2.0", "Another sentence.")
    moved, _ = contributing.redrafted(*other, text, base)
    assert "Never on a Sunday." in moved and "task: speech-recognition" in moved


def test_what_was_changed_and_drafted_anew_stays_and_is_named() -> None:
    base = "a\nb\nc\nd\n"
    assert contributing.merged(base, base, "A\nb\nc\nD\n") == ("A\nb\nc\nD\n", [])
    assert contributing.merged(base, "a\nmine\nc\nd\n", "A\nB\nc\nd\n") == ("A\nmine\nc\nd\n", ["B"])
    assert contributing.merged(base, "a\nmine\nb\nc\nd\n", "a\nb\nc\nnew\nd\n") == ("a\nmine\nb\nc\nnew\nd\n", [])
    assert contributing.merged(base, "a\nb\nmine\nc\nd\n", "a\nb\nnew\nc\nd\n")[1] == ["new"]
    assert contributing.merged(base, "a\nb\nc\nd\nmine\n", "b\nc\nd\n") == ("b\nc\nd\nmine\n", [])
    assert contributing.merged(base, "", "A\nb\nc\nd\n") == ("", ["A"])


def test_a_card_that_was_not_drafted_here_is_not_replaced(text: str) -> None:
    with pytest.raises(gradio.Error, match="empty the editor first"):
        contributing.redrafted(*FACTS, text, "")


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


def editor(visitor: Visitor) -> str:
    """What the editor holds."""
    view = "return document.querySelector('.cm-content').cmTile.view.state.doc.toString()"
    return str(visitor.browser.execute_script(view))


def test_what_was_typed_outlives_another_draft_a_reload_and_another_page(
    browse: Callable[..., Any], space: str
) -> None:
    visitor = Visitor(browse(), f"{space}/?tab=contribute")
    visitor.tab("Contribute")
    visitor.write("Id", "my-model")
    visitor.write("Name", "First name")
    visitor.write("Summary", "It hears whales.")
    visitor.press("Draft the card")
    visitor.sees("A draft: ", "things are left to do")
    assert "A valid card" not in visitor.text()
    visitor.browser.execute_script(
        "const view = document.querySelector('.cm-content').cmTile.view, text = view.state.doc.toString();"
        "const at = text.indexOf('## When not to') + '## When not to'.length;"
        "view.dispatch({changes: {from: at, insert: arguments[0]}})",
        "\nNever on a Sunday.",
    )
    visitor.until(lambda: "Never on a Sunday." in editor(visitor))
    visitor.write("Name", "Second name")
    visitor.press("Draft the card")
    visitor.until(lambda: "# Second name" in editor(visitor))
    assert "Never on a Sunday." in editor(visitor) and "First name" not in editor(visitor)
    stored = "return localStorage.getItem('tlzoo-card-audio')"
    visitor.until(lambda: "Second name" in str(visitor.browser.execute_script(stored)))
    visitor.browser.get("about:blank")
    visitor = Visitor(visitor.browser, f"{space}/?tab=contribute")
    visitor.tab("Contribute")
    visitor.until(lambda: "Never on a Sunday." in editor(visitor))
    assert visitor.field("Id").get_attribute("value") == "my-model"
    assert visitor.field("Summary").get_attribute("value") == "It hears whales."
    visitor.write("Name", "Third name")
    visitor.press("Draft the card")
    visitor.until(lambda: "# Third name" in editor(visitor))
    assert "Never on a Sunday." in editor(visitor)
    visitor.press("Download the draft")
    card = visitor.until(lambda: list(visitor.browser.downloads.glob("my-model.md")))[0]
    visitor.until(lambda: card.read_text(encoding="utf-8") == editor(visitor))
    assert not visitor.complaints()
