"""The encoder of texts: one class for all architectures of transformers that encode text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from tokenizers import Encoding, Tokenizer
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from tlzoo.adapters import spans, tokenizing
from tlzoo.adapters.families import FAMILIES, nano_tokenizer
from tlzoo.cards.schema import Input, Variant
from tlzoo.checkpoints import bert_joint
from tlzoo.checkpoints.tensors import load_tensors, read_tensors
from tlzoo.core.batch import Batch, Example, Outputs, Row, Spec, segment_mean
from tlzoo.core.model import Backbone, HeadInput, Model
from tlzoo.core.task import HeadTask, Task
from tlzoo.errors import InputError

TOKENIZER = "tokenizer.json"
_SPANS = "qa_outputs."

_INNER = ("encoder", "transformer")
"""Names of the module that holds the layers, in the architectures that have one."""
_LAYERS = ("layer", "layers", "albert_layer_groups")
"""Names of the layers; those of ALBERT are one, which is run several times."""
_STRUCTURE = ("hidden_act", "layer_norm_eps", "num_attention_heads", "num_hidden_layers", "hidden_size", "vocab_size")


class TextEncoder(Backbone):
    """An encoder of texts, or of pairs of texts.

    Texts are padded in :meth:`forward` only, behind a mask, so the size of a batch does not change a score.

    Attributes:
        network: The module of transformers.
        max_tokens: Maximum length of an input; longer ones are cut, a pair at its second text.
        reads: Names of what the network can be given.
        span_head: The published head that finds an answer in a passage; absent before :meth:`load_official`, without
            one in the file, and after :meth:`drop_published_head`.
    """

    span_head: nn.Linear | None
    ragged = frozenset({"ids", "segments"})

    def __init__(self, variant: Variant, given: Input, causal: bool = False) -> None:
        """Build the network; the tokenizer is fetched or read when the first text is encoded.

        Args:
            variant: ``model`` is a class of transformers, ``config`` the arguments of its configuration.
            given: Its input, with the maximum number of tokens.
            causal: Whether a published encoder attends to earlier tokens only; nano ones are as they were pretrained.
        """
        super().__init__()
        import transformers

        if variant.model not in FAMILIES:
            raise InputError(f"{variant.model}: not a known text model; known: {', '.join(FAMILIES)}")
        self.variant, self.family = variant, FAMILIES[variant.model]
        kind = getattr(transformers, variant.model)
        # the published RoBERTa attended in both directions, and as an encoder it still does
        both = variant.kind == "official" and "is_decoder" in variant.config and not causal
        published = {"is_decoder": False} if both else {}
        self.network: Any = kind(kind.config_class(**(variant.config | published)))
        self.span_head = None
        config = self.network.config
        places = getattr(config, "max_position_embeddings", None)
        body = self.network.base_model
        learnt = getattr(getattr(body, "embeddings", None), "position_embeddings", None)
        if places is not None and learnt is not None and learnt.padding_idx is not None:
            places -= learnt.padding_idx + 1  # RoBERTa's positions start after the padding's id
        self.reads = frozenset(signature(body.forward).parameters)  # some know no segments
        self.max_tokens = min(n for n in (given.max_tokens, places) if n is not None and n > 0)  # XLNet's is -1: any
        self.spec = Spec("text", {"pooled": config.hidden_size, "tokens": config.hidden_size})
        self._tokenizer: Tokenizer | None = None

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer, without padding or truncation.

        Raises:
            UnavailableError: Its files are not available.
        """
        if self._tokenizer is None:
            self._tokenizer = self._find_tokenizer()
        return self._tokenizer

    def _find_tokenizer(self) -> Tokenizer:
        if self.variant.tokenizer is not None:
            return tokenizing.shipped(self.variant.tokenizer)
        if self.variant.kind == "nano":
            raise InputError(f"the card's nano variant names no tokenizer, such as {nano_tokenizer(self.family.kind)}")
        from tlzoo.adapters.weights import fetched

        files = {file.name: file for weights in self.variant.weights for file in weights.files}
        wanted = [files[name] for name in (TOKENIZER, "vocab.txt") if name in files][:1]
        return tokenizing.published_tokenizer({file.name: fetched(file) for file in wanted})

    def cut(self, text: str) -> Encoding:
        """Cut a text into tokens, without special ones; halves of surrogate pairs become replacement characters."""
        readable = text.encode("utf-8", "replace").decode("utf-8")
        return self.tokenizer.encode(readable, add_special_tokens=False)

    def encode(self, source: str | tuple[str, str]) -> Example:
        """Cut a text, or a pair of texts, into tokens.

        Returns:
            ``ids`` and ``segments``, int64 of shape ``(tokens,)``, special tokens included.
        """
        texts = (source,) if isinstance(source, str) else source
        parts = [self.cut(text) for text in texts]
        room = self.max_tokens - self.tokenizer.num_special_tokens_to_add(len(parts) == 2)
        if len(parts) == 2:
            parts[0].truncate(max(1, room - 1))
        parts[-1].truncate(max(0, room - sum(len(part) for part in parts[:-1])))
        whole = self.tokenizer.post_process(parts[0], parts[1] if len(parts) == 2 else None)
        return {"ids": torch.tensor(whole.ids), "segments": torch.tensor(whole.type_ids)}

    def encode_row(self, row: Row, task: HeadTask) -> Example:
        """Cut the texts that a task reads of a row into tokens, a question and its passage into windows."""
        if not task.windowed:
            return super().encode_row(row, task)
        texts = [row[column] for column in task.inputs or (self.spec.input,)]
        return spans.encode(self.tokenizer, self.max_tokens, texts, self.family.left) | task.layout(row)

    def ragged_for(self, task: HeadTask) -> frozenset[str]:
        """The parts of :meth:`encode_row`'s examples that vary in their first dimension."""
        return self.ragged | spans.RAGGED if task.windowed else super().ragged_for(task)

    def output_for(self, batch: Batch, task: HeadTask) -> HeadInput:
        """The output that a task's head reads; of windows, all tokens."""
        return spans.tokens(self, batch) if task.windowed else super().output_for(batch, task)

    def forward(self, batch: Batch) -> Outputs:
        """``pooled``, the mean over an input's tokens ``(batch, dim)``, and ``tokens`` with ``tokens_lengths``."""
        ids, segments, mask = self.padded(batch)
        states = self.states(input_ids=ids, token_type_ids=segments, attention_mask=mask)
        tokens = states[mask.bool()]
        lengths = batch["ids_lengths"]
        return {"pooled": segment_mean(tokens, lengths), "tokens": tokens, "tokens_lengths": lengths}

    def states(self, **inputs: Tensor) -> Tensor:
        """Last hidden states of padded inputs, ``(batch, time, dim)``."""
        read = {name: value for name, value in inputs.items() if name in self.reads}
        states: Tensor = self.network.base_model(**read).last_hidden_state
        return states

    def padded(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Padded inputs: token ids, segments and mask, each ``(batch, time)``."""
        lengths = batch["ids_lengths"].tolist()
        side = "left" if self.family.left else "right"
        values = (self.network.config.pad_token_id, 0, 0)
        flat = (batch["ids"], batch["segments"], torch.ones_like(batch["ids"]))
        ids, segments, mask = (
            pad_sequence(list(t.split(lengths)), batch_first=True, padding_value=v, padding_side=side)
            for t, v in zip(flat, values, strict=True)
        )
        return ids, segments, mask

    def stages(self) -> list[nn.Module]:
        """Embeddings, then the layers."""
        body = self.network.base_model
        inner = next((part for name in _INNER if (part := getattr(body, name, None)) is not None), body)
        layers = next(part for name in _LAYERS if (part := getattr(inner, name, None)) is not None)
        first = [body.word_embedding] if hasattr(body, "word_embedding") else [body.embeddings]
        if hasattr(body, "embeddings_project"):
            first.append(body.embeddings_project)
        return [nn.ModuleList(first), *layers]

    def load_official(self, files: Mapping[str, Path]) -> None:
        """Load a published checkpoint; layers that the network does not have (other heads) are left out.

        Of heads, that of transformers' question answering is read: from each token its scores as start and end.

        Raises:
            InputError: The checkpoint is of another structure, or lacks layers.
        """
        path, published = _read(files)
        if "config.json" in files:
            self._check(files["config.json"])
        prefix = f"{self.network.base_model_prefix}."
        headed = self.network is not self.network.base_model
        expected = self.network.state_dict()
        tensors, head = {}, {}
        for name, tensor in published.items():
            name = name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
            name = name if headed else name.removeprefix(prefix)
            if name in expected:
                tensors[name] = tensor.float()
            elif name.startswith(_SPANS):
                head[name.removeprefix(_SPANS)] = tensor.float()
        absent = {name: value for name, value in expected.items() if _optional(name, self.network)}
        load_tensors(self.network, absent | tensors, path)
        self.network.tie_weights()
        if head:
            self.span_head = nn.Linear(self.spec.outputs["tokens"], 2)
            load_tensors(self.span_head, head, path)

    def drop_published_head(self) -> None:
        """Remove the head that finds answers."""
        self.span_head = None

    def for_zero_shot(self, task: Task) -> Model | None:
        """The model that finds answers with the published head, for questions about a passage."""
        head = self.span_head
        if head is None or not isinstance(task, HeadTask) or not (task.windowed and task.inputs):
            return super().for_zero_shot(task)
        model = self.for_task(task)
        model.head = head
        return model

    def _check(self, path: Path) -> None:
        theirs, ours = json.loads(path.read_text(encoding="utf-8")), self.network.config
        differences = [
            f"{name} {theirs[name]}, expected {getattr(ours, name)}"
            for name in _STRUCTURE
            if name in theirs and hasattr(ours, name) and theirs[name] != getattr(ours, name)
        ]
        if differences:
            raise InputError(f"{path}: not {self.variant.model} as configured: {'; '.join(differences)}")

    def save_assets(self, folder: Path) -> None:
        """Write the tokenizer."""
        self.tokenizer.save(str(folder / TOKENIZER))

    def load_assets(self, folder: Path) -> None:
        """Read the tokenizer."""
        self._tokenizer = tokenizing.read(folder / TOKENIZER)


def _read(files: Mapping[str, Path]) -> tuple[Path, dict[str, Tensor]]:
    """The file of weights, for errors, and what it holds; of a TensorFlow checkpoint the index."""
    for name, path in files.items():
        if name.endswith(".index"):
            return path, bert_joint.read(files)
    path = next(p for name, p in files.items() if name in ("model.safetensors", "pytorch_model.bin"))
    return path, read_tensors(path)


def _optional(name: str, network: Any) -> bool:
    """Whether a parameter may be absent: checkpoints of other heads have no pooler, and tied copies are left out."""
    tied = getattr(network, "_tied_weights_keys", None) or ()
    return "pooler." in name or name in tied or name.endswith("position_ids")
