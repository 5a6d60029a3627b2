"""Real data that lie beside a checkout, never in it, and published files made from them; tests skip without them."""

import shutil
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tlzoo.blobs import sha256_of
from tlzoo.blobs.archives import repack


def shared(name: str) -> Path:
    """A folder of ``shared/data`` beside the checkout, or beside a folder above it."""
    relative = Path("shared/data") / name
    for above in Path(__file__).resolve().parents[3:]:
        if (above / relative).is_dir():
            return above / relative
    pytest.skip(f"{relative} is not beside this checkout")


def mirror_of(folder: Path, files: Iterable[Path]) -> Path:
    """A mirror with copies of files, under the hashes that they have."""
    for file in files:
        target = folder / sha256_of(file) / file.name
        target.parent.mkdir(parents=True)
        shutil.copyfile(file, target)
    return folder


def archive_of(path: Path, name: str, files: Iterable[tuple[str, Path]]) -> Path:
    """An archive as GitHub packs a commit, all below one folder; from the names of files in it and their places."""
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for inside, place in files:
            tar.add(place, f"{name}-0a1b2c3/{inside}")
    return path


def banking77(scratch: Path) -> Path:
    """A mirror with the files of Banking77."""
    return mirror_of(scratch / "mirror", sorted(shared("banking77").glob("*.csv")))


def bccd(scratch: Path) -> Path:
    """A mirror with the folder of BCCD that the repository has."""
    root = shared("bccd")
    inside = [path for part in ("Annotations", "ImageSets", "JPEGImages") for path in root.glob(f"{part}/**/*.*")]
    files = [(f"BCCD/{path.relative_to(root)}", path) for path in reversed(inside)]
    return _repacked(scratch, "BCCD", [("README.md", root / "LICENSE"), *files])


def fsdd(scratch: Path) -> Path:
    """A mirror with the recordings of the Free Spoken Digit Dataset."""
    return _repacked(scratch, "recordings", [(f"recordings/{p.name}", p) for p in shared("fsdd").glob("*/*.wav")])


def _repacked(scratch: Path, folder: str, files: Iterable[tuple[str, Path]]) -> Path:
    target = scratch / f"{folder}.tar"
    repack(archive_of(scratch / "commit.tar.gz", "repository", files), folder, target)
    return mirror_of(scratch / "mirror", [target])


MIRRORS: dict[str, Callable[[Path], Path]] = {"banking77": banking77, "bccd": bccd, "fsdd": fsdd}
"""By the name of the data set."""
