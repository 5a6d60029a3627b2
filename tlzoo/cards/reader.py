"""Read a card from Markdown: safe YAML, and errors that name file, line, field and the alternatives."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from tlzoo.cards.schema import SECTIONS, Card, FrontMatter
from tlzoo.errors import InputError

FENCE = re.compile(r"\A---\s*\n(.*?)^---\s*$\n?(.*)\Z", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^## +(.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class CardFile:
    """A card and what stands around it in its file."""

    path: Path
    header: FrontMatter
    prose: str

    @property
    def card(self) -> Card:
        """The typed facts."""
        return self.header.tlzoo


MOST_BYTES = 100_000
"""Longest card that is read; the longest of the zoo has a ninth of it."""
DEEPEST = 16
"""Deepest nesting of the front matter that is read."""
MOST_FAULTS = 40
"""Faults of one card that are told."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe YAML that refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key is no single word", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} is given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)  # type: ignore[no-any-return]


def read(path: Path) -> CardFile:
    """Read and validate one card.

    Args:
        path: The Markdown file.

    Raises:
        InputError: One line for each fault, each naming file, line, field and the alternatives.
    """
    try:
        if (size := path.stat().st_size) > MOST_BYTES:
            raise InputError(f"{path}: {size:,} bytes; a card has at most {MOST_BYTES:,}")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    return parse(text, path)


def parse(text: str, path: Path) -> CardFile:
    """Validate the text of a card; ``path`` only names it in errors."""
    match = FENCE.match(text)
    if not match:
        raise InputError(f"{path}:1: no YAML front matter between two lines '---'")
    header, prose = match.groups()
    try:
        _check_structure(header)
        data = yaml.load(header, _Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise InputError(f"{path}:{mark.line + 2 if mark else 1}: {getattr(error, 'problem', error)}") from None
    except ValueError as error:  # a number or a date that is none
        raise InputError(f"{path}:1: front matter: {error}") from None
    try:
        front = FrontMatter.model_validate(data)
    except ValidationError as error:
        found = error.errors()
        inner = [e for e in found if not any(f["loc"][: len(e["loc"])] == e["loc"] != f["loc"] for f in found)]
        root: Any = yaml.compose(header, Loader=yaml.SafeLoader)
        lines = [_explain(path, root, e["loc"], e["type"], e["msg"], e.get("input")) for e in inner[:MOST_FAULTS]]
        if len(inner) > MOST_FAULTS:
            lines.append(f"{path}: {len(inner) - MOST_FAULTS} more faults")
        raise InputError("\n".join(lines)) from None
    faults = [f"{path}: {f}" for f in _prose_faults(prose)]
    if path.stem != front.tlzoo.id:
        faults.append(f"{path}: file name should be {front.tlzoo.id}.md, after field 'tlzoo.id'")
    if faults:
        raise InputError("\n".join(faults))
    return CardFile(path, front, prose)


def todos(text: str, path: Path) -> list[str]:
    """What a draft still lacks: one line for each TODO, with file, line and field; ``path`` only names it."""
    found = []
    place = "front matter"
    for number, line in enumerate(text.splitlines(), start=1):
        if heading := _HEADING.match(line):
            place = f"section '{heading[1]}'"
        field = re.match(r"[\s-]*(\w+):(?=\s)", line)
        if match := re.search(r"\bTODO\b:?\s*(.*)", line):
            where = f"field '{field[1]}'" if place == "front matter" and field else place
            what = match[1].rstrip('"] ') or "to be written"
            found.append(f"{path}:{number}: {where}: TODO: {what}")
    return found


def front_matter(text: str) -> dict[str, Any]:
    """The YAML header of any Markdown file, or nothing where it has none that can be read."""
    match = FENCE.match(text[:MOST_BYTES])
    try:
        if match:
            _check_structure(match[1])
            data = yaml.load(match[1], _Loader)  # noqa: S506 - a safe loader
            return data if isinstance(data, dict) else {}
    except (yaml.YAMLError, ValueError):
        pass
    return {}


def _check_structure(header: str) -> None:
    """Refuse what a card never needs, and what makes little text grow: aliases and deep nesting.

    Raises:
        yaml.YAMLError: With the place.
    """
    depth = 0
    events: Iterator[Any] = yaml.parse(header, _Loader)
    for event in events:
        mark: Any = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="an alias (*name); write its value out", problem_mark=mark)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise yaml.MarkedYAMLError(problem=f"nested more than {DEEPEST} levels deep", problem_mark=mark)


def _prose_faults(prose: str) -> list[str]:
    found = _HEADING.findall(prose)
    missing = [s for s in SECTIONS if s not in found]
    return [f"prose has no section '## {s}'; sections: {', '.join(SECTIONS)}" for s in missing]


def _explain(path: Path, root: Any, loc: tuple[int | str, ...], kind: str, message: str, given: Any) -> str:
    keys = [k for k in loc if not (isinstance(k, str) and re.match(r"(tuple|literal|constrained|str|float|int)\b", k))]
    field = ".".join(map(str, keys)) or "front matter"
    if kind == "extra_forbidden":
        known = _fields_at(keys[:-1])
        close = difflib.get_close_matches(str(keys[-1]), known, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        message = f"unknown key; {hint}known: {', '.join(known)}"
    elif kind == "missing":
        message = "required, but missing"
    else:
        shown = "" if isinstance(given, dict | list) else f" (given: {_short(given)})"
        message = message.removeprefix("Value error, ") + shown
    return f"{path}:{_line_of(root, keys)}: field '{field}': {message}"


def _short(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _line_of(root: Any, keys: list[int | str]) -> int:
    """Line in the file (1-based, the fence is line 1) of the deepest key that exists."""
    node = root
    line: int = node.start_mark.line if node else 0
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == key), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            line = node.start_mark.line
        else:
            break
    return line + 2


def _fields_at(keys: list[int | str]) -> list[str]:
    """Names of the fields of the model that stands at a path of keys."""
    model: Any = FrontMatter
    for key in keys:
        if isinstance(key, str) and key in model.model_fields:
            model = _model_in(model.model_fields[key].annotation) or model
    return sorted(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) is Literal:
        return None
    return next((m for a in get_args(annotation) if (m := _model_in(a))), None)
