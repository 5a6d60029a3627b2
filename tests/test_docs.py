"""Documentation is true: generated pages are fresh, and every command that is shown exists with its options."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from tlzoo.cards import catalogue
from tlzoo.cli import app

ROOT = Path(__file__).resolve().parents[1]
WRITTEN = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]
PAGES = [*WRITTEN, *catalogue.paths()]


def commands(path: Path) -> list[str]:
    """Every ``tlzoo ...`` command in code, blocks and spans alike."""
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:bash|sh|text)?\n(.*?)```", text, re.DOTALL)
    spans = re.findall(r"`(tlzoo [^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    lines = [
        part for block in blocks for line in block.replace("\\\n", " ").splitlines() for part in line.split("&&")
    ] + spans
    return [m.group(1) for line in lines if (m := re.match(r"(?:\w+=\S+ )*(tlzoo .*)", line.strip()))]


def check(line: str) -> None:
    """Resolve a command and its options as the command line would, without running it."""
    words = shlex.split(line.split(" > ")[0])[1:]
    command = get_command(app)
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        name = words.pop(0)
        for alternative in name.split("|"):
            assert alternative in command.commands, f"{line}: no command {name!r}"
        command = command.commands[name.split("|")[0]]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    for word in words:
        if word.startswith("--"):
            assert word.split("=")[0] in known | {"--help"}, f"{line}: no option {word!r}"


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.stem)
def test_commands_exist(path: Path) -> None:
    for line in commands(path):
        check(line)


def test_the_readme_starts_with_two_commands() -> None:
    blocks = re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks[0].strip() == "pip install . && tlzoo eval --task audio-classification"
    assert blocks[1].strip() == "pip install -e '.[test]' && python -m pytest"
    assert len(commands(ROOT / "README.md")) >= 10


def test_links_lead_somewhere() -> None:
    for page in WRITTEN:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_modules_of_the_journeys_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("\n## ")[2]
    modules = re.findall(r"`([\w/]+\.py)`", text)
    assert len(modules) > 30
    assert not [module for module in modules if not (ROOT / "tlzoo" / module).is_file()]


def test_generated_pages_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "make_docs.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
