"""The pretraining objectives of text encoders, as in their papers, with heads of transformers.

They differ in the tokens that are hidden and predicted, so that the difference between BERT, ERNIE, ELECTRA, XLNet and
a causal RoBERTa is here in code. A row of the source is a passage, ``text``, and the word after it, ``target``.
"""

from __future__ import annotations

import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional as F

from tlzoo.adapters.text_encoder import TextEncoder
from tlzoo.adapters.tokenizing import SPECIALS
from tlzoo.core.batch import Batch, Example, Row
from tlzoo.core.model import Backbone, Learner
from tlzoo.errors import InputError

MAX_TOKENS = 64
"""Maximum tokens of a passage."""
MASKED = 0.15
"""Share of the tokens that are hidden (Devlin 2018, 1810.04805, section 3.1)."""
PREDICTED = 1 / 6
"""Share of the tokens that a permuted model predicts (Yang 2019, 1906.08237, section 2.3; K = 6 in appendix A.4)."""
MAX_PHRASE_WORDS = 3
"""Maximum words that are hidden together as a phrase."""
DISCRIMINATOR = 50.0
"""Weight of ELECTRA's discriminator (Clark 2020, 2003.10555, table 6)."""


class Objective(Learner):
    """An objective that an encoder is pretrained with: a loss on passages.

    Attributes:
        backbone: The encoder that learns.
    """

    special: Tensor

    def __init__(self, backbone: TextEncoder) -> None:
        """Put the objective's head on an encoder."""
        super().__init__()
        self.backbone = backbone
        self.spec, self.ragged = backbone.spec, backbone.ragged
        self.config = backbone.network.config
        specials = SPECIALS[backbone.family.kind]
        numbers = {token: backbone.tokenizer.token_to_id(token) or 0 for token in specials.tokens}
        self.mask = numbers[specials.mask]
        self.register_buffer("special", torch.tensor(list(numbers.values())), persistent=False)
        for module in backbone.modules():  # so few passes do not overfit (Geiping 2022, 2212.14034, sec. 4.2)
            if isinstance(module, nn.Dropout):
                module.p = 0.0

    def encode(self, row: Row) -> Example:
        """The passage with its last word, cut to ``MAX_TOKENS`` tokens."""
        example = self.backbone.encode(f"{row['text']} {row['target']}")
        return {name: values[:MAX_TOKENS] for name, values in example.items()}

    def padded(self, batch: Batch) -> tuple[dict[str, Tensor], Tensor]:
        """The encoder's inputs, and which tokens may be predicted: neither padding nor special."""
        ids, segments, mask = self.backbone.padded(batch)
        predictable = mask.bool() & ~torch.isin(ids, self.special)
        return {"input_ids": ids, "token_type_ids": segments, "attention_mask": mask}, predictable


class Masked(Objective):
    """Masked tokens, BERT's (Devlin 2018, 1810.04805, section 3.1)."""

    def __init__(self, backbone: TextEncoder) -> None:  # noqa: D107
        super().__init__(backbone)
        self.head = transformers.BertForMaskedLM(self.config).cls
        self.head.predictions.decoder.weight = backbone.network.embeddings.word_embeddings.weight

    def loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of the chosen tokens."""
        inputs, predictable = self.padded(batch)
        ids = inputs["input_ids"]
        chosen = self.choose(ids, predictable)
        inputs["input_ids"] = hidden(ids, chosen, self.mask, self.config.vocab_size)
        return F.cross_entropy(self.head(self.backbone.states(**inputs)[chosen]), ids[chosen])

    def choose(self, ids: Tensor, predictable: Tensor) -> Tensor:
        """Which tokens are to be predicted, like ``ids``; each by itself."""
        return some(predictable, MASKED)


class MaskedPhrases(Masked):
    """Masked phrases, ERNIE's (Sun 2019, 1904.09223, section 3.1): whole words, up to ``MAX_PHRASE_WORDS`` in a row.

    The paper's phrases and entities come from taggers; here every run of words may be one.
    """

    continues: Tensor

    def __init__(self, backbone: TextEncoder) -> None:  # noqa: D107
        super().__init__(backbone)
        pieces = (backbone.tokenizer.id_to_token(i) or "" for i in range(self.config.vocab_size))
        self.register_buffer("continues", torch.tensor([p.startswith("##") for p in pieces]), persistent=False)

    def choose(self, ids: Tensor, predictable: Tensor) -> Tensor:
        """Runs of words, with all their pieces."""
        word = (predictable & ~self.continues[ids]).cumsum(1)
        count = int(word.max()) + 1
        begins = torch.rand(len(ids), count, device=ids.device) < MASKED / ((1 + MAX_PHRASE_WORDS) / 2)
        sizes = torch.randint(1, MAX_PHRASE_WORDS + 1, begins.shape, device=ids.device)
        phrase = torch.zeros_like(begins)
        for distance in range(MAX_PHRASE_WORDS):
            reaches = begins & (sizes > distance)
            phrase[:, distance:] |= reaches[:, : count - distance]
        chosen = phrase.gather(1, word) & predictable
        return chosen if bool(chosen.any()) else some(predictable, MASKED)


class Replaced(Objective):
    """Replaced tokens, ELECTRA's (Clark 2020, 2003.10555, section 3).

    A small generator fills masks, and the encoder tells for every token whether it is the original. The two share the
    embeddings (section 3.2).
    """

    def __init__(self, backbone: TextEncoder) -> None:  # noqa: D107
        super().__init__(backbone)
        sizes = ("hidden_size", "num_attention_heads", "intermediate_size")
        half = {name: getattr(self.config, name) // 2 for name in sizes}
        self.generator = transformers.ElectraForMaskedLM(transformers.ElectraConfig(**(self.config.to_dict() | half)))
        self.generator.electra.embeddings = backbone.network.embeddings
        self.generator.generator_lm_head.weight = backbone.network.embeddings.word_embeddings.weight
        self.discriminator = transformers.ElectraForPreTraining(self.config).discriminator_predictions

    def loss(self, batch: Batch) -> Tensor:
        """The generator's cross-entropy, plus 50 times the discriminator's binary one over all tokens."""
        inputs, predictable = self.padded(batch)
        ids = inputs["input_ids"]
        chosen = some(predictable, MASKED)
        masked = inputs | {"input_ids": ids.masked_fill(chosen, self.mask)}
        states = self.generator.electra(**masked).last_hidden_state
        logits = self.generator.generator_lm_head(self.generator.generator_predictions(states[chosen]))
        corrupted = ids.clone()
        corrupted[chosen] = torch.multinomial(logits.detach().softmax(-1), 1)[:, 0]
        logits_replaced = self.discriminator(self.backbone.states(**(inputs | {"input_ids": corrupted})))
        replaced = F.binary_cross_entropy_with_logits(
            logits_replaced[predictable], (corrupted != ids)[predictable].float()
        )
        return F.cross_entropy(logits, ids[chosen]) + DISCRIMINATOR * replaced


class Permuted(Objective):
    """Tokens in a random order, XLNet's (Yang 2019, 1906.08237, sections 2.2 and 2.3).

    The last sixth of the order is predicted, each token from those before it in the order, where its place is known
    and its content is not (two streams).
    """

    def __init__(self, backbone: TextEncoder) -> None:  # noqa: D107
        super().__init__(backbone)
        self.head = nn.Linear(self.config.d_model, self.config.vocab_size)
        self.head.weight = backbone.network.word_embedding.weight

    def loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of the predicted tokens."""
        inputs, predictable = self.padded(batch)
        ids = inputs["input_ids"]
        order = torch.rand(ids.shape, device=ids.device).masked_fill(~predictable, -1)  # others are always visible
        share = (PREDICTED * predictable.sum(1)).ceil().long()
        max_share = max(1, int(share.max()))
        values, places = order.topk(max_share, dim=1)  # the last of the order, the very last first
        counted = (torch.arange(max_share, device=ids.device) < share[:, None]) & (values >= 0)
        first = torch.where(counted, values, 2.0).amin(1, keepdim=True)
        predicted = order >= first
        # a token sees those before it in the order; one that is not predicted sees all of its like
        sees = (order[:, :, None] > order[:, None, :]) | ~predicted[:, None, :]
        mapping = F.one_hot(places, ids.shape[1]).float()
        states = self.backbone.states(**inputs, perm_mask=(~sees).float(), target_mapping=mapping)
        return F.cross_entropy(self.head(states[counted]), ids.gather(1, places)[counted])


class Causal(Objective):
    """The next token, from left to right (Radford 2018): a RoBERTa that is to write."""

    def __init__(self, backbone: TextEncoder) -> None:  # noqa: D107
        super().__init__(backbone)
        self.head = backbone.network.lm_head

    def loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of every token but the first."""
        inputs, _ = self.padded(batch)
        ids, mask = inputs["input_ids"], inputs["attention_mask"].bool()
        states = self.backbone.states(**inputs)
        return F.cross_entropy(self.head(states[:, :-1][mask[:, 1:]]), ids[:, 1:][mask[:, 1:]])


def some(predictable: Tensor, share: float) -> Tensor:
    """A random share of the tokens that may be predicted; at least one."""
    chosen = predictable & (torch.rand(predictable.shape, device=predictable.device) < share)
    return chosen if bool(chosen.any()) else predictable


def hidden(ids: Tensor, chosen: Tensor, mask: int, size: int) -> Tensor:
    """Tokens as a masked model sees them: of the chosen ones 80% masks, 10% random tokens, 10% as they are."""
    fate = torch.rand(ids.shape, device=ids.device)
    seen = ids.masked_fill(chosen & (fate < 0.8), mask)
    return torch.where(chosen & (fate >= 0.9), torch.randint(size, ids.shape, device=ids.device), seen)


_OBJECTIVES = {kind.__name__: kind for kind in (Masked, MaskedPhrases, Replaced, Permuted, Causal)}


def objective_for(backbone: Backbone) -> Objective:
    """The objective of an encoder's paper.

    Raises:
        InputError: The backbone is not a text encoder; it is pretrained on a task with a head.
    """
    if not isinstance(backbone, TextEncoder):
        raise InputError(
            f"{type(backbone).__name__} has no objective of its own; it is pretrained on a task with a head"
        )
    return _OBJECTIVES[backbone.family.objective](backbone)
