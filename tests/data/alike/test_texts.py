import pytest

from tlzoo.data.alike.texts import plain


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Yes!", "yes"),
        ("  A  good\tfilm.", "a good film"),
        ("\u201cHi\u201d, he said \u2014 ok\u2026", '"hi" he said ok'),
        ("\uff26\uff55\uff4c\uff4c", "full"),
        ("well-known", "Well known"),
        ("It\u2019s", "it's"),
        ("stra\u00dfe", "STRASSE"),
    ],
)
def test_the_same_text(one: str, other: str) -> None:
    assert plain(one) == plain(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C", "C#"),
        ("C", "C++"),
        ("1.5", "15"),
        ("-5", "5"),
        ("we're", "were"),
        (":-)", ":-("),
        ("!", "?"),
        ("5 > 3", "5 < 3"),
    ],
)
def test_other_texts(one: str, other: str) -> None:
    assert plain(one) != plain(other)
