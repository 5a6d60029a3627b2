"""Sounds that are the same recording, saved again with loss or at another rate, louder or softer, or a little shifted.

Band energies over time find what may be the same; then the cross-correlation of each band of frequencies decides, at
one shift for all: two takes of a word, and two tones of one pitch, agree in some bands and not in most.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.fft import fft, ifft, next_fast_len, rfft

RATE = 8000
"""Samples a second of the sounds that are compared."""
SECONDS = 60
"""Sounds are compared up to here."""
EDGES = np.linspace(100.0, 3400.0, 13)
"""Edges of the bands, Hz: those of a telephone, which most ways to save a sound keep."""
PARTS = 3
"""Parts of the time in which the energy of each band is described."""
FLOOR = 50.0
"""Bands whose energy is further below that of the strongest one count as silent, dB."""
RADIUS = 26.0
"""Maximum distance of the descriptors, in dB, of two sounds whose samples are compared."""
MAX_SHIFT = 0.35
"""Maximum shift, and difference of length, s."""
MIN_SECONDS = 0.05
MIN_BANDS = 3
"""Minimum number of bands that are not silent; a tone alone is like nothing else."""
MIN_CORRELATION = 0.8
"""Minimum correlation of a band that agrees."""
MIN_AGREEING = 0.6
"""Minimum share of the bands that agree."""

Samples = NDArray[np.float32]


def describe(samples: Samples) -> NDArray[np.float32] | None:
    """Energies of bands over time, in dB of their mean, shape ``(PARTS * bands,)``.

    Args:
        samples: Mono samples at :data:`RATE`.

    Returns:
        The descriptor; None of a sound that is too short, silent, or but a tone.
    """
    if len(samples) < MIN_SECONDS * RATE:
        return None
    length = len(samples) // PARTS
    energies = np.stack([_energies(samples[i * length : (i + 1) * length]) for i in range(PARTS)])
    total = energies.sum(axis=0)
    if not total.max() or len(_active(total)) < MIN_BANDS:
        return None
    level = 10 * np.log10(np.maximum(energies / total.max(), 10 ** (-FLOOR / 10)))
    return np.asarray((level - level.mean()).ravel(), np.float32)


def is_same(one: Samples, other: Samples) -> bool:
    """Whether two sounds are the same recording; see :func:`agreement`."""
    return agreement(one, other) >= MIN_AGREEING


def agreement(one: Samples, other: Samples) -> float:
    """Share of the bands in which two sounds correlate, at the shift that is best for all of them.

    Args:
        one: Mono samples at :data:`RATE`.
        other: The same.

    Returns:
        In [0, 1]; 0 where the lengths differ by more than :data:`MAX_SHIFT`, or most is silent.
    """
    if abs(len(one) - len(other)) > MAX_SHIFT * RATE:
        return 0.0
    reach = int(MAX_SHIFT * RATE)
    size = next_fast_len(max(len(one), len(other)) + reach)
    first, second = (fft(_tapered(each), size) for each in (one, other))
    frequency = np.fft.fftfreq(size, 1 / RATE)
    powers = [np.abs(each) ** 2 for each in (first, second)]
    bands = [(frequency >= low) & (frequency < high) for low, high in pairwise(EDGES)]
    strengths = np.array([[power[band].sum() for band in bands] for power in powers])
    active = [i for i in _active(strengths[0]) if i in _active(strengths[1])]
    if len(active) < max(MIN_BANDS, max(len(_active(each)) for each in strengths) - 4):
        return 0.0
    cross = first * second.conj()
    shifts = np.r_[0 : reach + 1, size - reach : size]
    # Of one side of the spectrum the inverse is the envelope, which a part of a sample's shift does not change.
    curves = np.stack([np.abs(ifft(np.where(bands[i], cross, 0)))[shifts] * size for i in active])
    curves /= np.sqrt(strengths[0][active] * strengths[1][active])[:, None]
    best = curves[:, int(np.argmax(curves.mean(axis=0)))]
    return float((best >= MIN_CORRELATION).mean())


def _energies(samples: Samples) -> NDArray[np.float64]:
    power = np.abs(rfft(_tapered(samples))) ** 2
    frequency = np.fft.rfftfreq(len(samples), 1 / RATE)
    places = np.searchsorted(EDGES, frequency, side="right")
    return np.bincount(places, power, minlength=len(EDGES) + 1)[1 : len(EDGES)].astype(np.float64)


def _active(strengths: NDArray[np.float64]) -> list[int]:
    """The bands that are not silent."""
    return [int(i) for i in np.flatnonzero(strengths > strengths.max() * 10 ** (-FLOOR / 10))]


def _tapered(samples: Samples) -> NDArray[np.float64]:
    """Samples without their mean, faded in and out, so that a cut spreads over few frequencies."""
    fade = max(1, len(samples) // 20)
    slope = 0.5 - 0.5 * np.cos(np.pi * (np.arange(fade) + 0.5) / fade)
    faded: NDArray[np.float64] = samples - samples.mean(dtype=np.float64)
    faded[:fade] *= slope
    faded[-fade:] *= slope[::-1]
    return faded
