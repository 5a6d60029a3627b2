"""What ships about forecasts so far, and how it is said."""

import json
from dataclasses import asdict, replace
from pathlib import Path

from tlzoo.forecast.record import Curves, Order, Record, parsed, record


def planted() -> Record:
    curves = Curves(3, 9, 2, 0.01, 0.9, 8, 0.01, 0.9, 1e-4)
    orders = (Order("parameters", 2, 1, 0.02, 0.03), Order("mean rank elsewhere", 1, 0, 0.05, 0.06))
    return Record(("a", "b", "c"), 6, 6, Order("forecast", 5, 2, 0.0, 0.012), orders, 0.91, 4e-4, 1e-4, curves)


def test_it_is_read_as_it_is_written() -> None:
    assert parsed(json.dumps(asdict(planted()))) == planted()


def test_the_line_says_where_another_order_does_as_well() -> None:
    line = planted().sentence()
    assert line.startswith("so far: the best model in the first three in 5 of 6 trials on 3 data sets, regret of the ")
    assert "first .000 in the median and .012 in the mean, 91% of the 90% intervals right; ordering by para" in line
    assert "ordering by parameters: 2 of 6, .020 in the median and .030 in the mean" in line
    assert "does not beat" not in line
    worse = replace(planted(), forecast=Order("forecast", 5, 2, 0.0, 0.03))
    assert worse.sentence().endswith("; in the mean, the forecast does not beat ordering by parameters")


def test_the_record_that_ships_holds_a_dozen_data_sets() -> None:
    ships = record()
    assert len(ships.data_sets) >= 12
    assert 0 < ships.forecast.in_three <= ships.trials == 2 * len(ships.data_sets)
    assert {each.name for each in ships.others} == {"parameters", "mean rank elsewhere"}
    assert ships.variance >= ships.own_variance >= 0
    assert 0.85 <= ships.coverage <= 0.95


def test_the_guide_says_what_ships() -> None:
    guide = Path(__file__).parents[2] / "docs" / "choose-a-model.md"
    assert record().sentence() in " ".join(guide.read_text(encoding="utf-8").split())
