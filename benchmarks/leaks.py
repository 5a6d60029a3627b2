"""How many planted leaks are found, and how many innocent pairs are taken for one, by kind of leak.

Examples come from the packaged and rendered data sets; a copy of some of them is planted, changed in one way, beside an
untouched rest that has very similar but different ones: digits of one writer, drawings of one figure in several poses,
crops of one photograph that overlap by half, the same word by one voice, short answers. Only a pair of a copy and its
original is right. Run: python benchmarks/leaks.py
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import soundfile
import soxr
from PIL import Image

from tlzoo.data.alike import near_repeats
from tlzoo.data.catalogue import find, load
from tlzoo.data.dataset import Listing
from tlzoo.data.files.grouping import proposal, take
from tlzoo.data.media.audio import decode as decode_sound
from tlzoo.data.media.audio import encode_wav
from tlzoo.data.media.image import decode, encode_png
from tlzoo.data.media.video import decode as decode_video
from tlzoo.data.media.video import encode, length
from tlzoo.data.packaged.photographs import source_grounds
from tlzoo.data.rendered.sprites import drawings
from tlzoo.data.repeats import firsts

RATE = 16_000
PLANTED, CONTROL = 100, 500
SAME_DRAWINGS = ("_outline", "coinSilver_test", "_dead", "stoneCenter_rounded")
"""Parts of the names of drawings that look as another one does."""
Changes = dict[str, Callable[[Any], Any]]


def main() -> None:
    """Measure, and print."""
    rng = np.random.default_rng(0)
    print(f"{'data':28} {'change':26} {'planted':>7} {'recall':>7} {'precision':>9} {'false':>6} {'s':>6}")
    texts = _texts()
    _measure("text", "texts", texts, TEXT_CHANGES, str)
    for name, pictures in _pictures(rng).items():
        _measure("image", name, pictures, PICTURE_CHANGES, _stored_picture)
    for task, name in (("audio-classification", "spoken-digits"), ("audio-classification", "tones")):
        rows = load(find(task, name)).splits["train"]
        sounds = [decode_sound(row["audio"], RATE) for row in rows.select(range(min(len(rows), CONTROL + PLANTED)))]
        _measure("audio", name, sounds, SOUND_CHANGES, lambda samples: _stored(encode_wav(samples, RATE)))
    rows = load(find("video-classification", "digit-motions")).splits["train"]
    videos = [decode_video(row["video"], length(row["video"]), every=1) for row in rows.select(range(200))]
    _measure("video", "digit-motions", videos, VIDEO_CHANGES, lambda frames: _stored(encode(frames, 8)))
    _groups()
    _speed(texts)


def _measure(kind: str, name: str, items: Sequence[Any], changes: Changes, store: Callable[[Any], Any]) -> None:
    """One line for the untouched rest, and one for each change."""
    _line(kind, name, "none", [store(item) for item in items], 0)
    for change, changed in changes.items():
        count = min(PLANTED, len(items) // 2)
        copies = [changed(item) for item in items[:count]]
        copies = [copy if isinstance(copy, dict) else store(copy) for copy in copies]
        _line(kind, name, change, [*(store(item) for item in items), *copies], count)


def _line(kind: str, name: str, change: str, inputs: list[Any], planted: int) -> None:
    listing = Listing(kind, inputs, [""] * len(inputs), [str(i) for i in range(len(inputs))])
    start = time.perf_counter()
    first = firsts(listing)
    alike = near_repeats(listing, first)
    seconds = time.perf_counter() - start
    originals = len(inputs) - planted
    hits = sum(alike[originals + i] == alike[i] for i in range(planted))
    members: dict[int, list[int]] = {}
    for i, each in enumerate(alike):
        members.setdefault(each, []).append(i % originals if i >= originals else i)
    exact = {frozenset((i, each)) for i, each in enumerate(first)}
    false = sum(
        one != other and frozenset((one, other)) not in exact
        for each in members.values()
        for one, other in pairwise(sorted(set(each)))
    )
    precision = f"{hits / (hits + false):9.3f}" if planted and hits + false else f"{'-':>9}"
    recall = f"{hits / planted:7.3f}" if planted else f"{'-':>7}"
    print(
        f"{name + f' ({originals})':28} {change:26} {planted:7} {recall} {precision} {false:6} {seconds:6.1f}",
        flush=True,
    )


def _texts() -> list[str]:
    """Tweets, and short answers and numbers that differ by a character."""
    rows = load(find("text-classification", "tweets")).splits["train"]
    short = [
        "yes",
        "no",
        "ok",
        "C",
        "C#",
        "C++",
        "1.5",
        "15",
        "-5",
        "5",
        "don't",
        "dont",
        "we're",
        "were",
        "5 > 3",
        "5 < 3",
    ]
    numbered = [f"{word} {i}" for word in ("room", "take", "order") for i in range(30)]
    return list(dict.fromkeys([*rows["text"][: CONTROL - len(short) - len(numbered) + PLANTED], *short, *numbered]))


TEXT_CHANGES: Changes = {
    "upper case": str.upper,
    "punctuation": lambda text: f"\u201c{text}\u201d!",
    "blanks": lambda text: f"  {text.replace(' ', '   ')} ",
    "full-width characters": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
}


def _pictures(rng: np.random.Generator) -> dict[str, list[Image.Image]]:
    named: dict[str, list[Image.Image]] = {}
    digits = load(find("image-classification", "digits")).splits["train"].select(range(CONTROL))
    named["digits, 32 x 32"] = [decode(row["image"]) for row in digits]
    scenes = load(find("object-detection", "digit-scenes")).splits["train"]
    named["digit-scenes"] = [decode(row["image"]) for row in scenes]
    crops = [
        Image.fromarray(np.uint8(ground[y : y + 128, x : x + 128]))
        for part in source_grounds().values()
        for ground in part
        for y in range(0, ground.shape[0] - 127, 64)
        for x in range(0, ground.shape[1] - 127, 64)
    ]
    rng.shuffle(crops)
    crops = crops[:CONTROL]
    named["crops of photographs"] = crops
    poses = []
    for name, picture in (each for things in drawings()["train"].values() for each in things):
        if not any(part in name for part in SAME_DRAWINGS):
            canvas = Image.new("RGB", (128, 128), "white")
            canvas.paste(picture, ((128 - picture.width) // 2, (128 - picture.height) // 2), picture)
            poses.append(canvas)
    named["sprites on white"] = poses[:CONTROL]
    blank = [Image.new("RGB", (96, 96), (v, v, v)) for v in range(100, 250, 3)]
    noisy = [Image.fromarray(np.uint8(np.clip(rng.normal(128, 3, (96, 96, 3)), 0, 255))) for _ in range(50)]
    named["blank and nearly blank"] = blank + noisy
    return named


def _jpeg(picture: Image.Image) -> dict[str, Any]:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=70)
    return _stored(file.getvalue())


def _cropped(pixels: int) -> Callable[[Image.Image], Image.Image]:
    return lambda picture: picture.crop((pixels, pixels // 2, picture.width, picture.height))


def _resized(picture: Image.Image) -> Image.Image:
    return picture.resize((round(picture.width * 0.9), round(picture.height * 0.9)), Image.Resampling.BICUBIC)


PICTURE_CHANGES: Changes = {
    "JPEG, quality 70": _jpeg,
    "resized to 90%": _resized,
    "cropped by 2 pixels": _cropped(2),
    "cropped by 4 pixels": _cropped(4),
    "resized, cropped, JPEG": lambda picture: _jpeg(_cropped(2)(_resized(picture))),
}


def _at(rate: int, gain: float = 1.0, shift: int = 0) -> Callable[[Any], dict[str, Any]]:
    return lambda samples: _stored(encode_wav(gain * soxr.resample(samples[shift:], RATE, rate), rate))


def _vorbis(samples: Any) -> dict[str, Any]:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="OGG", subtype="VORBIS")
    return _stored(file.getvalue())


SOUND_CHANGES: Changes = {
    "at 11,025 Hz": _at(11_025),
    "gain 0.5": lambda samples: 0.5 * samples,
    "20 ms cut off": lambda samples: samples[RATE // 50 :],
    "20 ms of silence before": lambda samples: np.concatenate([np.zeros(RATE // 50, np.float32), samples]),
    "22,050 Hz, gain 0.5, 20 ms": _at(22_050, 0.5, RATE // 50),
    "Ogg Vorbis": _vorbis,
}
VIDEO_CHANGES: Changes = {
    "cropped by 2 pixels": lambda frames: np.ascontiguousarray(frames[:, 1:-1, 2:]),
    "darker by 2 of 255": lambda frames: np.maximum(frames, 2) - 2,
}


def _stored_picture(picture: Image.Image) -> dict[str, Any]:
    return _stored(encode_png(picture))


def _stored(data: bytes) -> dict[str, Any]:
    return {"bytes": data, "path": None}


def _groups() -> None:
    """Groups in file names: are they proposed where they are, and not where they are not?"""
    classes = ("yes", "no", "up")
    there = {
        "speaker0_take3.wav": [f"{c}/speaker{s}_take{t}.wav" for c in classes for s in range(6) for t in range(4)],
        "p07-12.jpg": [f"{c}/p{s:02}-{t}.jpg" for c in classes for s in range(8) for t in range(5)],
        "yes_anna_3.wav": [f"{c}/{c}_{n}_{t}.wav" for c in classes for n in ("anna", "ben", "carl") for t in range(5)],
        "1272-0003.flac": [f"{c}/{s}-{i:04}.flac" for c in classes for s in (84, 1272, 3170, 5338) for i in range(6)],
        "take3_speaker0.wav": [f"{c}/take{t}_speaker{s}.wav" for c in classes for s in range(6) for t in range(4)],
        "s3/7.jpg": [f"{c}/s{s}/{i}.jpg" for c in classes for s in range(5) for i in range(5)],
    }
    absent = {
        "12.wav": [f"{c}/{i}.wav" for c in classes for i in range(40)],
        "img_012.jpg": [f"{c}/img_{i:03}.jpg" for c in classes for i in range(40)],
        "yes.12.jpg": [f"{c}/{c}.{i}.jpg" for c in classes for i in range(40)],
        "3f2a-1.jpg": [f"{c}/{i * 7919 % 10007:x}-{i}.jpg" for c in classes for i in range(50)],
        "IMG_20230104_003.jpg": [f"{c}/IMG_2023010{d}_{i:03}.jpg" for c in classes for d in range(5) for i in range(5)],
    }
    for title, named in (("groups in names", there), ("no groups in names", absent)):
        for example, names in named.items():
            listing = Listing("audio", list(names), [name.partition("/")[0] for name in names], list(names))
            line = proposal(listing)
            if "'" in line:
                take(listing, line.split("'")[1], "names")
            print(f"{title:28} {example:26} {line or 'nothing proposed'}")


def _speed(texts: Sequence[str]) -> None:
    """Seconds for 1,000 pictures as JPEG of 256 x 256 pixels, and for 10,000 texts."""
    grounds = [each for part in source_grounds().values() for each in part]
    places = [
        (g, y, x) for g in grounds for y in range(0, g.shape[0] - 255, 16) for x in range(0, g.shape[1] - 255, 16)
    ]
    pictures = [_jpeg(Image.fromarray(np.uint8(g[y : y + 256, x : x + 256]))) for g, y, x in places[:1000]]
    _line("image", "JPEG of 256 x 256", "none", pictures, 0)
    _line("text", "texts", "none", [f"{texts[i % len(texts)]} {i}" for i in range(10_000)], 0)


if __name__ == "__main__":
    main()
