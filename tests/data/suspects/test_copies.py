from pathlib import Path

import numpy as np
from PIL import Image

from tlzoo.data.files.readers import listing
from tlzoo.data.suspects.copies import copies
from tlzoo.data.suspects.group_leaks import group_leaks


def picture(path: Path, seed: int) -> Image.Image:
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = Image.fromarray(np.random.default_rng(seed).integers(0, 255, (8, 8, 3)).astype(np.uint8))
    made = coarse.resize((96, 96), Image.Resampling.BICUBIC)
    made.save(path)
    return made


def test_copies_leaks_and_contradictions_are_told_apart(tmp_path: Path) -> None:
    for i in range(12):
        picture(tmp_path / ("test" if i > 7 else "train") / "ab"[i % 2] / f"{i}.png", i)
    train = tmp_path / "train"
    (train / "a" / "twin.png").write_bytes((train / "a" / "0.png").read_bytes())
    Image.open(train / "b" / "1.png").save(train / "b" / "again.jpg", quality=80)
    (train / "a" / "other.png").write_bytes((train / "b" / "3.png").read_bytes())
    (tmp_path / "test" / "a" / "leak.png").write_bytes((train / "a" / "2.png").read_bytes())
    met = {
        (each.kind, *sorted((each.example, each.other))) for each in copies(listing(tmp_path, "image-classification"))
    }
    assert met == {
        ("repeat", "train/a/0.png", "train/a/twin.png"),
        ("near repeat", "train/b/1.png", "train/b/again.jpg"),
        ("contradiction", "train/a/other.png", "train/b/3.png"),
        ("leak", "test/a/leak.png", "train/a/2.png"),
    }


def test_a_speaker_on_two_sides_is_named(tmp_path: Path) -> None:
    for i in range(48):
        speaker = i // 8
        side = "test" if speaker > 3 or i in (8, 9) else "train"
        picture(tmp_path / side / "ab"[i % 2] / f"speaker{speaker}_{i % 8}.png", i)
    proposed, *leaks = group_leaks(listing(tmp_path, "image-classification"))
    assert proposed.kind == "groups" and "6 speakers (speaker0 ... speaker5): --group" in proposed.message
    assert [(each.kind, each.example) for each in leaks] == [("group leak", "speaker1")]
