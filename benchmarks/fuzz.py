"""Whether files of strangers are read or refused in one line, at once, within bounds: valid ones, changed at random.

The readers run in a child process. Counted are: any exception but tlzoo's own, an error of several lines where one is
due, a dead process, a write outside of the cache, more than 5 s of a processor, and more than 1 GB of memory beyond
what the process had before. The same seed makes the same files; ``--only NUMBER`` repeats one and shows its traceback.

Run: python -m benchmarks.fuzz cards|archives|media|weights|folders|results --count N [--seed S] [--only NUMBER]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import resource
import select
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import traceback
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.support import mutations, samples
from tests.support.mutations import BYTES, LINES, mutated, rewritten
from tlzoo.errors import InputError, TlzooError

MAX_SECONDS = 5.0
"""Of a processor; the clock also counts what other processes do meanwhile."""
HANG_SECONDS = 40.0
"""By the clock; then the process is killed."""
MAX_BYTES = 1_000_000_000
SAFE_BYTES = 3_000_000_000
"""Addresses that the process may ask for beyond those that it has, so that a fault ends it and not the machine."""
LISTED = 20
"""Failures that are printed."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.chmod", "os.truncate")
NO_MEMORY = ("MemoryError", "Unable to allocate", "can't allocate", "Cannot allocate", "bad_alloc")


class Kind(Protocol):
    """One kind of files."""

    def __init__(self, folder: Path) -> None:
        """Write valid files into a folder."""

    def make(self, chance: random.Random, folder: Path) -> Path:
        """Write a changed file, or folder of files, into an empty folder."""

    def read(self, path: Path) -> None:
        """Read it in every way that tlzoo does.

        Raises:
            TlzooError: It is refused.
        """


def each(*calls: Callable[[], object]) -> None:
    """Call functions that do not depend on each other, all of them.

    Raises:
        TlzooError: One did, the first.
    """
    refusals: list[TlzooError] = []
    for call in calls:
        try:
            call()
        except TlzooError as error:
            refusals.append(error)
            check_message(error)
    if refusals:
        raise refusals[0]


def check_message(error: TlzooError, is_card: bool = False) -> None:
    """Check that an error is a line for a person; those of a card are several.

    Raises:
        AssertionError: It is not.
    """
    lines = str(error).split("\n")
    assert is_card or len(lines) == 1, f"several lines: {lines[:3]}"
    for line in lines:
        assert line.strip(), "an empty line"
        assert not (is_card and any(unicodedata.category(c) == "Cc" for c in line)), (
            f"control characters: {line[:200]!r}"
        )


class Cards:
    """Cards, which are read, shown and hashed."""

    def __init__(self, folder: Path) -> None:
        """Take those of the zoo."""
        from tlzoo.cards import catalogue

        self.cards = [(path.name, path.read_bytes()) for path in catalogue.paths()]

    def make(self, chance: random.Random, folder: Path) -> Path:
        """Change one."""
        name, content = chance.choice(self.cards)
        path = folder / name
        path.write_bytes(mutated(content, chance, (*LINES, *LINES, *BYTES), [other for _, other in self.cards]))
        return path

    def read(self, path: Path) -> None:
        """Read it, and use what was read."""
        from tlzoo import escape
        from tlzoo.cards import render
        from tlzoo.cards.reader import front_matter, read, todos

        text = path.read_bytes().decode(errors="replace")
        front_matter(text)
        try:
            file = read(path)
        except InputError as error:
            check_message(error, is_card=True)
            assert ":1: cannot be read: " not in str(error), f"refused for want of a better word: {error}"
            raise
        json.dumps(render.listing([file]))
        render.table([file]), render.text(file), render.markdown(file), render.markdown_table([file])
        escape.prose(file.prose), todos(text, path)
        file.card.model_dump_json()
        for variant in file.card.variants:
            assert len(file.card.variant_hash(variant)) == 64
            file.card.input_of(variant)


HOSTILE = (
    "../escape.png", "../../../../../../tmp/escape.png", "/tmp/escape.png", "a/../../escape.png", "..\\escape.png",
    "C:\\escape.png", "a/" * 200 + "x.png", "x" * 300 + ".png", "a/\udcff.png", "a/\n.png", "a/ .png", "", ".", "a",
    "__MACOSX/x.png", "a//x.png", "a/CON.png", "train/a/0.png", "b/0.png", "metadata.csv",
)  # fmt: skip


class Archives:
    """Archives of data, repositories, wheels and npm tarballs, with hostile members and damaged bytes."""

    def __init__(self, folder: Path) -> None:
        """Take pictures of two classes."""
        from tlzoo.blobs import packages

        folder.mkdir()
        samples.DATA["listed"][1](folder)
        pictures = [path.read_bytes() for path in sorted(folder.glob("*.png"))]
        self.members = [(f"{'ab'[i % 2]}/{i}.png", content) for i, content in enumerate(pictures)]
        packages._watched = lambda *given: (1, "ERROR: no network")  # type: ignore[assignment]

    def make(self, chance: random.Random, folder: Path) -> Path:
        """Pack some members, and change some bytes."""
        suffix = chance.choice(
            [".zip", ".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".whl", ".npm", ".repo"]
        )
        members = list(self.members)
        for _ in range(chance.choice([0, 1, 1, 3])):
            content = chance.choice(
                [b"", members[0][1], bytes(chance.choice([10, 10**6, 10**6]) if chance.random() < 0.95 else 2 * 10**8)]
            )
            members.append((chance.choice(HOSTILE), content))
        if any(len(content) > 10**6 for _, content in members):
            suffix = chance.choice([".zip", ".tar.gz", ".whl", ".npm", ".repo"])  # the others pack slowly
        chance.shuffle(members)
        top = {".whl": "package", ".npm": "package", ".repo": "repo-main"}.get(suffix, chance.choice(["", "", "mine"]))
        members = [(f"{top}/{name}" if top else name, content) for name, content in members]
        file = io.BytesIO()
        (_zip if suffix in (".zip", ".whl") else _tar)(file, members, suffix, chance)
        content = file.getvalue()
        if chance.random() < 0.6:
            content = mutated(content, chance, BYTES, [content])
        path = folder / f"mine{suffix}"
        path.write_bytes(content)
        return path

    def read(self, path: Path) -> None:
        """Unpack it."""
        from tlzoo import blobs
        from tlzoo.blobs import packages
        from tlzoo.blobs.archives import contents, repack
        from tlzoo.blobs.places import PlaceError
        from tlzoo.data.catalogue import find, load

        cache = blobs.cache_dir()
        target = cache / "target"
        try:
            if path.suffix in (".whl", ".npm"):
                place = "pypi:x==1.0/package/a/0.png" if path.suffix == ".whl" else "npm:x@1.0/a/0.png"
                home = packages._home(place, cache / "packages")
                home.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, home / f"x{'.whl' if path.suffix == '.whl' else '.tgz'}")
                packages.extract(place, target, cache / "packages")
            elif path.suffix == ".repo":
                repack(path, "a", target)
                contents(target)
            else:
                load(find("image-classification", str(path)))
        except PlaceError as failure:
            raise InputError(str(failure)) from None


def _zip(file: io.BytesIO, members: Sequence[tuple[str, bytes]], suffix: str, chance: random.Random) -> None:
    kind = chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
    with zipfile.ZipFile(file, "w", kind) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name.encode(errors="replace").decode() or "x")
            info.compress_type = kind
            if chance.random() < 0.03:
                info.external_attr = 0o120777 << 16  # a symbolic link
            archive.writestr(info, content)
            if chance.random() < 0.02:
                info.flag_bits |= 1  # encrypted
            if chance.random() < 0.02:
                info.file_size = chance.choice([0, 1, 2**31, 2**40])


def _tar(file: io.BytesIO, members: Sequence[tuple[str, bytes]], suffix: str, chance: random.Random) -> None:
    packing = {".tar": "", ".tar.bz2": "bz2", ".tar.xz": "xz"}.get(suffix, "gz")
    form = chance.choice([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
    with tarfile.open(fileobj=file, mode=f"w:{packing}", format=form) as archive:  # type: ignore[call-overload]
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            if chance.random() < 0.06:
                member.type = chance.choice(
                    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE, b"Z"]
                )
                member.size = 0 if member.type != b"Z" else len(content)
                member.linkname = chance.choice(["..", "/tmp", "../..", "a", name, "/etc/passwd", "a/0.png"])
                member.mode = chance.choice([0o644, 0o000, 0o7777])
            with contextlib.suppress(ValueError):  # a name that the form cannot hold
                archive.addfile(member, io.BytesIO(content))


class Media:
    """Pictures, sounds, videos, tables and annotations."""

    def __init__(self, folder: Path) -> None:
        """Write valid ones."""
        self.files = {"image": samples.pictures(), "audio": samples.sounds(), "video": samples.videos()}
        self.folder = folder
        for name, (_, write) in samples.DATA.items():
            (folder / name).mkdir(parents=True)
            write(folder / name)

    def make(self, chance: random.Random, folder: Path) -> Path:
        """Change a picture, a sound or a video among others; or a table, or annotations."""
        if chance.random() < 0.5:
            kind = chance.choice(list(self.files))
            contents = self.files[kind]
            name = chance.choice(list(contents))
            others = [content for other, content in contents.items() if Path(other).suffix == Path(name).suffix]
            for place in ("a", "b"):
                (folder / kind / place).mkdir(parents=True)
            for index in range(4):
                (folder / kind / "ab"[index % 2] / f"{index}{Path(name).suffix}").write_bytes(
                    others[index % len(others)]
                )
            path = folder / kind / "a" / name
            path.write_bytes(mutated(contents[name], chance, BYTES, list(contents.values())))
            return path
        name = chance.choice(list(samples.DATA))
        shutil.copytree(self.folder / name, folder / name)
        every = sorted(path for path in (folder / name).rglob("*") if path.is_file())
        texts = [path for path in every if path.suffix not in (".png", ".wav")] or every
        path = chance.choice(texts)
        content, is_text = path.read_bytes(), path.suffix not in (".parquet", ".xlsx", ".gz", ".arrow", ".png")
        changes = (rewritten, rewritten, *LINES[:4], mutations.spelt, *BYTES) if is_text else BYTES
        path.write_bytes(mutated(content, chance, changes, [other.read_bytes() for other in texts]))
        return path if len(every) == 1 else folder / name

    def read(self, path: Path) -> None:
        """Decode it, check it, and prepare it as data."""
        from tlzoo.data.catalogue import find, load
        from tlzoo.data.files import readers
        from tlzoo.vocabulary import task_facts

        kind = path.parts[-3]
        if kind in self.files:
            each(*self._calls(path, kind), lambda: load(find(f"{kind}-classification", str(path.parents[1]))))
            return
        name = path.name if path.is_dir() else path.parent.name
        task = samples.DATA[name][0]
        domain = task_facts(task).domain
        calls: list[Callable[[], object]] = [lambda: load(find(task, str(path)))]
        if path.is_file() and domain == "text":
            calls.append(lambda: list(readers.rows(path, task, domain, {}, lambda line: None)))
        each(*calls)

    def _calls(self, path: Path, kind: str) -> Iterator[Callable[[], object]]:
        from tlzoo.data.media import audio, image, levels, video
        from tlzoo.data.media.inputs import check_size, read_checked, read_input

        for source in ({"bytes": None, "path": str(path)}, {"bytes": path.read_bytes(), "path": path.name}):
            row: Any = {kind: source}
            yield lambda row=row: read_input(row, kind, 16_000, 4)
            yield lambda row=row: check_size(row, kind)
            yield lambda row=row: read_checked(kind)(row[kind])
            module: Any = {"audio": audio, "image": image, "video": video}[kind]
            yield lambda row=row, module=module: module.extent(row[kind])
            if kind == "image":
                for function in (
                    image.placement,
                    image.read_samples,
                    image.read_values,
                    image.deep_samples,
                    image.pages,
                ):
                    yield lambda row=row, function=function: function(row[kind])
                yield lambda row=row: image.decode(row[kind], 8)
                yield lambda row=row: levels.Levels(0, 255).applied(row[kind])


class Weights:
    """Checkpoints of every format."""

    def __init__(self, folder: Path) -> None:
        """Write valid ones."""
        folder.mkdir()
        self.paths = samples.weights(folder)

    def make(self, chance: random.Random, folder: Path) -> Path:
        """Change one."""
        name = chance.choice(list(self.paths))
        source = self.paths[name]
        if source.is_dir():
            shutil.copytree(source, folder / name)
            path = chance.choice(sorted((folder / name).iterdir()))
        else:
            path = Path(shutil.copy(source, folder / name))
        changes = (rewritten, rewritten, *BYTES) if path.suffix == ".json" else BYTES
        content = path.read_bytes()
        if path.suffix == ".pt" and zipfile.is_zipfile(path) and chance.random() < 0.7:  # its pickle, intact around it
            content = _repacked(content, chance)
        elif content[:2] == b"\x1f\x8b" and chance.random() < 0.5:
            import gzip

            content = gzip.compress(mutated(gzip.decompress(content), chance, BYTES, [content]))
        else:
            content = mutated(content, chance, changes, [content])
        path.write_bytes(content)
        return folder / name

    def read(self, path: Path) -> None:
        """Read it as its format says."""
        from tlzoo.checkpoints import keras, tfjs, tflite
        from tlzoo.checkpoints.pickles import load_arrays, restricted_load, state_dict
        from tlzoo.checkpoints.tensorflow import Checkpoint
        from tlzoo.checkpoints.tensors import read_tensors

        def whole() -> None:
            loaded = restricted_load(path)
            state_dict(loaded["model"] if isinstance(loaded, dict) and "model" in loaded else loaded, path)

        def checkpoint() -> None:
            tensors = Checkpoint({each.name: each for each in path.iterdir()})
            each(*(lambda name=name: tensors[name] for name in tensors))

        files = {each.name: each for each in path.iterdir()} if path.is_dir() else {}
        if path.name == "tensorflow":
            each(checkpoint)
        elif path.name == "tfjs":
            each(lambda: tfjs.weights(files), lambda: tfjs.layers(files))
        elif path.name.startswith("a.h5"):
            each(lambda: keras.layers(path))
        elif path.suffix == ".tflite":
            each(lambda: list(tflite.layers(path)))
        elif path.suffix == ".pkl":
            each(lambda: load_arrays(path))
        else:
            each(lambda: read_tensors(path), *([whole] if path.suffix == ".pt" else []))


def _repacked(content: bytes, chance: random.Random) -> bytes:
    """A ZIP file of which one member is changed, so that the checksums are right."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = (
        next(name for name in members if name.endswith("data.pkl"))
        if chance.random() < 0.8
        else chance.choice([*members])
    )
    members[name] = mutated(members[name], chance, BYTES, [members[name]])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for each_name, data in members.items():
            archive.writestr(each_name, data)
    return file.getvalue()


class Folders:
    """Fine-tuned models, whose checksums an attacker writes as well."""

    def __init__(self, folder: Path) -> None:
        """Write one that only tlzoo opens, and one that another library opens too."""
        from tests.support.bundles import written

        folder.mkdir()
        written(["cat", "dog"], folder / "sounds")
        self._written(folder / "pictures")
        self.folders = sorted(folder.iterdir())

    def _written(self, folder: Path) -> None:
        from tlzoo.adapters import build
        from tlzoo.adapters.weights import variant_of
        from tlzoo.cards import catalogue
        from tlzoo.core.model import trainable
        from tlzoo.tasks import task_type
        from tlzoo.transfer.bundle import save

        card = catalogue.get("mobilenet")
        variant = variant_of(card, "nano")
        task = task_type("image-classification", "image").of(["cat", "dog"])
        model = trainable(build(variant, card.input_of(variant), task)).for_task(task)
        save(model, task, card, variant, folder, {"results": []}, "# A model\n")

    def make(self, chance: random.Random, folder: Path) -> Path:
        """Change one file of one."""
        from tlzoo.files import sha256_of
        from tlzoo.keys import key

        path = Path(shutil.copytree(chance.choice(self.folders), folder / "model"))
        file = chance.choice([path / "config.json", path / "config.json", *sorted(path.iterdir())])
        changes = (rewritten, rewritten, rewritten, *BYTES) if file.suffix == ".json" else BYTES
        file.write_bytes(mutated(file.read_bytes(), chance, changes, [file.read_bytes()]))
        with contextlib.suppress(ValueError, TypeError, AttributeError, RecursionError):
            if chance.random() < 0.8:
                config = json.loads((path / "config.json").read_text())
                hashes = config.pop("sha256")
                new = {name: sha256_of(path / name) for name in hashes if (path / name).is_file()}
                config["sha256"] = new | {"config.json": key(config)}
                (path / "config.json").write_text(json.dumps(config))
        return path

    def read(self, path: Path) -> None:
        """Open it."""
        from tlzoo.run.predict import open_model
        from tlzoo.transfer import bundle

        each(
            lambda: bundle.load(path),
            lambda: bundle.columns(path),
            lambda: bundle.names(path),
            lambda: open_model(str(path), say=lambda line: None),
        )


class Results:
    """Files of results, and boards."""

    def __init__(self, folder: Path) -> None:
        """Take some rows of the shipped ones."""
        import pyarrow.parquet as pq

        from tlzoo.files import shipped

        folder.mkdir()
        for path in sorted((shipped("results") / "runs").glob("*.parquet"))[:4]:
            pq.write_table(pq.read_table(path).slice(0, 4), folder / path.name)
        board = shipped("results") / "board.parquet"
        pq.write_table(pq.read_table(board).slice(0, 8), folder / "board.parquet")
        self.files = sorted(folder.iterdir())

    def make(self, chance: random.Random, folder: Path) -> Path:
        """Change bytes, or values of one."""
        source = chance.choice(self.files)
        path = folder / source.name
        if chance.random() < 0.5:
            path.write_bytes(mutated(source.read_bytes(), chance, BYTES, [source.read_bytes()]))
        else:
            self._revalued(source, path, chance)
        return path

    def _revalued(self, source: Path, path: Path, chance: random.Random) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pq.read_table(source)
        for _ in range(chance.choice([1, 1, 2, 5])):
            index = chance.randrange(table.num_columns)
            field, act = table.schema.field(index), chance.random()
            if act < 0.2:
                table = table.remove_column(index)
            elif act < 0.5:
                nulls = pa.nulls(table.num_rows, field.type)
                table = table.set_column(index, pa.field(field.name, field.type), nulls)
            else:
                values = [
                    chance.choice(["", "x", "\x1b[31m", 0, -1, 2**60, 1e300, float("nan"), None, [], [[1.0]]])
                ] * 4
                with contextlib.suppress(pa.ArrowException, TypeError):
                    array = pa.array((values * table.num_rows)[: table.num_rows])
                    with contextlib.suppress(pa.ArrowException):
                        array = array.cast(field.type)
                    table = table.set_column(index, field.name, array)
        pq.write_table(table, path)

    def read(self, path: Path) -> None:
        """Read and rank it."""
        from tlzoo.leaderboard.ranking import board
        from tlzoo.leaderboard.store import Store, read_board

        if path.name == "board.parquet":
            each(lambda: read_board(path))
        else:
            each(lambda: board(Store(path.parent).read()))


KINDS: dict[str, type[Kind]] = {
    "cards": Cards,
    "archives": Archives,
    "media": Media,
    "weights": Weights,
    "folders": Folders,
    "results": Results,
}


@dataclass
class Case:
    """What happened with one file.

    Attributes:
        number: Of the file.
        outcome: ``read``, ``refused``, ``exception``, ``died`` or ``hang``.
        detail: The message.
        seconds: Of a processor.
        bytes: Of memory, beyond those that the process had before.
        outside: Paths outside of the cache that were written.
    """

    number: int
    outcome: str
    detail: str = ""
    seconds: float = 0.0
    bytes: int = 0
    outside: Sequence[str] = ()

    @property
    def faults(self) -> list[str]:
        """What is wrong, in words."""
        faults = [self.outcome] if self.outcome in ("exception", "died", "hang") else []
        faults += ["over 5 s"] if self.seconds > MAX_SECONDS else []
        is_short = any(text in self.detail for text in NO_MEMORY)
        faults += ["over 1 GB"] if self.bytes > MAX_BYTES or is_short else []
        return faults + (["outside"] if self.outside else [])


class Writes:
    """Paths that Python code writes to, outside of some folders."""

    def __init__(self, allowed: Sequence[Path]) -> None:
        """Listen from now on."""
        self.allowed = [*map(str, allowed), "/dev/null", "/proc/self"]
        self.is_on, self.paths = False, list[str]()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.is_on:
            return
        if event == "open":
            path, _, flags = arguments
            if not isinstance(path, str | bytes) or not (flags or 0) & WRITING:
                return
            paths: list[Any] = [path]
        elif event in CHANGES:
            paths = list(
                arguments[1:2]
                if event in ("os.symlink",)
                else arguments[: 2 if event in ("os.rename", "os.link") else 1]
            )
            if isinstance(arguments[-1], int) and arguments[-1] >= 0 and event in ("os.remove", "os.rmdir", "os.mkdir"):
                with contextlib.suppress(OSError):
                    paths = [os.path.join(os.readlink(f"/proc/self/fd/{arguments[-1]}"), os.fsdecode(paths[0]))]
        else:
            return
        self.is_on = False
        for path in paths:
            if not isinstance(path, str | bytes | os.PathLike):
                continue
            name = os.fsdecode(path)
            real = os.path.join(os.path.realpath(os.path.dirname(name)), os.path.basename(name))
            if not real.startswith(tuple(self.allowed)):
                self.paths.append(f"{event} {real}")
        self.is_on = True


def child(kind: str, seed: int, root: Path, answers: int) -> None:
    """Read the files whose numbers come in, a line each, and answer a line of JSON each."""
    cache, scratch = root / "cache", root / "tmp"
    for folder in (cache, scratch):
        folder.mkdir(exist_ok=True)
    tempfile.tempdir = str(scratch)
    for name in ("valid", "case"):
        shutil.rmtree(root / name, ignore_errors=True)
    files = KINDS[kind](root / "valid")
    writes = Writes([cache, scratch])
    _warm(files, root)
    _limit()
    for line in sys.stdin:
        case = one(files, int(line), f"{kind} {seed} {int(line)}", root, writes)
        os.write(answers, json.dumps(asdict(case)).encode() + b"\n")


def _warm(files: Kind, root: Path) -> None:
    """Import what the readers import, which counts for none of the files."""
    for number in range(8):
        folder = root / "case"
        folder.mkdir()
        with contextlib.suppress(Exception):
            files.read(files.make(random.Random(number), folder))
        shutil.rmtree(folder)


def _limit() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + SAFE_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def one(files: Kind, number: int, seed: str, root: Path, writes: Writes) -> Case:
    """Make and read one file."""
    folder = root / "case"
    folder.mkdir()
    path = files.make(random.Random(seed), folder)
    before = _tree(root)
    Path("/proc/self/clear_refs").write_text("5")  # the peak is now what is there
    start, memory, case = time.process_time(), _memory("VmRSS"), Case(number, "read")
    writes.paths, writes.is_on = [], True
    try:
        files.read(path)
    except TlzooError as error:
        case.outcome, case.detail = "refused", str(error)[:300]
    except BaseException as error:
        case.outcome, case.detail = "exception", f"{type(error).__name__}: {str(error)[:300]}"
        if os.environ.get("FUZZ_TRACEBACK"):
            traceback.print_exc()
    writes.is_on = False
    case.seconds, case.bytes = time.process_time() - start, max(0, _memory("VmHWM") - memory)
    case.outside = [*writes.paths, *sorted(str(p) for p in before ^ _tree(root))]
    for place in (folder, root / "cache", root / "tmp"):
        shutil.rmtree(place, ignore_errors=True)
    for place in (root / "cache", root / "tmp"):
        place.mkdir(exist_ok=True)
    return case


def _tree(root: Path) -> set[Path]:
    """Everything in a folder, and where files would escape to, but for the cache and temporary files."""
    places = [path for path in root.iterdir() if path.name not in ("cache", "tmp", "valid")]
    inside = {path for place in places for path in (place, *place.rglob("*"))}
    return inside | {
        path for path in (root.parent / "escape.png", Path("/tmp/escape.png"), Path("/escape.png")) if path.exists()
    }


def _memory(name: str) -> int:
    return int(Path("/proc/self/status").read_text().split(f"{name}:")[1].split()[0]) * 1024


class Reader:
    """The child process, which is started anew after a death."""

    def __init__(self, kind: str, seed: int, root: Path) -> None:
        """Start it with the first file."""
        self.command = [sys.executable, "-m", "benchmarks.fuzz", kind, "--seed", str(seed), "--root", str(root)]
        self.root, self.process = root, None
        self.process: subprocess.Popen[bytes] | None = None

    def read(self, number: int) -> Case:
        """Have a file read."""
        if self.process is None:
            self._start()
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.write(f"{number}\n".encode())
        self.process.stdin.flush()
        limit = HANG_SECONDS if self.is_ready else 10 * HANG_SECONDS
        ready, _, _ = select.select([self.answers], [], [], limit)
        line = self.answers.readline() if ready else b""
        if line:
            self.is_ready = True
            return Case(**json.loads(line))
        if not self.is_ready:
            raise SystemExit(f"the readers do not start: {' '.join(self.command)}")
        self.process.kill()
        code = self.process.wait()
        self.process = None
        return Case(number, "died" if ready else "hang", f"exit code {code}" if ready else f"over {HANG_SECONDS:.0f} s")

    def _start(self) -> None:
        environment = os.environ | {
            "TLZOO_CACHE": str(self.root / "cache"),
            "HF_HOME": str(self.root / "cache" / "hf"),
            "HF_HUB_OFFLINE": "1",
            "HOME": str(self.root),
            "TMPDIR": str(self.root / "tmp"),
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONFAULTHANDLER": "1",
        }
        theirs, write = os.pipe()
        self.process = subprocess.Popen(
            [*self.command, "--answers", str(write)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=None if os.environ.get("FUZZ_TRACEBACK") else subprocess.DEVNULL,
            pass_fds=[write],
            env=environment,
            cwd=Path(__file__).resolve().parents[1],
        )
        os.close(write)
        self.answers, self.is_ready = os.fdopen(theirs, "rb"), False

    def close(self) -> None:
        """End the process."""
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
            self.process.wait()


def run(kind: str, numbers: Sequence[int], seed: int = 0) -> list[Case]:
    """Read changed files of a kind in a child process.

    Args:
        kind: A key of :data:`KINDS`.
        numbers: Which.
        seed: Of the changes.
    """
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        root = Path(folder) / "root"
        root.mkdir()
        reader = Reader(kind, seed, root)
        try:
            return [reader.read(number) for number in numbers]
        finally:
            reader.close()


def main() -> int:
    """Read changed files, and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--answers", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.answers is not None:
        child(given.kind, given.seed, given.root, given.answers)
        return 0
    if given.only is not None:
        os.environ["FUZZ_TRACEBACK"] = "1"
    numbers = range(given.first, given.first + given.count) if given.only is None else [given.only]
    began = time.monotonic()
    cases = run(given.kind, numbers, given.seed)
    failed = [case for case in cases if case.faults]
    counts, faults = Counter(case.outcome for case in cases), Counter(f for case in failed for f in case.faults)
    print(f"{given.kind}, seed {given.seed}: {len(cases):,} files in {time.monotonic() - began:,.0f} s")
    print(f"  read {counts['read']:,}, refused {counts['refused']:,}")
    print(f"  uncaught exceptions {faults['exception']:,}, dead processes {faults['died']:,}, hung {faults['hang']:,}")
    print(f"  over {MAX_SECONDS:.0f} s {faults['over 5 s']:,}, slowest {max(case.seconds for case in cases):.2f} s")
    print(f"  over 1 GB {faults['over 1 GB']:,}, largest {max(case.bytes for case in cases) / 1e6:,.0f} MB")
    print(f"  writes outside of the cache {faults['outside']:,}")
    for case in failed[:LISTED]:
        print(f"  --only {case.number}: {', '.join(case.faults)}: {case.detail} {' '.join(case.outside)[:300]}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
