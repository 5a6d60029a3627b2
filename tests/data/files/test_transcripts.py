import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torchaudio.functional import forced_align

from tests.support.prepared import share_nothing
from tlzoo.data.catalogue import find, load
from tlzoo.data.files.transcripts import Transcripts, listing
from tlzoo.data.media.audio import encode_wav
from tlzoo.data.media.spelling import characters_of, normalise, read_back, spell
from tlzoo.errors import InputError

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "librispeech_mini"


def hiss(path: Path, rate: int = 16_000, channels: int = 1, seconds: float = 0.5, level: float = 0.1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (int(rate * seconds), channels)
    soundfile.write(path, level * np.random.default_rng(list(path.name.encode())).standard_normal(shape), rate)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("HE COULD WAIT", "he could wait"),
        ("  It\u2019s well-known: \u201cyes\u201d,  she said.\n", "it's well known yes she said"),
        ("Zwölf Boxkämpfer", "zwölf boxkämpfer"),
        ("cafe\u0301", "café"),
    ],
)
def test_what_counts_of_a_transcript(written: str, kept: str) -> None:
    assert normalise(written) == kept


@pytest.mark.parametrize(
    ("written", "told"), [("", "no words"), ("...", "no words"), ("room 12", "1 2"), ("5 €", "5 €")]
)
def test_what_cannot_be_spelt_is_said(written: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        normalise(written)


def test_symbols_are_read_back_with_times() -> None:
    symbols = ("", " ", "e", "o", "s", "t")
    best = [0, 5, 5, 0, 0, 3, 0, 1, 1, 4, 2, 2, 0, 2, 0]
    found = read_back(best, symbols, 0, start=0.01, hop=0.02)
    assert found["text"] == "to see"
    to, see = found["words"]
    assert (to["text"], see["text"]) == ("to", "see")
    assert to["start"] == pytest.approx(0.02) and to["end"] == pytest.approx(0.12)
    assert see["start"] == pytest.approx(0.18) and see["end"] == pytest.approx(0.28)
    assert read_back([0, 1, 0], symbols, 0, 0, 0.02) == {"text": "", "words": []}
    characters = characters_of(["to", "see"])
    assert characters == (" ", "e", "o", "s", "t") and spell("to see", characters) == [4, 2, 0, 3, 1, 1]


def test_times_of_words_are_those_of_a_forced_alignment() -> None:
    """Of all alignments of the text that greedy decoding gives, the best one is what greedy decoding reads."""
    for seed in range(5):
        scores = torch.randn(1, 60, 6, generator=torch.Generator().manual_seed(seed)).log_softmax(-1)
        best = scores[0].argmax(-1).tolist()
        spelt = [symbol for symbol, _ in itertools.groupby(best) if symbol]
        aligned, _ = forced_align(scores, torch.tensor([spelt]))
        assert aligned[0].tolist() == best


def test_a_folder_with_metadata(tmp_path: Path) -> None:
    lines = ["file_name,sentence,speaker"]
    for i in range(12):
        hiss(tmp_path / "clips" / f"{i}.wav", rate=(8000, 16_000)[i % 2], channels=1 + i % 2)
        lines.append(f'clips/{i}.wav,"Yes, number {"abcdefghijkl"[i]}!",s{i % 4}')
    bad = {"digits": "room 12", "blank": "", "silent": "nothing", "empty": "no samples", "gone": "not here"}
    hiss(tmp_path / "digits.wav")
    hiss(tmp_path / "blank.wav")
    hiss(tmp_path / "silent.wav", level=0)
    (tmp_path / "empty.wav").touch()
    lines += [f"{name}.wav,{text},s{i % 4}" for i, (name, text) in enumerate(bad.items())]
    (tmp_path / "metadata.csv").write_text("\n".join(lines))
    data = load(find("speech-recognition", str(tmp_path)))
    assert sum(len(rows) for rows in data.splits.values()) == 12
    assert share_nothing(data.splits)
    told = {line.partition(":")[0]: line for line in data.problems}
    assert set(told) == {f"{name}.wav" for name in bad} and all("\n" not in line for line in data.problems)
    assert "write numbers" in told["digits.wav"] and "no words" in told["blank.wav"] and "silence" in told["silent.wav"]
    assert "empty file" in told["empty.wav"] and "no such file" in told["gone.wav"]
    assert data.splits["train"][0]["text"].startswith("yes number ")
    assert any("punctuation" in notice for notice in data.notices)


def test_librispeechs_layout(tmp_path: Path) -> None:
    for split, speakers in (("train-clean-5", "12"), ("dev-clean", "34"), ("test-clean", "56")):
        for speaker in speakers:
            folder = tmp_path / split / speaker / "7"
            for i in range(2):
                hiss(folder / f"{speaker}-7-{i:04}.flac")
            lines = [f"{speaker}-7-{i:04} WORD NUMBER {'AB'[i]}" for i in range(2)]
            (folder / f"{speaker}-7.trans.txt").write_text("\n".join(lines) + "\n")
    found = listing(tmp_path)
    assert found.groups is not None and found.splits is not None and not found.problems
    of = dict(zip(found.groups, found.splits, strict=True))
    assert of == {s: split for split, both in (("train", "12"), ("validation", "34"), ("test", "56")) for s in both}
    assert load(find("speech-recognition", str(tmp_path))).splits["test"]["text"][0].startswith("word number")


def test_four_utterances_of_librispeech() -> None:
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not in this checkout")
    data = load(find("speech-recognition", str(SHARED)))
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 2, "validation": 1, "test": 1}
    assert not data.problems


WORDS = [f"{first} {second}" for first in ("one", "two", "red", "blue") for second in ("tree", "house", "river")]


def _common_voice(folder: Path) -> None:
    for split, rows in (("train", range(8)), ("test", range(8, 12))):
        lines = ["client_id\tpath\tsentence", *(f"c{i}\t{i}.wav\t{WORDS[i]}" for i in rows)]
        (folder / f"{split}.tsv").write_text("\n".join(lines))


def _ljspeech(folder: Path) -> None:
    (folder / "metadata.csv").write_text("\n".join(f"{i}|No. {i}|{words}" for i, words in enumerate(WORDS)))


def _beside(folder: Path) -> None:
    for i, words in enumerate(WORDS):
        (folder / f"{i}.txt").write_text(f"{words}\n")


def _jsonl(folder: Path) -> None:
    rows = [{"file_name": f"{i}.wav", "transcription": words} for i, words in enumerate(WORDS)]
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))


def _semicolons(folder: Path) -> None:
    (folder / "metadata.csv").write_text("File_Name ; Text\n" + "\n".join(f"{i};{w}" for i, w in enumerate(WORDS)))


@pytest.mark.parametrize(
    ("write", "sounds"),
    [(_common_voice, "clips"), (_ljspeech, "wavs"), (_beside, ""), (_jsonl, ""), (_semicolons, "")],
)
def test_transcripts_where_people_keep_them(tmp_path: Path, write: Callable[[Path], None], sounds: str) -> None:
    for i in range(len(WORDS)):
        hiss(tmp_path / sounds / f"{i}.wav")
    write(tmp_path)
    examples = listing(tmp_path)
    targets = examples.targets
    assert isinstance(targets, Transcripts)
    read = {Path(value["path"]).stem: text for value, text in zip(examples.inputs, targets.texts, strict=True)}
    assert read == {str(i): words for i, words in enumerate(WORDS)} and not examples.problems
    if write is _common_voice:
        assert examples.splits == ["test"] * 4 + ["train"] * 8


def test_a_root_table_leaves_the_split_to_the_folder_of_the_sound(tmp_path: Path) -> None:
    for i in range(12):
        hiss(tmp_path / ("train" if i < 9 else "test") / f"{i}.wav")
    lines = [f"{'train' if i < 9 else 'test'}/{i}.wav,{words}" for i, words in enumerate(WORDS)]
    (tmp_path / "metadata.csv").write_text("\n".join(["file_name,transcription", *lines]))
    assert listing(tmp_path).splits == ["train"] * 9 + ["test"] * 3


def test_marks_of_vowels_are_no_punctuation() -> None:
    targets = Transcripts(["नमस्ते दुनिया", "yes, well"])
    sound = {"bytes": encode_wav(np.linspace(-0.5, 0.5, 8000, dtype=np.float32), 16_000), "path": None}
    assert targets.of(0, sound).remarks == {}
    assert targets.of(1, sound).remarks == {"transcripts of which punctuation was left out": 1}
