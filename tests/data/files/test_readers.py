from pathlib import Path

import pytest

from tlzoo.data.files.readers import title


def test_data_are_called_by_their_own_name_and_never_by_their_owners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "marie-curie"
    (home / "reviews").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    for name in ("reviews/train.csv", "reviews.csv"):
        (home / name).touch()
    assert title(home / "reviews") == "reviews"
    assert title(home / "reviews" / "train.csv") == "reviews-train"
    assert title(home / "reviews.csv") == "reviews"
