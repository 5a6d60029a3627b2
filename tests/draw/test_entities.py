from pathlib import Path

from tlzoo.core.predictions import Entities, Entity
from tlzoo.data.rendered.names import rendered_names
from tlzoo.draw import renderer_for
from tlzoo.draw.entities import EntitiesRenderer, marked


def test_entities_stand_in_brackets() -> None:
    text = "Anna lives in Perth."
    assert marked(text, [(0, 4, "person"), (14, 19, "location")]) == "[Anna](person) lives in [Perth](location)."
    assert marked(text, []) == text


def test_a_sheet_shows_what_is_marked_beside_what_is_predicted(tmp_path: Path) -> None:
    rows = rendered_names()["validation"].select(range(4))
    entity = Entity(0, 3, rows[1]["text"][:3], "person", 0.9)
    predictions = [Entities([entity] if i == 1 else []) for i in range(4)]
    renderer, path = renderer_for(predictions[0], "text"), tmp_path / "sheet.md"
    assert isinstance(renderer, EntitiesRenderer)
    renderer.contact_sheet(rows, predictions, [True, False, False, False], path)
    text = path.read_text()
    assert text.count("| wrong |") == 3 and f"[{rows[1]['text'][:3]}](person)" in text
    assert "1 of 4 texts are right in every entity." in text and renderer.was_written_by_tlzoo(path)
    renderer.render(Path("a.txt"), predictions[1], tmp_path / "a.md")
    assert "(person, 90%)" in (tmp_path / "a.md").read_text()
