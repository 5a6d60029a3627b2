"""Published heads from the Hub to a prediction and a row: files of random weights, as the libraries write them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
import transformers
import yaml
from PIL import Image
from safetensors.torch import save_file
from timm.data import create_transform, resolve_data_config

from tests.support.hub_server import Hub
from tlzoo.adapters.imagenet import categories
from tlzoo.cards import catalogue
from tlzoo.data.media.video import decode, encode

SMALL_VIDEO = {
    "image_size": 64,
    "num_frames": 8,
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 96,
}
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = [*SPECIAL, "where", "does", "anna", "live", "lives", "in", "perth", ".", "?"]
SMALL_TEXT = {
    "vocab_size": len(WORDS),
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
}


def served_card(root: Path, card_id: str, variant: str, config: dict[str, Any] | None = None) -> Path:
    """A copy of a card with one of its official variants, in another size and from files that are not known by hash."""
    file = catalogue.get_file(card_id)
    _, header, prose = file.path.read_text(encoding="utf-8").split("---\n", 2)
    front = yaml.safe_load(header)
    card = front["tlzoo"]
    card["id"] = f"served-{card_id}"
    card["variants"] = [v for v in card["variants"] if v["id"] in (variant, "nano")]
    official = card["variants"][0]
    official |= {"config": config} if config is not None else {}
    official["weights"] = official["weights"][:1]
    for each in official["weights"][0]["files"]:
        (place,) = [p for p in each["places"] if p.startswith("hub:")]
        repository, _, rest = place.partition("@")
        each |= {"places": [f"{repository}@main/{rest.partition('/')[2]}"]}
        each.pop("sha256", None)
        each.pop("bytes", None)
    folder = root / card["domain"] / card["task"]
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(front, allow_unicode=True, sort_keys=False)
    (folder / f"served-{card_id}.md").write_text(f"---\n{text}---\n{prose}", encoding="utf-8")
    return folder


def filled(module: torch.nn.Module, std: float = 0.1) -> Any:
    """The same module with random values, biases too, which begin at zero."""
    torch.manual_seed(1)
    for value in module.parameters():
        torch.nn.init.normal_(value, std=std)
    return module.eval()


@pytest.fixture(scope="module")
def regnety() -> Any:
    torch.manual_seed(0)
    network = timm.create_model("regnety_008")
    for layer in network.modules():  # statistics that let the picture through
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.weight.data.fill_(1)
    with torch.no_grad():
        network.train()(torch.rand(4, 3, 224, 224) * 4 - 2)
    return network.eval()


@pytest.fixture(scope="module")
def videomae() -> Any:
    config = transformers.VideoMAEConfig(**SMALL_VIDEO, num_labels=3)
    return filled(transformers.VideoMAEForVideoClassification(config))


@pytest.fixture(scope="module")
def bert() -> Any:
    return filled(transformers.BertForQuestionAnswering(transformers.BertConfig(**SMALL_TEXT)))


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, regnety: Any, videomae: Any, bert: Any) -> Iterator[Hub]:
    root = tmp_path_factory.mktemp("hub")
    models, cards = root / "served" / "models", root / "cards"
    image, video = models / "timm/regnety_008.pycls_in1k", models / "MCG-NJU/videomae-small-finetuned-kinetics"
    text = models / "google-bert/bert-large-uncased-whole-word-masking-finetuned-squad"
    for folder in (image, video, text):
        folder.mkdir(parents=True)
    save_file(regnety.state_dict(), image / "model.safetensors")
    names = {"query.bias": "q_bias", "value.bias": "v_bias"}
    old = {k.replace(key, names[key]) if (key := ".".join(k.split(".")[-2:])) in names else k: v
           for k, v in videomae.state_dict().items()}  # fmt: skip
    torch.save(old, video / "pytorch_model.bin")
    classes = {"0": "tai chi", "1": "high kick", "2": "yoga"}
    (video / "config.json").write_text(json.dumps({"id2label": classes}))
    save_file(bert.state_dict(), text / "model.safetensors")
    (text / "config.json").write_text(json.dumps(SMALL_TEXT))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (text / name).write_text("{}")
    (text / "vocab.txt").write_text("\n".join(WORDS))
    served_card(cards, "regnety", "y008")
    served_card(cards, "videomae", "small-kinetics", SMALL_VIDEO)
    file = served_card(cards, "tf2nq", "large-squad", SMALL_TEXT) / "served-tf2nq.md"
    file.write_text(file.read_text().replace("tokenizer.json", "tokenizer_old.json"))
    (text / "tokenizer_old.json").write_text("{}")
    with Hub(root / "served") as served:
        yield served


@pytest.fixture
def tlzoo(hub: Hub, tmp_path: Path) -> Callable[..., Any]:
    def call(*arguments: object) -> Any:
        environment = hub.environment(tmp_path / "home") | {"TLZOO_CARDS": str(hub.root.parent / "cards")}
        command = [sys.executable, "-m", "tlzoo", *map(str, arguments)]
        mirror = {name: value for name, value in os.environ.items() if name == "TLZOO_MIRROR"}
        return subprocess.run(
            command, env=environment | mirror, cwd=tmp_path, capture_output=True, text=True, timeout=250
        )

    return call


def pictures(folder: Path, count: int, seed: int) -> list[Path]:
    """Blurred noise of different colours, higher than wide."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for i in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (5, 4, 3), dtype=np.uint8))
        coarse.resize((240, 300), Image.Resampling.BICUBIC).save(folder / f"{i}.png")
    return sorted(folder.iterdir())


def probabilities(network: Any, path: Path) -> torch.Tensor:
    """timm's own pipeline, by the name that the Hub's repository has."""
    config = resolve_data_config(pretrained_cfg=timm.get_pretrained_cfg("regnety_008.pycls_in1k").to_dict())
    transform = create_transform(**config, is_training=False)
    with torch.inference_mode():
        scores: torch.Tensor = network(transform(Image.open(path))[None])[0].softmax(-1)
    return scores


def test_a_picture_gets_the_librarys_class_and_score(tlzoo: Callable[..., Any], regnety: Any, tmp_path: Path) -> None:
    paths = pictures(tmp_path / "pictures", 3, 0)
    done = tlzoo("predict", "served-regnety", *paths)
    assert done.returncode == 0, done.stderr
    for path, line in zip(paths, map(json.loads, done.stdout.splitlines()), strict=True):
        scores = probabilities(regnety, path)
        assert line["label"] == categories()[int(scores.argmax())]
        assert line["score"] == pytest.approx(scores.max().item(), abs=1e-5)


def test_zero_shot_chooses_among_the_classes_that_meet(tlzoo: Callable[..., Any], regnety: Any, tmp_path: Path) -> None:
    """A name with a synonym, an id of WordNet, and a class that ImageNet does not have."""
    known = {"tabby_cat": 281, "n02124075": 285}
    right = total = 0
    for seed, (name, place) in enumerate({**known, "unicorn": -1}.items()):
        pictures(tmp_path / "mine" / "train" / name, 6, 2 * seed)
        for path in pictures(tmp_path / "mine" / "test" / name, 8, 2 * seed + 1):
            scores = probabilities(regnety, path)
            best = max(known.values(), key=lambda i: scores[i])
            right, total = right + (best == place), total + 1
    done = tlzoo(
        "eval", "--task", "image-classification", "--model", "served-regnety", "--strategy", "zero-shot",
        "--weights", "official", "--data", tmp_path / "mine", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = [row for row in json.loads(done.stdout) if row["strategy"] == "zero-shot"]
    assert [row["value"] for row in rows] == [pytest.approx(right / total)]
    assert 0 < right < total


def test_a_clip_gets_the_librarys_action(tlzoo: Callable[..., Any], videomae: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "clip.mkv"
    path.write_bytes(encode(rng.integers(0, 256, (8, 64, 64, 3), dtype=np.uint8), 8))
    done = tlzoo("predict", "served-videomae", path)
    assert done.returncode == 0, done.stderr
    frames = decode({"bytes": path.read_bytes(), "path": None}, 8)
    given = catalogue.get("videomae").input  # frames already have their size
    processor = transformers.VideoMAEImageProcessor(do_resize=False, image_mean=given.mean, image_std=given.std)
    processor.crop_size = {"height": 64, "width": 64}
    with torch.inference_mode():
        scores = videomae(**processor(list(frames), return_tensors="pt")).logits[0].softmax(-1)
    line = json.loads(done.stdout)
    assert line["label"] == ("tai chi", "high kick", "yoga")[int(scores.argmax())]
    assert line["score"] == pytest.approx(scores.max().item(), abs=1e-5)


def test_a_question_gets_the_librarys_span(tlzoo: Callable[..., Any], bert: Any, tmp_path: Path) -> None:
    table = tmp_path / "asked.csv"
    table.write_text("question,context\nWhere does Anna live?,Anna lives in Perth.\n")
    done = tlzoo("predict", "served-tf2nq", table)
    assert done.returncode == 0, done.stderr
    words = ["[CLS]", "where", "does", "anna", "live", "?", "[SEP]", "anna", "lives", "in", "perth", ".", "[SEP]"]
    ids = torch.tensor([[WORDS.index(word) for word in words]])
    with torch.inference_mode():
        output = bert(input_ids=ids, token_type_ids=torch.tensor([[0] * 7 + [1] * 6]))
    start, end = output.start_logits[0], output.end_logits[0]
    spans = [(i, j) for i in range(7, 12) for j in range(i, 12)]
    i, j = max(spans, key=lambda span: float(start[span[0]] + end[span[1]]))
    places = {7: (0, 4), 8: (5, 10), 9: (11, 13), 10: (14, 19), 11: (19, 20)}
    line = json.loads(done.stdout)
    best = line["best"][0]
    assert (best["start"], best["end"]) == (places[i][0], places[j][1])
    values = [float(start[a] + end[b] - start[0] - end[0]) for a, b in spans]
    assert best["score"] == pytest.approx(torch.tensor([*values, 0.0]).softmax(0)[:-1].max().item(), abs=1e-5)
