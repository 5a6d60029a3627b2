"""Files to be uploaded are searched for traces of a person or a machine: paths and names.

Every file is read as what it is, down to a value of JSON or YAML, a row of Parquet and a member of a wheel,
so that what is refused is named with its file, its field and its value.
"""

from __future__ import annotations

import getpass
import io
import json
import re
import socket
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from tlzoo.blobs import cache_dir, mirrors
from tlzoo.cards.reader import FENCE
from tlzoo.errors import InputError
from tlzoo.publish import parquet

Content = bytes | Path
GENERIC = frozenset(
    {"admin", "administrator", "app", "build", "ci", "debian", "docker", "fedora", "guest", "home", "host", "jovyan"}
    | {"localhost", "localdomain", "me", "model", "node", "nobody", "raspberrypi", "root", "runner", "server"}
    | {"student", "test", "ubuntu", "user", "users", "vm", "worker"}
)
"""Names of accounts and machines that identify nobody."""
PLAIN = frozenset({".py", ".css", ".js", ".toml", ".typed"})
"""Files of source code: a path in them is mostly one that every machine has."""
VOCABULARIES = frozenset({"tokenizer.json", "vocab.json", "vocab.txt", "merges.txt"})
"""Files of a tokenizer: any word may stand in them."""
_PATH = re.compile(
    r"""(?<![\w.~@%+)\]/#-])/(?:[^\s/'"`,;:()\[\]{}<>|*?\\]+/)+[^\s/'"`,;:()\[\]{}<>|*?\\]+"""  # of two parts or more
    r"""|\bfile://[^\s'"]+"""
    r"""|\b[A-Za-z]:\\[^\s'"]+|(?<![\\\w])\\\\\w[\w.-]*\\[^\s'"]+"""  # a drive, or another machine
)
_HOME = re.compile(r"""(?<![\w.])/(?:home|Users)/[^\s/'"`,;:()\[\]{}<>|*?\\]+""")
_SHOWN = 3
BYTES = "its bytes"
"""The field of what is no text, in which anything may look like a path."""


@dataclass(frozen=True)
class Trace:
    """A text that tells of a person or a machine: in which file and field, what it is, and why."""

    file: str
    field: str
    value: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, {self.field}: {self.value!r} is {self.reason}"


@dataclass(frozen=True)
class Machine:
    """Places and names that identify this machine and its user.

    Attributes:
        places: Folders of its own, such as the home folder.
        names: The names of the account and of the machine, with what each is.
    """

    places: tuple[str, ...]
    names: Mapping[str, str]

    @classmethod
    def here(cls) -> Machine:
        """This machine."""
        folders = [Path.cwd(), Path(__file__).parents[2], cache_dir(), *map(Path, mirrors())]
        places = {str(p) for folder in folders for p in (folder, folder.resolve()) if len(p.parts) > 2}
        home = Path.home()
        places |= {str(p) for p in (home, home.resolve()) if len(p.parts) > 1}
        names: dict[str, str] = {}
        with suppress(OSError, KeyError):  # an account without a name
            names[getpass.getuser()] = "the name of your account on this machine"
        names |= dict.fromkeys((socket.gethostname(), socket.gethostname().split(".")[0]), "the name of this machine")
        telling = {name: what for name, what in names.items() if len(name) > 2 and name.lower() not in GENERIC}
        return cls(tuple(sorted((p for p in places if p.startswith("/")), key=len, reverse=True)), telling)


def refuse(repository: str, files: Mapping[str, Content], owner: str, allowed: Sequence[str]) -> None:
    """Refuse files with traces of a person or a machine.

    Args:
        repository: Where they are to go.
        files: By their path there.
        owner: The account there, whose name may be published.
        allowed: Values that may be published: names, and folders with their contents.

    Raises:
        InputError: Names file, field and value.
    """
    if all_traces := traces(files, owner, allowed):
        more = len(all_traces) - _SHOWN
        shown = "; ".join(map(str, all_traces[:_SHOWN])) + f"; and {more} more" * (more > 0)
        raise InputError(f"{repository}: not published: {shown}; take it out, or let it through with --allow TEXT")


def traces(files: Mapping[str, Content], owner: str = "", allowed: Sequence[str] = ()) -> list[Trace]:
    """Find traces of a person or a machine, each value once per field."""
    machine = Machine.here()
    names = {n: what for n, what in machine.names.items() if n.lower() != owner.lower()}
    known = [
        re.compile(rf"(?<![\w.-]){re.escape(place)}(?![\w-])[^\s'\"`,;:()\[\]{{}}<>|*?\\]*") for place in machine.places
    ]
    whole = [(re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])"), what) for name, what in names.items()]
    homes = (_HOME, "somebody's home folder")
    here = [(pattern, "a place on this machine") for pattern in known]
    loose, strict = [*here, homes], [*here, (_PATH, "a place on a machine"), homes, *whole]
    by_place: dict[tuple[str, str, str], Trace] = {}
    for file, content in sorted(files.items()):
        for name, field, text in texts(file, content):
            for value, reason in _matches(text, loose if _is_loose(name, field) else strict):
                if not any(value == text or value.startswith(text.rstrip("/") + "/") for text in allowed):
                    by_place.setdefault((name, field, value), Trace(name, field, value, reason))
    return list(by_place.values())


def _matches(text: str, rules: Sequence[tuple[re.Pattern[str], str]]) -> Iterator[tuple[str, str]]:
    """What matches, and why; what an earlier rule matched is not matched again."""
    taken: list[range] = []
    for pattern, reason in rules:
        for match in pattern.finditer(text):
            if not any(match.start() in span for span in taken):
                taken.append(range(*match.span()))
                yield match[0], reason


def _is_loose(name: str, field: str) -> bool:
    path = PurePosixPath(name)
    return field == BYTES or path.suffix in PLAIN or path.name in VOCABULARIES


def texts(file: str, content: Content) -> Iterator[tuple[str, str, str]]:
    """All texts in a file: the file, or the file in it, the field, and the text."""
    suffix = PurePosixPath(file).suffix
    if suffix == ".safetensors":
        for field, text in _values(_header(content)):
            yield file, f"header, {field}", text
        return
    raw = content.read_bytes() if isinstance(content, Path) else content
    try:
        if suffix == ".parquet":
            for field, text in _rows(raw):
                yield file, field, text
            return
        if suffix in (".whl", ".zip"):
            with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                for member in archive.infolist():
                    yield file, "name of a member", member.filename
                    for inner, field, text in texts(member.filename, archive.read(member)):
                        yield f"{file}/{inner}", field, text
            return
    except (pa.ArrowInvalid, zipfile.BadZipFile) as error:
        raise InputError(f"{file}: damaged, and what cannot be read is not published: {error}") from None
    text = raw.decode("utf-8", errors="replace")
    if b"\0" in raw:
        yield file, BYTES, text
        return
    with suppress(ValueError, yaml.YAMLError):
        if suffix == ".json":
            yield from ((file, field, value) for field, value in _values(json.loads(text)))
            return
        if suffix in (".yaml", ".yml"):
            yield from ((file, field, value) for field, value in _values(yaml.safe_load(text)))
            return
        if suffix == ".md" and (front := FENCE.match(text)):
            yield from ((file, f"front matter, {field}", value) for field, value in _values(yaml.safe_load(front[1])))
            before = text.count("\n", 0, front.start(2))
            yield from ((file, f"line {before + i}", line) for i, line in enumerate(front[2].split("\n"), start=1))
            return
    yield from ((file, f"line {i}", line) for i, line in enumerate(text.split("\n"), start=1))


def _values(value: object, field: str = "") -> Iterator[tuple[str, str]]:
    """Texts of parsed JSON or YAML, keys too, with where they stand."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            place = f"{field}.{key}" if field else str(key)
            yield f"field '{place}', its name", str(key)
            yield from _values(inner, place)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _values(inner, f"{field}[{i}]")
    elif isinstance(value, str):
        yield f"field '{field}'", value


def _rows(content: bytes) -> Iterator[tuple[str, str]]:
    """Texts of a Parquet file, each once a column, with the first row that has it, and its metadata."""
    table = parquet.read(content)
    for key, value in (table.schema.metadata or {}).items():
        yield f"metadata {key.decode(errors='replace')!r}", value.decode(errors="replace")
    for name, column in zip(table.column_names, table.columns, strict=True):
        yield "name of a column", name
        for chunk_start, chunk in _chunks(column):
            rows, values = pa.array(range(chunk_start, chunk_start + len(chunk)), pa.int64()), chunk
            while pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
                rows, values = rows.take(pc.list_parent_indices(values)), pc.list_flatten(values)
            if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
                first: dict[str, int] = {}
                for row, value in zip(rows.to_pylist(), values.to_pylist(), strict=True):
                    if value is not None:
                        first.setdefault(value, row)
                yield from ((f"column '{name}', row {row + 1}", value) for value, row in first.items())


def _chunks(column: pa.ChunkedArray) -> Iterator[tuple[int, pa.Array]]:
    start = 0
    for chunk in column.chunks:
        yield start, chunk
        start += len(chunk)


def _header(content: Content) -> object:
    """The header of a safetensors file; empty for any other file."""
    with io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as stream:
        length = stream.read(8)
        if len(length) < 8:
            return {}
        with suppress(ValueError):
            header: object = json.loads(stream.read(min(struct.unpack("<Q", length)[0], 1 << 27)))
            return header
    return {}
