"""A draft of a new card, with every required field and section; unknown values are marked TODO."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import yaml

from tlzoo import escape
from tlzoo.adapters.families import FAMILIES, NANO_PIECES, nano_tokenizer
from tlzoo.cards import catalogue
from tlzoo.cards.schema import MAX_ID_CHARACTERS, SECTIONS, SLUG
from tlzoo.data.named import DATASETS
from tlzoo.errors import InputError
from tlzoo.files import sha256_of
from tlzoo.vocabulary import TaskFacts, task_facts


@dataclass(frozen=True)
class KnownFile:
    """A file of weights, or one that they need.

    Attributes:
        name: Without folders.
        sha256: Its hash.
        bytes: Its size.
        place: Where it is available; absent where it is not served yet.
    """

    name: str
    sha256: str
    bytes: int
    place: str | None = None


@dataclass(frozen=True)
class DraftFacts:
    """Facts about a model before its card is written; absent ones become TODOs.

    Attributes:
        name: The model's own name.
        summary: One sentence.
        license: Of the weights, an SPDX identifier in lower case.
        license_name: The name of a licence that has no identifier.
        code_license: Of the original code.
        paper: URL of its paper.
        kind: Kind of the input, where the task takes several.
        organization: Who published it.
        framework: Of the original training.
        training_data: Names of data sets; those with an owner (``owner/name``) are of the Hub.
        adapter: Library family that builds it.
        model: Its name in that library.
        config: Arguments of its constructor.
        input: Fields of a card's input, such as ``height``.
        params: Learnable parameters.
        format: File extension of the weights.
        files: The weights, and what they need.
        doubts: By field (``model``, ``params``, ``config``), what has to be checked.
    """

    name: str | None = None
    summary: str | None = None
    license: str | None = None
    license_name: str | None = None
    code_license: str | None = None
    paper: str | None = None
    kind: str | None = None
    organization: str | None = None
    framework: str | None = None
    training_data: tuple[str, ...] = ()
    adapter: str | None = None
    model: str | None = None
    config: Mapping[str, object] = field(default_factory=dict)
    input: Mapping[str, object] = field(default_factory=dict)
    params: int | None = None
    format: str | None = None
    files: tuple[KnownFile, ...] = ()
    doubts: Mapping[str, str] = field(default_factory=dict)


def write(card_id: str, task: str, root: Path, known: DraftFacts | None = None) -> Path:
    """Write a draft, and return where it is.

    It can be read at once; ``tlzoo cards validate`` lists the TODOs that are left.

    Args:
        card_id: Id of the card.
        task: Its task.
        root: Folder of cards.
        known: Facts about the model.

    Raises:
        InputError: The id is invalid or taken, or the task or the kind of input is unknown.
    """
    facts = task_facts(task)
    check_id(card_id, root)
    known = known or DraftFacts()
    if known.kind is not None and known.kind not in facts.inputs:
        raise InputError(f"input {known.kind!r}: {task} takes {' or '.join(sorted(facts.inputs))}")
    path = root / facts.domain / task / f"{card_id}.md"
    name = known.name or card_id.replace("-", " ").title()
    header = [
        *_header(card_id, name, task, facts, known),
        *_input(facts, known),
        *_variants(facts, known),
        *_TRANSFER,
    ]
    prose = [f"# {_line(name)}", *(f"\n## {section}\n{_todo(_PROSE[section])}" for section in SECTIONS)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["---", *header, "---", *prose, ""]), encoding="utf-8")
    return path


def check_id(card_id: str, root: Path) -> None:
    """Check the id of a new card.

    Args:
        card_id: The id.
        root: Folder that the card is for.

    Raises:
        InputError: It is not a slug, too long, or the id of a card of that folder or of the catalogue.
    """
    shown = card_id if len(card_id) <= MAX_ID_CHARACTERS else f"{card_id[:MAX_ID_CHARACTERS]}..."
    if not re.fullmatch(SLUG, card_id) or shown != card_id:
        raise InputError(
            f"card id {shown!r}: use lower-case letters, digits and single hyphens, such as 'my-model', "
            f"at most {MAX_ID_CHARACTERS} characters"
        )
    for path in [*catalogue.paths(root), *catalogue.all_paths()]:
        if path.stem == card_id:
            raise InputError(f"card id {card_id!r} is taken by {path}; choose another id, or edit that card")


def _header(card_id: str, name: str, task: str, facts: TaskFacts, known: DraftFacts) -> list[str]:
    hub = [data for data in known.training_data if "/" in data]
    year = re.search(r"arxiv\.org/abs/(\d\d)", known.paper or "")
    named = known.license_name or _todo("its name")
    return [
        f"license: {_given(known.license, 'SPDX identifier of the weights, or other')}",
        *([f"license_name: {_text(named)}"] if known.license == "other" else []),
        f"library_name: {_text(known.adapter if known.adapter not in (None, 'own') else 'tlzoo')}",
        f"pipeline_tag: {facts.pipeline_tag}",
        f"tags: [{task}, transfer-learning]",
        *([f"datasets: {_text(hub)}"] if hub else []),
        "tlzoo:",
        f"  id: {card_id}",
        f"  name: {_text(name)}",
        f"  domain: {facts.domain}",
        f"  task: {task}",
        f"  summary: {_given(known.summary, 'one sentence on what it is and when it helps')}",
        "  provenance:",
        f"    authors: [{_given(None, 'who made it, Given Family')}]",
        f"    organization: {_given(known.organization, 'who published it')}",
        f"    year: 20{year[1]}" if year else f"    year: {datetime.now(UTC).year}  # {_todo('when it was published')}",
        *(_paper(known.paper) if known.paper else ["    papers: []  # TODO: title and url of the paper"]),
        f"    framework: {_given(known.framework, 'what it was trained with')}",
        f"    training_data: {_given(known.training_data, 'names of the data sets', listed=True)}",
        "    license:",
        f"      code: {_given(known.code_license, 'SPDX identifier of the code, or unknown')}",
        f"      weights: {_given(known.license, 'SPDX identifier of the weights, proprietary or unknown')}",
    ]


def _paper(url: str) -> list[str]:
    return ["    papers:", f"      - title: {_given(None, 'title of the paper')}", f"        url: {_text(url)}"]


def _input(facts: TaskFacts, known: DraftFacts) -> list[str]:
    kind = known.kind or sorted(facts.inputs, key=lambda k: k != facts.domain)[0]
    unsure = known.kind is None and len(facts.inputs) > 1
    lines = [
        "  input:",
        f"    kind: {kind}" + (f"  # {_todo('or ' + ', '.join(sorted(facts.inputs - {kind})))}" if unsure else ""),
        f"    description: {_given(None, 'what the preprocessing does to a file')}",
        *(f"    {name}: {_text(value)}" for name, value in known.input.items()),
    ]
    if kind == "image" and "height" not in known.input:
        lines += [f"    {side}: 224  # {_todo('pixels')}" for side in ("height", "width")]
    return [
        *lines,
        "  output:",
        f"    description: {_given(None, 'what the published model returns')}",
        f"  outputs: {_text(sorted(facts.needs[0]))}",
    ]


def _variants(facts: TaskFacts, known: DraftFacts) -> list[str]:
    adapter, model = known.adapter or "own", known.model or "module:Class"
    what = "its name in the library" if known.adapter else "adapter and model; an architecture of the zoo is own"
    doubt = known.doubts.get("model") or (None if known.model else what)
    config, params = known.doubts.get("config"), known.doubts.get("params")
    data = facts.pretrained_on
    lines = [
        "  variants:",
        "    - id: official",
        "      kind: official",
        f"      description: {_given(None, 'the published configuration in a sentence')}",
        f"      adapter: {_text(adapter)}",
        f"      model: {_text(model)}" + _comment(doubt),
    ]
    if known.config or config:
        lines.append(f"      config: {_text(dict(known.config))}" + _comment(config))
    if known.params:
        lines.append(f"      params: {known.params}" + _comment(params))
    if known.files:
        lines += [
            "      weights:",
            "        - tier: official",
            f"          format: {_text(known.format)}",
            f"          license: {_given(known.license, 'as above')}",
            "          files:",
            *(line for file in known.files for line in _file(file)),
        ]
    return [
        *lines,
        "    - id: nano",
        "      kind: nano",
        f"      description: {_given(None, 'the same architecture made small, and how')}",
        f"      adapter: {_text(adapter)}",
        f"      model: {_text(model)}" + _comment(doubt),
        *_made_small(known.model),
        "      weights:",
        "        - tier: stand-in",
        f"          recipe: {{task: {DATASETS[data].task}, data: {data}}}",
    ]


def _made_small(model: str | None) -> list[str]:
    """The configuration of a small variant; of an encoder of texts with a tokenizer of as many pieces."""
    comment = _comment("arguments that make it small, with params as they are then counted")
    if model not in FAMILIES:
        return ["      config: {}" + comment]
    name = nano_tokenizer(FAMILIES[model].kind)
    return [
        f"      config: {{vocab_size: {NANO_PIECES}}}" + comment,
        f"      tokenizer: {{file: {name}, sha256: {sha256_of(catalogue.tokenizer_path(name))}}}",
    ]


def _file(file: KnownFile) -> list[str]:
    place = file.place or f"https://example.org/{file.name}"
    return [
        f"            - name: {_text(file.name)}",
        f"              sha256: {_text(file.sha256)}",
        f"              bytes: {file.bytes}",
        "              places:",
        f"                - {_text(place)}" + _comment(None if file.place else "where it can be downloaded"),
    ]


_TRANSFER = [
    "  transfer:",
    "    strategies: [scratch, probe, partial, full]",
    '    freeze: "TODO: what to freeze first"',
    '    advice: "TODO: what a person with 300 labelled examples should do"',
]
_PROSE = {
    "What it is": "the architecture in plain words, its size, what it was trained on.",
    "When to choose it": "data, tasks and machines for which it is the right start.",
    "When not to": "where another card is better, and which.",
    "Input and output": "what happens to a person's file, and what comes out.",
    "How to fine-tune it": "the first command to run, what to thaw next, learning rates.",
    "Limits and biases": "what its training data lack, and how it fails.",
    "Citation": "BibTeX in a block of code.",
}


def _todo(what: str) -> str:
    return f"TODO: {what}"


def _comment(what: str | None) -> str:
    return f"  # {_todo(_line(what))}" if what else ""


def _given(value: str | Sequence[str] | None, what: str, *, listed: bool = False) -> str:
    """A value, or a TODO in its place."""
    return _text(value) if value else _text([_todo(what)] if listed else _todo(what))


def _line(text: str) -> str:
    return escape.visible(" ".join(text.split()))


def _text(value: object) -> str:
    """A value in YAML, on one line, that is read as what it is.

    Raises:
        InputError: It is not a finite number, or not a value that a card has.
    """
    if isinstance(value, str):
        line = _line(value)
        plain = re.fullmatch(r"[A-Za-z][\w.-]*", line) and yaml.safe_load(line) == line
        return line if plain else json.dumps(line, ensure_ascii=False)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_text(key)}: {_text(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InputError(f"{value}: a card has finite numbers only")
        mantissa, e, exponent = repr(value).partition("e")
        return repr(value) if "." in mantissa else f"{mantissa}.0{e}{exponent}"  # without a point, a word to YAML
    return json.dumps(value)
