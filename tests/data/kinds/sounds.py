"""Kinds of sounds, with classes, transcripts and pitch."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from datasets import Audio, Value

from tests.data.kinds import made
from tests.data.kinds.kind import Kind
from tests.data.kinds.made import (
    HALVES,
    ROWS,
    SPLITS,
    THREE,
    TWO,
    Make,
    Texts,
    also,
    at,
    cut_off,
    files,
    joined,
    linked,
    packed,
    parquet,
    picture,
    saved,
    sound,
    suffixes,
    written,
)
from tests.data.kinds.written import reads, refuses

CLASSES, EMBEDDING = "audio-classification", "audio-embedding"
SPEECH, PITCH = "speech-recognition", "pitch-extraction"
TWELVE = "train 7.*test 3"
"""Counts of twelve examples without classes."""
SIXES = "train 5.*test 6"
"""The same where each half is a split."""

divided = partial(made.divided, sound, ".wav")
tree = partial(made.tree, suffix=".wav", write=sound)
heard = partial(made.rows, sound, "audio", Audio(decode=False))


def two(suffix: str = ".wav", **options: Any) -> Make:
    """Two classes of sounds that are stored in some way."""
    return made.two(partial(sound, **options), suffix)


def one(name: str, **options: Any) -> Make:
    """A sound that is stored in some way."""
    return files(name, partial(sound, **options), 1)


def table(name: str, head: str, row: str, pattern: str = "{i}.wav", **options: Any) -> Make:
    """Sounds and a table with a row for each."""
    return made.table(name, head, row, pattern, sound, **options)


def without_length(home: Path, name: str) -> None:
    """A WAV file as a stream leaves it, whose header does not have the length."""
    path = sound(home, name)
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(data)


SOUNDS = (
    reads(CLASSES, "class folders", two(), TWO),
    reads(EMBEDDING, "class folders", two(), TWO),
    reads(CLASSES, "folders train, test and valid", divided("train/{}", "test/{}", "valid/{}"), THREE),
    reads(CLASSES, "links to the folders of classes", linked(two(), "ants", "bees"), TWO),
    reads(
        CLASSES,
        "many formats",
        suffixes(sound, " ".join((*made.CODECS, ".wav .WAV .flac .mp3 .ogg .oga .aiff .au"))),
        r"2 classes \(14 rows each\)",
    ),
    reads(
        CLASSES,
        "rates, channels, codings, and a name of another format",
        joined(
            two(),
            one("ants/a.wav", rate=8000, subtype="ULAW"),
            one("ants/b.wav", subtype="IMA_ADPCM"),
            one("ants/c.wav", rate=96_000, subtype="PCM_24"),
            one("ants/d.wav", channels=2),
            one("ants/e.wav", channels=6, rate=48_000),
            one("ants/f.wav", subtype="DOUBLE"),
            one("ants/g.wav", subtype="FLOAT", scale=3000),
            one("ants/h.wav", format="MP3"),
            one("ants/i.opus", rate=48_000),
            files("ants/j.wav", without_length, 1),
        ),
        "ants 17, bees 5",
    ),
    reads(
        CLASSES,
        "damaged, empty and renamed files",
        also(
            tree({"ants": 11, "bees": 9}),
            written("ants/0.wav", ""),
            written("ants/1.wav", "no sound"),
            cut_off("ants/2.wav", 0.004),
            lambda home: soundfile.write(home / "ants/3.wav", np.full(3200, np.nan), 16_000, subtype="FLOAT"),
        ),
        "bees 9, ants 7",
        "^ants/0.wav: an empty file",
        "^ants/1.wav: not readable as audio",
        "^ants/2.wav: not readable as audio",
        "^ants/3.wav: not readable as audio: some samples are not finite",
    ),
    reads(
        CLASSES,
        "pictures of the sounds beside them",  # said also where the same files were prepared before
        joined(two(), made.two(picture, ".png")),
        TWO,
        r"left out, by suffix: \.png 12",
    ),
    refuses(
        CLASSES,
        "classes in the names of files, as FSDD",
        files("{kind}_{who}_{i}.wav", sound),
        r"12 are outside of folders named after classes: make such folders, or name the files in metadata\.csv",
    ),
    refuses(
        CLASSES,
        "a table in a folder of its own, as ESC-50",
        table("meta/esc50.csv", "filename,fold,category", "{i}.wav,1,{kind}", "audio/{i}.wav"),
        r"only one class \('audio'\).*; make metadata\.csv of meta/esc50\.csv, with columns file_name and label",
    ),
    reads(CLASSES, "metadata.csv", table("metadata.csv", "file_name,label", "a/{i}.wav,{kind}", "a/{i}.wav"), ROWS),
    reads(
        CLASSES,
        "metadata.csv, columns audio and subset, no suffixes",
        table("metadata.csv", "audio,label,subset", "clips/{i},{kind},{split}", "clips/{i}.mp3"),
        HALVES,
        "splits from column 'subset'",
    ),
    reads(
        CLASSES,
        "metadata.csv, suffixes in other letters",
        table("metadata.csv", "file_name,label", "{i}.wav,{kind}", "{i}.WAV"),
        ROWS,
    ),
    reads(
        CLASSES,
        "metadata.csv, speakers",
        table("metadata.csv", "file_name;label;speaker_id", "{i}.wav;{kind};{who}", count=24),
        r"2 classes \(12 rows each\); 4 groups",
        "groups from column 'speaker_id'",
    ),
    reads(CLASSES, "a ZIP archive", packed("zip", divided("train/{}", "test/{}")), SPLITS),
    reads(CLASSES, "save_to_disk", saved(train=heard("{i}.wav", label=made.LABEL)), ROWS),
)
WORDS = [f"{first} {second}" for first in ("one", "two", "red", "blue") for second in ("tree", "house", "river")]


def spoken(line: Callable[[int], str], head: str = "", name: str = "metadata.csv", pattern: str = "{i}.wav") -> Make:
    """Sounds and a table with a line for each."""
    return files(pattern, sound, 12, {name: head + "".join(f"{line(i)}\n" for i in range(12))})


def beside(pattern: str, name: str, say: Callable[[int], str] = WORDS.__getitem__, texts: Texts | None = None) -> Make:
    """Sounds with a text each."""
    return files(pattern, sound, 12, texts, {name: say})


def librispeech(home: Path) -> Path:
    """A folder for each speaker, in one for each split."""
    for split, speakers in {"train-clean-5": "123", "dev-clean": "4", "test-clean": "56"}.items():
        for speaker in speakers:
            place = f"{split}/{speaker}/7/{speaker}-7"
            for i in range(2):
                sound(home, f"{place}-{i:04}.flac")
            made.text(home, f"{place}.trans.txt", f"{speaker}-7-0000 ONE TREE\n{speaker}-7-0001 TWO\n")
    return home


def common_voice(split: str) -> Make:
    """A table of a split, its sounds in a folder for all."""
    head = "client_id\tpath\tsentence\tup_votes\n"
    return spoken(lambda i: f"c{i}\t{split}{i}.mp3\t{WORDS[i]}\t2", head, f"{split}.tsv", f"clips/{split}{{i}}.mp3")


HEAD = "file_name,transcription\n"
OTHER_SCRIPTS = ("привет мир", "你好 世界", "नमस्ते दुनिया", "مرحبا بالعالم")
NO_TEXTS = r"no transcribed sounds; expected a table \(metadata\.csv, .*or a \.txt beside each sound"
TRANSCRIPTS = (
    reads(SPEECH, "metadata.csv", spoken(lambda i: f"{i}.wav,{WORDS[i]}", HEAD), TWELVE),
    reads(
        SPEECH,
        "metadata.csv, other names, semicolons, no suffixes",
        spoken(lambda i: f"{i};{WORDS[i]}", "File Name ; Text\n"),
        TWELVE,
    ),
    reads(
        SPEECH,
        "metadata.csv above train and test",
        spoken(lambda i: f"{'test' if i > 5 else 'train'}/{i}.wav,{WORDS[i]}", HEAD, pattern="{split}/{i}.wav"),
        SIXES,
    ),
    reads(
        SPEECH,
        "metadata.csv, speakers and splits",
        spoken(lambda i: f"{i}.wav,{WORDS[i]},{i},{'test' if i > 5 else 'train'}", "path,sentence,speaker,split\n"),
        SIXES,
        "groups from column 'speaker'",
        "splits from column 'split'",
    ),
    reads(
        SPEECH,
        "metadata.csv, Windows-1252",
        files(
            "{i}.wav",
            sound,
            12,
            {"metadata.csv": (HEAD + "".join(f"{i}.wav,dé\n" for i in range(12))).encode("cp1252")},
        ),
        TWELVE,
        "is not UTF-8, and read as Windows-1252",
    ),
    reads(
        SPEECH,
        "metadata.jsonl",
        spoken(lambda i: json.dumps({"file_name": f"{i}.wav", "text": WORDS[i]}), name="metadata.jsonl"),
        TWELVE,
    ),
    reads(
        SPEECH,
        "Parquet",
        parquet(train=heard("{i}.wav", sentence=(Value("string"), WORDS.__getitem__))),
        "train 7.*test 4",
    ),
    reads(SPEECH, "LJSpeech", spoken(lambda i: f"LJ{i}|No. {i}|{WORDS[i]}", pattern="wavs/LJ{i}.wav"), TWELVE),
    reads(SPEECH, "LJSpeech, two columns", spoken(lambda i: f"LJ{i}|{WORDS[i]}", pattern="wavs/LJ{i}.wav"), TWELVE),
    reads(
        SPEECH,
        "Common Voice",
        also(
            joined(common_voice("train"), common_voice("test")), written("validated.tsv", "client_id\tpath\tsentence\n")
        ),
        "train 10.*test 12",
    ),
    reads(SPEECH, "LibriSpeech", librispeech, "train 6.*validation 2.*test 4.*6 groups"),
    reads(SPEECH, "a text beside each sound", beside("{split}/{i}.wav", "{split}/{i}.txt"), SIXES),
    reads(
        SPEECH,
        "a text beside most sounds",
        also(beside("{i}.wav", "{i}.txt"), lambda home: sound(home, "x.wav")),
        TWELVE,
        "sounds without a transcript, left out: 1",
    ),
    reads(SPEECH, "a text beside each sound, in capitals", beside("{i}.WAV", "{i}.TXT"), TWELVE),
    reads(SPEECH, "other scripts", beside("{i}.wav", "{i}.txt", lambda i: OTHER_SCRIPTS[i % 4]), TWELVE),
    reads(
        SPEECH,
        "digits, no words, missing sounds",
        files(
            "{i}.wav",
            sound,
            15,
            {
                "metadata.csv": HEAD
                + "".join(f"{i}.wav,{(*WORDS, 'room 12', '...', '')[i]}\n" for i in range(15))
                + "99.wav,gone\n"
            },
        ),
        r"train 7 of 8.*test 3",
        "^12.wav: .*holds 1 2; .*write numbers and signs as words",
        "^13.wav: .*has no words",
        "^14.wav: .*has no words",
        "^99.wav: named in metadata.csv, but there is no such file",
    ),
    refuses(SPEECH, "digits alone", beside("{i}.wav", "{i}.txt", str), "write numbers and signs as words"),
    refuses(SPEECH, "texts in a folder of their own", beside("wav/{i}.wav", "txt/{i}.txt"), NO_TEXTS),
    reads(
        SPEECH,
        "metadata.jsonl, names as in NeMo's manifests",
        spoken(lambda i: json.dumps({"audio_filepath": f"{i}.wav", "text": WORDS[i]}), name="metadata.jsonl"),
        TWELVE,
    ),
    refuses(
        SPEECH,
        "a manifest of NeMo",
        spoken(lambda i: json.dumps({"audio_filepath": f"{i}.wav", "text": WORDS[i]}), name="train_manifest.json"),
        NO_TEXTS,
    ),
    refuses(SPEECH, "sounds without texts", tree({".": 4}), NO_TEXTS),
    refuses(
        SPEECH,
        "metadata.csv without transcripts",
        table("metadata.csv", "file_name,label", "{i}.wav,{kind}"),
        "needs columns 'file_name' and one of transcription, text, .*columns: file_name, label",
    ),
    refuses(
        SPEECH,
        "metadata.csv, the table itself is named",
        at("metadata.csv", spoken(lambda i: f"{i}.wav,{WORDS[i]}", HEAD)),
        r"metadata\.csv: .*folder.*try --data ",
    ),
)


def sung(
    pattern: str = "{i}.wav", name: str = "{i}.csv", scale: float = 1, between: str = ",", head: str = "time,f0\n"
) -> Make:
    """Sounds with a table each of time and pitch."""

    def pitch(i: int) -> str:
        return head + "".join(f"{t * scale / 100:g}{between}{100 + i}\n" for t in range(20))

    return files(pattern, sound, 12, None, {name: pitch})


PITCHES = (
    reads(PITCH, "a table beside each sound", sung(), TWELVE),
    reads(PITCH, "a table beside each sound, semicolons, no head", sung(between=";", head=""), TWELVE),
    reads(PITCH, "tables called .f0.csv, in splits", sung("{split}/{i}.wav", "{split}/{i}.f0.csv"), SIXES),
    reads(PITCH, "folders of singers", sung("{who}/{i}.wav", "{who}/{i}.csv"), "4 groups"),
    refuses(PITCH, "ms", sung(scale=1000), "last time 190 s, but the sound ends at 0.20 s; expected time in seconds"),
    reads(
        PITCH,
        "words in a table",
        also(sung(), written("0.csv", "time,f0\n0,100\n0.01,unvoiced\n")),
        "train 6.*test",
        "0.csv:3: expected seconds and Hz, found '0.01,unvoiced'",
    ),
    refuses(
        PITCH, "sounds without tables", tree({".": 4}), r"no sound with a \.csv of time \(s\) and f0 \(Hz\) beside"
    ),
)
KINDS: tuple[Kind, ...] = (*SOUNDS, *TRANSCRIPTS, *PITCHES)
