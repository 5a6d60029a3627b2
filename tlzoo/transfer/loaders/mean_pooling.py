"""A text classifier that reads the mean of its tokens' vectors, which no class of transformers does.

``tlzoo finetune`` puts this file beside the weights, and transformers runs it where a person allows that::

    pipeline("text-classification", model="FOLDER", trust_remote_code=True)

It needs nothing but transformers. Without the permission transformers refuses the folder, since it knows no such
``model_type``; it never takes another head in its stead.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput


class MeanPoolingConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]
    """The configuration of an encoder, as ``encoder``, with the names of the classes."""

    model_type = "mean_pooling"
    sub_configs = {"encoder": AutoConfig}  # noqa: RUF012

    def __init__(self, encoder: dict[str, Any] | PreTrainedConfig | None = None, **kwargs: Any) -> None:
        """Take the encoder's configuration.

        Args:
            encoder: An encoder of transformers; BERT by default.
            **kwargs: What all configurations have.
        """
        if not isinstance(encoder, PreTrainedConfig):
            fields = dict(encoder or {"model_type": "bert"})
            encoder = AutoConfig.for_model(**fields)
        self.encoder = encoder
        super().__init__(**kwargs)


class MeanPoolingClassifier(PreTrainedModel):
    """One linear layer on the mean of an encoder's last hidden states, padding left out."""

    config_class = MeanPoolingConfig
    base_model_prefix = "encoder"

    def __init__(self, config: MeanPoolingConfig) -> None:
        """Build it with random parameters."""
        super().__init__(config)
        encoder: Any = config.encoder
        self.encoder = AutoModel.from_config(encoder)  # type: ignore[no-untyped-call]
        self.classifier = nn.Linear(encoder.hidden_size, len(config.id2label or {}))
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> SequenceClassifierOutput:
        """Logits of the classes, ``(batch, classes)``, and the loss where there are labels.

        Args:
            input_ids: Tokens, ``(batch, time)``.
            attention_mask: 1 for tokens, 0 for padding; by default there is none.
            token_type_ids: The text of a pair that each token is of, for encoders that read it.
            labels: The right class of each text, ``(batch,)``.
        """
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        segments = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        states = self.encoder(input_ids=input_ids, attention_mask=mask, **segments).last_hidden_state
        weights = mask[:, :, None].to(states.dtype)
        logits = self.classifier((states * weights).sum(1) / weights.sum(1))
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)
