"""A result is run again from its row alone."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import Result
from typer.testing import CliRunner

from tlzoo.adapters.weights import Checkpoint, variant_of
from tlzoo.cards import catalogue
from tlzoo.cli import app
from tlzoo.data.catalogue import find
from tlzoo.errors import InputError
from tlzoo.leaderboard.schema import RESULT
from tlzoo.leaderboard.store import Store
from tlzoo.measure.measurement import Measurement
from tlzoo.run import record
from tlzoo.run.execute import execute
from tlzoo.run.plan import Run, recipe_for
from tlzoo.run.rerun import Comparison, rerun, rows_of, run_of

SOUNDS = "audio-classification"
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def finished(folder: Path) -> tuple[Run, Rows]:
    """A short training on a person's own sounds, with another recipe than that of today, and its rows."""
    card = catalogue.get("yamnet")
    nano = variant_of(card, "nano")
    how = replace(recipe_for(card, nano, SOUNDS, "scratch"), steps=20, learning_rates=(5e-3,), looks=2, patience=9)
    source = find(SOUNDS, str(folder))
    run = Run(Checkpoint("yamnet", "nano", "none"), SOUNDS, source, "scratch", 2, 1.0, how, card.variant_hash(nano))
    measured = Measurement(latency_ms_p50=1.5, params=7)
    rows = record.rows(run, execute(run, progress=False), measured, 3.0)
    return run, pa.Table.from_pylist(rows, schema=RESULT).to_pylist()


def test_the_same_machine_reproduces_it_to_the_last_digit(finished: tuple[Run, Rows], folder: Path) -> None:
    run, rows = finished
    again = rerun(rows, str(folder), progress=False)
    assert again.run.id == run.id == rows[0]["run_id"]
    assert again.run.recipe == run.recipe, "the row's, and not today's"
    assert [comparison.result for comparison in again.comparisons] == ["equal", "equal"]
    assert again.is_reproduced
    assert again.lines[0] == "reproduced: every metric is equal to the last digit"
    assert f"trained parameters: the same (sha256 {rows[0]['trained_sha256'][:8]})" in again.lines
    assert again.rows[0]["trained_sha256"] == rows[0]["trained_sha256"]
    assert (again.rows[0]["latency_ms_p50"], again.rows[0]["params"]) == (1.5, 7), "of the same machine"


def test_another_score_is_inside_its_interval_or_outside(finished: tuple[Run, Rows], folder: Path) -> None:
    rows = [dict(row) for row in finished[1]]
    rows[0] |= {
        "value": 0.0,
        "statistics": [[0.0]] * 42,
        "trained_sha256": "0" * 64,
        "hardware": "Abacus",
        "threads": 9,
    }
    rows[0] |= {"libraries": json.dumps({"torch": "1.0"})}
    again = rerun(rows, str(folder), progress=False)
    assert again.comparisons[0].result == "outside" and not again.is_reproduced
    assert again.lines[0] == "not reproduced: outside the interval: accuracy"
    text = "\n".join(again.lines)
    assert "trained parameters: others (sha256 00000000 then" in text
    assert "hardware: Abacus then" in text and "threads: 9 then" in text and "torch 1.0 then" in text
    assert again.rows[0].get("latency_ms_p50") is None, "another machine's speed is not this one's"


def test_the_words_for_a_metric() -> None:
    for after, word in ((0.5, "equal to the last digit"), (0.58, "inside the interval"), (0.7, "outside the interval")):
        line = str(Comparison("accuracy", 0.5, after, (0.4, 0.6)))
        assert line.endswith(word) and line.startswith("accuracy: 0.5 [0.4, 0.6] then")
    assert Comparison("accuracy", 0.5, float("nan"), (0.4, 0.6)).result == "outside"


def table(rows: Rows) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=RESULT)


def test_a_unique_beginning_names_a_run_and_the_local_one_comes_first(row: Callable[..., dict[str, Any]]) -> None:
    local = [row("yamnet", "probe", 0.5, run_id="abc1"), row("yamnet", "full", 0.6, run_id="abd2")]
    shipped = [row("yamnet", "probe", 0.7, run_id="abc1", origin="reference")]
    results = table([*local, *shipped])
    assert [each["value"] for each in rows_of("abc", results)] == [0.5]
    with pytest.raises(InputError, match=r"'ab': 2 runs begin so \(abc1, abd2\.\.\.\); give more digits"):
        rows_of("ab", results)
    with pytest.raises(InputError, match="'abe2': no such run; the closest is abd2"):
        rows_of("abe2", results)
    with pytest.raises(InputError, match="there are no results yet"):
        rows_of("a", table([]))


def test_what_has_no_result_is_not_run_again(row: Callable[..., dict[str, Any]]) -> None:
    failed = row("yamnet", "probe", 0.5, run_id="abc1", status="skipped", reason="0.0 min left", value=None)
    with pytest.raises(InputError, match=r"no result to compare with \(skipped: 0.0 min left\).* --model yamnet"):
        rows_of("abc1", table([failed]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"card_hash": "f" * 64}, "yamnet nano is another network now .card hash ffffffff then, .*use the version"),
        ({"dataset_fingerprint": "e" * 64}, "holds other data now .fingerprint eeeeeeee then, .*--data PATH"),
        ({"dataset_source": "hub", "dataset_fingerprint": "e" * 64}, "holds other data now"),
        ({"requests": 3}, "yamnet is behind an API, which may answer otherwise"),
        ({"recipe": '{"steps": 1, "learning_rates": [1], "tilt": 2}'}, "its recipe has tilt, which this version lacks"),
    ],
)
def test_what_is_not_the_same_any_more_is_named(
    finished: tuple[Run, Rows], folder: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run_of(finished[1][0] | change, str(folder))


def test_own_data_are_looked_for_by_their_name_and_asked_for(
    finished: tuple[Run, Rows], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, rows = finished
    monkeypatch.chdir(folder.parent)
    assert run_of(rows[0]).source == run.source
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=f"own data, '{folder.name}', .*say where they are with --data PATH"):
        run_of(rows[0])


def test_the_command_says_it_in_words_and_by_its_exit_code(
    finished: tuple[Run, Rows], folder: Path, tmp_path: Path
) -> None:
    def command(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["rerun", *map(str, arguments), "--out", str(tmp_path)])

    run, rows = finished
    Store(tmp_path / "results").write(rows)
    (file,) = (tmp_path / "results").iterdir()
    before = file.read_bytes()
    done = command(run.id[:12], "--data", folder)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("reproduced: every metric is equal to the last digit\naccuracy: ")
    assert file.read_bytes() == before, "nothing is written"
    Store(tmp_path / "results").write([rows[0] | {"value": 0.0, "statistics": [[0.0]] * 42}])
    done = command(run.id[:12], "--data", folder, "--keep")
    assert done.exit_code == 1
    assert done.stdout.startswith("not reproduced: outside the interval: accuracy\n")
    kept = Store(tmp_path / "results").read().to_pylist()
    assert [each["value"] for each in kept] == [each["value"] for each in rows]
    assert command("nothing").exit_code == 2
