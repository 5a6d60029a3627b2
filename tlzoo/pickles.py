"""Checkpoints read without running what they say.

A pickle may name any function and have it called. `load_torch` reads files that hold tensors and nothing else;
`restricted_load` reads those that hold pickled classes as well, with inert stand-ins for every class and function
that is not on a short list, so that no code of the file's choosing runs; `load_arrays` reads plain pickles of NumPy
arrays. All read onto the CPU.
"""

from __future__ import annotations

import collections
import importlib
import io
import math
import os
import pickle
import re
import sys
import zipfile
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

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
_HARMLESS: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch", "Size"): tuple,
    **{
        (home, kind.__name__): kind for home in ("builtins", "__builtin__") for kind in (set, frozenset, slice, complex)
    },
}


class Stub:
    """An inert stand-in for an object of a class that is not allowed, or for what a function would have returned.

    It holds what the pickle says of the object: the state's entries as attributes, the arguments of its making as
    ``stub_args``, and the items appended or set as ``stub_items``. ``type(stub).__name__`` and ``__module__`` are the
    names that the pickle gave.
    """

    stub_args: tuple[Any, ...]
    stub_items: list[Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Stub:
        """Keep the arguments and do nothing with them."""
        stub = super().__new__(cls)
        stub.__dict__.update(stub_args=args, stub_items=[])
        return stub

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Accept whatever the class that is stood for would have been given."""

    def __setstate__(self, state: Any) -> None:
        """Keep a state's entries as attributes; a state that is no mapping, as ``stub_state``."""
        for entries in state if isinstance(state, tuple) and len(state) == 2 else (state,):
            if isinstance(entries, dict) and all(isinstance(key, str) for key in entries):
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
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        told = re.search(r"Unsupported \w+: [^,]*?(?= was not)|Unsupported \w+[^.\n]*", str(error))
        found = told.group() if told else " ".join(str(error).split())[:200]
        raise InputError(f"{os.fspath(path)}: holds more than tensors, so it is not loaded: {found}") from error
    except (RuntimeError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{os.fspath(path)}: no readable checkpoint: {' '.join(str(error).split())[:200]}") from error
    inner = (loaded.get(key) for key in ("state_dict", "model_state_dict", "model")) if isinstance(loaded, dict) else ()
    for candidate in (loaded, *inner):
        if isinstance(candidate, Mapping) and candidate and all(map(torch.is_tensor, candidate.values())):
            return {str(name): tensor for name, tensor in candidate.items()}
    kind = f"a dict of {', '.join(map(str, list(loaded)[:8]))}" if isinstance(loaded, dict) else type(loaded).__name__
    raise InputError(f"{os.fspath(path)}: expected tensors by name, found {kind}")


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
            pickles = [name for name in archive.namelist() if name.endswith("/data.pkl") and name.count("/") == 1]
            if len(pickles) != 1:
                raise InputError(f"{os.fspath(path)}: no torch checkpoint: expected one data.pkl, found {len(pickles)}")
            folder = pickles[0].removesuffix("/data.pkl")
            order = f"{folder}/byteorder"
            if order in archive.namelist() and archive.read(order).decode() != sys.byteorder:
                raise InputError(f"{os.fspath(path)}: written on a machine of another byte order")
            return _Unpickler(archive, folder, frozenset(allow)).load()
    except zipfile.BadZipFile as error:
        raise InputError(f"{os.fspath(path)}: no torch checkpoint in the zip format: {error}") from error
    except InputError:
        raise
    except Exception as error:  # a pickle can fail with anything
        told = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise InputError(f"{os.fspath(path)}: damaged, or no torch checkpoint: {told}") from error


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
            loaded = _ArrayUnpickler(file, encoding="latin1").load()
    except OSError:
        raise
    except Exception as error:  # a pickle can fail with anything
        told = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise InputError(f"{os.fspath(path)}: damaged, or no pickle of arrays: {told}") from error
    for candidate in (loaded.get("model"), loaded) if isinstance(loaded, dict) else ():
        if isinstance(candidate, dict) and candidate and all(isinstance(v, _Array) for v in candidate.values()):
            return {str(name): array.value for name, array in candidate.items()}
    kind = f"a dict of {', '.join(map(str, list(loaded)[:8]))}" if isinstance(loaded, dict) else type(loaded).__name__
    raise InputError(f"{os.fspath(path)}: expected arrays by name, found {kind}")


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
    import torch

    state = getattr(module, "__dict__", {})
    script = type(module).__module__.startswith("__torch__")
    children = {k: v for k, v in state.items() if isinstance(v, Stub)} if script else state.get("_modules")
    if not isinstance(module, Stub) or not isinstance(children, dict):
        raise InputError(
            f"{prefix or 'the object'}: expected the stub of a torch module, found {type(module).__name__}"
        )
    passing = state.get("_non_persistent_buffers_set") or ()
    own = {**state} if script else {**(state.get("_parameters") or {})}
    own |= {name: buffer for name, buffer in (state.get("_buffers") or {}).items() if name not in passing}
    tensors = {f"{prefix}{name}": tensor for name, tensor in own.items() if torch.is_tensor(tensor)}
    for name, child in children.items():
        if child is not None and (not script or type(child).__module__.startswith("__torch__")):
            tensors |= state_dict(child, f"{prefix}{name}.")
    return tensors


class _Rebuild:
    """A callable of ours that stands for one of torch's; without attributes that a pickle could set."""

    __slots__ = ()


class _RebuildTensor(_Rebuild):
    """Stands for ``torch._utils._rebuild_tensor_v2``; as_strided refuses what lies outside of the storage."""

    __slots__ = ()

    def __call__(self, storage: Any, offset: int, size: Any, stride: Any, *ignored: Any) -> torch.Tensor:
        import torch

        if not torch.is_tensor(storage):
            raise pickle.UnpicklingError(f"a tensor's storage is {type(storage).__name__}")
        if math.prod(size) == 0:
            return torch.empty(tuple(size), dtype=storage.dtype)
        return torch.as_strided(storage, tuple(size), tuple(stride), offset)


class _RebuildParameter(_Rebuild):
    """Stands for ``torch._utils._rebuild_parameter``, and gives the tensor."""

    __slots__ = ()

    def __call__(self, data: Any, *ignored: Any) -> Any:
        return data


class _Unpickler(pickle.Unpickler):
    """Resolves names from a short list only; everything else becomes a stub of that name."""

    def __init__(self, archive: zipfile.ZipFile, folder: str, allow: frozenset[str]) -> None:
        super().__init__(io.BytesIO(archive.read(f"{folder}/data.pkl")), encoding="utf-8")
        self._archive, self._folder, self._allow = archive, folder, allow
        self._stubs: dict[tuple[str, str], type[Stub]] = {}
        self._storages: dict[str, torch.Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Resolve a name by exact comparison; nothing is imported but what the caller allowed."""
        import torch

        if (module, name) in _HARMLESS:
            return _HARMLESS[module, name]
        if module == "torch._utils" and name in ("_rebuild_tensor_v2", "_rebuild_parameter"):
            return _RebuildTensor() if name == "_rebuild_tensor_v2" else _RebuildParameter()
        if module == "torch" and name in _STORAGES:
            return getattr(torch, _STORAGES[name])
        if module == "torch" and name in _STORAGES.values():
            return getattr(torch, name)
        if f"{module}.{name}" in self._allow:
            return getattr(importlib.import_module(module), name)
        if (module, name) not in self._stubs:
            self._stubs[module, name] = type(name, (Stub,), {"__module__": module})
        return self._stubs[module, name]

    def persistent_load(self, pid: Any) -> torch.Tensor:
        """Read a storage as a tensor of one dimension; it is read once, as several tensors may share it."""
        import torch

        kind, dtype, key, _, count = pid
        if kind != "storage" or not isinstance(dtype, torch.dtype) or not isinstance(key, str):
            raise pickle.UnpicklingError(f"unknown storage {kind!r} of {dtype!r}")
        if key not in self._storages:
            data = bytearray(self._archive.read(f"{self._folder}/data/{key}"))
            if len(data) != count * dtype.itemsize:
                raise pickle.UnpicklingError(f"storage {key} has {len(data)} bytes, expected {count * dtype.itemsize}")
            self._storages[key] = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
        return self._storages[key]


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

    __slots__ = ("value",)
    value: np.ndarray[Any, Any]

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, data = state
        self.fill(data, dtype, shape, "F" if fortran else "C")

    def fill(self, data: Any, dtype: Any, shape: Any, order: Any) -> None:
        """Take the content: bytes, or text of bytes from a pickle that Python 2 wrote."""
        import numpy as np

        if not isinstance(dtype, _Dtype):
            raise pickle.UnpicklingError(f"an array's type is {type(dtype).__name__}")
        raw = bytearray(data.encode("latin1") if isinstance(data, str) else data)
        array: np.ndarray[Any, Any] = np.frombuffer(raw, dtype=dtype.code).reshape(tuple(shape), order=order)
        self.value = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("=")).reshape(array.shape)


class _Reconstruct(_Rebuild):
    """Stands for ``numpy.core.multiarray._reconstruct``, which makes an array without content."""

    __slots__ = ()

    def __call__(self, *ignored: Any) -> _Array:
        return _Array()


class _FromBuffer(_Rebuild):
    """Stands for ``numpy.core.numeric._frombuffer``, of pickle protocol 5."""

    __slots__ = ()

    def __call__(self, data: Any, dtype: Any, shape: Any, order: Any, *ignored: Any) -> _Array:
        array = _Array()
        array.fill(data, dtype, shape, order)
        return array


class _Encode(_Rebuild):
    """Stands for ``_codecs.encode``, by which older protocols write bytes, and for ``bytes`` where there are none."""

    __slots__ = ()

    def __call__(self, text: str = "", *ignored: Any) -> bytes:
        return text.encode("latin1")


class _ArrayUnpickler(pickle.Unpickler):
    """Resolves names from a short list only; any other is an error."""

    def find_class(self, module: str, name: str) -> Any:
        """Resolve a name by exact comparison; nothing is imported."""
        known: dict[tuple[str, str], Any] = {
            ("_codecs", "encode"): _Encode(),
            **{(home, "bytes"): _Encode() for home in ("builtins", "__builtin__")},
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("numpy", "dtype"): _Dtype,
            ("numpy", "ndarray"): _Array,
            **{(f"numpy.{core}.multiarray", "_reconstruct"): _Reconstruct() for core in ("core", "_core")},
            **{(f"numpy.{core}.numeric", "_frombuffer"): _FromBuffer() for core in ("core", "_core")},
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return known[module, name]
