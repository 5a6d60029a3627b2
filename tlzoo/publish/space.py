"""A Space as a folder: the application, its README.md, and the package itself as a wheel."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from collections import Counter
from importlib import metadata
from pathlib import Path

import yaml

from tlzoo.cards.reader import FENCE
from tlzoo.errors import InputError, UnavailableError, unknown
from tlzoo.publish import front, parquet
from tlzoo.publish.commit import Publication
from tlzoo.publish.hub import Repository
from tlzoo.publish.own import Data, is_own
from tlzoo.vocabulary import DOMAINS

COLORS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
PYTHON = "3.11"
REQUIREMENTS = "requirements.txt"
SCOPES = ("write-discussions",)
"""Rights that a visitor who logs in gives the Space: to open a pull request in their name."""
SHIPPED = "tlzoo/results/runs/"
"""Where the results lie in the wheel."""
MAX_DESCRIPTION = 60
"""Characters of a Space's short description, as the Hub allows."""
_COPIED = ("*.py", "*.css", "*.md", "packages.txt")


def checkout() -> Path:
    """The checkout that this package runs from.

    Raises:
        InputError: It was installed without one.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / "pyproject.toml").is_file():
        raise InputError(f"{root}: no checkout of tlzoo (pyproject.toml is missing); run it from one: pip install -e .")
    return root


def repository_name(domain: str) -> str:
    """Name of a Space's repository.

    Raises:
        InputError: No such domain.
    """
    if domain not in DOMAINS:
        raise unknown("domain", domain, DOMAINS)
    return f"tlzoo-{domain}"


def build_space(domain: str, target: Path, *, sources: Path | None = None, wheel: Path | None = None) -> Path:
    """Build a Space.

    Args:
        domain: ``image``, ``text``, ``audio`` or ``video``.
        target: Folder to write to; it may exist, and files of the same names are replaced.
        sources: Folder with a folder ``<domain>`` that holds ``app.py`` and ``README.md``; ``spaces`` of the checkout
            by default.
        wheel: The package; built from the checkout by default.

    Returns:
        The folder, with ``app.py``, ``README.md``, ``requirements.txt`` that names the wheel, and the wheel.

    Raises:
        InputError: No such domain, or its sources are missing or faulty.
        UnavailableError: The wheel cannot be built.
    """
    repository_name(domain)
    source = (sources or checkout() / "spaces") / domain
    for name in ("app.py", "README.md"):
        if not (source / name).is_file():
            raise InputError(f"{source / name}: missing; a Space is made from app.py and README.md in that folder")
    text = readme(source / "README.md")
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("*.whl"):
        old.unlink()
    for path in sorted({path for pattern in _COPIED for path in source.glob(pattern)}):
        (target / path.name).write_bytes(path.read_bytes())
    (target / "README.md").write_bytes(text)
    if wheel is None:
        package = build_wheel(target)
    else:
        package = target / wheel.name
        package.write_bytes(wheel.read_bytes())
    (target / REQUIREMENTS).write_text(f"./{package.name}[spaces]\n", encoding="utf-8")
    return target


def build_wheel(target: Path) -> Path:
    """Build the package's wheel from the checkout; the same sources give the same bytes.

    Args:
        target: Folder to write to.

    Returns:
        The wheel.

    Raises:
        InputError: There is no checkout, or the package ``build`` is not installed.
        UnavailableError: The build fails, for example because its backend is not available.
    """
    _version("build", "the Space's wheel is made with it")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(target.resolve())]
    done = subprocess.run(command, cwd=checkout(), capture_output=True, text=True, check=False)
    if done.returncode:
        message = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise UnavailableError(f"python -m build --wheel: exit code {done.returncode}: {message}")
    return max(target.glob("*.whl"), key=lambda path: path.stat().st_mtime_ns)


def readme(source: Path) -> bytes:
    """The Space's README.md: its source, checked and completed with the fields that the Hub needs.

    Args:
        source: The source's README.md: title and colours of the Space.

    Raises:
        InputError: The front matter is not valid, or the Hub would refuse it.
    """
    header, body = _split(source)
    version = _version("gradio", "the Space takes its version")
    header |= {"sdk": "gradio", "sdk_version": version, "python_version": PYTHON, "app_file": "app.py"}
    header |= {"hf_oauth": True, "hf_oauth_scopes": list(SCOPES)}
    for field in ("title", "short_description", "colorFrom", "colorTo"):
        if field not in header:
            raise InputError(f"{source}: field '{field}' is missing")
        if field.startswith("color") and header[field] not in COLORS:
            raise unknown(field, str(header[field]), COLORS, f"{source}: field '{field}'")
    if len(str(header["short_description"])) > MAX_DESCRIPTION:
        raise InputError(
            f"{source}: field 'short_description' has {len(str(header['short_description']))} characters; the Hub "
            f"takes {MAX_DESCRIPTION}"
        )
    return front.document(header, body)


def publication(folder: Path, repository: Repository, endpoint: str) -> Publication:
    """The files of a Space's repository.

    The Hub installs ``requirements.txt`` before it copies the other files, so that the wheel is named there by its
    address in the repository, with its hash: another wheel is another requirement, and is installed anew. Cards that
    were merged into the repository's own ``zoo_cards`` stay.

    Args:
        folder: What :func:`build_space` built.
        repository: Where it goes.
        endpoint: The Hub's address.
    """
    files: dict[str, bytes | Path] = {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}
    wheel = next(path for path in folder.glob("*.whl"))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    address = f"{endpoint}/{repository.path}/resolve/main/{wheel.name}#sha256={digest}"
    files[REQUIREMENTS] = f"tlzoo[spaces] @ {address}\n".encode()
    return Publication(repository, "Space of tlzoo", files, owned=("tlzoo-*.whl",), data=_data(wheel))


def _data(wheel: Path) -> tuple[Data, ...]:
    """The data sets of the results that ship in a wheel."""
    names: Counter[str] = Counter()
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            if member.startswith(SHIPPED) and member.endswith(".parquet"):
                names.update(parquet.read(archive.read(member), ["dataset"])["dataset"].to_pylist())
    return tuple(Data(name, number, is_own(name)) for name, number in sorted(names.items()))


def _split(source: Path) -> tuple[dict[str, object], str]:
    text = source.read_text(encoding="utf-8")
    match = FENCE.match(text)
    if not match:
        return {}, text
    try:
        given = yaml.safe_load(match[1])
    except yaml.YAMLError as error:
        raise InputError(f"{source}: front matter is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(given, dict):
        raise InputError(f"{source}: front matter should be fields with values")
    return given, match[2]


def _version(package: str, need: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        raise InputError(f"{package} is not installed, and {need}; pip install '.[spaces]'") from None
