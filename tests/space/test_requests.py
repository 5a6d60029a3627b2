"""What a Space refuses of requests, and what it does not tell."""

import http.client
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest

CALL = "/gradio_api/call/try"


def post(space: str, body: object, headers: dict[str, str]) -> int:
    """The status of a request."""
    connection = http.client.HTTPConnection(urlsplit(space).netloc, timeout=60)
    try:
        connection.request("POST", CALL, body, headers | {"Content-Type": "application/json"})  # type: ignore[arg-type]
        return connection.getresponse().status
    except (BrokenPipeError, ConnectionResetError):  # it is closed before all was sent
        return 413
    finally:
        connection.close()


def test_a_large_body_is_refused_and_a_small_one_is_read(space: str) -> None:
    small = b'{"data": ["audio-classification", null]}'
    assert post(space, small, {}) == 200
    large = b'{"data": ["' + b"x" * 3_000_000 + b'"]}'
    assert post(space, large, {}) == 413
    assert post(space, b"", {"Content-Length": "300000000"}) == 413
    pieces = (b"x" * 100_000 for _ in range(30))
    assert post(space, pieces, {"Transfer-Encoding": "chunked"}) in (400, 413)
    assert post(space, small, {}) == 200


@pytest.mark.parametrize("path", ["/monitoring", "/monitoring/summary"])
def test_monitoring_is_closed(space: str, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(space + path, timeout=30)
