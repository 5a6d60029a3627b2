"""Tables of MP4 and QuickTime files: those that people have are fine, those that name what is not there are not."""

import io
import struct

import av
import numpy as np
import pytest

from tests.support.bombs import gif, mkv, mov_of_counted_frames, mp4_of_a_run
from tlzoo.data.media.mov import check_tables


def mp4(form: str = "mp4", sound: bool = False, **options: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=form, options=options) as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        voice = container.add_stream("pcm_u8", rate=8000, layout="mono") if sound else None
        for _ in range(50):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 32), np.uint8), "yuv420p")))
        if voice is not None:
            samples = av.AudioFrame.from_ndarray(np.full((1, 800_000), 128, np.uint8), "u8", "mono")
            samples.rate = 8000
            container.mux(voice.encode(samples))
            container.mux(voice.encode(None))
        container.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        mp4(),
        mp4(movflags="empty_moov+default_base_moof+frag_keyframe"),
        mp4("mov", sound=True),
        mkv(300, 300),
        gif(3, 3, 3),
        b"",
        b"no video",
    ],
    ids=["mp4", "fragments", "uncompressed sound", "matroska", "gif", "empty", "text"],
)
def test_what_people_have_is_fine(content: bytes) -> None:
    file = io.BytesIO(content)
    check_tables(file)
    assert file.tell() == 0


@pytest.mark.parametrize("content", [mov_of_counted_frames(5000), mp4_of_a_run(5000)], ids=["sizes", "run"])
def test_frames_that_have_no_room_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"more frames than its [0-9,]+ bytes can hold"):
        check_tables(io.BytesIO(content))


def test_hidden_tables_are_refused() -> None:
    def box(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(content), name) + content

    with pytest.raises(ValueError, match="compressed"):
        check_tables(io.BytesIO(box(b"moov", box(b"cmov", b"x"))))
    deep = box(b"stts", bytes(8) + struct.pack(">II", 2**31, 1))
    for _ in range(100):
        deep = box(b"moov", deep)
    with pytest.raises(ValueError, match="too deep"):
        check_tables(io.BytesIO(deep))
    long = b"\0\0\0\x01moov" + struct.pack(">Q", 40) + box(b"stts", bytes(8) + struct.pack(">II", 2**31, 1))
    with pytest.raises(ValueError, match="more frames"):
        check_tables(io.BytesIO(long))
