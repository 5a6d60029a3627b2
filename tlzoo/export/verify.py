"""``tlzoo verify``: whether a file, or a fine-tuned folder, does on data what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tlzoo.errors import InputError
from tlzoo.export.certificate import Scored, places, scored
from tlzoo.export.heldout import HeldOut, described, held_out, recipe_of
from tlzoo.export.session import opened
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.statistics import estimate

TOLERANCE = 0.005
"""Share of examples that may be predicted otherwise, and difference of the metric: processors round differently."""


@dataclass(frozen=True)
class Line:
    """One line of what was verified.

    Attributes:
        name: What is compared.
        certified: As it was recorded.
        now: As it is now.
        holds: Whether the two agree; None where nothing is demanded.
    """

    name: str
    certified: str
    now: str
    holds: bool | None = None


@dataclass(frozen=True)
class Verified:
    """What a file or folder was compared with.

    Attributes:
        path: The file or folder.
        lines: What was compared.
        metric: Name of the metric.
        certified: Its recorded value.
        now: Its value now.
    """

    path: Path
    lines: tuple[Line, ...]
    metric: str
    certified: float
    now: float

    @property
    def holds(self) -> bool:
        """Whether all that was compared agrees."""
        return all(line.holds is not False for line in self.lines)


def verify(path: Path, data: str | None = None, given: Mapping[str, str] | None = None, threads: int = 1) -> Verified:
    """Compare a file that ``tlzoo export`` wrote, or a fine-tuned folder, with what it says of itself.

    Args:
        path: The file or folder. Of a file the checksum comes first, and ONNX Runtime alone computes.
        data: The data whose test examples are predicted, as ``--data`` names them; by default those of the training.
        given: Columns of own data.
        threads: To compute with.

    Raises:
        InputError: It cannot be read, was changed since the export, or the data do not fit it.
        UnavailableError: ONNX Runtime is not installed, or the data do not answer.
    """
    if not path.exists():
        raise InputError(f"{path}: does not exist; name a file of tlzoo export, or a folder of tlzoo finetune")
    return _folder(path, data, given or {}) if path.is_dir() else _file(path, data, given or {}, threads)


def _file(path: Path, data: str | None, given: Mapping[str, str], threads: int) -> Verified:
    session, description, sha256 = opened(path, threads)
    certificate = description.certificate
    tests = held_out(
        description.data, description.task, description.input.kind, description.labels, data, given, str(path)
    )
    now = scored(session.predict, tests.task, tests.rows, tests.data.splits["train"])
    is_same = tests.sha256 == certificate.test_sha256
    lines = [
        Line("checksum of the file", sha256[:12], sha256[:12], True),
        _examples(certificate.examples, tests, is_same),
    ]
    labels = places(now.predictions, description.labels)
    if is_same and labels:
        equal = sum(map(int.__eq__, labels, certificate.labels))
        allowed = max(1, int(TOLERANCE * len(labels)))
        lines.append(Line("predicted labels", f"{len(labels)}", f"{equal} the same", len(labels) - equal <= allowed))
    lines.append(_metric(now, certificate.onnx, tests, is_same))
    return Verified(path, tuple(lines), now.metric, certificate.onnx, now.value)


def _folder(path: Path, data: str | None, given: Mapping[str, str]) -> Verified:
    from tlzoo.transfer import bundle
    from tlzoo.transfer.inference import predict

    model = bundle.load(path)
    recipe = recipe_of(path)
    assert model.task is not None
    trained = described(recipe)
    tests = held_out(trained, model.task.name, model.spec.input, model.task.labels, data, given, str(path))
    now = scored(
        lambda rows: predict(model, (model.encode(row) for row in rows)),
        tests.task,
        tests.rows,
        tests.data.splits["train"],
    )
    first = recipe["results"][0]
    is_same = tests.is_own_test and not tests.is_seen and len(tests.rows) == first["n_test"]
    line = _of_seen(now, first, tests) if tests.is_seen else _metric(now, first["value"], tests, is_same)
    lines = (_examples(first["n_test"], tests, is_same), line)
    return Verified(path, lines, now.metric, first["value"], now.value)


def _of_seen(now: Scored, recorded: Mapping[str, float], tests: HeldOut) -> Line:
    """The metric on examples that the model learnt from: at least as good as it was on unseen ones."""
    metric = METRICS[now.metric]
    worst = recorded["low" if metric.sign > 0 else "high"]
    is_as_good = None if worst is None else metric.sign * (now.value - worst) >= 0
    before, after = f"{recorded['value']:.4f}, cross-fitted", f"{now.value:.4f}, on what was learnt from"
    return Line(metric.label, before, after, is_as_good)


def _examples(count: int, tests: HeldOut, is_same: bool) -> Line:
    what = "the same" if is_same else f"of those learnt from in {tests.name}" if tests.is_seen else f"of {tests.name}"
    return Line("test examples", f"{count:,}", f"{len(tests.rows):,}, {what}")


def _metric(now: Scored, certified: float, tests: HeldOut, is_same: bool) -> Line:
    """The metric: on the same examples it is the same, on others within its interval."""
    metric = METRICS[now.metric]
    if is_same:
        allowed = max(TOLERANCE, 1.01 / len(tests.rows))
        return Line(metric.label, f"{certified:.4f}", f"{now.value:.4f}", abs(now.value - certified) <= allowed)
    interval = estimate(metric, {0: now.statistic}, tests.data.test_groups()).interval()
    if interval is None:
        return Line(metric.label, f"{certified:.4f}", f"{now.value:.4f}, on too few groups for an interval")
    low, high = interval
    is_as_good = certified <= high if metric.sign > 0 else certified >= low
    return Line(metric.label, f"{certified:.4f}", f"{now.value:.4f} [{low:.3f}, {high:.3f}]", is_as_good)


def table(lines: Sequence[Line]) -> list[tuple[str, str, str, str]]:
    """Lines as the cells of a table: name, certified, now, and whether they agree."""
    words = {True: "holds", False: "does not hold", None: ""}
    return [(line.name, line.certified, line.now, words[line.holds]) for line in lines]
