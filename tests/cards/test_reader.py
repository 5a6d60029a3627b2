from pathlib import Path

import pytest

from tlzoo.cards import catalogue
from tlzoo.cards.reader import parse, read
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


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("a: &x [1]\nb: *x\n", "an alias (*name)"),
        (
            "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 20)),
            "an alias",
        ),
        ("a: " + "[" * 40 + "]" * 40 + "\n", "nested more than 16 levels deep"),
        ("a: " + "[" * 5000 + "]" * 5000 + "\n", "nest"),
        ("? [a, b]\n: 1\n", "a key is no single word"),
        ("a: !!python/name:os.system\n", "could not determine a constructor"),
        ("a: 2001-99-99\n", "front matter: month must be in 1..12"),
        (f"a: {'9' * 5000}\n", "front matter: Exceeds the limit"),
    ],
    ids=["alias", "bomb", "deep", "deepest", "key", "tag", "date", "number"],
)
def test_hostile_yaml_is_refused_at_once(header: str, message: str) -> None:
    assert message in fault(f"---\n{header}---\n")


def test_a_huge_card_is_refused(tmp_path: Path, yamnet: str) -> None:
    path = tmp_path / "yamnet.md"
    path.write_text(yamnet + "x" * 100_000, encoding="utf-8")
    with pytest.raises(InputError, match="a card has at most 100,000"):
        read(path)


def test_many_faults_are_not_all_told(yamnet: str) -> None:
    many = "".join(f"  key{i}: {i}\n" for i in range(3000))
    found = fault(yamnet.replace("  name: YAMNet\n", f"  name: YAMNet\n{many}", 1)).splitlines()
    assert len(found) == 41
    assert found[-1] == "yamnet.md: 2960 more faults"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{pretrained: true}", "config.pretrained: should be null or false"),
        ("{nested: {encoder_weights: imagenet}}", "config.nested.encoder_weights: should be null or false"),
        ("{checkpoint: ../evil.pth}", "'../evil.pth' should be of letters, digits"),
        ("{name: [a, 'hub:someone/kernel']}", "'hub:someone/kernel' should be of letters"),
        ("{_attn_implementation: x}", "argument '_attn_implementation' should be a name that begins with a letter"),
        ("{since: 2001-01-01}", "config.since: date should be a number, a word"),
    ],
)
def test_a_configuration_names_no_place_and_no_code(yamnet: str, config: str, message: str) -> None:
    right = "config: {width: 0.25, activation: relu6}"
    assert right in yamnet
    assert message in fault(yamnet.replace(right, f"config: {config}", 1))


@pytest.mark.parametrize("model", ["hf-hub:someone/model", "../yamnet:YAMNet", "os.system('true')", "a:b:c", "", "-x"])
def test_a_model_is_a_name(yamnet: str, model: str) -> None:
    found = fault(yamnet.replace("model: yamnet:YAMNet", f'model: "{model}"', 1))
    assert "field 'tlzoo.variants.0.model'" in found


def test_yaml_cannot_run_code(yamnet: str) -> None:
    assert "could not determine a constructor" in fault(
        yamnet.replace("name: YAMNet", "name: !!python/object/apply:os.system ['true']", 1)
    )
