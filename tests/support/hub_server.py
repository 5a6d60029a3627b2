"""A small read-only Hub on loopback, for tests: the unmodified clients read it behind ``HF_ENDPOINT``.

It serves a folder, ``models/<owner>/<name>/...``, ``datasets/...`` and ``spaces/...``, each as a repository with one
commit on ``main``, and, where ``branches/datasets/<owner>/<name>/refs/convert/parquet`` is there, the Hub's conversion
of a data set. As on the real Hub, files of some size are "large": their answer is a redirect to another host (here
another port), which serves them by hash and with ranges. Failures are switched on and off, and requests are counted.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

CONVERSION = "refs/convert/parquet"
FAILURES = {
    "unauthorized": (401, "GatedRepo", "Access to this repository is restricted. Please log in."),
    "gated": (403, "GatedRepo", "Access to this repository is restricted and you are not in the authorized list."),
    "forbidden": (403, "", "Your token lacks the permission to read this repository."),
    "repository": (404, "RepoNotFound", "Repository not found"),
    "revision": (404, "RevisionNotFound", "Invalid rev id"),
    "entry": (404, "EntryNotFound", "Entry not found"),
    "rate": (429, "", "We had to rate limit your IP"),
    "server": (500, "", "Internal Error - We're working hard to fix this as soon as possible!"),
}


class Hub:
    """The server; use it in a ``with`` statement.

    Attributes:
        url: The endpoint, for ``HF_ENDPOINT``.
        requests: What was asked so far, ``(method, path)`` in order; for large files the path is ``/lfs/<sha256>``.
        served: Bytes of large files that were sent so far.
    """

    def __init__(self, root: Path, large: int = 64 * 1024) -> None:
        """Serve the folder ``root``; files of ``large`` bytes and more are served from the other host."""
        self.root, self.large = root, large
        self.requests: list[tuple[str, str]] = []
        self.served = 0
        self._failures: dict[str, str] = {}
        answering = type("Answering", (self.handler(),), {"hub": self})
        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), answering) for _ in range(2)]
        self.url, self.store = (f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers)

    def __enter__(self) -> Hub:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def fail(self, failure: str, where: str = "") -> None:
        """Answer every request whose path contains ``where`` with one of `FAILURES`."""
        assert failure in FAILURES
        self._failures[where] = failure

    def heal(self) -> None:
        self._failures.clear()

    def count(self, method: str, where: str) -> int:
        """Count the requests of a method whose path contains ``where``."""
        return sum(asked == method and where in path for asked, path in self.requests)

    def environment(self, home: Path) -> dict[str, str]:
        """Give the environment for a client process, with its caches below ``home``."""
        dropped = ("HF_", "HUGGING", "TRANSFORMERS_", "TLZOO_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
        return kept | {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home / "hf"),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_XET": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "TLZOO_CACHE": str(home / "tlzoo"),
            "TLZOO_REFERENCE": str(home / "no-results"),
        }

    def commit(self, kind: str, repository: str, branch: str = "main") -> str:
        """Give the commit of a branch: a hash of its names and contents."""
        listing = [(name, sha256(path)) for name, path in self.files(kind, repository, branch).items()]
        return hashlib.sha1(json.dumps(listing).encode()).hexdigest()

    def home(self, kind: str, repository: str, branch: str = "main") -> Path:
        """Give the folder that holds the files of a branch."""
        return (
            self.root / kind / repository if branch == "main" else self.root / "branches" / kind / repository / branch
        )

    def branches(self, kind: str, repository: str) -> list[str]:
        return ["main", *([CONVERSION] if self.home(kind, repository, CONVERSION).is_dir() else [])]

    def files(self, kind: str, repository: str, branch: str = "main") -> dict[str, Path]:
        """List a branch's files by their path in it."""
        home = self.home(kind, repository, branch)
        return {path.relative_to(home).as_posix(): path for path in sorted(home.rglob("*")) if path.is_file()}

    def handler(self) -> type[Handler]:
        return Handler


class RefusedError(Exception):
    """A request that is answered with one of `FAILURES`."""


class Handler(BaseHTTPRequestHandler):
    """Answers the requests that read."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def respond(self) -> None:
        self.body = self.read()
        address = urlsplit(self.path)
        path = unquote(address.path)
        self.hub.requests.append((self.command, path))
        try:
            for where, failure in self.hub._failures.items():
                if where in path:
                    raise RefusedError(failure)
            self.route(path, parse_qs(address.query))
        except RefusedError as refused:
            status, code, message = FAILURES[str(refused)]
            headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
            headers |= {"Ratelimit": '"resolvers";r=0;t=55'} if status == 429 else {}
            self.send(status, json.dumps({"error": message}).encode(), headers)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = respond  # noqa: N815

    def read(self) -> bytes:
        """Read the request's body, whole or in chunks."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline() or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def route(self, path: str, query: dict[str, list[str]]) -> None:
        api, revision = r"/api/(models|datasets|spaces)/([^/]+/[^/]+)", r"(refs/[^/]+/[^/]+|[^/]+)"
        if match := re.fullmatch(r"/lfs/([0-9a-f]{64})", path):
            self.large(match[1])
        elif match := re.fullmatch(rf"{api}(?:/revision/(.+))?", path):
            self.info(match[1], match[2], match[3] or "main", "blobs" in query)
        elif match := re.fullmatch(rf"{api}/tree/{revision}/?(.*)", path):
            self.tree(*match.groups(), query.get("recursive", [""])[0].lower() == "true")
        elif match := re.fullmatch(rf"{api}/paths-info/(.+)", path):
            self.paths_info(*match.groups())
        elif match := re.fullmatch(rf"/(datasets/|spaces/)?([^/]+/[^/]+)/resolve/{revision}/(.+)", path):
            self.resolve((match[1] or "models").rstrip("/"), *match.groups()[1:])
        else:
            raise RefusedError("entry")

    def repository(self, kind: str, repository: str, revision: str) -> tuple[dict[str, Path], str]:
        if not self.hub.files(kind, repository):
            raise RefusedError("repository")
        for branch in self.hub.branches(kind, repository):
            commit = self.hub.commit(kind, repository, branch)
            if revision in (branch, commit):
                return self.hub.files(kind, repository, branch), commit
        raise RefusedError("revision")

    def info(self, kind: str, repository: str, revision: str, with_sizes: bool = False) -> None:
        files, commit = self.repository(kind, repository, revision)
        names = [
            {"rfilename": name} | ({"size": path.stat().st_size} if with_sizes else {}) for name, path in files.items()
        ]
        flags = {"private": False, "gated": False, "disabled": False, "downloads": 0, "likes": 0, "tags": []}
        dates = {"lastModified": "2026-01-01T00:00:00.000Z", "createdAt": "2026-01-01T00:00:00.000Z"}
        self.json({"_id": "0", "id": repository, "sha": commit, "siblings": names, **flags, **dates})

    def tree(self, kind: str, repository: str, revision: str, folder: str, recursive: bool) -> None:
        files, _ = self.repository(kind, repository, revision)
        below = {name: path for name, path in files.items() if not folder or name.startswith(f"{folder}/")}
        if folder and not below:
            raise RefusedError("entry")
        depth = folder.count("/") + 1 if folder else 0
        entries: dict[str, Any] = {}
        for name, path in below.items():
            steps = name.split("/")
            for length in range(depth + 1, len(steps)):
                entries.setdefault("/".join(steps[:length]), None)
            entries[name] = path
        shown = {name: path for name, path in entries.items() if recursive or name.count("/") == depth}
        self.json([self.entry(name, path) for name, path in sorted(shown.items())])

    def paths_info(self, kind: str, repository: str, revision: str) -> None:
        files, _ = self.repository(kind, repository, revision)
        if "json" in self.headers.get("Content-Type", ""):
            asked = json.loads(self.body)["paths"]
        else:
            asked = parse_qs(self.body.decode()).get("paths", [])
        folders = {name.rpartition("/")[0] for name in files}
        self.json([self.entry(name, files.get(name)) for name in asked if name in files or name in folders])

    def entry(self, name: str, path: Path | None) -> dict[str, Any]:
        if path is None:
            return {"type": "directory", "oid": hashlib.sha1(name.encode()).hexdigest(), "size": 0, "path": name}
        size = path.stat().st_size
        described = {"type": "file", "oid": git_oid(path), "size": size, "path": name}
        large = {"lfs": {"oid": sha256(path), "size": size, "pointerSize": 134}} if size >= self.hub.large else {}
        return described | large

    def resolve(self, kind: str, repository: str, revision: str, name: str) -> None:
        files, commit = self.repository(kind, repository, revision)
        headers = {"X-Repo-Commit": commit}
        if name not in files:
            _, code, message = FAILURES["entry"]
            return self.send(404, b"Entry not found", headers | {"X-Error-Code": code, "X-Error-Message": message})
        path = files[name]
        size = path.stat().st_size
        if size < self.hub.large:
            return self.send(200, path.read_bytes(), headers | {"ETag": f'"{git_oid(path)}"', "Accept-Ranges": "bytes"})
        digest = sha256(path)
        linked = {"X-Linked-Size": str(size), "X-Linked-Etag": f'"{digest}"', "ETag": f'"{git_oid(path)}"'}
        self.send(302, b"", headers | linked | {"Location": f"{self.hub.store}/lfs/{digest}"})

    def large(self, digest: str) -> None:
        for path in self.hub.root.rglob("*"):
            if path.is_file() and sha256(path) == digest:
                return self.send(200, path.read_bytes(), {"ETag": f'"{digest}"', "Accept-Ranges": "bytes"})
        raise RefusedError("entry")

    def json(self, answer: Any, status: int = 200, **headers: str) -> None:
        self.send(status, json.dumps(answer).encode(), {"Content-Type": "application/json"} | headers)

    def send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked and status == 200:
            first, last = int(asked[1]), min(int(asked[2] or len(content) - 1), len(content) - 1)
            if first >= len(content):
                status, headers, content = 416, {"Content-Range": f"bytes */{len(content)}"}, b""
            else:
                headers = headers | {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
                status, content = 206, content[first : last + 1]
        if self.path.startswith("/lfs/") and self.command != "HEAD":
            self.hub.served += len(content)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        pass


def sha256(path: Path) -> str:
    """Hash a file; one that has not changed since is not read again."""
    state = path.stat()
    return _sha256(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4096)
def _sha256(path: Path, changed: int, size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def git_oid(path: Path) -> str:
    """Hash a file as git does."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
