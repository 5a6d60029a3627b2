"""A fine-tuned model on disk: its files are of one model, or it is refused in a line."""

import contextlib
import json
import math
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.support.bundles import written
from tlzoo.core.model import Model
from tlzoo.errors import InputError
from tlzoo.transfer import bundle
from tlzoo.transfer.bundle import CONFIG, HASHES, PREPROCESSING, WEIGHTS, load


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "model"
    written(["cat", "dog"], folder)
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "model"))


def same(a: Model, b: Model) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def labels_of(folder: Path) -> list[str]:
    return list(load(folder).task.labels)  # type: ignore[attr-defined]


def refused(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        load(folder)
    line = str(caught.value)
    assert "\n" not in line and str(folder) in line
    return line


def test_what_is_saved_is_loaded_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = written(["cat", "dog"], tmp_path / "model")
    assert same(model, load(tmp_path / "model"))
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == sorted(bundle.FILES)
    assert len({path.stat().st_mode for path in (tmp_path / "model").iterdir()}) == 1
    assert capsys.readouterr().err == ""


def test_another_model_replaces_all_of_the_earlier_one(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    model = written(["low", "middle", "high"], folder, seed=1)
    assert same(model, load(folder))
    assert labels_of(folder) == ["low", "middle", "high"]
    assert (folder / "notes.txt").read_text() == "mine"


def test_where_the_disk_is_full_the_earlier_model_stays(small_disk: Path, original: Path) -> None:
    room = sum(path.stat().st_size for path in original.iterdir())
    subprocess.run(["mount", "-o", f"remount,size={room * 3 // 2}", str(small_disk)], check=True)
    folder = Path(shutil.copytree(original, small_disk / "model"))
    with pytest.raises(InputError, match="model: the model cannot be written"):
        written(["bird", "fish"], folder, seed=1)
    assert labels_of(folder) == ["cat", "dog"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(bundle.FILES)


@pytest.mark.parametrize("moment", range(8))
def test_who_is_killed_while_replacing_never_leaves_a_mixture(
    folder: Path, moment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        pass

    left, replace, unlink = moment, os.replace, Path.unlink

    def count() -> None:
        nonlocal left
        if not left:
            raise KilledError
        left -= 1

    monkeypatch.setattr(os, "replace", lambda *a: (count(), replace(*a)))
    monkeypatch.setattr(Path, "unlink", lambda *a, **k: (count(), unlink(*a, **k)))
    with contextlib.suppress(KilledError):
        written(["bird", "fish"], folder, seed=1)
    monkeypatch.undo()
    try:
        labels = labels_of(folder)
    except InputError as error:
        assert "not a fine-tuned model" in str(error)
    else:
        whole = written(labels, folder.parent / "expected", seed=0 if labels == ["cat", "dog"] else 1)
        assert same(whole, load(folder))


def test_weights_of_another_model_and_other_labels_are_refused(folder: Path, tmp_path: Path) -> None:
    text = (folder / CONFIG).read_text()
    (folder / CONFIG).write_text(text.replace('"cat"', '"cow"'))
    assert f"{CONFIG}: differs from its checksum" in refused(folder)
    (folder / CONFIG).write_text(text)
    written(["bird", "fish"], tmp_path / "other", seed=1)
    shutil.copyfile(tmp_path / "other" / WEIGHTS, folder / WEIGHTS)
    assert f"{WEIGHTS}: differs from its checksum in {CONFIG}" in refused(folder)


def describe(folder: Path, change: Callable[[dict[str, Any]], object] = lambda config: config.pop(HASHES)) -> None:
    """Change the description; as it is called without more, to one of an earlier version, without checksums."""
    config = json.loads((folder / CONFIG).read_text())
    change(config)
    (folder / CONFIG).write_text(json.dumps(config))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "flipped": lambda path: path.write_bytes((b := path.read_bytes())[:-9] + bytes([b[-9] ^ 1]) + b[-8:]),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "empty": lambda path: os.truncate(path, 0),
    "foreign": lambda path: shutil.copyfile(__file__, path),
    "gone": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "null": lambda path: path.write_text("null"),
    "a list": lambda path: path.write_text("[1]"),
    "deep": lambda path: path.write_text("[" * 100_000),
}


@pytest.mark.parametrize("name", [CONFIG, PREPROCESSING, WEIGHTS])
@pytest.mark.parametrize("damaging", DAMAGES.values(), ids=DAMAGES)
def test_any_damage_is_one_line(folder: Path, name: str, damaging: Callable[[Path], object]) -> None:
    damaging(folder / name)
    assert name in refused(folder)


def test_a_model_of_an_earlier_version_has_no_checksums_and_loads_with_a_notice(
    folder: Path, original: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    describe(folder)
    assert same(load(folder), load(original))
    notice = f"{folder}: written by an earlier version without checksums; damage cannot be detected\n"
    assert capsys.readouterr().err == notice


MISSING = object()


@pytest.mark.parametrize("field", ["card", "variant", "task", "labels", "loader", "id2label", "label2id", HASHES])
@pytest.mark.parametrize(
    "value", [MISSING, None, 3, "x", [], {}, {"0": 1}, {"../../x": "y"}, {"0": []}, [None], {"config": {"classes": -1}}]
)
def test_any_mutation_of_the_description_is_one_line_or_harmless(folder: Path, field: str, value: object) -> None:
    """Also without checksums, as an earlier version wrote it."""
    if field != HASHES:
        describe(folder)
    describe(folder, lambda config: config.pop(field, None) if value is MISSING else config.update({field: value}))
    try:
        load(folder)
    except InputError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("name", [PREPROCESSING, WEIGHTS])
@pytest.mark.parametrize("damaging", DAMAGES.values(), ids=DAMAGES)
def test_any_damage_is_one_line_without_checksums_too(
    folder: Path, name: str, damaging: Callable[[Path], object]
) -> None:
    describe(folder)
    damaging(folder / name)
    try:
        load(folder)
    except InputError as error:
        assert "\n" not in str(error) and name in str(error)
    else:
        assert damaging is DAMAGES["flipped"]  # in a weight: nothing tells


def test_a_checkpoint_of_somebody_else_is_told_plainly(tmp_path: Path) -> None:
    (tmp_path / CONFIG).write_text(json.dumps({"model_type": "bert", "hidden_size": 32}))
    assert f"not a fine-tuned model, tlzoo did not write its {CONFIG}" in refused(tmp_path)
    (tmp_path / CONFIG).unlink()
    assert f"not a fine-tuned model, there is no {CONFIG}" in refused(tmp_path)


def test_weights_that_are_no_numbers_are_refused(folder: Path) -> None:
    """As a version wrote them that let a diverged training end."""
    weights = load_file(folder / WEIGHTS)
    name = next(name for name, tensor in load(folder).named_parameters() if tensor.is_floating_point())
    weights[name].flatten()[0] = math.nan
    save_file(weights, folder / WEIGHTS)
    describe(folder)
    assert "holds NaN or infinite numbers; fine-tune the model again" in refused(folder)


@pytest.mark.parametrize("value", [1.5, "x" * 10_000, [], None, {"a": []}])
@pytest.mark.parametrize("field", ["tlzoo", "columns", "labels", "variant", "task", "sha256", "loader"])
def test_a_field_of_any_kind_is_refused_in_a_line(folder: Path, field: str, value: object) -> None:
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(config | {field: value}))
    assert all(isinstance(name, str) for name in bundle.columns(folder).values())
    if (field, value) == ("sha256", None):
        load(folder)  # as of an earlier version
    else:
        assert len(refused(folder)) < 1_000
