# /// script
# requires-python = ">=3.11"
# dependencies = ["tlzoo"]
# ///
"""Evaluate one shard of the models of a task, and publish its rows: a job of the Hugging Face Hub.

``hf jobs uv run --with WHEEL --secrets HF_TOKEN scripts/hf_job.py --task TASK --shard 1/4 --to OWNER [OPTION...]``
evaluates a quarter of the models. All other options are those of ``tlzoo eval``. The rows go to the data set
``OWNER/tlzoo-results-TASK-1-of-4``; ``--dry-run`` only prints what would be published. docs/scale.md has the rest.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

FINE = (0, 1)
"""Codes that ``tlzoo eval`` ends with where there are rows to publish: all are fine, or some failed."""


def main() -> int:
    """Evaluate and publish; the code of what ended badly, else 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", required=True)
    parser.add_argument("--shard", required=True, metavar="I/N", help="part I of N parts of the models")
    parser.add_argument("--to", required=True, metavar="OWNER", help="account that owns the data set")
    parser.add_argument("--out", default=".tlzoo", help="folder of the results")
    parser.add_argument("--dry-run", action="store_true", help="only print the commit; needs no token")
    options, others = parser.parse_known_args()
    evaluated = _tlzoo("eval", "--task", options.task, "--shard", options.shard, "--out", options.out, *others)
    if evaluated not in FINE:
        return evaluated
    repository = f"{options.to}/tlzoo-results-{options.task}-{options.shard.replace('/', '-of-')}"
    dry = ["--dry-run"] if options.dry_run else []
    return _tlzoo("publish", "results", "--repo", repository, "--out", options.out, *dry) or evaluated


def _tlzoo(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "tlzoo", *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
