"""Drawn things, seen in many ways: what nano models of images are pretrained on.

The drawings are Kenney's (kenney.nl, CC0), of which the wheel of arcade carries some hundreds. The wheel is read as an
archive and never installed or imported.
"""

from __future__ import annotations

import fnmatch
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import DatasetDict
from PIL import Image

from tlzoo.blobs import Blob, fetch
from tlzoo.data.dataset import class_features, table
from tlzoo.data.image import encode_png
from tlzoo.data.pasting import Pixels, finished, ground, paste, recoloured, turned
from tlzoo.data.photographs import SOURCE_PHOTOGRAPHS, pixels

WHEEL = Blob(
    "arcade-3.3.3-py3-none-any.whl",
    ("pypi:arcade==3.3.3",),
    "25f4e0e5b8bcbe7a7d087c0a23b19e9f423b0c70ec00945c8712c9a3e541ebd2",
    bytes=42_669_158,
)
"""Pinned as a whole, since hundreds of its members are used."""

FOLDER = "arcade/resources/assets/images/"

LARGEST = 112
"""Drawings are kept at most so large, in pixels a side; none is pasted larger."""

SPLITS = ("train", "validation")
SIDE = 64
"""Height and width of a picture of :func:`sprites`, in pixels."""


@dataclass(frozen=True)
class Kind:
    """A class of drawings.

    Attributes:
        coarse: The class that it belongs to in scenes, or empty where it does not occur there.
        patterns: Which files of the wheel's folder show it, as ``fnmatch`` reads them.
    """

    coarse: str
    patterns: tuple[str, ...]


KINDS: dict[str, Kind] = {
    "alien": Kind("character", ("alien/*",)),
    "block": Kind("block", ("tiles/boxCrate*", "tiles/brickBrown*", "tiles/brickGrey*", "tiles/lock*")),
    "card back": Kind("card", ("cards/cardBack*",)),
    "clubs": Kind("card", ("cards/cardClubs*",)),
    "coin": Kind("item", ("items/coin[BS]*", "items/coinGold.png", "items/gold_[123]*")),
    "diamonds": Kind("card", ("cards/cardDiamonds*",)),
    "dirt": Kind("block", ("tiles/dirt*",)),
    "female adventurer": Kind("character", ("animated_characters/female_adventurer/*",)),
    "female person": Kind("character", ("animated_characters/female_person/*",)),
    "fish": Kind("creature", ("enemies/fish*",)),
    "flag": Kind("item", ("items/flag*",)),
    "frog": Kind("creature", ("enemies/frog*",)),
    "gem": Kind("item", ("items/gem*",)),
    "grass": Kind("block", ("tiles/grass[!_]*",)),
    "hearts": Kind("card", ("cards/cardHearts*",)),
    "insect": Kind("creature", ("enemies/bee*", "enemies/fly*", "enemies/ladybug*")),
    "key": Kind("item", ("items/key*",)),
    "lever": Kind("", ("tiles/lever*",)),
    "male adventurer": Kind("character", ("animated_characters/male_adventurer/*",)),
    "male person": Kind("character", ("animated_characters/male_person/*",)),
    "meteor": Kind("", ("space_shooter/meteor*",)),
    "planet": Kind("block", ("tiles/planet*",)),
    "plant": Kind("", ("tiles/bush*", "tiles/cactus*", "tiles/grass_*", "tiles/mushroom*", "tiles/plant*")),
    "robot": Kind("character", ("animated_characters/robot/*",)),
    "sand": Kind("block", ("tiles/sand*",)),
    "ship": Kind("vehicle", ("space_shooter/player*",)),
    "sign": Kind("", ("tiles/sign*",)),
    "slime": Kind("creature", ("enemies/slimeBlue*", "enemies/slimeGreen*", "enemies/slimePurple*")),
    "snow": Kind("block", ("tiles/snow[!_]*",)),
    "spades": Kind("card", ("cards/cardSpades*",)),
    "stone": Kind("block", ("tiles/stone*",)),
    "switch": Kind("", ("tiles/switch*",)),
    "tank": Kind("vehicle", ("topdown_tanks/tank_*", "topdown_tanks/tankBody*")),
    "torch": Kind("", ("tiles/torch*",)),
    "tree": Kind("", ("topdown_tanks/tree*",)),
    "worm": Kind("creature", ("enemies/worm*",)),
    "zombie": Kind("character", ("animated_characters/zombie/*",)),
}
"""The 37 classes."""

NAMES = tuple(KINDS)
COARSE = tuple(sorted({kind.coarse for kind in KINDS.values() if kind.coarse}))
"""The classes of scenes: block, card, character, creature, item, vehicle."""

FEATURES = class_features("image", NAMES)
"""``group`` is the drawing."""

Drawing = tuple[str, Image.Image]
"""File in the wheel's folder, and picture of mode RGBA without transparent margins."""


def drawings(seed: int = 0) -> dict[str, dict[str, list[Drawing]]]:
    """Read all drawings and part them: a quarter of each class, and at least one, is for validation.

    Poses of one character are drawings of their own, so what is in validation may be much like what is in training.

    Args:
        seed: Decides which.

    Returns:
        For each split, the drawings of each class; equal pictures are kept once.

    Raises:
        UnavailableError: The wheel of arcade 3.3.3 cannot be had.
    """
    parted: dict[str, dict[str, list[Drawing]]] = {split: {} for split in SPLITS}
    seen: set[bytes] = set()
    with zipfile.ZipFile(fetch(WHEEL)) as wheel:
        files = sorted(name.removeprefix(FOLDER) for name in wheel.namelist() if name.startswith(FOLDER))
        for number, (name, kind) in enumerate(KINDS.items()):
            found = []
            for file in files:
                if any(fnmatch.fnmatchcase(file, pattern) for pattern in kind.patterns):
                    picture = _trimmed(wheel.read(FOLDER + file))
                    content = picture.tobytes() + bytes(str(picture.size), "ascii")
                    if content not in seen:
                        seen.add(content)
                        found.append((file, picture))
            order = np.random.default_rng((seed, 2, number)).permutation(len(found))
            kept = max(1, len(found) // 4)
            parted["validation"][name] = [found[i] for i in order[:kept]]
            parted["train"][name] = [found[i] for i in order[kept:]]
    return parted


def source_grounds() -> dict[str, list[Pixels]]:
    """The photographs of each split, which the grounds are cut from."""
    return {split: [pixels(blob) for blob in blobs] for split, blobs in SOURCE_PHOTOGRAPHS.items()}


def sprites(seed: int = 0, sizes: tuple[int, int] = (3000, 300)) -> DatasetDict:
    """Render one drawing a picture: turned, mirrored, recoloured, 28-62 of 64 pixels large, anywhere on any ground.

    A row is a pure function of seed, split and index; classes are balanced in every beginning, to within one row.

    Args:
        seed: Of all that is drawn.
        sizes: Rows of train and validation.

    Returns:
        Splits ``train`` and ``validation``, rows as in ``FEATURES``. No drawing or photograph is in both.

    Raises:
        UnavailableError: A wheel (of arcade 3.3.3, scikit-image 0.25.2, scikit-learn 1.7.2) cannot be had.
    """
    parted, grounds = drawings(seed), source_grounds()
    splits = {}
    for split, size in zip(SPLITS, sizes, strict=True):
        rows = list(_rows(split, size, seed, parted[split], grounds[split]))
        splits[split] = table(FEATURES, {column: [row[column] for row in rows] for column in FEATURES})
    return DatasetDict(splits)


def _rows(
    split: str, size: int, seed: int, parted: Mapping[str, Sequence[Drawing]], photographs: Sequence[Pixels]
) -> Iterator[dict[str, Any]]:
    stream = SPLITS.index(split)
    for index in range(size):
        pack, place = divmod(index, len(NAMES))
        label = int(np.random.default_rng((seed, stream, 0, pack)).permutation(len(NAMES))[place])
        rng = np.random.default_rng((seed, stream, 1, index))
        choices = parted[NAMES[label]]
        file, drawing = choices[int(rng.integers(len(choices)))]
        canvas = ground(rng, photographs, SIDE, SIDE)
        cutout = recoloured(rng, turned(rng, drawing, int(rng.integers(28, 63))))
        height, width = cutout.size
        paste(canvas, cutout, int(rng.integers(SIDE - width + 1)), int(rng.integers(SIDE - height + 1)))
        name = f"sprites/{split}/{seed}/{index:04}"
        png = encode_png(finished(rng, canvas))
        yield {"image": {"bytes": png, "path": f"{name}.png"}, "label": label, "group": file, "id": name}


def _trimmed(content: bytes) -> Image.Image:
    with Image.open(io.BytesIO(content)) as image:
        whole = image.convert("RGBA")
    whole = whole.crop(whole.getchannel("A").getbbox())
    whole.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    return whole
