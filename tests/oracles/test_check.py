"""Published numbers are checked against their bounds, kept, and told."""

from pathlib import Path

import pytest

from tlzoo.cards import catalogue
from tlzoo.errors import UnavailableError
from tlzoo.oracles import ORACLES
from tlzoo.oracles.check import Check, check, keep, markdown, recorded, summary

NAME = "minilm-banking77"
PLACE = "tlzoo.oracles.few_labels.accuracies"


@pytest.mark.parametrize("name", ORACLES)
def test_a_number_is_of_a_variant_with_official_weights_and_within_its_own_bounds(name: str) -> None:
    oracle = ORACLES[name]
    variants = {variant.id: variant for variant in catalogue.get(oracle.card).variants}
    assert variants[oracle.variant].kind == "official"
    assert oracle.low <= oracle.published <= oracle.high


@pytest.mark.parametrize(
    ("runs", "state", "reason"),
    [
        ([0.80, 0.81], "reproduced", ""),
        ([0.82, 0.83], "not reproduced", "0.8250 is outside 0.7900 to 0.8100"),
        ([0.77, 0.83], "not reproduced", "a run gave 0.7700, outside 0.7800 to 0.8200"),
    ],
)
def test_the_mean_and_each_run_lie_within_bounds(
    monkeypatch: pytest.MonkeyPatch, runs: list[float], state: str, reason: str
) -> None:
    monkeypatch.setattr(PLACE, lambda card, variant, name, is_unit: runs)
    found = check(NAME)
    assert (found.state, found.reason, found.runs) == (state, reason, tuple(runs))
    assert found.value == pytest.approx(sum(runs) / len(runs))


def test_what_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(card: str, variant: str, name: str, is_unit: bool) -> list[float]:
        raise UnavailableError("train.csv is not available")

    monkeypatch.setattr(PLACE, missing)
    assert check(NAME) == Check(NAME, "not available", reason="train.csv is not available")


def test_checks_are_kept_beside_those_of_other_numbers(tmp_path: Path) -> None:
    first, second = (Check(name, "reproduced", 0.5, (0.4, 0.6)) for name in list(ORACLES)[:2])
    keep(tmp_path, {first.name: first})
    keep(tmp_path, {second.name: second})
    assert recorded(tmp_path) == {first.name: first, second.name: second}
    assert summary(recorded(tmp_path)) == "2 of 2 published numbers reproduced"
    assert recorded(tmp_path / "none") == {}


def test_the_shipped_checks_are_of_all_numbers_and_the_readme_says_how_many() -> None:
    root = Path(__file__).resolve().parents[2]
    checks = recorded(root / "results")
    assert list(checks) == list(ORACLES)
    for name, each in checks.items():
        if each.value is not None:
            assert (ORACLES[name].low <= each.value <= ORACLES[name].high) == (each.state == "reproduced")
    assert summary(checks) in (root / "README.md").read_text(encoding="utf-8")
    assert all(f"| {oracle.data} |" in markdown(checks) for oracle in ORACLES.values())
