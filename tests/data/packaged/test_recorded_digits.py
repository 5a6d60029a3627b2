from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from tests.support.prepared import are_apart, sizes
from tlzoo.data.dataset import Prepared
from tlzoo.data.media.audio import decode
from tlzoo.data.published import published


@pytest.fixture(scope="module")
def data(drawn: Callable[..., Prepared]) -> Prepared:
    return drawn("fsdd")


def test_the_test_is_the_first_takes_and_speakers_are_its_units(data: Prepared) -> None:
    assert sizes(data.splits) == {"train": 800, "validation": 200, "test": 300}
    assert data.available == {"train": 2500, "validation": 200, "test": 300}
    for split, rows in data.splits.items():
        assert set(Counter(rows["label"][:]).values()) == {len(rows) // 10}
        takes = {int(name.rpartition("_")[2]) for name in rows["id"]}
        assert takes <= set(range(5)) if split == "test" else min(takes) >= 5
    assert set(data.test_groups()) == {"george", "jackson", "lucas", "nicolas", "theo", "yweweler"}
    assert are_apart(rows["id"][:] for rows in data.splits.values())


def test_names_say_who_says_what_and_sounds_can_be_heard(data: Prepared) -> None:
    whole = published("fsdd")
    assert sizes(whole) == {"train": 2700, "test": 300}
    for split, takes in (("train", 45), ("test", 5)):
        said = zip(whole[split]["label"][:], whole[split]["group"][:], strict=True)
        assert set(Counter(said).values()) == {takes}
    for row in data.splits["test"].select(range(20)):
        digit, speaker, _ = row["id"].split("_")
        assert (data.features["label"].names[row["label"]], row["group"]) == (digit, speaker)
        sound = decode(row["audio"], 8_000)
        assert 0.1 < len(sound) / 8_000 < 2.5 and np.abs(sound).max() > 0.01
