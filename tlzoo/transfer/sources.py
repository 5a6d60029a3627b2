"""Several tasks that share one network, learnt together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.utils.data import Sampler

from tlzoo.core.batch import Batch, Example, Row
from tlzoo.core.model import Learner

_SOURCE = "source"
"""Part of an example: the number of the learner that it is of."""


class Together(Learner):
    """Learners of one network, each with data of its own.

    A batch is of one learner, so that batch statistics are never those of two kinds of data; how many each has does not
    depend on how many examples it has.

    Attributes:
        learners: The learners, in the order of the sources.
        shares: Batches of each in a round.
    """

    def __init__(self, learners: Sequence[Learner], shares: Sequence[int]) -> None:
        """Put learners together; modules that they share are trained once."""
        super().__init__()
        self.learners = nn.ModuleList(learners)
        self.shares = tuple(shares)
        self.spec = learners[0].spec

    def _learner(self, number: int) -> Learner:
        learner = self.learners[number]
        assert isinstance(learner, Learner)
        return learner

    def joined(self, examples: Sequence[Sequence[Example]]) -> list[Example]:
        """The examples of all learners as one sequence to train on."""
        return [example | {_SOURCE: number} for number, own in enumerate(examples) for example in own]

    def encode(self, row: Row) -> Example:
        """Not possible: a row does not say whose it is.

        Raises:
            NotImplementedError: Always; each learner encodes its own rows.
        """
        raise NotImplementedError("each learner encodes its own rows")

    def collate(self, examples: Sequence[Example]) -> Batch:
        """A batch of the examples of one learner."""
        number = examples[0][_SOURCE]
        own = [{name: value for name, value in example.items() if name != _SOURCE} for example in examples]
        return self._learner(number).collate(own) | {_SOURCE: number}

    def augment(self, batch: Batch) -> Batch:
        """As the learner of the batch varies it."""
        return self._learner(batch[_SOURCE]).augment(batch)

    def loss(self, batch: Batch) -> Tensor:
        """The loss of the learner of the batch."""
        return self._learner(batch[_SOURCE]).loss(batch)

    def sampler(self, examples: Sequence[Example], size: int, generator: torch.Generator) -> Sampler[int]:
        """Batches of one learner each, in random order."""
        return _Shares([example[_SOURCE] for example in examples], self.shares, size, generator)


class _Shares(Sampler[int]):
    """Batches of one source each, every source its share; the smaller ones are gone through more often."""

    def __init__(self, sources: Sequence[int], shares: Sequence[int], size: int, generator: torch.Generator) -> None:
        self._size, self._generator = size, generator
        numbers = torch.tensor(sources)
        self._places = [torch.nonzero(numbers == number)[:, 0] for number in range(len(shares))]
        self._turns = torch.repeat_interleave(torch.tensor(shares))
        rounds = (len(own) // (size * share) for own, share in zip(self._places, shares, strict=True))
        self._rounds = max(1, *rounds)

    def __len__(self) -> int:
        return self._rounds * len(self._turns) * self._size

    def __iter__(self) -> Iterator[int]:
        streams = [self._stream(places) for places in self._places]
        for _ in range(self._rounds):
            for turn in torch.randperm(len(self._turns), generator=self._generator).tolist():
                for _ in range(self._size):
                    yield next(streams[self._turns[turn]])

    def _stream(self, places: Tensor) -> Iterator[int]:
        while True:
            order = torch.randperm(len(places), generator=self._generator)
            yield from places[order].tolist()
