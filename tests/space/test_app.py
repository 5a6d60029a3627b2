"""A Space in a real browser: what a visitor does on each page."""

import csv
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow.parquet as pq
import pytest

Browse = Callable[..., Any]


class Visitor:
    """What a person sees and does."""

    def __init__(self, browser: Any, url: str) -> None:
        self.browser = browser
        browser.get(url)
        self.until(lambda: self.all(".tlzoo table") or self.all("[role=tab]"))

    def all(self, selector: str) -> list[Any]:
        return [each for each in self.browser.find_elements("css selector", selector) if each.is_displayed()]

    def until(self, told: Callable[[], Any], seconds: float = 20) -> Any:
        from selenium.common.exceptions import StaleElementReferenceException

        deadline = time.monotonic() + seconds
        while True:
            try:
                if found := told():
                    return found
            except StaleElementReferenceException:
                pass
            assert time.monotonic() < deadline, f"waited {seconds} s; the page says: {self.text()[:2000]}"
            time.sleep(0.05)

    def text(self) -> str:
        return str(self.browser.find_element("css selector", "body").text)

    def sees(self, *words: str, seconds: float = 20) -> None:
        for word in words:
            self.until(lambda word=word: word in self.text(), seconds)

    def tab(self, name: str) -> None:
        """Open a tab; on a narrow screen some are in a menu."""

        def there() -> list[Any]:
            return [t for t in self.all("[role=tab], .overflow-dropdown button") if t.text.strip() == name]

        if not there():
            self.all(".overflow-menu > button")[0].click()
        self.until(there)[0].click()

    def field(self, label: str) -> Any:
        """The visible input with a label."""
        from selenium.webdriver.common.by import By

        path = f"//span[normalize-space()='{label}']/ancestor::*[self::label or contains(@class, 'block')][1]"
        for block in self.browser.find_elements(By.XPATH, path):
            for each in block.find_elements("css selector", "input, textarea"):
                if each.is_displayed():
                    return each
        raise AssertionError(f"no field {label!r}")

    def pick(self, label: str, option: str) -> None:
        """Pick an option of a drop-down."""
        self.field(label).click()
        option_of = lambda: [o for o in self.all("ul[role=listbox] li") if o.text.strip().endswith(option)]  # noqa: E731
        self.until(option_of)[0].click()

    def write(self, label: str, text: str) -> None:
        """Write into a field, and leave it."""
        from selenium.webdriver.common.keys import Keys

        field = self.field(label)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(Keys.DELETE)
        field.send_keys(text, Keys.TAB)

    def upload(self, path: Path) -> None:
        """Give a file to the page that is open."""
        panel = self.until(lambda: self.all("[role=tabpanel]"))[0]
        panel.find_element("css selector", "input[type=file]").send_keys(str(path))
        self.until(lambda: self.all("[aria-label=Clear], [aria-label='Remove Image']"), 60)

    def press(self, name: str) -> None:
        buttons = "button:not([role=tab])"
        self.until(lambda: [b for b in self.all(buttons) if b.text.strip().split("\n")[0] == name])[0].click()

    def downloaded(self, pattern: str) -> Path:
        """The first file of that name, once it has a content."""
        whole: list[Path] = self.until(lambda: [p for p in self.browser.downloads.glob(pattern) if p.stat().st_size])
        return whole[0]

    def rows(self) -> list[list[str]]:
        """Cells of the first table that is seen."""
        tables = self.all(".tlzoo table")
        lines = tables[0].find_elements("css selector", "tbody tr") if tables else []
        return [[cell.text for cell in line.find_elements("css selector", "td")] for line in lines]

    def complaints(self) -> list[str]:
        """Errors of the console, and requests that left the machine."""
        found = [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] == "SEVERE"]
        for entry in self.browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                if urlsplit(url).scheme in ("http", "https", "ws") and urlsplit(url).hostname != "127.0.0.1":
                    found.append(f"request to {url}")
        return found


@pytest.fixture
def visitor(browse: Browse, space: str) -> Visitor:
    return Visitor(browse(), space)


def test_the_board_is_ranked_filtered_sorted_and_downloaded(visitor: Visitor) -> None:
    visitor.sees("audio-classification on toy (200 test examples)", "is not available")
    first = visitor.rows()
    assert [row[1] for row in first][:2] == ["yamnet nano", "yamnet nano"]
    assert "unreplicated" in visitor.text(), "one seed tells nothing of training"
    visitor.write("Search", "openl3 full")
    visitor.until(lambda: {row[1] for row in visitor.rows()} == {"openl3 nano"})
    visitor.press("More filters, columns, downloads")
    for form in ("CSV", "Parquet"):
        visitor.press(f"Download {form}")
    csv_file = visitor.downloaded("*.csv")
    assert {row["card"] for row in csv.DictReader(csv_file.open())} == {"openl3"}
    parquet = visitor.downloaded("*.parquet")
    assert set(pq.read_table(parquet)["strategy"].to_pylist()) == {"full"}
    visitor.write("Search", "")
    visitor.until(lambda: len(visitor.rows()) == len(first))
    visitor.write("Maximum size, MB", "1.5")
    visitor.until(lambda: {row[1] for row in visitor.rows()} == {"yamnet nano"})
    visitor.write("Maximum size, MB", "0.001")
    visitor.sees("No row fits these filters")
    assert not visitor.complaints()


def test_a_column_sorts_by_mouse_and_by_keyboard(visitor: Visitor) -> None:
    from selenium.webdriver.common.keys import Keys

    visitor.sees("latency p50 ms")
    head = next(b for b in visitor.all(".tlzoo th button") if b.text.startswith("latency"))
    place = [b.text for b in visitor.all(".tlzoo th button")].index(head.text)
    head.click()
    times = [float(row[place]) for row in visitor.rows()]
    assert times == sorted(times)
    head.send_keys(Keys.ENTER)
    assert [float(row[place]) for row in visitor.rows()] == times[::-1]


def test_every_page_follows_the_task(visitor: Visitor) -> None:
    visitor.pick("Task", "audio-embedding")
    visitor.sees("audio-embedding on toy")
    visitor.tab("Trade-offs")
    visitor.sees("Up and left is better")
    visitor.until(lambda: visitor.all(".js-plotly-plot"))
    assert len(visitor.all(".js-plotly-plot")) == 2, "learning curves too: a tenth of the labels was run"
    visitor.tab("Compare")
    visitor.sees("YAMNet", "toy", "accuracy of 5 neighbours", "what to freeze")
    visitor.tab("Choose")
    visitor.sees("toy: yamnet nano full", "on the Pareto front")
    visitor.write("Maximum latency, ms an example", "1")
    visitor.sees("none of 12 rows is within the limits")
    visitor.tab("Cards")
    visitor.sees("tlzoo eval --task", "Facts")
    assert not visitor.complaints()


def test_a_link_restores_a_view(browse: Browse, space: str) -> None:
    visitor = Visitor(browse(), f"{space}/?task=audio-embedding&models=trill,openl3&tab=compare")
    visitor.sees("what to freeze")
    visitor.until(lambda: [h.text for h in visitor.all("table.facts thead th") if h.text] == ["TRILL", "OpenL3"])
    visitor.tab("Choose")
    asked = parse_qs(urlsplit(visitor.browser.current_url).query)
    assert asked["task"] == ["audio-embedding"] and asked["tab"] == ["choose"]
    wrong = Visitor(browse(), f"{space}/?task=nonsense&models=no,such&tab=nowhere&card=%3Cscript%3E")
    wrong.sees("audio-classification on toy")
    assert not wrong.complaints()


def test_a_contributed_card_is_checked_as_it_is_written(visitor: Visitor) -> None:
    visitor.tab("Contribute")
    visitor.write("Id", "Not An Id")
    visitor.press("Draft the card")
    visitor.sees("use lower-case letters")
    visitor.write("Id", "my-model")
    visitor.write("Name", "<script>document.title='hacked'</script>")
    visitor.press("Draft the card")
    visitor.sees("things are left to do. It belongs at zoo_cards/audio/audio-classification/my-model.md")
    visitor.press("Download the draft")
    card = visitor.downloaded("my-model.md")
    assert "id: my-model" in card.read_text()
    assert "hacked" not in visitor.browser.title


def test_an_empty_board_says_what_to_do(browse: Browse, start: Any, tmp_path: Path) -> None:
    with start("video", tmp_path) as url:
        visitor = Visitor(browse(), url)
        visitor.sees("No results for video-classification yet", "tlzoo eval --task video")
        assert not visitor.complaints()
