"""What of a person's own files cannot be read, or not in one way only, is refused in one line."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.prepared import refused
from tlzoo.data.catalogue import find
from tlzoo.data.files import conll, f0_folder, folder, transcripts
from tlzoo.data.files.fasta import read_fasta
from tlzoo.data.files.tables import is_table, read_table

Read = Callable[[Path], object]


def own(task: str) -> Read:
    return lambda path: find(task, str(path))


TEXTS, PAIRS, REPLIES = own("text-classification"), own("text-embedding"), own("text-generation")
WORDS, ASKED = own("language-modeling"), own("question-answering")
TABLE, NER = read_table, conll.listing
STARTED = "question,context,answer,answer_start\nq,a b,a,x\n"
MANY = "message,reply\n" + "".join(f"m{i},r{i}\n" for i in range(20))


def sounds(path: Path) -> object:
    return folder.listing(path.parent, "audio")


def spoken(path: Path) -> object:
    return transcripts.listing(path.parent)


def records(path: Path) -> object:
    return list(read_fasta(path))


@pytest.mark.parametrize(
    ("read", "name", "content", "message"),
    [
        (TEXTS, "mine.csv", "text,label\nabc,good\nx\0y,bad\n", r"mine\.csv:3: a NUL byte"),
        (TEXTS, "mine.csv", "", "mine.csv: has no rows"),
        (TEXTS, "mine.csv", "text,label\n", "has no rows"),
        (TEXTS, "a.csv", "text,label\na,b\nc,d,e,f\n", "a.csv:3: 4 values, but the header has 2; .*put quotes around"),
        (TEXTS, "mine.csv", "text,words\na,b\nc,d\n", r"no column of classes \(label.*columns: text, words"),
        (TEXTS, "mine.csv", "label\na\nb\n", r"no column of texts \(text.*columns: label"),
        (TEXTS, "mine.csv", "text,label\na,b\nc,b\n", "only one class"),
        (TEXTS, "mine.jsonl", '{"text": "a", "label": "b"}\n\n{"text": \n', r"mine\.jsonl:3: not valid JSON"),
        (TEXTS, "a.jsonl", '{"text": "a", "label": ["x", "y"]}', r"a.jsonl row 1: 'label' is \['x', 'y'\]; one class"),
        (TEXTS, "mine.parquet", "PAR1 no", "cannot be read as Parquet"),
        (TABLE, "a.jsonl", "[" * 100_000, r"a\.jsonl:1: not valid JSON: "),
        (
            TABLE,
            "a.csv",
            "text,label\nwell, then,good\nwell, no,bad\n",
            r"a\.csv:2: 3 values, but the header has 2; .*commas",
        ),
        (TABLE, "a.csv", 'text,label\nx,y\n"a\nb",good\n\nc, d,bad\n', r"a\.csv:6: 3 values"),
        (TABLE, "a.csv", 'text,label\nx,y\n"a, b,good\nc, d,bad\n', r"a\.csv:3: a quote is opened but not closed"),
        (TABLE, "a.csv", "text;label\na;b;c\n", r"a\.csv:2: 3 values, but the header has 2; .*semicolons"),
        (
            PAIRS,
            "a.csv",
            "sentence1,score\nx,1\n",
            r"no two columns of texts \(sentence1/sentence2, .*columns: sentence1, score",
        ),
        (PAIRS, "a.csv", "sentence1,sentence2\nx,y\n", r"no column of scores \(score, similarity"),
        (PAIRS, "a.csv", "a,b,c,score\nx,y,z,1\n", "too few"),
        (PAIRS, "a.csv", "u,v,w,score\nx,y,z,1\n", "no two columns of texts"),
        (PAIRS, "a.csv", "a,b,score\n,y,1\n", "no pair can be used; 1 left out, such as: a.csv row 1: 'a' is empty"),
        (PAIRS, "a.csv", "a,b,score\n" + "".join(f"x{i},y{i},1\n" for i in range(30)), "all have one score"),
        (PAIRS, "a.csv", "a,b,score\nx,y,1\nx,z,0\n", "too few"),
        (REPLIES, "a.csv", "message,text\na,b\n", "no column of replies .* columns: message, text"),
        (REPLIES, "a.csv", "reply,label\na,b\n", "no column of messages"),
        (REPLIES, "a.csv", MANY, "different replies that are wrong for"),
        (REPLIES, "a.csv", "message,reply\n", "has no rows"),
        (REPLIES, "a.csv", "message,reply\n,\n", "too few examples"),
        (REPLIES, "a.jsonl", '{"messages": [{"role": "user"}]}', "row 1: a conversation is a list of turns"),
        (REPLIES, "a.jsonl", '{"messages": ["a", 3]}', "row 1: a conversation is a list of turns"),
        (REPLIES, "a.jsonl", '{"messages": ["a\\ud800", "b"]}', "a.jsonl:1: half of a surrogate pair"),
        (REPLIES, "a.jsonl", '{"messages": ["a", "b"', "a.jsonl:1: not valid JSON"),
        (WORDS, "a.txt", "too short to be a passage", "no passage of 30 to 80 words"),
        (WORDS, "a.csv", "title2,words\na,b\n", "no column of texts"),
        (WORDS, "a.json", "{}", "a.json"),
        (WORDS, "a.fa", ">x\nACGT\n", "FASTA has sequences but no tracks"),
        (WORDS, "a.jsonl", '{"sequence": "ACGT"}', "no column of tracks"),
        (WORDS, "a.jsonl", '{"sequence": "ACGT", "tracks": "x"}', "a.jsonl: row 1: tracks are not one list"),
        (WORDS, "a.jsonl", '{"sequence":"ACGT","tracks":[1],"bin_size":1.5}', "bin_size 1.5 is not a number of bases"),
        (
            ASKED,
            "t.csv",
            "question,context\na,b\n",
            r"t\.csv: no column of answers \(answers, answer, answer_text\); columns: question, context",
        ),
        (ASKED, "t.csv", "question,answer\na,b\n", r"t\.csv: no column of contexts"),
        (ASKED, "t.csv", STARTED, r"t\.csv row 1: field 'answer_start' is 'x'; expected the position of a character"),
        (records, "b.fa", "ACGT\n", "b.fa:1: not a FASTA file"),
        (records, "c.fa", "", "it has no record"),
        (records, "d.fa.gz", gzip.compress(b">x\nACGT")[:-4], "ended before the end-of-stream"),
        (sounds, "metadata.csv", "name,label\na.wav,1\n", "no column 'file_name'; columns: name, label"),
        (sounds, "metadata.csv", "file_name,kind\na.wav,1\n", "no label column"),
        (
            sounds,
            "metadata.csv",
            "file_name,label\na.wav,\n",
            "no audio files .* with a label; metadata.csv:2: 'label' is empty",
        ),
        (sounds, "metadata.csv", "file_name,label\n../../etc/passwd,1\n", "leaves the folder"),
        (sounds, "metadata.csv", "file_name,label\n/etc/passwd,1\n", "leaves the folder"),
        (sounds, "metadata.csv", "label,file_name\n1,\n2\n", "metadata.csv:2: 'file_name' is empty"),
        (sounds, "metadata.csv", "file_name,label\na.wav,b,c\n", "metadata.csv:2: 3 values, but the header has 2"),
        (spoken, "metadata.csv", "file_name,label\na.wav,x\n", "needs columns 'file_name' and one of transcription"),
        (
            spoken,
            "metadata.csv",
            "file_name,text\n../a.wav,x\n",
            "metadata.csv:2: file_name '../a.wav' leaves the folder",
        ),
        (spoken, "metadata.csv", "file_name,text\n", "no transcribed sounds"),
        (f0_folder.read, "a.csv", "time,f0\n0,1\n0.01\n", "a.csv:3: expected seconds and Hz"),
        (f0_folder.read, "a.csv", "0,1\n0.01,x\n", "a.csv:2: expected seconds and Hz, found '0.01,x'"),
        (f0_folder.read, "a.csv", "0,100\n0,100\n", "a.csv:2: time 0 does not increase"),
        (f0_folder.read, "a.csv", "time,f0\n", "a.csv: fewer than two rows"),
        (f0_folder.read, "a.csv", f"0,{'1' * 200_000}\n", "a.csv: fewer than two rows"),
        (NER, "a.conll", "Anna B-PER\nPerth\n", "a.conll:2: the tag is missing; expected O, or B-CLASS"),
        (NER, "a.conll", "Anna B-PER\nPerth LOC\n", "a.conll:2: the tag is 'LOC'"),
        (NER, "a.jsonl", '{"text":"Anna", "entities":["Anna"]}', "row 1: entity 'Anna'; expected start, end and label"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 60 else "",
)
def test_a_file_that_cannot_be_used(tmp_path: Path, read: Read, name: str, content: str | bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with refused(message):
        read(tmp_path / name)


@pytest.mark.parametrize(
    ("task", "content", "message"),
    [
        ("object-detection", "{", "not valid JSON"),
        ("object-detection", "", "not valid JSON"),
        ("object-detection", "[1]", "no list 'images'"),
        ("question-answering", "{", "not valid JSON: "),
        ("question-answering", "", "not valid JSON: "),
        ("question-answering", "[" * 100_000, "not valid JSON: "),
        ("question-answering", "[]", "not a SQuAD file: no list 'data' of documents$"),
    ],
    ids=lambda value: value[:40],
)
def test_json_of_another_form_alone_or_in_its_folder(tmp_path: Path, task: str, content: str, message: str) -> None:
    (tmp_path / "mine.json").write_text(content)
    for path in (tmp_path, tmp_path / "mine.json"):
        with refused(message):
            find(task, str(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"text": "x", "label": "y"}', "a.json: a single JSON object; expected"),
        ('{\n"data": []\n}', "a.json: a single JSON object; expected"),
        ("[1, 2]", "a.json: expected a list of objects"),
    ],
)
def test_json_that_holds_no_rows_is_no_table(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.json").write_text(content)
    assert not is_table(tmp_path / "a.json")
    with refused(message):
        read_table(tmp_path / "a.json")


def test_text_in_parquet_that_is_not_utf_8(tmp_path: Path) -> None:
    text = pa.array([b"caf\xe9", b"b"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": text, "label": ["x", "y"]}), tmp_path / "a.parquet")
    with refused("column 'text' holds text that is not valid UTF-8"):
        read_table(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("task", "name", "message"),
    [
        ("object-detection", "", "no annotations in a layout that is read"),
        ("object-detection", "nothing.json", "no such file or folder"),
        ("image-segmentation", "", r"no folders 'images' and 'masks', and no annotations in a layout"),
        ("question-answering", "", r"no \.json file of SQuAD's form and no table here"),
        ("question-answering", "nothing.json", "no such file or folder"),
        ("pitch-extraction", "", r"no sound with a .csv of time \(s\) and f0 \(Hz\) beside it"),
        ("video-generation", "", "no video of 16 frames or more"),
        ("audio-classification", "no/such/folder", "no such folder"),
        ("image-classification", "mine", "no such folder"),
    ],
)
def test_nothing_is_there(tmp_path: Path, task: str, name: str, message: str) -> None:
    with refused(message):
        find(task, str(tmp_path / name))
