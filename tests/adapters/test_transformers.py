"""Text encoders: the nano variant of every architecture."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertForMaskedLM

from tests.support.encoders import CARDS, encoder
from tests.support.training import learn
from tlzoo.adapters import build
from tlzoo.adapters.text_encoder import TextEncoder
from tlzoo.adapters.weights import variant_of
from tlzoo.cards import catalogue
from tlzoo.core.batch import collate
from tlzoo.errors import InputError
from tlzoo.tasks.classification import TextClassification
from tlzoo.tasks.question_answering import QuestionAnswering
from tlzoo.transfer.strategies import apply, merge_lora

pytestmark = pytest.mark.usefixtures("one_thread")


@torch.inference_mode()
def vectors(network: TextEncoder, texts: list[Any], size: int) -> torch.Tensor:
    examples = [network.encode(text) for text in texts]
    parts = [examples[i : i + size] for i in range(0, len(examples), size)]
    return torch.cat([network(collate(part, network.ragged))["pooled"] for part in parts])


@pytest.mark.parametrize("name", CARDS)
def test_any_text_is_taken(name: str) -> None:
    network = encoder(name)
    odd = ["", " ", "a" * 100_000, "word " * 20_000, "a\0b", "half \ud800 of a pair", "混ぜる 🤷🏽‍♀️ עברית", "\x80\x9f"]
    together = vectors(network, odd, 8)
    assert torch.isfinite(together).all()
    assert torch.allclose(vectors(network, odd, 1), together, atol=1e-4)
    assert len(network.encode(odd[3])["ids"]) == network.max_tokens
    pair = network.encode((odd[3], "short"))
    assert len(pair["ids"]) <= network.max_tokens


@pytest.mark.parametrize("name", CARDS)
@pytest.mark.parametrize("strategy", ["partial", "lora"])
def test_latter_layers_or_updates_alone_are_trained(name: str, strategy: str, tmp_path: Path) -> None:
    task = TextClassification.of(["dog", "cat"])
    model = encoder(name).for_task(task)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    apply(model, strategy)  # type: ignore[arg-type]
    rows = [
        {"text": f"the {animal} number {i}", "label": k} for i in range(4) for k, animal in enumerate(("dog", "cat"))
    ]
    losses = learn(model, rows, steps=12)
    assert losses[-1] < 0.7 * losses[0]
    if strategy == "lora":
        merge_lora(model)
    after = model.state_dict()
    assert set(after) == set(before)
    changed = [k for k in before if not torch.equal(before[k], after[k]) and not k.startswith("head")]
    assert changed
    assert not any("embeddings.word" in k or k.endswith("word_embedding.weight") for k in changed)


def test_a_checkpoint_with_other_heads_is_loaded_and_another_structure_refused(tmp_path: Path) -> None:
    network = encoder("bert")
    other = BertForMaskedLM(network.network.config)
    state = {k.replace("LayerNorm.weight", "LayerNorm.gamma"): v for k, v in other.state_dict().items()}
    torch.save(state, tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text(json.dumps({"hidden_size": 96, "layer_norm_eps": 1e-12}))
    files = {path.name: path for path in tmp_path.iterdir()}
    network.load_official(files)
    key = "encoder.layer.3.output.LayerNorm.weight"
    assert torch.equal(network.network.state_dict()[key], other.bert.state_dict()[key])
    (tmp_path / "config.json").write_text(json.dumps({"hidden_size": 96, "layer_norm_eps": 1e-5}))
    with pytest.raises(InputError, match="layer_norm_eps 1e-05, expected 1e-12"):
        network.load_official(files)
    torch.save({k: v for k, v in state.items() if "layer.2" not in k}, tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"without encoder\.layer\.2"):
        network.load_official({"pytorch_model.bin": tmp_path / "pytorch_model.bin"})


def test_the_published_roberta_looks_both_ways_and_the_nano_one_only_back() -> None:
    card = catalogue.get("roberta")
    with torch.device("meta"):
        assert not build(variant_of(card, "distil"), card.input).network.config.is_decoder  # type: ignore[union-attr]
    network = encoder("roberta")
    with torch.inference_mode():
        one, other = (
            network(collate([network.encode(text)], network.ragged))["tokens"] for text in ("dogs bark", "dogs sleep")
        )
    assert torch.allclose(one[:2], other[:2], atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "card"), [("BertForQuestionAnswering", "tf2nq"), ("ElectraForQuestionAnswering", "electra")]
)
def test_the_published_head_finds_answers_as_the_librarys_model(kind: str, card: str, tmp_path: Path) -> None:
    import transformers

    network = encoder(card)
    before = network.state_dict().keys()
    torch.manual_seed(1)
    model = getattr(transformers, kind)(network.network.config).eval()
    for value in model.parameters():
        torch.nn.init.normal_(value, std=0.1)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    task = QuestionAnswering.of([])
    assert network.for_zero_shot(task) is None
    network.load_official({"pytorch_model.bin": tmp_path / "pytorch_model.bin"})
    assert network.for_zero_shot(TextClassification.of(["a", "b"])) is None
    answering = network.for_zero_shot(task)
    rows = [{"question": "Where?", "context": f"Anna lives in Perth{', Boris in Hobart' * i}."} for i in range(2)]
    batch = answering.preprocess(rows)
    ids, segments, mask = network.padded({name: batch[name] for name in ("ids", "segments", "ids_lengths")})
    with torch.inference_mode():
        outputs = model(input_ids=ids, token_type_ids=segments, attention_mask=mask)
        expected = torch.stack([outputs.start_logits, outputs.end_logits], -1)[mask.bool()]
        torch.testing.assert_close(answering(batch), expected, atol=1e-5, rtol=1e-5)
        for prediction, row in zip(answering.predict(batch), rows, strict=True):
            assert prediction.type in ("short", "none")
            assert prediction.text == row["context"][prediction.start : prediction.end]
    network.drop_published_head()
    assert network.state_dict().keys() == before
