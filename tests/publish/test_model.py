"""A fine-tuned model on the Hub."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import tlzoo
from tests.publish.conftest import Command, kill
from tests.support.bundles import written
from tests.support.hub_writes import WritableHub
from tlzoo.errors import InputError, UnavailableError
from tlzoo.publish.model import files, push, repository_name
from tlzoo.run.predict import open_model, predict, trained_columns
from tlzoo.transfer.bundle import load

FILES = ["README.md", "config.json", "model.safetensors", "preprocessor_config.json", "recipe.json"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written(["cat", "dog"], tmp_path / "my sounds")
    return tmp_path / "my sounds"


@pytest.fixture
def reading(here: WritableHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WritableHub:
    """The Hub, for downloads in this process into an empty cache."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    template = here.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    return here


def test_a_model_is_published_without_strays_and_loads_again(
    hub: WritableHub, tlzoo: Command, folder: Path, tmp_path: Path
) -> None:
    (folder / "secrets.env").write_text("PASSWORD=1")
    (folder / "predictions.jsonl").write_text("{}")
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "model.safetensors").write_bytes(b"no")
    planned = tlzoo("model", folder, "--to", "me", "--dry-run", token="")
    assert planned.returncode == 0 and hub.writes() == []
    done = tlzoo("model", folder, "--to", "me")
    assert done.returncode == 0, done.stderr
    assert "model me/my-sounds, a new repository" in done.stdout
    assert sorted(hub.files("models", "me/my-sounds")) == [".gitattributes", *FILES]
    home = hub.home("models", "me/my-sounds")
    assert all((home / name).read_bytes() == (folder / name).read_bytes() for name in FILES)
    assert hub.count("PUT", "/upload/") == 1  # the weights, through the large file storage
    assert load(home).spec == load(folder).spec
    assert "nothing to change" in tlzoo("model", folder, "--to", "me").stdout and len(hub.commits) == 1
    (folder / "README.md").write_text("# Dogs and cats\n")
    assert tlzoo("model", folder, "--to", "me").returncode == 0
    assert hub.commits[-1].written == ("README.md",) and hub.count("PUT", "/upload/") == 1


def test_what_was_published_is_opened_again_from_the_hub(reading: WritableHub, folder: Path, tmp_path: Path) -> None:
    """By name and at a revision, without the folder; what is damaged there is not opened."""
    sound = tmp_path / "noise.wav"
    soundfile.write(sound, np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000)

    def scores(model: Any) -> dict[str, float]:
        (predicted,) = predict(model, [sound])
        assert predicted.prediction is not None, predicted.error
        return dict(predicted.prediction.to_json()["scores"])

    expected = scores(load(folder))
    lines: list[str] = []
    push(folder, "me/sounds", private=True, say=lines.append)
    assert lines[0].startswith("model me/sounds, a new private repository") and reading.private == {"models/me/sounds"}
    home, revision = reading.home("models", "me/sounds"), reading.commit("models", "me/sounds")
    shutil.rmtree(folder)

    notices: list[str] = []
    assert scores(open_model("hub:me/sounds", notices.append)) == expected
    assert notices[0].startswith("hub:me/sounds: fine-tuned by tlzoo from yamnet for audio-classification; licence")
    assert scores(tlzoo.load(f"hub:me/sounds@{revision}")) == expected
    with pytest.raises(InputError, match="has weights and a variant of its own"):
        tlzoo.load("hub:me/sounds", weights="none")
    with pytest.raises(UnavailableError, match="no such revision"):
        tlzoo.load("hub:me/sounds@v2")

    weights = (home / "model.safetensors").read_bytes()
    (home / "model.safetensors").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    damaged = reading.commit("models", "me/sounds")
    with pytest.raises(InputError, match=r"model\.safetensors: differs from its checksum in config\.json"):
        tlzoo.load(f"hub:me/sounds@{damaged}")


def test_columns_of_a_published_model_are_those_of_its_training(
    reading: WritableHub,
) -> None:
    written(["cat", "dog"], reading.root / "models/me/notes", columns={"text": "customer note"})
    assert trained_columns("hub:me/notes") == {"text": "customer note"}
    assert trained_columns("hub:me/notes") == trained_columns(str(reading.root / "models/me/notes"))
    assert trained_columns("yamnet") == {}


def test_killed_during_the_upload_of_the_weights_the_next_run_completes_it(
    hub: WritableHub, tlzoo: Command, folder: Path, tmp_path: Path
) -> None:
    hub.stall("PUT", "/upload/")
    kill(hub, tmp_path, "model", folder, "--repo", "me/sounds")
    assert hub.commits == []
    done = tlzoo("model", folder, "--repo", "me/sounds")
    assert done.returncode == 0, done.stderr
    assert len(hub.commits) == 1 and sorted(hub.commits[0].written) == FILES
    home = hub.home("models", "me/sounds")
    assert all((home / name).read_bytes() == (folder / name).read_bytes() for name in FILES)


def test_what_it_was_trained_on_is_said_and_a_place_in_its_recipe_is_refused(
    hub: WritableHub, tlzoo: Command, folder: Path
) -> None:
    def recipe(**source: str) -> None:
        content = {"run": {"source": source}, "results": [{"metric": "accuracy"}]}
        (folder / "recipe.json").write_text(json.dumps(content))

    recipe(name="anna-voices", where="folder")
    planned = tlzoo("model", folder, "--to", "me", "--dry-run", token="")
    assert planned.returncode == 0, planned.stderr
    assert "  data    anna-voices (your own data), 1 result" in planned.stdout.splitlines()
    recipe(name="anna-voices", where="folder", place="/home/anna/voices")
    done = tlzoo("model", folder, "--to", "me")
    assert done.returncode == 2 and hub.writes() == []
    assert "recipe.json, field 'run.source.place': '/home/anna/voices' is a place on a machine; take" in done.stderr


def test_what_is_no_model_is_refused_before_the_hub_is_asked(
    hub: WritableHub, tlzoo: Command, folder: Path, tmp_path: Path
) -> None:
    done = tlzoo("model", tmp_path, "--to", "me")
    assert done.returncode == 2 and "not a fine-tuned model" in done.stderr and done.stderr.count("\n") == 1
    assert hub.requests == []


def test_what_is_missing_or_torn_is_named(folder: Path, tmp_path: Path) -> None:
    def refused(told: str) -> None:
        with pytest.raises(InputError) as caught:
            files(folder)
        assert told in str(caught.value) and "\n" not in str(caught.value)

    (folder / "recipe.json").rename(tmp_path / "recipe.json")
    refused("recipe.json: missing")
    (folder / "recipe.json").symlink_to(tmp_path / "recipe.json")
    refused("recipe.json: a link")
    (folder / "model.safetensors").write_bytes(b"torn")
    refused("model.safetensors: differs from its checksum in config.json")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"tlzoo": 99}))
    refused("field 'tlzoo' is 99")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("my_model", "my_model"), ("a--b", "a-b"), ("über model.", "ber-model"), ("…", "tlzoo-model")],
)
def test_a_repository_is_named_after_the_folder(name: str, expected: str, tmp_path: Path) -> None:
    assert repository_name(tmp_path / name) == expected
