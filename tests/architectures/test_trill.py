"""TRILL and TRILLsson: patches, sizes, and the names of the published conversion."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.architectures.parity import seeded, tensorflow_files
from tlzoo.architectures.trill import TRILL, TRILLsson
from tlzoo.architectures.yamnet import log_mel
from tlzoo.core.batch import collate
from tlzoo.errors import InputError


def sound(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, int(seconds * 16_000)).astype(np.float32)


def checkpoint() -> dict[str, Tensor]:
    """Parameters with the names and shapes of ``TrillssonEfficientNetModel``, values always the same."""
    arrays = seeded.arrays(tensorflow_files.trillsson3(), 0, out=0)
    found = {name: torch.from_numpy(array) for name, array in arrays.items()}
    norms = [name.removesuffix("running_var") for name in found if name.endswith("running_var")]
    return found | {f"{norm}num_batches_tracked": torch.tensor(7) for norm in norms}


def test_trill_embeds_each_patch() -> None:
    torch.manual_seed(0)
    model = TRILL((1, 1, 1, 1), 0.125, 32).eval()
    batch = collate([model.encode(sound(s)) for s in (0.3, 2.0)], model.ragged)
    with torch.no_grad():
        found = model(batch)
    assert found["tokens_lengths"].tolist() == [1, 4]
    assert found["tokens"].shape == (5, 32)
    torch.testing.assert_close(found["pooled"][1], found["tokens"][1:].mean(0))


def test_trillsson_loads_the_published_names(tmp_path: Path) -> None:
    tensors = checkpoint()
    path = tmp_path / "pytorch_model.bin"
    torch.save(tensors, path)
    model = TRILLsson()
    model.load_official({path.name: path})
    state = model.body.state_dict()
    assert len(state) == len(tensors)
    for theirs, ours in (
        ("block.1.project_bn.running_mean", "blocks.0.1.bn1.running_mean"),
        ("block.2.expand_conv.weight", "blocks.1.0.conv_exp.weight"),
        ("block.39.squeeze_excitation.se_expand.bias", "blocks.5.14.se.conv_expand.bias"),
        ("dense.weight", "classifier.weight"),
    ):
        assert torch.equal(tensors[theirs], state[ours])
    assert {m.eps for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)} == {1e-3}
    del tensors["block.10.dwconv2.weight"]
    torch.save(tensors, path)
    with pytest.raises(InputError, match=r"without blocks\.3\.0\.conv_dw\.weight"):
        model.load_official({path.name: path})


def test_trillsson_reads_whole_chunks() -> None:
    model = TRILLsson("s", embedding_size=8)
    short = sound(0.7)
    patches = model.encode(short)["patches"]
    assert patches.shape == (1, 1, 195, 80)
    mirrored = np.concatenate([short, short[::-1], short])[:32_000]
    expected = log_mel(torch.tensor(mirrored.copy()), 80)[:195] / 128 - 1
    torch.testing.assert_close(patches[0, 0], expected)
    assert len(model.encode(sound(4.67))["patches"]) == 39  # as in the conversion's test of an utterance so long
    assert model.encode(np.zeros(0, np.float32))["patches"].shape == (1, 1, 195, 80)
    assert model.spec.hop_seconds == pytest.approx(0.07)
