"""Text models that continue a text from left to right: the likelihood of a continuation, and the likeliest one.

The published RoBERTa was trained to fill masks and attends in both directions. Here its weights initialise a causal
decoder: each position attends only to earlier ones, and the head that filled masks predicts the next token. The decoder
has to be trained before its predictions make sense.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from tlzoo.adapters.text_encoder import TextEncoder
from tlzoo.adapters.tokenizing import SPECIALS
from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.model import TrainableModel
from tlzoo.core.predictions import Completion, Reply

if TYPE_CHECKING:
    from tlzoo.core.task import Task

MAX_NEW_TOKENS = 40
"""Maximum tokens that are generated."""
MAX_BATCH_TOKENS = 2048
"""Maximum tokens that are scored at once, since each gets a score for every entry of the vocabulary."""
ALONE = 0.2
"""Share of the replies that are learnt without their message, as in classifier-free guidance (Ho 2022, 2207.12598)."""
_WORD = re.compile(r"\s*(\w+(?:['’.-]\w+)*)")
_ENDED = re.compile(_WORD.pattern + r"(?:[^\w'’.-]|['’.-]\W)|\s*[^\w\s]")  # a word and what follows it, or a symbol


class CausalDecoder(TrainableModel):
    """A causal language model.

    If the task is to reply, it scores given replies to a message, or generates one; the end-of-text token separates
    message and reply. Otherwise it continues a passage by one word. The end-of-text token also ends the reply or word.

    Replies are ranked by how much the message raises their likelihood: the log-likelihood after the message minus that
    of the reply alone (maximum mutual information, Li 2016, 1510.03055, section 3.3). On ChatterBot's validation
    messages this ranks 28% right with the nano stand-in trained on all of train; the likelihood itself, which prefers
    short and common replies, ranks 14% right, and the likelihood per token 10%.

    Attributes:
        backbone: The network with its tokenizer.
        replies: Whether the continuation is a reply, and not the next word.
    """

    def __init__(self, backbone: TextEncoder, task: Task) -> None:
        """Wrap a network.

        Args:
            backbone: A causal encoder with a head over the vocabulary.
            task: The task that it is for.
        """
        super().__init__()
        self.backbone = backbone
        self.replies = "candidates" in task.facts.columns
        self.spec = Spec("text")
        backbone.network.config.use_cache = False

    def for_task(self, task: Task) -> Self:
        """Nothing depends on the data."""
        return self

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load the published weights, with the head that filled masks."""
        self.backbone.load_official(files)

    def stand_in_target(self) -> nn.Module:
        """The encoder, whose stand-in is the decoder's too."""
        return self.backbone

    def save_assets(self, folder: Path) -> None:
        """Write the tokenizer."""
        self.backbone.save_assets(folder)

    def load_assets(self, folder: Path) -> None:
        """Read the tokenizer."""
        self.backbone.load_assets(folder)

    def encode(self, row: Row) -> Example:
        """Cut a message and its candidates, or a passage and the word after it, into tokens.

        Long texts are cut at the beginning, long continuations at the end.

        Returns:
            ``prompt``, token ids; ``continuations``, a list of token ids for each of the ``texts``, of which the one at
            ``target`` is right; ``candidates``, the texts at the end of these to choose from.
        """
        begin, end = self._marks()
        candidates = [*row.get("candidates", ())]
        follow = candidates if self.replies or "target" not in row else [row["target"], *candidates]
        half = self.backbone.max_tokens // 2
        continuations = [[*self.backbone.cut(f" {text}").ids[: half - 1], end] for text in follow]
        room = self.backbone.max_tokens - max(map(len, continuations), default=half) - 2
        example: Example = {
            "prompt": [begin, *self.backbone.cut(row["text"]).ids[-room:], *([end] if self.replies else [])],
            "continuations": continuations,
            "texts": follow,
            "candidates": candidates,
        }
        return example | ({"target": row["target"] if self.replies else 0} if "target" in row else {})

    def _marks(self) -> tuple[int, int]:
        """Token ids of the beginning and the end of a text."""
        tokenizer = self.backbone.tokenizer
        first, _, last = SPECIALS[self.backbone.family.kind].single.split()
        begin, end = (tokenizer.token_to_id(mark.partition(":")[0]) for mark in (first, last))
        assert begin is not None and end is not None
        return begin, end

    def nats(self, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]]) -> Tensor:
        """Negative log-likelihoods of continuations after their prompts, ``(texts,)``."""
        groups = _groups([len(prompt) + len(more) for prompt, more in zip(prompts, continuations, strict=True)])
        nats = [self._group_nats([prompts[i] for i in group], [continuations[i] for i in group]) for group in groups]
        order = torch.tensor([i for group in groups for i in group])
        return torch.cat(nats)[order.argsort()]

    def _group_nats(self, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]]) -> Tensor:
        """:meth:`nats` of one group."""
        ids, lengths = self._padded([[*prompt, *more] for prompt, more in zip(prompts, continuations, strict=True)])
        begins = torch.tensor([len(prompt) for prompt in prompts], device=ids.device)
        place = torch.arange(1, ids.shape[1], device=ids.device)
        scored = (place >= begins[:, None]) & (place < lengths[:, None])
        states = self.backbone.states(input_ids=ids[:, :-1], attention_mask=(place <= lengths[:, None]).long())
        logits = self.backbone.network.lm_head(states[scored])
        nats = F.cross_entropy(logits, ids[:, 1:][scored], reduction="none")
        return nats.new_zeros(len(ids)).index_add(0, scored.nonzero()[:, 0], nats)

    def _padded(self, texts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Padded token ids, ``(texts, time)``, and lengths, ``(texts,)``."""
        network = self.backbone.network
        ids = pad_sequence([torch.tensor(text) for text in texts], True, network.config.pad_token_id)
        return ids.to(network.device), torch.tensor([len(text) for text in texts], device=network.device)

    def augment(self, batch: Batch) -> Batch:
        """Remove some messages, so that the likelihood of a reply alone is learnt as well."""
        if not self.replies:
            return batch
        gone = (torch.rand(len(batch["prompt"])) < ALONE).tolist()
        return batch | {"prompt": [p[:1] if alone else p for p, alone in zip(batch["prompt"], gone, strict=True)]}

    def loss(self, batch: Batch) -> Tensor:
        """Mean over the tokens of the right continuations, in nats."""
        right = [each[target] for each, target in zip(batch["continuations"], batch["target"], strict=True)]
        return self.nats(batch["prompt"], right).sum() / sum(map(len, right))

    def predict(self, batch: Batch) -> list[Completion] | list[Reply]:
        """Score continuations, and give the likeliest one.

        Returns:
            For replies: the best candidate, with the scores and nats of all; without candidates, a generated reply.
            Otherwise the likeliest candidate, or without candidates the next word, with the nats of the target, if
            there is one.
        """
        prompts = batch["prompt"]
        after = self._all_nats(prompts, batch["continuations"])
        if not self.replies:
            open_ended = [p for p, choice in zip(prompts, batch["candidates"], strict=True) if not choice]
            written = iter(self._generate(open_ended, _ENDED.match))
            return [_completed(*each, written) for each in zip(batch["candidates"], after, strict=True)]
        alone = self._all_nats([prompt[:1] for prompt in prompts], batch["continuations"])
        written = iter(self._generate([p for p, each in zip(prompts, after, strict=True) if not each], lambda _: None))
        return [
            _ranked(texts, *nats) if texts else Reply(next(written).strip())
            for texts, *nats in zip(batch["texts"], after, alone, strict=True)
        ]

    def _all_nats(self, prompts: Sequence[list[int]], continuations: Sequence[list[list[int]]]) -> list[list[float]]:
        """Nats of all continuations of each prompt; repeated pairs are computed once."""
        texts = [[(tuple(p), tuple(more)) for more in each] for p, each in zip(prompts, continuations, strict=True)]
        different = list(dict.fromkeys(text for each in texts for text in each))
        nats = self.nats(*zip(*different, strict=True)).tolist() if different else []
        by_text = dict(zip(different, nats, strict=True))
        return [[by_text[text] for text in each] for each in texts]

    def _generate(self, prompts: Sequence[Sequence[int]], ended: Callable[[str], object]) -> list[str]:
        """Append the likeliest token until a text ends, is long enough, or ``ended`` is true of it."""
        ids, texts = [list(prompt) for prompt in prompts], [""] * len(prompts)
        going, (_, end) = list(range(len(prompts))), self._marks()
        for _ in range(MAX_NEW_TOKENS):
            following = dict(zip(going, self._next([ids[i][-self.backbone.max_tokens :] for i in going]), strict=True))
            for i in (going := [i for i in going if following[i] != end]):
                ids[i].append(following[i])
                texts[i] = self.backbone.tokenizer.decode(ids[i][len(prompts[i]) :])
            going = [i for i in going if texts[i].endswith("\ufffd") or not ended(texts[i])]  # an incomplete character
        return texts

    def _next(self, texts: Sequence[Sequence[int]]) -> list[int]:
        """The likeliest token after each text."""
        following = [0] * len(texts)
        for group in _groups([len(text) for text in texts]):
            ids, lengths = self._padded([texts[i] for i in group])
            mask = torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]
            states = self.backbone.states(input_ids=ids, attention_mask=mask.long())
            last = states[torch.arange(len(group), device=ids.device), lengths - 1]
            for i, token in zip(group, self.backbone.network.lm_head(last).argmax(-1).tolist(), strict=True):
                following[i] = token
        return following

    def stages(self) -> list[nn.Module]:
        """Those of the encoder, then the head, whose output layer shares its weights with the embeddings."""
        return [*self.backbone.stages(), self.backbone.network.lm_head]


def _completed(candidates: Sequence[str], nats: Sequence[float], written: Iterator[str]) -> Completion:
    """The likeliest candidate; without candidates the first word of what was written.

    Args:
        candidates: The words to choose from.
        nats: Of the right word, where it is known, and of each candidate.
        written: What was written after each prompt without candidates.
    """
    of_target = nats[0] if len(nats) > len(candidates) else None
    if candidates:
        of_candidates = nats[len(nats) - len(candidates) :]
        return Completion(candidates[of_candidates.index(min(of_candidates))], of_target)
    word = _WORD.match(next(written))
    return Completion(word[1] if word else "", of_target)


def _ranked(texts: Sequence[str], nats: Sequence[float], alone: Sequence[float]) -> Reply:
    """Replies ranked by how much the message raises their likelihood."""
    scores = [without - given for given, without in zip(nats, alone, strict=True)]
    return Reply(texts[scores.index(max(scores))], candidate_scores=scores, candidate_nats=list(nats))


def _groups(lengths: Sequence[int]) -> list[list[int]]:
    """Texts that are scored together: of similar length, to avoid padding, and at most ``MAX_BATCH_TOKENS`` tokens."""
    groups: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        last = groups[-1] if groups else []
        if last and lengths[i] <= 2 * lengths[last[0]] and (len(last) + 1) * lengths[i] <= MAX_BATCH_TOKENS:
            last.append(i)
        else:
            groups.append([i])
    return groups
