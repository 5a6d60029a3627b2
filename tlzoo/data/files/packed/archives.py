"""Archives of a person's own data, unpacked once into the cache, under the hash of the archive."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tlzoo import blobs
from tlzoo.blobs import sha256_of
from tlzoo.blobs.archives import DAMAGED, check_unpacked, is_of_disk, unpack
from tlzoo.blobs.download import check_room
from tlzoo.blobs.places import PlaceError
from tlzoo.errors import InputError
from tlzoo.files import cached

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


def is_archive(path: Path) -> bool:
    """Whether a path is a file that is named as an archive."""
    return path.name.lower().endswith(SUFFIXES) and path.is_file()


def unpacked(path: Path) -> Path:
    """The folder of an archive's files; where it holds one folder or one file alone, that one.

    Args:
        path: The archive.

    Raises:
        InputError: It is damaged, is encrypted, or is too large when unpacked.
        UnavailableError: The cache cannot be written.
    """
    target = blobs.cache_dir() / "unpacked" / sha256_of(path)

    def make(folder: Path) -> None:
        folder.mkdir()
        try:
            _unzip(path, folder) if path.suffix.lower() == ".zip" else unpack(path, folder)
        except (PlaceError, *DAMAGED, RuntimeError, OSError) as error:
            if is_of_disk(error):
                raise
            raise InputError(f"{path}: cannot be unpacked: {error}") from None

    place = cached(target, make, f"{path.name}, unpacked")
    while len(inside := [each for each in place.iterdir() if not each.name.startswith((".", "__MACOSX"))]) == 1:
        place = inside[0]
        if place.is_file():
            break
    return place


def _unzip(path: Path, folder: Path) -> None:
    """Unpack a ZIP file; ``zipfile`` writes no member outside of the folder.

    Raises:
        RuntimeError: It is encrypted.
    """
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.filename.startswith("__MACOSX/")]
        count = sum(member.file_size for member in members)
        check_unpacked(count, None, path)
        check_room(folder, count)
        for member in members:
            archive.extract(member, folder)
