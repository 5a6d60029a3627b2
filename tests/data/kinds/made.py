"""Small data that kinds are made of: files of noise, each other than the others, written as their names say."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import av
import numpy as np
import soundfile
from datasets import ClassLabel, Dataset, DatasetDict, Features
from numpy.typing import NDArray
from PIL import Image

from tlzoo.data.dataset import table as data_set
from tlzoo.data.media.video import encode

Make = Callable[[Path], Path]
"""Writes data into an empty folder, and gives what ``--data`` names."""
Store = Callable[[NDArray[np.uint8]], Image.Image]
"""A picture of some pixels."""
Write = Callable[[Path, str], object]
"""Writes one file into a folder, by its name."""
Texts = Mapping[str, str | bytes]
"""Content of files by their names."""
SIZE = (24, 16)
"""Width and height of a picture."""
CLASSES = ("ants", "bees")
CODECS = {
    ".m4a": ("mp4", "aac", 48_000),
    ".mp4": ("mp4", "aac", 48_000),
    ".3gp": ("3gp", "aac", 48_000),
    ".aac": ("adts", "aac", 48_000),
    ".webm": ("webm", "libopus", 48_000),
    ".wma": ("asf", "wmav2", 44_100),
}
"""Container, codec and rate of sounds that soundfile does not write."""
FILMS = {
    ".mp4": ("mp4", "mpeg4"),
    ".m4v": ("mp4", "mpeg4"),
    ".mov": ("mov", "mpeg4"),
    ".3gp": ("3gp", "mpeg4"),
    ".avi": ("avi", "mjpeg"),
    ".webm": ("webm", "libvpx-vp9"),
    ".flv": ("flv", "flv1"),
    ".wmv": ("asf", "wmv2"),
    ".ts": ("mpegts", "mpeg2video"),
    ".mpg": ("mpeg", "mpeg2video"),
}
"""Container and codec of videos."""


def _begun(home: Path, name: str) -> tuple[Path, np.random.Generator]:
    """A path whose folder is there, and the noise of the name."""
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path, np.random.default_rng(crc32(os.fsencode(name)))


def picture(home: Path, name: str, store: Store = Image.fromarray, **options: Any) -> Path:
    """A picture; without a suffix, a PNG."""
    path, rng = _begun(home, name)
    image = store(rng.integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8))
    if path.suffix.lower() == ".heic":
        from pillow_heif import from_pillow

        from_pillow(image).save(path, quality=-1)
    else:
        image.save(path, **({} if path.suffix else {"format": "PNG"}), **options)
    return path


def sound(home: Path, name: str, rate: int = 16_000, channels: int = 1, scale: float = 0.1, **options: str) -> Path:
    """A sound of 0.2 s."""
    path, rng = _begun(home, name)
    samples = scale * rng.standard_normal((rate // 5, channels))
    if path.suffix.lower() not in CODECS:
        forms = {".oga": {"format": "OGG"}, ".opus": {"format": "OGG", "subtype": "OPUS"}}
        soundfile.write(path, samples, rate, **forms.get(path.suffix.lower(), {}), **options)
        return path
    form, codec, rate = CODECS[path.suffix.lower()]
    with av.open(str(path), "w", format=form) as container:
        stream: Any = container.add_stream(codec, rate=rate, layout="mono", options={"b": "64000"})
        frame = av.AudioFrame.from_ndarray(np.repeat(samples.T, 3, axis=1).astype(np.float32), "fltp", "mono")
        frame.sample_rate = rate
        resampler = av.AudioResampler(stream.format, stream.layout, rate, frame_size=stream.frame_size or 960)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


def video(home: Path, name: str, count: int = 20) -> Path:
    """A video of some frames, without loss where the name says nothing else."""
    path, rng = _begun(home, name)
    frames = rng.integers(0, 256, (count, 4, 4, 3), np.uint8).repeat(8, axis=1).repeat(8, axis=2)
    if path.suffix == ".gif":
        first, *others = map(Image.fromarray, frames)
        first.save(path, save_all=True, append_images=others, duration=100)
    elif path.suffix in FILMS:
        form, codec = FILMS[path.suffix]
        with av.open(str(path), "w", format=form) as container:
            stream: Any = container.add_stream(codec, rate=25)
            stream.width = stream.height = 32
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            for frame in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
            container.mux(stream.encode(None))
    else:
        path.write_bytes(encode(frames, 8))
    return path


def text(home: Path, name: str, content: str | bytes) -> Path:
    """A file with some content, in which ``{home}`` is the folder."""
    path, _ = _begun(home, name)
    path.write_bytes(content if isinstance(content, bytes) else content.replace("{home}", str(home)).encode())
    return path


def named(pattern: str, index: int, count: int) -> str:
    """A pattern with what is said of one of some files: ``i``, ``kind``, ``split``, and whose it is, ``who``."""
    split = ("train", "test")[2 * index >= count]
    return pattern.format(i=index, kind=CLASSES[index % 2], split=split, who=f"p{index % 4}")


def files(
    pattern: str,
    write: Write,
    count: int = 12,
    texts: Texts | None = None,
    beside: Mapping[str, Callable[[int], str]] | None = None,
) -> Make:
    """Files whose names follow a pattern; others by name; and beside each one more, by a pattern and a function."""

    def make(home: Path) -> Path:
        for index in range(count):
            write(home, named(pattern, index, count))
            for name, content in (beside or {}).items():
                text(home, named(name, index, count), content(index))
        for name, whole in (texts or {}).items():
            text(home, name, whole)
        return home

    return make


def tree(folders: Mapping[str, int], suffix: str, write: Write, texts: Texts | None = None) -> Make:
    """A number of files in each of some folders."""

    def make(home: Path) -> Path:
        for folder, count in folders.items():
            (home / folder).mkdir(parents=True, exist_ok=True)
            for index in range(count):
                write(home, f"{folder}/{index}{suffix}")
        for name, content in (texts or {}).items():
            text(home, name, content)
        return home

    return make


def table(name: str, head: str, row: str, pattern: str, write: Write, count: int = 12, encoding: str = "utf-8") -> Make:
    """Files, and a table with a row for each."""
    content = "\n".join([head, *(named(row, index, count) for index in range(count))])
    return files(pattern, write, count, {name: content if encoding == "utf-8" else content.encode(encoding)})


def two(write: Write, suffix: str, texts: Texts | None = None) -> Make:
    """Two classes in folders."""
    return tree(dict(zip(CLASSES, (7, 5), strict=True)), suffix, write, texts)


def divided(write: Write, suffix: str, *places: str) -> Make:
    """Two classes in several places, such as ``train/{}``; in the first one most."""
    counts = ((5, 4), (3, 2), (2, 1))
    parts = zip(places, counts, strict=False)
    return tree({place.format(k): n for place, own in parts for k, n in zip(CLASSES, own, strict=True)}, suffix, write)


def suffixes(write: Write, several: str) -> Make:
    """A file of each class with each of some suffixes, which blanks divide."""
    return joined(*(files(f"{kind}/x{suffix}", write, 1) for kind in CLASSES for suffix in several.split()))


TWO = r"train 7.*test 4.*2 classes \(ants 7, bees 5\)"
"""Counts of :func:`two`."""
SPLITS = r"train 8.*test 5.*2 classes \(ants 8, bees 6\)"
"""Counts of :func:`divided` with a split to train on and one to test with."""
THREE = r"train 9.*validation 3.*test 5.*2 classes \(ants 10, bees 7\)"
"""The same with a validation at the end."""
ROWS = r"train 7.*test 4.*2 classes \(6 rows each\)"
"""Counts of :func:`table`."""
HALVES = r"train 5.*test 6.*2 classes \(6 rows each\)"
"""Counts of :func:`table` where each half is a split."""


def joined(*makes: Make) -> Make:
    """Several data in one folder."""

    def make_all(home: Path) -> Path:
        for make in makes:
            make(home)
        return home

    return make_all


def also(make: Make, *steps: Callable[[Path], object]) -> Make:
    """Data that is then changed."""

    def make_and_change(home: Path) -> Path:
        place = make(home)
        for step in steps:
            step(home)
        return place

    return make_and_change


def inside(folder: str, make: Make) -> Make:
    """Data in a folder of the one that is named."""

    def make_inside(home: Path) -> Path:
        (home / folder).mkdir(parents=True)
        make(home / folder)
        return home

    return make_inside


def at(name: str, make: Make) -> Make:
    """A file or a folder of the data is named."""
    return lambda home: make(home) / name


def relative(make: Make) -> Make:
    """Data named by a path from the current folder on."""
    return lambda home: Path(os.path.relpath(make(home)))


def linked(make: Make, *names: str) -> Make:
    """Data of which folders or files are links to others outside of it."""

    def link(home: Path) -> Path:
        make(home / "far")
        for name in names:
            (home / "near" / name).parent.mkdir(parents=True, exist_ok=True)
            (home / "near" / name).symlink_to(home / "far" / name)
        return home / "near"

    return link


def packed(form: str, make: Make) -> Make:
    """An archive of the data."""

    def pack(home: Path) -> Path:
        (home / "in").mkdir()
        make(home / "in")
        return Path(shutil.make_archive(str(home / "packed"), form, home / "in"))

    return pack


def written(name: str, content: str | bytes) -> Callable[[Path], object]:
    """A step that writes a file."""
    return lambda home: text(home, name, content)


def copied(source: str, target: str) -> Callable[[Path], object]:
    """A step that copies a file."""
    return lambda home: text(home, target, (home / source).read_bytes())


def removed(name: str) -> Callable[[Path], object]:
    """A step that removes a file."""
    return lambda home: (home / name).unlink()


def cut_off(name: str, share: float = 0.5) -> Callable[[Path], object]:
    """A step that leaves the beginning of a file."""

    def cut(home: Path) -> object:
        data = (home / name).read_bytes()
        return (home / name).write_bytes(data[: int(share * len(data))])

    return cut


Column = tuple[Any, Callable[[int], Any]]
"""Feature of a column, and its value in each row."""
LABEL: Column = (ClassLabel(names=list(CLASSES)), lambda i: i % 2)
Rows = Callable[[Path], Dataset]


def rows(write: Write, column: str, feature: Any, pattern: str, count: int = 12, **more: Column) -> Rows:
    """Rows of ``datasets``, each with the bytes of a file."""

    def build(home: Path) -> Dataset:
        names = [named(pattern, index, count) for index in range(count)]
        for name in names:
            write(home / "raw", name)
        values: dict[str, Sequence[Any]] = {
            column: [{"bytes": (home / "raw" / name).read_bytes(), "path": name} for name in names]
        }
        values |= {name: [value(index) for index in range(count)] for name, (_, value) in more.items()}
        return data_set(Features({column: feature} | {name: given for name, (given, _) in more.items()}), values)

    return build


def saved(**splits: Rows) -> Make:
    """Rows as ``save_to_disk`` leaves them."""

    def save(home: Path) -> Path:
        DatasetDict({split: build(home) for split, build in splits.items()}).save_to_disk(str(home / "saved"))
        return home / "saved"

    return save


def parquet(**splits: Rows) -> Make:
    """Rows in Parquet files, as those of the Hub."""

    def save(home: Path) -> Path:
        (home / "data").mkdir()
        for split, build in splits.items():
            build(home).to_parquet(home / "data" / f"{split}-00000-of-00001.parquet")
        return home / "data"

    return save
