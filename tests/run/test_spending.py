"""What models behind an API may cost."""

import math

import pytest

from tlzoo.adapters.chat_api.endpoint import OPENAI_URL, Endpoint, Price, RequestEstimate
from tlzoo.core.model import Usage
from tlzoo.errors import StoppedError
from tlzoo.run.spending import Spending


def usage(paid: float) -> Usage:
    return Usage(
        requests=1, cached=0, prompt_tokens=1, completion_tokens=1, cost_usd=9.0, served="m", paid_usd=paid
    )  # fmt: skip


def estimate(url: str, price: Price | None, requests: int = 3) -> RequestEstimate:
    return RequestEstimate(Endpoint(url, "m", False, price), requests, 0, 10, 10)


def test_without_a_maximum_nothing_ends_it() -> None:
    spending = Spending()
    spending.add(usage(1e6))
    spending.check(estimate(OPENAI_URL, None))
    assert spending.left == math.inf and spending.paid == 1e6


def test_what_was_paid_is_gone_and_cached_answers_cost_nothing() -> None:
    spending = Spending(1.0)
    spending.add(None)
    spending.add(usage(0.4))
    assert spending.left == pytest.approx(0.6)
    spending.add(usage(5.0))
    assert spending.left == 0


def test_where_nobody_knows_what_was_paid_nothing_is_left() -> None:
    spending = Spending(1.0)
    spending.lose_count()
    assert spending.left == 0


def test_with_a_maximum_a_price_has_to_be_known() -> None:
    spending = Spending(1.0)
    with pytest.raises(StoppedError, match=r"m at api\.openai\.com: --max-cost is set, but its price is not known"):
        spending.check(estimate(OPENAI_URL, None))
    spending.check(estimate(OPENAI_URL, Price(1, 1)))
    spending.check(estimate(OPENAI_URL, None, requests=0))
    spending.check(estimate("http://127.0.0.1:1/v1", None))
