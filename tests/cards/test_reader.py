from pathlib import Path

import pytest

from tlzoo.cards import catalogue
from tlzoo.cards.reader import parse
from tlzoo.errors import InputError

PATH = Path("yamnet.md")


@pytest.fixture(scope="module")
def yamnet() -> str:
    return catalogue.get_file("yamnet").path.read_text(encoding="utf-8")


def fault(text: str) -> str:
    with pytest.raises(InputError) as caught:
        parse(text, PATH)
    return str(caught.value)


def line_of(text: str, part: str) -> int:
    return next(i for i, line in enumerate(text.splitlines(), start=1) if part in line)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        (
            "min_examples:",
            "min_exampels:",
            "field 'tlzoo.transfer.min_exampels': unknown key; did you mean 'min_examples'?",
        ),
        ("kind: nano", "kind: nanu", "should be 'official' or 'nano' (given: 'nanu')"),
        ("domain: audio", "domain: adio", "'image', 'text', 'audio' or 'video'"),
        ("year: 2019", "year: then", "field 'tlzoo.provenance.year'"),
        (
            "pipeline_tag: audio-classification",
            "pipeline_tag: image-classification",
            "should be 'audio-classification'",
        ),
        ("sha256: 10c95ea3", "sha256: 10C95EA3", "sha256"),
        ("[pooled, tokens]", "[boxes]", "do not serve task 'audio-classification'"),
    ],
)
def test_a_fault_names_file_line_field_and_alternatives(yamnet: str, right: str, wrong: str, message: str) -> None:
    assert right in yamnet
    broken = yamnet.replace(right, wrong, 1)
    found = fault(broken)
    assert found.startswith("yamnet.md:")
    assert message in found
    assert len(found.splitlines()) == 1, found
    if "pipeline_tag" not in right and "[pooled" not in right:
        assert f"yamnet.md:{line_of(broken, wrong)}:" in found


def test_a_key_given_twice_is_refused(yamnet: str) -> None:
    assert "key 'name' is given twice" in fault(yamnet.replace("  name: YAMNet", "  name: YAMNet\n  name: Other", 1))


def test_missing_keys_and_sections_are_named(yamnet: str) -> None:
    missing = yamnet.replace("  name: YAMNet\n", "", 1)
    assert "field 'tlzoo.name': required, but missing" in fault(missing)
    assert "prose has no section '## Citation'" in fault(yamnet.replace("## Citation", "## Cite", 1))


def test_every_fault_has_a_line(yamnet: str) -> None:
    found = fault(yamnet.replace("year: 2019", "year: then", 1).replace("kind: nano", "kind: nanu", 1))
    assert len(found.splitlines()) == 2


@pytest.mark.parametrize("text", ["no front matter", "---\na: [\n---\n", "---\n- 1\n---\n"])
def test_what_is_no_card_is_refused_with_its_name(text: str) -> None:
    assert fault(text).startswith("yamnet.md")


def test_yaml_cannot_run_code(yamnet: str) -> None:
    assert "could not determine a constructor" in fault(
        yamnet.replace("name: YAMNet", "name: !!python/object/apply:os.system ['true']", 1)
    )
