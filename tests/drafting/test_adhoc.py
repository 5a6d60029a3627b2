"""Cards of models that a person names: a folder, a repository on a loopback Hub, a network of timm."""

import hashlib
import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.support.named import tiny_bert
from tlzoo.adapters.text_encoder import TextEncoder
from tlzoo.adapters.weights import fetched, resolve
from tlzoo.cards.adhoc import AdHocCard
from tlzoo.core.batch import collate
from tlzoo.drafting import adhoc
from tlzoo.errors import InputError, UnavailableError
from tlzoo.transfer.assemble import assemble


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("models") / "tiny")


def drafted(name: Path | str) -> AdHocCard:
    card = adhoc.find(str(name))
    assert isinstance(card, AdHocCard)
    return card


def edited(folder: Path, into: Path, **changes: object) -> Path:
    """A copy of a checkpoint with other fields in its configuration."""
    into.mkdir()
    for file in folder.iterdir():
        (into / file.name).write_bytes(file.read_bytes())
    config = json.loads((into / "config.json").read_text()) | changes
    (into / "config.json").write_text(json.dumps(config))
    return into


def test_a_folder_is_known_by_the_hash_of_its_weights(bert: Path) -> None:
    card = drafted(bert)
    sha256 = hashlib.sha256((bert / "model.safetensors").read_bytes()).hexdigest()
    assert (card.id, card.default.id) == ("folder:tiny", sha256[:12])
    assert (card.default.adapter, card.default.model) == ("transformers", "BertModel")
    assert (card.input.kind, card.input.max_tokens, card.outputs) == ("text", 64, ("pooled", "tokens"))
    assert card.provenance.license.weights == "mit"
    assert all(card.can_do(task) for task in ("text-classification", "text-embedding", "question-answering"))
    assert not card.can_do("image-classification")
    assert not any("path" in line or str(bert.parent) in line for line in card.notices)


def test_its_network_is_that_of_transformers(bert: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    network = assemble(resolve(drafted(bert), "official")).eval()
    assert isinstance(network, TextEncoder)
    theirs = AutoModel.from_pretrained(bert).eval()
    tokens = AutoTokenizer.from_pretrained(bert)("a good day", return_tensors="pt")
    with torch.inference_mode():
        expected = theirs(**tokens).last_hidden_state.mean(1)
        outputs = network(collate([network.encode("a good day")], network.ragged))
    assert torch.allclose(outputs["pooled"], expected, atol=1e-5)


def test_equal_names_are_told_apart_by_their_weights(bert: Path, tmp_path: Path) -> None:
    one = edited(bert, tmp_path / "tiny")
    tensors = {"embeddings.word_embeddings.weight": torch.zeros(2)}
    before = drafted(one).default.id
    save_file(tensors, one / "model.safetensors")
    assert drafted(one).id == drafted(bert).id
    assert before == drafted(bert).default.id != drafted(one).default.id


def test_a_file_that_changed_is_not_loaded(bert: Path, tmp_path: Path) -> None:
    card = drafted(edited(bert, tmp_path / "it"))
    (tmp_path / "it" / "model.safetensors").write_bytes(b"other")
    with pytest.raises(UnavailableError, match=r"model\.safetensors: changed or gone since it was first read"):
        fetched(card.default.weights[0].files[0])


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        (
            {"architectures": ["LlamaForCausalLM"], "model_type": "llama"},
            "no adapter builds LlamaForCausalLM yet; known:",
        ),
        ({"quantization_config": {"bits": 4}}, "its weights are quantized"),
        ({"num_attention_heads": 3}, "BertModel cannot be built as configured: ValueError"),
        ({"hidden_size": "wide"}, "BertModel cannot be built as configured"),
    ],
)
def test_what_is_not_read_is_one_line(bert: Path, changes: dict[str, object], part: str, tmp_path: Path) -> None:
    folder = edited(bert, tmp_path / "it", **changes)
    with pytest.raises(InputError) as raised:
        adhoc.find(str(folder))
    assert part in str(raised.value) and str(raised.value).startswith(f"model {folder}: ")
    assert len(str(raised.value).splitlines()) == 1


def test_files_that_are_missing_are_named(bert: Path, tmp_path: Path) -> None:
    folder = edited(bert, tmp_path / "it")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(InputError, match=r"no tokenizer: neither tokenizer\.json nor vocab\.txt is there"):
        adhoc.find(str(folder))
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"no weights: neither model\.safetensors nor pytorch_model\.bin is there"):
        adhoc.find(str(folder))
    (folder / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(InputError, match="its weights are in parts"):
        adhoc.find(str(folder))
    (folder / "config.json").unlink()
    with pytest.raises(InputError, match=r"there is no config\.json; read are models of timm"):
        adhoc.find(str(folder))
    with pytest.raises(InputError, match="unknown model 'nowhere'"):
        adhoc.find("nowhere")


class Bomb:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.marker,)  # type: ignore[return-value]


def test_code_beside_weights_is_not_run(bert: Path, tmp_path: Path) -> None:
    folder = edited(bert, tmp_path / "it", auto_map={"AutoModel": "evil.Model"})
    marker = tmp_path / "marker"
    (folder / "evil.py").write_text(f"open({str(marker)!r}, 'w')\nclass Model: pass\n")
    card = drafted(folder)
    assert any("its own code is not run; it is read as BertModel of transformers" in line for line in card.notices)
    assemble(resolve(card, "official"))
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(marker)))
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError):
        assemble(resolve(drafted(folder), "official"))
    assert not marker.exists()


def test_weights_of_another_network_do_not_load(bert: Path, tmp_path: Path) -> None:
    folder = edited(bert, tmp_path / "it", num_hidden_layers=3)
    with pytest.raises(InputError, match="not the weights of BertModel as configured: without"):
        assemble(resolve(drafted(folder), "official"))


def test_scratch_needs_no_weights(bert: Path) -> None:
    checkpoint = resolve(drafted(bert), "none")
    assert checkpoint.tier == "none" and checkpoint.drafted is not None
    assert pickle.loads(pickle.dumps(checkpoint)).drafted == checkpoint.drafted
    assemble(checkpoint)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("timm:mobilnetv3_small_100", "timm has no such network; near: mobilenetv3_small_100"),
        ("timm:mobilenetv3_small_100.lamb", "did you mean 'mobilenetv3_small_100.lamb_in1k'?"),
        ("hub:one", "expected hub:OWNER/NAME"),
        ("folder:tiny", "no such folder"),
    ],
)
def test_names_that_are_wrong(name: str, part: str) -> None:
    with pytest.raises(InputError) as raised:
        adhoc.find(name)
    assert part in str(raised.value)
