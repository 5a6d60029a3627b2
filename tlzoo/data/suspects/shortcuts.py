"""Facts about files that tell the classes apart without their content: a model may learn these instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tlzoo.data.suspects import Suspect
from tlzoo.errors import InputError

MIN_SHARE = 0.6
"""Share of the way from chance to certainty that one fact has to go to be named."""
MIN_SHARE_OF_ONE = 0.8
"""The same of telling one of several classes from all others, which is asked more often."""
MIN_ROWS = 20
FOLDS = 5
MIN_LEAF = 5
"""Examples on each side of a threshold of a fact."""

Facts = Mapping[str, float | str]


def shortcuts(
    facts: Sequence[Facts], labels: Sequence[int], groups: Sequence[str], names: Sequence[str]
) -> Iterator[Suspect]:
    """The facts that tell the classes, or one of them from all others, each by itself.

    Args:
        facts: Of each example, by name; numbers, or words.
        labels: Class of each, counted from 0.
        groups: Group of each; none is used to fit and to judge.
        names: Name of each class.
    """
    classes = np.asarray(labels)
    present = sorted(set(labels))
    if len(classes) < MIN_ROWS or len(present) < 2:
        return
    for name in dict.fromkeys(name for each in facts for name in each):
        values = [each.get(name) for each in facts]
        if len(set(values)) < 2:
            continue
        answers, chance = _answers(values, classes, groups), 1 / len(present)
        recalls = {place: float((answers[classes == place] == place).mean()) for place in present}
        reached = sum(recalls.values()) / len(present)
        if (share := (reached - chance) / (1 - chance)) >= MIN_SHARE:
            what = f"{name} alone tells the classes"
            yield Suspect("shortcut", f"{what} with balanced accuracy {reached:.2f} (chance {chance:.2f})", score=share)
            continue
        for place in present:
            reached = (recalls[place] + float((answers[classes != place] != place).mean())) / 2
            if (share := 2 * reached - 1) >= MIN_SHARE_OF_ONE:
                what = f"{name} alone tells class {names[place]} from the others"
                yield Suspect("shortcut", f"{what} with balanced accuracy {reached:.2f} (chance 0.50)", score=share)


def _answers(
    values: Sequence[float | str | None], classes: NDArray[np.int64], groups: Sequence[str]
) -> NDArray[np.int64]:
    """The class of each example by a small tree on one fact, which was not fitted on the example."""
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.tree import DecisionTreeClassifier

    if any(isinstance(value, str) for value in values):
        words = sorted({str(value) for value in values})
        given = np.array([[str(value) == word for word in words] for value in values], dtype=float)
    else:
        given = np.array([[-1.0 if value is None else float(value)] for value in values])
    folds = max(2, min(FOLDS, int(np.bincount(classes).min()), len(set(groups))))
    answers = np.empty_like(classes)
    for fitted, held in StratifiedGroupKFold(folds, shuffle=True, random_state=0).split(given, classes, groups):
        tree = DecisionTreeClassifier(
            min_samples_leaf=MIN_LEAF, max_leaf_nodes=4 * len(set(classes)), class_weight="balanced", random_state=0
        )
        answers[held] = tree.fit(given[fitted], classes[fitted]).predict(given[held])
    return answers


def facts_of(kind: str, value: Any, name: str, label: str) -> Facts:
    """What is known of an example besides what it shows.

    Args:
        kind: Kind of the input.
        value: The input as it is stored.
        name: Name of the example, such as a path.
        label: Its class, whose own folder is no shortcut.

    Raises:
        InputError: It cannot be read.
    """
    of_name = {} if kind == "text" else _of_name(name, label)
    return of_name | _BY_KIND[kind](value) if kind in _BY_KIND else of_name


def _of_name(name: str, label: str) -> dict[str, float | str]:
    """The suffix of a file, and the letters that its name begins with, if they are not those of the class."""
    path = PurePosixPath(name)
    begin = re.match(r"[^\W\d]*", path.stem)
    word = begin[0].casefold() if begin else ""
    facts: dict[str, float | str] = {"the suffix of the file": path.suffix.casefold()}
    plain = re.sub(r"[^a-z]", "", label.casefold())
    if word and plain not in re.sub(r"[^a-z]", "", path.stem.casefold()):
        facts["the beginning of the file's name"] = word
    return facts


def _of_text(text: str) -> dict[str, float | str]:
    letters = max(1, sum(map(str.isalpha, text)))
    return {
        "the number of characters": len(text),
        "the share of capitals": sum(map(str.isupper, text)) / letters,
        "the share of digits": sum(map(str.isdigit, text)) / max(1, len(text)),
        "the last character": text.rstrip()[-1:] if not text.rstrip()[-1:].isalnum() else "",
    }


def _of_picture(stored: Any) -> dict[str, float | str]:
    from tlzoo.data.media.image import decode

    picture = decode(stored, at_least=64)
    width, height = picture.size
    pixels = np.asarray(picture.resize((32, 32))).astype(float)
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    red, green, blue = edge.mean(0)
    return {
        "the size of the picture": float(width * height),
        "the shape of the picture": width / height,
        "the brightness": float(pixels.mean()),
        "the brightness of the border": float(edge.mean()),
        "the colour of the border": float(red - blue),
        "the green of the border": float(green - (red + blue) / 2),
        "the evenness of the border": float(edge.std()),
    }


def _of_sound(stored: Any) -> dict[str, float | str]:
    from tlzoo.data.media.audio import decode

    samples = decode(stored, 16_000)
    power = samples.astype(float) ** 2
    edge = power[:800]  # 50 ms, before anything sounds
    return {
        "the length of the sound": len(samples) / 16_000,
        "the loudness": float(10 * np.log10(power.mean() + 1e-10)),
        "the noise at the beginning": float(10 * np.log10(edge.mean() + 1e-10)),
        "the peak": float(np.abs(samples).max()),
        "the offset": float(samples.mean()),
    }


_BY_KIND: dict[str, Callable[[Any], dict[str, float | str]]] = {
    "text": _of_text,
    "image": _of_picture,
    "audio": _of_sound,
}


def all_facts(kind: str, values: Sequence[Any], names: Sequence[str], labels: Sequence[str]) -> list[Facts]:
    """:func:`facts_of` each example; empty of one that cannot be read."""
    facts: list[Facts] = []
    for value, name, label in zip(values, names, labels, strict=True):
        try:
            facts.append(facts_of(kind, value, name, label))
        except InputError:
            facts.append({})
    return facts
