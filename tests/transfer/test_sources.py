from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from tlzoo.core.batch import Batch, Example, Row, Spec
from tlzoo.core.model import Learner
from tlzoo.transfer.loop import fit
from tlzoo.transfer.recipe import Recipe
from tlzoo.transfer.sources import Together


class Line(Learner):
    """Learns that a shared slope times x is its own factor times x."""

    spec = Spec("text")

    def __init__(self, shared: nn.Linear, factor: float) -> None:
        super().__init__()
        self.shared, self.factor = shared, factor

    def encode(self, row: Row) -> Example:
        return {"x": torch.tensor([row["x"]])}

    def loss(self, batch: Batch) -> Tensor:
        assert set(batch) >= {"x"}
        return ((self.shared(batch["x"]) - self.factor * batch["x"]) ** 2).mean()


def together(
    factors: tuple[float, ...] = (1.0, 3.0), sizes: tuple[int, ...] = (40, 10), shares: tuple[int, ...] = (1, 1)
) -> tuple[Together, Any]:
    shared = nn.Linear(1, 1, bias=False)
    lines = [Line(shared, factor) for factor in factors]
    rows = [[line.encode({"x": float(1 + i % 2)}) for i in range(n)] for line, n in zip(lines, sizes, strict=True)]
    model = Together(lines, shares)
    return model, model.joined(rows)


def test_a_batch_is_of_one_source_and_each_has_an_equal_share() -> None:
    model, examples = together()
    generator = torch.Generator().manual_seed(0)
    sampler = model.sampler(examples, 5, generator)
    batches = list(DataLoader(examples, 5, sampler=sampler, collate_fn=model.collate))  # type: ignore[arg-type]
    assert [batch["source"] for batch in batches].count(0) == [batch["source"] for batch in batches].count(1) == 8
    assert all(batch["x"].shape == (5, 1) for batch in batches)
    order = list(model.sampler(examples, 5, torch.Generator().manual_seed(0)))
    large = [place for place in order if place < 40]
    assert sorted(large) == list(range(40)), "the largest is gone through once"
    assert len(order) == len(sampler)


def test_a_source_of_three_shares_has_three_batches_to_one_of_another() -> None:
    model, examples = together(shares=(3, 1))
    sampler = model.sampler(examples, 5, torch.Generator().manual_seed(0))
    batches = list(DataLoader(examples, 5, sampler=sampler, collate_fn=model.collate))  # type: ignore[arg-type]
    sources = [batch["source"] for batch in batches]
    assert sources.count(0) == 3 * sources.count(1) == 6, (
        "two rounds, in which the ten of the second are all gone through"
    )
    assert len(sampler) == len(examples[:40])


def test_two_sources_pull_a_shared_network_to_their_middle() -> None:
    model, examples = together()
    shared = model.learners[0].shared
    fit(model, examples, lambda _: 0.0, Recipe(200, (0.05,), batch_size=5, looks=1, max_norm=1e9), 0, progress=False)
    assert float(shared.weight.detach()) == pytest.approx(2.0, abs=0.3), "though one has four times as many examples"


def test_a_row_alone_does_not_say_whose_it_is() -> None:
    with pytest.raises(NotImplementedError):
        together()[0].encode({"x": 1.0})
