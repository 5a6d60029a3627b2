"""From a message to its hash codes, as the on-device Smart Reply computes them; the replies play no part in it.

Sources: tensorflow/examples, ``lite/examples/smart_reply/android/app/libs/cc`` (``predictor.cc``,
``ops/normalize.cc``, ``ops/extract_feature.cc``); tensorflow/tensorflow, ``tensorflow/lite/kernels``
(``skip_gram.cc``, ``lsh_projection.cc``); Ravi 2017, arXiv 1708.00630, section 3.2 (the projections).

Text is UTF-8 bytes throughout, as there: only ASCII letters are lowered and only ASCII blanks divide. Every step takes
time in proportion to the text, where the reference's expressions, read by Python's ``re``, would take its square.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from tlzoo.architectures.smartreply.farmhash import fingerprint64, fingerprint64_of_words
from tlzoo.errors import InputError

MAX_BYTES = 300
"""Maximum length of a normalised sentence."""
FEATURES = 1_000_000
"""Number of features: a skip-gram's feature is its fingerprint modulo this."""
START, END = b"<S>", b"<E>"

_BLANKS = rb"[\t\n\f\r ]"  # RE2's \s, which has no vertical tab
_EDGES = b"\t\n\f\r ,:;-&'\""
_CLITIC = rb"('t|'nt|n't|'d|'ll|'s|'m|'ve|'re)"
_EXPANSIONS = ((b"'ll", b" will"), (b"'nt", b" not"), (b"'re", b" are"), (b"'ve", b" have"), (b"n't", b" not"))
_UNINFORMATIVE = (START, END, START + b" " + END)


def utf8(text: str) -> bytes:
    """Text as bytes.

    Raises:
        InputError: The text holds half of a surrogate pair.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"text: character {error.start} is half of a surrogate pair, which is not a character"
        ) from error


def sentences(message: bytes) -> list[bytes]:
    """Cut a message after ``?``, ``.``, ``!`` and ``,``, where a blank follows, and at tabs; at least one sentence.

    Of several such marks in a row the last one stays, and a space is put before it.
    """
    spaced = re.sub(rb"[?.!,]*([?.!,])", rb" \1", message)
    cut = re.sub(rb"([?.!,])" + _BLANKS + rb"+", rb"\1\t", spaced)
    return re.sub(rb" +", b" ", cut).rstrip(b"\t").split(b"\t")


def normalise(sentence: bytes) -> bytes:
    """Lower, drop punctuation, spell contractions out, set ``?`` and ``!`` apart, and mark both ends.

    Returns:
        ``<S> sentence <E>``; of more than 300 bytes the first 300, without ``<E>``.
    """
    text = sentence.lower().strip().translate(None, b'.*()"')
    text = re.sub(_BLANKS + _CLITIC + rb"([\t\n\f\r ,;:/])", rb"\1\2", text)
    text = re.sub(_BLANKS + _CLITIC + rb"\Z", rb"\1", text)
    for contraction, words in _EXPANSIONS:
        text = _expand(text, contraction, words)
    text = text.replace(b"i'm", b"i am")
    text = re.sub(rb"([?!])\1+", rb"\1", text)
    text = re.sub(rb"(?<=[^?!])([?!])", rb" \1 ", text)
    text = re.sub(rb"([?!])([?!])", rb"\1 \2", text)
    text = text.strip(_EDGES).strip()
    return START + b" " + (text + b" " + END if len(text) <= MAX_BYTES else text[:MAX_BYTES])


def _expand(text: bytes, contraction: bytes, words: bytes) -> bytes:
    """Replace the last occurrence in each word that is not the word's beginning."""

    def expand(match: re.Match[bytes]) -> bytes:
        word = match[0]
        at = word.rfind(contraction, 1)
        return word if at < 0 else word[:at] + words + word[at + len(contraction) :]

    return re.sub(rb"[^\t\n\f\r ]+", expand, text) if contraction in text else text


def skip_grams(text: bytes, max_words: int, max_skipped: int) -> list[bytes]:
    """Skip-grams of one to ``max_words`` words with at most ``max_skipped`` words left out between neighbours.

    Returns:
        Words joined by a space; none where the text has fewer than ``max_words`` words.
    """
    words = text.split()
    if len(words) < max_words:
        return []

    def longer(gram: tuple[bytes, ...], last: int) -> Iterator[bytes]:
        if len(gram) < max_words:
            for following in range(last + 1, min(last + max_skipped + 2, len(words))):
                yield from longer((*gram, words[following]), following)
        yield b" ".join(gram)

    return [gram for first, word in enumerate(words) for gram in longer((word,), first)]


def features(grams: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Features of skip-grams, and their weights.

    Args:
        grams: Skip-grams; those that only mark the ends have weight 0.

    Returns:
        Feature indices below 1,000,000, uint64, and weights (the number of words), float64, both
        ``(max(1, grams),)``: without skip-grams, feature 0 with weight 0.
    """
    is_informative = [gram not in _UNINFORMATIVE for gram in grams]
    numbers = [
        fingerprint64(gram) % FEATURES if counts else 0 for gram, counts in zip(grams, is_informative, strict=True)
    ]
    weights = [gram.count(b" ") + 1 if counts else 0 for gram, counts in zip(grams, is_informative, strict=True)]
    return np.array(numbers or [0], np.uint64), np.array(weights or [0], np.float64)


def project(numbers: np.ndarray, weights: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Locality-sensitive hashing: signs of weighted sums of hashes, one sum a seed.

    Args:
        numbers: Features, uint64, ``(features,)``.
        weights: Their weights, float64, ``(features,)``.
        seeds: Seeds, float32, ``(hashes, bits)``.

    Returns:
        Bits, bool, ``(hashes, bits)``.
    """
    keys = numbers[:, None] << np.uint64(32) | seeds.view(np.uint32).reshape(-1).astype(np.uint64)
    values = fingerprint64_of_words(keys).view(np.int64).astype(np.float64)
    signs: np.ndarray = weights @ values > 0
    return signs.reshape(seeds.shape)


def codes(bits: np.ndarray) -> np.ndarray:
    """Indices of the buckets that bits open, int64, ``(hashes,)``: each hash function has buckets of its own.

    Args:
        bits: Bool, ``(hashes, bits)``, the most significant first.
    """
    hashes, size = bits.shape
    opened: np.ndarray = bits @ (1 << np.arange(size)[::-1]) + (np.arange(hashes) << size)
    return opened
