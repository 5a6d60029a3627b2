import pytest
from datasets import DatasetDict

from tests.support.prepared import are_apart, share_nothing
from tlzoo.data.media.audio import decode
from tlzoo.data.rendered.speech import DIGITS, speaker, voices
from tlzoo.data.rendered.spoken_numbers import SHARES, spoken_numbers


@pytest.fixture(scope="module")
def numbers() -> DatasetDict:
    return spoken_numbers(sizes=(90, 30, 60))


def test_splits_and_the_source_share_neither_voice_nor_text_nor_sound(numbers: DatasetDict) -> None:
    assert all(share_nothing(numbers, column) for column in ("group", "text", "id"))
    assert are_apart([sound["bytes"]] for rows in numbers.values() for sound in rows["audio"])
    everybody = voices()
    source = {speaker(voice) for part in ("words/train", "words/validation") for voice in everybody[part]}
    assert set(numbers["test"]["group"]) <= set(map(speaker, everybody["digits/test"])), "a speaker is one unit"
    assert not source & set(numbers["test"]["group"])
    assert not set(numbers["train"]["group"]) <= source, "as many others"


def test_transcripts_are_spelt_in_the_datas_characters_and_clips_audible(numbers: DatasetDict) -> None:
    letters = numbers["train"].features["letters"].feature
    for row in numbers["train"]:
        assert "".join(letters.int2str(row["letters"])) == row["text"]
        assert set(row["text"].split()) <= set(DIGITS)
    assert set(DIGITS) <= {word for text in numbers["train"]["text"] for word in text.split()}
    assert sum(SHARES.values()) == 100
    for row in numbers["test"]:
        sound = decode(row["audio"], 16_000)
        assert 0.3 < len(sound) / 16_000 < 3 and abs(sound).max() > 0.05
