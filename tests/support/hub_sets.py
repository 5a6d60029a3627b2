"""Small copies of the standard data sets of the Hub, in their true shapes: order and types of columns, files, splits.

Each is written as its repository has it: Parquet as ``datasets`` writes it, JSON Lines, a tar file, or a loading script
beside the Hub's own conversion to Parquet. What a row holds is made here, and known.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile
from datasets import Audio, ClassLabel, Features, Image, List, Value

from tests.support.hub_server import CONVERSION
from tlzoo.data.media.image import encode_png
from tlzoo.data.media.video import encode

Row = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """A data set as the Hub has it.

    Attributes:
        repository: Its id.
        splits: Number of rows by split.
        features: Its columns, in order.
        row: The row of a split at a place; takes the place among the rows of all splits.
        files: Pattern of a split's file, with ``{split}``.
        readme: Front matter of its card.
        is_script: Whether the main branch has but a loading script, and the files are those of the conversion.
        more: Other files, by name.
    """

    repository: str
    splits: Mapping[str, int]
    features: Features
    row: Callable[[str, int], Row]
    files: str = "data/{split}-00000-of-00001.parquet"
    readme: str = ""
    is_script: bool = False
    more: Mapping[str, str] = field(default_factory=dict)

    def rows(self) -> dict[str, list[Row]]:
        """All rows, by split."""
        counted: dict[str, list[Row]] = {}
        number = 0
        for split, count in self.splits.items():
            counted[split] = [self.row(split, number + i) for i in range(count)]
            number += count
        return counted

    def write(self, root: Path, group: int | None = None) -> Path:
        """Write the repository below the folder that a Hub serves.

        Args:
            root: That folder.
            group: Number of rows of a row group; by default all.
        """
        home = root / "datasets" / self.repository
        home.mkdir(parents=True)
        name = self.repository.rpartition("/")[2]
        (home / "README.md").write_text(f"---\n{self.readme}---\n# {name}\n")
        for file, content in self.more.items():
            (home / file).write_text(content)
        files = home
        if self.is_script:
            (home / f"{name}.py").write_text("raise SystemExit('a loading script was run')\n")
            files = root / "branches" / "datasets" / self.repository / CONVERSION
        for split, rows in self.rows().items():
            path = files / self.files.format(split=split)
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.name.endswith(".jsonl.gz"):
                path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
            else:
                table = pa.Table.from_pylist(rows, schema=self.features.arrow_schema)
                pq.write_table(table, path, row_group_size=group or len(rows))
        return home


def text(number: int) -> str:
    """A text that no other number has."""
    return f"the {number}th story of {WORDS[number % 7]} and {WORDS[number % 11]}"


WORDS = ("whales", "rivers", "clocks", "lamps", "bridges", "gardens", "trains", "songs", "maps", "winters", "kites")


def sound(number: int) -> dict[str, Any]:
    """A stored sound."""
    time = np.arange(1600) / 16_000
    noise = np.random.default_rng(number).normal(0, 0.05, len(time))
    buffer = io.BytesIO()
    soundfile.write(buffer, 0.5 * np.sin(2 * np.pi * (200 + 10 * number) * time) + noise, 16_000, format="WAV")
    return {"bytes": buffer.getvalue(), "path": f"{number}.wav"}


def picture(number: int, side: int = 16) -> dict[str, Any]:
    """A stored picture."""
    pixels = np.random.default_rng(number).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return {"bytes": encode_png(pixels), "path": None}


def mask(number: int) -> dict[str, Any]:
    """A stored mask of the values 0 to 17, as large as :func:`picture`."""
    values = (np.arange(256).reshape(16, 16) // 16 + number) % 18
    return {"bytes": encode_png(values.astype(np.uint8)), "path": None}


def configurations(**folders: str) -> str:
    """Front matter of a card with several configurations, none of which is the default, by the folder of each."""
    splits = "".join(
        f"  - {{split: {split}, path: {{folder}}/{split}/*.parquet}}\n" for split in ("validation", "test")
    )
    lines = [
        f"- config_name: {name}\n  data_files:\n{splits.replace('{folder}', folder)}"
        for name, folder in folders.items()
    ]
    return "configs:\n" + "".join(lines)


ESC50_CLASSES = ("dog", "rain", "crying_baby", "door_wood_knock", "helicopter")
CIFAR = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
COMMANDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
PPE = ("Coverall", "Face_Shield", "Gloves", "Goggles", "Mask")
NER = ("O", "B-corporation", "I-corporation", "B-person", "I-person")
PARSING = (
    *("Background", "Hat", "Hair", "Sunglasses", "Upper-clothes", "Skirt", "Pants", "Dress", "Belt", "Left-shoe"),
    *("Right-shoe", "Face", "Left-leg", "Right-leg", "Left-arm", "Right-arm", "Bag", "Scarf"),
)
BOXES = ([1.0, 2.0, 5.0, 6.0], [8.0, 9.0, 6.0, 3.0])
FACE_FLAGS = {
    "blur": ClassLabel(names=["clear", "normal", "heavy"]),
    "expression": ClassLabel(names=["typical", "exaggerate"]),
    "illumination": ClassLabel(names=["normal", "exaggerate "]),
    "occlusion": ClassLabel(names=["no", "partial", "heavy"]),
    "pose": ClassLabel(names=["typical", "atypical"]),
    "invalid": Value("bool"),
}


def _esc50(split: str, i: int) -> Row:
    target = i % 5
    names = {"filename": f"{1 + i % 5}-{i}-A-{target}.wav", "fold": 1 + i % 5, "target": target}
    more = {"category": ESC50_CLASSES[target], "esc10": target < 2, "src_file": 100_000 + i // 2, "take": "AB"[i % 2]}
    return {**names, **more, "audio": sound(i)}


def _speech_commands(split: str, i: int) -> Row:
    file = {"file": f"{COMMANDS[i % 10]}/{i:08x}_nohash_0.wav", "audio": sound(i), "label": i % 10}
    return {**file, "is_unknown": False, "speaker_id": f"{i // 3:08x}", "utterance_id": i % 3}


def _librispeech(split: str, i: int) -> Row:
    said = f"CHAPTER {WORDS[i % 11].upper()} AND {WORDS[i % 7].upper()}"
    ids = {"speaker_id": 1000 + i // 4, "chapter_id": 5000 + i // 4, "id": f"{1000 + i // 4}-{5000 + i // 4}-{i:04}"}
    return {"file": f"{ids['id']}.flac", "audio": sound(i), "text": said, **ids}


def _sst2(split: str, i: int) -> Row:
    return {"idx": i, "sentence": text(i), "label": -1 if split == "test" else i % 2}


def _stsbenchmark(split: str, i: int) -> Row:
    source = {"split": split, "genre": "main-news", "dataset": "MSRpar", "year": "2012test", "sid": f"{i:04}"}
    return {**source, "score": (i % 11) / 2, "sentence1": text(2 * i), "sentence2": text(2 * i + 1)}


def _squad(split: str, i: int) -> Row:
    context = f"{text(i // 2)} was told to {WORDS[i // 2 % 5]} at noon."
    answer = {"text": ["noon"], "answer_start": [context.index("noon")]}
    head = {"id": f"{i:024x}", "title": f"Title_{i // 4}", "context": context}
    return {**head, "question": f"When was {text(i)} told?", "answers": answer}


def _daily_dialog(split: str, i: int) -> Row:
    turns = [f"{text(3 * i + turn)} ? " for turn in range(3)]
    return {"dialog": turns, "act": [2, 3, 1], "emotion": [0, 0, 4]}


def _lambada(split: str, i: int) -> Row:
    return {"text": f'"{text(i)} ," he said , and there it was : the {WORDS[i % 11]}'}


def _wnut17(split: str, i: int) -> Row:
    return {"id": str(i), "tokens": ["Anna", text(i).split()[1], "at", "Acme", "!"], "ner_tags": [3, 0, 0, 1, 0]}


def _cppe5(split: str, i: int) -> Row:
    objects = {"id": [2 * i, 2 * i + 1], "area": [30, 18], "bbox": list(BOXES), "category": [i % 5, (i + 1) % 5]}
    return {"image_id": i, "image": picture(i), "width": 16, "height": 16, "objects": objects}


def _wider_face(split: str, i: int) -> Row:
    count = 0 if split == "test" else 1 + i % 2
    flags = {name: [False if name == "invalid" else 0] * count for name in FACE_FLAGS}
    return {"image": picture(i), "faces": {"bbox": list(BOXES[:count]), **flags}}


SHAPES: dict[str, Shape] = {
    "esc50": Shape(
        "ashraq/esc50",
        {"train": 60},
        Features(
            {
                **{"filename": Value("string"), "fold": Value("int64"), "target": Value("int64")},
                **{"category": Value("string"), "esc10": Value("bool"), "src_file": Value("int64")},
                **{"take": Value("string"), "audio": Audio(decode=False)},
            }
        ),
        _esc50,
    ),
    "speech-commands": Shape(
        "google/speech_commands",
        {"train": 60, "validation": 20, "test": 20},
        Features(
            {
                **{"file": Value("string"), "audio": Audio(decode=False), "label": ClassLabel(names=list(COMMANDS))},
                **{"is_unknown": Value("bool"), "speaker_id": Value("string"), "utterance_id": Value("int8")},
            }
        ),
        _speech_commands,
        files="v0.02/{split}/0000.parquet",
        is_script=True,
    ),
    "librispeech": Shape(
        "openslr/librispeech_asr",
        {"validation": 48, "test": 24},
        Features(
            {
                **{"file": Value("string"), "audio": Audio(decode=False), "text": Value("string")},
                **{"speaker_id": Value("int64"), "chapter_id": Value("int64"), "id": Value("string")},
            }
        ),
        _librispeech,
        files="clean/{split}/0000.parquet",
        readme=configurations(all="clean", clean="clean"),
    ),
    "cifar10": Shape(
        "uoft-cs/cifar10",
        {"train": 60, "test": 30},
        Features({"img": Image(decode=False), "label": ClassLabel(names=list(CIFAR))}),
        lambda split, i: {"img": picture(i), "label": i % 10},
        files="plain_text/{split}-00000-of-00001.parquet",
        readme="configs:\n- config_name: plain_text\n  default: true\n  data_files:\n"
        "  - {split: train, path: plain_text/train-*}\n  - {split: test, path: plain_text/test-*}\n",
    ),
    "sst2": Shape(
        "stanfordnlp/sst2",
        {"train": 60, "validation": 20, "test": 20},
        Features(
            {"idx": Value("int32"), "sentence": Value("string"), "label": ClassLabel(names=["negative", "positive"])}
        ),
        _sst2,
    ),
    "ag-news": Shape(
        "fancyzhx/ag_news",
        {"train": 60, "test": 20},
        Features({"text": Value("string"), "label": ClassLabel(names=["World", "Sports", "Business", "Sci/Tech"])}),
        lambda split, i: {"text": text(i), "label": i % 4},
    ),
    "stsbenchmark": Shape(
        "mteb/stsbenchmark-sts",
        {"train": 40, "validation": 20, "test": 20},
        Features({}),
        _stsbenchmark,
        files="{split}.jsonl.gz",
    ),
    "squad": Shape(
        "rajpurkar/squad",
        {"train": 60, "validation": 20},
        Features(
            {
                **{name: Value("string") for name in ("id", "title", "context", "question")},
                "answers": {"text": List(Value("string")), "answer_start": List(Value("int32"))},
            }
        ),
        _squad,
        files="plain_text/{split}-00000-of-00001.parquet",
        readme="configs:\n- config_name: plain_text\n  default: true\n  data_files:\n"
        "  - {split: train, path: plain_text/train-*}\n  - {split: validation, path: plain_text/validation-*}\n",
    ),
    "daily-dialog": Shape(
        "li2017dailydialog/daily_dialog",
        {"train": 60, "validation": 20, "test": 20},
        Features(
            {
                "dialog": List(Value("string")),
                "act": List(ClassLabel(names=["__dummy__", "inform", "question", "directive", "commissive"])),
                "emotion": List(ClassLabel(names=["no emotion", "anger", "disgust", "fear", "happiness"])),
            }
        ),
        _daily_dialog,
        files="default/{split}/0000.parquet",
        is_script=True,
    ),
    "lambada": Shape(
        "EleutherAI/lambada_openai",
        {"test": 60},
        Features({"text": Value("string")}),
        _lambada,
        files="en/{split}/0000.parquet",
        is_script=True,
    ),
    "wnut17": Shape(
        "leondz/wnut_17",
        {"train": 60, "validation": 20, "test": 20},
        Features(
            {"id": Value("string"), "tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=list(NER)))}
        ),
        _wnut17,
        files="wnut_17/{split}/0000.parquet",
        is_script=True,
    ),
    "cppe-5": Shape(
        "rishitdagli/cppe-5",
        {"train": 60, "test": 6},
        Features(
            {
                **{"image_id": Value("int64"), "image": Image(decode=False)},
                **{"width": Value("int32"), "height": Value("int32")},
                "objects": {
                    **{"id": List(Value("int64")), "area": List(Value("int64"))},
                    **{"bbox": List(List(Value("float32"), length=4)), "category": List(ClassLabel(names=list(PPE)))},
                },
            }
        ),
        _cppe5,
    ),
    "wider-face": Shape(
        "CUHK-CSE/wider_face",
        {"train": 60, "validation": 20, "test": 20},
        Features(
            {
                "image": Image(decode=False),
                "faces": {
                    "bbox": List(List(Value("float32"), length=4)),
                    **{name: List(feature) for name, feature in FACE_FLAGS.items()},
                },
            }
        ),
        _wider_face,
        files="default/{split}/0000.parquet",
        is_script=True,
    ),
    "human-parsing": Shape(
        "mattmdjaga/human_parsing_dataset",
        {"train": 60},
        Features({"image": Image(decode=False), "mask": Image(decode=False)}),
        lambda split, i: {"image": picture(i), "mask": mask(i)},
        more={"id2label.json": json.dumps({str(i): name for i, name in enumerate(PARSING)})},
    ),
}
"""By the name of the data set in ``tlzoo.data.named``."""


def write_films(root: Path, names: Sequence[str] = ("Basketball", "Archery")) -> dict[str, int]:
    """Write ``sayakpaul/ucf101-subset``, one tar file of class folders; gives the number of videos by split."""
    home = root / "datasets" / "sayakpaul" / "ucf101-subset"
    home.mkdir(parents=True)
    rng = np.random.default_rng(0)
    counts = {"train": 8, "val": 4, "test": 4}
    with tarfile.open(home / "UCF101_subset.tar.gz", "w:gz") as tar:
        for split, count in counts.items():
            for i in range(count):
                data = encode(rng.integers(0, 256, (3, 16, 16, 3), dtype=np.uint8), 10)
                entry = tarfile.TarInfo(f"UCF101_subset/{split}/{names[i % 2]}/v_{names[i % 2]}_g{i:02}_c01.avi")
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
    return counts
