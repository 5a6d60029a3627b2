"""Generated frames as moving pictures: those given have a green edge, those generated a red one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tlzoo.data.media.clips import RATE, clip
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from datasets import Dataset

SUFFIX = SHEET = ".gif"
_MARK = b"tlzoo"
_OF_EACH = 3  # of a sheet: right ones and wrong ones
_SCALE = 3  # a frame is enlarged so often
_EDGE = 3  # pixels
_GIVEN, _FOUND, _TRUE = (0, 158, 115), (213, 94, 0), (120, 120, 120)

Frames = NDArray[np.uint8]


def artist() -> Callable[[Path, Mapping[str, Any], Path], None]:
    """What draws a generated video, as GIF and, beside it, as MP4."""
    return draw


def draw(source: Path, prediction: Mapping[str, Any], target: Path) -> None:
    """Write a clip, given frames and generated ones in their order, as an animated GIF and as an MP4.

    Raises:
        InputError: A file cannot be written.
    """
    whole = whole_clip({"video": {"bytes": None, "path": str(source)}}, prediction)
    _save_gif(whole, target)
    save_mp4(whole, target.with_suffix(".mp4"))


def sheet(rows: Dataset, predictions: Sequence[Mapping[str, Any]], right: Sequence[bool], path: Path) -> None:
    """Draw some clips, generated above true ones: those that are better than what needs no model first.

    Raises:
        InputError: The file cannot be written.
    """
    columns = []
    for hit in (True, False):
        of_kind = np.flatnonzero(np.asarray(right, dtype=bool) == hit)
        some = np.unique(np.linspace(0, len(of_kind) - 1, min(_OF_EACH, len(of_kind))).round().astype(int))
        for index in of_kind[some]:
            row, prediction = rows[int(index)], predictions[int(index)]
            found = whole_clip(row, prediction)
            true = _edged(_large(_true(row, prediction)), _TRUE)
            columns.append(np.concatenate([found, true], axis=1))
    _save_gif(np.concatenate(columns, axis=2), path)


def is_ours(path: Path) -> bool:
    """Whether a file is a moving picture that was drawn here."""
    try:
        with Image.open(path) as image:
            return bool(image.info.get("comment") == _MARK)
    except (OSError, Image.DecompressionBombError):
        return False


def whole_clip(row: Mapping[str, Any], prediction: Mapping[str, Any]) -> Frames:
    """A clip with its generated frames in place, enlarged, each with the edge of its kind."""
    whole = _true(row, prediction)
    whole[prediction["places"]] = prediction["frames"]
    large = _large(whole)
    for places, colour in ((prediction["given"], _GIVEN), (prediction["places"], _FOUND)):
        large[places] = _edged(large[places], colour)
    return large


def _true(row: Mapping[str, Any], prediction: Mapping[str, Any]) -> Frames:
    count = max(*prediction["places"], *prediction["given"]) + 1
    side = prediction["frames"].shape[1]
    found: Frames = clip(row, count, side).permute(0, 2, 3, 1).numpy().copy()
    return found


def _large(frames: Frames) -> Frames:
    return np.repeat(np.repeat(frames, _SCALE, axis=1), _SCALE, axis=2)


def _edged(frames: Frames, colour: tuple[int, int, int]) -> Frames:
    edged = frames.copy()
    for band in (np.s_[:, :_EDGE], np.s_[:, -_EDGE:], np.s_[:, :, :_EDGE], np.s_[:, :, -_EDGE:]):
        edged[band] = colour
    return edged


def _save_gif(frames: Frames, path: Path) -> None:
    pictures = [Image.fromarray(frame) for frame in frames]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pictures[0].save(
            path, save_all=True, append_images=pictures[1:], duration=1000 // RATE, loop=0, comment=_MARK, format="GIF"
        )
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None


def save_mp4(frames: Frames, path: Path) -> None:
    """Write frames as H.264, which browsers play.

    Args:
        frames: RGB, uint8 of shape ``(frames, height, width, 3)``; of odd sides the last line is left out.
        path: Where to.

    Raises:
        InputError: The file cannot be written.
    """
    import av

    even = frames[:, : frames.shape[1] // 2 * 2, : frames.shape[2] // 2 * 2]  # as H.264 wants it
    try:
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream("libx264", rate=RATE)
            stream.height, stream.width, stream.pix_fmt = *even.shape[1:3], "yuv420p"
            for picture in even:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
            container.mux(stream.encode(None))
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
