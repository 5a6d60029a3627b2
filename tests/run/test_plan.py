"""What is planned without being asked for."""

from pathlib import Path
from typing import Any, Literal

import pytest

from tlzoo.adapters import weights as checkpoints
from tlzoo.adapters.weights import Checkpoint
from tlzoo.cards import catalogue
from tlzoo.cards.schema import Card, Variant, Weights
from tlzoo.data.catalogue import Source
from tlzoo.errors import InputError
from tlzoo.run import plan as module
from tlzoo.run.plan import Plan, plan, recipe_for, sources
from tlzoo.run.request import DEFAULT_FRACTIONS, DEFAULT_SEEDS, EvaluationRequest
from tlzoo.vocabulary import task_facts


def planned_for(task: str, kind: str = "text", **options: Any) -> Plan:
    """A plan of one seed and all labels, unless others are given."""
    return plan(
        EvaluationRequest(task, **{"seeds": (0,), "fractions": (1.0,)} | options),
        [Source("rows", task, kind, "0", "rendered", "")],
    )


def test_where_no_head_is_needed_every_backbone_is_run_as_it_is_first() -> None:
    task = "text-embedding"
    models = ["bert", "electra", "ernie", "xlnet"]  # the last two are listed for another task
    by_card: dict[str, list[str]] = {}
    for run in planned_for(task, models=models, weights="stand-in").runs:
        by_card.setdefault(run.checkpoint.card, []).append(run.strategy)
    assert by_card == {name: ["zero-shot", "probe", "scratch", "full", "partial"] for name in models}
    random = planned_for(task, models=models, weights="none")
    assert {run.strategy for run in random.runs} == {"scratch"}, "random vectors are nothing that was published"


def test_elsewhere_a_backbone_has_nothing_to_show_without_training() -> None:
    task = "text-classification"
    planned = planned_for(task, models=["electra"], weights="stand-in")
    assert [run.strategy for run in planned.runs] == ["probe", "scratch", "full", "partial"]
    asked = planned_for(task, models=["electra"], strategies=["zero-shot"], weights="stand-in")
    assert not asked.runs
    assert "electra is not run with zero-shot on text-classification" in asked.absent[0].reason


def test_a_published_head_answers_the_task_that_it_was_published_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the variants the first that has one, also where the card is listed for another task."""
    wanted: list[tuple[str, ...]] = []

    def fetched(card: Card, variant: Variant, weights: Weights) -> Checkpoint:
        wanted.append((card.id, variant.id))
        return Checkpoint(card.id, variant.id, "official", "0" * 64)

    monkeypatch.setattr(checkpoints, "_official", fetched)
    asked = {"strategies": ["zero-shot"]}
    for task, card, kind in (
        ("image-classification", "mobilenet", "image"),
        ("question-answering", "tf2nq", "text"),
        ("object-detection", "mask-rcnn", "image"),
    ):
        planned = planned_for(task, kind, models=[card], **asked)
        (run,) = planned.runs
        assert task in checkpoints.variant_of(catalogue.get(card), run.checkpoint.variant).heads
    assert wanted == [("mobilenet", "v2"), ("tf2nq", "large-squad"), ("mask-rcnn", "r50-fpn")]
    none = planned_for("face-detection", "image", models=["mobilenet"], **asked)
    assert "mobilenet is not run with zero-shot on face-detection" in none.absent[0].reason
    nano = planned_for("image-classification", "image", models=["mobilenet"], variant="nano", **asked)
    assert not nano.runs and "zero-shot" not in nano.absent[0].reason.partition("; with: ")[2]
    usual = planned_for("image-classification", "image", models=["mobilenet"])
    assert "zero-shot" not in [run.strategy for run in usual.runs], "few data have classes of ImageNet"


def test_a_table_is_run_as_it_is_and_the_variant_beside_it_trained() -> None:
    task = "text-generation"
    planned = planned_for(task, models=["smartreply"], weights="stand-in")
    assert {(run.checkpoint.variant, run.strategy, run.tier) for run in planned.runs} == {
        ("nano", "probe", "stand-in"),
        ("nano", "scratch", "none"),
        ("nano", "full", "stand-in"),
    }
    asked = planned_for(task, models=["smartreply"], variant="on-device", strategies=["full"], weights="none")
    assert not asked.runs
    assert asked.absent[0].reason == "smartreply on-device is not run with full on text-generation; with: zero-shot"


@pytest.mark.parametrize("task", ["text-embedding", "text-classification"])
def test_pairs_of_few_texts_are_seen_less_often(task: str) -> None:
    card = catalogue.get("bert")
    how = recipe_for(card, card.default, task, "full")
    assert how.epochs == (task_facts(task).epochs or 40)
    assert how.for_examples(136).steps == {"text-embedding": 90, "text-classification": 360}[task]


def test_a_short_budget_says_what_the_listed_gain_and_then_what_all_others_can_do() -> None:
    task = "audio-classification"
    planned = [(run.checkpoint.card, run.strategy) for run in planned_for(task, "audio", weights="stand-in").runs]
    assert planned[:2] == [("yamnet", "probe"), ("yamnet", "scratch")]
    others = {"openl3", "trill", "wav2vec", "wav2vec2", "crepe"}
    assert set(planned[2:12]) == {(card, strategy) for card in others for strategy in ("probe", "scratch")}
    assert planned[12:14] == [("yamnet", "full"), ("yamnet", "partial")]
    assert {strategy for _, strategy in planned[14:]} == {"full", "partial"}


def test_who_spells_is_trained_as_a_whole_first() -> None:
    task = "speech-recognition"
    planned = [(run.checkpoint.card, run.strategy) for run in planned_for(task, "audio", weights="stand-in").runs]
    assert [strategy for card, strategy in planned if card == "wav2vec2"] == ["full", "scratch", "probe", "partial"]
    assert {card for card, _ in planned[:4]} == {"wav2vec", "wav2vec2"}


def order(task: str, kind: str, **options: Any) -> list[tuple[str, str, int]]:
    return [
        (r.checkpoint.card, r.strategy, r.seed)
        for r in planned_for(task, kind, **{"seeds": DEFAULT_SEEDS} | options).runs
    ]


def test_few_labels_come_first_with_every_seed_then_all_labels_then_other_strategies() -> None:
    shares = {"weights": "stand-in", "fractions": (0.1, 1.0), "seeds": DEFAULT_SEEDS}
    runs = planned_for("audio-classification", "audio", **shares).runs
    models = len({run.checkpoint.card for run in runs})
    few, whole, rest = runs[: 6 * models], runs[6 * models : 12 * models], runs[12 * models :]
    assert {run.fraction for run in few} == {0.1} and {run.fraction for run in whole} == {1.0}
    assert {run.strategy for run in (*few, *whole)} == {"probe", "scratch"}
    assert {run.strategy for run in rest} == {"full", "partial"}
    for part in (few, whole, rest):
        seeds = [run.seed for run in part]
        assert seeds == sorted(seeds) and set(seeds) == {0, 1, 2}
    assert [(run.checkpoint.card, run.strategy) for run in few[:2]] == [("yamnet", "probe"), ("yamnet", "scratch")]
    other = order("audio-classification", "audio", models=["yamnet"], weights="stand-in", seeds=(7, 3))
    assert [seed for _, _, seed in other] == [7, 7, 3, 3] * 2


def test_a_listed_model_with_its_weights_comes_first_and_its_other_seeds_after_the_small_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def resolved(card: Card, wanted: str, variant: str | None, *_: object) -> Checkpoint:
        tier: Literal["official", "stand-in"] = "official" if card.id in ("crepe", "yamnet") else "stand-in"
        variant = card.default.id if tier == "official" else card.variants[-1].id
        return Checkpoint(card.id, variant, tier, "0" * 64)

    monkeypatch.setattr(module, "resolve", resolved)
    runs = planned_for("audio-classification", "audio", fractions=DEFAULT_FRACTIONS, seeds=DEFAULT_SEEDS).runs
    planned = [(run.checkpoint.card, run.strategy, run.seed) for run in runs if run.strategy != "zero-shot"]
    assert planned[:2] == [("yamnet", "probe", 0), ("yamnet", "scratch", 0)]
    assert planned[2:4] == [("crepe", "probe", 0), ("crepe", "scratch", 0)], "then the other weights that are there"
    late = planned.index(("yamnet", "probe", 1))
    assert {seed for card, _, seed in planned[:late] if card != "yamnet"} == {0, 1, 2}
    assert {run.fraction for run in runs[:late]} == {0.1} | {
        run.fraction for run in runs if run.strategy == "zero-shot"
    }
    zero = [place for place, run in enumerate(runs) if run.strategy == "zero-shot"]
    assert zero == list(range(len(zero)))


def test_prompts_are_not_paid_for_three_times_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "resolve", lambda card, *_: Checkpoint(card.id, card.default.id, "official", "0" * 64))
    for seeds, asked in (((0, 1, 2), [0]), ((4, 5), [4, 5])):
        planned = order("language-modeling", "text", models=["gpt-4"], strategies=["few-shot"], seeds=seeds)
        assert [seed for _, _, seed in planned] == asked


def test_few_examples_of_a_person_are_tested_in_turn(tmp_path: Path) -> None:
    """Five folds a seed, unless a test is given, another number is asked for, or groups are few."""

    def planned(rows: list[str], head: str = "text,label", **options: Any) -> list[tuple[int | None, int | None]]:
        (tmp_path / "data.csv").write_text("\n".join([head, *rows]))
        request = EvaluationRequest(
            task="text-classification",
            models=("bert",),
            variant="nano",
            strategies=("scratch",),
            seeds=(0,),
            fractions=(1.0,),
            data=str(tmp_path / "data.csv"),
            **options,
        )
        runs = plan(request, sources(request)).runs
        assert len({run.id for run in runs}) == len(runs)
        return [(run.fold, run.folds) for run in runs]

    rows = [f"words {i},{'ab'[i % 2]}" for i in range(60)]
    assert planned(rows) == [(fold, 5) for fold in range(5)]
    assert planned(rows, folds=3) == [(fold, 3) for fold in range(3)]
    assert planned(rows, folds=1) == [(None, None)]
    assert planned(rows + [f"more {i},{'ab'[i % 2]}" for i in range(940)]) == [(None, None)]
    grouped = [f"{row},s{i % 4}" for i, row in enumerate(rows)]
    assert planned(grouped, "text,label,speaker", group="speaker") == [(None, None)]
    with pytest.raises(InputError, match=r"--folds 5: is for fewer than 1,000 examples of your own"):
        planned(grouped, "text,label,speaker", group="speaker", folds=5)
    (tmp_path / "test.csv").write_text("text,label\nmore words,a\nother words,b\n")
    (tmp_path / "data.csv").rename(tmp_path / "train.csv")
    found = sources(EvaluationRequest(task="text-classification", models=("bert",), data=str(tmp_path)))
    assert [source.is_foldable for source in found] == [False], "a test is given"


def test_shards_share_the_models_and_change_no_key() -> None:
    options: dict[str, Any] = {"weights": "none", "strategies": ("scratch",), "seeds": (0,)}
    whole = {run.id for run in planned_for("text-classification", **options).runs}
    parts = [{run.id for run in planned_for("text-classification", **options, shard=(i, 4)).runs} for i in range(1, 5)]
    assert len(whole) > 4 and all(parts)
    assert set.union(*parts) == whole and sum(map(len, parts)) == len(whole)
    assert planned_for("text-classification", **options, shard=(99, 99)).runs == []
