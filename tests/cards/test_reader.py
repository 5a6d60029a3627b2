import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from tlzoo.cards import catalogue
from tlzoo.cards.reader import parse, read
from tlzoo.errors import InputError
from tlzoo.vocabulary import ADAPTERS

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
        ("[audio-classification]\n      weights", "[image-classification]\n      weights", "a head of official files"),
        ("[pooled, tokens]", "[boxes]", "do not serve task 'audio-classification'"),
    ],
)
def test_a_fault_names_file_line_field_and_alternatives(yamnet: str, right: str, wrong: str, message: str) -> None:
    assert right in yamnet
    broken = yamnet.replace(right, wrong, 1)
    faults = fault(broken)
    assert faults.startswith("yamnet.md:")
    assert message in faults
    assert len(faults.splitlines()) == 1, faults
    if "pipeline_tag" not in right and "[" not in right:
        assert f"yamnet.md:{line_of(broken, wrong)}:" in faults


def test_every_fault_has_a_line_but_many_are_not_all_told(yamnet: str) -> None:
    faults = fault(yamnet.replace("year: 2019", "year: then", 1).replace("kind: nano", "kind: nanu", 1))
    assert len(faults.splitlines()) == 2
    many = "".join(f"  key{i}: {i}\n" for i in range(800))
    faults = fault(yamnet.replace("  name: YAMNet\n", f"  name: YAMNet\n{many}", 1)).splitlines()
    assert len(faults) == 41
    assert faults[-1] == "yamnet.md: 760 more faults"


def test_models_side_by_side_have_no_card(yamnet: str) -> None:
    """One might name itself as a part."""
    assert "models side by side are named, and have no card" in fault(yamnet.replace("adapter: own", "adapter: concat"))


@pytest.mark.parametrize("text", ["no front matter", "---\na: [\n---\n", "---\n- 1\n---\n"])
def test_what_is_no_card_is_refused_with_its_name(text: str) -> None:
    assert fault(text).startswith("yamnet.md")


HOSTILE = {
    "alias": ("a: &x [1]\nb: *x\n", "an alias (*name)"),
    "bomb": (
        "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 20)),
        "an alias",
    ),
    "deep": ("a: " + "[" * 40 + "]" * 40 + "\n", "nested more than 16 levels deep"),
    "deepest": ("a: " + "[" * 5000 + "]" * 5000 + "\n", "nest"),
    "key": ("? [a, b]\n: 1\n", "a key is not a single word"),
    "tag": ("a: !!python/name:os.system\n", ":2: a tag (tag:yaml.org,2002:python/name:os.system)"),
    "date": ("b: 1\na: 2001-99-99\n", ":3: '2001-99-99': month must be in 1..12"),
    "digits": (f"a: {'9' * 5000}\n", "a whole number of more than 63 bits"),
    "hex": (f"a: 0x{'f' * 90_000}\n", "a whole number of more than 63 bits"),
    "bits": ("a: 9223372036854775808\n", "a whole number of more than 63 bits"),
    "bool": ("a: !!bool maybe\n", ":2: a tag (tag:yaml.org,2002:bool)"),
    "nan": ("a: .nan\n", ":2: '.nan': not a finite number"),
    "infinity": ("a: 1.0e+999\n", ":2: '1.0e+999': not a finite number"),
    "sexagesimal": ("a: 1:1.0" + ":1" * 400 + ".0\n", "yamnet.md:"),
    "escape": ('b: 1\na: "\\e[31m"\n', ":3: '\\x1b[31m': character U+001B"),
    "list": (f"a: [{'0, ' * 3000}]\n", ":2: more than 2,000 keys and values"),
    "two": ("a: 1\n---\nb: 2\n", "field 'a'"),
}


@pytest.mark.parametrize(("header", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_yaml_is_refused_at_once(header: str, message: str) -> None:
    assert message in fault(f"---\n{header}---\n")


TAG = "!!python/object/apply:"
CONFIG = "config: {width: 0.25, activation: relu6}"
CONFIGS = {
    "{pretrained: true}": "config.pretrained: should be null or false",
    "{nested: {encoder_weights: imagenet}}": "config.nested.encoder_weights: should be null or false",
    "{checkpoint: ../evil.pth}": "'../evil.pth' should be of letters, digits",
    "{name: [a, 'hub:someone/kernel']}": "'hub:someone/kernel' should be of letters",
    "{_attn_implementation: x}": "argument '_attn_implementation' should be a name that begins with a letter",
    "{since: 2001-01-01}": "config.since: date should be a number, a word",
}


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("  name: YAMNet", "  name: YAMNet\n  name: Other", "key 'name' is given twice"),
        ("  name: YAMNet\n", "", "field 'tlzoo.name': required, but missing"),
        ("name: YAMNet", f"name: {TAG}os.system ['true']", "a tag (tag:yaml.org,2002:python/object/apply:os.system)"),
        ("## Citation", "## Cite", "prose has no section '## Citation'"),
        ("id: yamnet", f"id: {'a' * 300}", "at most 100 characters"),
        ("year: 2019", "year:\tthen", "field 'tlzoo.provenance.year'"),
        ("adapter: own", "adapter: evil", "field 'tlzoo.variants.0.adapter'"),
        ("adapter: own", "adapter: evil", "transformers (given: 'evil')"),
        *((CONFIG, f"config: {config}", message) for config, message in CONFIGS.items()),
        *(
            ("model: yamnet:YAMNet", f'model: "{model}"', "field 'tlzoo.variants.0.model'")
            for model in ("hf-hub:someone/model", "../yamnet:YAMNet", "os.system('true')", "a:b:c", "", "-x")
        ),
    ],
)
def test_a_key_missing_or_given_twice_and_a_place_or_code_for_a_name_are_refused(
    yamnet: str, right: str, wrong: str, message: str
) -> None:
    assert right in yamnet
    assert message in fault(yamnet.replace(right, wrong, 1))


@pytest.mark.parametrize("before", ["\ufeff", "\n\n", "\ufeff \n\t\n"])
def test_a_byte_order_mark_and_blank_lines_before_the_front_matter_are_read(
    yamnet: str, before: str, tmp_path: Path
) -> None:
    path = tmp_path / "yamnet.md"
    path.write_text(before + yamnet, encoding="utf-8")
    assert read(path).card.id == "yamnet"
    broken = before + yamnet.replace("year: 2019", "year: then", 1)
    assert fault(broken).startswith(f"yamnet.md:{line_of(broken, 'year: then')}:")


@pytest.mark.parametrize("character", ["\0", "\x1b", "\x85", "\u2028", "\u202e", "\u2066", "\ufeff"])
@pytest.mark.parametrize("place", ["  name: YAMNet", "## Limits and biases"])
def test_a_character_that_is_not_seen_is_refused_with_its_line(yamnet: str, place: str, character: str) -> None:
    broken = yamnet.replace(place, place + character, 1)
    expected = f"yamnet.md:{yamnet[: yamnet.index(place)].count(chr(10)) + 1}: character U+{ord(character):04X}"
    assert fault(broken).startswith(expected)


def test_windows_line_ends_are_read(yamnet: str, tmp_path: Path) -> None:
    path = tmp_path / "yamnet.md"
    path.write_bytes(yamnet.replace("\n", "\r\n").encode())
    assert read(path).prose == catalogue.get_file("yamnet").prose
    assert parse(yamnet.replace("\n", "\r\n"), PATH).prose == read(path).prose


@pytest.mark.timeout(60)
def test_many_faults_of_a_long_list_are_not_compared_with_all_others(yamnet: str) -> None:
    """Under a second where it was minutes: 1,900 faults."""
    lines = fault(yamnet.replace("tags: [", f"tags: [{'0, ' * 1700}", 1)).splitlines()
    assert len(lines) == 41 and lines[-1] == "yamnet.md: 1660 more faults"


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    ["---" + "\n" * 90_000, "---\na: 1\n---\n## " + " " * 90_000 + "x", "---\na: 1\n---\n## a" + " " * 90_000 + "b"],
)
def test_no_text_is_searched_again_and_again(text: str) -> None:
    fault(text)


def test_what_is_no_regular_file_or_huge_is_refused(tmp_path: Path, yamnet: str) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    with pytest.raises(InputError, match=r"pipe\.md: not a regular file"):
        read(tmp_path / "pipe.md")
    with pytest.raises(InputError, match=r"gone\.md: cannot be read: No such file"):
        read(tmp_path / "gone.md")
    (tmp_path / "latin.md").write_bytes(b"---\nname: caf\xe9\n---\n")
    with pytest.raises(InputError, match=r"latin\.md:2: not UTF-8 text"):
        read(tmp_path / "latin.md")
    path = tmp_path / "yamnet.md"
    path.write_text(yamnet + "x" * 100_000, encoding="utf-8")
    with pytest.raises(InputError, match="a card has at most 100,000"):
        read(path)


@pytest.mark.parametrize("module", ADAPTERS.values())
def test_every_adapter_that_a_card_may_name_is_there(module: str) -> None:
    assert find_spec(f"tlzoo.adapters.{module}")
