from pathlib import Path

import pytest

from tlzoo.cards.draft import write
from tlzoo.cards.reader import read
from tlzoo.cards.vocabulary import TASKS
from tlzoo.errors import InputError


@pytest.mark.parametrize("task", TASKS)
def test_a_draft_validates(task: str, tmp_path: Path) -> None:
    assert read(write("my-model", task, tmp_path)).card.task == task


def test_a_card_is_never_overwritten(tmp_path: Path) -> None:
    write("my-model", "pitch-extraction", tmp_path)
    with pytest.raises(InputError, match="exists already"):
        write("my-model", "pitch-extraction", tmp_path)


@pytest.mark.parametrize("name", ["My Model", "../up", "", "a--b"])
def test_an_id_is_a_slug(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lower-case"):
        write(name, "pitch-extraction", tmp_path)
