"""Read a card from Markdown: safe YAML, and errors that name file, line, field and the alternatives."""

from __future__ import annotations

import difflib
import math
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from tlzoo.cards.schema import MAX_BITS, SECTIONS, Card, FrontMatter
from tlzoo.errors import InputError

FENCE = re.compile(r"\A\ufeff?(?:\s*\n)?---[ \t]*\n(.*?)^---[ \t]*$\n?(.*)\Z", re.DOTALL | re.MULTILINE)
"""Front matter and prose; a byte order mark and blank lines before them are ignored."""
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
"""Invisible characters that change how a text is shown: control characters, and those of the reading direction."""


@dataclass(frozen=True)
class CardFile:
    """A card with the rest of its file."""

    path: Path
    header: FrontMatter
    prose: str

    @property
    def card(self) -> Card:
        """The typed facts."""
        return self.header.tlzoo


MAX_BYTES = 100_000
"""Of a card; the longest of the zoo has a ninth of it."""
MAX_DEPTH = 16
"""Of nested front matter."""
MAX_VALUES = 2_000
"""Keys and values of the front matter; the largest of the zoo has 322."""
_TOO_LARGE = f"a whole number of more than {MAX_BITS} bits"
MAX_FAULTS = 40
"""Reported faults of one card."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe YAML that refuses duplicate keys, and values that no card needs."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key is not a single word", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {_short(key.value)} is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)  # type: ignore[no-any-return]

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            if node.tag.endswith(":int") and len(node.value) > MAX_BITS + 2:  # in any notation, and not yet computed
                raise ValueError(_TOO_LARGE)
            value = super().construct_object(node, deep)
            if isinstance(node, yaml.ScalarNode):
                _check_scalar(value)
        except yaml.YAMLError:
            raise
        except Exception as error:  # of the constructor of a number or a date, for a malformed text
            problem = f"{_short(node.value)}: {_one_line(error)}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None
        return value


def read(path: Path) -> CardFile:
    """Read and validate one card.

    Args:
        path: The Markdown file.

    Raises:
        InputError: One line for each fault, each naming file, line, field and the alternatives.
    """
    return parse(read_text(path), path)


def read_text(path: Path) -> str:
    """Read the text of a card.

    Raises:
        InputError: It is not a regular file, too long, or not text; one line that names the file.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError(f"{path}: not a regular file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise InputError(f"{path}: {path.stat().st_size:,} bytes; a card has at most {MAX_BYTES:,}")
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: not UTF-8 text: {error.reason} at byte {error.start}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None


def parse(text: str, path: Path) -> CardFile:
    """Validate the text of a card; ``path`` is its name in errors.

    Raises:
        InputError: One line for each fault, for any text.
    """
    try:
        return _parse(text.replace("\r\n", "\n").replace("\r", "\n"), path)
    except InputError:
        raise
    except Exception as error:  # no text of a card may stop the program
        raise InputError(f"{path}:1: cannot be read: {type(error).__name__}: {_one_line(error)}") from error


def _parse(text: str, path: Path) -> CardFile:
    if invisible := _INVISIBLE.search(text.removeprefix("\ufeff")):
        line = text.count("\n", 0, invisible.start() + 1) + 1
        raise InputError(f"{path}:{line}: character U+{ord(invisible[0]):04X}, which is invisible; delete it")
    match = FENCE.match(text)
    if not match:
        raise InputError(f"{path}:1: no YAML front matter between two lines '---'")
    prose = match[2]
    try:
        root, data = _load(match)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = _one_line(getattr(error, "problem", None) or error)
        raise InputError(f"{path}:{mark.line + 1 if mark else 1}: {problem}") from None
    try:
        front = FrontMatter.model_validate(data)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        around = {e["loc"][:depth] for e in faults for depth in range(len(e["loc"]))}
        inner = [e for e in faults if e["loc"] not in around]  # without faults of parts that only contain them
        lines = [_explain(path, root, e["loc"], e["type"], e["msg"], e.get("input")) for e in inner[:MAX_FAULTS]]
        if len(inner) > MAX_FAULTS:
            lines.append(f"{path}: {len(inner) - MAX_FAULTS} more faults")
        raise InputError("\n".join(lines)) from None
    wrong = [f"{path}: {f}" for f in _prose_faults(prose)]
    if path.stem != front.tlzoo.id:
        wrong.append(f"{path}: file name should be {front.tlzoo.id}.md, after field 'tlzoo.id'")
    if wrong:
        raise InputError("\n".join(wrong))
    return CardFile(path, front, prose)


def todos(text: str, path: Path) -> list[str]:
    """Open points of a draft: one line for each TODO, with file, line and field; ``path`` is its name there."""
    left = []
    place = "front matter"
    for number, line in enumerate(text.splitlines(), start=1):
        if heading := _heading(line):
            place = f"section '{heading}'"
        field = re.match(r"[\s-]*(\w+):(?=\s)", line)
        if match := re.search(r"\bTODO\b:?\s*(.*)", line):
            where = f"field '{field[1]}'" if place == "front matter" and field else place
            what = match[1].rstrip('"] ') or "to be written"
            left.append(f"{path}:{number}: {where}: TODO: {what}")
    return left


def front_matter(text: str) -> dict[str, Any]:
    """The YAML header of any Markdown file; empty if it has none that can be read."""
    match = FENCE.match(text[:MAX_BYTES])
    try:
        data = _load(match)[1] if match else None
    except yaml.YAMLError:
        return {}
    return data if isinstance(data, dict) else {}


def _load(match: re.Match[str]) -> tuple[yaml.Node | None, Any]:
    """Parse the front matter to nodes, which have their lines in the file, and to values.

    Raises:
        yaml.YAMLError: It is not valid YAML, or has a feature that no card needs; with the place.
    """
    source = "\n" * match.string.count("\n", 0, match.start(1)) + match[1]
    _check_structure(source)
    loader: Any = _Loader(source)
    try:
        root = loader.get_single_node()
        return root, None if root is None else loader.construct_document(root)
    finally:
        loader.dispose()


def _check_structure(source: str) -> None:
    """Refuse features that no card needs, and that expand a short text: aliases, tags, deep nesting, many values.

    Raises:
        yaml.YAMLError: With the place.
    """
    depth = values = 0
    events: Iterator[Any] = yaml.parse(source, _Loader)
    for event in events:
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        values += isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent)
        if isinstance(event, yaml.AliasEvent):
            problem = "an alias (*name); write its value out"
        elif getattr(event, "tag", None):
            problem = f"a tag ({_short(event.tag)[1:-1]}); write the value alone"
        elif depth > MAX_DEPTH:
            problem = f"nested more than {MAX_DEPTH} levels deep"
        elif values > MAX_VALUES:
            problem = f"more than {MAX_VALUES:,} keys and values"
        else:
            continue
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


def _check_scalar(value: object) -> None:
    """Refuse a value that no card needs.

    Raises:
        ValueError: It is such a value.
    """
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise ValueError(_TOO_LARGE)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not a finite number")
    if isinstance(value, str) and (invisible := _INVISIBLE.search(value)):
        raise ValueError(f"character U+{ord(invisible[0]):04X}, which is invisible")


def _heading(line: str) -> str | None:
    """Text of a heading of level 2, else ``None``."""
    return line[3:].strip() or None if line.startswith("## ") else None


def _prose_faults(prose: str) -> list[str]:
    headings = {_heading(line) for line in prose.splitlines()}
    missing = [s for s in SECTIONS if s not in headings]
    return [f"prose has no section '## {s}'; sections: {', '.join(SECTIONS)}" for s in missing]


def _explain(path: Path, root: Any, loc: tuple[int | str, ...], kind: str, message: str, given: Any) -> str:
    keys = [k for k in loc if not (isinstance(k, str) and re.match(r"(tuple|literal|constrained|str|float|int)\b", k))]
    field = ".".join(_cut(_one_line(key)) for key in keys) or "front matter"
    if kind == "extra_forbidden":
        known = _fields_at(keys[:-1])
        close = difflib.get_close_matches(str(keys[-1]), known, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        message = f"unknown key; {hint}known: {', '.join(known)}"
    elif kind == "missing":
        message = "required, but missing"
    else:
        shown = "" if isinstance(given, dict | list) else f" (given: {_short(given)})"
        message = _cut(_one_line(message).removeprefix("Value error, "), 1_000) + shown
    return f"{path}:{_line_of(root, keys)}: field '{field}': {message}"


def _short(given: Any) -> str:
    return _cut(repr(given))


def _cut(text: str, maximum: int = 200) -> str:
    return text if len(text) <= maximum else f"{text[:maximum]}..."


def _one_line(message: object) -> str:
    return " ".join(str(message).split())


def _line_of(root: Any, keys: list[int | str]) -> int:
    """Line in the file (1-based) of the deepest key that exists."""
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
    return line + 1


def _fields_at(keys: list[int | str]) -> list[str]:
    """Names of the fields of the model at a path of keys."""
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
