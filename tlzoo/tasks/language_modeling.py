"""Language modeling as cloze: predict the last word of a passage, as LAMBADA asks (Paperno 2016, 1606.06031).

Data may give words to choose from, as the Children's Book Test does (Hill 2016, 1511.02301): then only these count.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from datasets import Features

from tlzoo.core.batch import Row
from tlzoo.core.predictions import Completion
from tlzoo.core.task import PromptTask
from tlzoo.data.schemas import CLOZE_FEATURES


class Cloze(PromptTask):
    """Predict the last word of a passage.

    A row has ``text``, the passage without its last word, ``target``, that word, and where the choice is restricted
    ``candidates``, words of which it is one.
    """

    name = "language-modeling"
    instruction = "You complete sentences."
    max_tokens = 64  # a sentence: models repeat it before they go on

    def __init__(self, features: Features) -> None:  # noqa: D107
        super().__init__(features)
        self.need_strings("text", "target")

    @classmethod
    def features_of(cls, labels: Sequence[str]) -> Features:
        """Passages and words; there are no classes."""
        return CLOZE_FEATURES

    def question(self, row: Row) -> str:
        """The passage, and its last, incomplete sentence once more.

        A small model that is asked for one word explains; any model can complete a sentence. Of 60 validation passages
        SmolLM2-135M-Instruct so gets 12, and 18 where it continues the bare text, which no chat API offers; asked for
        one word, none of 30.
        """
        word = f"one of the words {', '.join(row['candidates'])}" if row.get("candidates") else "the word"
        sentence = _last_sentence(row["text"])
        comes = "" if row.get("candidates") else " that comes next"
        return f'{row["text"]} ...\n\nComplete the last sentence with {word}{comes}: "{sentence} ..."'

    def answer(self, row: Row) -> str:
        """The sentence with the missing word."""
        return f"{_last_sentence(row['text'])} {row['target']}"

    def parse(self, answer: str, row: Row) -> Completion:
        """The word after the end of the passage if the answer repeats that, else the first word of the answer.

        Where there are candidates and it is none of them, the last word of the answer that is one.
        """
        word = self._word(answer, row)
        if not row.get("candidates") or normalise(word) in map(normalise, row["candidates"]):
            return Completion(word)
        by_form = {normalise(candidate): candidate for candidate in row["candidates"]}
        named = [by_form[form] for form in map(normalise, _words(answer)) if form in by_form]
        return Completion(named[-1] if named else "")

    def _word(self, answer: str, row: Row) -> str:
        """The word of an answer."""
        words = _words(answer)
        answered, end = [word.casefold() for word in words], [word.casefold() for word in _words(row["text"])]
        for size in range(min(len(answered) - 1, len(end)), 0, -1):
            # One common word is no evidence of a repetition, unless the answer begins with it.
            for start in range(len(answered) - size if size > 1 else 1):
                if answered[start : start + size] == end[-size:]:
                    return words[start + size]
        return words[0] if words else ""

    def statistics(self, prediction: Completion, row: Row) -> dict[str, list[float]]:
        """Right or wrong, ignoring case and punctuation; nats of the word and its end, which counts as a word."""
        accuracy = {"cloze_accuracy": [float(normalise(prediction.text) == normalise(row["target"]))]}
        return accuracy if prediction.nats is None else accuracy | {"perplexity": [float(prediction.nats), 2.0]}


def normalise(word: str) -> str:
    """Remove case, punctuation at the ends and the forms of characters (NFKC) from a word."""
    return "".join(_words(word.casefold())[:1])


def _last_sentence(text: str) -> str:
    return re.split(r"""(?<=[.!?])["')\]]*\s+""", text)[-1]


def _words(text: str) -> list[str]:
    """Words, with the apostrophes, hyphens and points inside them, without the punctuation around them."""
    return re.findall(r"[^\W_]+(?:['.-][^\W_]+)*", unicodedata.normalize("NFKC", text).replace("’", "'"))
