import json
from pathlib import Path

from PIL import Image

from tlzoo.data.catalogue import find, load
from tlzoo.data.changes import contents_by_row, difference, since


def test_rows_that_come_go_and_change_are_named() -> None:
    before = {"a": "1", "b": "1", "c": "1"}
    assert difference(before, {"a": "1", "b": "2", "d": "1", "e": "1"}) == (
        "2 rows added (d, e), 1 row removed (c), 1 row changed (b)"
    )
    assert difference({}, dict.fromkeys("edcba", "1")) == "5 rows added (a, b, c, ...)"
    assert difference(before, before) == "contents of files of the same names and sizes"


def test_other_data_of_a_name_are_compared_with_the_last_once(tmp_path: Path) -> None:
    assert since(tmp_path, "mine", "f1", {"a": "1"}) == "", "the first"
    line = since(tmp_path, "mine", "f2", {"a": "2"})
    assert line.startswith("data: mine differs from what it was here before") and line.endswith(": 1 row changed (a)")
    assert since(tmp_path, "mine", "f2", {"a": "2"}) == since(tmp_path, "mine", "f1", {"a": "1"}) == "", "known"
    assert since(tmp_path, "other", "f3", {"z": "1"}) == "", "another name"
    assert all(json.loads(path.read_text()) for path in tmp_path.iterdir())


def test_a_class_and_a_file_are_seen_to_change(tmp_path: Path, new_cache: None) -> None:
    def rows() -> dict[str, str]:
        return contents_by_row(load(find("image-classification", str(folder))).splits)

    folder = tmp_path / "mine"
    for i in range(8):
        path = folder / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8 + i, 8), (30 * i, 0, 0)).save(path)
    before = rows()
    assert set(before) == {f"{'ab'[i % 2]}/{i}.png" for i in range(8)}
    assert rows() == before
    Image.new("RGB", (64, 64), (9, 9, 200)).save(folder / "a" / "0.png")
    (folder / "b" / "1.png").rename(folder / "a" / "1.png")
    gone = {name for name, short in rows().items() if before.get(name) != short}
    assert {"a/0.png", "a/1.png"} <= gone and "b/1.png" not in rows()
