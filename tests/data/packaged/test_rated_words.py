from collections import Counter
from collections.abc import Callable

import pytest

from tests.support.prepared import share_nothing, sizes
from tlzoo.data.dataset import Prepared
from tlzoo.data.packaged.rated_words import beginning
from tlzoo.data.published import published

FORMS = (
    "abuse abused abuser abuses abusing abusive",
    "hate hated hateful hates hating",
    "cry crying cried cries",
    "sad sadder saddest sadly sadness",
    "happy happier happily happiness",
    "lied lies lying",
    "good best better",
    "bad badly worse worst",
    "lose losing lost losses",
    "fight fought",
    "win winner winning wins",
)


@pytest.fixture(scope="module")
def data(drawn: Callable[..., Prepared]) -> Prepared:
    return drawn("vader-words")


def test_sizes_classes_and_ratings(data: Prepared) -> None:
    assert sizes(data.splits) == {"train": 800, "validation": 200, "test": 1000}
    classes = data.features["label"].names
    assert classes == ["negative", "positive"]
    assert all(count / len(rows) > 0.35 for rows in data.splits.values() for count in Counter(rows["label"]).values())
    whole = published("vader-words")["train"]
    rated = {row["text"]: classes[row["label"]] for row in whole}
    assert len(rated) == len(whole) == 5287
    assert (rated["murder"], rated["joy"]) == ("negative", "positive")
    assert "despair" not in rated and "inhibitor" not in rated  # -1.3 with a deviation of 1.9, and -0.3
    assert all(classes[row["label"]] == rated[row["text"]] for row in data.splits["test"])


def test_forms_of_a_word_are_on_one_side(data: Prepared) -> None:
    assert share_nothing(data.splits)
    group = {row["text"]: row["group"] for row in published("vader-words")["train"]}
    for forms in FORMS:
        known = [form for form in forms.split() if form in group]
        assert len(known) > 1 and len({group[form] for form in known}) == 1, forms
    assert len(set(group.values())) > 900
    assert len(set(data.test_groups())) > 100


def test_a_word_within_others_is_their_beginning() -> None:
    words = {"sad", "sadly", "rough"}
    assert beginning("sadly", words) == beginning("sad", words) == "sad"
    assert beginning("rough", words) == "roug"
