import re
from pathlib import Path

import numpy as np
import soundfile

from tests.support.prepared import share_nothing
from tlzoo.data.catalogue import find, load
from tlzoo.data.files.f0_folder import listing, read


def sing(path: Path, hz: float, table: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(4000) / 8000
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * hz * time), 8000)
    lines = table if table is not None else "time,f0\n" + "".join(f"{t:.2f},{hz}\n" for t in np.arange(0, 0.5, 0.01))
    path.with_suffix(".csv").write_text(lines)


def test_a_folder_of_sounds_and_tables_is_data(tmp_path: Path) -> None:
    for i in range(12):
        sing(tmp_path / f"singer{i % 4}" / f"{i}.wav", 100 + 10 * i)
    soundfile.write(tmp_path / "alone.wav", np.zeros(100), 8000)
    data = load(find("pitch-extraction", str(tmp_path)))
    assert sum(len(rows) for rows in data.splits.values()) == 12
    assert share_nothing(data.splits)
    assert "alone.wav: no alone.csv beside it" in data.problems
    row = data.splits["test"][0]
    assert row["f0"]["hz"][0] == 100 + 10 * int(Path(row["id"]).stem)


def test_given_splits_are_kept(tmp_path: Path) -> None:
    for i in range(9):
        sing(tmp_path / ("train", "dev", "test")[i % 3] / f"{i}.wav", 200 + i)
    assert sorted(set(listing(tmp_path).splits or ())) == ["test", "train", "validation"]


def test_what_is_no_pitch_is_zero(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("0,0\n0.01,nan\n0.02,-110\n0.03,110\n")
    assert read(tmp_path / "a.csv")["hz"] == [0, 0, 0, 110]


def test_a_table_that_is_longer_than_its_sound_is_named(tmp_path: Path) -> None:
    for i in range(12):
        sing(tmp_path / f"{i}.wav", 100 + 10 * i)
    milliseconds = "time_ms,f0\n" + "".join(f"{t},100\n" for t in range(0, 500, 10))
    sing(tmp_path / "late.wav", 300, milliseconds)
    told = r"late\.wav: late\.csv: last time 490 s, but the sound ends at 0\.50 s; expected time in seconds"
    assert any(re.fullmatch(told, p) for p in load(find("pitch-extraction", str(tmp_path))).problems)
