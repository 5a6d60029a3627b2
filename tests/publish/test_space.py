"""A Space as a folder, and on the Hub."""

import hashlib
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
import yaml

from tests.publish.conftest import Command
from tests.support.hub_writes import WritableHub
from tests.support.published import or_skip
from tlzoo.errors import InputError
from tlzoo.publish.commit import publish
from tlzoo.publish.hub import Hub, Repository
from tlzoo.publish.space import build_space, build_wheel, publication
from tlzoo.vocabulary import DOMAINS

APP = "from tlzoo.space.app import serve\n\nserve('audio')\n"
FRONT = (
    "---\ntitle: Sounds\nshort_description: Models\ncolorFrom: green\ncolorTo: red\nmodels: [google/yamnet]\n---\n"
    "# Sounds\n\nTry it.\n"
)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    pytest.importorskip("gradio")
    folder = tmp_path / "spaces"
    (folder / "audio").mkdir(parents=True)
    (folder / "audio" / "app.py").write_text(APP)
    (folder / "audio" / "README.md").write_text(FRONT)
    (folder / "audio" / "notes.txt").write_text("not for the Hub")
    return folder


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    pytest.importorskip("gradio")
    path = tmp_path / "tlzoo-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tlzoo/__init__.py", "")
    return path


def test_a_space_is_built(sources: Path, wheel: Path, tmp_path: Path) -> None:
    built = build_space("audio", tmp_path / "built", sources=sources, wheel=wheel)
    assert sorted(path.name for path in built.iterdir()) == ["README.md", "app.py", "requirements.txt", wheel.name]
    assert (built / "app.py").read_text() == APP
    assert (built / "requirements.txt").read_text() == f"./{wheel.name}[spaces]\n"
    _, head, body = (built / "README.md").read_text().split("---\n")
    front = yaml.safe_load(head)
    assert front == yaml.safe_load(FRONT.split("---\n")[1]) | {
        "sdk": "gradio",
        "sdk_version": metadata.version("gradio"),
        "python_version": "3.11",
        "app_file": "app.py",
        "hf_oauth": True,
        "hf_oauth_scopes": ["write-discussions"],
    }
    assert body == "# Sounds\n\nTry it.\n"
    again = {path.name: path.read_bytes() for path in built.iterdir()}
    build_space("audio", built, sources=sources, wheel=wheel)
    assert {path.name: path.read_bytes() for path in built.iterdir()} == again


def test_what_the_hub_would_refuse_is_named(sources: Path, wheel: Path, tmp_path: Path) -> None:
    readme = sources / "audio" / "README.md"

    def refused(text: str, told: str) -> None:
        readme.write_text(text)
        with pytest.raises(InputError, match=told) as caught:
            build_space("audio", tmp_path / "built", sources=sources, wheel=wheel)
        assert "\n" not in str(caught.value) and str(readme) in str(caught.value)

    refused(FRONT.replace("red", "magenta"), "unknown colorTo 'magenta'")
    refused("# Sounds\n", "field 'title' is missing")
    refused(FRONT.replace("Models", "long " * 20), "has 99 characters; the Hub takes 60")
    refused("---\ntitle: [\n---\n", "front matter is not valid YAML")
    refused("---\n- title\n---\n", "fields with values")
    readme.unlink()
    with pytest.raises(InputError, match=r"README\.md: missing"):
        build_space("audio", tmp_path / "built", sources=sources, wheel=wheel)
    with pytest.raises(InputError, match="unknown domain 'sound'"):
        build_space("sound", tmp_path / "built", sources=sources, wheel=wheel)


def test_a_space_is_published_with_its_wheel_by_address_and_hash(
    here: WritableHub, sources: Path, wheel: Path, tmp_path: Path
) -> None:
    repository = Repository("space", "me/tlzoo-audio")

    def push(package: Path) -> list[str]:
        built = build_space("audio", tmp_path / "built", sources=sources, wheel=package)
        said: list[str] = []
        publish([publication(built, repository, here.url)], Hub(), say=said.append)
        return said

    assert push(wheel)[0] == "space me/tlzoo-audio, a new repository: commit 'Space of tlzoo'"
    home = here.home("spaces", "me/tlzoo-audio")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    address = f"{here.url}/spaces/me/tlzoo-audio/resolve/main/{wheel.name}"
    assert (home / "requirements.txt").read_text() == f"tlzoo[spaces] @ {address}#sha256={digest}\n"
    assert (home / wheel.name).read_bytes() == wheel.read_bytes()
    assert yaml.safe_load((home / "README.md").read_text().split("---\n")[1])["title"] == "Sounds"
    assert push(wheel) == ["space me/tlzoo-audio: nothing to change"] and len(here.commits) == 1
    newer = wheel.with_name("tlzoo-0.2.0-py3-none-any.whl")
    newer.write_bytes(wheel.read_bytes() + b"\0")
    push(newer)
    assert set(here.commits[-1].written) == {newer.name, "requirements.txt"}
    assert here.commits[-1].deleted == (wheel.name,)
    merged = home / "zoo_cards" / "audio" / "audio-classification" / "my-model.md"
    merged.parent.mkdir(parents=True)
    merged.write_text("of a visitor")
    assert push(newer) == ["space me/tlzoo-audio: nothing to change"]
    push(wheel)
    assert here.commits[-1].deleted == (newer.name,) and merged.read_text() == "of a visitor"


def test_pip_installs_the_wheel_of_this_checkout_from_the_space(
    here: WritableHub, sources: Path, tmp_path: Path
) -> None:
    pytest.importorskip("build")
    with or_skip():
        built = build_space("audio", tmp_path / "built", sources=sources)
        again = build_wheel(tmp_path / "again")
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"tlzoo/cli/publishing.py", "tlzoo/zoo_cards/audio/audio-classification/yamnet.md"} <= names
    assert wheel.name == again.name and wheel.read_bytes() == again.read_bytes()
    publish([publication(built, Repository("space", "me/tlzoo-audio"), here.url)], Hub())
    home = here.home("spaces", "me/tlzoo-audio")
    fetch = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-index", "--dest", str(tmp_path / "fetched")]
    done = subprocess.run([*fetch, "-r", str(home / "requirements.txt")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "fetched" / wheel.name).read_bytes() == wheel.read_bytes()


def test_without_build_the_fix_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(package: str) -> str:
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "version", version)
    with pytest.raises(InputError, match=r"build is not installed, .* pip install '\.\[spaces\]'") as caught:
        build_wheel(tmp_path)
    assert "\n" not in str(caught.value)


def test_every_space_of_this_checkout_can_be_built(wheel: Path, tmp_path: Path) -> None:
    for domain in DOMAINS:
        built = build_space(domain, tmp_path / domain, wheel=wheel)
        front = yaml.safe_load((built / "README.md").read_text().split("---\n")[1])
        assert front["title"] == f"tlzoo {domain}" and front["emoji"]
        assert "tlzoo[spaces]" not in (built / "README.md").read_text(), "nobody has that name in a registry"
        compile((built / "app.py").read_text(), "app.py", "exec")


def test_an_unknown_domain_is_named(hub: WritableHub, tlzoo: Command) -> None:
    assert "'sound' is not one of 'image', 'text', 'audio', 'video'" in tlzoo("space", "sound", "--to", "me").stderr
    assert hub.writes() == []
