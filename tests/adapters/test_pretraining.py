"""The objectives: what they hide, what they show, and that a small encoder learns by each."""

import pytest
import torch

from tests.support.encoders import CARDS, encoder
from tests.support.published import or_skip
from tests.support.training import learn
from tlzoo.adapters import pretraining
from tlzoo.core.batch import Row, to_device
from tlzoo.data.catalogue import find, load

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
@or_skip()
def rows() -> list[Row]:
    return [*load(find("language-modeling", "wikipedia")).splits["train"].select(range(48))]


@pytest.mark.parametrize("name", CARDS)
def test_the_loss_falls_and_the_encoder_is_what_learns(name: str, rows: list[Row]) -> None:
    network = encoder(name)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    model = pretraining.objective_for(network)
    assert type(model).__name__ == network.family.objective
    losses = learn(model, rows[:16], 25, rate=3e-3)
    assert sum(losses[-5:]) < 0.93 * sum(losses[:5])
    moved = [k for k, v in network.state_dict().items() if not torch.equal(v, before[k])]
    assert len(moved) > len(before) * 0.8


def test_masks_hide_a_seventh_of_the_text_and_nothing_special(rows: list[Row]) -> None:
    model = pretraining.objective_for(encoder("bert"))
    inputs, asked = model.padded(to_device(model.collate([model.encode(row) for row in rows]), "cpu"))
    torch.manual_seed(0)
    chosen = pretraining.some(asked, pretraining.MASKED)
    assert 0.12 < float(chosen.sum() / asked.sum()) < 0.18
    ids = inputs["input_ids"]
    seen = pretraining.hidden(ids, chosen, model.mask, model.config.vocab_size)
    assert torch.equal(seen[~chosen], ids[~chosen])
    share = float((seen[chosen] == model.mask).float().mean())
    assert 0.7 < share < 0.9


def test_phrases_are_whole_words(rows: list[Row]) -> None:
    model = pretraining.objective_for(encoder("ernie"))
    assert isinstance(model, pretraining.MaskedPhrases)
    inputs, asked = model.padded(model.collate([model.encode(row) for row in rows]))
    ids = inputs["input_ids"]
    torch.manual_seed(0)
    chosen = model.choose(ids, asked)
    follows = model.continues[ids] & asked
    assert torch.equal(chosen[:, 1:][follows[:, 1:]], chosen[:, :-1][follows[:, 1:]]), "a word is hidden whole or not"
    assert 0.1 < float(chosen.sum() / asked.sum()) < 0.2
    runs = float((chosen[:, 1:] & chosen[:, :-1]).sum() / chosen.sum())
    assert runs > 0.4, "often more than one piece in a row"


def test_a_predicted_token_of_a_permutation_is_not_seen(rows: list[Row]) -> None:
    """What a token is must not change what is said of it, nor of those before it in the order."""
    network = encoder("xlnet")
    model = pretraining.objective_for(network)
    batch = model.collate([model.encode(rows[0])])
    seen = {}
    network.network.forward, plain = lambda **inputs: seen.update(inputs) or plain(**inputs), network.network.forward
    torch.manual_seed(0)
    model.loss(batch)
    places = seen["target_mapping"][0].argmax(-1)
    assert len(places) == -(-(len(batch["ids"]) - 2) // 6)
    inputs = {k: v for k, v in seen.items() if v is not None}
    with torch.inference_mode():
        before = plain(**inputs).last_hidden_state[0]
        changed = inputs["input_ids"].clone()
        changed[0, places[0]] = 100  # the very last of the order: nobody may see it
        after = plain(**(inputs | {"input_ids": changed})).last_hidden_state[0]
        assert torch.allclose(before, after, atol=1e-5)
        changed = inputs["input_ids"].clone()
        changed[0, places[-1]] = 100  # the first of those predicted: the others see it, it does not
        after = plain(**(inputs | {"input_ids": changed})).last_hidden_state[0]
        assert torch.allclose(before[-1], after[-1], atol=1e-5)
        assert not torch.allclose(before[:-1], after[:-1], atol=1e-5)
