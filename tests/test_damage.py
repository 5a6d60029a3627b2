"""Whatever happens to a file of the cache, the next result is the same, and a line says what was made anew."""

import functools
import hashlib
import os
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.chat_server import Chat, completion
from tlzoo import blobs
from tlzoo.errors import TlzooError

Use = Callable[[], Any]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 3, len(content), max(1, len(content) // 9)):
        content[place] ^= 0x80  # of a float the sign
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "flipped": flip,
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "empty": lambda path: os.truncate(path, 0),
    "foreign": lambda path: shutil.copyfile(__file__, path),
    "gone": lambda path: path.unlink(),
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.delenv("TLZOO_MIRROR", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, folder: Path, one_thread: None) -> Use:
    """A run, which keeps a data set, a stand-in and features."""
    from tests.support.standins import shorten
    from tlzoo.adapters.weights import resolve
    from tlzoo.cards import catalogue
    from tlzoo.data import catalogue as data
    from tlzoo.run.execute import data_of, execute
    from tlzoo.run.plan import Run, recipe_for, with_key

    notes = data.find("audio-classification", str(folder))
    prepared = data.load(notes)
    monkeypatch.setattr(data, "_make", lambda source: prepared)
    source = data.Source("notes", "audio-classification", "audio", "0" * 64, "rendered", "nowhere:nothing")
    shorten(monkeypatch, folder)
    card = catalogue.get("yamnet")
    checkpoint = with_key(card, resolve(card, "stand-in", "nano", pretrain=True))
    (variant,) = (v for v in card.variants if v.id == "nano")
    how = recipe_for(card, variant, source.task, "probe")
    wanted = Run(checkpoint, source.task, source, "probe", 0, 1.0, how, card.variant_hash(variant))

    def score() -> Any:
        data_of.cache_clear()
        done = execute(wanted, progress=False)
        assert done.training is not None
        return done.values, done.statistics, done.training.steps, done.training.learning_rate

    return score


RUN = (
    "features/*.arrow",
    "stand-ins/*/model.safetensors",
    "datasets/*/train.parquet",
    "datasets/*/test.parquet",
    "datasets/*/notes.json",
    "features/*.sha256",
    "stand-ins/*.sha256",
    "datasets/*.sha256",
)


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Use:
    from tlzoo.data.files import hub

    for name in ("cat", "dog"):
        (tmp_path / "new" / name).mkdir(parents=True)
        (tmp_path / "new" / name / "1.txt").write_text(name * 20)
    with tarfile.open(tmp_path / "pets.tar", "w") as tar:
        tar.add(tmp_path / "new", "pets")
    monkeypatch.setattr("tlzoo.blobs.hub.from_hub", lambda place: tmp_path / "pets.tar")

    def use() -> Any:
        top = hub.unpacked("somebody/pets", "0123456", "pets.tar")
        return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}

    return use


@pytest.fixture
def answers(chat: Chat) -> Use:
    from tlzoo.adapters.chat_api.model import ChatModel
    from tlzoo.tasks import task_type

    def use() -> Any:
        model = ChatModel(chat.endpoint(), task_type("language-modeling", "text").of(()))
        rows = [model.encode({"text": f"Of {i} animals the largest is the", "target": "whale"}) for i in range(2)]
        return [prediction.text for prediction in model.predict(model.collate(rows))]

    return use


@pytest.fixture
def chat() -> Iterator[Chat]:
    with Chat(completion("whale")) as server:
        yield server


@pytest.fixture
def blob(tmp_path: Path) -> Iterator[Use]:
    content = os.urandom(4000)
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "f.bin").write_bytes(content)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path / "served")))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    place = f"http://127.0.0.1:{server.server_address[1]}/f.bin"
    wanted = blobs.Blob("f.bin", (place,), hashlib.sha256(content).hexdigest())
    yield lambda: blobs.fetch(wanted, progress=False).read_bytes()
    server.shutdown()
    server.server_close()


CASES = [
    *(("run", pattern) for pattern in RUN),
    ("archive", "archives/*/pets/cat/1.txt"),
    ("archive", "archives/*.sha256"),
    ("answers", "answers/*.json"),
    ("answers", "answers/*.sha256"),
    ("blob", "blobs/*/f.bin"),
]


WHOLE = {"features/*.arrow", "answers/*.json", "blobs/*/f.bin"}
"""Kept as one file: where that is gone, nothing is there that was damaged."""


@pytest.mark.parametrize(("kind", "pattern"), CASES, ids=[" ".join(case) for case in CASES])
@pytest.mark.parametrize("damage", DAMAGES)
def test_the_next_result_is_the_same(
    kind: str,
    pattern: str,
    damage: str,
    request: pytest.FixtureRequest,
    cache: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    use: Use = request.getfixturevalue(kind)
    before = use()
    assert use() == before, "kept"
    (path, *_) = sorted(cache.glob(pattern))
    capsys.readouterr()
    DAMAGES[damage](path)
    assert use() == before
    told = [line for line in capsys.readouterr().err.splitlines() if "anew" in line or "again" in line]
    assert len(told) == (damage != "gone" or pattern not in WHOLE)
    assert all(str(cache) in line for line in told)
    assert use() == before
    assert capsys.readouterr().err == "", "healed for good"


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_read_only_cache_that_was_damaged_is_a_line(
    damage: str, run: Use, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can be made anew there; nothing else may come of it than the same result."""
    before = run()
    monkeypatch.setattr(Path, "mkdir", _refuse)
    assert run() == before
    DAMAGES[damage](next(cache.glob("features/*.arrow")))
    with pytest.raises(TlzooError, match="cannot be written") as caught:
        run()
    assert "\n" not in str(caught.value)


def _refuse(path: Path, *_: Any, **known: Any) -> None:
    if not (path.is_dir() and known.get("exist_ok")):
        raise OSError(30, "Read-only file system", str(path))
