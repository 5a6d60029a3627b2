"""Every architecture of texts that an adapter reads gives what transformers itself gives, from the file as saved."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import save_file
from torch.nn.utils.rnn import pad_sequence

from tlzoo.adapters.families import FAMILIES
from tlzoo.adapters.text_encoder import TextEncoder
from tlzoo.cards.schema import Input, Variant
from tlzoo.core.batch import collate

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL: dict[str, Any] = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "pad_token_id": 1,
}
OTHERS: dict[str, dict[str, Any]] = {
    "DistilBertModel": {"dim": 16, "n_layers": 3, "n_heads": 2, "hidden_dim": 24},
    "AlbertModel": {"embedding_size": 8},
    "ElectraModel": {"embedding_size": 8},
    "XLNetModel": {"d_model": 16, "n_layer": 3, "n_head": 2, "d_inner": 24},
    "DebertaV2Model": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "type_vocab_size": 0},
    "ModernBertModel": {"cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3},
}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_saved_network_is_read(name: str, tmp_path: Path) -> None:
    config = SMALL | ({} if name == "XLNetModel" else {"max_position_embeddings": 40}) | OTHERS.get(name, {})
    kind = getattr(transformers, name)
    torch.manual_seed(0)
    theirs = kind(kind.config_class(**config)).eval()
    save_file({n: t.clone() for n, t in theirs.state_dict().items()}, tmp_path / "model.safetensors")
    variant = Variant(id="it", kind="official", description="-", adapter="transformers", model=name, config=config)
    ours = TextEncoder(variant, Input(kind="text", description="-", max_tokens=38)).eval()
    ours.load_official({"model.safetensors": tmp_path / "model.safetensors"})
    texts = [torch.randint(5, 50, (n,)) for n in (ours.max_tokens, 4)]
    assert 37 <= ours.max_tokens <= 38, "the positions of some start after the padding's"
    batch = collate([{"ids": ids, "segments": torch.zeros_like(ids)} for ids in texts], ours.ragged)
    side = "left" if ours.family.left else "right"
    with torch.inference_mode():
        outputs = ours(batch)
        ids = pad_sequence(texts, True, 1, side)
        states = theirs.base_model(ids, attention_mask=(ids != 1).long()).last_hidden_state
        expected = torch.stack([state[one != 1].mean(0) for state, one in zip(states, ids, strict=True)])
    assert torch.allclose(outputs["pooled"], expected, atol=1e-5)
    trained = {id(p) for stage in ours.stages() for p in stage.parameters()}
    assert len(ours.stages()) >= 2 and {id(p) for p in ours.network.base_model.parameters()} & trained
