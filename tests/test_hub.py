"""The unmodified Hub clients, and `tlzoo.blobs`, against a Hub on loopback."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

from tests.support.hub_server import FAILURES, Hub, sha256
from tlzoo.errors import InputError, UnavailableError
from tlzoo.hub import HubUnreachableError, hub_error

REPOSITORY = "someone/something"
SMALL, LARGE = b'{"small": true}', bytes(range(256)) * 1024
PRELUDE = "import json, sys\ndef answer(value): print('ANSWER ' + json.dumps(value))\n"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    home = tmp_path / "served" / "models" / REPOSITORY
    (home / "weights").mkdir(parents=True)
    (home / "config.json").write_bytes(SMALL)
    (home / "weights" / "model.bin").write_bytes(LARGE)
    with Hub(tmp_path / "served") as served:
        yield served


def ask(hub: Hub, home: Path, code: str, **environment: str) -> Any:
    """Run code in a fresh Python whose Hub is ours, as the clients read their environment when imported."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + code],
        env=hub.environment(home) | environment,
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.rpartition("ANSWER ")[2])


def fetched(hub: Hub, home: Path, *blobs: str, **environment: str) -> list[str]:
    """Fetch blobs in a fresh Python; for each the path, or the one line that says why not, after its class."""
    code = f"""
from tlzoo.blobs import Blob, fetch
from tlzoo.errors import TlzooError
answers = []
for blob in [{", ".join(f"Blob({blob})" for blob in blobs)}]:
    try:
        answers.append(str(fetch(blob)))
    except TlzooError as error:
        answers.append(type(error).__name__ + ": " + str(error))
answer(answers)
"""
    answers = ask(hub, home, code, **environment)
    assert len(answers) == len(blobs)
    return [str(line) for line in answers]


def test_client_downloads_small_and_redirected_files(hub: Hub, tmp_path: Path) -> None:
    code = f"""
from huggingface_hub import hf_hub_download, snapshot_download
answer([hf_hub_download({REPOSITORY!r}, name) for name in ("config.json", "weights/model.bin")]
       + [snapshot_download({REPOSITORY!r}, local_dir={str(tmp_path / "snapshot")!r})])
"""
    small, large, snapshot = map(Path, ask(hub, tmp_path, code))
    commit = hub.commit("models", REPOSITORY)
    assert small.read_bytes() == SMALL and commit in small.parts
    assert large.read_bytes() == LARGE and large.resolve().name == sha256(large)
    assert (snapshot / "weights" / "model.bin").read_bytes() == LARGE
    assert hub.count("GET", "/lfs/") == 1  # the large file came from the other host
    assert hub.count("GET", "/resolve/") == 1  # and the small one from the Hub itself


def test_the_size_is_looked_at_before_anything_is_downloaded(hub: Hub, tmp_path: Path) -> None:
    place = f"hub:{REPOSITORY}/weights/model.bin"
    pinned = f"'m', ('{place}',), '{'0' * 64}', 1700"
    (wrong,) = fetched(hub, tmp_path, pinned)
    assert wrong.startswith("HashMismatchError: ") and "another file: 262,144 bytes or more, expected 1,700" in wrong
    (large,) = fetched(hub, tmp_path, f"'m', ('{place}',)", TLZOO_MAX_DOWNLOAD="1000")
    assert "262,144 bytes or more; a file of unknown size may have 1,000, set TLZOO_MAX_DOWNLOAD for more" in large
    assert hub.count("GET", "/lfs/") == 0
    (path,) = fetched(hub, tmp_path, f"'m', ('{place}',), None, {len(LARGE)}", TLZOO_MAX_DOWNLOAD="1000")
    assert Path(path).read_bytes() == LARGE


def test_client_lists_a_repository(hub: Hub, tmp_path: Path) -> None:
    code = f"""
from huggingface_hub import HfApi, RepoFolder
api = HfApi()
info = api.model_info({REPOSITORY!r})
show = lambda tree: [
    [e.path, "folder" if isinstance(e, RepoFolder) else [e.size, e.lfs and e.lfs.sha256]] for e in tree
]
flat = show(api.list_repo_tree({REPOSITORY!r}))
deep = show(api.list_repo_tree({REPOSITORY!r}, recursive=True))
below = show(api.list_repo_tree({REPOSITORY!r}, "weights", revision=info.sha))
paths = show(api.get_paths_info({REPOSITORY!r}, ["config.json", "weights", "absent"]))
answer([info.sha, [s.rfilename for s in info.siblings], flat, deep, below, paths])
"""
    commit, names, flat, deep, below, paths = ask(hub, tmp_path, code)
    small = ["config.json", [len(SMALL), None]]
    digest = sha256(hub.root / "models" / REPOSITORY / "weights" / "model.bin")
    large = ["weights/model.bin", [len(LARGE), digest]]
    assert commit == hub.commit("models", REPOSITORY)
    assert names == ["config.json", "weights/model.bin"]
    assert flat == paths == [small, ["weights", "folder"]]
    assert deep == [small, ["weights", "folder"], large]
    assert below == [large]


def test_fetch_from_the_hub_verifies_and_reuses_its_cache(hub: Hub, tmp_path: Path) -> None:
    served = hub.root / "models" / REPOSITORY / "weights" / "model.bin"
    place = f"hub:{REPOSITORY}@{hub.commit('models', REPOSITORY)}/weights/model.bin"
    pinned = f"'model.bin', ({place!r},), {sha256(served)!r}"
    path, refused = fetched(hub, tmp_path, pinned, f"'config.json', ('hub:{REPOSITORY}/config.json',), '{'0' * 64}'")
    assert Path(path).read_bytes() == LARGE
    assert refused.startswith("HashMismatchError: config.json is not available: hub:")
    assert f"wrong sha256: expected {'0' * 64}, got {sha256(served.parents[1] / 'config.json')}" in refused
    hub.fail("server")
    assert fetched(hub, tmp_path, pinned, HF_HUB_OFFLINE="1") == [path]


def test_fetch_without_a_hash_stays_with_the_commit_that_it_found_first(hub: Hub, tmp_path: Path) -> None:
    unpinned = f"'config.json', ('hub:{REPOSITORY}/config.json',)"
    assert Path(*fetched(hub, tmp_path, unpinned)).read_bytes() == SMALL
    (hub.root / "models" / REPOSITORY / "config.json").write_bytes(b"{}")
    assert Path(*fetched(hub, tmp_path, unpinned)).read_bytes() == SMALL
    hub.fail("server")
    assert Path(*fetched(hub, tmp_path, unpinned)).read_bytes() == SMALL


def test_each_failure_is_named_in_one_line(hub: Hub, tmp_path: Path) -> None:
    expected = {
        "unauthorized": "HTTP 401, gated: accept its terms on its page on the Hub",
        "gated": "HTTP 403, gated: accept its terms on its page on the Hub",
        "forbidden": "HTTP 403, refused: Your token lacks the permission",
        "repository": "HTTP 404, no such repository",
        "revision": "HTTP 404, no such revision",
        "entry": "HTTP 404, no such file",
        "rate": "HTTP 429, rate limited",
        "server": "HTTP 500, server error",
    }
    assert expected.keys() == FAILURES.keys()
    for failure in expected:
        hub.fail(failure, f"some/{failure}/")
    lines = fetched(hub, tmp_path, *(f"'f.bin', ('hub:some/{failure}/f.bin',)" for failure in expected))
    for (failure, reason), line in zip(expected.items(), lines, strict=True):
        assert line.startswith(f"UnavailableError: f.bin is not available: hub:some/{failure}/f.bin: {reason}"), failure
        assert "\n" not in line
    assert len(hub.requests) == len(expected)  # each asked once: no half minute of retries


def test_real_absences_and_no_network_are_named(hub: Hub, tmp_path: Path) -> None:
    places = ("no/body/f", f"{REPOSITORY}@v9/config.json", f"{REPOSITORY}/absent.bin")
    repository, revision, entry = fetched(hub, tmp_path, *(f"'f', ('hub:{place}',)" for place in places))
    assert "HTTP 404, no such repository" in repository
    assert f"hub:{REPOSITORY}@v9/config.json: HTTP 404, no such revision" in revision
    assert f"hub:{REPOSITORY}/absent.bin: HTTP 404, no such file in this revision" in entry
    blob = f"'f', ('hub:{REPOSITORY}/config.json',)"
    assert "the network: not asked, offline" in fetched(hub, tmp_path, blob, HF_HUB_OFFLINE="1")[0]
    assert "the Hub cannot be reached" in fetched(hub, tmp_path, blob, HF_ENDPOINT="http://127.0.0.1:9")[0]


SECRET = "hf_secret"


def refusal(status: int, method: str, reason: str) -> HfHubHTTPError:
    response = httpx2.Response(status, request=httpx2.Request(method, "https://hub.invalid/x"))
    return HfHubHTTPError(reason, response=response, server_message=reason)


def failed_upload() -> RuntimeError:
    error = RuntimeError("an upload failed")
    error.__cause__ = httpx2.ConnectTimeout("timed out")
    return error


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (refusal(401, "GET", "Bad"), InputError, "HTTP 401, the Hub does not accept the token (Bad): set HF_TOKEN, or"),
        (refusal(403, "POST", f"not {SECRET}"), InputError, "HTTP 403, the token may not write there (not ***); ask"),
        (refusal(403, "GET", "Not\nyours"), InputError, "HTTP 403, refused: Not yours"),
        (refusal(404, "POST", "Gone"), InputError, "HTTP 404, not there, or not visible with this token (Gone)"),
        (refusal(412, "POST", "Newer"), UnavailableError, "HTTP 412, it changed meanwhile (Newer); run the same"),
        (
            refusal(429, "GET", "Many"),
            UnavailableError,
            "HTTP 429, rate limited (Many): try again later, or set HF_TOKEN",
        ),
        (refusal(503, "GET", "Busy"), UnavailableError, "HTTP 503, server error of the Hub (Busy): try again later"),
        (refusal(422, "POST", "Odd"), InputError, "HTTP 422, refused: Odd"),
        (OfflineModeIsEnabled("no"), UnavailableError, "the Hub is not asked, HF_HUB_OFFLINE is set"),
        (httpx2.ReadTimeout("slow"), HubUnreachableError, "the Hub cannot be reached: slow"),
        (ConnectionResetError(), HubUnreachableError, "the Hub cannot be reached: ConnectionResetError"),
        (failed_upload(), HubUnreachableError, "the Hub cannot be reached: timed out"),
        (HFValidationError("a//b is not a name"), InputError, "a//b is not a name"),
    ],
)
def test_an_error_of_the_client_is_translated(error: Exception, kind: type[Exception], message: str) -> None:
    translated = hub_error(error, "model a/b", token=SECRET, remedy="ask its owner")
    assert type(translated) is kind and str(translated).startswith(f"model a/b: {message}")
    assert "\n" not in str(translated) and SECRET not in str(translated)
    assert str(hub_error(error, "", token=SECRET)).startswith(message.removesuffix("; ask"))


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyError("x"), InputError("x")])
def test_what_is_not_of_the_hub_is_not_translated(error: Exception) -> None:
    assert hub_error(error, "model a/b") is None


def test_transformers_reads_a_model(hub: Hub, tmp_path: Path) -> None:
    for library in ("torch", "transformers"):
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{library} is not installed")
    home = hub.root / "models" / "google-bert" / "bert-base-uncased"
    code = f"""
import torch
from transformers import AutoModel, BertConfig, BertModel
torch.manual_seed(0)
config = BertConfig(
    vocab_size=1000, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
)
original, tokens = BertModel(config).eval(), torch.arange(12).reshape(2, 6)
original.save_pretrained({str(home)!r})
read = AutoModel.from_pretrained("google-bert/bert-base-uncased", dtype=torch.float32).eval()
with torch.no_grad():
    one, other = original(tokens).last_hidden_state, read(tokens).last_hidden_state
answer([type(read).__name__, torch.equal(one, other), float(one.std())])
"""
    name, equal, spread = ask(hub, tmp_path, code)
    assert name == "BertModel" and equal and spread > 0.1
    assert (home / "model.safetensors").stat().st_size >= hub.large and hub.count("GET", "/lfs/") == 1


def test_datasets_reads_a_dataset(hub: Hub, tmp_path: Path) -> None:
    if importlib.util.find_spec("datasets") is None:
        pytest.skip("datasets is not installed")
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    home = hub.root / "datasets" / "someone" / "things" / "data"
    home.mkdir(parents=True)
    for split, rows in {"train": 20, "test": 5}.items():
        table = pa.table({"text": [f"{split} {row}" for row in range(rows)], "label": list(range(rows))})
        parquet.write_table(table, home / f"{split}-00000-of-00001.parquet")
    (home.parent / "README.md").write_text("---\nlicense: cc0-1.0\n---\n# Things\n")
    code = """
from datasets import load_dataset
loaded = load_dataset("someone/things")
answer({split: rows[:] for split, rows in loaded.items()})
"""
    loaded = ask(hub, tmp_path, code)
    assert {split: len(rows["text"]) for split, rows in loaded.items()} == {"train": 20, "test": 5}
    assert loaded["test"] == {"text": [f"test {row}" for row in range(5)], "label": list(range(5))}
