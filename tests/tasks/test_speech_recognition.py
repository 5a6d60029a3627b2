"""Speech recognition: jiwer's figures, a head that learns to spell, and what cannot be aligned."""

import numpy as np
import pytest
import torch
from datasets import DatasetDict
from jiwer import cer, wer

from tests.support.training import learn, scores
from tlzoo.architectures.wav2vec import Wav2Vec
from tlzoo.architectures.yamnet import YAMNet
from tlzoo.cards import catalogue
from tlzoo.core.predictions import Transcript
from tlzoo.data.catalogue import find
from tlzoo.data.rendered.spoken_numbers import spoken_numbers
from tlzoo.errors import InputError
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.run.plan import mismatch
from tlzoo.tasks.speech_recognition import SpeechRecognition, Symbols


@pytest.fixture(scope="module")
def data() -> DatasetDict:
    return spoken_numbers(sizes=(10, 2, 4))


@pytest.fixture(scope="module")
def task(data: DatasetDict) -> SpeechRecognition:
    return SpeechRecognition(data["train"].features)


def test_error_rates_are_jiwers_over_all_words(task: SpeechRecognition) -> None:
    said = ["four two seven", "forty two", "nine"]
    heard = ["four to seven", "forty", "nine nine nine nine"]
    each = [task.statistics(Transcript(h, []), {"text": s}) for h, s in zip(heard, said, strict=True)]
    ones = np.ones((1, 3))
    for name, expected in (("wer", wer(said, heard)), ("cer", cer(said, heard))):
        assert METRICS[name].reduce([e[name] for e in each], ones)[0] == pytest.approx(expected)
        assert METRICS[name].sign == -1 and METRICS[name].high == np.inf
    assert each[2]["wer"] == [3, 1], "a rate may exceed 1"
    assert task.statistics(Transcript("", []), {"text": "nine"})["wer"] == [1, 1]
    assert task.is_right(Transcript("", []), {}, [0, 3]) and not task.is_right(Transcript("", []), {}, [1, 3])


def test_greedy_decoding_has_times(task: SpeechRecognition) -> None:
    place = {c: 1 + i for i, c in enumerate(task.labels)}
    path = [0, place["t"], place["w"], place["w"], 0, place["o"], place[" "], place["s"], place["i"], place["x"]]
    logits = torch.nn.functional.one_hot(torch.tensor([*path, 0, 0]), 1 + len(task.labels)).float()
    first, second = task.decode(Symbols(logits, torch.tensor([10, 2]), 0.0125, 0.02), {})
    assert first.text == "two six" and second == Transcript("", [])
    assert [w.text for w in first.words] == ["two", "six"]
    assert first.words[1].start == pytest.approx(0.0125 + 0.02 * 6.5, abs=1e-3)
    assert first.words[1].end == pytest.approx(0.0125 + 0.02 * 9.5, abs=1e-3)


def test_a_head_learns_to_spell_a_few_sounds(task: SpeechRecognition, data: DatasetDict) -> None:
    torch.manual_seed(0)
    model = Wav2Vec(32, [10, 8, 4, 4, 4], [5, 4, 2, 2, 2], [4, 8]).for_task(task)
    rows = [data["train"][i] for i in range(3)]
    assert learn(model, rows, 150, rate=1e-2)[-1] < 0.7
    assert scores(task, model, rows)["cer"] < 0.35


def test_sounds_too_short_for_their_transcripts_are_said(task: SpeechRecognition) -> None:
    batch = {"target": torch.ones(12, dtype=torch.long), "target_lengths": torch.tensor([2, 10])}
    logits = torch.randn(8, 1 + len(task.labels), requires_grad=True)
    loss = task.loss(Symbols(logits, torch.tensor([4, 4]), 0.0, 0.1), batch)
    loss.backward()
    assert loss.isfinite() and logits.grad is not None and logits.grad.isfinite().all()
    assert logits.grad[4:].abs().sum() == 0, "what cannot be aligned teaches nothing"
    with pytest.raises(InputError, match="2 of 2 sounds are too short for their transcripts"):
        task.loss(Symbols(logits, torch.tensor([2, 2]), 0.0, 0.1), batch)


def test_vectors_too_far_apart_are_said_before_anything_runs(task: SpeechRecognition) -> None:
    source = find("speech-recognition", "spoken-numbers")
    told = mismatch(catalogue.get("yamnet"), source)
    assert told == "yamnet gives a vector every 0.48 s; speech-recognition needs one every 0.05 s or more often"
    assert not mismatch(catalogue.get("wav2vec"), source) and not mismatch(catalogue.get("wav2vec2"), source)
    with pytest.raises(InputError, match=r"0\.48 s cannot spell speech"):
        YAMNet(0.25, classes=0).for_task(task)
