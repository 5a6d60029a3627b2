"""An open model behind an OpenAI-compatible API on this machine, which stands in for a paid one.

``transformers serve`` does the serving. It cannot serve every GGUF file directly, so the file is converted once to a
transformers folder with weights in float32, which is fastest on a CPU.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tlzoo import blobs
from tlzoo.adapters.weights import blob
from tlzoo.cards.schema import Card, Variant
from tlzoo.errors import InputError, UnavailableError
from tlzoo.files import cached

HOST = "127.0.0.1"
MAX_START_SECONDS = 300.0
"""Time that a server may take to load its model."""


def served_variant(card: Card) -> Variant:
    """The open model of a card behind an API.

    Raises:
        InputError: The card has none.
    """
    for variant in card.variants:
        if variant.is_api_model and any(w.format == "gguf" for w in variant.weights):
            return variant
    raise InputError(f"{card.id}: has no open model to serve; tlzoo serve takes the card of a model behind an API")


def folder(variant: Variant) -> Path:
    """The model's folder, named after the model; fetched and converted unless it is cached.

    Raises:
        UnavailableError: The file is not available, a package to read it is missing, or the cache cannot be written.
    """
    weights, file = next((w, f) for w in variant.weights if w.format == "gguf" for f in w.files)
    place = blobs.cache_dir() / "served" / (file.sha256 or file.name) / variant.model

    def make(folder: Path) -> None:
        _need("gguf")
        _convert(blobs.fetch(blob(file, weights.license)), folder)

    return cached(place, make, f"{variant.model}, unpacked")


def _convert(path: Path, target: Path) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    packed = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    facts = packed.config.to_dict()
    facts.pop("quantization_config", None)
    plain = type(packed)(AutoConfig.for_model(**facts))
    plain.load_state_dict(packed.state_dict())
    plain.generation_config = packed.generation_config
    plain.save_pretrained(target)
    AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name).save_pretrained(target)


@dataclass(frozen=True)
class Server:
    """A server that is ready for requests.

    Attributes:
        url: Base URL of its API.
        process: Its process.
    """

    url: str
    process: subprocess.Popen[bytes]


@contextmanager
def serving(model: Path, port: int = 8000, log: int | None = None) -> Iterator[Server]:
    """Serve a folder on loopback while the context lasts.

    Args:
        model: The folder; its last part is the model's name.
        port: Port to listen on.
        log: File descriptor for the server's output; by default standard error.

    Raises:
        InputError: The port is in use.
        UnavailableError: A package is missing, or the server does not start.
    """
    _need("fastapi", "uvicorn")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise InputError(f"--port {port}: {error.strerror}; name another one") from None
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", model.name, "--device", "cpu"]
    command += ["--host", HOST, "--port", str(port)]
    # Threads that spin while they wait would take time from clients on the same cores.
    settings = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "GOMP_SPINCOUNT": "1000"} | dict(os.environ)
    out = sys.stderr.fileno() if log is None else log
    process = subprocess.Popen(command, cwd=model.parent, env=settings, stdout=out, stderr=out)
    try:
        _wait(f"http://{HOST}:{port}/health", process)
        yield Server(f"http://{HOST}:{port}/v1", process)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + MAX_START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise UnavailableError(f"transformers serve ended with exit code {process.returncode}")
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise UnavailableError(f"transformers serve does not answer within {MAX_START_SECONDS:.0f} s")


def _need(*packages: str) -> None:
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise UnavailableError(
            f"{', '.join(missing)}: not installed, but needed to serve: pip install '.[serve]' in a clone"
        )
