"""Classification of pictures: what training varies."""

import torch

from tlzoo.tasks.classification import AudioClassification, ImageClassification


def test_pictures_are_varied_and_never_mirrored() -> None:
    torch.manual_seed(0)
    image = torch.zeros(64, 3, 32, 32, dtype=torch.uint8)
    image[..., 20:] = 200  # bright on the right
    batch = {"image": image, "target": torch.arange(64)}
    new = ImageClassification.of(["a", "b"]).augment(batch)
    assert torch.equal(new["target"], batch["target"])
    assert (new["image"] != image).flatten(1).any(1).all()
    assert (new["image"][..., 30].float().mean((1, 2)) > new["image"][..., 2].float().mean((1, 2)) + 90).all()
    assert (new["image"][..., 0] < 60).all()  # the dark edge goes on; no grey appears


def test_what_is_no_picture_is_not_varied() -> None:
    batch = {"features": torch.ones(2, 3), "target": torch.tensor([0, 1])}
    assert ImageClassification.of(["a", "b"]).augment(batch) is batch
    assert AudioClassification.of(["a", "b"]).augment(batch) is batch
