"""From a fine-tuned folder to a file that is verified elsewhere, and all that is refused on the way."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from typer.testing import CliRunner

from tests.export.conftest import Trained
from tlzoo.cli import app
from tlzoo.core.model import Model
from tlzoo.data.media.inputs import read_input
from tlzoo.errors import DivergedError, InputError, TlzooError, UnavailableError
from tlzoo.export import seal, write
from tlzoo.export.graph import Graph, exported
from tlzoo.export.session import Session, opened
from tlzoo.export.verify import verify
from tlzoo.export.write import Exported, export
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.transfer import bundle
from tlzoo.transfer.repeatable import state_sha256

READER = re.search(
    r"```python\n(.*?)```",
    (Path(__file__).parents[2] / "docs/export.md").read_text(encoding="utf-8"),
    re.DOTALL,
)[1]  # type: ignore[index]
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", autouse=True)
def each_graph_once() -> Iterator[None]:
    """Export each model once, which takes seconds."""
    graphs: dict[str, Graph] = {}

    def once(model: Model) -> Graph:
        name = state_sha256(model.state_dict())
        if name not in graphs:
            graphs[name] = exported(model)
        return graphs[name]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "exported", once)
        yield


@pytest.fixture(scope="module")
def image_file(image_model: Trained) -> Exported:
    return export(image_model.folder, data=str(image_model.data))


@pytest.fixture(scope="module")
def sound_file(sound_model: Trained) -> Exported:
    return export(sound_model.folder, data=str(sound_model.data))


@pytest.fixture(scope="module")
def text_file(text_model: Trained) -> Exported:
    return export(text_model.folder, data=str(text_model.data))


def test_a_file_carries_its_certificate(image_model: Trained, image_file: Exported) -> None:
    assert image_file.path == image_model.folder / "model.onnx"
    _, description, sha256 = opened(image_file.path)
    assert description == image_file.description and sha256 == image_file.sha256
    certificate = description.certificate
    assert description.labels == image_model.model.task.labels
    assert (certificate.examples, certificate.equal) == (len(image_model.rows), 1.0)
    assert 0 < certificate.largest_difference < 1e-4
    assert certificate.torch == certificate.onnx == pytest.approx(image_model.accuracy)
    assert image_model.accuracy > 0.6, "a model that learnt nothing would agree by chance"
    assert certificate.is_own_test and not certificate.is_seen
    assert certificate.latency_ms > 0 and certificate.versions["onnxruntime"]
    entries = onnx.load(image_file.path).metadata_props
    assert {each.key for each in entries} >= {"labels", "certificate", "input", "sha256", "task", "card", "variant"}
    assert str(image_model.data).encode() not in image_file.path.read_bytes(), "nobody's paths"
    assert b"/site-packages/" not in image_file.path.read_bytes()


@pytest.mark.parametrize("kind", ["image", "sound", "text"])
def test_the_reader_of_the_docs_predicts_the_same_without_tlzoo(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """In a process that can import neither torch nor tlzoo."""
    model: Trained = request.getfixturevalue(f"{kind}_model")
    file: Exported = request.getfixturevalue(f"{kind}_file")
    assert len(READER.splitlines()) <= 60
    spec, names = model.model.spec, []
    rows = [model.rows[i] for i in range(5)]
    for i, row in enumerate(rows):
        if kind == "text":
            names.append(tmp_path / f"{i}.txt")
            names[-1].write_text(row["text"], encoding="utf-8")
        else:
            names.append(tmp_path / f"{i}.npy")
            np.save(names[-1], np.asarray(read_input(row, spec.input, spec.sample_rate)))
    (tmp_path / "reader.py").write_text(READER, encoding="utf-8")
    blocked = (
        "import sys, runpy\n"
        "class Blocked:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name.partition('.')[0] in ('torch', 'tlzoo', 'transformers', 'torchvision', 'onnx'):\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    command = [sys.executable, "-I", "-c", blocked, tmp_path / "reader.py", file.path, *names]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    with torch.inference_mode():
        expected = model.model.predict(model.model.collate([model.model.encode(row) for row in rows]))
    for line, prediction in zip(map(json.loads, done.stdout.splitlines()), expected, strict=True):
        assert line["label"] == prediction.label  # type: ignore[attr-defined]
        assert line["scores"] == pytest.approx(prediction.scores, abs=1e-4)  # type: ignore[attr-defined]


def test_long_texts_are_cut_by_the_tokenizer_of_the_file(text_model: Trained, text_file: Exported) -> None:
    session, description, _ = opened(text_file.path)
    text = "A very good film, und so weiter. " * 200
    encoded = text_model.model.encode({"text": text})
    assert len(encoded["ids"]) == description.input.max_tokens
    assert session.feed(text)["input_ids"].tolist() == [encoded["ids"].tolist()]


def test_the_command_line(image_model: Trained, image_file: Exported, tmp_path: Path) -> None:
    run = CliRunner()
    out = tmp_path / "stripes.onnx"
    done = run.invoke(app, ["export", str(image_model.folder), "--out", str(out), "--data", str(image_model.data)])
    assert done.exit_code == 0, done.output
    assert "100.00%" in done.output and f"written to {out}" in done.output
    assert out.read_bytes()[:100] == image_file.path.read_bytes()[:100]
    done = run.invoke(app, ["verify", str(out), "--data", str(image_model.data)])
    assert done.exit_code == 0, done.output
    assert "60 the same" in done.output and done.output.rstrip().endswith("stripes.onnx: holds")
    done = run.invoke(app, ["verify", str(image_model.folder), "--data", str(image_model.data)])
    assert done.exit_code == 0 and done.output.rstrip().endswith(": holds"), done.output


def test_own_data_have_to_be_named(image_model: Trained, image_file: Exported, tmp_path: Path) -> None:
    for call in (lambda: export(image_model.folder, tmp_path / "m.onnx"), lambda: verify(image_file.path)):
        with pytest.raises(InputError, match=r"was trained on your own data .* --data PATH"):
            call()


def test_other_data_are_judged_by_their_interval(image_model: Trained, image_file: Exported, tmp_path: Path) -> None:
    other = Path(shutil.copytree(image_model.data, tmp_path / "other"))
    for path in sorted((other / "test").rglob("*.png"))[::20]:
        path.unlink()
    assert verify(image_file.path, str(other)).holds
    names = {"across": "down", "down": "both", "both": "across"}
    wrong = tmp_path / "wrong"
    for path in other.rglob("*.png"):
        place = wrong / path.parents[1].name / names[path.parent.name] / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    done = verify(image_file.path, str(wrong))
    assert not done.holds and done.now < done.certified
    assert CliRunner().invoke(app, ["verify", str(image_file.path), "--data", str(wrong)]).exit_code == 1
    for split in ("train", "test"):
        shutil.copytree(wrong / split / "down", wrong / split / "never")
        for path in (wrong / split / "never").iterdir():
            path.write_bytes(path.read_bytes() + b"another file")
    with pytest.raises(InputError, match=r"has classes that .* does not know: never; it knows across, both, down"):
        verify(image_file.path, str(wrong))


def test_a_changed_file_is_refused(image_model: Trained, image_file: Exported, tmp_path: Path) -> None:
    content = image_file.path.read_bytes()
    changed = tmp_path / "changed.onnx"
    changed.write_bytes(content.replace(b'["across"', b'["acrosz"'))
    with pytest.raises(InputError, match=r"changed\.onnx: differs from its own checksum"):
        verify(changed, str(image_model.data))
    proto = onnx.load(image_file.path)
    proto.graph.initializer[-1].raw_data = bytes(len(proto.graph.initializer[-1].raw_data))
    changed.write_bytes(proto.SerializeToString())
    with pytest.raises(InputError, match="differs from its own checksum"):
        verify(changed, str(image_model.data))


def test_a_certificate_that_another_model_made_does_not_hold(
    image_model: Trained, image_file: Exported, tmp_path: Path
) -> None:
    """Sealed again, as somebody could who wants to deceive: the predictions show it."""
    proto = onnx.load(image_file.path)
    for tensor in proto.graph.initializer:
        if list(tensor.dims) == [3]:
            bias = np.frombuffer(tensor.raw_data, np.float32) + np.float32([50, 0, 0])
            tensor.raw_data = bias.tobytes()
    for entry in proto.metadata_props:
        if entry.key == seal.NAME:
            entry.value = seal.BLANK
    (tmp_path / "other.onnx").write_bytes(seal.sealed(proto.SerializeToString()))
    done = verify(tmp_path / "other.onnx", str(image_model.data))
    assert not done.holds


def test_a_model_that_learnt_from_all_says_so(image_model: Trained, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(image_model.folder, tmp_path / "model"))
    recipe = json.loads((folder / bundle.RECIPE).read_text())
    recipe["training"]["is_crossfitted"] = True
    (folder / bundle.RECIPE).write_text(json.dumps(recipe))
    assert verify(folder, str(image_model.data)).holds
    recipe["results"][0] |= {"low": 0.999, "value": 0.9995}
    (folder / bundle.RECIPE).write_text(json.dumps(recipe))
    done = verify(folder, str(image_model.data))
    assert not done.holds and "learnt from" in done.lines[-1].now


def test_int8_is_smaller_and_has_its_own_figures(
    image_model: Trained, image_file: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "INT8_WITHIN", 0.05)  # of so few examples, one is more than 0.01
    lines: list[str] = []
    done = export(image_model.folder, data=str(image_model.data), int8=True, say=lines.append)
    assert done.path.name == "model-int8.onnx" and done.description.precision == "int8"
    assert done.bytes < 0.6 * image_file.bytes
    assert "with int8" in lines[0] and "with float32" in lines[0]
    assert done.description.certificate.largest_difference > image_file.description.certificate.largest_difference
    assert verify(done.path, str(image_model.data)).holds


def test_int8_that_costs_accuracy_is_refused(
    text_model: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "INT8_WITHIN", -1.0)
    with pytest.raises(TlzooError, match=r"^accuracy \d\.\d+ with int8, \d\.\d+ with float32, on \d+ validation"):
        export(text_model.folder, tmp_path / "m.onnx", data=str(text_model.data), int8=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("metric", "int8", "float32"), [("accuracy", 0.80, 0.82), ("wer", 0.22, 0.20)])
def test_the_test_examples_may_refuse_int8_too(metric: str, int8: float, float32: float) -> None:
    with pytest.raises(TlzooError, match="with float32, on 30 test examples: it may lose"):
        write.about_as_good(METRICS[metric], int8, float32, "30 test examples")
    assert "30 test" in write.about_as_good(METRICS[metric], float32, float32, "30 test examples")


def test_a_graph_that_predicts_something_else_is_not_written(
    image_model: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Session.feed
    monkeypatch.setattr(Session, "feed", lambda self, source: feed(self, np.asarray(source)[::-1, :, ::-1]))
    with pytest.raises(DivergedError, match=r"its graph predicts something else: .* nothing is written"):
        export(image_model.folder, tmp_path / "m.onnx", data=str(image_model.data))
    assert not list(tmp_path.iterdir())


def test_what_is_refused_before_anything_is_computed(
    image_model: Trained, image_file: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = str(image_model.data)
    refused: list[tuple[Any, str]] = [
        (lambda: export(image_model.folder, data=data), "exists; name another file, or replace it with --overwrite"),
        (lambda: export(image_model.folder, tmp_path / "m.pt", data=data), r"expected a file named \*\.onnx"),
        (lambda: export(image_model.folder, tmp_path / "no/m.onnx", data=data), "there is no folder"),
        (lambda: export(tmp_path, data=data), "not a fine-tuned model"),
        (lambda: verify(tmp_path / "absent.onnx"), "does not exist"),
        (lambda: verify(image_model.folder / "config.json", data), "not a file that tlzoo export wrote"),
    ]
    for call, reason in refused:
        with pytest.raises(InputError, match=reason):
            call()
    monkeypatch.setattr("tlzoo.export.session.find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match=r"pip install 'tlzoo\[onnx\]'"):
        export(image_model.folder, tmp_path / "m.onnx", data=data)
    with pytest.raises(UnavailableError, match="onnxruntime not installed"):
        verify(image_file.path, data)
