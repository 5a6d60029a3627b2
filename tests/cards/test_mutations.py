"""Mutated cards: each is read, or refused with its faults; nothing else, and at once."""

from benchmarks import fuzz


def test_a_mutated_card_is_read_or_refused() -> None:
    cases = fuzz.run("cards", range(300))
    assert not [case for case in cases if case.faults]
    outcomes = [case.outcome for case in cases]
    assert outcomes.count("read") > 15 and outcomes.count("refused") > 100
