"""Embedding of texts: vectors of a backbone, their cosine, and training that starts from it."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file
from torch import Tensor, nn

from tests.support.published import official, or_skip
from tests.support.training import learn, scores
from tlzoo.adapters.weights import resolve
from tlzoo.cards import catalogue
from tlzoo.core.batch import Batch, Example, Spec, collate, segment_mean
from tlzoo.core.model import Backbone, HeadedModel
from tlzoo.data.packaged.news import documents
from tlzoo.tasks.text_embedding import TextEmbedding

TASK = TextEmbedding.of(())


class Letters(Backbone):
    """A vector for each letter; counts what goes through it."""

    ragged = frozenset({"ids"})

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.spec = Spec("text", {"pooled": 16})
        self.table = nn.Embedding(256, 16)
        self.seen = 0

    def encode(self, source: str) -> Example:
        return {"ids": torch.tensor([ord(c) % 256 for c in source])}

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        self.seen += len(batch["ids_lengths"])
        return {"pooled": segment_mean(self.table(batch["ids"]), batch["ids_lengths"])}

    def stages(self) -> list[nn.Module]:
        return [self.table]

    def load_official(self, files: Any) -> None:
        raise NotImplementedError


@pytest.fixture(scope="module")
def minilm(one_thread: None) -> HeadedModel:
    """all-MiniLM-L6-v2 as published."""
    model = official("bert", "minilm").for_zero_shot(TASK)
    assert isinstance(model, HeadedModel)
    return model.eval()


@pytest.fixture(scope="module")
@or_skip()
def sentences() -> list[str]:
    stories = list(documents().values())
    return [*[sentence for story in stories for sentence in story.split(". ")][:99], " ".join(stories)[:100_000]]


def row(one: str, two: str, **score: float) -> dict[str, Any]:
    return {"sentence1": one, "sentence2": two, **score}


def cosines(model: Any, rows: list[dict[str, Any]]) -> list[float]:
    with torch.inference_mode():
        return [p.score for p in model.eval().predict(model.preprocess(rows))]


ROWS = [row("abc", "abd", score=0.9), row("abc", "xyz", score=0.1), row("xy", "xyz", score=0.8), row("a", "q", score=0)]


def test_without_a_head_and_with_a_new_one_it_is_the_cosine_of_the_backbones_vectors() -> None:
    backbone = Letters()
    bare, fresh = backbone.for_zero_shot(TASK), backbone.for_task(TASK)
    assert bare is not None
    assert sum(p.numel() for p in bare.parameters()) == 256 * 16, "nothing but the backbone"
    with torch.inference_mode():
        one, two = (torch.cat([backbone.table.weight[[ord(c) for c in t]].mean(0)[None] for t in texts])
                    for texts in (("abc", "abc", "xy", "a"), ("abd", "xyz", "xyz", "q")))  # fmt: skip
    wanted = torch.cosine_similarity(one, two).tolist()
    assert cosines(bare, ROWS) == pytest.approx(wanted, abs=1e-6)
    assert cosines(fresh, ROWS) == pytest.approx(wanted, abs=1e-6)
    assert cosines(bare, [row("abc", "abc"), row("x", "x")]) == pytest.approx([1, 1])


def test_a_text_that_occurs_again_goes_through_the_backbone_once() -> None:
    backbone = Letters()
    model = backbone.for_task(TASK)
    alone = [cosines(model, [each])[0] for each in ROWS]
    backbone.seen = 0
    assert cosines(model, ROWS) == pytest.approx(alone, abs=1e-6)
    assert backbone.seen == len({"abc", "abd", "xyz", "xy", "a", "q"})


def test_the_loss_is_zero_only_in_the_right_order_and_cares_for_nothing_else() -> None:
    def loss(cosine: list[float]) -> float:
        angles = torch.tensor(cosine).arccos()
        pair = [torch.tensor([[1.0, 0.0]] * len(cosine)), torch.stack([angles.cos(), angles.sin()], 1)]
        return float(TASK.loss(pair, {"target": torch.tensor([0.0, 0.5, 0.5, 1.0])}))

    assert loss([-0.9, -0.3, 0.3, 0.9]) < 1e-4
    assert loss([-0.9, -0.3, 0.3, 0.9]) == pytest.approx(loss([-0.9, 0.3, -0.3, 0.9]), abs=1e-6), "a tie has no order"
    assert loss([0.9, 0.3, -0.3, -0.9]) == pytest.approx(20 * 1.8, abs=0.1), "the worst pair of all"


def test_training_learns_the_order() -> None:
    texts = ["aaa", "aab", "abb", "bbb", "ccc", "ccd", "cdd", "ddd"]
    order = {t: i for i, t in enumerate(texts)}
    rows = [row(a, b, score=1 - abs(order[a] - order[b]) / 8) for a in texts for b in texts if a < b]
    model = Letters().for_task(TASK)
    before = scores(TASK, model, rows)["spearman"]
    losses = learn(model, rows, steps=60)
    assert losses[-1] < 0.7 * losses[0]
    assert scores(TASK, model, rows)["spearman"] > max(0.9, before + 0.1)


def test_minilm_knows_what_a_sentence_means(minilm: HeadedModel) -> None:
    first = "A man is playing a guitar."
    others = ("Someone plays the guitar.", "The stock market fell sharply.")
    same, other = cosines(minilm, [row(first, each) for each in others])
    assert same >= 0.6
    assert other <= 0.15


def vectors(model: HeadedModel, texts: list[str], size: int) -> Tensor:
    backbone = model.backbone
    parts = [[backbone.encode(text) for text in texts[i : i + size]] for i in range(0, len(texts), size)]
    with torch.inference_mode():
        found = torch.cat([backbone(collate(part, backbone.ragged))["pooled"] for part in parts])
    return nn.functional.normalize(found)


def test_minilms_vectors_are_those_of_its_publishers(minilm: HeadedModel, sentences: list[str]) -> None:
    """Mean pooling and normalisation over transformers' own model and tokenizer, at most 256 tokens."""
    card = catalogue.get("bert")
    files = resolve(card, "official", "minilm").paths()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=str(files["tokenizer.json"]), pad_token="[PAD]")
    network = transformers.BertModel(transformers.BertConfig.from_json_file(str(files["config.json"]))).eval()
    network.load_state_dict(load_file(files["model.safetensors"]), strict=False)
    wanted = []
    with torch.inference_mode():
        for i in range(0, 100, 20):
            few = sentences[i : i + 20]
            inputs = tokenizer(few, padding=True, truncation=True, max_length=256, return_tensors="pt")
            states, mask = network(**inputs).last_hidden_state, inputs["attention_mask"][..., None]
            wanted.append(nn.functional.normalize((states * mask).sum(1) / mask.sum(1)))
    assert (vectors(minilm, sentences, 20) - torch.cat(wanted)).abs().max() < 1e-5


def test_minilms_vectors_are_those_of_sentence_transformers(
    minilm: HeadedModel, sentences: list[str], tmp_path: Path
) -> None:
    library = pytest.importorskip("sentence_transformers")
    for name, path in resolve(catalogue.get("bert"), "official", "minilm").paths().items():
        (tmp_path / name).symlink_to(path)
    model = library.SentenceTransformer(str(tmp_path), device="cpu")  # mean pooling is its default
    model.max_seq_length = 256
    wanted = torch.from_numpy(model.encode(sentences, normalize_embeddings=True))
    assert (vectors(minilm, sentences, 20) - wanted).abs().max() < 1e-5
