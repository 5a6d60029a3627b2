from collections.abc import Callable

import pytest
from datasets import DatasetDict

from tests.support.prepared import are_apart, available
from tlzoo.data.dataset import Prepared
from tlzoo.data.packaged.rated_pairs import FEATURES, lee, wordsim

SIZES = {
    "lee": {"train": 136, "validation": 36, "test": 276},
    "wordsim": {"train": 128, "validation": 50, "test": 174},
}


@pytest.fixture(scope="module", params=[lee, wordsim], ids=lambda make: make.__name__)
def pairs(request: pytest.FixtureRequest) -> tuple[str, DatasetDict]:
    return request.param.__name__, available(request.param)


def texts(rows: DatasetDict, split: str) -> set[str]:
    return {text.lower() for name in ("sentence1", "sentence2") for text in rows[split][name]}


def test_sizes_features_and_scores(pairs: tuple[str, DatasetDict]) -> None:
    name, data = pairs
    assert {split: len(rows) for split, rows in data.items()} == SIZES[name]
    assert all(rows.features == FEATURES for rows in data.values())
    assert all(0 <= score <= 1 for rows in data.values() for score in rows["score"])
    assert are_apart([name] for rows in data.values() for name in rows["id"])


@pytest.mark.parametrize("make", [lee, wordsim])
@pytest.mark.parametrize("seed", [0, 1])
def test_no_text_is_on_two_sides(make: Callable[..., DatasetDict], seed: int) -> None:
    data = available(make, seed=seed)
    assert are_apart(texts(data, split) for split in data)
    assert are_apart({name for group in rows["group"] for name in group.split("\x1f")} for rows in data.values())


def test_the_files_are_read_as_they_are_meant() -> None:
    story = {row["id"]: row for rows in available(lee).values() for row in rows}
    assert any("£3,000 satelite" in row["sentence1"] for row in story.values())

    def shared(rows: list[dict[str, str]]) -> float:
        words = [[{w for w in row[n].split() if len(w) > 5} for n in ("sentence1", "sentence2")] for row in rows]
        return sum(len(a & b) for a, b in words) / len(words)

    alike, unlike = ([r for r in story.values() if low <= r["score"] <= high] for low, high in ((0.75, 1), (0, 0.05)))
    assert shared(alike) > 5 * shared(unlike)
    word = {row["id"]: row["score"] for rows in available(wordsim).values() for row in rows}
    assert word["wordsim-tiger-tiger"] == 1
    assert word["wordsim-money-cash"] == pytest.approx((0.915 + 0.908) / 2), "it was rated twice"
    assert len(word) == 352


def test_a_lee_interval_resamples_stories_and_a_wordsim_one_what_hangs_together() -> None:
    news, words = Prepared(available(lee)), Prepared(available(wordsim))
    assert len({name for group in news.test_groups() for name in group.split("\x1f")}) == 24
    assert 50 < len(set(words.test_groups())) < len(words.test_groups())
