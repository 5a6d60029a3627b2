"""Checkpoints read without running what they say.

A pickle may name any function and have it called. `load_torch` reads files that hold tensors and nothing else;
`restricted_load` reads those that hold pickled classes as well, with inert stand-ins for every class and function
that is not on a short list, so that no code of the file's choosing runs; `load_arrays` reads plain pickles of NumPy
arrays. All read onto the CPU, and none takes more memory than some times the file's size: what a pickle makes of little
is counted.
"""

from __future__ import annotations

import collections
import importlib
import io
import math
import os
import pickle
import pickletools
import re
import sys
import zipfile
from collections.abc import Collection, Iterable, Mapping
from typing import IO, TYPE_CHECKING, Any, ClassVar

from tlzoo.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import torch

_STORAGES = {
    "BFloat16Storage": "bfloat16",
    "BoolStorage": "bool",
    "ByteStorage": "uint8",
    "CharStorage": "int8",
    "ComplexDoubleStorage": "complex128",
    "ComplexFloatStorage": "complex64",
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "ShortStorage": "int16",
}
_BUILTINS = ("builtins", "__builtin__")
_HARMLESS: dict[tuple[str, str], Any] = {(home, k.__name__): k for home in _BUILTINS for k in (slice, complex)}
_COPIES: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch", "Size"): tuple,
    **{(home, kind.__name__): kind for home in _BUILTINS for kind in (set, frozenset)},
}
"""What copies the container that it is called with."""
MOST_INSTRUCTIONS = 500_000
"""Instructions of a pickle that are followed; a large model's has some ten thousand."""
MOST_CLASSES = 1_000
"""Names of classes and functions in one pickle."""
MOST_DIMENSIONS = 64
"""Of a tensor, as in PyTorch."""
MOST_TIMES = 4
"""As large as its file what it holds may be."""
ALWAYS_FINE = 16_000_000
"""Bytes that it may hold in any case."""
EXPANDED = 1_000_000_000
"""Bytes of tensors that repeat what they have; they take no room until somebody copies them."""
DEEPEST = 100
"""Nesting of modules."""
MOST_MODULES = 100_000
LONGEST_NAME = 200
"""Characters of a module's or a tensor's name."""
_BELOW = ("state_dict", "model_state_dict", "model")
_LEGACY_PICKLES = 5  # before the tensors, in the format of torch before 1.6
_ENTRY = 100  # bytes of an entry of a container


class TooMuchError(pickle.UnpicklingError):
    """A pickle makes much of little."""


class Stub:
    """An inert stand-in for an object of a class that is not allowed, or for what a function would have returned.

    It holds what the pickle says of the object: the state's entries as attributes, the arguments of its making as
    ``stub_args``, and the items appended or set as ``stub_items``. ``type(stub).__name__`` and ``__module__`` are the
    names that the pickle gave.
    """

    stub_args: tuple[Any, ...]
    stub_items: list[Any]
    _budget: ClassVar[_Budget | None] = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Stub:
        """Keep the arguments and do nothing with them."""
        if cls._budget is not None:
            cls._budget.spend_on(args)
        stub = super().__new__(cls)
        stub.__dict__.update(stub_args=args, stub_items=[])
        return stub

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Accept whatever the class that is stood for would have been given."""

    def __setstate__(self, state: Any) -> None:
        """Keep a state's entries as attributes; a state that is no mapping, as ``stub_state``."""
        for entries in state if isinstance(state, tuple) and len(state) == 2 else (state,):
            if isinstance(entries, dict) and all(isinstance(key, str) for key in entries):
                if (budget := type(self)._budget) is not None:
                    budget.spend_on([entries])
                self.__dict__.update(entries)
            elif entries is not None:
                self.__dict__["stub_state"] = state

    def append(self, item: Any) -> None:
        """Keep an item of what was a list."""
        self.stub_items.append(item)

    def extend(self, items: Iterable[Any]) -> None:
        """Keep the items of what was a list."""
        self.stub_items.extend(items)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Keep an item of what was a mapping."""
        self.stub_items.append((key, value))

    def __repr__(self) -> str:
        """Name the class that is stood for."""
        return f"<stub of {type(self).__module__}.{type(self).__qualname__}>"


def load_torch(path: str | os.PathLike[str]) -> dict[str, torch.Tensor]:
    """Read a state dict that ``torch.save`` wrote.

    Args:
        path: The file. A state dict below the key ``state_dict``, ``model_state_dict`` or ``model`` is found there.

    Returns:
        The tensors by name, on the CPU, in the file's own types.

    Raises:
        InputError: If the file is damaged, or holds something else than tensors by name.
    """
    import torch

    try:
        size = os.path.getsize(path)
        _look_before(path, size)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
        inner = [loaded.get(key) for key in _BELOW] if isinstance(loaded, dict) else []
        for candidate in (loaded, *inner):
            if (
                isinstance(candidate, Mapping)
                and candidate
                and all(isinstance(name, str | int) and torch.is_tensor(each) for name, each in candidate.items())
            ):
                _check_tensors(candidate.values(), size)
                return {str(name): tensor for name, tensor in candidate.items()}
    except FileNotFoundError:
        raise
    except pickle.UnpicklingError as error:
        if isinstance(error, TooMuchError):
            raise InputError(f"{os.fspath(path)}: no readable checkpoint: {error}") from None
        told = re.search(r"Unsupported \w+: [^,]*?(?= was not)|Unsupported \w+[^.\n]*", str(error))
        reason = told.group() if told else " ".join(str(error).split())[:200]
        raise InputError(f"{os.fspath(path)}: holds more than tensors, so it is not loaded: {reason}") from error
    except Exception as error:  # a pickle can fail with anything
        raise InputError(f"{os.fspath(path)}: no readable checkpoint: {_reason(error)}") from error
    raise InputError(f"{os.fspath(path)}: expected tensors by name, found {_kind(loaded)}")


def _look_before(path: str | os.PathLike[str], size: int) -> None:
    """Follow a checkpoint's pickles with tensors that hold nothing, before torch follows them.

    Raises:
        TooMuchError: More would be made of it than it holds.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            budget = _check_archive(archive, size)
            for name in archive.namelist():
                if name.endswith("/data.pkl"):
                    _Rehearsal(io.BytesIO(archive.read(name)), frozenset(), budget).load()
    else:
        budget = _Budget(size)
        with open(path, "rb") as file:
            for _ in range(_LEGACY_PICKLES):
                _Rehearsal(file, frozenset(), budget).load()


def _check_tensors(tensors: Iterable[torch.Tensor], size: int) -> None:
    """Refuse tensors of more than the file holds: torch makes room for them, and what is there may be anything.

    Raises:
        TooMuchError: They are.
    """
    import torch

    budget = _Budget(size)
    for tensor in tensors:
        if tensor.layout is not torch.strided:
            continue
        there = tensor.untyped_storage().nbytes()
        if there > size:
            raise TooMuchError("a tensor is larger than the file")
        budget.expand(tensor.numel() * tensor.element_size() - there)


def _kind(loaded: Any) -> str:
    """What an object is, in a few words."""
    if not isinstance(loaded, dict):
        return type(loaded).__name__
    names = (str(key)[:40] if isinstance(key, str | int) else type(key).__name__ for key in list(loaded)[:8])
    return f"a dict of {', '.join(names)}"


def _reason(error: Exception) -> str:
    name = "" if isinstance(error, TooMuchError) else f"{type(error).__name__}: "
    return f"{name}{' '.join(str(error).split())[:200]}"


def restricted_load(path: str | os.PathLike[str], allow: Iterable[str] = ()) -> Any:
    """Read a torch checkpoint that holds pickled classes, without running code of its choosing.

    Args:
        path: A file in the zip format that ``torch.save`` writes since torch 1.6.
        allow: Dotted names of further classes or functions to use as they are, such as ``"pathlib.PurePosixPath"``;
            the caller vouches for each.

    Returns:
        The object tree: plain containers, tensors on the CPU (parameters too are plain tensors), and a `Stub` for each
        object of any class that is not allowed.

    Raises:
        InputError: If the file is not such a checkpoint, or is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            budget = _check_archive(archive, os.path.getsize(path))
            pickles = [name for name in archive.namelist() if name.endswith("/data.pkl") and name.count("/") == 1]
            if len(pickles) != 1:
                raise InputError(f"{os.fspath(path)}: no torch checkpoint: expected one data.pkl, found {len(pickles)}")
            folder = pickles[0].removesuffix("/data.pkl")
            order = f"{folder}/byteorder"
            if order in archive.namelist() and archive.read(order).decode() != sys.byteorder:
                raise InputError(f"{os.fspath(path)}: written on a machine of another byte order")
            return _ArchiveUnpickler(archive, folder, frozenset(allow), budget).load()
    except zipfile.BadZipFile as error:
        raise InputError(f"{os.fspath(path)}: no torch checkpoint in the zip format: {error}") from error
    except InputError:
        raise
    except Exception as error:  # a pickle can fail with anything
        raise InputError(f"{os.fspath(path)}: damaged, or no torch checkpoint: {_reason(error)}") from error


def load_arrays(path: str | os.PathLike[str]) -> dict[str, np.ndarray[Any, Any]]:
    """Read a plain pickle of NumPy arrays by name, as Caffe2's and Detectron2's model zoos have them.

    Args:
        path: The file. The arrays may be below the key ``model``; what else is there is left out.

    Returns:
        The arrays, of numbers, by name; they may be written to.

    Raises:
        InputError: If the file is damaged, or holds something else.
    """
    try:
        with open(path, "rb") as file:
            _check_instructions(file)
            file.seek(0)
            loaded = _ArrayUnpickler(file, _Budget(os.path.getsize(path))).load()
    except OSError:
        raise
    except Exception as error:  # a pickle can fail with anything
        raise InputError(f"{os.fspath(path)}: damaged, or no pickle of arrays: {_reason(error)}") from error
    for candidate in (loaded.get("model"), loaded) if isinstance(loaded, dict) else ():
        if isinstance(candidate, dict) and candidate and all(map(_is_named_array, candidate.items())):
            return {name: array.value for name, array in candidate.items()}
    raise InputError(f"{os.fspath(path)}: expected arrays by name, found {_kind(loaded)}")


def state_dict(module: Any, prefix: str = "") -> dict[str, torch.Tensor]:
    """Collect the named tensors of a module that `restricted_load` read.

    Args:
        module: The stub of a ``torch.nn.Module``, or of a TorchScript module, which has its children as attributes.
        prefix: What the names begin with.

    Returns:
        What ``module.state_dict()`` would have given: parameters and persistent buffers, under the same names. Of a
        TorchScript module, all tensors that it holds.

    Raises:
        InputError: If it is no module's stub.
    """
    tensors: dict[str, torch.Tensor] = {}
    waiting, visited = [(module, prefix, 0)], 0
    while waiting:
        module, prefix, depth = waiting.pop()
        visited += 1
        if depth > DEEPEST or visited > MOST_MODULES:
            raise InputError(f"{prefix[:LONGEST_NAME]}: modules that hold each other, or more than a model has")
        own, children = _parts(module, prefix)
        tensors |= own
        waiting += [(child, name, depth + 1) for name, child in reversed(children.items())]
    return tensors


def _parts(module: Any, prefix: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """A module's own tensors, and its children, by the names that they have or begin with.

    Raises:
        InputError: It is no module's stub.
    """
    import torch

    state = getattr(module, "__dict__", {})
    script = type(module).__module__.startswith("__torch__")
    children = {k: v for k, v in state.items() if isinstance(v, Stub)} if script else state.get("_modules")
    where = prefix or "the object"
    if not isinstance(module, Stub) or not isinstance(children, dict):
        raise InputError(f"{where}: expected the stub of a torch module, found {type(module).__name__}")
    passing = state.get("_non_persistent_buffers_set") or ()
    parameters, buffers = state.get("_parameters") or {}, state.get("_buffers") or {}
    if not (isinstance(passing, Collection) and isinstance(parameters, dict) and isinstance(buffers, dict)):
        raise InputError(f"{where}: its parameters or buffers are no dict")
    own = {**(state if script else parameters), **{n: buffer for n, buffer in buffers.items() if n not in passing}}
    for name in (*own, *children):
        if not isinstance(name, str) or len(name) > LONGEST_NAME:
            raise InputError(
                f"{where}: a name of type {type(name).__name__}, or of more than {LONGEST_NAME} characters"
            )
    return (
        {f"{prefix}{name}": tensor for name, tensor in own.items() if torch.is_tensor(tensor)},
        {
            f"{prefix}{name}.": child
            for name, child in children.items()
            if child is not None and (not script or type(child).__module__.startswith("__torch__"))
        },
    )


class _Budget:
    """Bytes that may still be made of a file."""

    def __init__(self, size: int) -> None:
        self._left = MOST_TIMES * size + ALWAYS_FINE
        self._expandable = MOST_TIMES * size + EXPANDED

    def spend(self, count: int) -> None:
        """Count bytes that are about to be made.

        Raises:
            TooMuchError: They are too many.
        """
        self._left -= count
        if self._left < 0:
            raise TooMuchError(f"it makes more than {MOST_TIMES} times the file's bytes of it")

    def expand(self, count: int) -> None:
        """Count bytes by which a tensor is larger than what it repeats.

        Raises:
            TooMuchError: They are too many.
        """
        self._expandable -= max(0, count)
        if self._expandable < 0:
            raise TooMuchError("its tensors repeat what they have too often")

    def spend_on(self, arguments: Iterable[Any]) -> None:
        """Count what a copy of each argument takes.

        Raises:
            TooMuchError: They are too many.
        """
        for each in arguments:
            if isinstance(each, str | bytes | bytearray):
                self.spend(len(each))
            elif isinstance(each, dict | list | tuple | set | frozenset):
                self.spend(len(each) * _ENTRY)


def _check_archive(archive: zipfile.ZipFile, size: int) -> _Budget:
    """Refuse an archive whose members are larger than torch writes them, and give what may be made of it.

    Raises:
        TooMuchError: They are.
    """
    _Budget(size).spend(sum(member.file_size for member in archive.infolist()))
    return _Budget(size)


def _check_instructions(content: IO[bytes]) -> None:
    """Refuse a pickle that has too many instructions, or announces more bytes than it has, before it is followed.

    Raises:
        TooMuchError: It has.
        ValueError: It is no pickle.
    """
    for number, _ in enumerate(pickletools.genops(content)):
        if number > MOST_INSTRUCTIONS:
            raise TooMuchError(f"more than {MOST_INSTRUCTIONS:,} instructions")


def _shape(value: Any) -> tuple[int, ...]:
    """A shape or strides of a tensor.

    Raises:
        pickle.UnpicklingError: It is none.
    """
    is_short = isinstance(value, tuple | list) and len(value) <= MOST_DIMENSIONS
    if not is_short or not all(type(side) is int and 0 <= side < 1 << 62 for side in value):
        raise pickle.UnpicklingError("a shape is no short list of whole numbers")
    return tuple(value)


class _Rebuild:
    """A callable of ours that stands for one of torch's; without attributes that a pickle could set."""

    __slots__ = ("_budget",)
    _budget: _Budget

    def __init__(self, budget: _Budget) -> None:
        object.__setattr__(self, "_budget", budget)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} cannot be set")


class _Copy(_Rebuild):
    """Stands for a container's class, which copies what it is called with."""

    __slots__ = ("_container",)
    _container: Any

    def __init__(self, budget: _Budget, container: Any) -> None:
        super().__init__(budget)
        object.__setattr__(self, "_container", container)

    def __call__(self, *items: Any) -> Any:
        self._budget.spend_on(items)
        return self._container(*items)


class _RebuildTensor(_Rebuild):
    """Stands for ``torch._utils._rebuild_tensor_v2``; as_strided refuses what lies outside of the storage."""

    __slots__ = ()

    def __call__(self, storage: Any, offset: int, size: Any, stride: Any, *ignored: Any) -> torch.Tensor:
        import torch

        if not torch.is_tensor(storage):
            raise pickle.UnpicklingError(f"a tensor's storage is {type(storage).__name__}")
        shape, strides, (begin,) = _shape(size), _shape(stride), _shape((offset,))
        elements = math.prod(shape)
        if elements == 0:
            return torch.empty(shape, dtype=storage.dtype)
        self._budget.expand((elements - storage.numel()) * storage.element_size())
        return torch.as_strided(storage, shape, strides, begin)


class _RebuildParameter(_Rebuild):
    """Stands for ``torch._utils._rebuild_parameter``, and gives the tensor."""

    __slots__ = ()

    def __call__(self, data: Any, *ignored: Any) -> Any:
        return data


class _Unpickler(pickle.Unpickler):
    """Resolves names from a short list only; everything else becomes a stub of that name."""

    def __init__(self, content: IO[bytes], allow: frozenset[str], budget: _Budget) -> None:
        begin = content.tell()
        _check_instructions(content)
        content.seek(begin)
        super().__init__(content, encoding="utf-8")
        self._allow, self._budget = allow, budget
        self._stubs: dict[tuple[str, str], type[Stub]] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Resolve a name by exact comparison; nothing is imported but what the caller allowed."""
        import torch

        if (module, name) in _HARMLESS:
            return _HARMLESS[module, name]
        if (module, name) in _COPIES:
            return _Copy(self._budget, _COPIES[module, name])
        if module == "torch._utils" and name in ("_rebuild_tensor_v2", "_rebuild_parameter"):
            return (_RebuildTensor if name == "_rebuild_tensor_v2" else _RebuildParameter)(self._budget)
        if module == "torch" and name in _STORAGES:
            return getattr(torch, _STORAGES[name])
        if module == "torch" and name in _STORAGES.values():
            return getattr(torch, name)
        if f"{module}.{name}" in self._allow:
            return getattr(importlib.import_module(module), name)
        if (module, name) not in self._stubs:
            if len(self._stubs) == MOST_CLASSES:
                raise TooMuchError(f"more than {MOST_CLASSES:,} classes and functions")
            self._stubs[module, name] = type(name, (Stub,), {"__module__": module, "_budget": self._budget})
        return self._stubs[module, name]


class _ArchiveUnpickler(_Unpickler):
    """Reads storages from the archive that the pickle is in."""

    def __init__(self, archive: zipfile.ZipFile, folder: str, allow: frozenset[str], budget: _Budget) -> None:
        super().__init__(io.BytesIO(archive.read(f"{folder}/data.pkl")), allow, budget)
        self._archive, self._folder = archive, folder
        self._storages: dict[str, torch.Tensor] = {}

    def persistent_load(self, pid: Any) -> torch.Tensor:
        """Read a storage as a tensor of one dimension; it is read once, as several tensors may share it."""
        import torch

        dtype, key, count = _storage(pid)
        if dtype is None:
            raise pickle.UnpicklingError("a storage of no known type")
        if key not in self._storages:
            data = bytearray(self._archive.read(f"{self._folder}/data/{key}"))
            if len(data) != count * dtype.itemsize:
                raise pickle.UnpicklingError(f"storage {key} has {len(data)} bytes, expected {count * dtype.itemsize}")
            self._storages[key] = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
        return self._storages[key]


class _Rehearsal(_Unpickler):
    """Gives tensors that hold nothing, and counts what would be made."""

    def persistent_load(self, pid: Any) -> torch.Tensor:
        """Give a tensor of a storage's type and length."""
        import torch

        dtype, _, count = _storage(pid)
        return torch.empty(count, dtype=dtype or torch.uint8, device="meta")


def _storage(pid: Any) -> tuple[torch.dtype | None, str, int]:
    """Type, where it is a known one, name and length of a storage.

    Raises:
        pickle.UnpicklingError: It is none.
    """
    import torch

    if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage" or not isinstance(pid[2], str):
        raise pickle.UnpicklingError("a storage that is none")
    (count,) = _shape((pid[4],))
    return pid[1] if isinstance(pid[1], torch.dtype) else None, pid[2], count


class _Dtype:
    """Stands for ``numpy.dtype``: of numbers only."""

    __slots__ = ("code",)

    def __init__(self, code: str, *ignored: Any) -> None:
        if not re.fullmatch(r"[fiu][1248]|b1", code):
            raise pickle.UnpicklingError(f"an array of type {code!r}")
        self.code = code

    def __setstate__(self, state: Any) -> None:
        if state[1] in ("<", ">"):
            self.code = state[1] + self.code.lstrip("<>")


class _Array:
    """Stands for ``numpy.ndarray``, whose content comes as its state."""

    __slots__ = ("_budget", "value")
    value: np.ndarray[Any, Any]

    def __init__(self, budget: _Budget) -> None:
        self._budget = budget

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, data = state
        self.fill(data, dtype, shape, "F" if fortran else "C")

    def fill(self, data: Any, dtype: Any, shape: Any, order: Any) -> None:
        """Take the content: bytes, or text of bytes from a pickle that Python 2 wrote."""
        import numpy as np

        if not isinstance(dtype, _Dtype):
            raise pickle.UnpicklingError(f"an array's type is {type(dtype).__name__}")
        if not isinstance(data, str | bytes | bytearray):
            raise pickle.UnpicklingError(f"an array's content is {type(data).__name__}")
        self._budget.spend(len(data))
        raw = bytearray(data.encode("latin1") if isinstance(data, str) else data)
        array: np.ndarray[Any, Any] = np.frombuffer(raw, dtype=dtype.code).reshape(_shape(shape), order=order)
        self.value = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("=")).reshape(array.shape)


def _is_named_array(item: tuple[Any, Any]) -> bool:
    return isinstance(item[0], str) and isinstance(item[1], _Array) and hasattr(item[1], "value")


class _Reconstruct(_Rebuild):
    """Stands for ``numpy.core.multiarray._reconstruct``, which makes an array without content."""

    __slots__ = ()

    def __call__(self, *ignored: Any) -> _Array:
        return _Array(self._budget)


class _FromBuffer(_Rebuild):
    """Stands for ``numpy.core.numeric._frombuffer``, of pickle protocol 5."""

    __slots__ = ()

    def __call__(self, data: Any, dtype: Any, shape: Any, order: Any, *ignored: Any) -> _Array:
        array = _Array(self._budget)
        array.fill(data, dtype, shape, order)
        return array


class _Encode(_Rebuild):
    """Stands for ``_codecs.encode``, by which older protocols write bytes, and for ``bytes`` where there are none."""

    __slots__ = ()

    def __call__(self, text: str = "", *ignored: Any) -> bytes:
        self._budget.spend(len(text))
        return text.encode("latin1")


class _ArrayUnpickler(pickle.Unpickler):
    """Resolves names from a short list only; any other is an error."""

    def __init__(self, file: IO[bytes], budget: _Budget) -> None:
        super().__init__(file, encoding="latin1")
        self._budget = budget

    def find_class(self, module: str, name: str) -> Any:
        """Resolve a name by exact comparison; nothing is imported."""
        known: dict[tuple[str, str], Any] = {
            ("_codecs", "encode"): _Encode(self._budget),
            **{(home, "bytes"): _Encode(self._budget) for home in _BUILTINS},
            ("collections", "OrderedDict"): _Copy(self._budget, collections.OrderedDict),
            ("numpy", "dtype"): _Dtype,
            ("numpy", "ndarray"): _Array,
            **{(f"numpy.{core}.multiarray", "_reconstruct"): _Reconstruct(self._budget) for core in ("core", "_core")},
            **{(f"numpy.{core}.numeric", "_frombuffer"): _FromBuffer(self._budget) for core in ("core", "_core")},
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return known[module, name]
