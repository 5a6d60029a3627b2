"""Other libraries open what tlzoo wrote, and predict what it predicts."""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn

from tlzoo.adapters import build
from tlzoo.adapters.weights import variant_of
from tlzoo.cards import catalogue
from tlzoo.cards.schema import Variant
from tlzoo.core.model import HeadedModel, trainable
from tlzoo.core.novelty import Novelty
from tlzoo.core.predictions import Entities, Transcript
from tlzoo.errors import InputError, UnavailableError
from tlzoo.run.predict import predict
from tlzoo.tasks import task_type
from tlzoo.transfer import bundle, loaders
from tlzoo.transfer.loaders.of_transformers import Transformers

pytestmark = pytest.mark.usefixtures("one_thread")
CLASSES = ["cat", "dog", "cow"]
TEXTS = ["A cat.", "Anna Berg lives in Oslo near the river, with 3 dogs.", "no"]
Write = Callable[..., tuple[HeadedModel, Path]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a nano variant of a card with a head that standardises, and open it again."""

    def call(card_id: str, task: str, labels: list[str] = CLASSES, **changed: Any) -> tuple[HeadedModel, Path]:
        card = catalogue.get(card_id)
        variant = Variant.model_validate(variant_of(card, "nano").model_dump() | changed)
        given = card.input_of(variant)
        bound = task_type(task, given.kind).of(labels)
        torch.manual_seed(0)
        model = trainable(build(variant, given, bound)).for_task(bound)
        assert isinstance(model, HeadedModel)
        for layer in model.head.modules():
            if isinstance(layer, nn.BatchNorm1d):
                assert layer.running_mean is not None and layer.running_var is not None
                layer.running_mean.normal_()
                layer.running_var.uniform_(0.2, 2)
        try:
            bundle.save(model, bound, card, variant, tmp_path / "model", {}, "# A model\n")
        except UnavailableError as error:  # the text that a tokenizer is learnt from
            pytest.skip(str(error))
        loaded = bundle.load(tmp_path / "model")
        assert isinstance(loaded, HeadedModel)
        return loaded, tmp_path / "model"

    return call


def own(model: HeadedModel, inputs: list[Path | str]) -> list[Any]:
    predicted = list(predict(model, inputs))
    assert not any(each.error for each in predicted), predicted
    return [each.prediction for each in predicted]


def scores_of(model: HeadedModel, inputs: list[Path | str]) -> list[Mapping[str, float]]:
    return [prediction.scores for prediction in own(model, inputs)]


def by_label(answer: list[dict[str, Any]]) -> dict[str, float]:
    return {each["label"]: each["score"] for each in answer}


def sound(path: Path, seconds: float = 1.0) -> Path:
    rng = np.random.default_rng(0)
    level = np.interp(np.arange(int(16_000 * seconds)), [0, 9_000], [0.0, 0.4])
    soundfile.write(path, level * rng.normal(0, 0.3, len(level)), 16_000)
    return path


def picture(path: Path, width: int = 131, height: int = 90) -> Path:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)).save(path)
    return path


@pytest.mark.parametrize("card", ["bert", "electra", "ernie", "xlnet", "roberta", "tf2nq"])
def test_a_pipeline_classifies_texts(card: str, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a batch too, where XLNet pads on the left; and without the permission to run its file, nothing is opened."""
    from transformers import dynamic_module_utils, pipeline

    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    model, folder = write(card, "text-classification")
    with pytest.raises(ValueError, match="trust_remote_code"):
        pipeline("text-classification", model=str(folder), trust_remote_code=False)
    classifier = pipeline("text-classification", model=str(folder), trust_remote_code=True)
    answers = classifier(TEXTS, top_k=None, batch_size=3)
    for answer, scores in zip(answers, scores_of(model, [*TEXTS]), strict=True):
        assert by_label(answer) == pytest.approx(scores, abs=1e-6)


@pytest.mark.parametrize("card", ["bert", "electra", "ernie", "xlnet", "roberta", "tf2nq"])
def test_a_pipeline_tags_texts(card: str, write: Write) -> None:
    from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

    model, folder = write(card, "token-classification", ["person", "place"])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    network = AutoModelForTokenClassification.from_pretrained(folder).eval()
    inputs = tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        theirs = network(**inputs).logits[inputs["attention_mask"].bool()]
        ours = model(model.collate([model.encode({"text": text}) for text in TEXTS]))
    assert theirs.shape == ours.shape and (theirs.softmax(1) - ours.softmax(1)).abs().max() <= 1e-6
    assert network.config.id2label == dict(enumerate(["O", "B-person", "I-person", "B-place", "I-place"]))
    if card == "bert":  # whose pieces of words transformers recognises
        tagged = pipeline("token-classification", model=str(folder), aggregation_strategy="first")(TEXTS[1])
        (entities,) = own(model, [TEXTS[1]])
        assert isinstance(entities, Entities) and entities.entities
        assert [(e["start"], e["end"], e["entity_group"]) for e in tagged] == [
            (e.start, e.end, e.label) for e in entities.entities
        ]
        assert [e["score"] for e in tagged] == pytest.approx([e.score for e in entities.entities], abs=1e-6)


def test_a_pipeline_classifies_sounds(write: Write, tmp_path: Path) -> None:
    from transformers import pipeline

    model, folder = write("wav2vec2", "audio-classification")
    path = sound(tmp_path / "sound.wav")
    samples, rate = soundfile.read(path)
    answer = pipeline("audio-classification", model=str(folder))({"raw": samples, "sampling_rate": rate})
    assert by_label(answer) == pytest.approx(scores_of(model, [path])[0], abs=1e-6)


def test_a_pipeline_writes_what_is_said(write: Write, tmp_path: Path) -> None:
    from transformers import pipeline

    model, folder = write("wav2vec2", "speech-recognition", [" ", *"aeiounßt'"])
    path = sound(tmp_path / "speech.wav", 2.0)
    samples, rate = soundfile.read(path)
    answer = pipeline("automatic-speech-recognition", model=str(folder))({"raw": samples, "sampling_rate": rate})
    (transcript,) = own(model, [path])
    assert isinstance(transcript, Transcript) and len(transcript.text) > 9
    assert answer["text"] == transcript.text


def test_symbols_of_the_library_among_a_persons_characters_are_not_mixed_up(write: Write, tmp_path: Path) -> None:
    model, folder = write("wav2vec2", "speech-recognition", [" ", *"ae|"])
    assert "loader" not in json.loads((folder / "config.json").read_text())
    assert own(model, [sound(tmp_path / "speech.wav")])


@pytest.mark.parametrize("card", ["videomae", "vivit"])
@pytest.mark.parametrize("size", [(64, 64), (73, 104), (131, 90)], ids=str)
def test_frames_of_any_size_are_classified(card: str, size: tuple[int, int], write: Write) -> None:
    from transformers import AutoImageProcessor, AutoModelForVideoClassification, AutoVideoProcessor

    model, folder = write(card, "video-classification")
    frames = np.random.default_rng(0).integers(0, 256, (model.spec.frames or 0, *size, 3), np.uint8)
    network = AutoModelForVideoClassification.from_pretrained(folder).eval()
    with torch.inference_mode():
        ours = model(model.collate([model.backbone.encode(frames)])).softmax(-1)
        for processor in (AutoImageProcessor.from_pretrained(folder), AutoVideoProcessor.from_pretrained(folder)):
            inputs = processor(list(frames), return_tensors="pt")
            theirs = network(pixel_values=next(iter(inputs.values()))).logits.softmax(-1)
            assert (theirs - ours).abs().max() <= 1e-6, type(processor)
    assert network.config.id2label == dict(enumerate(CLASSES))


VIT = {"model": "vit_tiny_patch16_224", "config": {"img_size": 64, "depth": 2, "num_classes": 0}, "size": 64}
BICUBIC = {"resize": 71, "interpolation": "bicubic"}


@pytest.mark.parametrize(
    ("card", "changed"),
    [("resnet-50", {}), ("regnety", {}), ("resnet-50", BICUBIC), ("resnet-50", VIT)],
    ids=["resnet", "regnety", "bicubic", "vit"],
)
def test_timm_classifies_pictures_and_transformers_too(
    card: str, changed: dict[str, Any], write: Write, tmp_path: Path
) -> None:
    import timm
    from transformers import pipeline

    model, folder = write(card, "image-classification", **changed)
    network = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
    transform = timm.data.create_transform(**timm.data.resolve_data_config(model=network))
    paths: list[Path | str] = [picture(tmp_path / "wide.png"), picture(tmp_path / "high.png", 90, 257)]
    ours = scores_of(model, paths)
    for path, scores in zip(paths, ours, strict=True):
        with torch.inference_mode():
            theirs = network(transform(Image.open(path))[None]).softmax(-1)[0].tolist()
        assert theirs == pytest.approx([scores[name] for name in network.pretrained_cfg["label_names"]], abs=1e-6)
    answers = pipeline("image-classification", model=str(folder))([str(path) for path in paths])
    for answer, scores in zip(answers, ours, strict=True):
        assert by_label(answer) == pytest.approx(scores, abs=1e-6)


@pytest.mark.parametrize(
    ("card", "changed"),
    [
        ("vgg-16", {}),  # a class that has no name in timm
        ("efficientnet", {}),
        ("resnet-50", {"model": "mobilenetv4_conv_small", "config": {"num_classes": 0}}),  # layers behind the mean
    ],
    ids=["vgg", "efficientnet", "mobilenetv4"],
)
def test_what_no_library_computes_is_not_offered_to_one(card: str, changed: dict[str, Any], write: Write) -> None:
    model, folder = write(card, "image-classification", **changed)
    config = json.loads((folder / "config.json").read_text())
    assert not {"loader", "architecture", "pretrained_cfg", "model_type"} & set(config)
    readme = (folder / "README.md").read_text()
    assert "so none opens this folder" in readme and "import timm" not in readme
    assert model.task.labels == tuple(CLASSES)


def test_what_a_library_predicts_otherwise_is_not_written_for_it(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    from tlzoo.transfer.loaders import of_timm

    right = of_timm.folded
    monkeypatch.setattr(of_timm, "folded", lambda model: (right(model)[0], right(model)[1] + torch.tensor([0.1, 0, 0])))
    _, folder = write("resnet-50", "image-classification")
    assert "loader" not in json.loads((folder / "config.json").read_text())
    assert "head.1.weight" in load_file(folder / "model.safetensors")


def test_a_library_that_fails_costs_no_model(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("it broke")

    monkeypatch.setattr(Transformers, "compared", fail)
    _, folder = write("wav2vec2", "audio-classification")
    assert "transformers does not open the model (RuntimeError: it broke), tlzoo does" in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == sorted(bundle.FILES)


@pytest.mark.parametrize(
    ("card", "task", "file"),
    [
        ("resnet-50", "image-classification", "picture.jpg"),
        ("wav2vec2", "audio-classification", "sound.wav"),
        ("bert", "text-classification", "a text"),
    ],
)
def test_what_the_readme_says_runs(
    card: str,
    task: str,
    file: str,
    write: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from transformers import dynamic_module_utils

    model, folder = write(card, task)
    given: Path | str = file
    if "." in file:
        given = picture(tmp_path / file) if file.endswith(".jpg") else sound(tmp_path / file)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    blocks = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(block.replace("THIS_FOLDER", str(folder)), {})
    (scores,) = scores_of(model, [given])
    printed = [float(number) for number in re.findall(r"\d\.\d{5,}", capsys.readouterr().out)]
    assert sorted(printed) == pytest.approx(sorted(scores.values()), abs=1e-6)


def test_all_files_are_covered_by_checksums(write: Write) -> None:
    _, folder = write("bert", "token-classification", ["person"])
    files = {path.name for path in folder.iterdir()}
    hashes = json.loads((folder / "config.json").read_text())["sha256"]
    assert files - set(hashes) == {"README.md", "recipe.json"} and "tokenizer_config.json" in hashes
    assert sorted(bundle.names(folder)) == sorted(files)
    (folder / "tokenizer_config.json").write_text("{}")
    with pytest.raises(InputError, match=r"tokenizer_config\.json: differs from its checksum"):
        bundle.load(folder)


def change(folder: Path, **fields: Any) -> None:
    """Change the description, without checksums."""
    config = json.loads((folder / "config.json").read_text())
    config.pop("sha256")
    (folder / "config.json").write_text(json.dumps(config | fields))


def test_a_folder_of_version_2_is_read(write: Write) -> None:
    model, folder = write("resnet-50", "image-classification")
    config = json.loads((folder / "config.json").read_text())
    fields = ("card", "variant", "task", "id2label", "label2id", "columns")
    (folder / "config.json").write_text(json.dumps({"tlzoo": 2, **{name: config[name] for name in fields}}))
    save_file(model.state_dict(), folder / "model.safetensors")
    again = bundle.load(folder)
    assert all(torch.equal(a, b) for a, b in zip(again.state_dict().values(), model.state_dict().values(), strict=True))


@pytest.mark.parametrize(("card", "task"), [("resnet-50", "image-classification"), ("vivit", "video-classification")])
def test_damage_is_one_line(card: str, task: str, write: Write, tmp_path: Path) -> None:
    _, folder = write(card, task)
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    change(other, loader="keras")
    with pytest.raises(
        InputError, match=r"model\.safetensors: does not fit config\.json .*field 'loader' is 'keras'"
    ) as caught:
        bundle.load(other)
    assert "\n" not in str(caught.value)
    change(folder)
    tensors = load_file(folder / "model.safetensors")
    head = next(name for name in tensors if name in ("fc.weight", "classifier.weight"))
    save_file({**tensors, head: tensors[head][:2].clone()}, folder / "model.safetensors")
    with pytest.raises(InputError, match=r"model\.safetensors: does not fit config") as caught:
        bundle.load(folder)
    assert "\n" not in str(caught.value)
    save_file({name: tensor for name, tensor in tensors.items() if name != head}, folder / "model.safetensors")
    with pytest.raises(InputError, match=r"model\.safetensors: does not fit config") as caught:
        bundle.load(folder)
    assert "\n" not in str(caught.value)


def test_what_else_the_folder_says_to_the_library_is_not_asked(write: Write) -> None:
    """A published folder is somebody else's: its fields for transformers could name code to be downloaded."""
    _, folder = write("vivit", "video-classification")
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "somebody/else"}')
    change(folder, architectures=["AutoModel"], auto_map={"AutoConfig": "evil.Evil"}, _attn_implementation="a/kernel")
    assert isinstance(bundle.load(folder), HeadedModel)


def test_a_model_that_is_fine_tuned_again_starts_from_the_same_network(write: Write) -> None:
    from tlzoo.adapters.weights import resolve
    from tlzoo.drafting import adhoc
    from tlzoo.transfer.assemble import assemble

    model, folder = write("vivit", "video-classification")
    card = adhoc.find(str(folder))
    network = assemble(resolve(card, "auto"))
    ours = model.backbone.state_dict()
    assert all(torch.equal(value, ours[name]) for name, value in network.state_dict().items())


def test_what_tlzoo_alone_tells_is_said(write: Write) -> None:
    model, _ = write("vgg-16", "image-classification")
    description = loaders.Description({}, 'load("FOLDER")')
    assert "unknown" not in loaders.instructions(description, model)
    model.novelty = Novelty(torch.eye(3, 8), 0.5, 0.05)
    written = loaders.instructions(description, model)
    assert "`unknown`, only tlzoo tells" in written and 'load("THIS_FOLDER")' in written


def test_the_tolerance_is_of_probabilities() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0]])
    assert loaders.difference(logits, logits + 5) < 1e-7
    assert loaders.difference(logits, logits * 1.001) > loaders.TOLERANCE
    assert replace(loaders.Description({}, "x"), remark="y").remark == "y"
