"""What a commit would do, without a Hub."""

import hashlib
from pathlib import Path

import pytest

from tests.support.hub_server import git_oid
from tlzoo.errors import InputError
from tlzoo.publish.commit import Change, Publication, compare
from tlzoo.publish.hub import Entry, Held, Hub, Repository
from tlzoo.publish.names import owned

REPOSITORY = Repository("model", "me/thing")


def test_only_what_differs_is_changed(tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(b"large" * 1000)
    small = tmp_path / "small.txt"
    small.write_bytes(b"small")
    held = Held(
        "0" * 40,
        {
            "large.bin": Entry(5000, "pointer", hashlib.sha256(large.read_bytes()).hexdigest()),
            "small.txt": Entry(5, git_oid(small), None),
            "other.txt": Entry(5, git_oid(small), None),
            "old/stale.txt": Entry(7, "x", None),
            "theirs.txt": Entry(7, "x", None),
        },
    )
    files = {"large.bin": large, "small.txt": b"small", "other.txt": b"smalk", "new.txt": b"n"}
    found = compare(Publication(REPOSITORY, "m", files, owned=("old/*.txt",)), held)
    assert found == [
        Change("add", "new.txt", 1),
        Change("delete", "old/stale.txt", 7),
        Change("change", "other.txt", 5),
    ]
    assert [c.verb for c in compare(Publication(REPOSITORY, "m", files), None)] == ["add"] * 4


def test_a_file_of_the_same_size_in_the_large_store_is_compared_by_its_hash(tmp_path: Path) -> None:
    held = Held("0" * 40, {"a": Entry(3, git_oid(Path(__file__)), hashlib.sha256(b"abc").hexdigest())})
    assert compare(Publication(REPOSITORY, "m", {"a": b"abc"}), held) == []
    assert compare(Publication(REPOSITORY, "m", {"a": b"abd"}), held) == [Change("change", "a", 3)]


@pytest.mark.parametrize(
    "name", ["", "a", "a/b/c", "a/", "/b", "a/b--c", "a/b..c", "a/b.git", "a/b c", "a/" + "b" * 96]
)
def test_a_bad_name_is_named(name: str) -> None:
    with pytest.raises(InputError, match="--repo") as caught:
        owned("model", ["x"], Hub(), to=None, repo=name)
    assert "\n" not in str(caught.value) and "OWNER/NAME" in str(caught.value)


def test_names_are_resolved() -> None:
    hub = Hub()
    assert owned("model", ["x", "y"], hub, to="me", repo=None) == [Repository("model", f"me/{n}") for n in "xy"]
    assert owned("space", ["x"], hub, to=None, repo="you/that")[0].path == "spaces/you/that"
    with pytest.raises(InputError, match="give one of them"):
        owned("model", ["x"], hub, to="me", repo="you/that")
    with pytest.raises(InputError, match="--to 'a/b'"):
        owned("model", ["x"], hub, to="a/b", repo=None)
