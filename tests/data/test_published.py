"""Data sets of published files: found without the network, fetched by hash, drawn as limits say."""

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.prepared import refused, sizes
from tests.support.shared import banking77
from tlzoo import blobs
from tlzoo.blobs import HashMismatchError
from tlzoo.blobs.limits import in_words
from tlzoo.data.catalogue import find, load
from tlzoo.data.named import DATASETS
from tlzoo.data.protocol import VTAB, Limits
from tlzoo.data.published import published
from tlzoo.errors import UnavailableError

WITH_FILES = sorted(name for name, entry in DATASETS.items() if entry.files)
NAME = "banking77"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TLZOO_MIRROR", raising=False)
    yield tmp_path / "cache"
    blobs._unreachable.clear()


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> str:
    """The files of Banking77 are at an address where nobody listens."""
    entry = DATASETS[NAME]
    places = tuple(replace(file, places=(f"http://127.0.0.1:9/{file.name}",)) for file in entry.files)
    monkeypatch.setitem(DATASETS, NAME, replace(entry, files=places))
    return "http://127.0.0.1:9"


@pytest.mark.parametrize("name", WITH_FILES)
def test_every_file_has_a_hash_a_size_and_an_exact_place(name: str) -> None:
    entry = DATASETS[name]
    module, _, function = str(entry.loader).partition(":")
    assert callable(getattr(import_module(module), function)) and not entry.hub
    for file in entry.files:
        assert file.sha256 and file.bytes and file.bytes < 30_000_000
        for place in file.places:
            exact = r"[0-9a-f]{40}" if "github" in (urlsplit(place).hostname or "") else r"[@=]\d+\.\d+\.\d+/"
            assert re.search(exact, place), place
    source = find(entry.task, name)
    assert [replace(file, license=None) for file in source.files] == list(entry.files) and not source.is_own
    assert {file.license for file in source.files} == {entry.license}


def test_hashes_and_limits_decide_the_rows_and_places_and_words_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = DATASETS[NAME]
    before = find(entry.task, NAME).fingerprint
    assert find(entry.task, NAME, VTAB).fingerprint == before
    assert find(entry.task, NAME, Limits(train=400)).fingerprint != before
    moved = tuple(replace(file, name=f"my-{file.name}", places=("https://example.org/f",)) for file in entry.files)
    monkeypatch.setitem(
        DATASETS, NAME, replace(entry, files=moved, about="other words", license="mit", loader="tlzoo.elsewhere:load")
    )
    assert find(entry.task, NAME).fingerprint == before
    other = (replace(entry.files[0], sha256="0" * 64), *entry.files[1:])
    for changed in (replace(entry, files=other), replace(entry, version=entry.version + 1)):
        monkeypatch.setitem(DATASETS, NAME, changed)
        assert find(entry.task, NAME).fingerprint != before


def test_a_file_that_is_nowhere_is_one_line_with_every_place(
    nowhere: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TLZOO_MIRROR", str(tmp_path))
    with pytest.raises(UnavailableError) as caught:
        load(find(DATASETS[NAME].task, NAME))
    assert re.fullmatch(
        rf"train\.csv is not available: {tmp_path}: not there; {nowhere}/train\.csv: cannot be reached: [^\n]+",
        str(caught.value),
    )


def test_another_file_is_refused(nowhere: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mirror = banking77(tmp_path)
    monkeypatch.setenv("TLZOO_MIRROR", str(mirror))
    test = mirror / str(DATASETS[NAME].files[1].sha256) / "test.csv"
    test.write_text(test.read_text().replace("card_arrival", "card_linking", 1))
    with pytest.raises(HashMismatchError, match=r"^test\.csv is not available: .*: wrong sha256: expected d12d6e3b"):
        load(find(DATASETS[NAME].task, NAME))


def test_limits_hold_and_what_is_prepared_needs_no_file(
    nowhere: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TLZOO_MIRROR", str(banking77(tmp_path)))
    source = find(DATASETS[NAME].task, NAME, Limits(400, 100, 300))
    data = load(source)
    assert sizes(data.splits) == {"train": 400, "validation": 100, "test": 300}
    assert capsys.readouterr().err == "", "nothing is to be fetched"
    monkeypatch.delenv("TLZOO_MIRROR")
    assert load(source).splits["test"].to_list() == data.splits["test"].to_list()


def test_each_download_is_said_with_its_size_and_licence(
    nowhere: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = banking77(tmp_path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    mirror = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("TLZOO_MIRROR", mirror)
    try:
        published(NAME)
    finally:
        server.shutdown()
        server.server_close()
    said = capsys.readouterr().err
    for file in DATASETS[NAME].files:
        size = in_words((folder / str(file.sha256) / file.name).stat().st_size)
        assert f"download: {file.name}, {size}, from {mirror}/{file.sha256}/{file.name}, licence cc-by-4.0\n" in said


def test_a_data_set_without_files_has_no_published_rows() -> None:
    with refused(r"unknown data set of published files 'bankin77'; did you mean 'banking77'\? known: banking77, "):
        published("bankin77")
    with refused("unknown data set of published files 'tweets'"):
        published("tweets")
