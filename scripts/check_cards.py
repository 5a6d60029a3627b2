"""Check the cards that a change touches, and write down for a reviewer what was found.

Usage: python scripts/check_cards.py --changed-against REV [--cards-of REV] [--summary FILE] [--budget MINUTES]

Each card is read, run through the conformance suite, and its nano variant is evaluated on the card's own task. With
``--cards-of`` the cards, and nothing else, are taken from another revision into this checkout: so a stranger's card is
checked by the code that is here, and nothing that the stranger wrote is run. Exit code 0 where all is fine, 1 where a
check failed, 2 for bad usage.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from changed_cards import Change, Checkout, RefusedError

from tlzoo import escape
from tlzoo.adapters import is_built
from tlzoo.cards.reader import CardFile, parse, todos
from tlzoo.cards.render import facts
from tlzoo.cards.schema import Card, Variant
from tlzoo.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
MOST_PARAMETERS = 25_000_000
"""Of a nano variant."""
PATIENCE = 300
"""Seconds that a step may take beyond its budget."""
MOST_ROWS = 40
"""Rows of a board that are shown, besides those of the card."""
SECRETS = ("API_KEY", "TOKEN", "SECRET", "PASSWORD")
"""What is in the name of a variable that no check gets to see."""


@dataclass(frozen=True)
class Check:
    """One check and its outcome.

    Attributes:
        name: What was checked.
        passed: Whether it passed; ``None`` where it was not run, for the reason that the finding gives.
        finding: What came out, in a line.
        output: What was printed, of a failed one.
    """

    name: str
    passed: bool | None
    finding: str
    output: str = ""

    @property
    def mark(self) -> str:
        """How it is shown."""
        return {True: "passed", False: "**failed**", None: "not run"}[self.passed]


@dataclass
class Report:
    """What was found about one changed card."""

    change: Change
    file: CardFile | None = None
    checks: list[Check] = field(default_factory=list)
    before: list[dict[str, Any]] = field(default_factory=list)
    after: list[dict[str, Any]] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether any check failed."""
        return any(check.passed is False for check in self.checks)


def check_all(checkout: Checkout, changes: Sequence[Change], budget: float) -> list[Report]:
    """Check every changed card: first each alone, then together with the catalogue, then what it can do."""
    reports = [_read(checkout, change) for change in changes]
    whole = _run("the catalogue", [sys.executable, "-m", "tlzoo", "cards", "validate"], checkout.root, PATIENCE)
    for report in reports:
        if report.failed:
            continue
        report.checks.append(whole)
        if whole.passed:
            report.checks.append(_conformance(checkout.root, report.change))
        if report.file is not None and not report.failed:
            _evaluate(checkout.root, report, report.file.card, budget)
    return reports


def _read(checkout: Checkout, change: Change) -> Report:
    """Read a card, and take it where it is fine and of another revision."""
    report = Report(change)
    name = "the file"
    try:
        if change.kind == "deleted":
            if checkout.cards_of is not None:
                checkout.take(change, None)
            report.checks.append(Check(name, True, "deleted"))
            return report
        text = checkout.read(change)
        file = parse(text, Path(change.path))
        place = (file.card.domain, file.card.task)
        if Path(change.path).parts[1:3] != place:
            raise RefusedError(f"a card of {'/'.join(place)} belongs in that folder")
    except (RefusedError, InputError) as error:
        report.checks.append(Check(name, False, f"refused: {str(error).splitlines()[0]}", str(error)))
        return report
    if checkout.cards_of is not None:
        checkout.take(change, text)
    left = todos(text, Path(change.path))
    report.file = file
    finding = f"{len(left)} TODO left" if left else f"reads, {len(text):,} characters"
    report.checks.append(Check(name, not left, finding, "\n".join(left)))
    return report


def _conformance(root: Path, change: Change) -> Check:
    suite = ["tests/cards/test_catalogue.py", "--card", change.id]
    command = [sys.executable, "-m", "pytest", "-n", "0", "-q", "--tb=short", "-p", "no:cacheprovider", *suite]
    check = _run("the conformance suite", command, root, PATIENCE)
    failures = [line.partition(" - ")[2] for line in check.output.splitlines() if line.startswith("FAILED ")]
    return replace(check, finding="; ".join([*failures, check.finding])) if failures else check


def _evaluate(root: Path, report: Report, card: Card, budget: float) -> None:
    """Run the nano variant on the card's own task, and rank the board with it."""
    name = f"nano on {card.task}"
    variant = next(v for v in card.variants if v.kind == "nano")
    why, fails = _unfit(variant)
    with tempfile.TemporaryDirectory() as scratch:
        report.before = _board(root, report, card, Path(scratch) / "nothing")
        if why:
            report.checks.append(Check(name, False if fails else None, why))
            return
        began = time.monotonic()
        done = _python(root, budget * 60 + PATIENCE, *_command(card, variant, budget, scratch))
        took = time.monotonic() - began
        rows = [row for row in _rows(done) if row["card"] == card.id]
        fine = [row for row in rows if row["status"] == "ok"]
        reasons = "; ".join(dict.fromkeys(row["reason"] for row in rows if row["reason"]))
        if fine:
            scores = ", ".join(f"{row['strategy']} {row['metric']} {row['value']:.3f}" for row in fine)
            finding = "; ".join(filter(None, [scores, f"{took:.0f} s", reasons and f"without a result: {reasons}"]))
        else:
            finding = f"no result: {reasons or _ended(done)}"
        passed = bool(fine) and done.returncode == 0
        report.checks.append(Check(name, passed, finding, "" if passed else done.stderr))
        report.after = _board(root, report, card, Path(scratch))


def _unfit(variant: Variant) -> tuple[str, bool]:
    """Why a nano variant is not evaluated, and whether that is the card's fault; nothing where it is."""
    if variant.is_api_model:
        return "behind an API: no request is sent from here", False
    if not is_built(variant):
        return f"no adapter builds {variant.adapter} {variant.model} in the code that is here", False
    if variant.params is None:
        return f"variant {variant.id}, field 'params': count its parameters first", True
    if variant.params > MOST_PARAMETERS:
        return f"{variant.params:,} parameters; a nano variant has at most {MOST_PARAMETERS:,}", True
    return "", False


def _command(card: Card, variant: Variant, budget: float, out: str) -> list[str]:
    trained: list[str] = [s for s in card.transfer.strategies if s in ("scratch", "probe", "full") and variant.takes(s)]
    chosen = [s for s in trained if s == "scratch"] + [s for s in trained if s != "scratch"][:1]
    tier = "stand-in" if any(w.recipe for w in variant.weights) else "none"
    strategies = [word for s in chosen or ["zero-shot"] for word in ("--strategy", s)]
    which = ["--task", card.task, "--model", card.id, "--variant", variant.id, "--weights", tier]
    return [
        "eval",
        *which,
        *strategies,
        "--budget",
        f"{budget:g}",
        "--out",
        out,
        "--fractions",
        "1",
        "--no-baselines",
        "--json",
    ]


def _board(root: Path, report: Report, card: Card, out: Path) -> list[dict[str, Any]]:
    """Ranked rows of a task: the reference results, and those in a folder.

    That there is no board, or that a file was left out of it, is a failed check.
    """
    done = _python(root, PATIENCE, "leaderboard", "--task", card.task, "--format", "json", "--out", str(out))
    left_out = [line for line in done.stderr.splitlines() if ": left out, " in line]
    if done.returncode or left_out:
        finding = _ended(done) if done.returncode else "; ".join(left_out)
        report.checks.append(Check("the board", False, finding, done.stderr))
    return _rows(done)


def _ended(done: subprocess.CompletedProcess[str]) -> str:
    return f"ended with code {done.returncode}: {(done.stderr.splitlines() or ['no output'])[-1]}"


def _rows(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """What a program says in JSON; nothing where it was ended on the way."""
    try:
        return list(json.loads(done.stdout or "[]"))
    except ValueError:
        return []


def _python(root: Path, seconds: float, *arguments: str) -> subprocess.CompletedProcess[str]:
    return _subprocess([sys.executable, "-m", "tlzoo", *arguments], root, seconds)


def _run(name: str, command: list[str], root: Path, seconds: float) -> Check:
    done = _subprocess(command, root, seconds)
    output = f"{done.stdout}\n{done.stderr}".strip()
    last = output.splitlines()[-1] if output else "no output"
    return Check(name, done.returncode == 0, last, "" if done.returncode == 0 else output)


def _subprocess(command: list[str], root: Path, seconds: float) -> subprocess.CompletedProcess[str]:
    """Run a program of this checkout, without secrets, without the Hub, and for so long."""
    environment = {k: v for k, v in os.environ.items() if not any(secret in k.upper() for secret in SECRETS)}
    environment |= {"PYTHONPATH": str(root), "HF_HUB_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "500"}
    environment.pop("OPENAI_BASE_URL", None)
    try:
        return subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, errors="replace", timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"ended after {seconds:.0f} s")


def summary(reports: Sequence[Report], others: Sequence[str], apart: bool) -> str:
    """The Markdown for a reviewer; nothing that a card says becomes anything but text in it."""
    if not reports:
        return f"# Cards\n\nNothing to check: no card changed ({len(others)} other files did).\n"
    failed = sum(report.failed for report in reports)
    lines = ["# Cards", "", f"{len(reports)} changed, {failed} with a failed check.", ""]
    if others and apart:
        lines += [f"{len(others)} other files changed too; they were not run, the cards were checked without them.", ""]
    for report in reports:
        lines += _section(report)
    return "\n".join(lines) + "\n"


def _section(report: Report) -> Iterator[str]:
    moved = f" from {escape.text(report.change.before)}" if report.change.before else ""
    yield f"## {escape.text(report.change.id)}\n"
    yield f"{report.change.kind}{moved}: {escape.text(report.change.path)}\n"
    yield from _table(["check", "outcome", "what was found"], [[c.name, c.mark, c.finding] for c in report.checks], {1})
    for check in report.checks:
        if check.output and check.passed is not True:
            yield f"{escape.text(check.name)}:\n\n{escape.fenced(_tail(check.output))}\n"
    for title, rows in (("before", report.before), ("after", report.after)):
        if title == "before" or rows:
            yield f"### The board {title}\n"
            yield from _rows_table(rows, report.change.id)
    if report.file is not None:
        yield "### The card\n"
        yield from (f"- {escape.text(line)}" for line in facts(report.file.card))
        yield f"\n<details><summary>Its prose</summary>\n\n{escape.prose(report.file.prose.strip())}\n\n</details>\n"


def _tail(output: str) -> str:
    lines = [line[:500] for line in output.splitlines()]
    return "\n".join(lines if len(lines) <= 80 else ["...", *lines[-80:]])


def _rows_table(rows: Sequence[dict[str, Any]], card_id: str) -> Iterator[str]:
    if not rows:
        yield "No results.\n"
        return
    shown = [row for i, row in enumerate(rows) if i < MOST_ROWS or row["card"] == card_id]
    cells = [
        [
            "" if row["rank"] is None else row["rank"],
            f"{row['card']} {row['variant']}" + (" (this card)" if row["card"] == card_id else ""),
            row["weights"],
            row["strategy"] or "",
            row["dataset"] or "",
            row["origin"] or "",
            _interval(row, "value", "ci_low", "ci_high", row["metric"] or ""),
            _interval(row, "gain", "gain_low", "gain_high", ""),
            row["verdict"] or "",
            row["reason"] or "",
        ]
        for row in shown
    ]
    head = ["#", "model", "weights", "strategy", "data", "results", "score", "gain", "transfer", "reason"]
    yield from _table(head, cells)
    if len(shown) < len(rows):
        yield f"{len(rows) - len(shown)} more rows.\n"


def _interval(row: dict[str, Any], value: str, low: str, high: str, name: str) -> str:
    if row[value] is None:
        return ""
    ends = "" if row[low] is None else f" [{row[low]:.3f}, {row[high]:.3f}]"
    return f"{name} {row[value]:.3f}{ends}".strip()


def _table(
    head: Sequence[str], rows: Sequence[Sequence[object]], plain: frozenset[int] | set[int] = frozenset()
) -> Any:
    """A Markdown table; cells are escaped but for those of the plain columns, which are our own words."""
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(str(c) if i in plain else escape.text(c) for i, c in enumerate(row)) + " |"
    yield ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, print one line for each check, and write the summary."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--changed-against", required=True, metavar="REV", help="cards that changed since then")
    parser.add_argument("--cards-of", metavar="REV", help="take the cards from there, and nothing else, to here")
    parser.add_argument("--summary", type=Path, metavar="FILE", help="where the Markdown goes; not written by default")
    parser.add_argument("--budget", type=float, default=3.0, metavar="MINUTES", help="for each card, 3 by default")
    given = parser.parse_args(arguments)
    try:
        if not given.budget > 0:
            raise InputError(f"--budget {given.budget:g}: expected minutes, more than 0")
        checkout = Checkout.of(ROOT, given.changed_against, given.cards_of)
        changes, others = checkout.changes()
        reports = check_all(checkout, changes, given.budget) if changes else []
        if given.summary:
            given.summary.write_text(summary(reports, others, given.cards_of is not None), encoding="utf-8")
    except (InputError, OSError) as error:
        print(f"check_cards: {error}", file=sys.stderr)
        return 2
    for report in reports:
        for check in report.checks:
            word = {True: "passed", False: "FAILED", None: "not run"}[check.passed]
            line = escape.visible(f"{report.change.path}: {check.name}: {word}: {check.finding}")
            print(line.replace("##[", "## ["))  # else it would be a command to GitHub's runner
    if not reports:
        print("nothing to check: no card changed")
    return 1 if any(report.failed for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
