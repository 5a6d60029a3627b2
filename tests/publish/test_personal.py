"""Nothing of a person or a machine leaves with what is published."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from tests.publish.conftest import ROOT, Command, Result
from tests.support.hub_writes import WritableHub
from tlzoo.cards import catalogue
from tlzoo.errors import InputError
from tlzoo.leaderboard.store import Store
from tlzoo.publish import parquet
from tlzoo.publish.personal import Machine, traces

PLACE = "/home/anna/voices/one.wav"


def safetensors(text: str) -> bytes:
    header = json.dumps({"__metadata__": {"made": text}}).encode()
    return len(header).to_bytes(8, "little") + header + b"\0" * 64


def wheel(files: dict[str, str]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return sink.getvalue()


PLANTED: dict[str, tuple[Callable[[str], bytes], str]] = {
    "recipe.json": (lambda t: json.dumps({"run": {"source": [{"place": t}]}}).encode(), "field 'run.source[0].place'"),
    "keys.json": (lambda t: json.dumps({"a": {t: 1}}).encode(), f"field 'a.{PLACE}', its name"),
    ".eval_results/x.yaml": (lambda t: yaml.dump([{"notes": f"on {t}"}]).encode(), "field '[0].notes'"),
    "README.md": (lambda t: f"---\na: b\n---\n# It\n\nFrom `{t}`.\n".encode(), "line 6"),
    "front/README.md": (lambda t: f"---\nname:\n- x-{t}\n- {t}\n---\n".encode(), "front matter, field 'name[1]'"),
    "plain/README.md": (lambda t: f"# It\n{t}\n".encode(), "line 2"),
    "reasons.parquet": (lambda t: parquet.write(pa.table({"reason": ["", f"{t}: torn"]})), "column 'reason', row 2"),
    "lists.parquet": (lambda t: parquet.write(pa.table({"ids": [["a"], [], ["b", t]]})), "column 'ids', row 3"),
    "about.parquet": (
        lambda t: parquet.write(pa.table({"a": [1]}).replace_schema_metadata({"from": t})),
        "metadata 'from'",
    ),
    "model.safetensors": (safetensors, "header, field '__metadata__.made'"),
    "app.py": (lambda t: f"import os\nFOLDER = {t!r}\n".encode(), "line 2"),
    "tokenizer.json": (lambda t: json.dumps({"added": t}).encode(), "field 'added'"),
    "requirements.txt": (lambda t: f"x @ file://{t}\n".encode(), "line 1"),
    "spiece.model": (lambda t: b"\0\1" + t.encode() + b"\0", "its bytes"),
}


@pytest.mark.parametrize("file", PLANTED)
def test_a_home_folder_is_found_in_every_kind_of_file(file: str) -> None:
    make, field = PLANTED[file]
    found = [each for each in traces({file: make(PLACE), "other.json": b"{}"}) if each.field == field]
    assert found, traces({file: make(PLACE)})
    assert found[0].file == file and "/home/anna" in found[0].value
    assert traces({file: make("voices/one.wav")}) == [] or file == "requirements.txt"


def test_it_is_found_in_the_members_of_a_wheel() -> None:
    files = {"tlzoo/zoo_cards/x.md": f"---\na: '{PLACE}'\n---\n", "tlzoo/a.py": "x = '/proc/cpuinfo'\n"}
    (found,) = {(each.file, each.field) for each in traces({"tlzoo-1.whl": wheel(files)})}
    assert found == ("tlzoo-1.whl/tlzoo/zoo_cards/x.md", "front matter, field 'a'")


@pytest.mark.parametrize(
    "place",
    ["/gpfs/projects/lab/data", "/Users/anna/x", "C:\\Users\\anna\\x.wav", "\\\\server\\share\\x", "file:///data/x",
     "path=/scratch/anna", "folder:/data/anna", "('/mnt/d/e',)"],
)  # fmt: skip
def test_any_place_on_a_machine_is_found_in_data(place: str) -> None:
    assert traces({"recipe.json": json.dumps({"a": place}).encode()})
    assert traces({"README.md": f"Made of {place}\n".encode()})


@pytest.mark.parametrize(
    "text",
    ["https://example.org/home/anna/x", "http://127.0.0.1:8000/v1/chat/completions", "and/or", "train/a/1.wav", "n/a",
     "hub:someone/sounds@v1", "1/2/3", "image/png", "the sounds /k/ and /g/", "(a + b)/c/d", "~ 3", "s/a/b/g"],
)  # fmt: skip
def test_what_is_no_place_is_let_through(text: str) -> None:
    assert traces({"recipe.json": json.dumps({"a": text}).encode(), "README.md": f"{text}\n".encode()}) == []


def test_names_of_the_account_and_of_the_machine_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "anna")
    monkeypatch.setattr("socket.gethostname", lambda: "lab-gpu3.example.org")
    files = {"README.md": b"By anna, on lab-gpu3.\n", "tokenizer.json": b'{"anna": 5}', "a.py": b"anna = 1"}
    assert {(each.value, each.reason) for each in traces(files)} == {
        ("anna", "the name of your account on this machine"),
        ("lab-gpu3", "the name of this machine"),
    }
    assert [each.value for each in traces(files, owner="Anna")] == ["lab-gpu3"], "who publishes is no secret"
    assert traces(files, allowed=("anna", "lab-gpu3")) == []
    assert traces({"README.md": b"annabel and joanna, anna-lena\n"}) == []
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    monkeypatch.setattr("socket.gethostname", lambda: "localhost")
    assert Machine.here().names == {}


def test_the_places_of_this_machine_are_found_even_in_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", "/export/people/anna")
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for place in ("/export/people/anna", f"{tmp_path}/cache/blobs", str(tmp_path), str(ROOT)):
        (found,) = traces({"a.py": f"X = '{place}/x'\n".encode()})
        assert found.value == f"{place}/x"
    assert traces({"a.py": b"X = '/usr/share/dict/words', '/export/people/annabel'\n"}) == []


def test_a_folder_is_allowed_with_what_lies_in_it() -> None:
    files = {"recipe.json": json.dumps({"a": "/data/x/y", "b": "/data/xx"}).encode()}
    assert [each.value for each in traces(files, allowed=("/data/x",))] == ["/data/xx"]


def test_what_cannot_be_read_is_not_published() -> None:
    for name in ("a.parquet", "a.whl"):
        with pytest.raises(InputError, match=f"{name}: damaged"):
            traces({name: b"torn"})


def test_what_this_checkout_ships_tells_of_nobody() -> None:
    folders = [ROOT / "tlzoo", ROOT / "zoo_cards", ROOT / "results", ROOT / "spaces"]
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert traces({str(path.relative_to(ROOT)): path for path in paths}) == []


def test_results_are_refused_by_field_and_a_dry_run_shows_the_commit_first(
    hub: WritableHub, tlzoo: Command, out: Path, result: Result
) -> None:
    reason = f"{PLACE}: no readable sound"
    Store(out / "results").write([result("trill", "probe", 0.1, status="error", reason=reason, value=None)])
    for extra in ((), ("--dry-run",)):
        done = tlzoo("results", "--to", "me", "--out", out, *extra)
        assert done.returncode == 2
        assert "data/results.parquet, column 'reason', row " in done.stderr and repr(PLACE) in done.stderr
        assert done.stderr.endswith("or let it through with --allow TEXT\n") and done.stderr.count("\n") == 1
        assert ("  add     data/results.parquet, " in done.stdout) == bool(extra)
    assert hub.writes() == []
    assert tlzoo("results", "--to", "me", "--out", out, "--allow", "/home/anna").returncode == 0


def test_no_card_is_published_where_one_of_them_is_refused(
    hub: WritableHub, tlzoo: Command, out: Path, tmp_path: Path
) -> None:
    text = catalogue.get_file("yamnet").path.read_text(encoding="utf-8")
    mine = tmp_path / "cards" / "audio" / "audio-classification" / "mine.md"
    mine.parent.mkdir(parents=True)
    mine.write_text(text.replace("id: yamnet", "id: mine").replace("# YAMNet\n", f"# YAMNet\n{PLACE}\n", 1))
    done = tlzoo("cards", "crepe", "mine", "--to", "me", "--out", out, TLZOO_CARDS=str(tmp_path / "cards"))
    assert done.returncode == 2, done.stderr
    assert "model me/tlzoo-mine: not published: README.md, line " in done.stderr and PLACE in done.stderr
    assert hub.writes() == []
