"""How long Smart Reply's published table takes for a reply: one message at a time, from the string to the suggestions.

Usage: python benchmarks/reply_speed.py [MESSAGES]
Prints p50, p90 and p99 in milliseconds over so many messages of the ChatterBot corpus, by the clock and of the
processor, which other work beside it does not change; fails where the processor's p99 is 5 ms or more.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from tlzoo.adapters.weights import resolve
from tlzoo.cards import catalogue
from tlzoo.data.packaged.dialogues import pairs
from tlzoo.run.execute import threads
from tlzoo.transfer.assemble import assemble

LIMIT = 5.0
"""Milliseconds."""
WARM_UP = 20


def main() -> None:
    """Time it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    threads()
    model = assemble(resolve(catalogue.get("smartreply"), "official")).eval()
    messages = [pair.message for pair in pairs()]
    messages = (messages * -(-count // len(messages)))[:count]

    def took(message: str) -> tuple[float, float]:
        clock, processor = time.perf_counter(), time.process_time()
        model.predict(model.preprocess([{"text": message}]))
        return 1000 * (time.perf_counter() - clock), 1000 * (time.process_time() - processor)

    for message in messages[:WARM_UP]:
        took(message)
    times = np.percentile([took(message) for message in messages], (50, 90, 99), axis=0)
    print(f"{count} messages, threads {threads()}")
    for name, (p50, p90, p99) in zip(("clock", "processor"), times.T, strict=True):
        print(f"{name}: p50 {p50:.2f} ms, p90 {p90:.2f} ms, p99 {p99:.2f} ms")
    if times[2, 1] >= LIMIT:
        sys.exit(f"the processor's p99 is not below {LIMIT:g} ms")


if __name__ == "__main__":
    main()
