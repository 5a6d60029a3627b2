"""``--card ID``: of the tests of every card, only those of this one."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--card", action="append", help="a card's id; leave out the tests of all other cards")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("--card", default=None)
    if not wanted:
        return

    def is_other(item: pytest.Item) -> bool:
        params = item.callspec.params if hasattr(item, "callspec") else {}
        about = params.get("file") or params.get("subject")
        return about is not None and about.card.id not in wanted

    others = [item for item in items if is_other(item)]
    items[:] = [item for item in items if not is_other(item)]
    config.hook.pytest_deselected(items=others)
