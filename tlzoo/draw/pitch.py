"""Pitch curves: of one sound over its spectrogram, and of a test beside the truth."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from tlzoo.errors import InputError

if TYPE_CHECKING:
    from datasets import Dataset
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIX = SHEET = ".png"
RATE = 16_000
"""Hz, at which a sound is drawn."""
_MARK = {"Software": "tlzoo"}
_OF_EACH = 3  # of a sheet: right ones and wrong ones
_TRUE, _FOUND = "#111111", "#d55e00"
_NOTES = {f"C{octave}": 32.703 * 2 ** (octave - 1) for octave in range(1, 8)}


def artist() -> Callable[[Path, Mapping[str, Any], Path], None]:
    """What draws the pitch of a sound's file, and writes it as a table beside the picture."""
    return draw


def draw(source: Path, prediction: Mapping[str, Any], target: Path) -> None:
    """Draw a pitch curve over the spectrogram, with its confidence below; and write time, Hz, confidence as CSV.

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
    below.plot(prediction["time"], prediction["confidence"], color=_FOUND, lw=1)
    below.set(ylim=(0, 1), ylabel="confidence", xlabel="time, s")
    _save(figure, target)
    try:
        with target.with_suffix(".csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["time_s", "f0_hz", "confidence"])
            columns = (prediction[name] for name in ("time", "frequency", "confidence"))
            writer.writerows((f"{t:.4f}", f"{hz:.2f}", f"{c:.4f}") for t, hz, c in zip(*columns, strict=True))
    except OSError as error:
        raise InputError(f"{target.with_suffix('.csv')}: cannot be written: {error.strerror or error}") from None


def sheet(rows: Dataset, predictions: Sequence[Mapping[str, Any]], right: Sequence[bool], path: Path) -> None:
    """Draw some curves beside the truth, right ones first; and the accuracy over the noise, where rows say it.

    Raises:
        InputError: The file cannot be written.
    """
    from matplotlib.figure import Figure

    chosen: list[tuple[int, str]] = []
    for said, hit in (("right", True), ("wrong", False)):
        of_kind = np.flatnonzero(np.asarray(right, dtype=bool) == hit)
        some = np.unique(np.linspace(0, len(of_kind) - 1, min(_OF_EACH, len(of_kind))).round().astype(int))
        chosen += [(int(i), said) for i in of_kind[some]]
    noise = "snr" in rows.column_names and len(set(rows["snr"])) > 1
    count = len(chosen) + noise
    figure = Figure(figsize=(12, 3.2 * -(-count // 3)), layout="constrained")
    axes = np.atleast_1d(figure.subplots(-(-count // 3), 3)).ravel()
    for axis, (index, said) in zip(axes, chosen, strict=False):
        row = rows[index]
        time, hz = (np.asarray(row["f0"][name]) for name in ("time", "hz"))
        axis.plot(time, np.where(hz > 0, hz, np.nan), color=_TRUE, lw=4, alpha=0.4, label="true f0")
        _curve(axis, predictions[index], f"{said}: {row['id'][-34:]}")
        axis.set_xlabel("time, s")
    for axis in axes[count:]:
        axis.set_axis_off()
    axes[0].legend(fontsize=8)
    if noise:
        _over_noise(axes[len(chosen)], rows, predictions)
    _save(figure, path)


def is_ours(path: Path) -> bool:
    """Whether a file is a picture that was drawn here."""
    try:
        with Image.open(path) as image:
            return image.info.get("Software") == _MARK["Software"]
    except (OSError, Image.DecompressionBombError):
        return False


def accuracy_over_noise(rows: Dataset, predictions: Sequence[Mapping[str, Any]]) -> dict[float, float]:
    """Raw pitch accuracy at each signal-to-noise ratio in dB, infinite where clean; the cleanest first."""
    from tlzoo.tasks.pitch_extraction import PitchExtraction

    task = PitchExtraction(rows.features)
    found: dict[float, list[list[float]]] = {}
    for row, prediction in zip(rows, predictions, strict=True):
        found.setdefault(row["snr"], []).append(task.statistics(prediction, row)["rpa"])
    return {snr: float(np.divide(*np.sum(found[snr], 0))) for snr in sorted(found, reverse=True)}


def _over_noise(axis: Axes, rows: Dataset, predictions: Sequence[Mapping[str, Any]]) -> None:
    found = accuracy_over_noise(rows, predictions)
    names = ["clean" if np.isinf(snr) else f"{snr:g}" for snr in found]
    axis.plot(names, list(found.values()), "o-", color=_FOUND)
    for name, value in zip(names, found.values(), strict=True):
        axis.annotate(f"{value:.2f}", (name, value), textcoords="offset points", xytext=(0, -14), ha="center")
    axis.set(ylim=(0, 1.05), xlabel="signal to noise, dB", title="raw pitch accuracy over noise")
    axis.grid(alpha=0.3)


def _spectrogram(axis: Axes, samples: np.ndarray) -> None:
    window, hop = 1024, max(160, len(samples) // 1500)
    padded = np.pad(samples, window // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop] * np.hanning(window)
    level = 20 * np.log10(np.abs(np.fft.rfft(frames)) + 1e-6)
    hertz, times = np.fft.rfftfreq(window, 1 / RATE), np.arange(len(frames)) * hop / RATE
    axis.pcolormesh(
        times, hertz[1:], level.T[1:], cmap="Greys", vmin=level.max() - 70, rasterized=True, shading="nearest"
    )


def _curve(axis: Axes, prediction: Mapping[str, Any], title: str) -> None:
    """The curve, strong where a pitch is said to be; C notes name the octaves."""
    from tlzoo.tasks.pitch_extraction import VOICED

    time, hz, sure = (np.asarray(prediction[name]) for name in ("time", "frequency", "confidence"))
    axis.plot(time, hz, ".", color=_FOUND, ms=2, alpha=0.25)
    axis.plot(time, np.where(sure >= VOICED, hz, np.nan), color=_FOUND, lw=1.8, label="pitch, Hz")
    axis.set_yscale("log")
    axis.set_ylim(30, 2200)
    axis.set_yticks(list(_NOTES.values())[:6], [f"{hz:.0f} ({name})" for name, hz in list(_NOTES.items())[:6]])
    axis.minorticks_off()
    axis.set_ylabel("Hz (note)")
    axis.set_title(title, fontsize=9)


def _save(figure: Figure, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=110, metadata=_MARK)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
