"""Small files that are large once they are decoded: refused by what their headers name, or while they are decoded."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import GifImagePlugin, Image, PngImagePlugin

from tests.support.bombs import BOMBS, CONCAT, HLS, flac, flac_of_unknown_length, gif, mkv, png, wav
from tlzoo.data.media import audio, image, video
from tlzoo.data.media.inputs import check_size, read_checked
from tlzoo.data.media.limits import Limits, within
from tlzoo.errors import InputError

MOST_MB = 2000
"""Of memory, that a bomb may take."""
MOST_ADDRESSES = 12 << 30
"""What is asked for, if not taken: so that a test that fails ends itself, and not the machine."""
CHILD = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
from tlzoo.data.media.inputs import read_checked, read_input
from tlzoo.errors import InputError
kind, path = sys.argv[2:]
answers = []
try:
    read_input({kind: {"bytes": None, "path": path}}, kind, 16_000, 16)
    answers.append("")
except InputError as error:
    answers.append(str(error))
answers.append(read_checked(kind)({"bytes": None, "path": path})[1] or "")
status = open("/proc/self/status").read()
print(json.dumps([int(status.split("VmHWM:")[1].split()[0]) / 1024, answers]))
"""
REFUSED = {
    "image": "the limit (of|is)|longer side may be|not in a format",
    "audio": "the limit is",
    "video": r"the limit|more frames than its|longer side may be|not in a container|not readable as video",
}
FINE = {"four gigabytes.wav", "two a second.wav", "two gigahertz.wav", "channels.wav"}
"""A reader of own files takes them: they hold less than their headers say, or no more than an hour."""


def run(kind: str, path: Path) -> tuple[float, list[str]]:
    """Decode and check a file in a process of its own; gives its peak of resident memory, in MB, and its answers."""
    command = [sys.executable, "-c", CHILD, str(MOST_ADDRESSES), kind, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    peak, answers = json.loads(done.stdout)
    return peak, answers


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, many in BOMBS.items() for name in many])
def test_a_bomb_takes_little(kind: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(BOMBS[kind][name]())
    peak, answers = run(kind, path)
    assert peak < MOST_MB
    for answer in answers:
        assert "\n" not in answer
        if name in FINE:
            assert answer == ""
        else:
            assert re.search(REFUSED[kind], answer), answer


SMALL = Limits(
    seconds=2, samples=30_000, frame_pixels=100_000, frames=10, video_pixels=300_000, taken_pixels=200_000,
    image_pixels=10_000, ratio=200,
)  # fmt: skip


def film(count: int, height: int, width: int) -> bytes:
    return video.encode(np.zeros((count, height, width, 3), np.uint8), 10)


@pytest.mark.parametrize(
    ("kind", "content", "message"),
    [
        ("image", png(101, 100), "101 x 100 pixels; the limit is 10,000 in all"),
        ("audio", wav(3), "3 seconds; the limit is 2"),
        ("audio", flac(0.1), "360 seconds; the limit is 2"),
        ("audio", wav(1, 8000, 4), "32,000 samples in 4 channels; the limit is 30,000 in all"),
        ("video", mkv(301, 400), "frames of unknown size, or of more than 100,000 pixels, the limit"),
        ("video", film(11, 16, 16), "11 frames; the limit is 10"),
        ("video", film(4, 300, 300), "4 frames of 300 x 300 pixels; the limit is 300,000 in all"),
    ],
)
def test_other_limits_hold_within_a_block(kind: str, content: bytes, message: str) -> None:
    row = {kind: {"bytes": content, "path": "a.bin"}}
    check_size(row, kind)
    assert read_checked(kind)(row[kind])[1] is None or kind == "video"
    with within(SMALL), pytest.raises(InputError, match=f"^a.bin: {re.escape(message)}$"):
        check_size(row, kind)
    with within(SMALL):
        assert message in str(read_checked(kind)(row[kind])[1])
    check_size(row, kind)


@pytest.mark.parametrize("read", [image.decode, image.placement, image.read_values, image.check_size])
def test_whatever_reads_a_picture_looks_at_its_size_first(read: Callable[[Any], Any]) -> None:
    source = {"bytes": png(13_000, 13_000), "path": "a.png"}
    with pytest.MonkeyPatch.context() as patch, pytest.raises(InputError, match="13,000 x 13,000 pixels; the limit is"):
        patch.setattr(PngImagePlugin.PngImageFile, "load", lambda self: pytest.fail("it was decoded"))
        read(source)


def test_frames_that_are_taken_are_few_or_small() -> None:
    source = {"bytes": film(3, 300, 300), "path": "a.mkv"}
    with within(SMALL):
        assert video.decode(source, 2).shape == (2, 300, 300, 3)
        assert video.decode(source, 16, side=64).shape == (16, 64, 64, 3)
        with pytest.raises(InputError, match=r"a.mkv: 3 frames of 300 x 300 pixels; the limit is 200,000 in all"):
            video.decode(source, 3)


def test_a_header_that_lies_is_not_believed() -> None:
    unknown = {"bytes": flac_of_unknown_length(0.05), "path": "a.flac"}
    assert len(audio.decode(unknown, 8000)) == 180 * 8000
    with within(SMALL):
        audio.check_size(unknown)
        with pytest.raises(InputError, match=r"a.flac: \d+ seconds; the limit is 2"):
            audio.decode(unknown, 8000)


def test_a_video_reads_no_other_file_and_opens_no_address(tmp_path: Path) -> None:
    whole = tmp_path / "whole.mkv"
    whole.write_bytes(film(4, 16, 16))
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(1)
        address = b"http://127.0.0.1:%d/a.ts" % server.getsockname()[1]
        lists = {"a.mp4": CONCAT % str(whole).encode(), "a.m3u8": HLS % address, "b.mp4": HLS % b"whole.mkv"}
        for name, content in lists.items():
            path = tmp_path / name
            path.write_bytes(content)
            for source in ({"bytes": None, "path": str(path)}, {"bytes": content, "path": name}):
                with pytest.raises(InputError, match=r"not in a container that is read|not readable as video"):
                    video.decode(source, 2)
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize("place", ["path", "bytes"])
def test_an_animation_gives_its_first_frame_and_is_not_walked_through(place: str, tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    path.write_bytes(gif(40, 30, 200_000))
    source: dict[str, Any] = {"bytes": path.read_bytes(), "path": None} if place == "bytes" else {"path": str(path)}
    with Image.open(path) as opened:
        assert opened.size == (40, 30)
    seeks: list[int] = []
    seek = GifImagePlugin.GifImageFile.seek

    def counted(self: Any, frame: int) -> None:
        seeks.append(frame)
        seek(self, frame)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GifImagePlugin.GifImageFile, "seek", counted)
        assert image.decode(source).size == (40, 30)
    assert seeks == [0]
