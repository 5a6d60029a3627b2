"""Text models that go on from a text, left to right: how likely a continuation is, and which one they would write.

The published RoBERTa was trained to fill masks, looking both ways. Here its weights start a causal decoder: each
position sees only what is before it, and the head that filled masks says what comes next. That has to be trained
before it says anything sensible.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from tlzoo.adapters.text_encoder import TextEncoder
from tlzoo.adapters.tokenizing import SPECIALS
from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.model import Model

if TYPE_CHECKING:
    from tlzoo.core.task import Task

LONGEST = 40
"""Most tokens that are written."""
TOKENS = 2048
"""Most tokens that are scored at once: each gets a score for every piece of the vocabulary."""
ALONE = 0.2
"""Share of the replies that are learnt without their message, as conditions are dropped by Ho 2022, 2207.12598."""
_WORD = re.compile(r"\s*(\w+(?:['’.-]\w+)*)")
_ENDED = re.compile(_WORD.pattern + r"(?:[^\w'’.-]|['’.-]\W)|\s*[^\w\s]")  # a word and what is none, or no word


class CausalDecoder(Model):
    """A causal language model.

    Where replies are the task, it says how likely each reply to a message is, or writes one: message and reply are
    parted by the token that ends texts. Else it goes on with a passage by a word. That token also ends the reply, or
    the word.

    Replies are ranked by how much likelier the message makes them: by their logarithmic likelihood after the message,
    less that of the reply as a text of its own (maximum mutual information, Li 2016, 1510.03055, section 3.3). On
    ChatterBot's validation messages the nano stand-in, trained on all of train, so gets 28% right; by the likelihood
    itself, which prefers replies that are short or common anywhere, 14%, and by that a token 10%.

    Attributes:
        backbone: The network with its tokenizer.
        replies: Whether what follows is a turn of its own, or the next word.
    """

    def __init__(self, backbone: TextEncoder, task: Task) -> None:
        """Wrap a network.

        Args:
            backbone: A causal one, with a head over the vocabulary.
            task: What it is for.
        """
        super().__init__()
        self.backbone = backbone
        self.replies = "candidates" in task.facts.columns
        self.spec = Spec("text")
        backbone.network.config.use_cache = False

    def adapt(self, task: Task) -> None:
        """Nothing depends on the data."""

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load the published weights, with the head that filled masks."""
        self.backbone.load_official(files)

    def pretrained(self) -> nn.Module:
        """The network with its tokenizer: an encoder's stand-in is a decoder's."""
        return self.backbone

    def save_assets(self, folder: Path) -> None:
        """Write the tokenizer."""
        self.backbone.save_assets(folder)

    def load_assets(self, folder: Path) -> None:
        """Read the tokenizer."""
        self.backbone.load_assets(folder)

    def encode(self, row: Row) -> Example:
        """Cut a message and its candidates, or a passage and the word after it, into tokens.

        Of a long text the end is kept, of a long continuation the beginning.

        Returns:
            ``prompt``, numbers of tokens; ``continuations``, a list of such for the ``texts``, of which the one at
            ``target`` is right.
        """
        begin, end = self._marks()
        follow = [*row.get("candidates", ())] if self.replies else [row["target"]] if "target" in row else []
        most = self.backbone.max_tokens // 2
        continuations = [[*self.backbone.cut(f" {text}").ids[: most - 1], end] for text in follow]
        room = self.backbone.max_tokens - max(map(len, continuations), default=most) - 2
        example: Example = {
            "prompt": [begin, *self.backbone.cut(row["text"]).ids[-room:], *([end] if self.replies else [])],
            "continuations": continuations,
            "texts": follow,
        }
        return example | ({"target": row["target"] if self.replies else 0} if "target" in row else {})

    def _marks(self) -> tuple[int, int]:
        """Numbers of the tokens that begin and end a text."""
        tokenizer = self.backbone.tokenizer
        first, _, last = SPECIALS[self.backbone.family.kind].single.split()
        begin, end = (tokenizer.token_to_id(mark.partition(":")[0]) for mark in (first, last))
        assert begin is not None and end is not None
        return begin, end

    def nats(self, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]]) -> Tensor:
        """How unlikely continuations are: negative log-likelihoods after their prompts, ``(texts,)``."""
        groups = _groups([len(prompt) + len(more) for prompt, more in zip(prompts, continuations, strict=True)])
        found = [self._together([prompts[i] for i in each], [continuations[i] for i in each]) for each in groups]
        order = torch.tensor([i for each in groups for i in each])
        return torch.cat(found)[order.argsort()]

    def _together(self, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]]) -> Tensor:
        """:meth:`nats` of one group."""
        ids, lengths = self._padded([[*prompt, *more] for prompt, more in zip(prompts, continuations, strict=True)])
        begins = torch.tensor([len(prompt) for prompt in prompts], device=ids.device)
        place = torch.arange(1, ids.shape[1], device=ids.device)
        asked = (place >= begins[:, None]) & (place < lengths[:, None])
        states = self.backbone.states(input_ids=ids[:, :-1], attention_mask=(place <= lengths[:, None]).long())
        each = F.cross_entropy(self.backbone.network.lm_head(states[asked]), ids[:, 1:][asked], reduction="none")
        return each.new_zeros(len(ids)).index_add(0, asked.nonzero()[:, 0], each)

    def _padded(self, texts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Texts beside each other, ``(texts, time)``, and their lengths, ``(texts,)``."""
        network = self.backbone.network
        ids = pad_sequence([torch.tensor(text) for text in texts], True, network.config.pad_token_id)
        return ids.to(network.device), torch.tensor([len(text) for text in texts], device=network.device)

    def augment(self, batch: Batch) -> Batch:
        """Take some messages away, so that the likelihood of a reply as a text of its own is learnt as well."""
        if not self.replies:
            return batch
        gone = (torch.rand(len(batch["prompt"])) < ALONE).tolist()
        return batch | {"prompt": [p[:1] if alone else p for p, alone in zip(batch["prompt"], gone, strict=True)]}

    def loss(self, batch: Batch) -> Tensor:
        """Mean over the tokens of the right continuations, in nats."""
        right = [each[target] for each, target in zip(batch["continuations"], batch["target"], strict=True)]
        return self.nats(batch["prompt"], right).sum() / sum(map(len, right))

    def predict(self, batch: Batch) -> list[Any]:
        """Say how likely what might follow is, and what is most likely.

        Returns:
            Of replies: ``text``, the best candidate, ``candidate_scores`` and ``candidate_nats``; without candidates
            ``text``, written. Else ``text``, the next word, and ``nats``, how unlikely the target is, if there is one.
        """
        prompts = batch["prompt"]
        after = self._all_nats(prompts, batch["continuations"])
        if not self.replies:
            words = [word[1] if (word := _WORD.match(text)) else "" for text in self._written(prompts, _ENDED.match)]
            return [
                {"text": word} | ({"nats": nats[0]} if nats else {}) for word, nats in zip(words, after, strict=True)
            ]
        alone = self._all_nats([prompt[:1] for prompt in prompts], batch["continuations"])
        written = iter(self._written([p for p, each in zip(prompts, after, strict=True) if not each], lambda _: None))
        return [
            _ranked(texts, *nats) if texts else {"text": next(written).strip()}
            for texts, *nats in zip(batch["texts"], after, alone, strict=True)
        ]

    def _all_nats(self, prompts: Sequence[list[int]], continuations: Sequence[list[list[int]]]) -> list[list[float]]:
        """Nats of all continuations of each prompt; what is asked twice is computed once."""
        texts = [[(tuple(p), tuple(more)) for more in each] for p, each in zip(prompts, continuations, strict=True)]
        different = list(dict.fromkeys(text for each in texts for text in each))
        nats = self.nats(*zip(*different, strict=True)).tolist() if different else []
        found = dict(zip(different, nats, strict=True))
        return [[found[text] for text in each] for each in texts]

    def _written(self, prompts: Sequence[Sequence[int]], ended: Callable[[str], object]) -> list[str]:
        """Go on with the likeliest token, until a text ends, is long enough, or ``ended`` says so."""
        ids, texts = [list(prompt) for prompt in prompts], [""] * len(prompts)
        going, (_, end) = list(range(len(prompts))), self._marks()
        for _ in range(LONGEST):
            following = dict(zip(going, self._next([ids[i][-self.backbone.max_tokens :] for i in going]), strict=True))
            for i in (going := [i for i in going if following[i] != end]):
                ids[i].append(following[i])
                texts[i] = self.backbone.tokenizer.decode(ids[i][len(prompts[i]) :])
            going = [i for i in going if texts[i].endswith("\ufffd") or not ended(texts[i])]  # half a character
        return texts

    def _next(self, texts: Sequence[Sequence[int]]) -> list[int]:
        """The likeliest token after each text."""
        found = [0] * len(texts)
        for group in _groups([len(text) for text in texts]):
            ids, lengths = self._padded([texts[i] for i in group])
            mask = torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]
            states = self.backbone.states(input_ids=ids, attention_mask=mask.long())
            last = states[torch.arange(len(group), device=ids.device), lengths - 1]
            for i, token in zip(group, self.backbone.network.lm_head(last).argmax(-1).tolist(), strict=True):
                found[i] = token
        return found

    def stages(self) -> list[nn.Module]:
        """Those of the encoder, then the head, whose output layer is the embeddings once more."""
        return [*self.backbone.stages(), self.backbone.network.lm_head]


def _ranked(texts: Sequence[str], nats: Sequence[float], alone: Sequence[float]) -> dict[str, Any]:
    """Replies ranked by how much likelier the message makes them."""
    scores = [without - given for given, without in zip(nats, alone, strict=True)]
    return {"text": texts[scores.index(max(scores))], "candidate_scores": scores, "candidate_nats": list(nats)}


def _groups(lengths: Sequence[int]) -> list[list[int]]:
    """Which texts are scored together: of like lengths, so that little is padded, and at most ``TOKENS`` tokens."""
    groups: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        last = groups[-1] if groups else []
        if last and lengths[i] <= 2 * lengths[last[0]] and (len(last) + 1) * lengths[i] <= TOKENS:
            last.append(i)
        else:
            groups.append([i])
    return groups
