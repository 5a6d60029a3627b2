"""How long a visitor of a Space waits: from a cold start to the board, and from one task to another.

The board is as large as the zoo may become: 40 models, 16 tasks and 6 strategies. Needs Debian's chromium and
chromium-driver. Run: python benchmarks/space_speed.py
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from selenium import webdriver
from selenium.webdriver.remote.webelement import WebElement

from tlzoo.cards import catalogue
from tlzoo.leaderboard.schema import BOARD
from tlzoo.vocabulary import STRATEGIES, TASKS

Found = TypeVar("Found")
PORT = 7899
URL = f"http://127.0.0.1:{PORT}"


def board() -> pa.Table:
    """Rows of every strategy of 40 models on every task."""
    draw = random.Random(0)
    ids = ([card.id for card in catalogue.cards()] * 2)[:40]
    rows = []
    for task, facts in TASKS.items():
        for place, card in enumerate(ids):
            for strategy in STRATEGIES[:6]:
                value = draw.random()
                row = dict.fromkeys(BOARD.names) | {"card": card, "variant": f"v{place}", "weights": "stand-in"}
                row |= {"task": task, "dataset": "data", "strategy": strategy, "status": "ok", "fraction": 1.0}
                row |= {"metric": facts.headline(facts.domain), "value": value, "n_test": 1000, "rank": place + 1}
                row |= {"ci_low": value - 0.01, "ci_high": value + 0.01, "verdict": "neutral", "gain": 0.0}
                row |= {"gain_low": -0.1, "gain_high": 0.1, "latency_ms_p50": 1 + place, "size_bytes": 10**6}
                rows.append(row)
    return pa.Table.from_pylist(rows, schema=BOARD)


def main() -> None:
    """Measure, and print."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        sys.exit("no chromium and chromedriver here (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"):
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(board(), Path(folder) / "board.parquet")
        start = time.perf_counter()
        command = [sys.executable, "-m", "tlzoo", "space", "image", "--port", str(PORT), "--out", f"{folder}/none"]
        server = subprocess.Popen(command, env={**os.environ, "TLZOO_REFERENCE": folder, "HF_HUB_OFFLINE": "1"})
        try:
            _until(_answers, 60)
            print(f"cold start to the first answer: {time.perf_counter() - start:.2f} s", flush=True)
            browser.get(URL)
            _until(lambda: _caption(browser), 60)
            print(f"cold start to the board: {time.perf_counter() - start:.2f} s", flush=True)
            waits = []
            for task in [t for t in TASKS if TASKS[t].domain == "image"] * 2:
                field = browser.find_element("css selector", "#task input")
                if field.get_attribute("value") == task:
                    continue
                browser.execute_script("document.activeElement.blur()")
                field.click()
                option = _until(lambda task=task: _option(browser, task), 10)
                start = time.perf_counter()
                option.click()
                _until(lambda task=task: task in _caption(browser), 10)
                waits.append(time.perf_counter() - start)
            print(f"task switch: median {median(waits):.2f} s, longest {max(waits):.2f} s of {len(waits)}")
        finally:
            browser.quit()
            server.kill()


def _answers() -> bool:
    try:
        urllib.request.urlopen(URL, timeout=5).close()
    except OSError:
        return False
    return True


def _caption(browser: webdriver.Chrome) -> str:
    script = "return document.querySelector('.tlzoo caption')?.textContent ?? ''"
    return str(browser.execute_script(script))


def _option(browser: webdriver.Chrome, task: str) -> WebElement | None:
    options = browser.find_elements("css selector", "ul[role=listbox] li")
    return next((each for each in options if each.text.strip().endswith(task)), None)


def _until(wanted: Callable[[], Found | None], seconds: float) -> Found:
    deadline = time.monotonic() + seconds
    while not (value := wanted()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s")
        time.sleep(0.02)
    return value


if __name__ == "__main__":
    main()
