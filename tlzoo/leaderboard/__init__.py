"""Results: schema, store, statistics, ranking, rendering; pyarrow and numpy only."""

from __future__ import annotations

from typing import Literal

Format = Literal["table", "md", "csv", "json", "html"]
"""Forms in which a board is printed."""
