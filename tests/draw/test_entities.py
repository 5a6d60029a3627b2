"""Entities drawn as text."""

from pathlib import Path

from tlzoo.data.rendered.names import rendered_names
from tlzoo.draw import entities, form
from tlzoo.draw.entities import marked


def test_entities_stand_in_brackets() -> None:
    text = "Anna lives in Perth."
    assert marked(text, [(0, 4, "person"), (14, 19, "location")]) == "[Anna](person) lives in [Perth](location)."
    assert marked(text, []) == text


def test_a_sheet_shows_what_is_marked_beside_what_is_predicted(tmp_path: Path) -> None:
    rows = rendered_names()["validation"].select(range(4))
    entity = {"start": 0, "end": 3, "text": rows[1]["text"][:3], "label": "person", "score": 0.9}
    predictions = [{"entities": [entity] if i == 1 else []} for i in range(4)]
    path = tmp_path / "sheet.md"
    assert form(predictions[0], "text") is entities
    entities.sheet(rows, predictions, [True, False, False, False], path)  # type: ignore[arg-type]
    text = path.read_text()
    assert text.count("| wrong |") == 3 and f"[{rows[1]['text'][:3]}](person)" in text
    assert "1 of 4 texts are right in every entity." in text and entities.is_ours(path)
    entities.draw(Path("a.txt"), predictions[1], tmp_path / "a.md")  # type: ignore[arg-type]
    assert "(person, 90%)" in (tmp_path / "a.md").read_text()
