from pathlib import Path

import pytest
from PIL import Image

from tlzoo.draw import Artist, form
from tlzoo.errors import InputError

GREY = Image.new("RGB", (40, 30), (128, 128, 128))
LABEL = {"label": "cat", "score": 1.0}


def test_no_file_of_somebody_is_overwritten(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    sources = [tmp_path / name for name in ("a/x.png", "b/x.png", "a/x.x.png")]
    for path in sources:
        GREY.save(path)
    out = tmp_path / "out"
    artist = Artist("image", out)
    drawn = [artist(path, LABEL) for path in sources]
    assert [path.name for path in drawn if path] == ["x.png", "x-2.png", "x.x.png"]
    GREY.save(out / "x-2.png")
    (out / "x-3.png").write_text("no picture")
    again = Artist("image", out)
    assert [path.name for path in map(again, sources[:2], [LABEL] * 2) if path] == ["x.png", "x-4.png"], "ours go"
    with pytest.raises(InputError, match=r"--draw .*x-3.png: cannot be written \(File exists\)"):
        Artist("image", out / "x-3.png")


def test_what_has_no_form_is_not_drawn(tmp_path: Path) -> None:
    assert form(LABEL, "audio") is None
    assert Artist("audio", tmp_path)(tmp_path / "x.wav", LABEL) is None
    with pytest.raises(InputError, match="predictions of image, audio, video are drawn; this model takes text"):
        Artist("text", tmp_path)
