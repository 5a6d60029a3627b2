"""What is trained is the same each time, and leaves the caller's settings alone."""

import random

import numpy as np
import pytest
import torch

from tlzoo.transfer.repeatable import THREADS, repeatable, state_sha256


def test_threads_kernels_and_random_numbers_are_the_callers_again() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS + 1)
    drawn = []
    for inside in (False, True):
        random.seed(1), np.random.seed(1), torch.manual_seed(1)
        if inside:
            with pytest.raises(KeyError), repeatable():
                assert torch.get_num_threads() == THREADS
                assert torch.are_deterministic_algorithms_enabled()
                random.random(), np.random.rand(), torch.rand(1)
                raise KeyError
        drawn.append((random.random(), np.random.rand(), torch.rand(1).item()))
    assert drawn[0] == drawn[1]
    assert torch.get_num_threads() == THREADS + 1
    assert not torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(before)


def test_the_hash_of_a_state_is_of_names_types_shapes_and_bytes() -> None:
    state = {"b": torch.arange(4.0), "a": torch.tensor([1, 2])}
    same = {"a": torch.tensor([[1, 9], [2, 9]])[:, 0], "b": torch.arange(4.0)}
    assert state_sha256(state) == state_sha256(same), "neither order nor strides count"
    others = (
        state | {"b": torch.arange(4.0).reshape(2, 2)},
        state | {"b": torch.tensor([0.0, 1.0, 2.0, torch.tensor(3.0).nextafter(torch.tensor(4.0)).item()])},
        state | {"a": torch.tensor([1, 2], dtype=torch.int32)},
        {"b": state["b"], "c": state["a"]},
        state | {"c": torch.zeros(0)},
    )
    assert len({state_sha256(each) for each in (state, *others)}) == 6
