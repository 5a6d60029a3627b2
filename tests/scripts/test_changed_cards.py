"""Which cards a revision changes, by git's own word."""

import importlib
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from tlzoo.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
CARD = "zoo_cards/audio/audio-classification/{}.md"


@pytest.fixture
def changed_cards(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return importlib.import_module("changed_cards")


def git(root: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "-C", root, *who, *arguments], check=True, capture_output=True)


def commit(root: Path, message: str) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with three files of cards, each of thirty lines of its own, and another file."""
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    for name in ("first", "second", "third"):
        path = tmp_path / CARD.format(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{name} {i}\n" for i in range(30)))
    (tmp_path / "README.md").write_text("x")
    commit(tmp_path, "base")
    return tmp_path


def change_all(root: Path) -> None:
    (root / CARD.format("first")).rename(root / CARD.format("renamed"))
    git(root, "add", "--all")
    (root / CARD.format("second")).write_text("changed")
    (root / CARD.format("third")).unlink()
    (root / CARD.format("new")).write_text("new")
    (root / "README.md").write_text("changed")
    (root / "zoo_cards" / "schema.json").write_text("{}")


EXPECTED = {
    ("renamed", CARD.format("renamed"), CARD.format("first")),
    ("modified", CARD.format("second"), None),
    ("deleted", CARD.format("third"), None),
    ("added", CARD.format("new"), None),
}


def test_of_the_working_tree(root: Path, changed_cards: ModuleType) -> None:
    change_all(root)
    cards, others = changed_cards.Checkout.of(root, "main").changes()
    assert {(c.kind, c.path, c.before) for c in cards} == EXPECTED
    assert sorted(others) == ["README.md", "zoo_cards/schema.json"]


def test_of_another_revision_since_both_had_the_same(root: Path, changed_cards: ModuleType) -> None:
    git(root, "checkout", "--quiet", "-b", "pull")
    change_all(root)
    commit(root, "pull")
    git(root, "checkout", "--quiet", "main")
    (root / CARD.format("second")).write_text("changed on the other side")
    commit(root, "later")
    checkout = changed_cards.Checkout.of(root, "main", "pull")
    cards, _ = checkout.changes()
    assert {(c.kind, c.path, c.before) for c in cards} == EXPECTED
    for change in cards:
        checkout.take(change, None if change.kind == "deleted" else checkout.read(change))
    names = {path.name for path in (root / CARD).parent.iterdir()}
    assert names == {"renamed.md", "second.md", "new.md"}
    assert (root / CARD.format("second")).read_text() == "changed"
    assert (root / "README.md").read_text() == "x"


def test_a_link_or_a_module_is_not_read(root: Path, changed_cards: ModuleType) -> None:
    git(root, "checkout", "--quiet", "-b", "pull")
    (root / CARD.format("link")).symlink_to("/etc/passwd")
    git(root, "add", "--all")
    git(root, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},{CARD.format('module')}")
    git(root, "commit", "--quiet", "--message", "pull")
    checkout = changed_cards.Checkout.of(root, "main", "pull")
    cards, _ = checkout.changes()
    assert {c.id for c in cards} == {"link", "module"}
    for change in cards:
        with pytest.raises(changed_cards.RefusedError, match="symbolic link, or something else"):
            checkout.read(change)


def test_histories_that_never_met_are_told_in_a_line(root: Path, changed_cards: ModuleType) -> None:
    git(root, "checkout", "--quiet", "--orphan", "apart")
    git(root, "commit", "--quiet", "--message", "apart")
    told = rf"^'main' and '\w+': no common ancestor in {root}; fetch more of the history, or name another revision$"
    for cards_of in (None, "apart"):
        with pytest.raises(InputError, match=told):
            changed_cards.Checkout.of(root, "main", cards_of)


def test_what_git_refuses_is_told_in_a_line(root: Path, changed_cards: ModuleType) -> None:
    checkout = changed_cards.Checkout.of(root, "main", "main")
    shutil.rmtree(root / ".git")
    with pytest.raises(InputError, match=r"^git diff in .* ended with code 129?8?: .*"):
        checkout.changes()
