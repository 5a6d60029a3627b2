"""Transcripts: their normal form, their spelling in characters, and their text read from CTC symbols."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import TypedDict

from tlzoo.errors import InputError

_APOSTROPHES = str.maketrans("\u2019\u02bc\u0060\u00b4", "''''")


_MAX_SHOWN = 5  # of the characters that cannot be spelt


def normalise(text: str) -> str:
    """Convert a transcript to its normal form: lower case, letters and apostrophes, single spaces.

    Punctuation is removed, and hyphens become spaces, as in LibriSpeech (Panayotov 2015, section 4).

    Raises:
        InputError: Nothing is left, or it contains characters that cannot be spelt, such as digits; the message names
            them.
    """
    lower = unicodedata.normalize("NFC", text).translate(_APOSTROPHES).lower()
    kinds = {character: unicodedata.category(character) for character in lower}
    wrong = sorted({c for c, kind in kinds.items() if kind[0] in "NS" or kind in ("Co", "Cn", "Cs")})
    if wrong:
        raise InputError(
            f"transcript {text[:40]!r} holds {' '.join(wrong[:_MAX_SHOWN])}; only letters and apostrophes are spelt: "
            "write numbers and signs as words"
        )
    spelt = "".join(
        c if c == "'" or kinds[c][0] in "LM" else " " if kinds[c] in ("Zs", "Pd", "Cc") else "" for c in lower
    )
    words = [word for word in spelt.split() if word.strip("'")]
    if not words:
        raise InputError(f"transcript {text[:40]!r} has no words")
    return " ".join(words)


def characters_of(texts: Iterable[str]) -> tuple[str, ...]:
    """The characters of transcripts, sorted; the space is always among them."""
    return tuple(sorted({" ", *(character for text in texts for character in text)}))


def spell(text: str, characters: Sequence[str]) -> list[int]:
    """Indices of the characters of a text."""
    place = {character: i for i, character in enumerate(characters)}
    return [place[character] for character in text]


class SpokenWord(TypedDict):
    """A word of a transcript, with its start and end in s."""

    text: str
    start: float
    end: float


class SpokenText(TypedDict):
    """A transcript, and its words."""

    text: str
    words: list[SpokenWord]


def read_back(best: Sequence[int], symbols: Sequence[str], blank: int, start: float, hop: float) -> SpokenText:
    """Collapse the best symbol of each frame to a transcript: repeats count once (Graves 2006, section 3.1).

    The times are those of a forced alignment of the transcript, since the best symbols are its best alignment.

    Args:
        best: Index of the best symbol in each frame.
        symbols: The symbols; a space ends a word, and an empty one is not written.
        blank: Index of the blank.
        start: Time of the first frame, s.
        hop: Time between two frames, s.

    Returns:
        The transcript; a word lasts from the first frame of its first letter to the end of the last frame of its last.
    """
    words: list[SpokenWord] = []
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
