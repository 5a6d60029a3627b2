import pytest


@pytest.fixture(scope="module", autouse=True)
def nothing_is_prepared(new_cache: None) -> None:
    """Own data are read, and not found in a cache."""
