from pathlib import Path

import pytest

from tests.data.kinds.all import KINDS
from tests.data.kinds.kind import Kind

pytestmark = pytest.mark.usefixtures("new_cache")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.task}: {kind.name}")
def test_it_is_read_or_refused_in_one_line(kind: Kind, tmp_path: Path) -> None:
    (folder := tmp_path / "data").mkdir()
    assert not kind.outcome(folder).fault(kind)


def test_each_kind_says_what_is_expected() -> None:
    assert all(bool(kind.reads) != bool(kind.refuses) for kind in KINDS)
    assert len({(kind.task, kind.name) for kind in KINDS}) == len(KINDS)
