"""Rendered DNA: binding motifs in a random background, and tracks that follow from where they are.

Every number of a track follows from the sequence alone, but for the noise of counting. Two data sets are rendered, of
sequences that they do not share. ``motifs`` has a track for each motif, as experiments on binding have (ChIP-seq); it
is the source of stand-ins. ``promoters`` has tracks that depend on several motifs at once, on their distances and
strands, as initiation (CAGE) and open chromatin (DNase) do.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from datasets import Dataset, DatasetDict, Features, Value
from numpy.typing import NDArray
from scipy.signal import oaconvolve

from tlzoo.data.media.dna import BASES, letters
from tlzoo.data.schemas import track_features

Array = NDArray[np.float64]
Codes = NDArray[np.uint8]

LENGTH, BIN, BINS = 1024, 16, 32
"""Bases of a sequence, bases of a bin, and bins at its centre."""
MOTIFS = {
    "TATA box": "TATAWAWR",  # TBP; Bucher 1990
    "CCAAT box": "RRCCAATSR",  # NF-Y; Bucher 1990
    "GC box": "KGGGCGGRRY",  # SP1; Bucher 1990
    "E-box": "RCCACGTGRY",  # MYC and USF, with flanks; JASPAR MA0093
    "AP-1": "RTGASTCAY",  # FOS and JUN; JASPAR MA0099
    "CTCF": "CCASYAGRKGGC",  # Kim 2007, doi 10.1016/j.cell.2006.12.048
    "CRE": "TGACGTCA",  # CREB; JASPAR MA0018
    "NRF1": "GCGCMTGCGC",  # JASPAR MA0506
    "ETS": "ACCGGAAGT",  # GABPA; JASPAR MA0062
    "octamer": "ATGCAAAT",  # POU2F1; JASPAR MA0785
    "YY1": "AAGATGGCGGC",  # JASPAR MA0095
    "CArG box": "CCWTATWAGG",  # SRF; JASPAR MA0083
}
"""Consensus sequences in IUPAC's letters, by name. (Bucher 1990 is doi 10.1016/0022-2836(90)90223-9.)"""
_IUPAC = {**{base: base for base in BASES}, "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC"}
_ROLES = ("TATA box", "CCAAT box", "GC box", "E-box", "AP-1", "CTCF", "CRE", "NRF1")
"""The motifs that promoters are made of."""
_GROUP = 25  # sequences of a chromosome


def motifs(train: int = 4000, validation: int = 200, test: int = 200, seed: int = 0) -> DatasetDict:
    """Sequences with any of the motifs, and a track of each motif's binding; the source of stand-ins.

    Args:
        train: Rows of the training split; of each, a multiple of 25.
        validation: Rows of the validation split.
        test: Rows of the test split.
        seed: Seed.

    Returns:
        Rows as of :func:`promoters`, with 12 tracks.
    """
    return _render((1, seed), {"train": train, "validation": validation, "test": test}, tuple(MOTIFS), _binding)


def promoters(train: int = 800, validation: int = 200, test: int = 1000, seed: int = 0) -> DatasetDict:
    """Sequences with motifs of promoters, and tracks of their joint effects.

    The tracks: initiation, 30 bases downstream of a TATA box, stronger the nearer CCAAT and GC boxes are; openness,
    which GC boxes, CRE and NRF1 sites widen until it is full; activation by AP-1, threefold beside an E-box; and phased
    nucleosomes around CTCF.

    Args:
        train: Rows of the training split; of each, a multiple of 25.
        validation: Rows of the validation split.
        test: Rows of the test split.
        seed: Seed.

    Returns:
        Rows: ``dna``; ``tracks``, counts of 32 bins and 4 tracks; ``bin_size``, 16; ``group``, a
        chromosome with a composition of its own, in one split only; ``id``.
    """
    return _render((2, seed), {"train": train, "validation": validation, "test": test}, _ROLES, _promotion)


def _render(
    seed: tuple[int, ...],
    sizes: dict[str, int],
    planted: tuple[str, ...],
    rates: Callable[[dict[str, tuple[Array, Array]]], list[Array]],
) -> DatasetDict:
    splits, chromosome = {}, 0
    for split, size in sizes.items():
        rows = []
        for _ in range(size // _GROUP):
            chromosome += 1
            rng = np.random.default_rng((*seed, chromosome))
            sequences = background(rng, _GROUP, gc=rng.uniform(0.36, 0.5))
            for sequence in sequences:
                _plant(rng, sequence, planted)
            tracks = rng.poisson(np.stack([_binned(rate) for rate in rates(_scan(sequences))], axis=-1))
            group = f"chr{chromosome:03d}"
            for i, (sequence, values) in enumerate(zip(sequences, tracks, strict=True), start=1):
                row = {"dna": letters(sequence), "tracks": values.tolist(), "bin_size": BIN}
                rows.append(row | {"group": group, "id": f"{group}-{i}"})
        count = len(rows[0]["tracks"][0])
        own = {name: Value("string") for name in ("group", "id")}
        features = Features({"dna": Value("string"), **track_features(BINS, count), **own})
        splits[split] = Dataset.from_list(rows, features=features)
    return DatasetDict(splits)


def background(rng: np.random.Generator, count: int, gc: float) -> Codes:
    """Random sequences of a Markov chain of first order, where CG is rare, as in the genomes of vertebrates.

    CG has a fifth of its expected share, TG and CA what it lacks (Lander 2001, doi 10.1038/35057062, on CpG islands).

    Args:
        rng: Source of the randomness.
        count: Sequences.
        gc: Share of C and G, about.

    Returns:
        Codes of ``tlzoo.data.files.fasta``, ``(count, LENGTH)``.
    """
    a, c, g, t = range(4)
    follows = np.tile([(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2], (4, 1))
    moved = 0.8 * follows[c, g]
    follows[c, g] -= moved
    follows[c, a] += moved
    follows[t, g] += moved * gc / (1 - gc)
    follows[t, t] -= moved * gc / (1 - gc)
    edges = follows.cumsum(1)
    draws = rng.random((LENGTH, count))
    sequence = np.empty((LENGTH, count), dtype=np.uint8)
    sequence[0] = rng.integers(4, size=count)
    for i in range(1, LENGTH):
        sequence[i] = (draws[i][:, None] > edges[sequence[i - 1]]).sum(1).clip(max=3)
    return np.ascontiguousarray(sequence.T)


def _plant(rng: np.random.Generator, sequence: Codes, names: tuple[str, ...]) -> None:
    """Write some motifs into a sequence, on either strand; half of them have a neighbour within 120 bases."""
    margin = (LENGTH - BINS * BIN) // 2
    for _ in range(1 + rng.poisson(2.5)):
        place = int(rng.integers(margin - 48, LENGTH - margin + 48))
        for _ in range(1 + int(rng.random() < 0.5)):
            options = [_IUPAC[letter] for letter in MOTIFS[names[rng.integers(len(names))]]]
            instance = np.array([BASES.index(o[rng.integers(len(o))]) for o in options], dtype=np.uint8)
            if rng.random() < 0.5:
                instance = 3 - instance[::-1]
            sequence[place : place + len(instance)] = instance
            place = int(np.clip(place + rng.integers(-120, 121), 0, LENGTH - 16))


def _scan(sequences: Codes) -> dict[str, tuple[Array, Array]]:
    """Where each motif occurs, planted or by chance, on the forward and on the reverse strand: 1 at its middle base.

    A match that reads the same on both strands counts half on each.
    """
    hits = {}
    for name, consensus in MOTIFS.items():
        allowed = np.array([[base in _IUPAC[letter] for base in BASES] for letter in consensus])
        strands = [_matches(sequences, allowed), _matches(sequences, allowed[::-1, ::-1])]
        both = strands[0] * strands[1]
        hits[name] = (strands[0] - both / 2, strands[1] - both / 2)
    return hits


def _matches(sequences: Codes, allowed: NDArray[np.bool_]) -> Array:
    size = len(allowed)
    hits = np.ones((len(sequences), LENGTH - size + 1), dtype=bool)
    for i, bases in enumerate(allowed):
        hits &= bases[sequences[:, i : i + hits.shape[1]]]
    return np.pad(hits.astype(np.float64), ((0, 0), (size // 2, size - 1 - size // 2)))


_OFFSETS = np.arange(-256, 257)


def _bell(width: float, at: float = 0.0) -> Array:
    shape: Array = np.exp(-0.5 * ((_OFFSETS - at) / width) ** 2)
    return shape


def _spread(places: Array, shape: Array) -> Array:
    """Put a shape, of 513 bases with its centre in the middle, at every place."""
    spread: Array = oaconvolve(places, shape[None], mode="same", axes=1)
    return spread


def _binned(rate: Array) -> Array:
    """Mean of each central bin, ``(sequences, BINS)``, never less than a little."""
    margin = (LENGTH - BINS * BIN) // 2
    binned: Array = rate[:, margin : LENGTH - margin].reshape(-1, BINS, BIN).mean(-1)
    return binned.clip(min=0) + 0.2


def _binding(hits: dict[str, tuple[Array, Array]]) -> list[Array]:
    """A track for each motif: peaks of many widths and heights."""
    shapes = [(4 + 3 * (i % 3)) * _bell(12 + 6 * (i % 5)) for i in range(len(hits))]
    return [_spread(sum(hits[name]), shape) for name, shape in zip(hits, shapes, strict=True)]  # type: ignore[arg-type]


def _promotion(hits: dict[str, tuple[Array, Array]]) -> list[Array]:
    """The four tracks of :func:`promoters`."""
    both = {name: forward + reverse for name, (forward, reverse) in hits.items()}
    near = _spread(both["CCAAT box"] + both["GC box"], np.exp(-np.abs(_OFFSETS) / 60))
    forward, reverse = (strand * (1 + 2 * near) for strand in hits["TATA box"])
    initiation = 4 * (_spread(forward, _bell(14, at=30)) + _spread(reverse, _bell(14, at=-30)))
    opening = both["GC box"] + both["CRE"] + both["NRF1"]
    openness = 8 * (1 - np.exp(-_spread(opening, 0.8 * _bell(50)).clip(min=0)))
    beside = _spread(both["E-box"], (np.abs(_OFFSETS) < 100).astype(np.float64)) > 0.5
    activation = 3 * _spread(both["AP-1"] * np.where(beside, 3, 1), _bell(28))
    phase = np.cos(2 * np.pi * (np.abs(_OFFSETS) - 100) / 185) * np.exp(-np.abs(_OFFSETS) / 200)
    return [initiation, openness, activation, 5 * _spread(both["CTCF"], np.where(np.abs(_OFFSETS) < 40, 0, phase))]
