from pathlib import Path

import av
import numpy as np
from PIL import Image

from tlzoo.core.predictions import Clip
from tlzoo.data.dataset import table
from tlzoo.data.media.video import encode
from tlzoo.data.schemas import CLIP_FEATURES
from tlzoo.draw import DrawingFolder
from tlzoo.draw.video import VideoRenderer

CLIP = np.full((16, 64, 64, 3), 90, np.uint8)
GENERATED = Clip(np.full((13, 64, 64, 3), 30, np.uint8), list(range(3, 16)), [0, 1, 2])


def test_a_clip_becomes_a_gif_and_a_film(tmp_path: Path) -> None:
    source = tmp_path / "a.mkv"
    source.write_bytes(encode(CLIP, 8))
    drawn = DrawingFolder("video", tmp_path / "out").draw(source, GENERATED)
    assert drawn is not None and VideoRenderer().was_written_by_tlzoo(drawn)
    with Image.open(drawn) as picture:
        assert getattr(picture, "n_frames", 1) == 2, "a GIF joins frames that are alike"
        colours = []
        for frame in (0, 1):
            picture.seek(frame)
            rgb = picture.convert("RGB")
            colours.append((rgb.getpixel((0, 0)), rgb.getpixel((90, 90))))
    assert colours[0][1] == (90, 90, 90) and colours[1][1] == (30, 30, 30)
    assert colours[0][0] != colours[1][0], "edges tell what was given"
    with av.open(str(drawn.with_suffix(".mp4"))) as container:
        assert sum(1 for _ in container.decode(video=0)) == 16


def test_a_sheet_of_generated_above_true(tmp_path: Path) -> None:
    stored = {"bytes": encode(CLIP, 8), "path": "a.mkv"}
    rows = table(CLIP_FEATURES, {"video": [stored] * 3, "group": list("abc"), "id": list("abc")})
    VideoRenderer().contact_sheet(rows, [GENERATED] * 3, [True, False, True], tmp_path / "sheet.gif")
    with Image.open(tmp_path / "sheet.gif") as picture:
        assert picture.size == (3 * 192, 2 * 192)
