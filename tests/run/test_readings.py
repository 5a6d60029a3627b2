"""How often an evaluation reads a person's files."""

import importlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tlzoo.data import repeats
from tlzoo.data.files import readers
from tlzoo.data.media import audio
from tlzoo.run.evaluate import evaluate
from tlzoo.run.execute import data_of
from tlzoo.run.worker import Worker

module: Any = importlib.import_module("tlzoo.run.evaluate")


class InProcess(Worker):
    """What a new process does, done here: nothing that was loaded before is there."""

    def __init__(self) -> None:
        data_of.cache_clear()

    def __exit__(self, *_: object) -> None:
        pass

    def call(self, function: Callable[..., Any], *arguments: Any, **_: Any) -> Any:
        return function(*arguments)


def test_each_file_is_decoded_once_to_prepare_the_data_and_then_by_the_models_alone(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None
) -> None:
    """By each run once, and the few files that the model is measured with once more."""
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "Worker", InProcess)
    count: Counter[str] = Counter()

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            count[name] += 1
            return function(*arguments)

        return call

    monkeypatch.setattr(audio, "check", counted("prepared", audio.check))
    decoded: Counter[str] = Counter()
    decode = audio.decode
    monkeypatch.setattr(audio, "decode", lambda sound, *rest: decoded.update([str(sound)]) or decode(sound, *rest))
    find_near_repeats = repeats.near_repeats

    def near_repeats(*arguments: Any) -> Any:
        found = find_near_repeats(*arguments)
        assert 120 <= decoded.total() <= 4 * 120, "sounds that may be alike are heard again"
        decoded.clear()
        return found

    monkeypatch.setattr(repeats, "near_repeats", near_repeats)
    monkeypatch.setattr(readers, "listing", counted("listed", readers.listing))
    options: dict[str, Any] = {"models": ["yamnet"], "variant": "nano", "strategies": ["scratch"], "seeds": (0, 1)}
    options |= {"fractions": [1.0]}
    done = evaluate(
        "audio-classification",
        data=folder,
        out=tmp_path / "out",
        baselines=False,
        say=lambda line: None,
        weights="none",
        **options,
    )
    assert (done.executed, done.failed) == (2, 0)
    rows = 120
    assert count["prepared"] == rows
    assert count["listed"] == 2, "once to plan, and once to prepare"
    assert len(decoded) == rows and sum(times > 2 for times in decoded.values()) <= 8, "rows that a model is timed with"
    assert min(decoded.values()) == 2, "once a run"
