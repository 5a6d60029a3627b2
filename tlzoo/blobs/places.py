"""The places that may serve a blob: their syntax, and their failures."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from tlzoo.errors import InputError

_HUB = re.compile(r"hub:(?P<kind>datasets/|spaces/)?(?P<repo>\w[\w.-]*/\w[\w.-]*)(?:@(?P<rev>[^/]+))?/(?P<path>.+)")
_PYPI = re.compile(r"(?P<head>pypi:(?P<spec>\w[\w.-]*==\w[\w.!+]*)(?:;(?P<options>[\w=,.]+))?)(?:/(?P<path>.+))?")
_NPM = re.compile(r"(?P<head>npm:(?P<spec>(?:@\w[\w.~-]*/)?\w[\w.~-]*@\w[\w.+-]*))/(?P<path>.+)")
_URL = re.compile(r"https?://[^\s/]+/(?P<path>\S+)")
_PATTERNS = {
    "hub": (_HUB, "hub:owner/name[@rev]/path"),
    "https": (_URL, "https://host/path"),
    "http": (_URL, "https://host/path"),
    "pypi": (_PYPI, "pypi:package==version[;key=value,...][/path]"),
    "npm": (_NPM, "npm:[@scope/]package@version/path"),
}
_PIP_OPTIONS = {
    "abi": "--abi",
    "implementation": "--implementation",
    "platform": "--platform",
    "python": "--python-version",
}


class PlaceError(Exception):
    """A place did not deliver, with the reason.

    Attributes:
        wrong: It delivered a file other than the pinned one.
        unreachable: It did not answer, so that a second request soon afterwards is useless.
        again: A second request at once may succeed.
    """

    def __init__(self, reason: object, *, wrong: bool = False, unreachable: bool = False, again: bool = False) -> None:
        """Store the reason as one line of bounded length."""
        super().__init__(" ".join(str(reason).split())[:600])
        self.wrong, self.unreachable, self.again = wrong, unreachable, again


def check_place(place: str) -> None:
    """Check that a place is written in the syntax of `tlzoo.blobs`.

    Args:
        place: A place of a blob.

    Raises:
        InputError: If it is malformed, with the right form.
    """
    if place.startswith("pypi:"):
        pip_options(place)
    parse(place)


def parse(place: str) -> re.Match[str]:
    """Parse a place.

    Args:
        place: A place of a blob.

    Returns:
        A match with the group ``path`` (``None`` for a whole wheel), and ``kind``, ``repo``, ``rev`` (hub) or ``head``,
        ``spec`` (pypi, npm).

    Raises:
        InputError: If it is malformed, with the right form.
    """
    scheme = place.partition(":")[0]
    if scheme not in _PATTERNS:
        raise InputError(f"place {place!r}: expected one of hub:, https://, pypi:, npm:")
    pattern, form = _PATTERNS[scheme]
    match = pattern.fullmatch(place)
    if match is None or "\\" in place or any(step in ("", ".", "..") for step in (match["path"] or "wheel").split("/")):
        raise InputError(f"place {place!r}: expected {form}")
    if is_url(place):
        try:
            urlsplit(place).port  # noqa: B018 - fails if the host or the port is malformed
        except ValueError as error:
            raise InputError(f"place {place!r}: expected {form}: {error}") from None
    if scheme == "http" and not is_loopback(place):
        raise InputError(f"place {place!r}: plain http is only for loopback hosts; use https")
    return match


def pip_options(place: str) -> list[str]:
    """Translate the options of a ``pypi:`` place into pip's.

    Args:
        place: Such as ``"pypi:p==1;python=37,abi=cp37m/file"``.

    Returns:
        Arguments for ``pip download``, such as ``["--python-version", "37", "--abi", "cp37m"]``.

    Raises:
        InputError: If an option is unknown or has no value.
    """
    arguments = []
    for option in filter(None, (parse(place)["options"] or "").split(",")):
        key, _, value = option.partition("=")
        if key not in _PIP_OPTIONS or not value or "=" in value:
            raise InputError(f"place {place!r}: option {option!r}; known: {', '.join(_PIP_OPTIONS)}, each key=value")
        arguments += [_PIP_OPTIONS[key], value]
    return arguments


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None


def check_redirect(url: str, target: str) -> None:
    """Check the target of a redirect before it is requested.

    Args:
        url: The address that was requested.
        target: The address that the server redirects to.

    Raises:
        PlaceError: The target is not an http or https address; or is on this machine, while ``url`` is not; or is plain
            http, which is only for loopback hosts and mirrors.
    """
    if urlsplit(target).scheme not in ("http", "https"):
        raise PlaceError(f"redirected to {target}, which is neither https nor http")
    if is_loopback(target) and not is_loopback(url):
        raise PlaceError(f"redirected to {target}, which is this machine")
    is_plain_mirror = urlsplit(url).scheme == "http" and not is_loopback(url)
    if urlsplit(target).scheme == "http" and not (is_loopback(target) or is_plain_mirror):
        raise PlaceError(f"redirected to {target}, which is not https")


def is_url(place: str) -> bool:
    """Whether a place or a mirror is an http or https address."""
    return place.startswith(("https://", "http://"))


def server(place: str) -> str:
    """Server of a place: the host and port of a URL, the endpoint of the Hub, else ``pypi`` or ``npm``."""
    if is_url(place):
        return place.split("/", 3)[2]
    scheme = place.partition(":")[0]
    return os.environ.get("HF_ENDPOINT", scheme) if scheme == "hub" else scheme
