"""Photographs from installed packages, assigned so that no two splits share one, nor a source and a target data set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tlzoo.blobs import Blob, fetch
from tlzoo.data.media.image import decode


def _scikit_image(name: str, sha256: str) -> Blob:
    return Blob(name, (f"pypi:scikit-image==0.25.2/skimage/data/{name}",), sha256)


def _scikit_learn(name: str, sha256: str) -> Blob:
    return Blob(name, (f"pypi:scikit-learn==1.7.2/sklearn/datasets/images/{name}",), sha256)


PHOTOGRAPHS: dict[str, tuple[Blob, ...]] = {
    "train": (
        _scikit_image("brick.png", "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf"),
        _scikit_image("coffee.png", "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7"),
        _scikit_image("grass.png", "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89"),
        _scikit_image("hubble_deep_field.jpg", "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4"),
        _scikit_image("ihc.png", "f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef"),
        _scikit_image("motorcycle_left.png", "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179"),
    ),
    "validation": (
        _scikit_image("cell.png", "8d23a7fb81f7cc877cd09f330357fc7f595651306e84e17252f6e0a1b3f61515"),
        _scikit_image("retina.jpg", "38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6"),
    ),
    "test": (
        _scikit_image("chelsea.png", "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb"),
        _scikit_image("gravel.png", "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12"),
        _scikit_image("moon.png", "78739619d11f7eb9c165bb5d2efd4772cee557812ec847532dbb1d92ef71f577"),
        _scikit_image("rocket.jpg", "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c"),
    ),
}
"""Grounds of the target data sets' splits, without people (and without the coins, which show heads)."""

SOURCE_PHOTOGRAPHS: dict[str, tuple[Blob, ...]] = {
    "train": (
        _scikit_image("astronaut.png", "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5"),
        _scikit_image("text.png", "bd84aa3a6e3c9887850d45d606c96b2e59433fbef50338570b63c319e668e6d1"),
        _scikit_learn("china.jpg", "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29"),
    ),
    "validation": (
        _scikit_image("camera.png", "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a"),
        _scikit_learn("flower.jpg", "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638"),
    ),
}
"""Grounds of the source data sets' splits. China is by danielbuechele, the flower by vultilion (Flickr, CC BY 2.0)."""

COINS = _scikit_image("coins.png", "f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba")
PAGE = _scikit_image("page.png", "341a6f0a61557662b02734a9b6e56ec33a915b2c41886b97509dedf2a43b47a3")


def name_of(photograph: Blob) -> str:
    """Name of a photograph, such as ``"brick"``."""
    return photograph.name.partition(".")[0]


def pixels(photograph: Blob, mode: str = "RGB") -> NDArray[np.float32]:
    """Read a photograph.

    Args:
        photograph: One of this module's.
        mode: ``RGB`` or ``L`` (grey).

    Returns:
        Values from 0 to 255, of shape ``(height, width, 3)``, or ``(height, width)`` where grey.

    Raises:
        UnavailableError: The wheel that carries it is not available.
    """
    return np.asarray(decode({"bytes": None, "path": str(fetch(photograph))}).convert(mode), np.float32)


def regions(split: str, mode: str = "RGB") -> dict[str, NDArray[np.float32]]:
    """The quarters of each of a split's :data:`PHOTOGRAPHS`, which do not overlap, by names such as ``brick-0-1``.

    What is set into one region is a unit: photographs alone would be too few for an interval.

    Args:
        split: ``train``, ``validation`` or ``test``: 24, 8 and 16 regions.
        mode: As of :func:`pixels`.

    Returns:
        Values from 0 to 255, by photograph, row and column.
    """
    parts = {}
    for blob in PHOTOGRAPHS[split]:
        for row, half in enumerate(np.array_split(pixels(blob, mode), 2)):
            for column, quarter in enumerate(np.array_split(half, 2, axis=1)):
                parts[f"{name_of(blob)}-{row}-{column}"] = quarter
    return parts


def source_grounds() -> dict[str, list[NDArray[np.float32]]]:
    """The photographs of each split of the source data sets, which their grounds are cut from."""
    return {split: [pixels(blob) for blob in blobs] for split, blobs in SOURCE_PHOTOGRAPHS.items()}
