"""Generated frames as moving pictures: given frames have a green edge, generated ones a red edge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tlzoo.core.batch import Row
from tlzoo.core.predictions import Clip
from tlzoo.data.media.clips import RATE, clip
from tlzoo.draw.renderer import MARK, Renderer, writing

if TYPE_CHECKING:
    from datasets import Dataset

_SCALE = 3  # a frame is enlarged so often
_EDGE = 3  # pixels
_GIVEN, _GENERATED, _TRUE = (0, 158, 115), (213, 94, 0), (120, 120, 120)

Frames = NDArray[np.uint8]


class VideoRenderer(Renderer[Clip]):
    """Draws generated clips as GIF and MP4."""

    suffix = sheet_suffix = ".gif"
    examples_of_each = 3
    mark_field = "comment"

    def render(self, source: Path, prediction: Clip, target: Path) -> None:
        """Write given and generated frames, in their order, as an animated GIF and, beside it, as an MP4.

        Raises:
            InputError: A file cannot be written.
        """
        frames = whole_clip({"video": {"bytes": None, "path": str(source)}}, prediction)
        _save_gif(frames, target)
        save_mp4(frames, target.with_suffix(".mp4"))

    def contact_sheet(self, rows: Dataset, predictions: Sequence[Clip], right: Sequence[bool], path: Path) -> None:
        """Draw some clips, generated above true ones; clips that beat the naive baseline come first.

        Raises:
            InputError: The file cannot be written.
        """
        columns = []
        for _, places in self.examples(right):
            for place in places:
                row, prediction = rows[place], predictions[place]
                true = _edged(_large(_true(row, prediction)), _TRUE)
                columns.append(np.concatenate([whole_clip(row, prediction), true], axis=1))
        _save_gif(np.concatenate(columns, axis=2), path)


def whole_clip(row: Row, prediction: Clip) -> Frames:
    """A clip with its generated frames in place, enlarged, each with the edge of its kind."""
    whole = _true(row, prediction)
    whole[list(prediction.places)] = prediction.frames
    large = _large(whole)
    for places, colour in ((list(prediction.given), _GIVEN), (list(prediction.places), _GENERATED)):
        large[places] = _edged(large[places], colour)
    return large


def _true(row: Row, prediction: Clip) -> Frames:
    count = max(*prediction.places, *prediction.given) + 1
    frames: Frames = clip(row, count, prediction.frames.shape[1]).permute(0, 2, 3, 1).numpy().copy()
    return frames


def _large(frames: Frames) -> Frames:
    return np.repeat(np.repeat(frames, _SCALE, axis=1), _SCALE, axis=2)


def _edged(frames: Frames, colour: tuple[int, int, int]) -> Frames:
    edged = frames.copy()
    for band in (np.s_[:, :_EDGE], np.s_[:, -_EDGE:], np.s_[:, :, :_EDGE], np.s_[:, :, -_EDGE:]):
        edged[band] = colour
    return edged


def _save_gif(frames: Frames, path: Path) -> None:
    first, *others = (Image.fromarray(frame) for frame in frames)
    with writing(path):
        first.save(
            path,
            save_all=True,
            append_images=others,
            duration=1000 // RATE,
            loop=0,
            comment=MARK.encode(),
            format="GIF",
        )


def save_mp4(frames: Frames, path: Path) -> None:
    """Write frames as H.264, which browsers play.

    Args:
        frames: RGB, uint8 of shape ``(frames, height, width, 3)``; the last line of an odd side is left out.
        path: The file to write.

    Raises:
        InputError: The file cannot be written.
    """
    import av

    even = frames[:, : frames.shape[1] // 2 * 2, : frames.shape[2] // 2 * 2]  # H.264 needs even sides
    with writing(path), av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=RATE)
        stream.height, stream.width, stream.pix_fmt = *even.shape[1:3], "yuv420p"
        for picture in even:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        container.mux(stream.encode(None))
