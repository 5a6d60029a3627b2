"""Make the stand-in weights that ship with the package: ``python scripts/pretrain.py [CARD...] [--jobs 2]``.

Each nano variant is pretrained as its card's recipe says, in a process of its own; what is in the cache is not made
again, so that an interrupted run goes on. The files are written to ``weights/``, and the hash of each into its card.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tlzoo import files
from tlzoo.adapters.weights import shipped_path, variant_of
from tlzoo.cards import catalogue
from tlzoo.cards.reader import parse

NANO = "nano"
_STAND_IN = re.compile(r"^(?P<indent> +)- tier: stand-in\n(?:(?P=indent)  sha256: .*\n)?", re.MULTILINE)


def make(card_id: str) -> None:
    """Pretrain one stand-in, and write its file."""
    from tlzoo.transfer.standin import pretrained

    card = catalogue.get(card_id)
    path = shipped_path(card, variant_of(card, NANO))
    path.parent.mkdir(exist_ok=True)
    shutil.copyfile(pretrained(card, NANO), path)


def note(card_id: str) -> None:
    """Write the hash of a stand-in's file into its card."""
    file = catalogue.get_file(card_id)
    path = shipped_path(file.card, variant_of(file.card, NANO))
    text = file.path.read_text(encoding="utf-8")
    line = rf"\g<indent>- tier: stand-in\n\g<indent>  sha256: {files.sha256_of(path)}\n"
    changed, count = _STAND_IN.subn(line, text)
    if count != 1:
        raise SystemExit(f"{file.path}: {count} stand-ins; one is expected")
    parse(changed, file.path)
    file.path.write_text(changed, encoding="utf-8")


def apart(card_id: str) -> bool:
    """Make one in a process of its own; whether it succeeded."""
    done = subprocess.run([sys.executable, __file__, card_id, "--one"], check=False).returncode == 0
    if done:
        note(card_id)
        print(f"{card_id}: done", flush=True)
    return done


def main() -> int:
    """Make them; 1 where one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cards", nargs="*", help="ids; by default every card with a stand-in")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once, of one thread each")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        make(*given.cards)
        return 0
    every = [card.id for card in catalogue.cards() if any(w.recipe for v in card.variants for w in v.weights)]
    with ThreadPoolExecutor(given.jobs) as pool:
        done = list(pool.map(apart, given.cards or every))
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
