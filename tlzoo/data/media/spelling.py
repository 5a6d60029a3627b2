"""How a transcript is written, spelt, and read back from what a network hears."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from tlzoo.errors import InputError

_APOSTROPHES = str.maketrans("\u2019\u02bc\u0060\u00b4", "''''")


_SHOWN = 5  # of the characters that are of no use


def normalise(text: str) -> str:
    """Write a transcript as all of them are compared: lower case, letters and apostrophes, single spaces.

    Punctuation is left out, and hyphens become spaces, as in LibriSpeech (Panayotov 2015, section 4).

    Raises:
        InputError: Nothing is left, or it holds what has no sound of its own, such as digits; says which.
    """
    lower = unicodedata.normalize("NFC", text).translate(_APOSTROPHES).lower()
    kinds = {character: unicodedata.category(character) for character in lower}
    wrong = sorted({c for c, kind in kinds.items() if kind[0] in "NS" or kind in ("Co", "Cn", "Cs")})
    if wrong:
        raise InputError(
            f"transcript {text[:40]!r} holds {' '.join(wrong[:_SHOWN])}; only letters and apostrophes are spelt, so "
            "write numbers and signs as words"
        )
    kept = "".join(
        c if c == "'" or kinds[c][0] in "LM" else " " if kinds[c] in ("Zs", "Pd", "Cc") else "" for c in lower
    )
    words = [word for word in kept.split() if word.strip("'")]
    if not words:
        raise InputError(f"transcript {text[:40]!r} has no words")
    return " ".join(words)


def characters_of(texts: Iterable[str]) -> tuple[str, ...]:
    """The characters of transcripts, sorted: what a model of them has to spell with; the space is always one."""
    return tuple(sorted({" ", *(character for text in texts for character in text)}))


def spell(text: str, characters: Sequence[str]) -> list[int]:
    """The places of a text's characters."""
    place = {character: i for i, character in enumerate(characters)}
    return [place[character] for character in text]


def read_back(best: Sequence[int], symbols: Sequence[str], blank: int, start: float, hop: float) -> dict[str, Any]:
    """A transcript from the best symbol of each moment: repeats are one, blanks none (Graves 2006, section 3.1).

    Args:
        best: Place of the best symbol, of each moment.
        symbols: The symbols; a space ends a word, and an empty one is not written.
        blank: Place of the blank.
        start: When the first moment is, s.
        hop: From one to the next, s.

    Returns:
        ``text``, and ``words``, each its ``text`` with ``start`` and ``end`` in s: from the first moment at which one
        of its letters is heard to the end of the last one.
    """
    words: list[dict[str, Any]] = []
    last, open_word = blank, False
    for moment, symbol in enumerate(best):
        letter = symbols[symbol] if symbol != blank else ""
        if letter == " ":
            open_word = False
        elif letter:
            end = round(start + hop * (moment + 0.5), 4)
            if not open_word:
                words.append({"text": "", "start": round(max(0.0, end - hop), 4), "end": end})
                open_word = True
            words[-1]["end"] = end
            words[-1]["text"] += letter if symbol != last else ""
        last = symbol
    return {"text": " ".join(word["text"] for word in words), "words": words}
