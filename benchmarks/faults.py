"""What ``tlzoo check`` finds of planted faults, and of what it complains where nothing was planted.

Usage: python benchmarks/faults.py [TASK=NAME]...
Up to 400 examples of each data set become a person's folder (texts: a table) of train and test. Then, each in a copy
of its own: 5% of the labels are flipped; 5% of the examples are there twice, saved anew, cropped or at another rate,
half of them on the other side; one group of twenty is on both sides; one class is told by a fact of its files. The
control has none of that.
"""

from __future__ import annotations

import csv
import io
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from datasets import concatenate_datasets
from PIL import Image

from tlzoo.check import Report, check
from tlzoo.data.catalogue import find, load
from tlzoo.data.media.audio import decode as decode_sound
from tlzoo.data.media.audio import encode_wav
from tlzoo.data.media.image import decode, encode_png

DATA = (
    "image-classification=textures",
    "image-classification=emoji",
    "audio-classification=spoken-digits",
    "audio-classification=tones",
    "text-classification=vader-words",
    "text-classification=chatterbot-topics",
)
COUNT, SHARE, GROUPS, RATE = 400, 0.05, 20, 16_000
PATTERN = r"(g\d+)_"
COPIES = ("leak", "contradiction", "repeat", "near repeat")
JUDGED = (*COPIES, "odd label", "group leak", "shortcut")


@dataclass(frozen=True)
class Item:
    """An example of a person's data.

    Attributes:
        name: Of its file.
        label: Its class.
        split: ``train`` or ``test``.
        content: A picture, samples at :data:`RATE`, or a text.
    """

    name: str
    label: str
    split: str
    content: Any


def main() -> None:
    """Plant, look, and print a line for each fault."""
    print("| data | fault | planted | found | of them right | precision | recall |\n|---|---|--:|--:|--:|--:|--:|")
    for each in sys.argv[1:] or DATA:
        task, _, name = each.partition("=")
        kind = find(task, name).kind
        items = examples(task, name, kind)
        plain = looked(task, items, kind)
        alarms = {each.example or each.message for each in plain.suspects if each.kind in JUDGED}
        print(f"| {name} | none | 0 | {len(alarms)} of {len(items)} | | | {len(alarms) / len(items):.3f} false |")
        for fault, plant in PLANTS.items():
            planted, wanted = plant(items, kind, np.random.default_rng(0))
            report = looked(task, planted, kind, PATTERN if fault == "group" else "")
            line(name, fault, wanted, [found for found in FOUND[fault](report) if found not in FOUND[fault](plain)])


def line(name: str, fault: str, wanted: set[str], found: Sequence[str]) -> None:
    """Print how many of the planted are among the found."""
    right = {each for each in wanted if any(each in words for words in found)}
    hits = sum(any(each in words for each in wanted) for words in found)
    precision = f"{hits / len(found):.3f}" if found else "-"
    recall = len(right) / len(wanted)
    print(f"| {name} | {fault} | {len(wanted)} | {len(found)} | {hits} | {precision} | {recall:.3f} |", flush=True)


def examples(task: str, name: str, kind: str) -> list[Item]:
    """Examples of a data set; four of five to train on, and which of twenty groups they are of in their names."""
    rows = concatenate_datasets(list(load(find(task, name)).splits.values()))
    names = rows.features["label"].names
    chosen = np.random.default_rng(1).permutation(len(rows))[:COUNT]
    labels = [names[rows[int(i)]["label"]] for i in chosen]
    frequent = {label for label, count in Counter(labels).items() if count >= 15}
    items = []
    for place, (i, label) in enumerate(zip(chosen, labels, strict=True)):
        if label in frequent:
            split, group = ("test" if place % 5 == 0 else "train"), place // 5 % (GROUPS // 2) * 2 + (place % 5 == 0)
            items.append(Item(f"g{group:02d}_{place:03d}", label, split, content(rows[int(i)], kind)))
    return items


def content(row: Mapping[str, Any], kind: str) -> Any:
    """What an example holds, decoded."""
    if kind == "image":
        return decode(row["image"])
    return decode_sound(row["audio"], RATE) if kind == "audio" else row["text"]


def looked(task: str, items: Sequence[Item], kind: str, group: str = "") -> Report:
    """Write a person's data, and check them."""
    with tempfile.TemporaryDirectory() as folder:
        given = {"group": group} if group else {}
        if kind == "text":
            path = Path(folder, "mine.csv")
            with path.open("w", newline="", encoding="utf-8") as file:
                table = csv.writer(file)
                table.writerow(["text", "label", "split", "author"])
                table.writerows([each.content, each.label, each.split, each.name.partition("_")[0]] for each in items)
            return check(task, path, {"group": "author"} if group else {})
        for each in items:
            suffix, data = each.content if isinstance(each.content, tuple) else stored(each.content, kind)
            path = Path(folder, "mine", each.split, each.label, f"{each.name}{suffix}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return check(task, Path(folder, "mine"), given)


def stored(given: Any, kind: str) -> tuple[str, bytes]:
    """A picture or a sound as a file."""
    return (".png", encode_png(given)) if kind == "image" else (".wav", encode_wav(given, RATE))


def named(item: Item, place: int, kind: str) -> str:
    """What the report calls an example: its file, or its row."""
    return f"row {place + 1}." if kind == "text" else f"{item.name}."


def flipped(items: Sequence[Item], kind: str, rng: np.random.Generator) -> tuple[list[Item], set[str]]:
    """Some examples get another class."""
    names, changed = sorted({each.label for each in items}), list(items)
    places = rng.choice(len(items), round(SHARE * len(items)), replace=False)
    for place in places:
        others = [name for name in names if name != items[place].label]
        changed[place] = replace(items[place], label=str(rng.choice(others)))
    return changed, {named(items[place], place, kind) for place in places}


def copied(items: Sequence[Item], kind: str, rng: np.random.Generator) -> tuple[list[Item], set[str]]:
    """Some examples are there again, changed, a half of them on the other side."""
    changed, wanted = list(items), set()
    for number, place in enumerate(rng.choice(len(items), round(SHARE * len(items)), replace=False)):
        item, other = items[place], {"train": "test", "test": "train"}
        split = other[item.split] if number % 2 else item.split
        again = replace(item, name=f"{item.name}again", split=split, content=CHANGED[kind](item.content, number))
        wanted.add(named(again, len(changed), kind))
        changed.append(again)
    return changed, wanted


def one_group(items: Sequence[Item], kind: str, rng: np.random.Generator) -> tuple[list[Item], set[str]]:
    """One group to train on has half of its examples in the test."""
    group = next(each.name.partition("_")[0] for each in items if each.split == "train")
    inside = [i for i, each in enumerate(items) if each.name.startswith(f"{group}_")]
    moved = set(inside[::2])
    return [replace(each, split="test") if i in moved else each for i, each in enumerate(items)], {f"group {group} "}


def told(items: Sequence[Item], kind: str, rng: np.random.Generator) -> tuple[list[Item], set[str]]:
    """The examples of one class are larger, longer, or end in a way of their own."""
    label = Counter(each.label for each in items).most_common(1)[0][0]
    what = f"class {label} " if len({each.label for each in items}) > 2 else "the classes"
    return [replace(e, content=TOLD[kind](e.content)) if e.label == label else e for e in items], {what}


def _jpeg(picture: Image.Image, number: int) -> tuple[str, bytes]:
    file = io.BytesIO()
    cropped = picture.crop((2, 1, picture.width, picture.height)) if number % 3 == 0 else picture
    size = (round(cropped.width * 0.9), round(cropped.height * 0.9)) if number % 3 == 1 else cropped.size
    cropped.resize(size, Image.Resampling.BICUBIC).save(file, "JPEG", quality=80)
    return ".jpg", file.getvalue()


def _at_another_rate(samples: Any, number: int) -> tuple[str, bytes]:
    cut = samples[RATE // 50 :] if number % 2 else samples
    return ".wav", encode_wav(0.5 * soxr.resample(cut, RATE, 22_050), 22_050)


CHANGED: dict[str, Callable[[Any, int], Any]] = {
    "image": _jpeg,
    "audio": _at_another_rate,
    "text": lambda text, number: f"\u201c{text.upper() if number % 2 else text}\u201d!",
}
TOLD: dict[str, Callable[[Any], Any]] = {
    "image": lambda picture: picture.resize((round(picture.width * 1.25), round(picture.height * 1.25))),
    "audio": lambda samples: np.concatenate([samples, np.zeros(3 * RATE, np.float32)]),
    "text": lambda text: f"{text} " + "really " * 40,
}
Plant = Callable[[Sequence[Item], str, np.random.Generator], tuple[list[Item], set[str]]]
PLANTS: dict[str, Plant] = {"labels": flipped, "copies": copied, "group": one_group, "shortcut": told}
FOUND: dict[str, Callable[[Report], list[str]]] = {
    "labels": lambda report: [f"{each.example}." for each in report.suspects if each.kind == "odd label"],
    "copies": lambda report: [f"{each.example}. {each.other}." for each in report.suspects if each.kind in COPIES],
    "group": lambda report: [each.message for each in report.suspects if each.kind == "group leak"],
    "shortcut": lambda report: [each.message for each in report.suspects if each.kind == "shortcut"],
}


if __name__ == "__main__":
    main()
