"""Cards are read without asking another machine for anything."""

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.space.conftest import Start
from tests.space.test_app import Visitor
from tlzoo.cards import catalogue


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """Another server, and what it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_pictures_of_other_places_in_a_card_are_not_loaded(
    start: Start, browse: Callable[..., Any], elsewhere: tuple[str, list[str]], tmp_path: Path
) -> None:
    url, asked = elsewhere
    text = catalogue.get_file("yamnet").path.read_text(encoding="utf-8").replace("  id: yamnet\n", "  id: my-yamnet\n")
    tracking = (
        f'## What it is\nSEEN ![a]({url}/markdown.png) <img src="{url}/html.png"> <video src="{url}/a.mp4"></video>'
        f'<p style="background-image: url({url}/style.png)">x</p> <audio src="{url}/a.wav" autoplay></audio>'
        " ![own](data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=)\n"
    )
    path = tmp_path / "cards" / "audio" / "audio-classification" / "my-yamnet.md"
    path.parent.mkdir(parents=True)
    path.write_text(text.replace("## What it is\n", tracking), encoding="utf-8")
    with start("audio", tmp_path, TLZOO_CARDS=str(tmp_path / "cards")) as space:
        visitor = Visitor(browse(), f"{space}/?tab=cards&card=my-yamnet")
        visitor.sees("SEEN")
        images = "return [...document.querySelectorAll('.prose img')].map(i => [i.src, i.naturalWidth])"
        loaded = visitor.until(lambda: [i for i in visitor.browser.execute_script(images) if i[1]])
        assert all(source.startswith("data:") for source, _ in loaded)
        refused = [
            e["message"] for e in visitor.browser.get_log("browser") if "Content Security Policy" in e["message"]
        ]
        assert asked == []
        assert refused
