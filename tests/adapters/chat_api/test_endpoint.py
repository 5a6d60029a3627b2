"""Which endpoint the environment names, and what is said where it names none."""

import subprocess
import sys

import pytest

from tlzoo.adapters.chat_api.endpoint import OPENAI_URL, Endpoint, Price, RequestEstimate, endpoint
from tlzoo.errors import InputError, UnavailableError

VARIABLES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TLZOO_OPENAI_MODEL")
PRICE = "TLZOO_OPENAI_PRICE"
KEY = "sk-never-to-be-seen"


def ask(monkeypatch: pytest.MonkeyPatch, key: str = "", url: str = "", model: str = "") -> Endpoint:
    for name, value in zip(VARIABLES, (key, url, model), strict=True):
        monkeypatch.setenv(name, value)
    return endpoint("gpt-4")


def test_a_key_alone_asks_openai_for_the_cards_model(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ask(monkeypatch, key=KEY)
    assert found == Endpoint(OPENAI_URL, "gpt-4", official=True)
    assert found.label == "gpt-4 at api.openai.com" and KEY not in repr(found)
    assert ask(monkeypatch, key=KEY, url=OPENAI_URL + "/") == found


@pytest.mark.parametrize(
    ("model", "official"),
    [("gpt-4-0613", True), ("gpt-4-2026-01-31", True), ("gpt-4o", False), ("gpt-4-turbo", False), ("gpt-40613", False)],
)
def test_at_openai_only_the_model_and_its_snapshots_are_official(
    monkeypatch: pytest.MonkeyPatch, model: str, official: bool
) -> None:
    found = ask(monkeypatch, key=KEY, model=model)
    assert (found.model, found.official) == (model, official)


@pytest.mark.parametrize(
    ("url", "model", "label"),
    [
        ("http://localhost:8000/v1", "HuggingFaceTB/SmolLM2-135M", "HuggingFaceTB/SmolLM2-135M at localhost:8000"),
        ("http://127.0.0.1:8000/v1/", "/home/somebody/models/smol", "smol at 127.0.0.1:8000"),
        ("https://api.openai.com.example.org/v1", "gpt-4", "gpt-4 at api.openai.com.example.org"),
        ("https://example.org/api.openai.com", "gpt-4", "gpt-4 at example.org"),
    ],
)
def test_another_host_is_not_the_cards_model(monkeypatch: pytest.MonkeyPatch, url: str, model: str, label: str) -> None:
    found = ask(monkeypatch, url=url, model=model)
    assert not found.official
    assert found.label == label
    assert not found.url.endswith("/")


def test_nothing_set_says_in_one_line_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UnavailableError) as caught:
        endpoint("gpt-4")
    message = str(caught.value)
    assert "\n" not in message
    for word in ("gpt-4", *VARIABLES, "tlzoo serve", "transformers serve", "http://localhost:8000/v1"):
        assert word in message


def test_an_endpoint_without_a_model_is_not_passed_off_as_the_card(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnavailableError, match=r"localhost, which is not OpenAI: set TLZOO_OPENAI_MODEL"):
        ask(monkeypatch, key=KEY, url="http://localhost:8000/v1")


@pytest.mark.parametrize(
    "url",
    ["localhost:8000", "ftp://localhost/v1", "http://", "http://a:99999/v1", f"http://me:{KEY}@host/v1", "http://[/v1"],
)
def test_what_is_no_url_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(InputError, match="OPENAI_BASE_URL: expected a URL") as caught:
        ask(monkeypatch, url=url, model="m")
    assert KEY not in str(caught.value)
    with pytest.raises(InputError, match="by https only"):
        ask(monkeypatch, key=KEY, url="http://api.openai.com/v1")


def test_a_price_is_the_environments_else_the_cards_of_the_cards_own_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PRICE, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert endpoint("gpt-4", [30, 60]).price == Price(30, 60)
    assert endpoint("gpt-4").price is None
    monkeypatch.setenv("TLZOO_OPENAI_MODEL", "gpt-4o")
    assert endpoint("gpt-4", [30, 60]).price is None, "another model has another price"
    monkeypatch.setenv(PRICE, "2.5, 10")
    assert endpoint("gpt-4", [30, 60]).price == Price(2.5, 10)
    assert Price(2.5, 10).of(1_000_000, 100_000) == pytest.approx(3.5)


@pytest.mark.parametrize("price", ["30", "30,60,90", "a,b", "-1,2", "nan,1", "1,nan", "inf,1"])
def test_what_is_no_price_is_refused(monkeypatch: pytest.MonkeyPatch, price: str) -> None:
    monkeypatch.setenv(PRICE, price)
    with pytest.raises(InputError, match=f"^{PRICE} .*such as 30,60$"):
        ask(monkeypatch, key=KEY)


@pytest.mark.parametrize(
    ("url", "price", "free"),
    [
        ("http://127.0.0.1:8000/v1", None, True),
        ("http://localhost/v1", None, True),
        ("http://[::1]:8000/v1", Price(0, 0), True),
        ("http://127.0.0.1:8000/v1", Price(1, 1), False),
        ("http://127.0.0.1.example.org/v1", None, False),
        ("http://192.168.0.2/v1", None, False),
        (OPENAI_URL, None, False),
    ],
)
def test_only_what_is_here_and_has_no_price_is_free(url: str, price: Price | None, free: bool) -> None:
    assert Endpoint(url, "m", official=False, price=price).is_free == free


def test_a_notice_says_how_many_where_to_and_what_it_can_cost() -> None:
    here, there = Endpoint("http://127.0.0.1:1/v1", "m", official=False), Endpoint(OPENAI_URL, "gpt-4", official=True)
    line = RequestEstimate(Endpoint(OPENAI_URL, "gpt-4", True, Price(30, 60)), 200, 5, 100_000, 12_800).notice
    assert "sends 200 requests to api.openai.com, at most 100,000 tokens of prompts and 12,800 of answers" in line
    assert "or $3.77; 5 answers are cached" in line
    assert "set TLZOO_OPENAI_PRICE" in RequestEstimate(there, 1, 0, 10, 10).notice
    assert "PRICE" not in RequestEstimate(here, 1, 0, 10, 10).notice
    assert RequestEstimate(here, 0, 7, 0, 0).notice == "m at 127.0.0.1:1: nothing is sent, 7 answers are cached"


def test_importing_it_imports_no_heavy_library() -> None:
    code = "import sys, tlzoo.adapters.chat_api.endpoint; print({'torch', 'openai', 'datasets'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
