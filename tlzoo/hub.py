"""The Hugging Face Hub: one client, and one translation of its errors into errors of one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlzoo.errors import InputError, UnavailableError

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

LOGIN = "set HF_TOKEN, or run `hf auth login`"
"""What a person does whose token is missing or not accepted."""
GATED = "gated: accept its terms on its page on the Hub, and "
"""What a person does who wants what others may not have, before :data:`LOGIN`."""


class HubUnreachableError(UnavailableError):
    """The Hub does not answer."""


def client(token: str | None = None) -> HfApi:
    """Make a client of the Hub behind ``HF_ENDPOINT``.

    Args:
        token: Token of the requests; by default that of ``HF_TOKEN`` or of ``hf auth login``.
    """
    from huggingface_hub import HfApi

    return HfApi(token=token, library_name="tlzoo")


def hub_error(
    error: BaseException, subject: str, *, token: str | None = None, login: str = LOGIN, remedy: str = ""
) -> InputError | UnavailableError | None:
    """Translate a failure of the Hub's client.

    Args:
        error: The exception that the client raised.
        subject: Beginning of the message, such as ``"model owner/name"``; may be empty.
        token: Token of the request, which the message must not contain; by default the client's own.
        login: What to do when the Hub does not accept the token.
        remedy: What to do when the token may not write to the repository.

    Returns:
        An error of one line that says what happened and what to do: `InputError` where the request has to change,
        `HubUnreachableError` where the Hub does not answer, `UnavailableError` otherwise. ``None`` if the exception is
        not a failure of the Hub.
    """
    import httpx2
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, OfflineModeIsEnabled

    reason = cause_of(error)
    message = one_line(str(reason) or type(reason).__name__, token)
    kind: type[InputError | UnavailableError]
    if isinstance(reason, OfflineModeIsEnabled):
        kind, message = UnavailableError, "the Hub is not asked, HF_HUB_OFFLINE is set"
    elif isinstance(reason, HfHubHTTPError):
        kind, message = _refusal(reason, token, login, remedy)
    elif isinstance(reason, EntryNotFoundError):
        kind = UnavailableError
    elif isinstance(reason, httpx2.HTTPError | ConnectionError | TimeoutError):
        kind, message = HubUnreachableError, f"the Hub cannot be reached: {message}"
    elif isinstance(reason, ValueError):  # a check of the client: a name, or the front matter of a README.md
        kind = InputError
    else:
        return None
    return kind(f"{subject}: {message}" if subject else message)


def cause_of(error: BaseException) -> BaseException:
    """The failure behind an exception.

    The client wraps that of one upload of several into a ``RuntimeError``, and ``datasets`` wraps answers of the Hub
    into errors of its own.
    """
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    for kinds in (HfHubHTTPError, OfflineModeIsEnabled | httpx2.HTTPError):
        if (answer := next((each for each in chain if isinstance(each, kinds)), None)) is not None:
            return answer
    return error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error


def one_line(text: str, token: str | None = None) -> str:
    """Write a text as one line that does not contain the token."""
    from huggingface_hub import get_token

    token = token or get_token()
    return " ".join((text.replace(token, "***") if token else text).split())


def _when(error: HfHubHTTPError) -> str:
    """When a request that came too soon may be repeated, as the answer's headers say."""
    from huggingface_hub.utils import parse_ratelimit_headers  # type: ignore[attr-defined]

    headers = error.response.headers
    limit = parse_ratelimit_headers(headers)
    seconds = headers.get("Retry-After", "") if limit is None else str(limit.reset_in_seconds)
    return f"in {int(seconds):,} s" if seconds.isdecimal() else "later"


def _refusal(
    error: HfHubHTTPError, token: str | None, login: str, remedy: str
) -> tuple[type[InputError | UnavailableError], str]:
    """Kind and message of an answer with an error status."""
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    status = error.response.status_code
    answer = one_line(error.server_message or error.response.reason_phrase, token)
    if isinstance(error, GatedRepoError):
        return InputError, f"HTTP {status}, {GATED}{login}"
    if isinstance(error, RevisionNotFoundError):
        return UnavailableError, f"HTTP {status}, no such revision"
    if isinstance(error, EntryNotFoundError):
        return UnavailableError, f"HTTP {status}, no such file in this revision"
    if isinstance(error, RepositoryNotFoundError):
        return UnavailableError, f"HTTP {status}, no such repository, or a private one that this token may not read"
    if status == 401:
        return InputError, f"HTTP 401, the Hub does not accept the token ({answer}): {login}"
    if status == 403 and error.response.request.method not in ("GET", "HEAD"):
        return InputError, f"HTTP 403, the token may not write there ({answer})" + (f"; {remedy}" if remedy else "")
    if status == 404:
        return InputError, f"HTTP 404, not there, or not visible with this token ({answer})"
    if status in (409, 412):
        return UnavailableError, f"HTTP {status}, it changed meanwhile ({answer}); run the same command again"
    if status == 429:
        return UnavailableError, f"HTTP 429, rate limited ({answer}): try again {_when(error)}, or {LOGIN}"
    if status >= 500:
        return UnavailableError, f"HTTP {status}, server error of the Hub ({answer}): try again later"
    return InputError, f"HTTP {status}, refused: {answer}"
