"""Images in and out: from what `datasets` stores to an RGB picture, and from pixels to PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, ImageOps

from tlzoo.errors import InputError


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
        InputError: It is missing, truncated, no image, or has more pixels than ``PIL.Image.MAX_IMAGE_PIXELS``; one line
            that names the path.
    """
    if isinstance(source, Image.Image):
        return _rgb(source, getattr(source, "filename", "") or "image in memory")
    data, path = source.get("bytes"), source.get("path")
    name = str(path or "image in memory")
    if data is None and path is None:
        raise InputError(f"{name}: neither bytes nor a path")
    try:
        image = Image.open(io.BytesIO(data) if data is not None else str(path))
    except FileNotFoundError:
        raise InputError(f"{name}: no such file") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{name}: more pixels than the limit of {Image.MAX_IMAGE_PIXELS:,}") from error
    except PIL.UnidentifiedImageError:
        raise InputError(f"{name}: no image, or of a format that Pillow does not know") from None
    except Exception as error:  # on broken files Pillow's readers raise nearly anything
        raise InputError(f"{name}: cannot be read as an image: {_line(error)}") from error
    with image:
        return _rgb(image, name)


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


def _rgb(image: Image.Image, name: str) -> Image.Image:
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and image.width * image.height > limit:
        raise InputError(f"{name}: {image.width:,} x {image.height:,} pixels; the limit is {limit:,} in all")
    try:
        if getattr(image, "n_frames", 1) > 1:
            image.seek(0)
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
    if samples.dtype.kind == "f":
        samples = np.nan_to_num(samples) * (255 if samples.max() <= 1 else 1)
    else:
        samples = np.asarray(samples, np.int64) >> 8
    return np.asarray(np.clip(samples, 0, 255), dtype=np.uint8)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
