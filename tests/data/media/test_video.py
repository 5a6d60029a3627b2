import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tlzoo.data.media.video import check, decode, encode, spread
from tlzoo.errors import InputError


def film(count: int = 12, height: int = 32, width: int = 48) -> np.ndarray:
    frames = np.zeros((count, height, width, 3), np.uint8)
    frames += (np.arange(count, dtype=np.uint8) * 20)[:, None, None, None]
    frames[:, : height // 2, :, 0] = 255
    return frames


def stored(data: bytes) -> dict[str, Any]:
    return {"bytes": data, "path": "a.mkv"}


@pytest.mark.parametrize("size", [(32, 48), (33, 47), (1, 1)])
def test_frames_come_back_without_loss(size: tuple[int, int]) -> None:
    frames = film(12, *size)
    assert np.array_equal(decode(stored(encode(frames, 10)), 12), frames)


def test_frames_are_spread_by_time_or_follow_each_other() -> None:
    frames = film()
    whole = stored(encode(frames, 10))
    assert np.array_equal(decode(whole, 4), frames[[1, 4, 7, 10]])
    assert np.array_equal(decode(whole, 4, every=2), frames[[0, 2, 4, 6]])
    assert np.array_equal(decode(whole, 14, every=1)[-3:], frames[[11, 11, 11]]), "a short video repeats its end"
    assert len(decode(whole, 30)) == 30
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream: Any = container.add_stream("ffv1", rate=1000)
        stream.height, stream.width, stream.pix_fmt = 32, 48, "bgr0"
        for picture, time in zip(film(), [*range(8), 100, 200, 300, 400], strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = time
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    shown = decode(stored(file.getvalue()), 4)[:, -1, 0, 0] // 20
    assert shown.tolist() == [7, 8, 9, 10], "most of the frames are in the first hundredth of the time"
    assert spread([0.0], 3) == [0, 0, 0]


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_usual_files_are_read(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264" if suffix == ".mp4" else "gif", rate=10)
        stream.height, stream.width = 32, 48
        stream.pix_fmt = "yuv420p" if suffix == ".mp4" else "rgb8"
        for picture in film():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    source = {"bytes": None, "path": str(path)}
    assert check(source) is None
    frames = decode(source, 12).astype(int)
    assert frames.shape == (12, 32, 48, 3)
    assert np.abs(frames[:, -4, 4] - film()[:, -4, 4]).mean() < 25, "colours are few in a GIF"


def test_what_is_no_video_is_said(tmp_path: Path) -> None:
    sound = tmp_path / "sound.mp4"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    empty = encode(film(1), 10)[:200]
    for data, reason in [
        (b"", "an empty file"),
        (b"no video at all" * 100, "not readable as video"),
        (sound.read_bytes(), "no video in it"),
        (empty, "no frames|not readable"),
    ]:
        problem = check(stored(data))
        assert problem is not None and "\n" not in problem
        with pytest.raises(InputError, match=rf"a.mkv: ({reason})"):
            decode(stored(data), 2)
    assert "No such file" in str(check({"bytes": None, "path": "/nowhere.mp4"}))
