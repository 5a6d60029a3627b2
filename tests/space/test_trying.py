"""Trying a model: an input, good or bad, and an answer that is drawn."""

import asyncio
import io
import json
import math
import struct
import subprocess
import sys
import threading
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
from tests.support.bombs import BOMBS, flac, mov, png
from tlzoo.data.media.video import encode
from tlzoo.errors import InputError
from tlzoo.space import ready, trying
from tlzoo.space.boards import Boards
from tlzoo.space.ready import Ready, best, from_lines, to_lines
from tlzoo.space.trying import answered
from tlzoo.tasks import task_type
from tlzoo.vocabulary import task_facts

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
    if "is not available" in said:
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


def test_no_folder_of_this_machine_is_named(boards: Boards, tmp_path: Path) -> None:
    for name, content in (("empty.wav", b""), ("text.wav", b"no sound at all"), ("cut.wav", b"RIFF")):
        (tmp_path / name).write_bytes(content)
        said = answered(boards, PITCH, [str(tmp_path / name)])
        assert f"This cannot be read: {name}: " in said and str(tmp_path) not in said


def test_hours_in_a_small_file_are_refused_unread(boards: Boards, tmp_path: Path) -> None:
    import soundfile

    path = tmp_path / "silence.flac"
    with soundfile.SoundFile(path, "w", 8000, 1) as file:
        for _ in range(90):
            file.buffer_write(bytes(80 * 8000 * 2), "int16")
    assert path.stat().st_size < 1_000_000
    assert "silence.flac: 7,200 seconds; the limit is 60" in answered(boards, PITCH, [str(path)])


def test_huge_pictures_and_long_videos_are_refused_unread(tmp_path: Path) -> None:
    picture = tmp_path / "black.png"
    Image.new("1", (20_000, 20_000)).save(picture)
    film = tmp_path / "long.mkv"
    film.write_bytes(encode(np.zeros((2100, 16, 16, 3), dtype=np.uint8), 30))
    for domain, path, message in (
        ("image", picture, "black.png: more pixels than the limit of 25,000,000"),
        ("video", film, "long.mkv: 2,001 frames; the limit is 2,000"),
    ):
        boards = Boards(domain, tmp_path)
        assert f"This cannot be read: {message}" in answered(boards, boards.tasks[0], [str(path)])


@pytest.mark.parametrize(("domain", "name"), [(domain, name) for domain, many in BOMBS.items() for name in many])
def test_a_bomb_is_refused_before_a_model_is_asked_for(domain: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(BOMBS[domain][name]())
    boards = Boards(domain, tmp_path)
    answer = answered(boards, boards.tasks[0], [str(path)])
    if name in ("four gigabytes.wav", "of unknown length.flac"):
        assert "no model of" in answer, "what its header says is fine; a model is asked for, which is not there"
    else:
        assert "This cannot be read: " in answer and str(tmp_path) not in answer


CHILD = """
import json, resource, sys
from concurrent.futures import ThreadPoolExecutor
resource.setrlimit(resource.RLIMIT_AS, (12 << 30,) * 2)
from tlzoo.data.media.inputs import read_input
from tlzoo.errors import InputError
from tlzoo.space import ready, trying
from pathlib import Path

class Model:
    class spec:
        input = sys.argv[1]

def predict(model, paths, draw):
    kind = model.spec.input
    text = type(read_input({kind: {"bytes": None, "path": str(paths[0])}}, kind, 16_000, 16)).__name__
    yield Predicted({"input": "x"}, Completion(text))

import tlzoo.run.predict
from tlzoo.core.predictions import Completion
from tlzoo.run.predict import Predicted
tlzoo.run.predict.predict = predict
model = ready.Ready("m", Model())
path = sys.argv[2]

def answer(_):
    try:
        return trying._answer(model.model.spec.input, model, {model.model.spec.input: path})
    except InputError as error:
        return str(error)

with ThreadPoolExecutor(20) as pool:
    answers = list(pool.map(answer, range(20)))
status = open("/proc/self/status").read()
print(json.dumps([int(status.split("VmHWM:")[1].split()[0]) / 1024, sorted(set(answers))]))
"""


@pytest.mark.parametrize(
    ("domain", "name", "content", "message"),
    [
        ("image", "25 megapixels.png", lambda: png(5000, 5000), "<h3>Image</h3>"),
        ("image", "169 megapixels.png", BOMBS["image"]["169 megapixels.png"], "the limit is 25,000,000"),
        ("audio", "of unknown length.flac", BOMBS["audio"]["of unknown length.flac"], "the limit is 60"),
        ("audio", "a minute.flac", lambda: flac(1 / 60, 96_000), "<h3>ndarray</h3>"),
        ("video", "lying.mov", BOMBS["video"]["lying.mov"], "the limit"),
        ("video", "16 frames.mov", lambda: mov([png(1500, 1500, 8)] * 16, 1500), "<h3>ndarray</h3>"),
    ],
)
def test_twenty_at_once_need_the_memory_of_one(
    domain: str, name: str, content: Callable[[], bytes], message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content())
    command = [sys.executable, "-c", CHILD, domain, str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    peak, answers = json.loads(done.stdout)
    assert peak < 2000
    assert all(message in answer for answer in answers), answers


def test_a_model_is_given_a_large_picture_smaller(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.new("RGB", (4000, 3000), "red").save(tmp_path / "photo.jpg", exif=exif)
    Image.new("RGB", (1600, 1200), "red").save(tmp_path / "small.png")
    folder = tmp_path / "folder"
    folder.mkdir()
    given = trying._input("image", {"image": str(tmp_path / "photo.jpg")}, folder)
    assert given == folder / "photo.png"
    with Image.open(given) as picture:
        assert picture.size == (1225, 1633) and not picture.getexif()
    assert trying._input("image", {"image": str(tmp_path / "small.png")}, folder) == tmp_path / "small.png"
    (tmp_path / "torn.jpg").write_bytes((tmp_path / "photo.jpg").read_bytes()[:2000])
    with pytest.raises(InputError, match=r"^This cannot be read: torn\.jpg: broken image"):
        trying._answer("image", Ready("m", None), {"image": str(tmp_path / "torn.jpg")})


def test_a_picture_is_not_looked_at_by_gradio(tmp_path: Path) -> None:
    from gradio.data_classes import ImageData

    path = tmp_path / "a.png"
    path.write_bytes(png(13_000, 13_000))
    assert trying._picture().preprocess(ImageData(path=str(path), orig_name="a.png")) == str(path)
    assert trying._picture().preprocess(None) is None


UNREADY = ("language-modeling", "token-classification")


def test_a_ready_model_answers_while_others_are_made_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained, asked = threading.Event(), []

    def make(task: str, row: Any, say: Callable[[str], None]) -> Ready:
        say("is trained")
        if task != "text-classification":
            asked.append(task)
            assert trained.wait(60)
        return Ready(task, None)

    monkeypatch.setattr(ready, "_made", {})
    monkeypatch.setattr(ready, "_make", make)
    monkeypatch.setattr(ready, "best", lambda boards, task: {})
    monkeypatch.setattr(trying, "_answer", lambda domain, model, given: f"{model.name}: {given['text']}")
    boards = Boards("text", tmp_path)
    steps: list[str] = []

    async def visit(task: str) -> str:
        return await trying.tried(boards, task, ["hello"], lambda *_, desc, unit: steps.append(desc))

    async def visits() -> list[str]:
        waiting = [asyncio.create_task(visit(UNREADY[i % 2])) for i in range(30)]
        await asyncio.sleep(0.1)
        leaves = waiting.pop()
        leaves.cancel()
        assert await visit("text-classification") == "text-classification: hello"
        assert not any(each.done() for each in waiting)
        trained.set()
        return await asyncio.gather(*waiting)

    assert set(asyncio.run(visits())) == {f"{task}: hello" for task in UNREADY}
    assert sorted(asked) == list(UNREADY) and "The model is trained" in steps


def test_what_failed_to_be_made_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    errors = [InputError("no data"), None]

    def make(task: str, row: Any, say: Callable[[str], None]) -> Ready:
        if (error := errors.pop(0)) is not None:
            raise error
        return Ready(task, None)

    monkeypatch.setattr(ready, "_made", {})
    monkeypatch.setattr(ready, "_make", make)
    monkeypatch.setattr(ready, "best", lambda boards, task: {})
    monkeypatch.setattr(trying, "_answer", lambda domain, model, given: model.name)
    boards = Boards("text", tmp_path)
    assert "no data" in answered(boards, "text-classification", ["hello"])
    assert not ready.is_ready("text-classification")
    assert answered(boards, "text-classification", ["hello"]) == "text-classification"
    assert ready.is_ready("text-classification")


def test_candidates_stay_whole() -> None:
    texts = ["one", "two\nlines", "a \\n that is none, and \\\\", "\r\nfirst", "ends\n\n", "line\u2028separator"]
    lines = to_lines(texts)
    assert lines.count("\n") == len(texts) - 1
    assert from_lines(lines) == [text.replace("\r\n", "\n") for text in texts]
    assert from_lines("Go\n\n  \nHello") == ["Go", "Hello"]
    assert ready._given(texts, "candidates") == lines


def test_nothing_evaluated_is_nothing_to_try(boards: Boards, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="tlzoo eval --task audio-embedding"):
        best(boards, "audio-embedding")
    assert "tlzoo eval --task audio-embedding" in answered(boards, "audio-embedding", [str(tone(tmp_path / "a.wav"))])


def test_two_texts_are_asked_for_where_a_task_reads_two() -> None:
    for task in ("question-answering", "text-embedding"):
        assert task_type(task).inputs == task_facts(task).columns  # type: ignore[attr-defined]


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
    (path,) = json.load(upload(url, "../../../etc/tlzoo-was-here", b"x"))
    assert ".." not in path and not Path("/etc/tlzoo-was-here").exists()
    for wanted in ("/etc/passwd", "../../etc/passwd", str(Path(__file__))):
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{url}/gradio_api/file={wanted}", timeout=30)
