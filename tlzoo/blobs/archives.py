"""Archives that are unpacked only as far as a limit, so that a small file cannot fill the disk."""

from __future__ import annotations

import errno
import lzma
import struct
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path

from tlzoo.blobs.download import check_room
from tlzoo.blobs.limits import oversize
from tlzoo.blobs.places import PlaceError
from tlzoo.files import DISK_FULL

DAMAGED = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError),
    *(NotImplementedError, ValueError, OverflowError, struct.error),  # of malformed headers
)
"""Exceptions of a damaged archive, besides an ``OSError`` that is not of the disk (:func:`is_of_disk`)."""
_OF_DISK = (*DISK_FULL, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE)
MAX_RATIO = 100
"""Size of an unpacked archive relative to the packed one: weights, sounds and videos are hardly compressible."""
MIN_LIMIT_BYTES = 100_000_000
"""Bytes that any archive may hold, however small it is packed."""
MAX_HEADER_BYTES = 1 << 20
"""Size of a tar header that describes the next one."""


def check_unpacked(count: int, size: int | None, archive: Path) -> None:
    """Check the size of unpacked files.

    Args:
        count: Bytes that were unpacked, or that a header announces.
        size: Bytes that they should have, where known; otherwise the limit depends on the size of the archive.
        archive: The packed file.

    Raises:
        PlaceError: They are too many.
    """
    if failure := oversize(count, size):
        raise failure
    if size is None and count > max(MAX_RATIO * archive.stat().st_size, MIN_LIMIT_BYTES):
        raise PlaceError(f"{archive.name}: {count:,} bytes or more when unpacked, over {MAX_RATIO} times its own")


def is_of_disk(error: Exception) -> bool:
    """Whether an exception is a fault of the disk, and not of an archive or the names in it."""
    return isinstance(error, OSError) and error.errno in _OF_DISK


class Header(tarfile.TarInfo):
    """A tar header that is read only if its content is a file, or short."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Header:
        """Read a header.

        Raises:
            tarfile.ReadError: A long name or a list of attributes is larger than `MAX_HEADER_BYTES`.
        """
        header = super().frombuf(buf, encoding, errors)
        if header.type not in tarfile.REGULAR_TYPES and header.size > MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {header.size:,} bytes")
        return header


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar file into a folder; no member is written outside of it.

    Args:
        archive: The tar file, plain or compressed.
        folder: Where to.

    Raises:
        PlaceError: It is damaged, or too large when unpacked.
        UnavailableError: The disk has no room for a member.
        OSError: A file cannot be written.
    """
    unpacked = 0
    try:
        with tarfile.open(archive, tarinfo=Header) as tar:
            for member in tar:
                unpacked += tarfile.BLOCKSIZE + member.size
                check_unpacked(unpacked, None, archive)
                check_room(folder, member.size)
                tar.extract(member, folder, filter="data")
    except (*DAMAGED, OSError) as error:
        if is_of_disk(error):
            raise
        raise PlaceError(f"{archive.name} cannot be unpacked: {error}") from error
    except KeyError as error:
        raise PlaceError(f"{archive.name} cannot be unpacked: a link to a file that is not in it") from error


def repack(archive: Path, folder: str, target: Path) -> None:
    """Write the files below a folder of a tar file into another one: by name, without dates, owners and links.

    So the new file and its hash depend on nothing but the names and contents of the files. Hosts of repositories pack
    a commit anew from time to time, and then the archive has another hash, though all files are the same.

    Args:
        archive: The tar file, plain or compressed, with one folder at its top.
        folder: Path of the folder below the top one.
        target: The plain tar file to write; names in it begin below the folder.

    Raises:
        PlaceError: The archive is damaged, too large when unpacked, or has no such folder.
        UnavailableError: The disk has no room.
        OSError: A file cannot be written.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="new-") as scratch:
        unpack(archive, Path(scratch))
        root = next((path for path in Path(scratch).glob(f"*/{folder}") if path.is_dir()), None)
        if root is None:
            raise PlaceError(f"the archive has no folder {folder!r}")
        files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
        check_room(target.parent, sum(path.stat().st_size + 2 * tarfile.BLOCKSIZE for path in files))
        names = sorted(path.relative_to(root).as_posix() for path in files)
        with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
            for name in names:
                member = tarfile.TarInfo(name)
                member.size = (root / name).stat().st_size
                with (root / name).open("rb") as file:
                    tar.addfile(member, file)


def contents(archive: Path) -> dict[str, bytes]:
    """The content of each file of a tar file that `repack` wrote, by name.

    Args:
        archive: A file whose hash was verified.
    """
    with tarfile.open(archive, "r:") as tar:
        files = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
        return {name: file.read() for name, file in files.items() if file is not None}
