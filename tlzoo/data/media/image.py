"""Images: a stored input is decoded to an RGB picture, and pixels are encoded as PNG."""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from tlzoo.data.media.limits import AREA, check_ratio, limits
from tlzoo.data.media.stored import Stored
from tlzoo.errors import InputError

IGNORED = 255
"""Value of mask pixels that count neither for nor against a class."""
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
"""Formats that are read, by Pillow's names: those whose header has the size of the picture, and not programs."""
HEIC = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")
"""Brands of files of HEIC (ISO/IEC 23008-12), which an extra package reads."""
JPEG2000 = b"\0\0\0\x0cjP  \r\n\x87\n"
"""Beginning of a JPEG 2000 file (ISO/IEC 15444-1, I.5.1)."""


def decode(source: Stored | Image.Image, at_least: int | None = None) -> Image.Image:
    """Decode an image as people see it.

    The rotation of the camera (EXIF) is applied, transparent pixels are laid over white, samples of more than
    8 bits are scaled to 8, and an animation is reduced to its first frame.

    Args:
        source: A stored image, or one that is already decoded.
        at_least: Height and width that are enough, pixels: a larger stored JPEG is decoded at a half, a quarter or an
            eighth of its size, which is faster.

    Returns:
        An image of mode RGB, 8 bits a channel.

    Raises:
        InputError: It is missing, truncated, not an image, or has more pixels than ``tlzoo.data.media.limits`` allows;
            one line that names the path.
    """
    if isinstance(source, Image.Image):
        return _rgb(source, getattr(source, "filename", "") or "image in memory")
    with _opened(source) as image:
        if at_least is not None:
            _check_size(image, _name(source))
            image.draft("RGB", (at_least, at_least))
        return _rgb(image, _name(source))


def check_size(source: Stored) -> None:
    """Check the size in the header of a file, without decoding it.

    Raises:
        InputError: As for :func:`decode`.
    """
    with _opened(source) as image:
        _check_size(image, _name(source))


def extent(source: Stored) -> tuple[int, int]:
    """Width and height in the header of a file, in pixels as they are stored.

    Raises:
        InputError: As for :func:`decode`.
    """
    with _opened(source) as image:
        return image.size


@dataclass(frozen=True)
class Placement:
    """Position of the pixels of a file in the picture that people see: a camera stores them as its sensor was held.

    Attributes:
        width: Of the stored pixels, before rotation.
        height: Of the stored pixels.
        orientation: The tag of EXIF 2.3, 1 to 8; 1 is as stored.
    """

    width: int
    height: int
    orientation: int = 1

    @property
    def seen(self) -> tuple[int, int]:
        """Width and height of the picture that :func:`decode` returns."""
        return (self.height, self.width) if self.orientation > 4 else (self.width, self.height)

    def points(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Positions in the picture of points ``(..., 2)``, x and y in the stored pixels."""
        x, y = points[..., 0], points[..., 1]
        if self.orientation > 4:
            x, y = y, x
        width, height = self.seen
        x = width - x if self.orientation in (2, 3, 6, 7) else x
        y = height - y if self.orientation in (3, 4, 7, 8) else y
        return np.stack([x, y], -1)

    def pixels(self, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Values ``(height, width)`` of the stored pixels, in the order of the picture."""
        values = values.T if self.orientation > 4 else values
        values = values[:, ::-1] if self.orientation in (2, 3, 6, 7) else values
        return np.ascontiguousarray(values[::-1] if self.orientation in (3, 4, 7, 8) else values)


def placement(source: Stored) -> Placement:
    """Read the position of the pixels of a file in its picture.

    Args:
        source: A stored image.

    Raises:
        InputError: As for :func:`decode`.
    """
    with _opened(source) as image:
        _check_size(image, _name(source))  # first, since Pillow decodes all of a PNG to find EXIF
        try:
            tag = image.getexif().get(ExifTags.Base.Orientation, 1)
        except Exception as error:
            raise InputError(f"{_name(source)}: broken image: {_line(error)}") from error
        return Placement(image.width, image.height, tag if tag in range(1, 9) else 1)


def annotated(source: Stored, size: tuple[int, int] | None) -> Placement:
    """Position of an annotation in the picture of a file.

    Some annotation tools apply the rotation of the camera (EXIF) and others do not; the size of the annotated picture
    shows which. If it fits both ways, or is not known, the annotation refers to the pixels as stored, as in COCO.

    Args:
        source: A stored image.
        size: Width and height of the annotated picture.

    Raises:
        InputError: The file cannot be read, or has another size either way; the message names both sizes.
    """
    stored = placement(source)
    if size is None or size == (stored.width, stored.height):
        return stored
    if size == stored.seen:
        return Placement(*stored.seen)
    raise InputError(f"is {stored.width} x {stored.height} pixels, but its annotation is {size[0]} x {size[1]}")


def read_values(source: Stored) -> NDArray[np.uint8]:
    """Read the samples of a file as numbers, such as the classes of a mask, without rotation, palette or scaling.

    Args:
        source: A stored image: of one channel, of the indices of a palette, or of equal channels.

    Returns:
        uint8 of shape ``(height, width)``; 0 and 1 for an image of one bit.

    Raises:
        InputError: As for :func:`decode`, or the channels differ, or a value is above 255.
    """
    values = read_samples(source)
    if values.ndim == 3:
        raise InputError(f"{_name(source)}: is coloured; expected one channel or a palette, whose values are classes")
    return values


def read_samples(source: Stored) -> NDArray[np.uint8]:
    """Read the samples of a file as :func:`read_values`, and colours where its channels differ.

    Returns:
        uint8 of shape ``(height, width)``; of a coloured image ``(height, width, 3)``.

    Raises:
        InputError: As for :func:`decode`, or a value is above 255.
    """
    name = _name(source)
    with _opened(source) as image:
        _check_size(image, name)
        try:
            values = np.asarray(image)
        except Exception as error:
            raise InputError(f"{name}: broken image: {_line(error)}") from error
    if values.ndim == 3:
        colours = values[..., : -1 if values.shape[2] in (2, 4) else None]
        values = colours if (colours != colours[..., :1]).any() else colours[..., 0]
    if values.dtype.kind == "f" or (values.dtype != np.uint8 and (values.min() < 0 or values.max() > 255)):
        raise InputError(f"{name}: has values from {values.min():g} to {values.max():g}; expected whole 0 to 255")
    return values.astype(np.uint8)


def deep_samples(source: Stored) -> NDArray[np.float64] | None:
    """The samples of a picture of one channel with more than 8 bits, rotated as :func:`decode` does; None of others.

    Returns:
        float64 of shape ``(height, width)``.

    Raises:
        InputError: As for :func:`decode`.
    """
    with _opened(source) as image:
        _check_size(image, _name(source))
        if not _is_deep(image):
            return None
        try:
            return np.asarray(ImageOps.exif_transpose(image), np.float64)
        except Exception as error:
            raise InputError(f"{_name(source)}: broken image: {_line(error)}") from error


def pages(source: Stored) -> int:
    """Number of pages of a TIFF file, of which the first is read; 1 of any other picture."""
    with _opened(source) as image:
        return getattr(image, "n_frames", 1) if image.format == "TIFF" else 1


def _is_deep(image: Image.Image) -> bool:
    """Whether a picture has one channel of more than 8 bits."""
    return image.mode.startswith("I") or image.mode == "F"


def encode_png(image: NDArray[np.uint8] | Image.Image) -> bytes:
    """Write an image as PNG; equal pixels give equal bytes on one version of Pillow.

    Args:
        image: A PIL image, or samples of shape ``(height, width)``, ``(height, width, 1)``, ``(height, width, 3)`` or,
            with alpha, ``(height, width, 4)``.

    Returns:
        The file's content.

    Raises:
        InputError: The array has another shape or type.
    """
    if not isinstance(image, Image.Image):
        array = np.asarray(image)
        shaped = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))
        if array.dtype != np.uint8 or not shaped or not array.size:
            raise InputError(
                f"pixels of shape {array.shape} and type {array.dtype}; expected uint8 (height, width[, 3])"
            )
        image = Image.fromarray(array[..., 0] if array.shape[2:] == (1,) else array)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def _name(source: Stored) -> str:
    return str(source.get("path") or "image in memory")


def _opened(source: Stored) -> Image.Image:
    """Open a stored image, without decoding it."""
    data, path, name = source.get("bytes"), source.get("path"), _name(source)
    if data is None and path is None:
        raise InputError(f"{name}: neither bytes nor a path")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # checked when it is decoded
            return _identified(data if isinstance(data, bytes) else Path(str(path)))
    except FileNotFoundError:
        raise InputError(f"{name}: no such file") from None
    except Image.DecompressionBombError as error:
        raise InputError(f"{name}: more pixels than the limit of {limits().pixels:,}") from error
    except PIL.UnidentifiedImageError:
        if not (data if isinstance(data, bytes) else Path(str(path)).stat().st_size):
            raise InputError(f"{name}: an empty file") from None
        raise InputError(f"{name}: not an image, or not in a format that is read: {', '.join(FORMATS)}") from None
    except ModuleNotFoundError:
        raise InputError(f"{name}: a HEIC picture, as telephones take; pip install 'tlzoo[heic]' reads it") from None
    except Exception as error:  # Pillow's readers raise many kinds of exceptions for broken files
        raise InputError(f"{name}: cannot be read as an image: {_line(error)}") from error


def _identified(source: bytes | Path) -> Image.Image:
    """Open an image in one of :data:`FORMATS`, or in HEIC with an extra package.

    Raises:
        ModuleNotFoundError: It is HEIC, and the package is missing.
    """
    if isinstance(source, Path) and _beginning(source) == JPEG2000:
        source = source.read_bytes()  # Pillow asks for as many bytes as its boxes say they have
    try:
        return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS)
    except PIL.UnidentifiedImageError:
        if not _is_heic(source):
            raise
    from pillow_heif import HeifImageFile

    opened: Image.Image = HeifImageFile(io.BytesIO(source if isinstance(source, bytes) else source.read_bytes()))  # type: ignore[no-untyped-call]
    return opened


def _beginning(source: bytes | Path) -> bytes:
    if isinstance(source, bytes):
        return source[:12]
    with source.open("rb") as file:
        return file.read(12)


def _is_heic(source: bytes | Path) -> bool:
    beginning = _beginning(source)
    return beginning[4:8] == b"ftyp" and beginning[8:12] in HEIC


def _check_size(image: Image.Image, name: str) -> None:
    limit = limits().pixels
    if limit is not None and image.width * image.height > limit:
        raise InputError(f"{name}: {AREA.format(image.width, image.height, limit)}")
    try:
        check_ratio(image.width, image.height)
    except ValueError as error:
        raise InputError(f"{name}: {error}") from None


def _rgb(image: Image.Image, name: str) -> Image.Image:
    _check_size(image, name)
    try:
        image.seek(0)  # not n_frames, which walks through all of an animation
        image.load()
        image = ImageOps.exif_transpose(image)
        if _is_deep(image):
            image = Image.fromarray(_eight_bits(np.asarray(image)))
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        return image.convert("RGB")
    except Exception as error:
        raise InputError(f"{name}: broken image: {_line(error)}") from error


def _eight_bits(samples: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale the samples of a picture that no data set says the range of to 8 bits.

    Floats that lie in [0, 1] are scaled by 255, and others as integers are: by the number of bits that the largest one
    takes, 8 or more; with negative ones, from the smallest to the largest.
    """
    known = np.nan_to_num(samples.astype(np.float64))
    low, high = float(known.min()), float(known.max())
    if low < 0:
        known, high = known - low, high - low
        scale = 255 / max(high, 1e-12)
    elif samples.dtype.kind == "f" and high <= 1:
        scale = 255
    else:
        scale = 2.0 ** (8 - max(8, math.ceil(math.log2(high + 1))))
    return np.asarray(np.clip(known * scale, 0, 255), dtype=np.uint8)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
