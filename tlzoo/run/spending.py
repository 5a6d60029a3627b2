"""The money of an evaluation: what models behind an API may cost, and have cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tlzoo.errors import StoppedError

if TYPE_CHECKING:
    from tlzoo.adapters.chat_api.endpoint import RequestEstimate
    from tlzoo.core.model import Usage


class Spending:
    """US dollars that are paid, of a maximum that a person set or did not set."""

    def __init__(self, max_cost: float | None = None) -> None:  # noqa: D107
        self.max_cost, self.paid = max_cost, 0.0

    @property
    def left(self) -> float:
        """US dollars that may still be spent; infinite without a maximum."""
        return math.inf if self.max_cost is None else max(0.0, self.max_cost - self.paid)

    def check(self, estimate: RequestEstimate) -> None:
        """Refuse requests whose price is not known where there is a maximum.

        Raises:
            StoppedError: They may cost money, and how much is not known.
        """
        endpoint = estimate.endpoint
        if self.max_cost is not None and estimate.requests and estimate.cost_usd is None and not endpoint.is_free:
            raise StoppedError(
                f"{endpoint.label}: --max-cost is set, but its price is not known; set TLZOO_OPENAI_PRICE"
            )

    def add(self, usage: Usage | None) -> None:
        """Count what a run paid."""
        self.paid += usage["paid_usd"] if usage else 0.0

    def lose_count(self) -> None:
        """Spend no more under a maximum: a run ended without saying what it had paid."""
        self.paid = math.inf
