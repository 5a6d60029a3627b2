"""Rendered DNA: tracks follow from the sequence, splits and data sets share nothing."""

import re
from typing import Any

import numpy as np
import pytest
from datasets import DatasetDict

from tests.support.prepared import share_nothing
from tlzoo.data.media.dna import codes
from tlzoo.data.rendered import promoters as module
from tlzoo.data.rendered.promoters import BIN, BINS, LENGTH, MOTIFS, background, motifs, promoters


@pytest.fixture(scope="module")
def target() -> DatasetDict:
    return promoters(200, 25, 100)


@pytest.fixture(scope="module")
def source() -> DatasetDict:
    return motifs(200, 25, 25)


def test_rows_have_their_shape_share_nothing_and_stay_the_same(target: DatasetDict, source: DatasetDict) -> None:
    assert {split: len(rows) for split, rows in target.items()} == {"train": 200, "validation": 25, "test": 100}
    for data, tracks in ((target, 4), (source, 12)):
        values = np.array(data["train"]["tracks"][:])
        assert values.shape == (200, BINS, tracks)
        assert values.min() == 0 and (values == values.round()).all()
        assert {len(dna) for dna in data["train"]["dna"]} == {LENGTH}
    assert share_nothing(target) and len({group for rows in target.values() for group in rows["group"]}) == 13
    sequences = [dna for data in (target, source) for rows in data.values() for dna in rows["dna"][:]]
    assert len(set(sequences)) == len(sequences)
    again = promoters(25, 25, 25)
    assert again["train"].to_list() == target["train"].select(range(25)).to_list()
    assert promoters(25, 25, 25, seed=1)["train"]["dna"][0] != again["train"]["dna"][0]


def test_the_background_has_few_cg() -> None:
    found = background(np.random.default_rng(0), 200, gc=0.42)
    share = [(found == i).mean() for i in range(4)]
    pairs = ((found[:, :-1] == 1) & (found[:, 1:] == 2)).mean()
    assert pairs / (share[1] * share[2]) == pytest.approx(0.2, abs=0.03)
    assert share[1] + share[2] == pytest.approx(0.42, abs=0.02)


def test_motifs_are_found_on_both_strands(target: DatasetDict) -> None:
    """As regular expressions find them."""
    other = str.maketrans("ACGT", "TGCA")
    dna = target["train"]["dna"][:50]
    hits = module._scan(np.stack([codes(text) for text in dna]))
    planted = 0
    for name, consensus in MOTIFS.items():
        pattern = "(?=" + "".join(f"[{module._IUPAC[letter]}]" for letter in consensus) + ")"
        expected = []
        for text in dna:
            forward = {match.start() for match in re.finditer(pattern, text)}
            turned = re.finditer(pattern, text[::-1].translate(other))
            expected.append(len(forward | {LENGTH - match.start() - len(consensus) for match in turned}))
        assert (hits[name][0] + hits[name][1]).sum(1).tolist() == expected, name
        planted += sum(expected)
    assert planted > 100


@pytest.mark.parametrize(
    ("planted", "track", "peak"),
    [
        ({"TATA box": 500}, 0, 530),
        ({"GC box": 400}, 1, 400),
        ({"AP-1": 600}, 2, 600),
        ({"CTCF": 512}, 3, 612),
    ],
)
def test_a_motif_moves_its_track(planted: dict[str, int], track: int, peak: int) -> None:
    rates = _rates(planted)
    binned = np.stack([module._binned(rate) for rate in module._promotion(rates)], axis=-1)[0]
    nearest = (peak - (LENGTH - BINS * BIN) // 2) // BIN
    assert abs(int(binned[:, track].argmax()) - nearest) <= 1 or track == 3
    assert binned[nearest, track] > 1.5
    assert np.delete(binned, track, axis=1).max() == pytest.approx(0.2, abs=1e-6)


def test_tracks_depend_on_distance_strand_and_company() -> None:
    def height(track: int, **planted: Any) -> float:
        return float(module._promotion(_rates({k.replace("_", " "): v for k, v in planted.items()}))[track].max())

    alone, near, far = (
        height(0, TATA_box=500),
        height(0, TATA_box=500, CCAAT_box=440),
        height(0, TATA_box=500, CCAAT_box=300),
    )
    assert near > 1.5 * alone and alone < far < near
    forward = module._promotion(_rates({"TATA box": 500}))[0][0]
    reverse = module._promotion(_rates({"TATA box": 500}, strand=1))[0][0]
    assert (forward.argmax(), reverse.argmax()) == (530, 470)
    pair = module._promotion(_rates({"AP-1": 500, "E-box": 560}))[2].max()
    assert pair == pytest.approx(3 * height(2, **{"AP-1": 500}), rel=1e-6)


def _rates(planted: dict[str, int], strand: int = 0) -> dict[str, tuple[Any, Any]]:
    hits = {name: (np.zeros((1, LENGTH)), np.zeros((1, LENGTH))) for name in MOTIFS}
    for name, place in planted.items():
        hits[name][strand][0, place] = 1
    return hits
