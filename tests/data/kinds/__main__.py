"""Try every kind, and print a table: the kind, whether it was read or refused, and the line that said so."""

import os
import sys
import tempfile
from pathlib import Path

from tests.data.kinds.all import KINDS

faults = 0
cache = tempfile.TemporaryDirectory()
os.environ["TLZOO_CACHE"] = cache.name  # in which nothing is prepared yet
print("| kind | task | outcome | line |\n| --- | --- | --- | --- |")
for kind in KINDS:
    with tempfile.TemporaryDirectory() as folder:
        outcome = kind.outcome(Path(folder))
        fault = outcome.fault(kind)
        faults += bool(fault)
        cells = (kind.name, kind.task, "read" if outcome.is_read else "refused", outcome.line.replace(folder, "."))
        print("|", " | ".join(cell.replace("|", "\\|") for cell in cells), "|", flush=True)
        if fault:
            print(f"{kind.name}: {fault}", file=sys.stderr)
print(f"\n{len(KINDS)} kinds: {sum(bool(k.reads) for k in KINDS)} read, {sum(bool(k.refuses) for k in KINDS)} refused")
sys.exit(1 if faults else 0)
