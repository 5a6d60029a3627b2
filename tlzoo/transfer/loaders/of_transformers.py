"""Models of transformers, in a folder that its ``Auto`` classes and pipelines open."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from tlzoo.adapters.text_encoder import TextEncoder
from tlzoo.adapters.video import VideoEncoder
from tlzoo.adapters.wav2vec2 import BLANK, SPACE, SpeechEncoder
from tlzoo.cards.schema import Variant
from tlzoo.core.model import HeadedModel
from tlzoo.tasks.classification import AudioClassification, TextClassification, VideoClassification
from tlzoo.tasks.speech_recognition import SpeechRecognition, Symbols
from tlzoo.tasks.token_classification import TokenClassification
from tlzoo.transfer.loaders import mean_pooling
from tlzoo.transfer.loaders.interface import WEIGHTS, Description, Loader, folded, linear_of, unfold

_SPELLING = {
    "tokenizer_class": "Wav2Vec2CTCTokenizer",
    "pad_token": BLANK,
    "unk_token": BLANK,
    "bos_token": None,
    "eos_token": None,
    "word_delimiter_token": SPACE,
    "replace_word_delimiter_char": " ",
}
"""Settings of a tokenizer of symbols, as transformers has it."""
_POOLER = "pooler."
"""Part of the names of a layer behind an encoder, which no head of ours reads."""


@dataclass(frozen=True)
class _Class:
    """A class of transformers that computes a task's linear head.

    Attributes:
        suffix: How its name ends, behind that of the architecture; empty for that of ``mean_pooling``.
        head: Its linear layer.
        example: Python that predicts one input, with ``FOLDER`` in it.
        remark: What to mind there.
    """

    suffix: str
    head: str
    example: str
    remark: str = ""


_TAGGING = """from transformers import pipeline
tagger = pipeline("token-classification", model="FOLDER", aggregation_strategy="first")
print(tagger("Anna Berg lives in Oslo."))"""
_HEARING = """import soundfile
from transformers import pipeline
samples, rate = soundfile.read("sound.wav")
classifier = pipeline("audio-classification", model="FOLDER")
print(classifier({"raw": samples, "sampling_rate": rate}))"""
_TRANSCRIBING = """import soundfile
from transformers import pipeline
samples, rate = soundfile.read("speech.wav")
transcriber = pipeline("automatic-speech-recognition", model="FOLDER")
print(transcriber({"raw": samples, "sampling_rate": rate}))"""
_WATCHING = """import torch
from transformers import AutoImageProcessor, AutoModelForVideoClassification
processor = AutoImageProcessor.from_pretrained("FOLDER")
model = AutoModelForVideoClassification.from_pretrained("FOLDER").eval()
with torch.inference_mode():
    scores = model(**processor(frames, return_tensors="pt")).logits.softmax(-1)[0]
print({model.config.id2label[i]: score for i, score in enumerate(scores.tolist())})"""

_READING = """from transformers import pipeline
classifier = pipeline("text-classification", model="FOLDER", trust_remote_code=True)
print(classifier("a text", top_k=None, truncation=True))"""

_READER = _Class(
    "",
    "classifier",
    _READING,
    "`trust_remote_code` runs `mean_pooling.py`, a file of this folder, since transformers has no class that reads the "
    "mean of a text's tokens.",
)
_TAGGER = _Class(
    "ForTokenClassification",
    "classifier",
    _TAGGING,
    "The tags of the pieces are the same; where words begin and end, transformers decides by its own rule, and a text "
    "longer than the model's input is cut there, where tlzoo reads on.",
)
_LISTENER = _Class(
    "ForSequenceClassification",
    "classifier",
    _HEARING,
    "Sounds of different length are to be run one at a time: padding changes what the network hears.",
)
_WRITER = _Class(
    "ForCTC",
    "lm_head",
    _TRANSCRIBING,
    "Sounds of different length are to be run one at a time: padding changes what the network hears.",
)
_WATCHER = _Class(
    "ForVideoClassification",
    "classifier",
    _WATCHING,
    "The frames are {frames}, RGB, spread evenly over the video; the pipeline takes others, from its beginning.",
)


class Transformers(Loader):
    """transformers: classifiers and taggers of texts, classifiers of sounds and videos."""

    name = "transformers"

    def takes(self, model: HeadedModel, variant: Variant) -> bool:
        """Whether there is a class of the architecture that has one linear layer on what our head reads."""
        return linear_of(model.head) is not None and _class_of(model, variant) is not None

    def write(self, model: HeadedModel, variant: Variant, folder: Path) -> Description:
        """Write weights as the library does, and a tokenizer's settings."""
        kind = _class_of(model, variant)
        assert kind is not None
        backbone: Any = model.backbone
        names = _names(model)
        network = _library(variant, kind)(_config(model, kind)).eval()
        body = backbone.network.base_model.state_dict()
        expected = network.base_model.state_dict()
        absent = {name: torch.zeros_like(value) for name, value in expected.items() if _POOLER in name}
        network.base_model.load_state_dict({name: (absent | body)[name] for name in expected})
        if hasattr(network, "fc_norm") and network.fc_norm is not None:
            network.fc_norm.load_state_dict(backbone.fc_norm.state_dict())
        weight, bias = folded(model)
        with torch.no_grad():
            getattr(network, kind.head).weight.copy_(weight)
            getattr(network, kind.head).bias.copy_(bias)
            if hasattr(network, "projector"):
                nn.init.eye_(network.projector.weight)
                nn.init.zeros_(network.projector.bias)
        with _quiet():
            network.save_pretrained(folder)
        if not kind.suffix:
            shutil.copyfile(mean_pooling.__file__, folder / Path(mean_pooling.__file__).name)
        written = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if isinstance(backbone, TextEncoder):
            _put(folder / "tokenizer_config.json", _tokenizer(backbone))
        elif isinstance(model.task, SpeechRecognition):
            _put(folder / "vocab.json", {name: place for place, name in enumerate(names)})
            _put(folder / "tokenizer_config.json", _SPELLING)
        remark = kind.remark.format(frames=model.spec.frames)
        return Description(written, kind.example, _preprocessing(backbone), remark)

    def read(self, model: HeadedModel, variant: Variant, folder: Path) -> None:
        """Load the weights as the library does, without a look at its configuration, and take the layers."""
        kind = _class_of(model, variant)
        assert kind is not None
        backbone: Any = model.backbone
        with _quiet():
            network, report = _library(variant, kind).from_pretrained(
                None, config=_config(model, kind), state_dict=load_file(folder / WEIGHTS), output_loading_info=True
            )
        if odd := sorted({*report["missing_keys"], *report["unexpected_keys"]}):
            raise ValueError(f"layers are missing or too many: {', '.join(map(str, odd[:3]))}")
        head = getattr(network, kind.head)
        body = backbone.network.base_model
        expected = body.state_dict()
        theirs = {
            name: v for name, v in network.base_model.state_dict().items() if name in expected or _POOLER not in name
        }
        absent = {name: torch.zeros_like(value) for name, value in expected.items() if _POOLER in name}
        if backbone.network is not body:  # a published head, which no task's head reads
            for parameter in backbone.network.parameters():
                nn.init.zeros_(parameter)
        body.load_state_dict(absent | theirs)
        if isinstance(getattr(backbone, "fc_norm", None), nn.LayerNorm):
            backbone.fc_norm.load_state_dict(network.fc_norm.state_dict())
        unfold(model, head.weight, head.bias)

    def compared(self, model: HeadedModel, variant: Variant, folder: Path) -> Iterator[tuple[Tensor, Tensor]]:
        """Of noise, or of random pieces of text."""
        import transformers

        library: Any = transformers
        kind = _class_of(model, variant)
        assert kind is not None
        with _quiet():
            network = _library(variant, kind).from_pretrained(folder).eval()
        backbone, random = model.backbone, np.random.default_rng(0)
        if isinstance(backbone, TextEncoder):
            auto = library.PreTrainedTokenizerFast.from_pretrained(folder)
            count = backbone.tokenizer.get_vocab_size()
            texts = [backbone.tokenizer.decode(random.integers(0, count, n).tolist()) or "a" for n in (3, 9, 20)]
            batch = model.collate([model.encode({backbone.spec.input: text}) for text in texts])
            inputs = auto(texts, padding=True, truncation=True, return_tensors="pt")
            theirs = network(**inputs).logits
            yield model(batch), theirs[inputs["attention_mask"].bool()] if theirs.ndim == 3 else theirs
        elif isinstance(backbone, SpeechEncoder):
            listener = library.AutoFeatureExtractor.from_pretrained(folder)
            rate = model.spec.sample_rate or 0
            for count in (rate // 2, rate):
                samples = random.normal(0.01, 0.1, count).astype(np.float32)
                inputs = listener(samples, sampling_rate=rate, return_tensors="pt")
                ours, theirs = model(model.collate([backbone.encode(samples)])), network(**inputs).logits
                yield (ours.logits, theirs[0]) if isinstance(ours, Symbols) else (ours, theirs)
        else:
            watcher = library.AutoImageProcessor.from_pretrained(folder)
            side, count = model.spec.height or 0, model.spec.frames or 0
            frames = random.integers(0, 256, (count, side + 9, side + 40, 3), np.uint8)
            inputs = watcher(list(frames), return_tensors="pt")
            yield model(model.collate([backbone.encode(frames)])), network(**inputs).logits


def _put(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _class_of(model: HeadedModel, variant: Variant) -> _Class | None:
    """The class that computes a task's head on what it reads of the network."""
    task, backbone = model.task, model.backbone
    kind: _Class | None = None
    if isinstance(backbone, TextEncoder) and isinstance(task, TextClassification):
        kind = _READER
    elif isinstance(backbone, TextEncoder) and isinstance(task, TokenClassification):
        kind = _TAGGER
    elif isinstance(backbone, SpeechEncoder) and isinstance(task, AudioClassification):
        kind = _LISTENER
    elif (
        isinstance(backbone, SpeechEncoder)
        and isinstance(task, SpeechRecognition)
        and not {BLANK, SPACE} & {*task.labels}
    ):
        kind = _WRITER
    elif isinstance(backbone, VideoEncoder) and isinstance(task, VideoClassification):
        kind = _WATCHER
    return kind if kind is not None and _library(variant, kind) is not None else None


def _library(variant: Variant, kind: _Class) -> Any:
    import transformers

    if not kind.suffix:
        return mean_pooling.MeanPoolingClassifier
    stem = variant.model.removesuffix("Model").removesuffix("ForCausalLM")
    return getattr(transformers, stem + kind.suffix, None)


def _config(model: HeadedModel, kind: _Class) -> Any:
    """The configuration of a class, of the network's own and the names of its logits."""
    backbone: Any = model.backbone
    names = _names(model)
    config = copy.deepcopy(backbone.network.config)
    config.id2label = dict(enumerate(names))
    config.label2id = {name: i for i, name in enumerate(names)}
    if isinstance(backbone, SpeechEncoder):
        config.classifier_proj_size = config.hidden_size
        config.vocab_size, config.pad_token_id = len(names), 0  # of symbols, the blank first
    if kind.suffix:
        return config
    auto = {"AutoConfig": "MeanPoolingConfig", "AutoModelForSequenceClassification": "MeanPoolingClassifier"}
    return mean_pooling.MeanPoolingConfig(
        config,
        id2label=config.id2label,
        label2id=config.label2id,
        pad_token_id=config.pad_token_id,
        auto_map={base: f"{Path(mean_pooling.__file__).stem}.{name}" for base, name in auto.items()},
    )


def _names(model: HeadedModel) -> tuple[str, ...]:
    """Names of the logits."""
    if isinstance(model.task, SpeechRecognition):
        return (BLANK, *(SPACE if letter == " " else letter for letter in model.task.labels))
    return model.task.tags if isinstance(model.task, TokenClassification) else model.task.labels


def _tokenizer(backbone: TextEncoder) -> dict[str, Any]:
    """Settings of the tokenizer beside its file."""
    tokenizer = backbone.tokenizer
    special = {token.content for token in tokenizer.get_added_tokens_decoder().values() if token.special}
    names: dict[str, tuple[str, ...]]
    names = {"unk_token": ("[UNK]", "<unk>"), "cls_token": ("[CLS]", "<cls>"), "sep_token": ("[SEP]", "<sep>")}
    names |= {"mask_token": ("[MASK]", "<mask>"), "bos_token": ("<s>",), "eos_token": ("</s>",)}
    roles = {role: next((each for each in tokens if each in special), None) for role, tokens in names.items()}
    pad: Any = backbone.network.config
    roles["pad_token"] = tokenizer.id_to_token(pad.pad_token_id)
    reads = ("input_ids", "token_type_ids", "attention_mask")
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": backbone.max_tokens,
        "padding_side": "left" if backbone.family.left else "right",
        "clean_up_tokenization_spaces": False,
        "model_input_names": [name for name in reads if name in backbone.reads],
        **{role: token for role, token in roles.items() if token is not None},
    }


def _preprocessing(backbone: Any) -> dict[str, Any]:
    """How sounds and frames become the network's input."""
    if isinstance(backbone, SpeechEncoder):
        network: Any = backbone.network
        return {
            "feature_extractor_type": "Wav2Vec2FeatureExtractor",
            "feature_size": 1,
            "sampling_rate": backbone.spec.sample_rate,
            "padding_value": 0.0,
            "do_normalize": True,
            "return_attention_mask": network.config.feat_extract_norm == "layer",
        }
    if isinstance(backbone, VideoEncoder):
        side = backbone.spec.height
        return {
            "image_processor_type": "VideoMAEImageProcessor",
            "video_processor_type": "VideoMAEVideoProcessor",
            "do_resize": True,
            "size": {"shortest_edge": side},
            "resample": 2,
            "do_center_crop": True,
            "crop_size": {"height": side, "width": side},
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_normalize": True,
            "image_mean": backbone.mean.flatten().tolist(),
            "image_std": backbone.std.flatten().tolist(),
        }
    return {}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's progress bars, which a small file needs none of."""
    from transformers.utils import logging as library_logging

    logging: Any = library_logging
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
