"""Which model for data that nobody has evaluated, on texts, whose stand-ins ship."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.support.texts import table_of_texts
from tlzoo.cli import app
from tlzoo.errors import InputError
from tlzoo.forecast import forecast
from tlzoo.forecast.compare import expected

TASK = "text-classification"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def texts(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TLZOO_CACHE", str(cache))
    return table_of_texts(tmp_path / "mine.csv", 80, 4)


def test_models_are_compared_and_the_smallest_come_first(texts: Path) -> None:
    lines: list[str] = []
    done = forecast(TASK, texts, minutes=5, tune=False, say=lines.append)
    assert len(done.models) > 3 and not done.skipped
    scores = [each.accuracy for each in done.models]
    assert scores == sorted(scores, reverse=True) and scores[0] > 0.8
    assert all(0 <= each.low <= each.accuracy <= each.high <= 1 for each in done.models)
    assert sum(each.best for each in done.models) == pytest.approx(1)
    params = {each.model: each.params for each in done.models}
    looked_at = [params[line.split(": ")[0]] for line in lines]
    assert looked_at == sorted(looked_at)


def test_the_command_names_what_to_evaluate_and_what_it_had_no_time_for(texts: Path) -> None:
    command = ["select", "--task", TASK, "--data", str(texts), "--no-training", "--budget", "5"]
    done = CliRunner().invoke(app, [*command, "--json"])
    assert done.exit_code == 0, done.output
    best = json.loads(done.stdout[done.stdout.index("[") :])[0]
    assert [each["labels"] for each in best["more_labels"]] == [160, 320]
    assert best["curve"][-1]["labels"] == 80 and {"neighbours", "log_evidence", "h_score"} <= best.keys()
    shown = CliRunner().invoke(app, command)
    assert f"{best['accuracy']:.3f} [" in shown.stdout
    assert "more labels" in shown.stdout and "so far: the best model in the first three in" in shown.stdout
    assert f"Next: tlzoo eval --task {TASK} --data {texts} --model " in shown.output
    picture = texts.with_suffix(".png")
    drawn = CliRunner().invoke(app, [*command, "--plot", str(picture)])
    assert drawn.exit_code == 0 and picture.stat().st_size > 10_000
    short = CliRunner().invoke(app, ["select", "--task", TASK, "--data", str(texts), "--budget", "0"])
    assert short.exit_code == 0, "what is in the cache takes no time"
    assert "not fine-tuned to the end: " in short.stderr and "0 s are left" in short.stderr
    small = CliRunner().invoke(app, ["select", "--task", TASK, "--data", str(texts), "--max-size-mb", "0.1"])
    assert small.exit_code == 2 and "no model within the limits could be looked at" in small.output


def test_models_side_by_side_are_a_model_where_they_are_better_for_certain(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On texts of two kinds of words; what is expected of them is that of the same command with their name."""
    monkeypatch.setenv("TLZOO_CACHE", str(cache))
    monkeypatch.setattr("tlzoo.forecast.portfolio.difference", lambda more, less, groups: (0.1, 0.1, 0.1))
    monkeypatch.setattr("tlzoo.forecast.compare.difference", lambda more, less, groups: (0.1, 0.1, 0.1))
    done = forecast(TASK, table_of_texts(tmp_path / "mine.csv", 80, 4), minutes=5, tune=False)
    (joined,) = [each for each in done.models if each.card.startswith("concat:")]
    parts = joined.card.removeprefix("concat:").split("+")
    assert len(parts) == 3 and joined.model == joined.card
    params = {each.model: each.params for each in done.models}
    assert joined.params == sum(params[part] for part in parts) and joined.weights == "stand-in"
    small = forecast(TASK, tmp_path / "mine.csv", minutes=5, tune=False, accepts=lambda run: not run.checkpoint.parts)
    assert not any(each.card.startswith("concat:") for each in small.models)


def test_a_picture_of_results_is_another_command() -> None:
    done = CliRunner().invoke(app, ["select", "--task", TASK, "--plot", "board.svg"])
    assert done.exit_code == 2 and "of results: tlzoo leaderboard --plot" in done.output


def test_what_has_no_classes_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path / "cache"))
    rows = [
        json.dumps({"question": f"Where is {i}?", "context": f"{i} is north.", "answer": "north"}) for i in range(20)
    ]
    (tmp_path / "mine.jsonl").write_text("\n".join(rows))
    with pytest.raises(InputError, match="only classes are forecast; evaluate with: tlzoo eval"):
        forecast("question-answering", tmp_path / "mine.jsonl")


def test_intervals_and_chances_are_those_of_groups_drawn_again() -> None:
    """Of two models that are right in turn in two groups each is the best in half of the draws that differ."""
    groups = ["a"] * 10 + ["b"] * 10
    one = np.array([True] * 10 + [False] * 10)
    both = expected([one, ~one], groups)
    assert both.low.tolist() == [0, 0] and both.high.tolist() == [1, 1]
    assert both.best == pytest.approx([0.5, 0.5], abs=0.03)
    always = np.ones(20, bool)
    assert expected([always, one], groups).best[0] == pytest.approx(1 - 0.25 / 2, abs=0.03), "ties are shared"


def test_what_forecasts_lacked_elsewhere_widens_intervals_and_what_is_shared_decides_nothing() -> None:
    names = [str(i) for i in range(400)]
    one, other = np.arange(400) < 320, np.arange(400) < 300
    plain = expected([one, other], names)
    shared = expected([one, other], names, variance=0.006, own_variance=0.0)
    own = expected([one, other], names, variance=0.006, own_variance=0.006)
    assert shared.high[0] - shared.low[0] > 1.3 * (plain.high[0] - plain.low[0])
    assert shared.best == pytest.approx(plain.best, abs=0.02)
    assert own.best[0] < plain.best[0] - 0.02
    assert all(each.accuracy.tolist() == [0.8, 0.75] for each in (plain, shared, own))
