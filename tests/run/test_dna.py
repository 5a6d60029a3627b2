"""DNA from end to end: a plan of two kinds of data, and a person's own sequences."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tlzoo.data.rendered.promoters import promoters
from tlzoo.errors import InputError
from tlzoo.run import finetune as finetuning
from tlzoo.run import plan as planning
from tlzoo.run.evaluate import evaluate
from tlzoo.run.finetune import finetune
from tlzoo.run.request import EvaluationRequest

Command = Callable[..., subprocess.CompletedProcess[str]]
TASK = "language-modeling"


@pytest.fixture(scope="module")
def regions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sequences of 200 bases, with two tracks of eight bins."""
    path = tmp_path_factory.mktemp("mine") / "regions.jsonl"
    rendered = promoters(50, 25, 25, seed=4)
    rows = [
        {
            "sequence": row["dna"][412:612].lower(),
            "tracks": [values[:2] for values in row["tracks"][12:20]],
            "chromosome": row["group"],
            "split": split,
        }
        for split, part in rendered.items()
        for row in part
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training of a few steps."""
    recipe_for = planning.recipe_for
    monkeypatch.setattr(
        planning,
        "recipe_for",
        lambda *a, **k: replace(recipe_for(*a, **k), steps=3, learning_rates=(1e-3,), looks=1),
    )


def request(**options: Any) -> EvaluationRequest:
    return EvaluationRequest(TASK, **options)


def test_each_kind_of_input_has_its_own_data() -> None:
    words, dna = planning.sources(request())
    assert [(s.name, s.kind) for s in (words, dna)] == [("news-cloze", "text"), ("promoters", "dna")]
    assert planning.sources(request(models=["enformer"])) == [dna]
    assert planning.sources(request(models=["gpt-4"])) == [words]
    planned = planning.plan(request(weights="none", strategies=["scratch"]), [words, dna])
    for run in planned.runs:
        assert (run.source == dna) == (run.checkpoint.card == "enformer")
    assert planned.runs[0].checkpoint.card == "enformer", "models that are listed for the task go first"
    assert {a.source for a in planned.absent if a.card == "gpt-4"} == {words}


def test_what_cannot_take_part_is_said_and_never_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetched(*_: Any) -> None:
        raise AssertionError("fetched")

    monkeypatch.setattr(planning, "resolve", fetched)
    (words,) = planning.sources(request(data="news-cloze"))
    planned = planning.plan(request(models=["enformer"]), [words])
    assert [(a.card, a.status, a.reason) for a in planned.absent] == [
        ("enformer", "skipped", "enformer reads dna, and news-cloze is text")
    ]


def test_a_variant_that_only_some_models_have_leaves_the_others_out() -> None:
    found = planning.sources(request())
    planned = planning.plan(request(variant="api", weights="none"), found)
    assert not planned.runs
    (enformer,) = (a for a in planned.absent if a.card == "enformer")
    assert enformer.status == "skipped" and "unknown variant 'api'" in enformer.reason
    with pytest.raises(InputError, match="unknown variant 'nanoo'; did you mean 'nano'"):
        planning.plan(request(variant="nanoo"), found)


def test_eval_on_a_persons_sequences(regions: Path, tmp_path: Path, quick: None) -> None:
    told: list[str] = []
    how: dict[str, Any] = {"variant": "nano", "strategies": ["scratch"], "seeds": [0], "fractions": [1.0]}
    done = evaluate(TASK, data=str(regions), out=tmp_path, baselines=False, say=told.append, **how)
    rows = {row["card"]: row for row in done.board.to_pylist()}
    row = rows["enformer"]
    assert (row["status"], row["metric"], row["dataset"]) == ("ok", "pearson", f"{regions.parent.name}-regions")
    assert -1 <= row["value"] <= 1
    assert (row["groups"], row["ci_low"], row["ci_high"]) == (1, None, None), "one chromosome has no interval"
    assert row["params"] == 257_284 - 2 * 193, "a head of two tracks in place of four"
    assert rows["gpt-4"]["status"] == "skipped" and "gpt-4 reads text" in rows["gpt-4"]["reason"]
    assert done.failed == 0 and done.executed == 1


def test_what_one_model_cannot_read_stops_no_other(regions: Path, tmp_path: Path, quick: None) -> None:
    """Bins of 12 bases fit no bins of 16."""
    rows = [json.loads(line) | {"bin_size": 12} for line in regions.read_text().splitlines()]
    path = tmp_path / "twelve.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    how: dict[str, Any] = {"variant": "nano", "strategies": ["scratch"], "seeds": [0], "fractions": [1.0]}
    done = evaluate(TASK, data=str(path), out=tmp_path / "out", baselines=False, say=lambda _: None, **how)
    found = {row["card"]: row for row in done.board.to_pylist()}
    assert found["enformer"]["status"] == "error"
    assert "bins of 12 bases; the model's are of 16" in found["enformer"]["reason"]
    assert found["gpt-4"]["status"] == "skipped"


def test_a_fine_tuned_model_predicts_fasta(regions: Path, tmp_path: Path, quick: None, tlzoo: Command) -> None:
    out = tmp_path / "tracks"
    done = finetune(
        "enformer", TASK, str(regions), out, variant="nano", strategy="scratch", progress=False, say=lambda _: None
    )
    assert done.metric == "pearson" and done.n_test > 10
    fasta = tmp_path / "regions.fa"
    sequence = json.loads(regions.read_text().splitlines()[0])["sequence"]
    fasta.write_text(f">first a region\n{sequence}\n>protein\nMKVLE\n")
    predicted = tlzoo("predict", out, fasta)
    first, wrong = map(json.loads, predicted.stdout.splitlines())
    assert first["input"] == f"{fasta} first"
    assert (first["bins"], first["bin_size"], first["start"]) == (32, 16, 100 - 256)
    assert [track["label"] for track in first["tracks"]] == ["track 1", "track 2"]
    for track in first["tracks"]:
        assert 0 < track["mean"] <= track["max"] and track["at"][1] - track["at"][0] == 16
    assert wrong["error"].startswith("'L' at base 4 is not a letter of DNA")
    assert predicted.returncode == 2 and "1 of 2 inputs have no prediction" in predicted.stderr
    with pytest.raises(InputError, match="enformer reads dna, and news-cloze is text"):
        finetune("enformer", TASK, "news-cloze", tmp_path / "none", strategy="scratch")


def test_predictions_are_those_of_the_test(regions: Path, tmp_path: Path, quick: None) -> None:
    """The folder gives again what fine-tuning measured."""
    from tlzoo.data.catalogue import find, load
    from tlzoo.leaderboard.metrics import METRICS
    from tlzoo.tasks.dna_tracks import Tracks
    from tlzoo.transfer.bundle import load as opened
    from tlzoo.transfer.inference import predict, statistics

    done = finetune(
        "enformer", TASK, str(regions), tmp_path / "t", variant="nano", strategy="scratch", progress=False, say=str
    )
    data = load(find(TASK, str(regions), finetuning.LIMITS))
    model, task = opened(tmp_path / "t"), Tracks(data.features)
    test = data.splits["test"]
    found = statistics(task, predict(model, [model.encode(row) for row in test]), test)["pearson"]
    assert METRICS["pearson"].reduce(found, np.ones((1, len(test))))[0] == pytest.approx(done.value, abs=1e-5)
