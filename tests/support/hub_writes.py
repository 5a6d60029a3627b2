"""The Hub of `tests.support.hub_server`, which can be written to: repositories, uploads, commits and pull requests.

What is committed lies in the served folder, a pull request's branch below ``branches``, and what was uploaded but is in
no commit yet below ``uploads``. A request can be left without an answer, as by a Hub that is slow, for a client that is
killed while it waits. People who log in to a Space are all ``me``, and are not asked whether they want to.
"""

import base64
import hashlib
import hmac
import json
import re
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import yaml

from tests.support.hub_server import Handler, Hub, RefusedError, git_oid, sha256

TOKEN, STRANGER = "hf_thisisthesecretofthetests", "hf_anothersecretofthetests"
_SIGNED_WITH = b"the key of the Hub of the tests, of some length"


@dataclass(frozen=True)
class Commit:
    kind: str
    repository: str
    branch: str
    message: str
    written: tuple[str, ...]
    deleted: tuple[str, ...]


class WritableHub(Hub):
    """A Hub with the accounts ``me`` and ``stranger``, who may each write to what is theirs.

    Attributes:
        commits: What was committed so far.
        private: Repositories that were created as private, as ``kind/owner/name``.
        scopes: What the last Space that somebody logged in to may do in their name.
    """

    def __init__(self, root: Path, large: int = 64 * 1024) -> None:
        super().__init__(root, large)
        self.accounts = {TOKEN: "me", STRANGER: "stranger"}
        self.commits: list[Commit] = []
        self.private: set[str] = set()
        self.scopes: list[str] = []
        self.titles: dict[tuple[str, str], list[str]] = {}
        self.lock = threading.Lock()
        self._where, self._asked = ("", ""), 0
        self._stalled, self._resumed = threading.Event(), threading.Event()
        root.mkdir(exist_ok=True)

    def handler(self) -> type[Handler]:
        return WritingHandler

    def branches(self, kind: str, repository: str) -> list[str]:
        pulls = len(self.titles.get((kind, repository), []))
        return ["main", *(f"refs/pr/{number}" for number in range(1, pulls + 1))]

    def stall(self, method: str, where: str, asked: int = 1) -> None:
        """Leave a request without an answer or an effect: the n-th one of a method whose path contains ``where``."""
        self._where, self._asked = (method, where), asked
        self._stalled.clear()
        self._resumed.clear()

    def wait(self, seconds: float = 60) -> None:
        """Wait until that request has come."""
        assert self._stalled.wait(seconds), self.requests

    def resume(self) -> None:
        """Close its connection; all later ones are answered."""
        self._asked = 0
        self._resumed.set()

    def stalls(self, method: str, path: str) -> bool:
        with self.lock:
            if not self._asked or method != self._where[0] or self._where[1] not in path:
                return False
            self._asked -= 1
            if self._asked:
                return False
        self._stalled.set()
        self._resumed.wait(120)
        return True

    def writes(self) -> list[tuple[str, str]]:
        """List the requests that are meant to change something."""
        return [(m, p) for m, p in self.requests if m not in ("GET", "HEAD") and "/paths-info/" not in p]


class WritingHandler(Handler):
    """Answers the requests that write, too."""

    hub: WritableHub

    def route(self, path: str, query: dict[str, list[str]]) -> None:
        if self.hub.stalls(self.command, path):
            raise ConnectionResetError
        if path == "/.well-known/openid-configuration":
            return self.provider()
        if path == "/oauth/authorize":
            return self.authorize({name: values[0] for name, values in query.items()})
        if path == "/oauth/token":
            return self.token()
        if path == "/oauth/jwks":
            return self.json({"keys": [{"kty": "oct", "k": _base64(_SIGNED_WITH)}]})
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token not in self.hub.accounts:
            return self.refuse(401, "Invalid credentials in Authorization header")
        account = self.hub.accounts.get(token)
        api = r"/api/(models|datasets|spaces)/([^/]+/[^/]+)"
        if path == "/api/whoami-v2":
            return self.json({"type": "user", "name": account}) if account else self.refuse(401, "No token")
        if path == "/api/validate-yaml":
            return self.validate()
        if path == "/api/repos/create":
            return self.create(account)
        if match := re.fullmatch(rf"{api}/discussions", path):
            return self.discussions(match[1], match[2])
        if match := re.fullmatch(rf"{api}/preupload/(.+)", path):
            return self.preupload(match[1], match[2], match[3])
        if match := re.fullmatch(r"/(datasets/|spaces/)?([^/]+/[^/]+)\.git/info/lfs/objects/batch", path):
            return self.batch(account, match[2])
        if match := re.fullmatch(r"/upload/([0-9a-f]{64})", path):
            return self.upload(match[1])
        if path == "/verify":
            return self.verify()
        if match := re.fullmatch(rf"{api}/commit/(.+)", path):
            return self.commit(account, match[1], match[2], match[3], query.get("create_pr") == ["1"])
        match = re.search(r"/((?:models|datasets|spaces)/([^/]+)/[^/]+)", path)
        if match and match[1] in self.hub.private and match[2] != account:
            raise RefusedError("repository")
        return super().route(path, query)

    def refuse(self, status: int, message: str) -> None:
        self.json({"error": message}, status, **{"X-Error-Message": message})

    def provider(self) -> None:
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
        found = {name: f"{self.hub.url}/oauth/{place}" for name, place in places.items()}
        self.json({"issuer": self.hub.url, "id_token_signing_alg_values_supported": ["HS256"]} | found)

    def authorize(self, asked: dict[str, str]) -> None:
        self.hub.scopes = asked["scope"].split()
        code = _base64(json.dumps([asked["client_id"], asked.get("nonce")]).encode())
        target, answer = asked["redirect_uri"], urlencode({"code": code, "state": asked["state"]})
        self.send(302, b"", {"Location": f"{target}{'&' if '?' in target else '?'}{answer}"})

    def token(self) -> None:
        code = parse_qs(self.body.decode())["code"][0]
        client, nonce = json.loads(base64.urlsafe_b64decode(code + "=="))
        now = int(time.time())
        person = {"sub": "0", "name": "Me", "preferred_username": "me", "profile": f"{self.hub.url}/me", "picture": ""}
        claims = {"iss": self.hub.url, "aud": client, "nonce": nonce, "iat": now, "exp": now + 3600} | person
        signed = ".".join(_base64(json.dumps(part).encode()) for part in ({"alg": "HS256"}, claims))
        signature = _base64(hmac.digest(_SIGNED_WITH, signed.encode(), "sha256"))
        token = {"access_token": TOKEN, "token_type": "bearer", "expires_in": 3600, "scope": " ".join(self.hub.scopes)}
        self.json(token | {"id_token": f"{signed}.{signature}"})

    def may_write(self, account: str | None, owner: str) -> bool:
        if account == owner:
            return True
        self.refuse(*((403, "You don't have the rights to write there") if account else (401, "No token")))
        return False

    def create(self, account: str | None) -> None:
        asked = json.loads(self.body)
        owner, kind = asked["organization"] or account, f"{asked.get('type') or 'model'}s"
        repository = f"{owner}/{asked['name']}"
        if not self.may_write(account, owner):
            return None
        url = f"{self.hub.url}/{repository if kind == 'models' else f'{kind}/{repository}'}"
        home = self.hub.home(kind, repository)
        if home.exists():
            return self.json({"error": "You already created this repository", "url": url}, 409)
        home.mkdir(parents=True)
        (home / ".gitattributes").write_text("*.safetensors filter=lfs diff=lfs merge=lfs -text\n")
        if kind == "spaces":
            (home / "README.md").write_text(f"---\ntitle: {asked['name']}\nsdk: {asked['sdk']}\n---\n")
        if asked.get("visibility") == "private":
            self.hub.private.add(f"{kind}/{repository}")
        return self.json({"url": url})

    def validate(self) -> None:
        asked = json.loads(self.body)
        match = re.match(r"---\n(.*?)\n---\n", asked["content"], re.DOTALL)
        front = yaml.safe_load(match[1]) if match else {}
        errors = []
        if asked["repoType"] == "space" and front.get("sdk") not in ("gradio", "static", "docker"):
            errors.append({"message": '"sdk" must be one of [gradio, docker, static]'})
        if asked["repoType"] == "space" and len(front.get("short_description", "")) > 60:
            errors.append({"message": '"short_description" length must be less than or equal to 60 characters long'})
        for model in front.get("model-index", []):
            for result in model["results"]:
                if not re.fullmatch(r"(?:[\w-]+/)?[\w.-]+", result["dataset"]["type"]):
                    errors.append({"message": '"model-index[0].results[0].dataset.type" is no id'})
        self.json({"errors": errors, "warnings": []}, 400 if errors else 200)

    def discussions(self, kind: str, repository: str) -> None:
        titles = self.hub.titles.get((kind, repository), [])
        shared = {"status": "open", "isPullRequest": True, "author": {"name": "me"}}
        shared |= {"createdAt": "2026-01-01T00:00:00.000Z", "repo": {"name": repository, "type": kind.rstrip("s")}}
        found = [shared | {"title": title, "num": number} for number, title in enumerate(titles, start=1)]
        self.json({"discussions": found, "count": len(found), "start": 0})

    def preupload(self, kind: str, repository: str, revision: str) -> None:
        files, _ = self.repository(kind, repository, revision)
        answers = []
        for asked in json.loads(self.body)["files"]:
            large = asked["size"] >= self.hub.large
            held = files.get(asked["path"])
            oid = (sha256(held) if held.stat().st_size >= self.hub.large else git_oid(held)) if held else None
            mode = {"uploadMode": "lfs" if large else "regular", "shouldIgnore": False, "oid": oid}
            answers.append({"path": asked["path"], **mode})
        self.json({"files": answers})

    def batch(self, account: str | None, repository: str) -> None:
        if account is None:
            return self.refuse(401, "No token")
        objects: list[dict[str, Any]] = []
        for asked in json.loads(self.body)["objects"]:
            actions = {
                "upload": {"href": f"{self.hub.store}/upload/{asked['oid']}"},
                "verify": {"href": f"{self.hub.url}/verify"},
            }
            there = (self.hub.root / "uploads" / asked["oid"]).is_file()
            objects.append(asked if there else asked | {"actions": actions})
        return self.json({"transfer": "basic", "objects": objects})

    def upload(self, digest: str) -> None:
        if hashlib.sha256(self.body).hexdigest() != digest:
            return self.refuse(400, "The content does not have this hash")
        folder = self.hub.root / "uploads"
        folder.mkdir(exist_ok=True)
        (folder / digest).write_bytes(self.body)
        return self.send(200, b"", {})

    def verify(self) -> None:
        asked = json.loads(self.body)
        path = self.hub.root / "uploads" / asked["oid"]
        if not path.is_file() or path.stat().st_size != asked["size"]:
            return self.refuse(404, "Not uploaded")
        return self.json({})

    def commit(self, account: str | None, kind: str, repository: str, revision: str, create_pr: bool) -> None:
        lines = [json.loads(line) for line in self.body.splitlines()]
        header = lines[0]["value"]
        owner = repository.split("/")[0]
        if account is None or not (create_pr or self.may_write(account, owner)):
            return self.refuse(401, "No token") if account is None else None
        with self.hub.lock:
            _, head = self.repository(kind, repository, revision)
            if header.get("parentCommit", head) != head:
                return self.refuse(412, "A commit has happened since. Please refresh and try again.")
            branch = "main"
            if create_pr:
                titles = self.hub.titles.setdefault((kind, repository), [])
                branch = f"refs/pr/{len(titles) + 1}"
                home = self.hub.home(kind, repository, branch)
                shutil.copytree(self.hub.home(kind, repository), home)
                titles.append(header["summary"])
            written, deleted = self.apply(self.hub.home(kind, repository, branch), lines[1:])
            self.hub.commits.append(Commit(kind, repository, branch, header["summary"], written, deleted))
        address = f"{self.hub.url}/{repository if kind == 'models' else f'{kind}/{repository}'}"
        commit = self.hub.commit(kind, repository, branch)
        pull = f"{address}/discussions/{branch.rpartition('/')[2]}" if create_pr else None
        answer = {"commitUrl": f"{address}/commit/{commit}", "commitOid": commit, "pullRequestUrl": pull}
        return self.json({"success": True} | answer)

    def apply(self, home: Path, operations: list[dict[str, Any]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        written, deleted = [], []
        for operation in operations:
            value = operation["value"]
            path = home / value["path"]
            if operation["key"] == "deletedFile":
                path.unlink()
                deleted.append(value["path"])
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            if operation["key"] == "lfsFile":
                shutil.copy(self.hub.root / "uploads" / value["oid"], path)
            else:
                path.write_bytes(base64.b64decode(value["content"]))
            written.append(value["path"])
        return tuple(written), tuple(deleted)


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
