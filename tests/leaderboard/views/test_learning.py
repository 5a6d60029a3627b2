"""Learning curves as pictures."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.leaderboard.views.test_html import Cells
from tests.support.boards import Maker, board_of, learnt
from tlzoo.leaderboard.curves import Curves, curves_of
from tlzoo.leaderboard.row import rows_of, scored
from tlzoo.leaderboard.views.html import page
from tlzoo.leaderboard.views.learning import MOST, counts, figure, lines_of, spread
from tlzoo.leaderboard.views.plot import plot


def curves(rows: Sequence[dict[str, Any]]) -> Curves:
    (found,) = curves_of(scored(rows_of(board_of(*rows))))
    return found


def words(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_the_picture_names_its_lines_and_has_the_real_counts(row: Maker) -> None:
    svg = figure(curves(learnt(row)), "toy")
    assert {"yamnet probe", "crepe full", "trivial", "classical", "80", "240", "800"} <= set(words(svg))
    assert {"accuracy ↑", "training clips (log scale)"} <= set(words(svg))
    assert svg.count("<path class=scratch") == 2, "a dashed line for each model"
    assert svg.count("<path class=bar") == 4 * 3, "an interval a point, of models and their scratch"
    assert "k0" in svg and "k1" in svg


def test_points_lie_where_their_numbers_say(row: Maker) -> None:
    """Steps of the logarithm are equal; more is higher."""
    svg = figure(curves(learnt(row, (0.03, 0.3, 1.0))), "toy")
    (path,) = re.findall(r'<g class=k8><path d="M([^"]*)"', svg)[1:2]
    points = [tuple(map(float, point.split())) for point in path.split("L")]
    assert points[1][0] - points[0][0] == pytest.approx((points[2][0] - points[1][0]) * 1.9124, rel=0.01)
    assert points[0][1] > points[1][1] > points[2][1]


def test_only_the_best_are_drawn_and_how_many_are_not(row: Maker) -> None:
    rows = [
        row(f"m{i}", "full", 0.5 + 0.03 * i + 0.1 * share, fraction=share, n_train=round(800 * share))
        for i in range(MOST + 3)
        for share in (0.1, 1.0)
    ]
    found = curves(rows)
    assert [line.name for line in lines_of(found)] == [f"m{i} full" for i in range(MOST + 2, 2, -1)]
    assert "3 more models not drawn" in figure(found, "toy")


def test_names_do_not_overlap_and_keep_their_order() -> None:
    moved = spread([10.0, 11.0, 50.0, 12.0], 15.0, 0.0, 100.0)
    assert moved[0] < moved[1] < moved[3] < moved[2]
    assert min(b - a for a, b in zip(sorted(moved), sorted(moved)[1:], strict=False)) >= 15
    assert max(spread([99.0, 98.0, 97.0], 15.0, 0.0, 100.0)) <= 100


def test_counts_that_are_nearly_the_same_share_a_tick(row: Maker) -> None:
    other = [row("b", "full", v, fraction=f, n_train=n) for f, n, v in ((0.1, 81, 0.3), (1.0, 800, 0.5))]
    assert counts(lines_of(curves(learnt(row) + other))) == [81, 240, 800]


def test_a_page_has_the_curves_and_says_what_lacks_them(row: Maker) -> None:
    html = page(board_of(*learnt(row), *learnt(row, (1.0,), dataset="other")))
    assert html.count("<figure>") == 1 and "http" not in html
    assert "Learning curves: audio-classification on toy" in html
    assert "no learning curve of audio-classification on other" in html
    assert ".tlzoo .k0 {color: light-dark(" in html
    assert "<figure>" not in page(board_of(*learnt(row, (1.0,))))


def test_names_of_strangers_are_no_markup(row: Maker) -> None:
    rows = [row("<img src=x>", "full", v, fraction=f, n_train=round(800 * f)) for f, v in ((0.1, 0.5), (1.0, 0.8))]
    assert "img" not in Cells(figure(curves(rows), "<img>")).tags


def test_the_plot_has_them_below(row: Maker, tmp_path: Path) -> None:
    plot(board_of(*learnt(row)), tmp_path / "both.svg")
    lines = re.findall("<!-- (.*?) -->", (tmp_path / "both.svg").read_text())
    assert "audio-classification on toy: learning curves" in lines
    assert {"yamnet probe", "classical", "trivial", "240", "training clips (log scale)"} <= set(lines)
    plot(board_of(*learnt(row, (1.0,))), tmp_path / "one.svg")
    assert "learning curves" not in (tmp_path / "one.svg").read_text()
