import numpy as np
import pytest
from datasets import DatasetDict

from tlzoo.data.media.image import decode
from tlzoo.data.packaged.nuclei import FEATURES, TILE
from tlzoo.data.rendered.pretraining.cells import Cell, coloured, drawn_cells, scattered
from tlzoo.tasks.image_segmentation import Segmentation

SMALL = (12, 6)


@pytest.fixture(scope="module")
def data() -> DatasetDict:
    return drawn_cells(sizes=SMALL)


def test_distances_are_those_of_an_ellipse() -> None:
    inside = Cell(30.0, 52.5, 20.0, 8.0, np.pi / 6).distances(TILE) < 1
    for y, x in ((52, 29), (40, 17), (61, 46), (59, 26), (45, 33), (70, 30), (90, 90)):
        right, down = x + 0.5 - 30.0, y + 0.5 - 52.5
        u, v = right * 3**0.5 / 2 + down / 2, down * 3**0.5 / 2 - right / 2
        assert inside[y, x] == ((u / 20) ** 2 + (v / 8) ** 2 < 1), (y, x)
    assert inside.sum() == pytest.approx(np.pi * 20 * 8, rel=0.02)
    rows, columns = np.nonzero(inside)
    assert abs(columns.mean() + 0.5 - 30) < 0.2 and abs(rows.mean() + 0.5 - 52.5) < 0.2
    tilt = np.linalg.eigh(np.cov(columns, rows))[1][:, 1]  # of the longer axis
    assert abs(tilt[1] / tilt[0]) == pytest.approx(3**-0.5, rel=0.05) and tilt[1] / tilt[0] > 0


def test_waves_deform_the_outline_as_they_say() -> None:
    far = Cell(48.0, 48.0, 20.0, 20.0, 0.0, ((0.25, 0.0),)).distances(TILE)
    assert (far < 1)[48].sum() == 50 and (far < 1)[:, 48].sum() == 30  # twice around: longer along x, shorter along y


def test_rows(data: DatasetDict) -> None:
    assert {split: len(rows) for split, rows in data.items()} == {"train": 12, "validation": 6}
    for rows in data.values():
        assert rows.features == FEATURES
        Segmentation(rows.features)
        assert len(set(rows["id"])) == len(rows)
        for row in rows:
            picture, mask = np.asarray(decode(row["image"])), np.asarray(decode(row["mask"]))[..., 0]
            assert picture.shape == (TILE, TILE, 3) and mask.shape == (TILE, TILE)
            assert (picture == picture[..., :1]).all()  # grey, as those of nuclei
            assert row["classes"] == np.unique(mask).tolist()


def test_rows_are_pure_functions_of_seed_split_and_index(data: DatasetDict) -> None:
    fewer, other = drawn_cells(sizes=(5, 2)), drawn_cells(seed=1, sizes=(5, 2))
    for split, rows in fewer.items():
        assert rows[:] == data[split][: len(rows)]
        assert all(row["image"]["bytes"] != data[split][i]["image"]["bytes"] for i, row in enumerate(other[split]))
    assert data["train"][0]["image"]["bytes"] != data["validation"][0]["image"]["bytes"]


def test_masks_are_those_of_the_cells_drawn(data: DatasetDict) -> None:
    for index, row in enumerate(data["train"]):
        rng = np.random.default_rng((0, 0, index))
        distances = [cell.distances(TILE) for cell in scattered(rng)]
        mask = np.asarray(decode(row["mask"]))[..., 0]
        assert (mask == (np.min(distances, axis=0) < 1)).all()
        assert (np.asarray(decode(row["image"]))[..., 0] == coloured(rng, distances)).all()


def test_cells_stand_out_bright_or_dark() -> None:
    """Inside and outside differ in tone, in either direction."""
    bright = []
    for index in range(40):
        rng = np.random.default_rng((0, 0, index))
        distances = [cell.distances(TILE) for cell in scattered(rng)]
        far, picture = np.min(distances, axis=0), coloured(rng, distances).astype(float)
        if (far < 0.7).sum() > 50 and (far > 1.3).sum() > 50:
            bright.append(picture[far < 0.7].mean() - picture[far > 1.3].mean())
    assert len(bright) > 30 and np.mean(np.abs(bright) > 10) > 0.9
    assert 0.15 < np.mean(np.array(bright) < 0) < 0.6
