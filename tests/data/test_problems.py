import csv
from pathlib import Path

from tlzoo.data.problems import FILE, write_problems


def test_each_example_is_named_with_its_reason_and_an_old_file_goes(tmp_path: Path) -> None:
    problems = {"mine": ("a,b.png: broken image: no header", "rows.csv row 7: 'text' is empty"), "other": ()}
    path = write_problems(tmp_path, problems)
    assert path == tmp_path / FILE
    assert list(csv.reader(path.open(newline="", encoding="utf-8"))) == [
        ["data", "example", "reason"],
        ["mine", "a,b.png", "broken image: no header"],
        ["mine", "rows.csv row 7", "'text' is empty"],
    ]
    assert write_problems(tmp_path, {"mine": ()}) is None
    assert not path.exists()
