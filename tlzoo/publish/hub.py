"""The Hub as one command sees it: what a repository holds, a commit to it, and every failure in one line."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tlzoo.errors import InputError, UnavailableError
from tlzoo.hub import LOGIN, cause_of, client, hub_error, one_line

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

Kind = Literal["model", "dataset", "space"]
_SECONDS = 10.0
_REMEDY = "take one that may, name another owner with --to, or propose it with --create-pr"


@dataclass(frozen=True)
class Repository:
    """A repository of the Hub.

    Attributes:
        kind: What it holds.
        name: ``OWNER/NAME``.
    """

    kind: Kind
    name: str

    @property
    def owner(self) -> str:
        """The account that it belongs to."""
        return self.name.partition("/")[0]

    @property
    def path(self) -> str:
        """Its place below the Hub's address."""
        return self.name if self.kind == "model" else f"{self.kind}s/{self.name}"

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Entry:
    """A file that a repository holds.

    Attributes:
        size: Bytes.
        oid: Hash of git's blob.
        sha256: Hash of the content, where it lies in the large file storage; there ``oid`` is not the content's.
    """

    size: int
    oid: str
    sha256: str | None


@dataclass(frozen=True)
class Held:
    """What a repository holds at one commit: files by their path. Without a commit there are none yet."""

    commit: str | None
    files: dict[str, Entry]


class Hub:
    """The Hub behind ``HF_ENDPOINT``, with the token of ``HF_TOKEN`` or of ``hf auth login``, if there is one."""

    def __init__(self) -> None:
        """Nothing is asked yet."""
        from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

        if not sys.stderr.isatty():
            disable_progress_bars()
        self._api = client()

    @property
    def endpoint(self) -> str:
        """The Hub's address."""
        return self._api.endpoint

    def need_token(self) -> None:
        """Make sure of a token, before any work is done.

        Raises:
            InputError: There is none, or it cannot be one.
        """
        from huggingface_hub import get_token

        token = get_token()
        if not token:
            raise InputError(f"no token of the Hugging Face Hub: {LOGIN}; with --to or --repo, --dry-run needs none")
        if not re.fullmatch(r"[!-~]+", token):
            raise InputError(f"the token holds a blank or a character that no token has: {LOGIN}")

    def account(self) -> str:
        """The name of the token's account.

        Raises:
            InputError: There is no token, or the Hub does not know it.
            UnavailableError: The Hub does not answer.
        """
        self.need_token()
        with _translated("your account"):
            return str(self._api.whoami()["name"])

    def held(self, repository: Repository, revision: str = "main") -> Held | None:
        """What a repository holds.

        Args:
            repository: Which.
            revision: A branch, a commit or ``refs/pr/NUMBER``.

        Returns:
            Its files, or ``None`` where there is no such repository, or none that can be seen.

        Raises:
            InputError: The token is not accepted.
            UnavailableError: The Hub does not answer.
        """
        from huggingface_hub import RepoFile
        from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

        with _translated(str(repository)):
            try:
                # Asked first: where the Hub does not answer, the listing would repeat the question for half a minute.
                info = self._api.repo_info(
                    repository.name, repo_type=repository.kind, revision=revision, timeout=_SECONDS
                )
                commit = str(info.sha)
                tree = self._api.list_repo_tree(
                    repository.name, repo_type=repository.kind, revision=commit, recursive=True
                )
                files = [each for each in tree if isinstance(each, RepoFile)]
            except GatedRepoError:
                raise
            except RepositoryNotFoundError:
                return None
            except RevisionNotFoundError:
                return Held(None, {})
        return Held(commit, {f.path: Entry(f.size, f.blob_id, f.lfs.sha256 if f.lfs else None) for f in files})

    def pull_requests(self, repository: Repository, title: str) -> list[int]:
        """Numbers of the open pull requests with a title.

        Raises:
            InputError: The token is not accepted.
            UnavailableError: The Hub does not answer.
        """
        with _translated(str(repository)):
            discussions = self._api.get_repo_discussions(
                repository.name, repo_type=repository.kind, discussion_type="pull_request", discussion_status="open"
            )
            return [each.num for each in discussions if each.title == title]

    def create(self, repository: Repository, private: bool) -> None:
        """Create a repository, if it is not there.

        Raises:
            InputError: The token may not do that.
            UnavailableError: The Hub does not answer.
        """
        with _translated(str(repository)):
            self._api.create_repo(
                repository.name,
                repo_type=repository.kind,
                private=private or None,
                exist_ok=True,
                space_sdk="gradio" if repository.kind == "space" else None,
            )

    def commit(
        self,
        repository: Repository,
        message: str,
        *,
        put: Sequence[tuple[str, bytes | Path]],
        delete: Sequence[str],
        parent: str | None,
        create_pr: bool,
    ) -> str:
        """Make one commit: all of it, or nothing.

        Args:
            repository: Where.
            message: Its title.
            put: Files to add or to replace, by their path there: their content, or the file that holds it.
            delete: Paths of files to delete.
            parent: The commit that it is meant to follow; refused where there is a newer one.
            create_pr: Whether it opens a pull request.

        Returns:
            Where to look at the commit, or at the pull request.

        Raises:
            InputError: The token may not do that, or the Hub refuses a file.
            UnavailableError: The Hub does not answer, or the repository changed meanwhile.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        with _translated(str(repository)):
            operations: list[CommitOperationAdd | CommitOperationDelete] = [
                CommitOperationAdd(path, content) for path, content in put
            ]
            operations += [CommitOperationDelete(path, is_folder=False) for path in delete]
            done = self._api.create_commit(
                repository.name,
                operations,
                commit_message=message,
                repo_type=repository.kind,
                create_pr=create_pr,
                parent_commit=parent,
            )
        return done.pr_url or done.commit_url


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn every failure of the Hub's client into one line that holds no token."""
    try:
        yield
    except Exception as error:
        failure = hub_error(error, what, remedy=_REMEDY)
        if failure is not None:
            raise failure from None
        reason = cause_of(error)
        if isinstance(reason, RuntimeError | OSError):  # of the storage behind the Hub, or of a file here
            raise UnavailableError(f"{what}: an upload failed: {one_line(str(reason))}") from None
        raise
