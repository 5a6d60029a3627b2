"""A published Space: what its repository holds is enough to start it, with the results that ship."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.space.conftest import free_port, served
from tests.space.test_app import Visitor
from tests.support.hub_writes import WritableHub
from tlzoo.cards import catalogue
from tlzoo.errors import UnavailableError
from tlzoo.vocabulary import DOMAINS

SPACE = "me/tlzoo-audio"
CARD = "zoo_cards/audio/audio-classification/my-yamnet.md"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    pytest.importorskip("gradio")
    pytest.importorskip("build")
    from tlzoo.publish.space import build_wheel

    try:
        return build_wheel(tmp_path_factory.mktemp("wheel"))
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def package(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, installed beside what this environment has."""
    folder = tmp_path_factory.mktemp("package")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), str(wheel)]
    subprocess.run(install, check=True)
    return folder


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[WritableHub]:
    with WritableHub(tmp_path / "served") as hub:
        yield hub


def published(hub: WritableHub, wheel: Path, tmp_path: Path) -> Path:
    """The Space's repository on the Hub."""
    from tlzoo.publish.hub import Repository
    from tlzoo.publish.space import build_space, publication

    built = build_space("audio", tmp_path / "built", wheel=wheel)
    home = hub.home("spaces", SPACE)
    home.mkdir(parents=True)
    for name, content in publication(built, Repository("space", SPACE), hub.url).files.items():
        (home / name).write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    return home


def environment(tmp_path: Path, port: int, *paths: Path | str, **more: str) -> dict[str, str]:
    """Of a Space's process, which imports from some paths."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "GRADIO_SERVER_PORT": str(port),
        "TLZOO_CACHE": str(tmp_path / "cache"),
        "TLZOO_REFERENCE": "",
        "NO_PROXY": "127.0.0.1,localhost",
        **more,
    }


def beside(package: Path) -> list[Path | str]:
    """The wheel, and what this environment has but a checkout: gradio in a Space would import its ``spaces``."""
    return [package, *(path for path in sys.path if path and not Path(path, "pyproject.toml").exists())]


def started(folder: Path, package: Path, tmp_path: Path, **more: str) -> Any:
    """The Space of a folder, as a process whose working directory it is."""
    port = free_port()
    found = environment(tmp_path, port, *beside(package), **more)
    return served([sys.executable, "-S", "app.py"], port, found, folder)


def on_the_hub(hub: WritableHub) -> dict[str, str]:
    """What the Hub tells a Space whose README.md has ``hf_oauth``.

    All but ``SPACE_HOST``, which is a name under https://hf.space that nobody answers to here.
    """
    return {
        "SYSTEM": "spaces",
        "SPACE_ID": SPACE,
        "OAUTH_CLIENT_ID": "client",
        "OAUTH_CLIENT_SECRET": "the secret of the client",
        "OAUTH_SCOPES": "openid profile write-discussions",
        "OPENID_PROVIDER_URL": hub.url,
        "HF_ENDPOINT": hub.url,
        "HF_HUB_OFFLINE": "",
    }


def test_the_process_finds_no_checkout(package: Path, tmp_path: Path) -> None:
    where = [sys.executable, "-S", "-c", "import tlzoo; print(tlzoo.__file__)"]
    clean = environment(tmp_path, 0, *beside(package))
    found = subprocess.run(where, env=clean, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert found.startswith(str(package))


@pytest.mark.parametrize("domain", DOMAINS)
def test_it_starts_from_its_own_wheel(
    domain: str, wheel: Path, package: Path, tmp_path: Path, browse: Callable[..., Any]
) -> None:
    from tlzoo.publish.space import build_space

    built = build_space(domain, tmp_path / "space", wheel=wheel)
    assert (built / "requirements.txt").read_text() == f"./{wheel.name}[spaces]\n"
    with started(built, package, tmp_path) as url:
        visitor = Visitor(browse(), url)
        visitor.sees(f"tlzoo: {domain} models for transfer learning")
        visitor.until(lambda: visitor.rows() or f"tlzoo eval --task {domain}" in visitor.text())
        if domain == "audio":
            visitor.sees("audio-classification on spoken-digits", "openl3 nano")
        visitor.tab("Contribute")
        visitor.sees("A few facts make a draft")
        assert "Sign in" not in visitor.text() and "Open a pull request" not in visitor.text()
        assert not visitor.complaints()


def test_a_card_of_a_visitor_becomes_one_of_the_space(
    wheel: Path, package: Path, hub: WritableHub, tmp_path: Path, browse: Callable[..., Any]
) -> None:
    for needed in ("authlib", "itsdangerous"):
        pytest.importorskip(needed, reason=f"{needed} is not installed: pip install '.[spaces]'")
    home = published(hub, wheel, tmp_path)
    with started(home, package, tmp_path, **on_the_hub(hub)) as url:
        visitor = Visitor(browse(), url)
        log_in(visitor)
        assert hub.scopes == ["openid", "profile", "write-discussions"]
        text = catalogue.get_file("yamnet").path.read_text(encoding="utf-8")
        visitor.browser.execute_script(
            "document.querySelector('.cm-content').cmTile.view.dispatch({changes: {from: 0, insert: arguments[0]}})",
            text.replace("  id: yamnet\n", "  id: my-yamnet\n"),
        )
        visitor.sees(f"A valid card. It belongs at {CARD}")
        visitor.press("Open a pull request")
        visitor.sees(f"Thank you. The pull request: {hub.url}/spaces/{SPACE}/discussions/1")
    assert hub.commits[-1].written == (CARD,)
    shutil.copytree(hub.home("spaces", SPACE, "refs/pr/1") / "zoo_cards", home / "zoo_cards")
    (home / CARD).with_name("torn.md").write_text("---\n")
    with started(home, package, tmp_path, **on_the_hub(hub)) as url:
        visitor = Visitor(browse(), f"{url}/?tab=cards&card=my-yamnet")
        visitor.sees("--model my-yamnet")
        log = (tmp_path / "cache" / f"{url.rpartition(':')[2]}.log").read_text()
        assert f"left out: {(home / CARD).with_name('torn.md')}:1: no YAML front matter" in log


def log_in(visitor: Visitor) -> None:
    visitor.tab("Contribute")
    visitor.press("Sign in with Hugging Face")
    visitor.until(lambda: visitor.browser.get_cookie("session"))
    visitor.until(lambda: visitor.all("[role=tab]"))
    visitor.tab("Contribute")
    visitor.sees("Logout (me)")


@pytest.mark.timeout(1800)
def test_it_starts_in_a_new_environment(
    request: pytest.FixtureRequest, tmp_path: Path, browse: Callable[..., Any]
) -> None:
    """Install as the Hub does, from the published ``requirements.txt``, which names the wheel by its address there."""
    if not request.config.getoption("--new-environment"):
        pytest.skip("give --new-environment: it takes some minutes and 7 GB")
    wheel, hub = request.getfixturevalue("wheel"), request.getfixturevalue("hub")
    home = published(hub, wheel, tmp_path)
    port = free_port()
    clean = environment(tmp_path, port, TMPDIR=str(tmp_path), **on_the_hub(hub))
    python = tmp_path / "venv" / "bin" / "python"
    try:
        subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
        shutil.copy(home / "requirements.txt", tmp_path)  # alone, as the Hub has it then
        install = [python, "-m", "pip", "install", "--quiet", "--no-cache-dir", "-r", "requirements.txt"]
        subprocess.run(install, cwd=tmp_path, env=clean, check=True)
        assert hub.count("GET", f"/resolve/main/{wheel.name}") == 1
        with served([str(python), "app.py"], port, clean, home) as url:
            visitor = Visitor(browse(), url)
            visitor.sees("audio-classification on spoken-digits", "openl3 nano")
            log_in(visitor)
    finally:
        shutil.rmtree(tmp_path / "venv", ignore_errors=True)
