import re

import pytest

from tlzoo.cards import catalogue
from tlzoo.cards.render import markdown, table, text


@pytest.mark.parametrize("width", [60, 80, 100, 130, 200])
def test_the_list_fits_and_names_what_it_hides(width: int) -> None:
    files = list(catalogue.card_files())
    shown = table(files, width)
    assert max(map(len, shown.splitlines())) <= width
    for file in files:
        params = file.card.default.params
        assert params is None or f"{params / 1e6:.2f}" in shown.split(), file.card.id
    if width == 100:
        assert "1 column hidden (variants); --wide shows it" in shown
    elif width <= 80:
        assert "2 columns hidden (formats, variants); --wide shows them" in shown
    else:
        assert all(word in shown for word in ("licence", "variants", "lightning, thunder, lightning-int8, nano"))
    if width >= 80:
        assert "cc-by-nc-4.0" in shown and "agpl-3.0" in shown


def test_without_a_terminal_the_list_is_whole() -> None:
    shown = table(list(catalogue.card_files()))
    assert "hidden" not in shown and "small-kinetics, base-kinetics, base, nano" in shown


@pytest.mark.parametrize("card", [file.card.id for file in catalogue.card_files()])
def test_a_card_is_broken_between_words_and_loses_none(card: str) -> None:
    file = catalogue.get_file(card)
    shown = text(file, 80)
    assert shown.split() == text(file).split()
    for line in shown.splitlines():
        assert len(line) <= 80 or " " not in line.strip(), line


def test_paragraphs_are_filled_code_is_left_and_facts_are_said_once() -> None:
    shown = text(catalogue.get_file("yamnet"), 80)
    assert re.search(r"^## When not to\nDo not choose it .{50,}\n", shown, re.MULTILINE)
    assert "\n  booktitle = {ICASSP},\n  year      = {2017}\n}\n```" in shown
    page = markdown(catalogue.get_file("yamnet"))
    assert page.count("3,729,481 parameters") == 1
