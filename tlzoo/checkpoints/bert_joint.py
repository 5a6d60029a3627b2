"""BERT-joint's checkpoint under the names of transformers.

Names as in google-research/bert, ``modeling.py``, and google-research/language,
``language/question_answering/bert_joint/run_nq.py`` (Apache-2.0); kernels are stored as ``(inputs, outputs)``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from tlzoo.checkpoints.tensorflow import Checkpoint

ANSWER_TYPES = ("unknown", "yes", "no", "short", "long")
"""Order of the published head (``AnswerType`` of its code)."""
_NAMES = (
    (r"^cls/nq/output_(weight|bia)s", r"qa_outputs/\1s"),
    (r"^answer_type_output_(weight|bia)s", r"answer_types/\1s"),
    (r"/layer_(\d+)/", r"/layer/\1/"),
    (r"/(kernel|gamma|weights|[a-z_]+_embeddings$)", lambda m: f"/{m[1]}/weight" if "_emb" in m[1] else "/weight"),
    (r"/beta$", "/bias"),
)
_TRAINING = re.compile(r"/adam_[mv]$|^global_step$")


def read(files: Mapping[str, Path]) -> dict[str, Tensor]:
    """Read a checkpoint of BERT, with BERT-joint's heads where it has them.

    Args:
        files: ``bert_joint.ckpt.index`` and the data that it names, by name.

    Returns:
        float32, named as in transformers' ``BertForQuestionAnswering``: ``bert.*`` and ``qa_outputs.*``, start and end;
        ``answer_types.*`` reads the pooler's output, its classes are :data:`ANSWER_TYPES`.

    Raises:
        InputError: As of :class:`~tlzoo.checkpoints.tensorflow.Checkpoint`.
    """
    checkpoint, tensors = Checkpoint(files), {}
    for published in checkpoint:
        if _TRAINING.search(published):
            continue
        name = published
        for theirs, ours in _NAMES:
            name = re.sub(theirs, ours, name)
        tensor = torch.from_numpy(checkpoint[published]).float()
        tensors[name.replace("/", ".")] = tensor.T.contiguous() if published.endswith("/kernel") else tensor
    return tensors
