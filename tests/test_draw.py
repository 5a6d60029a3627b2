from pathlib import Path

import pytest
from PIL import Image

from tlzoo.core.predictions import ClassScores
from tlzoo.draw import DrawingFolder, renderer_for
from tlzoo.errors import InputError

GREY = Image.new("RGB", (40, 30), (128, 128, 128))
LABEL = ClassScores("cat", 1.0, {"cat": 1.0})


def test_no_file_of_somebody_is_overwritten(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    sources = [tmp_path / name for name in ("a/x.png", "b/x.png", "a/x.x.png")]
    for path in sources:
        GREY.save(path)
    out = tmp_path / "out"
    drawings = DrawingFolder("image", out)
    drawn = [drawings.draw(path, LABEL) for path in sources]
    assert [path.name for path in drawn if path] == ["x.png", "x-2.png", "x.x.png"]
    GREY.save(out / "x-2.png")
    (out / "x-3.png").write_text("no picture")
    again = DrawingFolder("image", out)
    assert [path.name for path in map(again.draw, sources[:2], [LABEL] * 2) if path] == ["x.png", "x-4.png"], "ours go"
    with pytest.raises(InputError, match=r"--draw .*x-3.png: cannot be written \(File exists\)"):
        DrawingFolder("image", out / "x-3.png")


def test_classes_of_sounds_are_not_drawn(tmp_path: Path) -> None:
    assert renderer_for(LABEL, "audio") is None
    assert DrawingFolder("audio", tmp_path).draw(tmp_path / "x.wav", LABEL) is None
    with pytest.raises(InputError, match="predictions of image, audio, video are drawn; this model takes text"):
        DrawingFolder("text", tmp_path)
