"""Enformer: the paper's positions, the conversion's names, bins of any size, and that it learns."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.support.published import or_skip
from tlzoo.architectures.enformer import Attention, AttentionPool, Enformer
from tlzoo.architectures.enformer.positions import basis, relative_shift
from tlzoo.blobs import Blob, fetch
from tlzoo.checkpoints.pickles import load_torch
from tlzoo.data.schemas import track_features
from tlzoo.errors import InputError
from tlzoo.tasks.dna_tracks import Tracks

SMALL: dict[str, Any] = {
    "length": 128, "dim": 24, "depth": 1, "heads": 2, "attn_dim_key": 8, "num_downsamples": 3, "dim_divisible_by": 4,
    "target_length": 8, "output_heads": {"human": 3, "mouse": 2},
}  # fmt: skip
TF_GAMMAS = Blob(
    name="tf_gammas.pt",
    places=("pypi:enformer-pytorch==0.8.12/enformer_pytorch/precomputed/tf_gammas.pt",),
    sha256="595eb2f3b4aca209b98af6eb22e12ba41ca950c997547abcc7e2c93274034308",
    bytes=393841,
)


@pytest.fixture
def small() -> Enformer:
    torch.manual_seed(0)
    model = Enformer(**SMALL)
    for parameter in model.parameters():  # attention gives zeros at first
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model.eval()


def sequence(length: int, seed: int = 0) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), length))


def test_basis_functions_are_the_papers() -> None:
    """By the formulas of the Methods, one number at a time."""
    length, count = 64, 4
    found = basis(length, 6 * count).double()
    assert found.shape == (2 * length - 1, 6 * count)
    peaks = [max(_gamma(abs(d), i, count, length) for d in range(length)) for i in range(count)]
    for distance in (-63, -40, -7, -1, 0, 1, 2, 3, 15, 33, 63):
        row, x, sign = found[distance + length - 1], abs(distance), math.copysign(1, distance) if distance else 0
        for i in range(count):
            half_life = 2 ** (3 + i * (math.log2(length) - 3) / (count - 1))
            expected = [
                math.exp(-math.log(2) * x / half_life),
                float(x < 2 ** (i + 1) - 1),
                _gamma(x, i, count, length) / peaks[i],
            ]
            for kind, value in enumerate(expected):
                assert row[kind * count + i] == pytest.approx(value, abs=1e-6)
                assert row[(3 + kind) * count + i] == pytest.approx(sign * value, abs=1e-6)


def _gamma(x: float, i: int, count: int, length: int) -> float:
    mean, deviation = length / count * (i + 1), length / (2 * count)
    shape, rate = (mean / deviation) ** 2, mean / deviation**2
    return (rate**shape * x ** (shape - 1) * math.exp(-rate * x) / math.gamma(shape)) + 1e-8


def test_gamma_densities_are_those_that_tensorflow_computed_for_the_published_weights() -> None:
    with or_skip():
        theirs = torch.load(fetch(TF_GAMMAS), weights_only=True)
    ours = basis(1536, 192)[:, 64:96]
    assert (ours - theirs).abs().max() < 3e-3
    assert (ours - theirs).abs().mean() < 2e-5


def test_the_shift_finds_the_distance_of_query_and_key() -> None:
    for length in (2, 3, 8):
        logits = torch.randn(2, 3, length, 2 * length - 1)
        shifted = relative_shift(logits)
        for query in range(length):
            for key in range(length):
                assert torch.equal(shifted[..., query, key], logits[..., query, key - query + length - 1])


def test_attention_by_hand() -> None:
    torch.manual_seed(0)
    layer = Attention(dim=12, heads=2, dim_key=4, length=5).eval()
    torch.nn.init.normal_(layer.to_out.weight)
    x = torch.randn(1, 5, 12)
    q, k, v = ((linear(x)[0].reshape(5, 2, -1)) for linear in (layer.to_q, layer.to_k, layer.to_v))
    relative = layer.to_rel_k(basis(5, 6)).reshape(9, 2, 4)
    content, position = layer.rel_content_bias[0, :, 0], layer.rel_pos_bias[0, :, 0]
    seen = torch.zeros(5, 2, 6)
    for head in range(2):
        for i in range(5):
            query = q[i, head] / 4**0.5
            by_content, by_position = query + content[head], query + position[head]
            logits = [by_content @ k[j, head] + by_position @ relative[j - i + 4, head] for j in range(5)]
            seen[i, head] = torch.stack(logits).softmax(0) @ v[:, head]
    torch.testing.assert_close(layer(x)[0], layer.to_out(seen.flatten(1)))


def test_pooling_is_a_softmax_of_two() -> None:
    torch.manual_seed(0)
    pool = AttentionPool(6)
    torch.testing.assert_close(pool.to_attn_logits.weight[..., 0, 0], 2 * torch.eye(6))
    torch.nn.init.normal_(pool.to_attn_logits.weight)
    x = torch.randn(2, 6, 10)
    pairs = x.reshape(2, 6, 5, 2)
    expected = (pairs * torch.einsum("oi,binp->bonp", pool.to_attn_logits.weight[..., 0, 0], pairs).softmax(-1)).sum(-1)
    torch.testing.assert_close(pool(x), expected)


def test_the_official_file_is_read_by_its_names(small: Enformer, tmp_path: Path) -> None:
    """As the conversion saves itself: every parameter once more under ``_trunk``."""
    state = small.state_dict()
    for name in (
        "stem.0.weight", "stem.1.fn.0.running_mean", "stem.1.fn.2.weight", "stem.2.to_attn_logits.weight",
        "conv_tower.1.0.0.weight", "conv_tower.1.0.2.bias", "conv_tower.1.1.fn.2.weight",
        "conv_tower.1.2.to_attn_logits.weight", "transformer.0.0.fn.0.weight", "transformer.0.0.fn.1.to_q.weight",
        "transformer.0.0.fn.1.to_rel_k.weight", "transformer.0.0.fn.1.rel_content_bias",
        "transformer.0.0.fn.1.rel_pos_bias", "transformer.0.0.fn.1.to_out.bias", "transformer.0.1.fn.1.weight",
        "transformer.0.1.fn.4.bias", "final_pointwise.1.0.weight", "final_pointwise.1.2.weight",
        "_heads.human.0.weight", "_heads.mouse.0.bias",
    ):  # fmt: skip
        assert name in state, name
    places = {"stem": 1, "conv_tower": 2, "transformer": 4, "final_pointwise": 6}
    twice = {f"_trunk.{places[n.split('.')[0]]}.{n.split('.', 1)[1]}": t for n, t in state.items() if n[0] != "_"}
    path = tmp_path / "pytorch_model.bin"
    torch.save(state | twice, path)
    other = Enformer(**SMALL)
    other.load_official({"pytorch_model.bin": path})
    other.eval()
    batch = small.preprocess([{"dna": sequence(128)}])
    torch.testing.assert_close(other(batch), small(batch))
    assert set(load_torch(path)) == set(state | twice)
    torch.save({n: t for n, t in state.items() if n != "stem.0.weight"}, path)
    with pytest.raises(InputError, match=r"pytorch_model.bin: .*Enformer as configured: without stem.0.weight"):
        other.load_official({"pytorch_model.bin": path})


def test_short_sequences_are_padded_with_n_and_long_ones_cut_at_both_ends(small: Enformer) -> None:
    inside = sequence(100)
    short, padded, longer = ({"dna": dna} for dna in (inside, f"{'N' * 14}{inside}{'n' * 14}", sequence(200)))
    cut = {"dna": longer["dna"][36:164]}
    found = small.predict(small.preprocess([short, padded, longer, cut]))
    for first, second, moved in ((0, 1, 14), (2, 3, -36)):
        np.testing.assert_allclose(found[first].values, found[second].values, atol=1e-6)
        assert found[second].start - found[first].start == moved
    assert found[1].start == 32 and found[1].values.shape == (8, 5)
    letters = small.encode({"dna": "acgtnR" + "A" * 122})["bases"][:6]
    assert letters.tolist() == [0, 1, 2, 3, 4, 4]


@pytest.mark.parametrize("size", [2, 8, 32])
def test_bins_of_another_size_keep_the_sum(small: Enformer, size: int) -> None:
    row = {"dna": sequence(128), "bin_size": size}
    (own,) = small.predict(small.preprocess([row | {"bin_size": 0}]))
    (found,) = small.predict(small.preprocess([row | {"tracks": np.zeros((64 // size, 5)).tolist()}]))
    assert found.values.shape == (64 // size, 5)
    np.testing.assert_allclose(found.values.sum(0), own.values.sum(0), rtol=1e-5)
    assert found.start == own.start and found.bin_size == size


@pytest.mark.parametrize("bins", [1, 2, 5, 8])
def test_the_bins_of_a_row_are_those_at_its_centre(small: Enformer, bins: int) -> None:
    """Of an odd number, the middle of the middle bin is the middle of the sequence."""
    (found,) = small.predict(small.preprocess([{"dna": sequence(128), "tracks": np.zeros((bins, 5)).tolist()}]))
    assert found.values.shape == (bins, 5)
    assert found.start + bins * 8 / 2 == 64


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"dna": "ACGTX"}, "'X' at base 5 is not a letter of DNA"),
        ({"dna": " "}, "the sequence is empty"),
        ({"dna": "ACGT", "bin_size": 12}, "bins of 12 bases; the model's are of 8"),
        ({"dna": "ACGT", "tracks": [[0.0]] * 9}, "9 bins of 8 bases; predicted are the 8 at the centre of 128 bases"),
    ],
)
def test_what_does_not_fit_is_one_line(small: Enformer, row: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        small.encode(row)


def test_the_other_strand_has_the_tracks_in_reverse(small: Enformer, monkeypatch: pytest.MonkeyPatch) -> None:
    dna, tracks = sequence(128), np.random.default_rng(0).random((7, 5)).tolist()
    other = {"dna": dna[::-1].translate(str.maketrans("ACGT", "TGCA")), "tracks": tracks[::-1]}
    monkeypatch.setattr(torch, "rand", lambda *_: torch.zeros(1))
    monkeypatch.setattr(torch, "randint", lambda *_: torch.tensor(3))  # moved by nothing
    turned = small.augment(small.preprocess([{"dna": dna, "tracks": tracks}]))
    expected = small.preprocess([other])
    # An odd number of bins lies half a bin off the window's middle, on the other side on the other strand.
    assert torch.equal(turned["bases"][:, 8:], expected["bases"][:, :-8])
    torch.testing.assert_close(turned["target"][:, 1:], expected["target"][:, :-1], equal_nan=True)


def test_new_tracks_get_a_new_head(small: Enformer) -> None:
    """Even as many as before: tracks have no names by which they could be the same."""
    before, trunk = small._heads["human"][0].weight, small.stem[0].weight
    small.for_task(Tracks(track_features(8, 3)))
    assert list(small._heads) == ["tracks"] and small.spec.labels == ("track 1", "track 2", "track 3")
    assert small._heads["tracks"][0].weight.shape == before.shape and small.stem[0].weight is trunk
    assert small.stages()[-1] is small._heads
