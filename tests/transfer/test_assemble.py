"""Official weights of which a card's author knows the hash are read as strangers' files all the same."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import samples
from tests.support.mutations import BYTES, mutated
from tests.support.prepared import refused
from tlzoo.adapters.weights import resolve
from tlzoo.cards import catalogue
from tlzoo.errors import InputError
from tlzoo.transfer.assemble import assemble


@pytest.mark.parametrize(("card", "name"), [("yamnet", "a.tflite"), ("crepe", "a.pt"), ("openl3", "a.h5.gz")])
def test_other_or_damaged_files_are_refused_in_a_line(card: str, name: str, tmp_path: Path) -> None:
    path = samples.weights(tmp_path)[name]
    none = resolve(catalogue.get(card), "none")
    checkpoint = replace(none, tier="official", files=((name, str(path)),))
    with refused(f"{name}: "):
        assemble(checkpoint)
    content = path.read_bytes()
    for number in range(20):
        path.write_bytes(mutated(content, random.Random(number), BYTES, [content]))
        with pytest.raises(InputError, match=f"{name}: "):
            assemble(checkpoint)
