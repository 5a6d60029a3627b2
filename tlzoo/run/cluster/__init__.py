"""Runs on a Ray cluster: each is a task of Ray, which a worker process of some node executes.

Ray places a task where there is room for what it needs, and starts it again where its process or its node was lost.
The driver alone writes results. Nothing leaves the cluster: usage statistics are off.
"""

from __future__ import annotations

import importlib.util
import math
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from tlzoo.adapters.weights import Wanted, card_of, resolve
from tlzoo.errors import InputError, TlzooError, UnavailableError
from tlzoo.measure.device import cores
from tlzoo.run import record
from tlzoo.run.worker import ANYTHING, TICK_SECONDS, KilledError, Needs, Worker, WorkFailedError

if TYPE_CHECKING:
    from tlzoo.core.model import Limits
    from tlzoo.measure.measurement import Measurement
    from tlzoo.run.outcome import Outcome
    from tlzoo.run.plan import Run

R = TypeVar("R")
RETRIES = 2
"""Times that work is done again whose process or node was lost."""
NODE = "TLZOO_NODE"
"""Names the node in the environment of its workers."""
CONNECT_SECONDS = 10.0
OBJECT_STORE_BYTES = 256 * 2**20
"""What Ray keeps for what travels, on this machine: results of some hundred kB each."""
PROCESS_BYTES = 1_500_000_000
"""Memory of a process with torch, its libraries and the data, before there is a model."""
STATES = 4
"""Numbers that training keeps for each parameter: itself, its gradient, and the two means of AdamW."""
_FORWARDED = re.compile("OMP_NUM_THREADS|HF_(HUB|DATASETS)_OFFLINE|TLZOO_TRACEBACK")
"""Variables that a node's workers take from the driver."""


@dataclass(frozen=True)
class Executed:
    """What a run gave, and where.

    Attributes:
        outcome: What it gave.
        seconds: How long it took.
        sheets: Drawn examples: contents by file name.
        where: Versions and hardware of the process.
        node: The node of a cluster; empty on this machine.
    """

    outcome: Outcome
    seconds: float
    sheets: Mapping[str, bytes]
    where: record.Environment
    node: str


def execute_there(
    execute: Callable[..., Outcome], run: Run, sheet: str = "", progress: bool = False, limits: Limits | None = None
) -> Executed:
    """Execute a run, wherever this is called.

    Args:
        execute: Executes it, such as :func:`tlzoo.run.execute.execute_apart`; of a baseline it takes only the run.
        run: The run.
        sheet: Name of the file of drawn examples; none of a baseline.
        progress: Whether to show progress bars on standard error.
        limits: Limits of time and money, for an API model.
    """
    began = time.monotonic()
    with TemporaryDirectory(prefix="tlzoo-sheets-") as folder:
        outcome = execute(located(run), *((progress, Path(folder) / sheet, limits) if sheet else ()))
        sheets = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    seconds = time.monotonic() - began
    return Executed(outcome, seconds, sheets, record.environment(), os.environ.get(NODE, ""))


def measure_there(measure: Callable[[Run], R], run: Run) -> tuple[R, record.Environment]:
    """Measure a run's model, wherever this is called, and say in which environment."""
    return measure(located(run)), record.environment()


def located(run: Run) -> Run:
    """A run with the files of its weights on this machine: fetched by their hash where the driver's are not here.

    Raises:
        UnavailableError: They are not available here.
    """
    checkpoint = run.checkpoint
    if all(path.is_file() for path in checkpoint.paths().values()):
        return run
    here = resolve(card_of(checkpoint), cast("Wanted", checkpoint.tier), checkpoint.variant)
    if here.sha256 != checkpoint.sha256:
        raise UnavailableError(
            f"{checkpoint.name}: the node has other weights ({here.sha256}, not {checkpoint.sha256})"
        )
    return replace(run, checkpoint=replace(checkpoint, files=here.files, parts=here.parts))


def needs_of(run: Run, measurement: Measurement) -> Needs:
    """What a run needs of a node: its threads, a GPU where it uses one, and memory by its measured model."""
    if run.is_baseline:
        return ANYTHING
    from tlzoo.run.execute import training_threads

    size, peak = measurement.size_bytes or 0, measurement.peak_memory_bytes or 0
    activations = run.recipe.batch_size * max(0, peak - size) if run.device == "cpu" else 0
    memory = PROCESS_BYTES + STATES * size + activations
    return Needs(training_threads(run), memory, int(run.device != "cpu"))


class Cluster:
    """A Ray cluster that calls functions as a :class:`~tlzoo.run.worker.Worker` does, several at a time."""

    def __init__(self, address: str | None = None, device: str = "cpu") -> None:
        """Connect to nothing yet: that is done with the first call.

        Args:
            address: Address of the cluster, such as ``auto`` or ``HOST:6379``; by default that of ``RAY_ADDRESS``, or a
                cluster of this machine alone, which ends with the evaluation.
            device: What runs compute on.

        Raises:
            InputError: Ray is not installed.
        """
        if importlib.util.find_spec("ray") is None:
            raise InputError("--executor ray: Ray is not installed; install it with: pip install 'tlzoo[ray]'")
        self.address, self.device = address, device
        self._is_stopped, self._is_own = threading.Event(), False
        self._in_flight: set[Any] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Use as a context."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what is in flight, and leave the cluster; one of this machine alone ends."""
        self.stop()
        if self._is_own:
            self._ray.shutdown()

    @property
    def slots(self) -> int:
        """Calls that are answered at the same time: one for each core, or each GPU where runs use one."""
        return max(1, sum(int(node.get("GPU" if self.device != "cpu" else "CPU", 0)) for node in self._nodes))

    def call(
        self,
        function: Callable[..., R],
        *arguments: object,
        seconds: float = math.inf,
        doing: str = "the work",
        needs: Needs = ANYTHING,
    ) -> R:
        """Call a function on a node that has room for what it needs; see :meth:`tlzoo.run.worker.Worker.call`.

        Raises:
            CancelledError: The cluster was stopped meanwhile.
        """
        return self._call(False, function, arguments, seconds, doing, needs)

    def apart(
        self, function: Callable[..., R], *arguments: object, seconds: float, doing: str, needs: Needs = ANYTHING
    ) -> R:
        """Call a function in a new process of a node, which ends afterwards; see :meth:`call`."""
        return self._call(True, function, arguments, seconds, doing, needs)

    def stop(self) -> None:
        """End what is in flight; no further call is answered."""
        self._is_stopped.set()
        with self._lock:
            for answer in self._in_flight:
                self._ray.cancel(answer, force=True)

    def _call(
        self,
        is_apart: bool,
        function: Callable[..., R],
        arguments: tuple[object, ...],
        seconds: float,
        doing: str,
        needs: Needs,
    ) -> R:
        ray = self._ray
        environment = {name: value for name, value in os.environ.items() if _FORWARDED.fullmatch(name)}
        options = {"name": f"tlzoo {doing}", "max_retries": RETRIES, "retry_exceptions": [KilledError]}
        task = ray.remote(_serve).options(**options, **self._room(needs))
        with self._lock:
            if self._is_stopped.is_set():
                raise CancelledError
            answer = task.remote(_version(), environment, is_apart, function, arguments, seconds, doing)
            self._in_flight.add(answer)
        try:
            while not ray.wait([answer], timeout=TICK_SECONDS)[0]:
                if self._is_stopped.is_set():
                    raise CancelledError
            kind, value = ray.get(answer)
        except ray.exceptions.RayError as error:
            raise self._failure(error) from None
        finally:
            with self._lock:
                self._in_flight.discard(answer)
        if kind == "value":
            result: R = value
            return result
        raise value if kind == "error" else WorkFailedError(*value)

    def _failure(self, error: Exception) -> Exception:
        """What an error of Ray means for a run."""
        exceptions = self._ray.exceptions
        if self._is_stopped.is_set():
            return CancelledError()
        cause = getattr(error, "cause", None)
        if isinstance(cause, KilledError):
            return WorkFailedError(cause.status, f"{cause.reason}, {RETRIES + 1} times")
        if isinstance(error, exceptions.OutOfMemoryError):
            return WorkFailedError("out-of-memory", "Ray ended its worker, since the node's memory ran out")
        if isinstance(error, (exceptions.WorkerCrashedError, exceptions.NodeDiedError)):
            return WorkFailedError("error", f"its worker or its node was lost {RETRIES + 1} times")
        return TlzooError(f"the Ray cluster failed: {' '.join(str(cause or error).split())[-500:]}")

    def _room(self, needs: Needs) -> dict[str, object]:
        """Options of a task; no more than one node has in all, since it would never be started."""
        able = [node for node in self._nodes if node.get("GPU", 0) >= needs.gpus] or self._nodes
        largest = max(able, key=lambda node: (node.get("CPU", 0), node.get("memory", 0)))
        room = {
            f"num_{name.lower()}s": min(wanted, int(largest.get(name, 0)))
            for name, wanted in (("CPU", needs.cores), ("GPU", needs.gpus))
        }
        memory = min(needs.memory, int(largest.get("memory", 0)))
        if not needs.node:
            return {**room, "memory": memory}
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return {**room, "memory": memory, "scheduling_strategy": NodeAffinitySchedulingStrategy(needs.node, soft=True)}

    @cached_property
    def _nodes(self) -> list[Mapping[str, float]]:
        """Resources of each node, as they were at the start.

        Raises:
            InputError: None has what runs compute on.
        """
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        if self.device != "cpu" and not any(node.get("GPU") for node in nodes):
            raise InputError(f"--device {self.device}: no node of the Ray cluster has a GPU; use --device cpu")
        return nodes

    @cached_property
    def _ray(self) -> Any:
        """The library, connected to the cluster.

        Raises:
            InputError: No cluster answers at the address.
        """
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        os.environ.setdefault("RAY_task_oom_retries", str(RETRIES))
        import ray

        if ray.is_initialized():
            return ray
        address = self.address or os.environ.get("RAY_ADDRESS")
        host, _, port = (address or "").rpartition("://")[2].rpartition(":")
        own = {"num_cpus": cores(), "include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
        try:
            if port.isdecimal():  # Ray itself ends the process where nobody answers
                socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
            ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **({} if address else own))
        except (OSError, RuntimeError, ValueError) as error:
            what = f"--address {address}: no Ray cluster answers" if address else "Ray does not start"
            raise InputError(
                f"{what} ({' '.join(str(error).split())[:300]}); start one with: ray start --head"
            ) from None
        self._is_own = True
        return ray


def _serve(
    version: object,
    environment: Mapping[str, str],
    is_apart: bool,
    function: Callable[..., object],
    arguments: tuple[object, ...],
    seconds: float,
    doing: str,
) -> tuple[str, Any]:
    """Answer a call on a node: in a process that goes on to the next call, or in a new one.

    Raises:
        KilledError: The process was killed; Ray calls again.
    """
    import ray

    if version != _version():
        return "error", InputError(f"tlzoo {_version()} is installed on a node of the cluster, not {version}")
    for name in [*os.environ]:
        if _FORWARDED.fullmatch(name):
            del os.environ[name]  # Ray sets one of them by the cores of the task
    os.environ |= {**environment, NODE: ray.get_runtime_context().get_node_id()}
    worker = Worker() if is_apart else _worker(os.environ.get("CUDA_VISIBLE_DEVICES"))
    try:
        call = worker.apart if is_apart else worker.call
        return "value", call(function, *arguments, seconds=seconds, doing=doing)
    except KilledError:
        raise
    except WorkFailedError as error:
        return "failed", (error.status, error.reason)
    except TlzooError as error:
        return "error", error


def _version() -> object:
    return record.environment()["tlzoo_version"]


@cache
def _worker(gpus: str | None) -> Worker:
    """The process of this worker of Ray that computes, on the GPUs that Ray chose."""
    return Worker()
