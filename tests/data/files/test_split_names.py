from pathlib import PurePath

import pytest

from tlzoo.data.files.split_names import by_folder, is_plain, split_of, splits_among


@pytest.mark.parametrize(
    ("name", "split"),
    [
        *((name, "train") for name in ("train", "Train", "TRAINING", "training_set", "seg_train", "train_images")),
        *((name, "train") for name in ("trainset", "TrainSet", "train-00000-of-00001", "banking_train", "train-v2.0")),
        *((name, "validation") for name in ("val", "val_set", "validation-set", "dev_set", "valid", "valset")),
        *((name, "test") for name in ("test", "test_set", "seg_test", "testing", "eval", "testData", "test-clean")),
        *((name, "validation") for name in ("instances_val2017", "image_info_test-dev2017", "dev-other")),
        *((name, None) for name in ("trains", "latest", "bus", "contest", "devices", "", "2024", "evaluated")),
    ],
)
def test_the_last_word_that_is_a_split_counts(name: str, split: str | None) -> None:
    assert split_of(name) == split


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["train", "test"], {"train": "train", "test": "test"}),
        (["training_set", "test_set", "extra"], {"training_set": "train", "test_set": "test"}),
        (["train"], {"train": "train"}),
        (["bus", "car", "train"], {}),
        (["dev", "eval", "anna"], {}),
        ([], {}),
    ],
)
def test_a_folder_is_a_split_only_beside_others(names: list[str], splits: dict[str, str]) -> None:
    assert splits_among(names) == splits


def test_plain_names_need_no_word() -> None:
    assert is_plain("Train") and is_plain("val") and not is_plain("train_images")


def test_the_first_level_that_names_splits_decides() -> None:
    paths = [PurePath(p) for p in ("corpus/train-clean/84/a", "corpus/dev-clean/85/b", "corpus/test/c", "read.me")]
    assert by_folder(paths) == [
        ("train", PurePath("corpus/84/a")),
        ("validation", PurePath("corpus/85/b")),
        ("test", PurePath("corpus/c")),
        (None, PurePath("read.me")),
    ]
    speakers = [PurePath("anna/1.wav"), PurePath("dev/1.wav")]
    assert by_folder(speakers) == [(None, path) for path in speakers], "Dev is a name"
    assert by_folder([]) == []
