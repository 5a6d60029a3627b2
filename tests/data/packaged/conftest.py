"""Data sets of published files, which are made from the data beside the checkout, or fetched from a registry."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.shared import MIRRORS
from tlzoo.data.catalogue import find, load
from tlzoo.data.dataset import Prepared
from tlzoo.data.named import DATASETS
from tlzoo.data.protocol import VTAB, Limits
from tlzoo.errors import UnavailableError


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Prepared]]:
    """Draws a named data set anew, in a cache of its own where its files lie beside the checkout."""
    with pytest.MonkeyPatch.context() as patch:

        def draw(name: str, limits: Limits = VTAB) -> Prepared:
            if name in MIRRORS:
                scratch = tmp_path_factory.mktemp(name)
                patch.setenv("TLZOO_MIRROR", str(MIRRORS[name](scratch)))
                patch.setenv("TLZOO_CACHE", str(scratch / "cache"))
            try:
                return load(find(DATASETS[name].task, name, limits))
            except UnavailableError as error:
                pytest.skip(str(error))

        yield draw
