"""How long ``tlzoo select --data`` takes for 300 pictures, sounds and texts, with the frozen vectors in the cache.

Usage: python benchmarks/select_speed.py [--domain image]... [--json]
The first call computes the vectors; the second is timed, all of it, in a process of its own. Fine-tuning, which takes
whatever is left of ``--budget``, is off. Files that were downloaded into the cache before are there.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from finetuned import rows_of, written
from report import Row, show
from zoo import new_cache, seconds

SETS = {
    "image": ("image-classification", "digits", "pictures"),
    "audio": ("audio-classification", "spoken-digits", "sounds"),
    "text": ("text-classification", "chatterbot-topics", "texts"),
}
EXAMPLES = 300
SECONDS = 60.0
"""Maximum time of a warm call."""


def main() -> None:
    """Ask twice for each domain."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--domain", action="append", choices=SETS, help="only this one; may be repeated")
    parser.add_argument("--json", action="store_true")
    rows = []
    for task, name, what in (SETS[domain] for domain in parser.parse_args().domain or SETS):
        examples = rows_of(task, name, "train", EXAMPLES)
        with tempfile.TemporaryDirectory() as folder:
            cache = new_cache(Path(folder))
            data = written(examples, Path(folder))
            command = [sys.executable, "-m", "tlzoo", "select", "--task", task, "--data", str(data), "--no-training"]
            cold, warm = (seconds([*command, "--budget", "10"], cache) for _ in range(2))
        print(f"{what}: {cold:.1f} s with nothing computed yet", file=sys.stderr)
        rows.append(Row(f"`tlzoo select` for {len(examples)} {what}, vectors in the cache", warm, bar=SECONDS))
    show(rows)


if __name__ == "__main__":
    main()
