"""Read a card from Markdown: safe YAML, and errors that name file, line, field and the alternatives."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from tlzoo.cards.schema import SECTIONS, Card, FrontMatter
from tlzoo.errors import InputError

_FENCE = re.compile(r"\A---\s*\n(.*?)^---\s*$\n?(.*)\Z", re.DOTALL | re.MULTILINE)
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


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe YAML that refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
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
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    return parse(text, path)


def parse(text: str, path: Path) -> CardFile:
    """Validate the text of a card; ``path`` only names it in errors."""
    match = _FENCE.match(text)
    if not match:
        raise InputError(f"{path}:1: no YAML front matter between two lines '---'")
    header, prose = match.groups()
    try:
        data = yaml.load(header, _Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise InputError(f"{path}:{mark.line + 2 if mark else 1}: {getattr(error, 'problem', error)}") from None
    try:
        front = FrontMatter.model_validate(data)
    except ValidationError as error:
        found = error.errors()
        inner = [e for e in found if not any(f["loc"][: len(e["loc"])] == e["loc"] != f["loc"] for f in found)]
        lines = [_explain(path, header, e["loc"], e["type"], e["msg"], e.get("input")) for e in inner]
        raise InputError("\n".join(lines)) from None
    faults = [f"{path}: {f}" for f in _prose_faults(prose)]
    if path.stem != front.tlzoo.id:
        faults.append(f"{path}: file name should be {front.tlzoo.id}.md, after field 'tlzoo.id'")
    if faults:
        raise InputError("\n".join(faults))
    return CardFile(path, front, prose)


def _prose_faults(prose: str) -> list[str]:
    found = _HEADING.findall(prose)
    missing = [s for s in SECTIONS if s not in found]
    return [f"prose has no section '## {s}'; sections: {', '.join(SECTIONS)}" for s in missing]


def _explain(path: Path, header: str, loc: tuple[int | str, ...], kind: str, message: str, given: Any) -> str:
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
        shown = "" if isinstance(given, dict | list) else f" (given: {given!r})"
        message = message.removeprefix("Value error, ") + shown
    return f"{path}:{_line_of(header, keys)}: field '{field}': {message}"


def _line_of(header: str, keys: list[int | str]) -> int:
    """Line in the file (1-based, the fence is line 1) of the deepest key that exists."""
    node: Any = yaml.compose(header, Loader=yaml.SafeLoader)
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
