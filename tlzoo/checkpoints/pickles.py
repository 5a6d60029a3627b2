"""Checkpoints that are read without running the code that they name.

A pickle may name any function and have it called. `load_torch` reads files that hold tensors and nothing else;
`restricted_load` reads files that hold pickled classes as well, with inert stand-ins for every class and function
that is not on a short list, so that the file cannot choose code to run; `load_arrays` reads plain pickles of NumPy
arrays. All read onto the CPU. None takes more memory than a small multiple of the size of the file: the objects that a
pickle creates are counted.
"""

from __future__ import annotations

import collections
import importlib
import io
import math
import mmap
import os
import pickle
import pickletools
import re
import sys
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, ClassVar

from tlzoo.checkpoints.damage import MAX_RATIO, MIN_LIMIT_BYTES
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
"""Constructors that copy the container that they are called with."""
MAX_INSTRUCTIONS = 500_000
"""In one pickle; that of a large model has some ten thousand."""
MAX_CLASSES = 1_000
"""Classes and functions in one pickle."""
MAX_DIMENSIONS = 64
"""Of a tensor, as in PyTorch."""
MAX_EXPANDED_BYTES = 1_000_000_000
"""Bytes of tensors that repeat their elements; they take memory only when they are copied."""
MAX_DEPTH = 100
"""Of nested modules."""
MAX_MODULES = 100_000
MAX_NAME_CHARACTERS = 200
"""Of the name of a module or a tensor."""
_BELOW = ("state_dict", "model_state_dict", "model")
_LEGACY_PICKLES = 5  # before the tensors, in the format of torch before 1.6
_ENTRY = 100  # bytes of an entry of a container
_PLACES = ("PUT", "BINPUT", "LONG_BINPUT")  # whose argument is a place in an array that grows up to it


class TooMuchError(pickle.UnpicklingError):
    """A pickle expands to far more than its size."""


class Stub:
    """An inert stand-in for an object of a class that is not allowed, or for the result of a function that is not.

    It holds the content of the pickle: the entries of the state as attributes, the arguments of the constructor as
    ``stub_args``, and the items appended or set as ``stub_items``. ``type(stub).__name__`` and ``__module__`` are the
    names in the pickle.
    """

    stub_args: tuple[Any, ...]
    stub_items: list[Any]
    _budget: ClassVar[_Budget | None] = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Stub:
        """Store the arguments without using them."""
        if cls._budget is not None:
            cls._budget.spend_on(args)
        stub = super().__new__(cls)
        stub.__dict__.update(stub_args=args, stub_items=[])
        return stub

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Accept any arguments of the class in the pickle."""

    def __setstate__(self, state: Any) -> None:
        """Store the entries of a state as attributes, and a state that is not a mapping as ``stub_state``."""
        for entries in state if isinstance(state, tuple) and len(state) == 2 else (state,):
            if isinstance(entries, dict) and all(isinstance(key, str) for key in entries):
                if (budget := type(self)._budget) is not None:
                    budget.spend_on([entries])
                self.__dict__.update(entries)
            elif entries is not None:
                self.__dict__["stub_state"] = state

    def append(self, item: Any) -> None:
        """Store an item of a list."""
        self.stub_items.append(item)

    def extend(self, items: Iterable[Any]) -> None:
        """Store the items of a list."""
        self.stub_items.extend(items)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Store an item of a mapping."""
        self.stub_items.append((key, value))

    def __repr__(self) -> str:
        """Name the class in the pickle."""
        return f"<stub of {type(self).__module__}.{type(self).__qualname__}>"


def load_torch(path: str | os.PathLike[str]) -> dict[str, torch.Tensor]:
    """Read a state dict that ``torch.save`` wrote.

    Args:
        path: The file. The state dict may be below the key ``state_dict``, ``model_state_dict`` or ``model``.

    Returns:
        The tensors by name, on the CPU, in the types of the file.

    Raises:
        InputError: The file is damaged, or holds objects other than tensors by name.
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
            raise InputError(f"{os.fspath(path)}: not a readable checkpoint: {error}") from None
        unsupported = re.search(r"Unsupported \w+: [^,]*?(?= was not)|Unsupported \w+[^.\n]*", str(error))
        reason = unsupported.group() if unsupported else " ".join(str(error).split())[:200]
        raise InputError(f"{os.fspath(path)}: contains more than tensors, so it is not loaded: {reason}") from error
    except Exception as error:  # a pickle can fail with anything
        raise InputError(f"{os.fspath(path)}: not a readable checkpoint: {_reason(error)}") from error
    raise InputError(f"{os.fspath(path)}: expected tensors by name, found {_kind(loaded)}")


def _look_before(path: str | os.PathLike[str], size: int) -> None:
    """Load the pickles of a checkpoint with tensors without data, before torch loads them.

    Raises:
        TooMuchError: They expand to far more than the size of the file.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            budget = _check_archive(archive, size)
            for name in archive.namelist():
                if name.endswith("/data.pkl"):
                    _Rehearsal(io.BytesIO(archive.read(name)), frozenset(), budget).load()
    else:
        budget = _Budget(size)
        with _mapped(path) as file:
            for _ in range(_LEGACY_PICKLES):
                _Rehearsal(file, frozenset(), budget).load()


def _check_tensors(tensors: Iterable[torch.Tensor], size: int) -> None:
    """Check that tensors are not larger than the file: torch allocates the rest, with arbitrary content.

    Raises:
        TooMuchError: They are larger.
    """
    import torch

    budget = _Budget(size)
    for tensor in tensors:
        if tensor.layout is not torch.strided:
            continue
        stored = tensor.untyped_storage().nbytes()
        if stored > size:
            raise TooMuchError("a tensor is larger than the file")
        budget.expand(tensor.numel() * tensor.element_size() - stored)


def _kind(loaded: Any) -> str:
    """Describe an object in a few words."""
    if not isinstance(loaded, dict):
        return type(loaded).__name__
    names = (str(key)[:40] if isinstance(key, str | int) else type(key).__name__ for key in list(loaded)[:8])
    return f"a dict of {', '.join(names)}"


def _reason(error: Exception) -> str:
    name = "" if isinstance(error, TooMuchError) else f"{type(error).__name__}: "
    return f"{name}{' '.join(str(error).split())[:200]}"


def restricted_load(path: str | os.PathLike[str], allow: Iterable[str] = ()) -> Any:
    """Read a torch checkpoint that holds pickled classes, without running code that it names.

    Args:
        path: A file in the zip format that ``torch.save`` writes since torch 1.6.
        allow: Dotted names of further classes or functions that are safe to call, such as ``"pathlib.PurePosixPath"``.

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
                raise InputError(
                    f"{os.fspath(path)}: not a torch checkpoint: expected one data.pkl, found {len(pickles)}"
                )
            folder = pickles[0].removesuffix("/data.pkl")
            order = f"{folder}/byteorder"
            if order in archive.namelist() and archive.read(order).decode() != sys.byteorder:
                raise InputError(f"{os.fspath(path)}: written on a machine of another byte order")
            return _ArchiveUnpickler(archive, folder, frozenset(allow), budget).load()
    except zipfile.BadZipFile as error:
        raise InputError(f"{os.fspath(path)}: not a torch checkpoint in the zip format: {error}") from error
    except InputError:
        raise
    except Exception as error:  # a pickle can fail with anything
        raise InputError(f"{os.fspath(path)}: damaged, or not a torch checkpoint: {_reason(error)}") from error


def load_arrays(path: str | os.PathLike[str]) -> dict[str, np.ndarray[Any, Any]]:
    """Read a plain pickle of NumPy arrays by name, the format of the model zoos of Caffe2 and Detectron2.

    Args:
        path: The file. The arrays may be below the key ``model``; other keys are left out.

    Returns:
        The arrays, of numbers, by name; they are writable.

    Raises:
        InputError: The file is damaged, or holds other objects.
    """
    try:
        with _mapped(path) as file:
            _check_instructions(file)
            file.seek(0)
            loaded = _ArrayUnpickler(file, _Budget(os.path.getsize(path))).load()
    except OSError:
        raise
    except Exception as error:  # a pickle can fail with anything
        raise InputError(f"{os.fspath(path)}: damaged, or not a pickle of arrays: {_reason(error)}") from error
    for candidate in (loaded.get("model"), loaded) if isinstance(loaded, dict) else ():
        if isinstance(candidate, dict) and candidate and all(map(_is_named_array, candidate.items())):
            return {name: array.value for name, array in candidate.items()}
    raise InputError(f"{os.fspath(path)}: expected arrays by name, found {_kind(loaded)}")


def state_dict(module: Any, path: str | os.PathLike[str] = "a checkpoint") -> dict[str, torch.Tensor]:
    """Collect the named tensors of a module that `restricted_load` read.

    Args:
        module: The stub of a ``torch.nn.Module``, or of a TorchScript module, whose attributes are its children.
        path: Its file, for the error.

    Returns:
        The result of ``module.state_dict()``: parameters and persistent buffers, under the same names. For a
        TorchScript module, all of its tensors.

    Raises:
        InputError: It is not the stub of a module.
    """
    tensors: dict[str, torch.Tensor] = {}
    waiting, visited = [(module, "", 0)], 0
    while waiting:
        module, prefix, depth = waiting.pop()
        visited += 1
        where = f"{os.fspath(path)}: {prefix[:MAX_NAME_CHARACTERS] or 'the object'}"
        if depth > MAX_DEPTH or visited > MAX_MODULES:
            raise InputError(f"{where}: modules in a circle, or more of them than any model has")
        own, children = _parts(module, prefix, where)
        tensors |= own
        waiting += [(child, name, depth + 1) for name, child in reversed(children.items())]
    return tensors


def _parts(module: object, prefix: str, where: str) -> tuple[dict[str, torch.Tensor], dict[str, object]]:
    """Tensors of a module by their full names, and its children by the prefixes of theirs.

    Raises:
        InputError: It is not the stub of a module; the message begins with ``where``.
    """
    import torch

    state = getattr(module, "__dict__", {})
    script = type(module).__module__.startswith("__torch__")
    children = {k: v for k, v in state.items() if isinstance(v, Stub)} if script else state.get("_modules")
    if not isinstance(module, Stub) or not isinstance(children, dict):
        raise InputError(f"{where}: expected the stub of a torch module, found {type(module).__name__}")
    passing = state.get("_non_persistent_buffers_set") or ()
    parameters, buffers = state.get("_parameters") or {}, state.get("_buffers") or {}
    if not (isinstance(passing, Collection) and isinstance(parameters, dict) and isinstance(buffers, dict)):
        raise InputError(f"{where}: its parameters or buffers are not a dict")
    own = {**(state if script else parameters), **{n: buffer for n, buffer in buffers.items() if n not in passing}}
    for name in (*own, *children):
        if not isinstance(name, str) or len(name) > MAX_NAME_CHARACTERS:
            raise InputError(
                f"{where}: a name of type {type(name).__name__}, or of more than {MAX_NAME_CHARACTERS} characters"
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
    """Memory that the content of a file may still take."""

    def __init__(self, size: int) -> None:
        self._left = MAX_RATIO * size + MIN_LIMIT_BYTES
        self._expandable = MAX_RATIO * size + MAX_EXPANDED_BYTES

    def spend(self, count: int) -> None:
        """Count bytes that are about to be allocated.

        Raises:
            TooMuchError: They are too many.
        """
        self._left -= count
        if self._left < 0:
            raise TooMuchError(f"its content takes more than {MAX_RATIO} times the size of the file")

    def expand(self, count: int) -> None:
        """Count bytes by which a tensor is larger than its storage.

        Raises:
            TooMuchError: They are too many.
        """
        self._expandable -= max(0, count)
        if self._expandable < 0:
            raise TooMuchError("its tensors repeat their elements too often")

    def spend_on(self, arguments: Iterable[Any]) -> None:
        """Count the size of a copy of each argument.

        Raises:
            TooMuchError: They are too many.
        """
        for each in arguments:
            if isinstance(each, str | bytes | bytearray):
                self.spend(len(each))
            elif isinstance(each, dict | list | tuple | set | frozenset):
                self.spend(len(each) * _ENTRY)


def _check_archive(archive: zipfile.ZipFile, size: int) -> _Budget:
    """Check that the members of an archive are no larger than those that torch writes, and return its budget.

    Raises:
        TooMuchError: They are larger.
    """
    _Budget(size).spend(sum(member.file_size for member in archive.infolist()))
    return _Budget(size)


@contextmanager
def _mapped(path: str | os.PathLike[str]) -> Iterator[Any]:
    """A file that gives no more bytes than it has, and takes no memory for others that are asked for."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content


def _check_instructions(content: IO[bytes]) -> None:
    """Check the number of instructions of a pickle, and the lengths of its strings, before it is loaded.

    Raises:
        TooMuchError: There are too many instructions, or a place in its memory is beyond them, as no writer makes it.
        ValueError: It is not a pickle.
    """
    for number, (code, argument, _) in enumerate(pickletools.genops(content)):
        if number > MAX_INSTRUCTIONS or (code.name in _PLACES and int(argument or 0) > MAX_INSTRUCTIONS):
            raise TooMuchError(f"more than {MAX_INSTRUCTIONS:,} instructions")


def _shape(value: Any) -> tuple[int, ...]:
    """Check the shape or the strides of a tensor.

    Raises:
        pickle.UnpicklingError: It is not a short list of whole numbers.
    """
    is_short = isinstance(value, tuple | list) and len(value) <= MAX_DIMENSIONS
    if not is_short or not all(type(side) is int and 0 <= side < 1 << 62 for side in value):
        raise pickle.UnpicklingError("a shape is not a short list of whole numbers")
    return tuple(value)


class _Rebuild:
    """A callable in place of one of torch; it has no attributes that a pickle could set."""

    __slots__ = ("_budget",)
    _budget: _Budget

    def __init__(self, budget: _Budget) -> None:
        object.__setattr__(self, "_budget", budget)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} cannot be set")


class _Copy(_Rebuild):
    """In place of the class of a container, which copies its argument."""

    __slots__ = ("_container",)
    _container: Any

    def __init__(self, budget: _Budget, container: Any) -> None:
        super().__init__(budget)
        object.__setattr__(self, "_container", container)

    def __call__(self, *items: Any) -> Any:
        self._budget.spend_on(items)
        return self._container(*items)


class _RebuildTensor(_Rebuild):
    """In place of ``torch._utils._rebuild_tensor_v2``; ``as_strided`` refuses elements outside of the storage."""

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
    """In place of ``torch._utils._rebuild_parameter``; returns the tensor."""

    __slots__ = ()

    def __call__(self, data: Any, *ignored: Any) -> Any:
        return data


class _Unpickler(pickle.Unpickler):
    """Resolves names on a short list only; any other becomes a stub of that name."""

    def __init__(self, content: IO[bytes], allow: frozenset[str], budget: _Budget) -> None:
        begin = content.tell()
        _check_instructions(content)
        content.seek(begin)
        super().__init__(content, encoding="utf-8")
        self._allow, self._budget = allow, budget
        self._stubs: dict[tuple[str, str], type[Stub]] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Resolve a name by exact comparison; only names that the caller allowed are imported."""
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
            if len(self._stubs) == MAX_CLASSES:
                raise TooMuchError(f"more than {MAX_CLASSES:,} classes and functions")
            self._stubs[module, name] = type(name, (Stub,), {"__module__": module, "_budget": self._budget})
        return self._stubs[module, name]


class _ArchiveUnpickler(_Unpickler):
    """Reads storages from the archive of the pickle."""

    def __init__(self, archive: zipfile.ZipFile, folder: str, allow: frozenset[str], budget: _Budget) -> None:
        super().__init__(io.BytesIO(archive.read(f"{folder}/data.pkl")), allow, budget)
        self._archive, self._folder = archive, folder
        self._storages: dict[str, torch.Tensor] = {}

    def persistent_load(self, pid: Any) -> torch.Tensor:
        """Read a storage as a tensor of one dimension, once, since several tensors may share it."""
        import torch

        dtype, key, count = _storage(pid)
        if dtype is None:
            raise pickle.UnpicklingError("a storage of unknown type")
        if key not in self._storages:
            data = bytearray(self._archive.read(f"{self._folder}/data/{key}"))
            if len(data) != count * dtype.itemsize:
                raise pickle.UnpicklingError(f"storage {key} has {len(data)} bytes, expected {count * dtype.itemsize}")
            self._storages[key] = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
        return self._storages[key]


class _Rehearsal(_Unpickler):
    """Creates tensors without data, and counts the memory that the real ones would take."""

    def persistent_load(self, pid: Any) -> torch.Tensor:
        """Create a tensor of the type and length of a storage."""
        import torch

        dtype, _, count = _storage(pid)
        return torch.empty(count, dtype=dtype or torch.uint8, device="meta")


def _storage(pid: Any) -> tuple[torch.dtype | None, str, int]:
    """Type, if known, name and length of a storage.

    Raises:
        pickle.UnpicklingError: It is malformed.
    """
    import torch

    if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage" or not isinstance(pid[2], str):
        raise pickle.UnpicklingError("a malformed storage")
    (count,) = _shape((pid[4],))
    return pid[1] if isinstance(pid[1], torch.dtype) else None, pid[2], count


class _Dtype:
    """In place of ``numpy.dtype``, for numbers only."""

    __slots__ = ("code",)

    def __init__(self, code: str, *ignored: Any) -> None:
        if not re.fullmatch(r"[fiu][1248]|b1", code):
            raise pickle.UnpicklingError(f"an array of type {code!r}")
        self.code = code

    def __setstate__(self, state: Any) -> None:
        if state[1] in ("<", ">"):
            self.code = state[1] + self.code.lstrip("<>")


class _Array:
    """In place of ``numpy.ndarray``, whose content is its state."""

    __slots__ = ("_budget", "value")
    value: np.ndarray[Any, Any]

    def __init__(self, budget: _Budget) -> None:
        self._budget = budget

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, data = state
        self.fill(data, dtype, shape, "F" if fortran else "C")

    def fill(self, data: Any, dtype: Any, shape: Any, order: Any) -> None:
        """Set the content: bytes, or text in place of bytes in a pickle of Python 2."""
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
    """In place of ``numpy.core.multiarray._reconstruct``, which creates an array without content."""

    __slots__ = ()

    def __call__(self, *ignored: Any) -> _Array:
        return _Array(self._budget)


class _FromBuffer(_Rebuild):
    """In place of ``numpy.core.numeric._frombuffer``, of pickle protocol 5."""

    __slots__ = ()

    def __call__(self, data: Any, dtype: Any, shape: Any, order: Any, *ignored: Any) -> _Array:
        array = _Array(self._budget)
        array.fill(data, dtype, shape, order)
        return array


class _Encode(_Rebuild):
    """In place of ``_codecs.encode``, which writes bytes in older protocols, and of ``bytes`` without arguments."""

    __slots__ = ()

    def __call__(self, text: str = "", *ignored: Any) -> bytes:
        self._budget.spend(len(text))
        return text.encode("latin1")


class _ArrayUnpickler(pickle.Unpickler):
    """Resolves names on a short list only; any other is an error."""

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
