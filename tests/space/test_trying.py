"""Trying a model: an input, good or bad, and an answer that is drawn."""

from __future__ import annotations

import io
import math
import struct
import urllib.error
import urllib.request
import uuid
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.space.conftest import Start, write
from tlzoo.data.video import encode
from tlzoo.errors import InputError
from tlzoo.space import trying
from tlzoo.space.boards import Boards
from tlzoo.space.ready import best
from tlzoo.space.trying import TEXTS, answered
from tlzoo.tasks import task_type

PITCH = "pitch-extraction"


@pytest.fixture(scope="module")
def out(row: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CREPE as it is published, on pitch."""
    crepe = row("crepe", "zero-shot", 0.9, variant="tiny", task=PITCH, metric="rpa", dataset="pitches")
    n = crepe["n_test"]
    return write(tmp_path_factory.mktemp("out"), [crepe | {"statistics": [[9.0, 10.0]] * n, "train_seconds": None}])


def tone(path: Path, hertz: float = 440.0) -> Path:
    """Half a second of a tone."""
    samples = (int(12000 * math.sin(2 * math.pi * hertz * i / 16000)) for i in range(8000))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return path


@pytest.fixture(scope="module")
def boards(out: Path, tmp_path_factory: pytest.TempPathFactory) -> Boards:
    boards = Boards("audio", out)
    said = answered(boards, PITCH, [str(tone(tmp_path_factory.mktemp("first") / "a.wav"))])
    if "cannot be had" in said:
        pytest.skip(f"no weights of crepe: {said}")
    return boards


def test_a_tone_is_drawn_with_its_time(boards: Boards, tmp_path: Path) -> None:
    said = answered(boards, PITCH, [str(tone(tmp_path / "a.wav"))])
    assert "crepe tiny zero-shot" in said and " ms</p>" in said
    assert "data:image/" in said
    assert "44" in said.split("frequency")[1][:200], "some 440 Hz"


def test_what_is_no_sound_is_said_to_be_none(boards: Boards, tmp_path: Path) -> None:
    wrong = tmp_path / "<b>x.wav"
    wrong.write_bytes(b"<script>alert(1)</script>")
    said = answered(boards, PITCH, [str(wrong)])
    assert "cannot be read" in said and "<script>" not in said and "<b>" not in said
    assert "Nothing to try yet" in answered(boards, PITCH, [None])


def test_hours_in_a_small_file_are_refused_unread(boards: Boards, tmp_path: Path) -> None:
    import soundfile

    path = tmp_path / "silence.flac"
    with soundfile.SoundFile(path, "w", 8000, 1) as file:
        for _ in range(90):
            file.buffer_write(bytes(80 * 8000 * 2), "int16")
    assert path.stat().st_size < 1_000_000
    assert "this audio has 7,200 seconds; at most 60 are read here" in answered(boards, PITCH, [str(path)])


def test_huge_pictures_and_long_videos_are_refused_unread(tmp_path: Path) -> None:
    picture = tmp_path / "black.png"
    Image.new("1", (20_000, 20_000)).save(picture)
    film = tmp_path / "long.mkv"
    film.write_bytes(encode(np.zeros((2100, 16, 16, 3), dtype=np.uint8), 30))
    for domain, path, said in (("image", picture, "pixels"), ("video", film, "2,100 frames; at most 2,000")):
        with pytest.raises(InputError, match=said):
            trying._input(domain, {domain: str(path)}, tmp_path)


def test_nothing_evaluated_is_nothing_to_try(boards: Boards) -> None:
    with pytest.raises(InputError, match="tlzoo eval --task audio-embedding"):
        best(boards, "audio-embedding")
    assert "tlzoo eval --task audio-embedding" in answered(boards, "audio-embedding", ["x"])


def test_two_texts_are_asked_for_where_a_task_reads_two() -> None:
    for task in ("question-answering", "text-embedding"):
        assert task_type(task).inputs == TEXTS[task]  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def url(start: Start, out: Path, boards: Boards) -> Iterator[str]:
    with start("audio", out) as url:
        yield url


def upload(url: str, name: str, content: bytes) -> Any:
    boundary = uuid.uuid4().hex
    body = io.BytesIO()
    body.write(f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode())
    body.write(content + f"\r\n--{boundary}--\r\n".encode())
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return urllib.request.urlopen(
        urllib.request.Request(f"{url}/gradio_api/upload", body.getvalue(), headers), timeout=60
    )


def test_a_huge_upload_is_refused_and_the_server_lives(url: str) -> None:
    with pytest.raises((urllib.error.HTTPError, urllib.error.URLError, ConnectionError)):
        upload(url, "big.wav", bytes(200 * 1024 * 1024))
    assert urllib.request.urlopen(url, timeout=30).status == 200


def test_a_name_leads_nowhere_else(url: str) -> None:
    import json

    (path,) = json.load(upload(url, "../../../etc/tlzoo-was-here", b"x"))
    assert ".." not in path and not Path("/etc/tlzoo-was-here").exists()
    for wanted in ("/etc/passwd", "../../etc/passwd", str(Path(__file__))):
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{url}/gradio_api/file={wanted}", timeout=30)
