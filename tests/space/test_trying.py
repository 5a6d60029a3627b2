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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.space.conftest import Start, write
from tlzoo.errors import InputError
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


def test_nothing_evaluated_is_nothing_to_try(boards: Boards) -> None:
    with pytest.raises(InputError, match="tlzoo eval --task audio-embedding"):
        best(boards, "audio-embedding")
    assert "tlzoo eval --task audio-embedding" in answered(boards, "audio-embedding", ["x"])


def test_two_texts_are_asked_for_where_a_task_reads_two() -> None:
    for task, columns in TEXTS.items():
        assert task_type(task).inputs == columns  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def url(start: Start, out: Path, boards: Boards) -> Iterator[str]:
    with start("audio", out) as url:
        yield url


def test_ten_visitors_at_once_all_get_an_answer(url: str, tmp_path: Path) -> None:
    client = pytest.importorskip("gradio_client")
    path = tone(tmp_path / "a.wav")

    def visit(_: int) -> str:
        return str(client.Client(url, verbose=False).predict(PITCH, client.handle_file(path), api_name="/try"))

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(visit, range(10)))
    assert all("crepe tiny zero-shot" in answer for answer in answers)


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
