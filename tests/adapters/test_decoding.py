"""A causal decoder: likelihoods that are right whatever stands beside them, words and replies that it writes."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from scripts.learn_tokenizers import learn as learn_tokenizer
from tests.conformance.models import same
from tests.support.dialogue import ANSWERS, MESSAGES, ROWS
from tests.support.training import learn, scores
from tlzoo.adapters import build
from tlzoo.adapters.decoding import CausalDecoder
from tlzoo.adapters.text_encoder import TextEncoder
from tlzoo.cards import catalogue
from tlzoo.core.model import Backbone
from tlzoo.core.predictions import Completion
from tlzoo.data.schemas import CLOZE_FEATURES, REPLY_FEATURES
from tlzoo.tasks.classification import TextClassification
from tlzoo.tasks.language_modeling import Cloze
from tlzoo.tasks.text_generation import Replies
from tlzoo.transfer.strategies import apply

PASSAGES = [{"text": f"The word after {m}", "target": a.split()[0]} for m, a in zip(MESSAGES, ANSWERS, strict=True)]
REPLIES, CLOZE = Replies(REPLY_FEATURES), Cloze(CLOZE_FEATURES)


@pytest.fixture(scope="module")
def vocabulary() -> Any:
    """A small byte-level vocabulary, of the texts here."""
    return learn_tokenizer("bytes", [*MESSAGES, *ANSWERS], 300)


@pytest.fixture
def decoder(vocabulary: Any, one_thread: None) -> Callable[..., CausalDecoder]:
    def make(task: Any = REPLIES) -> CausalDecoder:
        torch.manual_seed(0)
        card = catalogue.get("roberta")
        model = build(next(v for v in card.variants if v.kind == "nano"), card.input, task)
        assert isinstance(model, CausalDecoder)
        model.backbone._tokenizer = vocabulary
        return model.eval()

    return make


def test_it_is_a_decoder_only_where_no_head_fits() -> None:
    card = catalogue.get("roberta")
    task = TextClassification.of(["a", "b"])
    with torch.device("meta"):
        for variant in card.variants:
            assert isinstance(build(variant, card.input, task), Backbone)
            built = build(variant, card.input, REPLIES)
            assert isinstance(built, CausalDecoder)
            assert built.backbone.network.config.is_decoder
            assert sum(p.numel() for p in built.parameters()) == variant.params


@torch.inference_mode()
def test_likelihoods_are_those_of_the_tokens_one_by_one(decoder: Callable[..., CausalDecoder]) -> None:
    model = decoder()
    example = model.encode(ROWS[3])
    network = model.backbone.network
    found = model.predict(model.collate([example]))[0]

    def nats(prompt: list[int], tokens: list[int]) -> float:
        total = 0.0
        for place, token in enumerate(tokens):
            logits = network(torch.tensor([[*prompt, *tokens[:place]]])).logits[0, -1]
            total -= float(F.log_softmax(logits, -1)[token])
        return total

    for i, tokens in enumerate(example["continuations"]):
        after, alone = nats(example["prompt"], tokens), nats(example["prompt"][:1], tokens)
        assert found.candidate_nats[i] == pytest.approx(after, abs=1e-4)
        assert found.candidate_scores[i] == pytest.approx(alone - after, abs=1e-4)


@torch.inference_mode()
def test_nothing_sees_what_comes_after(decoder: Callable[..., CausalDecoder]) -> None:
    model = decoder()
    one, other = (model.backbone.states(input_ids=torch.tensor([[0, 50, 60, last]]))[0, :3] for last in (70, 80))
    assert torch.equal(one, other)


@torch.inference_mode()
@pytest.mark.parametrize(("task", "rows"), [(REPLIES, ROWS), (CLOZE, PASSAGES)])
def test_batches_and_padding_change_no_score(
    decoder: Callable[..., CausalDecoder], task: Any, rows: list[dict[str, Any]]
) -> None:
    model = decoder(task)
    rows = [rows[0] | {"text": " ".join(MESSAGES) * 5}, *rows, *rows[:5]]
    together = model.predict(model.preprocess(rows))
    assert len(together) == 16
    for row, other in zip(rows, together, strict=True):
        (alone,) = model.predict(model.preprocess([row]))
        assert same(alone, other, 1e-4)


def test_it_learns_ten_replies_and_writes_them(
    decoder: Callable[..., CausalDecoder],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = decoder()
    before = scores(REPLIES, model, ROWS)["perplexity"]
    monkeypatch.setattr(model, "loss", lambda batch: CausalDecoder.loss(model, model.augment(batch)))
    losses = learn(model, ROWS, steps=80, rate=3e-3)
    assert sum(losses[-8:]) < 0.2 * sum(losses[:8])
    assert scores(REPLIES, model, ROWS)["recall_at_1"] > 0.9
    assert scores(REPLIES, model, ROWS)["perplexity"] < min(2.0, before)
    with torch.inference_mode():
        written = model.predict(model.preprocess([{"text": message} for message in MESSAGES]))
    assert sum(w.text == a for w, a in zip(written, ANSWERS, strict=True)) >= 9
    model.save_assets(tmp_path)
    again = decoder()
    again.backbone._tokenizer = None
    again.load_state_dict(model.state_dict())
    again.load_assets(tmp_path)
    with torch.inference_mode():
        assert again.predict(again.preprocess(ROWS[:1])) == model.predict(model.preprocess(ROWS[:1]))


@torch.inference_mode()
@pytest.mark.parametrize(
    ("said", "word"),
    [
        (" Fires burn", "Fires"),
        (" don't go", "don't"),
        (" fires. The", "fires"),
        (" 3.5 m", "3.5"),
        (" Über-ich und", "Über-ich"),
        ("! no", ""),
        (" end", "end"),
        ("", ""),
    ],
)
def test_a_word_ends_where_the_next_one_begins(
    decoder: Callable[..., CausalDecoder], monkeypatch: pytest.MonkeyPatch, said: str, word: str
) -> None:
    model = decoder(CLOZE)
    first = len(model.encode({"text": "The"})["prompt"])
    whole = [*model.backbone.cut(said).ids, model.backbone.tokenizer.token_to_id("</s>")]
    monkeypatch.setattr(model, "_next", lambda texts: [whole[len(text) - first] for text in texts])
    assert model.predict(model.preprocess([{"text": "The"}])) == [Completion(word)]


@torch.inference_mode()
def test_long_texts_keep_what_is_next_to_the_reply(decoder: Callable[..., CausalDecoder]) -> None:
    model = decoder()
    long = {"text": "x " * 5000 + "Who are you?", "candidates": ["y " * 5000, "A robot"], "target": 1}
    example = model.encode(long)
    most = model.backbone.max_tokens
    assert max(len(example["prompt"]) + len(c) for c in example["continuations"]) <= most
    assert model.backbone.tokenizer.decode(example["prompt"]).strip().endswith("Who are you?")
    (end,) = {tokens[-1] for tokens in example["continuations"]}
    assert end == model.backbone.tokenizer.token_to_id("</s>")
    (prediction,) = model.predict(model.collate([example]))
    assert len(prediction.candidate_scores) == 2
    assert isinstance(model.predict(model.preprocess([{"text": long["text"]}]))[0].text, str)


@torch.inference_mode()
def test_any_text_is_taken(decoder: Callable[..., CausalDecoder]) -> None:
    model = decoder()
    for text in ("", "\0", "👩‍👩‍👧", "שלום", "hi\ud83d"):
        (prediction,) = model.predict(model.preprocess([{"text": text, "candidates": [text, "Yes"]}]))
        assert all(score == score for score in prediction.candidate_scores)


def test_a_probe_trains_the_head_alone(decoder: Callable[..., CausalDecoder]) -> None:
    counts = []
    for strategy in ("probe", "partial", "full"):
        apply(model := decoder(), strategy)  # type: ignore[arg-type]
        counts.append(sum(p.numel() for p in model.parameters() if p.requires_grad))
    assert all(a < b for a, b in pairwise(counts))
    assert isinstance(model.stand_in_target(), TextEncoder)


def test_where_words_are_given_the_likeliest_of_them_completes_a_passage(decoder: Callable[..., CausalDecoder]) -> None:
    model = decoder(CLOZE)
    words = [row["target"] for row in PASSAGES[:4]]
    rows = [PASSAGES[0] | {"candidates": words}, PASSAGES[1], {"text": PASSAGES[2]["text"], "candidates": words}]
    chosen, written, unknown = (model.predict(model.preprocess([row]))[0] for row in rows)
    prompt = model.encode(rows[0])["prompt"]
    nats = [model.nats([prompt], [model.encode({**rows[0], "target": w})["continuations"][0]]).item() for w in words]
    assert chosen.text == words[nats.index(min(nats))] and chosen.nats == pytest.approx(nats[0], abs=1e-4)
    assert written == model.predict(model.preprocess(rows[:2]))[1]
    assert unknown.text in words and unknown.nats is None
