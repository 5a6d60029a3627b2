"""A row of a data set that is rendered or dealt out depends on the seed, its split and its index only."""

from collections.abc import Callable
from inspect import signature

import pytest
from datasets import DatasetDict

from tests.support.prepared import available, begin, sizes
from tlzoo.data.packaged.digits import digits
from tlzoo.data.packaged.textures import textures
from tlzoo.data.protocol import SPLITS
from tlzoo.data.rendered.drawn_faces import drawn_faces
from tlzoo.data.rendered.drawn_people import mannequins
from tlzoo.data.rendered.faces import faces
from tlzoo.data.rendered.letters import letters
from tlzoo.data.rendered.motion_classes import digit_motions
from tlzoo.data.rendered.moving_mnist import moving_digits
from tlzoo.data.rendered.people import figures
from tlzoo.data.rendered.pitches import pitches
from tlzoo.data.rendered.scenes import digit_scenes, letter_scenes, sprite_masks
from tlzoo.data.rendered.speech import spoken_digits, spoken_voices
from tlzoo.data.rendered.spoken_numbers import spoken_numbers
from tlzoo.data.rendered.tones import tones

Counts = tuple[int, ...]


@pytest.mark.parametrize(
    ("make", "more", "fewer"),
    [
        (drawn_faces, (30, 4), (4, 2)),
        (mannequins, (24, 4), (3, 1)),
        (letters, (148, 37), (6, 0)),
        (letter_scenes, (40, 10), (5, 3)),
        (sprite_masks, (40, 10), (5, 3)),
        (tones, (144, 36), (20, 5)),
        (faces, (20, 5, 10), (7, 0, 3)),
        (figures, (24, 4, 12), (3, 0, 2)),
        (digit_scenes, (40, 10, 20), (10, 0, 0)),
        (digit_motions, (25, 8, 16), (24, 8, 16)),
        (moving_digits, (4, 2, 2), (2, 1, 1)),
        (pitches, (13, 4, 8), (12, 4, 8)),
        (spoken_digits, (100, 30, 100), (20, 5, 5)),
        (spoken_voices, (60, 20, 60), (20, 0, 0)),
        (spoken_numbers, (90, 30, 60), (3, 1, 2)),
        (digits, (800, 200, 1000), (30, 0, 7)),
        (textures, (800, 200, 730), (15, 0, 12)),
    ],
)
def test_fewer_rows_are_the_first_of_more_and_of_another_seed_others(
    make: Callable[..., DatasetDict], more: Counts, fewer: Counts
) -> None:
    def made(seed: int, counts: Counts) -> DatasetDict:
        by_split = "train" in signature(make).parameters
        options = dict(zip(SPLITS, counts, strict=False)) if by_split else {"sizes": counts}
        return available(make, seed=seed, **options)

    whole, first, other = made(0, more), made(0, fewer), made(1, fewer)
    assert begin(first, whole) and tuple(sizes(first).values()) == fewer
    assert all(rows.features == whole[split].features for split, rows in first.items())
    assert other["train"].remove_columns("id").to_list() != first["train"].remove_columns("id").to_list()
