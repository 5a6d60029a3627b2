"""Conformance: what is claimed on a card is checked on every card."""

import json
import re
from pathlib import Path

import pytest
import typer
import yaml
from huggingface_hub import ModelCard

from tlzoo.adapters import build, is_built
from tlzoo.blobs import check_place
from tlzoo.cards import catalogue
from tlzoo.cards.reader import CardFile, todos
from tlzoo.cards.render import json_schema
from tlzoo.cards.schema import Variant
from tlzoo.cli import app
from tlzoo.cli.cards import validate
from tlzoo.core.model import Backbone
from tlzoo.data.named import DATASETS
from tlzoo.errors import InputError

FILES = list(catalogue.card_files())
VARIANTS = [pytest.param(f, v, id=f"{f.card.id}-{v.id}") for f in FILES for v in f.card.variants]
BUILT = [p for p in VARIANTS if is_built(p.values[1]) and p.values[1].adapter not in ("litert", "openai")]
LIST = Path(__file__).resolve().parents[2].parent / "shared" / "ZOO_LIST.txt"
IDS = [
    "mtcnn", "inception-resnet-v1", "mobilenet", "detectron2", "yolov5", "inception-resnet-v2", "mask-rcnn", "unet",
    "manet", "linknet", "deeplabv3", "regnety", "resnet-50", "vgg-16", "efficientnet", "movenet", "openpose", "xlnet",
    "ernie", "bert", "electra", "smartreply", "roberta", "tf2nq", "gpt-4", "enformer", "yamnet", "trill", "openl3",
    "crepe", "wav2vec", "wav2vec2", "videomae", "vivit", "videoflow-encoder", "videoflow-generator",
    "tweening-conv3d",
]  # fmt: skip
each_card = pytest.mark.parametrize("file", FILES, ids=lambda f: f.card.id)


def test_all_of_the_list_is_there() -> None:
    assert {f.card.id for f in FILES} >= set(IDS)


@each_card
def test_hugging_face_reads_the_card_and_its_places_and_data_are_there(file: CardFile) -> None:
    card = ModelCard.load(file.path)
    assert card.data.pipeline_tag == file.header.pipeline_tag
    assert card.data.license == file.header.license
    for weight in file.card.files():
        for place in weight.places:
            check_place(place)
    for variant in file.card.variants:
        for source in (s for w in variant.weights if w.recipe for s in w.recipe.sources):
            assert DATASETS[source.data].task == source.task and "source of stand-ins" in DATASETS[source.data].about
            assert source.teacher is None or catalogue.get(source.teacher).default.kind == "official"


def test_files_are_known_by_their_hash_or_at_least_by_their_commit() -> None:
    places = [(f.card.id, file.sha256, place) for f in FILES for file in f.card.files() for place in file.places]
    moving = {card for card, hash_, place in places if hash_ is None and not re.search(r"@[0-9a-f]{40}/", place)}
    assert moving == {"ernie", "regnety"}, "their commits are not known yet; `tlzoo fetch --all --lock`"
    assert not [place for _, _, place in places if re.search(r"/raw/[0-9a-f]{7,39}/|@[0-9a-f]{7,39}/", place)]


def test_the_lists_own_wording_is_honoured() -> None:
    if not LIST.is_file():
        pytest.skip("the list itself is not in this checkout")
    listed = " ".join(LIST.read_text(encoding="utf-8").split())
    wording = {id_: " ".join(str(catalogue.get(id_).listed_as).split()).rstrip(".") for id_ in IDS}
    assert {id_: words for id_, words in wording.items() if words not in listed} == {}


@each_card
def test_prose_helps_to_decide_and_nothing_is_left_to_do(file: CardFile) -> None:
    words = len(file.prose.split())
    assert 250 <= words <= 900, f"{words} words"
    assert not re.search(r"\b(TODO|TBD|lorem|To be written)\b", file.prose)
    assert "```" in file.prose.split("## Citation")[1], "citation is a code block"
    assert not todos(file.path.read_text(encoding="utf-8"), file.path)
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert set(re.findall(r"tlzoo (\w+)", file.prose)) <= set(commands)


@pytest.mark.parametrize(("file", "variant"), BUILT)
def test_the_built_model_is_what_the_card_says(file: CardFile, variant: Variant) -> None:
    """Parameters are recounted on the meta device, tolerance zero."""
    import torch

    card = file.card
    with torch.device("meta"):
        network = build(variant, card.input_of(variant))
    counted = sum(p.numel() for p in network.parameters())
    assert variant.params == counted, f"variant {variant.id!r}, field 'params': should be {counted}"
    assert network.spec.input == card.input.kind
    assert network.spec.sample_rate == card.input.sample_rate
    if variant.size or variant.kind == "official":
        assert network.spec.height in (None, card.input_of(variant).height)
    if isinstance(network, Backbone) and variant.takes("full"):
        assert set(network.spec.outputs) >= set(card.outputs) & {"pooled", "tokens", "pyramid"}
        assert len(network.stages()) >= 2


def test_the_schema_on_disk_is_fresh_and_describes_the_cards() -> None:
    import jsonschema

    schema = json_schema()
    assert (catalogue.folder() / "schema.json").read_text(encoding="utf-8") == schema, "run: make docs"
    validator = jsonschema.Draft202012Validator(json.loads(schema))
    for file in FILES:
        header = file.path.read_text(encoding="utf-8").split("---\n")[1]
        assert not list(validator.iter_errors(yaml.safe_load(header))), file.path
    wrong = yaml.safe_load(FILES[0].path.read_text(encoding="utf-8").split("---\n")[1]) | {"licence": "mit"}
    assert list(validator.iter_errors(wrong))


def more_cards(root: Path, **texts: str) -> Path:
    """A folder of cards of sounds, by id."""
    folder = root / "audio" / "audio-classification"
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return folder


def test_a_card_that_cannot_be_used_is_left_out_and_named(tmp_path: Path) -> None:
    yamnet = catalogue.get_file("yamnet").path.read_text(encoding="utf-8")
    place = more_cards(tmp_path, fine=yamnet.replace("id: yamnet", "id: fine", 1), odd="---\na: !!bool maybe\n---\n")
    wrong, again = tmp_path / "audio/audio-embedding/yamnet.md", tmp_path / "text/text-embedding/fine.md"
    for path in (wrong, again):
        path.parent.mkdir(parents=True)
    wrong.write_text(yamnet, encoding="utf-8")
    bert = catalogue.get_file("bert").path.read_text(encoding="utf-8")
    again.write_text(re.sub(r"id: bert$", "id: fine", bert, count=1, flags=re.MULTILINE), encoding="utf-8")
    read = catalogue.load(catalogue.paths(tmp_path))
    assert list(read.files) == ["fine"]
    assert {path: str(fault) for path, fault in read.faults.items()} == {
        place / "odd.md": f"{place / 'odd.md'}:2: a tag (tag:yaml.org,2002:bool); write the value alone",
        wrong: f"{wrong}: a card of audio/audio-classification belongs in that folder",
        again: f"{again}: id 'fine' is taken by {place / 'fine.md'}",
    }


@pytest.mark.parametrize("inside", [True, False], ids=["in the package", "in TLZOO_CARDS"])
def test_a_bad_card_stops_no_command(
    tmp_path: Path, inside: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    yamnet = catalogue.get_file("yamnet").path.read_text(encoding="utf-8")
    bad = yamnet.replace("year: 2019", "year: then", 1).replace("kind: nano", "kind: nanu", 1)
    path = more_cards(tmp_path, yamnet=yamnet, bad=bad.replace("id: yamnet", "id: bad", 1)) / "bad.md"
    if inside:
        monkeypatch.setattr(catalogue, "folder", lambda: tmp_path)
    else:
        (path.parent / "yamnet.md").unlink()
        monkeypatch.setenv(catalogue.MORE, str(tmp_path))
    line = bad[: bad.index("year: then")].count("\n") + 1
    catalogue.current.cache_clear()
    try:
        assert catalogue.get("yamnet").name == "YAMNet" and catalogue.cards()
        assert capsys.readouterr().err.splitlines() == [
            f"left out: {path}:{line}: field 'tlzoo.provenance.year': Input should be a valid integer, unable to parse "
            f"string as an integer (given: 'then') (and 1 more; tlzoo cards validate {path})"
        ]
        with pytest.raises(InputError) as caught:
            catalogue.get("bad")
        assert len(str(caught.value).splitlines()) == 2 and "'nanu'" in str(caught.value)
        with pytest.raises(typer.Exit) as ended:
            validate(None)
        shown = capsys.readouterr().err.splitlines()
        assert ended.value.exit_code == 2
        assert shown[:2] == str(caught.value).splitlines() and shown[2].endswith("2 faults")
    finally:
        monkeypatch.undo()
        catalogue.current.cache_clear()


def test_an_unknown_model_names_the_closest() -> None:
    with pytest.raises(InputError, match="did you mean 'yamnet'"):
        catalogue.get("yamnett")
