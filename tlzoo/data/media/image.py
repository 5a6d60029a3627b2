"""Images in and out: from what `datasets` stores to an RGB picture, and from pixels to PNG bytes."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from tlzoo.data.media.limits import AREA, check_ratio, limits
from tlzoo.errors import InputError

IGNORED = 255
"""Value of mask pixels that count neither for nor against a class."""
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
"""What is read, by Pillow's names: formats of pictures whose header says how large they are, and no programs."""


def decode(source: Mapping[str, Any] | Image.Image) -> Image.Image:
    """Read an image as people see it.

    The camera's rotation (EXIF) is applied, transparency is laid over white, 16-bit samples are scaled to 8 bits, and
    of an animation the first frame is taken.

    Args:
        source: What ``datasets.Image(decode=False)`` stores, ``{"bytes", "path"}`` of which one may be ``None``, or an
            image that is decoded already.

    Returns:
        An image of mode RGB, 8 bits a channel.

    Raises:
        InputError: It is missing, truncated, no image, or has more pixels than ``tlzoo.data.media.limits`` allows; one
            line that names the path.
    """
    if isinstance(source, Image.Image):
        return _rgb(source, getattr(source, "filename", "") or "image in memory")
    with _opened(source) as image:
        return _rgb(image, _name(source))


def check_size(source: Mapping[str, Any]) -> None:
    """Look at the size that a file's header names, without decoding it.

    Raises:
        InputError: As for :func:`decode`.
    """
    with _opened(source) as image:
        _check_size(image, _name(source))


@dataclass(frozen=True)
class Placement:
    """How the pixels of a file lie in the picture that people see: a camera writes them as its sensor was held.

    Attributes:
        width: Of the file's pixels, before they are turned.
        height: Of the same.
        orientation: The tag of EXIF 2.3, 1 to 8; 1 is as stored.
    """

    width: int
    height: int
    orientation: int = 1

    @property
    def seen(self) -> tuple[int, int]:
        """Width and height of the picture as :func:`decode` gives it."""
        return (self.height, self.width) if self.orientation > 4 else (self.width, self.height)

    def points(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where points ``(..., 2)``, x and y in the file's pixels, lie in the picture."""
        x, y = points[..., 0], points[..., 1]
        if self.orientation > 4:
            x, y = y, x
        width, height = self.seen
        x = width - x if self.orientation in (2, 3, 6, 7) else x
        y = height - y if self.orientation in (3, 4, 7, 8) else y
        return np.stack([x, y], -1)

    def pixels(self, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Values ``(height, width)`` of the file's pixels, as the picture has them."""
        values = values.T if self.orientation > 4 else values
        values = values[:, ::-1] if self.orientation in (2, 3, 6, 7) else values
        return np.ascontiguousarray(values[::-1] if self.orientation in (3, 4, 7, 8) else values)


def placement(source: Mapping[str, Any]) -> Placement:
    """Read how a file's pixels lie in its picture.

    Args:
        source: What ``datasets.Image(decode=False)`` stores.

    Raises:
        InputError: As for :func:`decode`.
    """
    with _opened(source) as image:
        _check_size(image, _name(source))  # to find EXIF in a PNG, Pillow decodes all of it
        try:
            tag = image.getexif().get(ExifTags.Base.Orientation, 1)
        except Exception as error:
            raise InputError(f"{_name(source)}: broken image: {_line(error)}") from error
        return Placement(image.width, image.height, tag if tag in range(1, 9) else 1)


def annotated(source: Mapping[str, Any], size: tuple[int, int] | None) -> Placement:
    """How an annotation lies in a file's picture.

    Tools differ in whether they heed the camera's rotation (EXIF); the size that an annotation was made at tells. Where
    it fits both ways, or is not known, the annotation is taken to refer to the pixels as they are stored, as COCO's.

    Args:
        source: What ``datasets.Image(decode=False)`` stores.
        size: Width and height of what was annotated.

    Raises:
        InputError: The file cannot be read, or is of another size either way; names both sizes.
    """
    found = placement(source)
    if size is None or size == (found.width, found.height):
        return found
    if size == found.seen:
        return Placement(*found.seen)
    raise InputError(f"is {found.width} x {found.height} pixels, but its annotation is {size[0]} x {size[1]}")


def read_values(source: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Read a file's samples as numbers, such as the classes of a mask: no rotation, no palette, no scaling.

    Args:
        source: What ``datasets.Image(decode=False)`` stores: one channel, a palette's indices, or channels that are
            all the same.

    Returns:
        uint8 of shape ``(height, width)``; 0 and 1 of an image of one bit.

    Raises:
        InputError: As for :func:`decode`, or the channels differ, or a value is above 255.
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
        if (colours != colours[..., :1]).any():
            raise InputError(f"{name}: is coloured; expected one channel or a palette, whose values are classes")
        values = colours[..., 0]
    if values.dtype.kind == "f" or (values.dtype != np.uint8 and (values.min() < 0 or values.max() > 255)):
        raise InputError(f"{name}: has values from {values.min():g} to {values.max():g}; expected whole 0 to 255")
    return values.astype(np.uint8)


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


def _name(source: Mapping[str, Any]) -> str:
    return str(source.get("path") or "image in memory")


def _opened(source: Mapping[str, Any]) -> Image.Image:
    """The image of a stored value, not yet decoded."""
    data, path, name = source.get("bytes"), source.get("path"), _name(source)
    if data is None and path is None:
        raise InputError(f"{name}: neither bytes nor a path")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # whoever decodes it refuses it
            return Image.open(io.BytesIO(data) if data is not None else str(path), formats=FORMATS)
    except FileNotFoundError:
        raise InputError(f"{name}: no such file") from None
    except Image.DecompressionBombError as error:
        raise InputError(f"{name}: more pixels than the limit of {limits().pixels:,}") from error
    except PIL.UnidentifiedImageError:
        raise InputError(f"{name}: no image, or of none of the formats that are read: {', '.join(FORMATS)}") from None
    except Exception as error:  # on broken files Pillow's readers raise nearly anything
        raise InputError(f"{name}: cannot be read as an image: {_line(error)}") from error


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
        if image.mode.startswith("I") or image.mode == "F":
            image = Image.fromarray(_eight_bits(np.asarray(image)))
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        return image.convert("RGB")
    except Exception as error:
        raise InputError(f"{name}: broken image: {_line(error)}") from error


def _eight_bits(samples: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale integers of 16 bits, and floats that lie in [0, 1], to 8 bits; other floats are taken as 8-bit values."""
    scaled = np.nan_to_num(samples) * (255 if samples.max() <= 1 else 1) if samples.dtype.kind == "f" else samples >> 8
    return np.asarray(np.clip(scaled, 0, 255), dtype=np.uint8)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
