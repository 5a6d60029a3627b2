"""Pitch curves are drawn where they are."""

import csv
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from tlzoo.data.rendered.pitches import noisy_pitches
from tlzoo.draw import Artist
from tlzoo.draw.pitch import accuracy_over_noise, is_ours, sheet

FOUND = {"time": [0.0, 0.1, 0.2], "frequency": [220.0, 220.0, 440.0], "confidence": [0.9, 0.8, 0.1]}


def test_a_curve_and_its_table(tmp_path: Path) -> None:
    sound = tmp_path / "a.wav"
    soundfile.write(sound, np.sin(2 * np.pi * 220 * np.arange(4000) / 16_000), 16_000)
    drawn = Artist("audio", tmp_path / "out")(sound, FOUND)
    assert drawn is not None and is_ours(drawn)
    with Image.open(drawn) as picture:
        assert picture.width > 600 and len(picture.convert("RGB").getcolors(1 << 20) or ()) > 20
    rows = list(csv.DictReader(drawn.with_suffix(".csv").open()))
    assert rows[1] == {"time_s": "0.1000", "f0_hz": "220.00", "confidence": "0.8000"}


def test_a_sheet_shows_the_accuracy_over_noise(tmp_path: Path) -> None:
    rows = noisy_pitches(sizes=(1, 1, 10))["test"]
    truth = [
        {"time": r["f0"]["time"], "frequency": np.maximum(r["f0"]["hz"], 1), "confidence": [1.0] * 100} for r in rows
    ]
    truth[4] = truth[4] | {"frequency": [30.0] * 100}
    found = accuracy_over_noise(rows, truth)
    assert list(found) == [np.inf, 20, 10, 0, -10]
    assert found[np.inf] == 1 and 0 < found[-10] < 1, "one of two at -10 dB is wrong"
    sheet(rows, truth, [True] * 4 + [False] + [True] * 5, tmp_path / "sheet.png")
    assert is_ours(tmp_path / "sheet.png")
