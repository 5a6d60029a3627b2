"""Pitch curves: of one sound over its spectrogram, and of a test beside the truth."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tlzoo.core.predictions import PitchTrack
from tlzoo.draw.renderer import MARK, Renderer, writing

if TYPE_CHECKING:
    from datasets import Dataset
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RATE = 16_000
"""Hz, at which a sound is drawn."""
_RANGE_DB = 70.0  # of a spectrogram, from white to black
_TRUE, _PREDICTED = "#111111", "#d55e00"
_NOTES = {f"C{octave}": 32.703 * 2 ** (octave - 1) for octave in range(1, 8)}


class PitchRenderer(Renderer[PitchTrack]):
    """Draws pitch curves, and writes them as tables."""

    suffix = sheet_suffix = ".png"
    examples_of_each = 3

    def render(self, source: Path, prediction: PitchTrack, target: Path) -> None:
        """Draw the curve over the spectrogram, with its confidence below; write time, Hz and confidence as CSV.

        Raises:
            InputError: A file cannot be written.
        """
        from matplotlib.figure import Figure

        from tlzoo.data.media.audio import decode

        samples = decode({"bytes": None, "path": str(source)}, RATE)
        figure = Figure(figsize=(9, 5), layout="constrained")
        above, below = figure.subplots(2, sharex=True, height_ratios=[4, 1])
        _spectrogram(above, samples)
        _curve(above, prediction, source.name)
        above.legend(loc="upper right", fontsize=8)
        below.plot(prediction.time, prediction.confidence, color=_PREDICTED, lw=1)
        below.set(ylim=(0, 1), ylabel="confidence", xlabel="time, s")
        _save(figure, target)
        table = target.with_suffix(".csv")
        with writing(table), table.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["time_s", "f0_hz", "confidence"])
            columns = prediction.time, prediction.frequency, prediction.confidence
            writer.writerows((f"{t:.4f}", f"{hz:.2f}", f"{c:.4f}") for t, hz, c in zip(*columns, strict=True))

    def contact_sheet(
        self, rows: Dataset, predictions: Sequence[PitchTrack], right: Sequence[bool], path: Path
    ) -> None:
        """Draw some curves beside the truth, right ones first; and the accuracy over the noise, where rows have it.

        Raises:
            InputError: The file cannot be written.
        """
        from matplotlib.figure import Figure

        chosen = [(place, title) for title, places in self.examples(right) for place in places]
        has_noise = "snr" in rows.column_names and len(set(rows["snr"])) > 1
        count = len(chosen) + has_noise
        figure = Figure(figsize=(12, 3.2 * -(-count // 3)), layout="constrained")
        axes = np.atleast_1d(figure.subplots(-(-count // 3), 3)).ravel()
        for axis, (place, title) in zip(axes, chosen, strict=False):
            row = rows[place]
            time, hz = (np.asarray(row["f0"][name]) for name in ("time", "hz"))
            axis.plot(time, np.where(hz > 0, hz, np.nan), color=_TRUE, lw=4, alpha=0.4, label="true f0")
            _curve(axis, predictions[place], f"{title}: {row['id'][-34:]}")
            axis.set_xlabel("time, s")
        for axis in axes[count:]:
            axis.set_axis_off()
        axes[0].legend(fontsize=8)
        if has_noise:
            _over_noise(axes[len(chosen)], rows, predictions)
        _save(figure, path)


def accuracy_over_noise(rows: Dataset, predictions: Sequence[PitchTrack]) -> dict[float, float]:
    """Raw pitch accuracy at each signal-to-noise ratio in dB, infinite where clean; the cleanest first."""
    from tlzoo.tasks.pitch_extraction import PitchExtraction

    task = PitchExtraction(rows.features)
    statistics: dict[float, list[list[float]]] = {}
    for row, prediction in zip(rows, predictions, strict=True):
        statistics.setdefault(row["snr"], []).append(task.statistics(prediction, row)["rpa"])
    return {snr: float(np.divide(*np.sum(statistics[snr], 0))) for snr in sorted(statistics, reverse=True)}


def _over_noise(axis: Axes, rows: Dataset, predictions: Sequence[PitchTrack]) -> None:
    accuracy = accuracy_over_noise(rows, predictions)
    names = ["clean" if np.isinf(snr) else f"{snr:g}" for snr in accuracy]
    axis.plot(names, list(accuracy.values()), "o-", color=_PREDICTED)
    for name, value in zip(names, accuracy.values(), strict=True):
        axis.annotate(f"{value:.2f}", (name, value), textcoords="offset points", xytext=(0, -14), ha="center")
    axis.set(ylim=(0, 1.05), xlabel="signal to noise, dB", title="raw pitch accuracy over noise")
    axis.grid(alpha=0.3)


def _spectrogram(axis: Axes, samples: np.ndarray) -> None:
    import torch
    from torchaudio.transforms import AmplitudeToDB, Spectrogram

    window, hop = 1024, max(160, len(samples) // 1500)
    power = Spectrogram(window, hop_length=hop, pad_mode="constant")(torch.as_tensor(samples))
    level = AmplitudeToDB(top_db=_RANGE_DB)(power).numpy()
    hertz, times = np.fft.rfftfreq(window, 1 / RATE), np.arange(level.shape[1]) * hop / RATE
    axis.pcolormesh(
        times, hertz[1:], level[1:], cmap="Greys", vmin=level.max() - _RANGE_DB, rasterized=True, shading="nearest"
    )


def _curve(axis: Axes, prediction: PitchTrack, title: str) -> None:
    """Draw the curve, strong where it is voiced; C notes name the octaves."""
    from tlzoo.tasks.pitch_extraction import VOICED

    time, hz, sure = map(np.asarray, (prediction.time, prediction.frequency, prediction.confidence))
    axis.plot(time, hz, ".", color=_PREDICTED, ms=2, alpha=0.25)
    axis.plot(time, np.where(sure >= VOICED, hz, np.nan), color=_PREDICTED, lw=1.8, label="pitch, Hz")
    axis.set_yscale("log")
    axis.set_ylim(30, 2200)
    axis.set_yticks(list(_NOTES.values())[:6], [f"{hz:.0f} ({name})" for name, hz in list(_NOTES.items())[:6]])
    axis.minorticks_off()
    axis.set_ylabel("Hz (note)")
    axis.set_title(title, fontsize=9)


def _save(figure: Figure, path: Path) -> None:
    with writing(path):
        figure.savefig(path, dpi=110, metadata={PitchRenderer.mark_field: MARK})
