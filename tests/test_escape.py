import re

import pytest

from tlzoo import escape

HOSTILE = """<script>alert(1)</script>
![seen](https://example.org/pixel.png) and [here](javascript:alert(1)) @someone
<img src=x onerror=alert(1)> &lt;b&gt;
https://example.org www.example.org someone@example.org
| a | b |
===
1. one
</details>
`code <b>` and a ` that is alone `` two
# Heading <i>x</i>
  - item **bold**
~~~html
<b>
\u202eright to left\x1b[31m
```html
<script>in a block</script>
````
more
``` """


def bare(shown: str) -> str:
    """What is left of Markdown when escaped characters, blocks and spans of code are taken out."""
    outside = re.sub(r"^(`{3,}).*?^\1$", "", shown, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`]*`", "", re.sub(r"\\.", "", outside))


def test_nothing_hostile_is_left() -> None:
    shown = bare(escape.prose(HOSTILE))
    for mark in "<>&[]()!*_~|=":
        assert mark not in shown, mark
    assert "://" not in shown and "www." not in shown
    assert "\u202e" not in shown and "\x1b" not in shown
    assert "@s" not in shown


def test_headings_lists_and_code_are_kept() -> None:
    shown = escape.prose(HOSTILE)
    assert "### Heading \\<i\\>x" in shown
    assert "`code <b>` and a" in shown
    assert "  - item " in shown


@pytest.mark.parametrize("value", ["a\nb", "<b>", "a|b", "`x`", "\u202e", 5, None])
def test_a_text_is_one_line(value: object) -> None:
    assert "\n" not in escape.text(value)
    assert not set("<>|`") & set(bare(escape.text(value)))


def test_a_block_cannot_be_left() -> None:
    shown = escape.fenced("a\n```\n````\nb").splitlines()
    assert shown[0] == "`````text" and shown[-1] == "`````"


def test_long_texts_are_cut() -> None:
    assert len(escape.text("a" * 10_000)) < 2_100
