import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from tlzoo.core.predictions import PitchTrack
from tlzoo.data.rendered.pitches import noisy_pitches
from tlzoo.draw import DrawingFolder
from tlzoo.draw.pitch import PitchRenderer, accuracy_over_noise

TRACK = PitchTrack([0.0, 0.1, 0.2], [220.0, 220.0, 440.0], [0.9, 0.8, 0.1])
RENDERER = PitchRenderer()


def test_a_curve_and_its_table(tmp_path: Path) -> None:
    sound = tmp_path / "a.wav"
    soundfile.write(sound, np.sin(2 * np.pi * 220 * np.arange(4000) / 16_000), 16_000)
    drawn = DrawingFolder("audio", tmp_path / "out").draw(sound, TRACK)
    assert drawn is not None and RENDERER.was_written_by_tlzoo(drawn)
    with Image.open(drawn) as picture:
        assert picture.width > 600 and len(picture.convert("RGB").getcolors(1 << 20) or ()) > 20
    rows = list(csv.DictReader(drawn.with_suffix(".csv").open()))
    assert rows[1] == {"time_s": "0.1000", "f0_hz": "220.00", "confidence": "0.8000"}


def test_a_sheet_shows_the_accuracy_over_noise(tmp_path: Path) -> None:
    rows = noisy_pitches(sizes=(1, 1, 10))["test"]
    truth = [PitchTrack(r["f0"]["time"], np.maximum(r["f0"]["hz"], 1).tolist(), [1.0] * 100) for r in rows]
    truth[4] = replace(truth[4], frequency=[30.0] * 100)
    found = accuracy_over_noise(rows, truth)
    assert list(found) == [np.inf, 20, 10, 0, -10]
    assert found[np.inf] == 1 and 0 < found[-10] < 1, "one of two at -10 dB is wrong"
    RENDERER.contact_sheet(rows, truth, [True] * 4 + [False] + [True] * 5, tmp_path / "sheet.png")
    assert RENDERER.was_written_by_tlzoo(tmp_path / "sheet.png")
