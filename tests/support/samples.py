"""Small valid files of every kind that is read: pictures, sounds, videos, tables, annotations and weights."""

import csv
import gzip
import io
import json
import pickle
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image

RNG = np.random.default_rng(0)
PICTURE_FORMATS = {
    "png": "PNG", "jpg": "JPEG", "gif": "GIF", "tif": "TIFF", "webp": "WEBP", "bmp": "BMP", "ppm": "PPM",
    "jp2": "JPEG2000", "avif": "AVIF",
}  # fmt: skip
SOUND_FORMATS = {"wav": "WAV", "flac": "FLAC", "ogg": "OGG", "mp3": "MP3", "aiff": "AIFF"}


def pictures() -> dict[str, bytes]:
    """One of each format; also with EXIF, a palette, 16 bits, transparency, and several frames."""
    image = Image.fromarray(RNG.integers(0, 256, (24, 32, 3), dtype=np.uint8))
    exif = image.getexif()
    exif[0x0112], exif[0x010F] = 6, "tlzoo"
    kinds: dict[str, tuple[Image.Image, str, dict[str, Any]]] = {
        f"a.{suffix}": (image, name, {}) for suffix, name in PICTURE_FORMATS.items()
    }
    kinds |= {
        "turned.jpg": (image, "JPEG", {"exif": exif, "progressive": True}),
        "turned.png": (image, "PNG", {"exif": exif}),
        "palette.png": (image.quantize(16), "PNG", {}),
        "deep.png": (Image.fromarray(RNG.integers(0, 60_000, (24, 32), dtype=np.uint16)), "PNG", {}),
        "deep.tif": (Image.fromarray(RNG.normal(0, 9, (24, 32)).astype(np.float32)), "TIFF", {}),
        "packed.tif": (image, "TIFF", {"compression": "tiff_lzw"}),
        "clear.png": (image.convert("RGBA"), "PNG", {}),
        "moving.gif": (image, "GIF", {"save_all": True, "append_images": [image.rotate(90)] * 3}),
        "moving.webp": (image, "WEBP", {"save_all": True, "append_images": [image.rotate(180)] * 3}),
    }
    contents = {}
    for name, (picture, form, options) in kinds.items():
        file = io.BytesIO()
        picture.save(file, form, **options)
        contents[name] = file.getvalue()
    return contents


def sounds() -> dict[str, bytes]:
    """One of each format that soundfile reads, floats, stereo, and one that PyAV reads."""
    samples = (0.3 * np.sin(np.arange(4000) / 9)).astype(np.float32)
    contents = {}
    for suffix, form in SOUND_FORMATS.items():
        file = io.BytesIO()
        soundfile.write(file, samples, 16_000, format=form)
        contents[f"a.{suffix}"] = file.getvalue()
    file = io.BytesIO()
    soundfile.write(file, np.stack([samples, -samples], 1), 44_100, format="WAV", subtype="FLOAT")
    return contents | {"stereo.wav": file.getvalue(), "a.m4a": _m4a(samples)}


def _m4a(samples: np.ndarray) -> bytes:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream: Any = container.add_stream("aac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate = 16_000
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return file.getvalue()


def videos() -> dict[str, bytes]:
    """One of each container."""
    import av

    contents = {}
    for suffix, form, codec in (
        ("mp4", "mp4", "mpeg4"), ("mov", "mov", "mpeg4"), ("avi", "avi", "mpeg4"), ("mkv", "matroska", "ffv1"),
        ("mpg", "mpeg", "mpeg1video"), ("ts", "mpegts", "mpeg2video"), ("flv", "flv", "flv"), ("gif", "gif", "gif"),
    ):  # fmt: skip
        file = io.BytesIO()
        with av.open(file, "w", format=form) as container:
            stream: Any = container.add_stream(codec, rate=25)
            stream.width, stream.height = 48, 32
            stream.pix_fmt = {"ffv1": "bgr0", "gif": "rgb8"}.get(codec, "yuv420p")
            for _ in range(6):
                picture = RNG.integers(0, 256, (32, 48, 3), dtype=np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
        contents[f"a.{suffix}"] = file.getvalue()
    return contents


def _picture(path: Path) -> None:
    Image.fromarray(RNG.integers(0, 256, (36, 48, 3), dtype=np.uint8)).save(path)


def _noise(path: Path) -> None:
    soundfile.write(path, RNG.uniform(-0.3, 0.3, 4000), 16_000)


TEXTS = [(f"This is text {i} of {'cats' if i % 2 else 'dogs'}, {i * 7919 % 1000}", "ab"[i % 2]) for i in range(24)]


def _sheet(path: Path, header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    if path.suffix in (".csv", ".tsv"):
        with path.open("w", newline="") as file:
            csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",").writerows([header, *rows])
        return
    objects = [dict(zip(header, row, strict=True)) for row in rows]
    if path.suffix in (".parquet", ".xlsx", ".arrow"):
        import pandas as pd
        import pyarrow as pa

        frame = pd.DataFrame(objects)
        if path.suffix == ".parquet":
            frame.to_parquet(path)
        elif path.suffix == ".xlsx":
            frame.to_excel(path, index=False)
        else:
            table = pa.Table.from_pandas(frame)
            with pa.ipc.new_stream(path, table.schema) as writer:
                writer.write_table(table)
    elif path.suffix == ".json":
        path.write_text(json.dumps(objects, indent=1))
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in objects).encode()))
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in objects))


def _squad(path: Path) -> None:
    documents = []
    for i in range(8):
        context = f"The café no. {i} opened in {1900 + i}. It closed in 1999, and nobody knows why."
        answers = [{"text": str(1900 + i), "answer_start": context.index(str(1900 + i))}]
        qas = [
            {"id": f"a{i}", "question": f"When did {i} open?", "answers": answers, "is_impossible": False},
            {"id": f"b{i}", "question": f"Who ran {i}?", "answers": [], "is_impossible": True},
        ]
        documents.append({"title": f"Café {i}", "paragraphs": [{"context": context, "qas": qas}]})
    path.write_text(json.dumps({"version": "v2.0", "data": documents}))


def _conll(path: Path) -> None:
    path.write_text("\n\n".join(f"Anna{i} B-PER\nleft O\nCape B-LOC\nTown I-LOC\n. O" for i in range(12)) + "\n")


def _passages(path: Path) -> None:
    path.write_text("\n\n".join(f"Passage {i}. {text}." * 4 for i, (text, _) in enumerate(TEXTS)))


def _coco(folder: Path, **more: Any) -> None:
    images, marks = [], []
    for i in range(8):
        _picture(folder / f"{i}.png")
        images.append({"id": i, "file_name": f"{i}.png", "width": 48, "height": 36})
        polygon = [[3, 5, 13, 5, 13, 12, 3, 12]]
        points = {"keypoints": [5, 6, 2] * 17, "num_keypoints": 17}
        mark = {"id": i, "image_id": i, "category_id": 1, "bbox": [3, 5, 10, 7], "area": 70, "iscrowd": 0}
        marks.append(mark | {"segmentation": polygon, **points})
    classes = [{"id": 1, "name": "person", "keypoints": [f"k{i}" for i in range(17)], **more}]
    (folder / "all.json").write_text(json.dumps({"images": images, "annotations": marks, "categories": classes}))


def _voc(folder: Path) -> None:
    (folder / "Annotations").mkdir()
    for i in range(6):
        (folder / "JPEGImages").mkdir(exist_ok=True)
        _picture(folder / "JPEGImages" / f"{i}.png")
        box = "<bndbox><xmin>4</xmin><ymin>6</ymin><xmax>13</xmax><ymax>12</ymax></bndbox>"
        (folder / "Annotations" / f"{i}.xml").write_text(
            f"<?xml version='1.0'?><annotation><filename>{i}.png</filename><size><width>48</width><height>36</height>"
            f"</size><object><name>{'ab'[i % 2]}</name>{box}</object></annotation>"
        )


def _yolo(folder: Path) -> None:
    for i in range(6):
        _picture(folder / f"{i}.png")
        (folder / f"{i}.txt").write_text(f"{i % 2} 0.5 0.5 0.2 0.25\n")
    (folder / "data.yaml").write_text("names: {0: cat, 1: dog}\ntrain: .\n")


def _labelme(folder: Path) -> None:
    for i in range(6):
        _picture(folder / f"{i}.png")
        shapes = [{"label": "ab"[i % 2], "points": [[3, 5], [13, 12]], "shape_type": "rectangle"}]
        content = {"version": "5", "imageData": None, "shapes": shapes, "imagePath": f"{i}.png"}
        (folder / f"{i}.json").write_text(json.dumps(content))


def _cvat(folder: Path) -> None:
    images = ""
    for i in range(6):
        _picture(folder / f"{i}.png")
        box = f'<box label="{"ab"[i % 2]}" xtl="3" ytl="5" xbr="13" ybr="12"/>'
        images += f'<image id="{i}" name="{i}.png" width="48" height="36">{box}</image>'
    (folder / "annotations.xml").write_text(f"<annotations><version>1.1</version>{images}</annotations>")


def _label_studio(folder: Path) -> None:
    tasks = []
    for i in range(6):
        _picture(folder / f"{i}.png")
        value = {"x": 6, "y": 10, "width": 20, "height": 20, "rectanglelabels": ["ab"[i % 2]]}
        result = {"type": "rectanglelabels", "original_width": 48, "original_height": 36, "value": value}
        tasks.append({"id": i, "annotations": [{"result": [result]}], "data": {"image": f"/data/upload/{i}.png"}})
    (folder / "export.json").write_text(json.dumps(tasks))


def _masks(folder: Path) -> None:
    for i in range(6):
        for place in ("images", "masks"):
            (folder / place).mkdir(exist_ok=True)
        _picture(folder / "images" / f"{i}.png")
        Image.fromarray(np.repeat([0, 1, i % 2], 12)[:, None].repeat(48, 1).astype(np.uint8)).save(
            folder / "masks" / f"{i}.png"
        )


def _spoken(folder: Path) -> None:
    words = ["one two", "three four", "five six", "seven", "eight nine", "ten", "eleven", "twelve"]
    for i in range(len(words)):
        _noise(folder / f"{i}.wav")
    rows = [(f"{i}.wav", text) for i, text in enumerate(words)]
    _sheet(folder / "metadata.csv", ("file_name", "transcription"), rows)


def _pitches(folder: Path) -> None:
    for i in range(6):
        _noise(folder / f"{i}.wav")
        (folder / f"{i}.csv").write_text("time,f0\n" + "".join(f"{t / 100},{200 + i}\n" for t in range(20)))


def _listed(folder: Path) -> None:
    for i in range(8):
        _picture(folder / f"{i}.png")
    rows = [(f"{i}.png", "ab"[i % 2], f"s{i // 2}") for i in range(8)]
    _sheet(folder / "metadata.csv", ("file_name", "label", "group"), rows)


def _saved(path: Path) -> None:
    from datasets import ClassLabel, Dataset, Features
    from datasets import Image as Pictures

    features = Features({"image": Pictures(), "label": ClassLabel(names=["a", "b"])})
    images = [Image.fromarray(RNG.integers(0, 256, (36, 48, 3), dtype=np.uint8)) for _ in range(8)]
    rows = Dataset.from_dict({"image": images, "label": [i % 2 for i in range(8)]}, features)
    if path.suffix == ".parquet":
        rows.to_parquet(path)
    else:
        rows.save_to_disk(path.with_suffix(""))
        next(path.with_suffix("").glob("*.arrow")).rename(path)
        shutil.rmtree(path.with_suffix(""))


def _texts(name: str) -> Callable[[Path], None]:
    return lambda folder: _sheet(folder / name, ("text", "label"), TEXTS)


def _one(name: str, write: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda folder: write(folder / name)


PAIRS = [(text, f"{text} too", i % 6) for i, (text, _) in enumerate(TEXTS)]
REPLIES = [(f"How is number {i}?", f"Well, it is {i}, {text}") for i, (text, _) in enumerate(TEXTS * 5)]
ASKED = [(f"Who is {i}?", f"It is Anna {i} from Ulm", f"Anna {i}", 6) for i in range(12)]
DNA = "".join(f">promoter{i}\n{'ACGTNACGTT' * 12}\n" for i in range(6))
DATA: dict[str, tuple[str, Callable[[Path], None]]] = {
    **{
        name: ("text-classification", _texts(f"a.{suffix}"))
        for suffix in ("csv", "tsv", "jsonl", "json", "parquet", "xlsx", "jsonl.gz")
        for name in (f"texts.{suffix}",)
    },
    "pairs": ("text-embedding", _one("a.csv", lambda p: _sheet(p, ("sentence1", "sentence2", "score"), PAIRS))),
    "replies": ("text-generation", _one("a.jsonl", lambda p: _sheet(p, ("message", "reply"), REPLIES))),
    "squad": ("question-answering", _one("a.json", _squad)),
    "asked": (
        "question-answering",
        _one("a.csv", lambda p: _sheet(p, ("question", "context", "answer", "answer_start"), ASKED)),
    ),
    "conll": ("token-classification", _one("a.conll", _conll)),
    "passages": ("language-modeling", _one("a.txt", _passages)),
    "boxes": ("object-detection", _coco),
    "polygons": ("image-segmentation", _coco),
    "keypoints": ("pose-estimation", _coco),
    "masks": ("image-segmentation", _masks),
    "voc": ("object-detection", _voc),
    "yolo": ("object-detection", _yolo),
    "labelme": ("object-detection", _labelme),
    "cvat": ("object-detection", _cvat),
    "label_studio": ("object-detection", _label_studio),
    "listed": ("image-classification", _listed),
    "saved.arrow": ("image-classification", _one("train.arrow", _saved)),
    "saved.parquet": ("image-classification", _one("train.parquet", _saved)),
    "spoken": ("speech-recognition", _spoken),
    "pitches": ("pitch-extraction", _pitches),
}
"""By name: the task, and what writes data for it into a folder."""


def weights(folder: Path) -> dict[str, Path]:
    """A checkpoint of each format, by how it is read; of several files, the folder."""
    import torch
    from safetensors.torch import save_file

    from tests.support import keras_files, tflite_files

    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2))
    state = module.state_dict()
    save_file(state, folder / "a.safetensors")
    torch.save(state, folder / "a.pt")
    torch.save({"epoch": 3, "state_dict": state}, folder / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.save({"model": module, "args": {"lr": 0.1}}, folder / "whole.pt")
    arrays = {"model": {name: tensor.numpy() for name, tensor in state.items()}, "__author__": "x"}
    (folder / "a.pkl").write_bytes(pickle.dumps(arrays, protocol=2))
    (folder / "five.pkl").write_bytes(pickle.dumps(arrays, protocol=5))
    layers = {f"conv/{name}": RNG.normal(size=size).astype(np.float32) for name, size in (("kernel", 12), ("bias", 4))}
    keras_files.write(folder / "a.h5", layers)
    keras_files.write(folder / "a.h5.gz", layers)
    kernels = [
        (tflite_files.CONV, RNG.normal(size=(4, 3, 3, 2)), np.zeros(4)),
        (tflite_files.DENSE, RNG.normal(size=(2, 4)), np.zeros(2)),
    ]
    tflite_files.write(folder / "a.tflite", kernels, ["cat", "dog"])
    _tfjs(folder / "tfjs")
    _tensorflow(folder / "tensorflow")
    return {path.name: path for path in sorted(folder.iterdir())}


def _tfjs(folder: Path) -> None:
    folder.mkdir()
    kernel, bias = RNG.normal(size=(3, 3, 2, 4)).astype(np.float32), np.arange(4, dtype=np.uint8)
    (folder / "group1-shard1of1.bin").write_bytes(kernel.tobytes() + bias.tobytes())
    nodes = [{"name": "c", "op": "_FusedConv2D", "input": ["x", "k", "b"], "attr": _fused()}]
    packed = {"dtype": "uint8", "scale": 0.1, "min": -0.2}
    listed = [
        {"name": "k", "shape": [3, 3, 2, 4], "dtype": "float32"},
        {"name": "b", "shape": [4], "dtype": "float32", "quantization": packed},
    ]
    manifest = [{"paths": ["group1-shard1of1.bin"], "weights": listed}]
    model = {"format": "graph-model", "modelTopology": {"node": nodes}, "weightsManifest": manifest}
    (folder / "model.json").write_text(json.dumps(model))


def _fused() -> Mapping[str, Any]:
    return {"fused_ops": {"list": {"s": ["Qmlhc0FkZA==", "UmVsdTY="]}}}


def _tensorflow(folder: Path) -> None:
    import base64

    from tests.checkpoints.test_tensorflow import MERGED

    folder.mkdir()
    for name, content in MERGED.items():
        (folder / name).write_bytes(base64.b64decode(content))
