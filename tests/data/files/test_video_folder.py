from pathlib import Path

import numpy as np
import pytest

from tests.support.prepared import available, share_nothing
from tlzoo.data.catalogue import find, load
from tlzoo.data.files.video_folder import listing
from tlzoo.data.media.video import decode, encode
from tlzoo.data.packaged.real_clips import real_clips
from tlzoo.errors import InputError


def film(path: Path, count: int, size: tuple[int, int] = (70, 91), seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = np.random.default_rng(seed).integers(0, 256, (count, *size, 3), dtype=np.uint8)
    path.write_bytes(encode(frames, 8))


@pytest.mark.parametrize("kind", ["video", "ends"])
def test_a_folder_of_videos_is_data(kind: str, tmp_path: Path) -> None:
    for i in range(8):
        film(tmp_path / f"{i}.mkv", 35, seed=i)
    film(tmp_path / "short.mkv", 9)
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    source = find("video-generation", str(tmp_path), kind=kind)
    assert source.kind == kind
    data = load(source)
    assert sum(len(rows) for rows in data.splits.values()) == 16, "two clips of 16 frames of each"
    assert share_nothing(data.splits)
    assert decode(data.splits["train"][0]["video"], 16, every=1).shape == (16, 64, 64, 3), "odd sizes too"
    assert "short.mkv: shorter than 16 frames" in data.problems
    assert any(p.startswith("broken.mp4: ") for p in data.problems), "with what is wrong with it"


def test_a_folder_of_short_videos_alone_says_so(tmp_path: Path) -> None:
    film(tmp_path / "short.mkv", 9)
    with pytest.raises(InputError, match=r"short\.mkv: shorter than 16 frames"):
        listing(tmp_path)


def test_real_clips() -> None:
    data = available(real_clips)
    assert {name: len(rows) for name, rows in data.items()} == {"train": 15, "validation": 7, "test": 8}
    assert decode(data["test"][0]["video"], 16, every=1).std() > 10
    assert {name: set(rows["group"]) for name, rows in data.items()} == {
        "train": {"bikes.mp4"},
        "validation": {"carphone_pristine.mp4"},
        "test": {"bigbuckbunny.mp4"},
    }, "clips of a video are not independent"
