"""Text generation, measured as choosing: the right reply to a message among ten, and how likely a model finds it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from datasets import Features

from tlzoo.core.batch import Row
from tlzoo.core.task import PromptTask
from tlzoo.data.files.replies import normal_form
from tlzoo.data.schemas import REPLY_FEATURES
from tlzoo.errors import InputError


class Replies(PromptTask):
    """Reply to a message.

    A row has ``text``, the message; ``candidates``, replies to choose from; and ``target``, the place of the right one.
    A prediction has ``text``, the reply, and ``candidate_scores``, one a candidate, more is better; of a model that
    gives texts a likelihood also ``candidate_nats``: how unlikely each candidate is after the message, its end
    included, as the negative natural logarithm.
    """

    name = "text-generation"
    instruction = "You choose the reply that fits a message best. Answer with its number and nothing else."
    max_tokens = 16

    def __init__(self, features: Features) -> None:  # noqa: D107
        super().__init__(features)
        for column in ("text", "candidates", "target"):
            if features.get(column) != REPLY_FEATURES[column]:
                raise InputError(
                    f"{self.name} needs a column {column!r}: a message, its candidates and the place of the right one; "
                    f"columns: {', '.join(features)}"
                )

    @classmethod
    def features_of(cls, labels: Sequence[str]) -> Features:
        """Messages with candidates; there are no classes."""
        return REPLY_FEATURES

    def question(self, row: Row) -> str:
        """The message and the numbered replies."""
        replies = "\n".join(f"{i}. {' '.join(reply.split())}" for i, reply in enumerate(row["candidates"], start=1))
        return f"Message: {row['text']}\n\nReplies:\n{replies}\n\nNumber of the best reply:"

    def answer(self, row: Row) -> str:
        """The number of the right reply."""
        return str(row["target"] + 1)

    def parse(self, answer: str, row: Row) -> dict[str, Any]:
        """The first number in an answer that numbers a candidate, else the candidate that it repeats, else none."""
        candidates = row["candidates"]
        chosen = next((int(n) - 1 for n in re.findall(r"\d+", answer) if 1 <= int(n) <= len(candidates)), None)
        said = [i for i, reply in enumerate(candidates) if f" {normal_form(reply)} " in f" {normal_form(answer)} "]
        if chosen is None and len(said) == 1:
            (chosen,) = said
        scores = [float(place == chosen) for place in range(len(candidates))]
        return {"text": "" if chosen is None else candidates[chosen], "candidate_scores": scores}

    def statistics(self, prediction: Any, row: Row) -> dict[str, list[float]]:
        """Share of the best candidates that is right, which is what breaking ties by chance gives; nats and words.

        Perplexity is that of the right reply, a word: its end counts as one, and pieces do not count, so that models
        with different pieces compare.
        """
        scores, target = prediction["candidate_scores"], row["target"]
        best = max(scores)
        found = {"recall_at_1": [float(scores[target] == best) / max(1, scores.count(best))]}
        if "candidate_nats" in prediction:
            words = len(row["candidates"][target].split())
            found["perplexity"] = [float(prediction["candidate_nats"][target]), words + 1.0]
        return found
