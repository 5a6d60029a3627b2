"""Texts that are the same one but for case, punctuation, blanks, or the form of their characters."""

from __future__ import annotations

import re
import unicodedata

_QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u02bc": "'", "\u2010": "-", "\u2011": "-", "\u2212": "-"})
_PUNCTUATION = re.compile(
    r"""
    (?<!\w)'|'(?!\w)                    # quotes, not the apostrophe of "don't"
    | (?<!\d)[.,]|[.,](?!\d)            # not those inside of a number
    | (?<=[^\W\d])-(?=[^\W\d])          # a hyphen between letters, not a sign
    | -(?![\w.])                        # a dash
    | [!?;:"()\[\]{}\u00ab\u00bb\u201c-\u201f\u2026\u2013\u2014\u00bf\u00a1\u2039\u203a\u3001\u3002]
    """,
    re.VERBOSE,
)


def plain(text: str) -> str:
    """A text without differences of case, punctuation, blanks and the form of its characters (Unicode's NFKC).

    What changes the meaning stays: ``don't`` is not ``dont``, ``1.5`` not ``15``, ``-5`` not ``5``, ``C#`` not ``C``. A
    text of punctuation alone stays as it is.
    """
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_QUOTES)
    return " ".join(_PUNCTUATION.sub(" ", folded).split()) or " ".join(folded.split())
