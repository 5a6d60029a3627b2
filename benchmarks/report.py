"""What benchmarks give: rows of ours against another; and the page of the documentation with all of them.

``python benchmarks/report.py [--only NAME]...``, or ``make bench``, runs the benchmarks one after the other, each in a
process of its own, and writes ``docs/benchmarks.md``. All take about an hour and a half, and want a machine that does
nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
SCRIPTS = ("startup", "probe_cost", "loop_overhead", "board_cost", "select_speed", "ray_speed", "zoo")
"""Those that have rows, in the order in which they are run."""


@dataclass(frozen=True)
class Row:
    """One line of the page.

    Attributes:
        what: What is measured.
        ours: What tlzoo takes, in ``unit``.
        unit: Unit of ``ours``, ``plain`` and, where there is no ``plain``, of the bar.
        plain: What it is compared with, taken in turn with it; absent where there is no such thing.
        against: What that is.
        ratio: Median ratio of paired rounds; by default that of the two.
        bar: The ratio may be at most so much; where nothing is compared, ``ours`` may.
    """

    what: str
    ours: float
    unit: str = "s"
    plain: float | None = None
    against: str = ""
    ratio: float | None = None
    bar: float | None = None

    @property
    def judged(self) -> float:
        """What the bar is for."""
        return self.ratio or (self.ours / self.plain if self.plain else self.ours)

    def line(self) -> str:
        """The row of the table."""
        bar = "" if self.bar is None else f"{self.bar:.3g}" + ("" if self.plain else f" {self.unit}")
        plain = f"{self.plain:.3g} {self.unit}" if self.plain else ""
        ratio = f"{self.judged:.3f}" if self.plain else ""
        is_met = "" if self.bar is None else "yes" if self.judged <= self.bar else "**no**"
        cells = (self.what, f"{self.ours:.3g} {self.unit}", self.against, plain, ratio, bar, is_met)
        return "| " + " | ".join(cells) + " |"


HEAD = "| what | tlzoo | against | takes | ratio | at most | met |\n| --- | --: | --- | --: | --: | --: | --- |"


def show(rows: Sequence[Row]) -> None:
    """Print the rows of one benchmark: a table, or with ``--json`` what the page is made from."""
    if "--json" in sys.argv:
        print(json.dumps([asdict(row) for row in rows]))
    else:
        print(HEAD, *(row.line() for row in rows), sep="\n")


def main() -> None:
    """Run them, and write the page."""
    from tlzoo.run.record import environment

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=SCRIPTS, help="only this one; may be repeated")
    wanted = parser.parse_args().only or SCRIPTS
    rows: list[Row] = []
    failed: list[str] = []
    for name in wanted:
        command = [sys.executable, str(HERE / f"{name}.py"), "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            failed.append(name)
            continue
        mine = [Row(**row) for row in json.loads(done.stdout.splitlines()[-1])]
        print(*(row.line() for row in mine), sep="\n", flush=True)
        rows += mine
    facts = environment()
    libraries = ", ".join(f"{library} {version}" for library, version in json.loads(str(facts["libraries"])).items())
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`: each ratio is of one run, in which tlzoo and what it is compared with take turns.",
        "",
        HEAD,
        *(row.line() for row in rows),
        "",
        *(f"Failed: `benchmarks/{name}.py`.\n" for name in failed),
        *(f"Not measured: `benchmarks/{name}.py`.\n" for name in SCRIPTS if name not in wanted),
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {facts['hardware']}, {os.cpu_count()} cores, {facts['threads']} "
        f"threads. Python {sys.version.split()[0]}, tlzoo {facts['tlzoo_version']}, {libraries}.",
    ]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"written: {PAGE}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
