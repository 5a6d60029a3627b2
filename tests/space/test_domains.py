"""Each of the four Spaces: every page on four screens, an answer to a visitor's own input, and ten visitors at once."""

import html
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.space.conftest import Start
from tests.space.test_app import Browse, Visitor
from tests.space.test_trying import tone
from tlzoo.data.media.video import encode
from tlzoo.errors import UnavailableError
from tlzoo.leaderboard.schema import BOARD
from tlzoo.space.boards import Boards
from tlzoo.space.trying import answered
from tlzoo.vocabulary import task_facts

TABS = ("Leaderboard", "Trade-offs", "Compare", "Cards", "Try it", "Choose", "Contribute")


@dataclass
class Case:
    """A domain, the small model that answers in it, another one, and what a visitor gives."""

    domain: str
    task: str
    dataset: str
    model: str
    other: str
    strategy: str = "zero-shot"
    weights: str = "official"
    variant: str = "nano"
    given: Any = None
    said: str = ""
    url: str = field(default="", repr=False)

    def row(self, card: str, place: int, fraction: float = 1.0) -> dict[str, Any]:
        value = (0.9 - place / 10) * fraction
        return dict.fromkeys(BOARD.names) | {
            "rank": place + 1, "card": card, "variant": self.variant, "weights": self.weights, "task": self.task,
            "dataset": self.dataset, "strategy": self.strategy, "fraction": fraction, "n_test": 100, "status": "ok",
            "metric": task_facts(self.task).headline(self.domain), "value": value, "ci_low": value - 0.1,
            "ci_high": value + 0.1, "latency_ms_p50": 3.0 + place, "size_bytes": (place + 1) * 1_000_000,
            "origin": "reference", "run_ids": [f"{card}-{fraction}"], "train_seconds": 2.0,
        }  # fmt: skip


CASES = [
    Case("image", "face-detection", "faces", "mtcnn", "mobilenet", variant="cascade", said="scores"),
    Case("text", "text-generation", "chatterbot", "smartreply", "roberta", variant="on-device", said="welcome"),
    Case("audio", "pitch-extraction", "pitches", "crepe", "yamnet", variant="tiny", said="frequency"),
    Case("video", "video-classification", "digit-motions", "vivit", "videomae", "scratch", "none", said="left"),
]


def film(path: Path, towards: int, seed: int) -> Path:
    """A bright square that goes left (-1) or right (1)."""
    frames = np.random.default_rng(seed).integers(0, 40, (16, 64, 64, 3), dtype=np.uint8)
    for i, frame in enumerate(frames):
        at, top = 20 + seed * 5 % 9 + towards * (i - 8) * 2, seed * 11 % 40
        frame[top : top + 8 + seed * 7 % 13, at : at + 10 + seed % 6] = 230
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(frames, 8))
    return path


def input_of(domain: str, folder: Path) -> Any:
    if domain == "text":
        return "Thank you so much"
    if domain == "audio":
        return tone(folder / "a.wav")
    if domain == "video":
        return film(folder / "a.mkv", -1, 7)
    from PIL import Image
    from skimage import data

    Image.fromarray(data.astronaut()).save(folder / "a.png")
    return folder / "a.png"


def kept(case: Case, cache: Path, folder: Path) -> None:
    """Fine-tune on a few films, and keep it where visitors' models are."""
    from tlzoo.run.finetune import finetune

    for i in range(48):
        film(folder / ("left" if i % 2 else "right") / f"{i}.mkv", -1 if i % 2 else 1, i)
    out = cache / "tried" / f"{case.model}-1.0"
    finetune(
        case.model, case.task, str(folder), out, strategy=case.strategy, variant=case.variant, progress=False,
        say=lambda line: None,
    )  # fmt: skip


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.domain)
def case(
    request: pytest.FixtureRequest, start: Start, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Case]:
    found: Case = request.param
    folder = tmp_path_factory.mktemp(found.domain)
    found.given = input_of(found.domain, folder)
    if found.strategy == "zero-shot":
        from tlzoo.cards import catalogue
        from tlzoo.run.predict import published

        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TLZOO_CACHE", str(cache))
            try:
                published(catalogue.get(found.model), found.task, "official", found.variant)
            except UnavailableError as error:
                pytest.skip(str(error))
    else:
        kept(found, cache, folder / "films")
    rows = [found.row(found.model, 0), found.row(found.other, 1), found.row(found.model, 0, 0.1)]
    pq.write_table(pa.Table.from_pylist(rows, schema=BOARD), folder / "board.parquet")
    with start(found.domain, folder / "none", TLZOO_REFERENCE=str(folder)) as url:
        found.url = url
        yield found


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where pictures of pages are kept: the folder that ``TLZOO_SCREENSHOTS`` names."""
    folder = Path(os.environ.get("TLZOO_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_a_visitor_walks_through_and_gets_an_answer(case: Case, browse: Browse, pictures: Path) -> None:
    visitor = Visitor(browse(), case.url)
    visitor.sees(f"{case.task} on {case.dataset}")
    visitor.write("Search", case.other)
    visitor.until(lambda: [row[1].split()[0] for row in visitor.rows()] == [case.other])
    visitor.press("More filters, columns, downloads")
    visitor.press("Download CSV")
    visitor.until(lambda: list(visitor.browser.downloads.glob("*.csv")))
    visitor.tab("Trade-offs")
    visitor.until(lambda: len(visitor.all(".js-plotly-plot")) == 2)
    visitor.tab("Compare")
    visitor.sees("what to freeze")
    visitor.tab("Cards")
    visitor.sees("tlzoo eval --task", "Facts")
    visitor.tab("Choose")
    visitor.sees(f"{case.dataset}: {case.model}", "on the Pareto front")
    visitor.tab("Try it")
    visitor.sees(f"{case.model} {case.variant}", "answers on this machine's CPU")
    if case.domain == "text":
        visitor.write("Text", case.given)
    else:
        visitor.upload(case.given)
    visitor.press("Try it")
    visitor.sees(" ms\n", seconds=150)
    visitor.browser.save_screenshot(str(pictures / f"{case.domain}-answer.png"))
    assert case.said in visitor.all(".tlzoo details")[0].get_attribute("textContent")
    if case.domain in ("image", "audio"):
        assert visitor.all('.tlzoo img[alt="the prediction, drawn"]')
    assert not visitor.complaints()


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_every_page_fits_the_screen(case: Case, browse: Browse, width: int, dark: bool, pictures: Path) -> None:
    scheme = "dark" if dark else "light"
    visitor = Visitor(browse(width, dark), f"{case.url}/?__theme={scheme}")
    for name in TABS:
        visitor.tab(name)
        if name == "Trade-offs":
            visitor.until(lambda: len(visitor.all(".js-plotly-plot")) == 2)
        time.sleep(0.3)
        visitor.browser.save_screenshot(str(pictures / f"{case.domain}-{name}-{width}-{scheme}.png"))
        wide = visitor.browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width + 1, f"{name}: {wide} pixels wide on a screen of {width}"
    assert not visitor.complaints()


def test_ten_visitors_at_once_all_get_an_answer(case: Case) -> None:
    client = pytest.importorskip("gradio_client")

    def visit(_: int) -> str:
        given = [case.given, None] if case.domain == "text" else [client.handle_file(case.given)]
        return str(client.Client(case.url, verbose=False).predict(case.task, *given, api_name="/try"))

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(visit, range(10)))
    assert all(case.said in answer and f"{case.model} {case.variant}" in answer for answer in answers)


@pytest.mark.parametrize(
    ("case", "texts", "said"),
    [
        (
            Case("text", "text-embedding", "lee", "bert", "", variant="minilm"),
            ["A cat sleeps.", "A kitten naps."],
            "Similarity 0.",
        ),
        (
            Case("text", "text-generation", "chatterbot", "smartreply", "", variant="on-device"),
            ["Hi", r"Go\nnow" + "\nHello"],
            "I got that",
        ),
    ],
    ids=["pair", "candidates"],
)
def test_two_texts_are_read_as_the_task_reads_them(
    case: Case, texts: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq.write_table(pa.Table.from_pylist([case.row(case.model, 0)], schema=BOARD), tmp_path / "board.parquet")
    monkeypatch.setenv("TLZOO_REFERENCE", str(tmp_path))
    answer = answered(Boards("text", tmp_path / "none"), case.task, texts)
    if "is not available" in answer:
        pytest.skip(answer)
    assert f"{case.model} {case.variant}" in answer and said in answer.split("<h3>")[1].split("</h3>")[0]
    facts = json.loads(html.unescape(answer.split("<pre>")[1].split("</pre>")[0]))
    assert len(facts.get("candidate_scores", (0, 0))) == 2
