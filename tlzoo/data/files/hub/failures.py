"""What goes wrong with a data set of the Hub, as errors of one line that name the alternatives."""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Iterator, Sequence

from tlzoo.data.files.hub.rows import TornError
from tlzoo.errors import InputError, TlzooError, UnavailableError
from tlzoo.hub import GATED, LOGIN, cause_of, hub_error, one_line

FORMATS = "Parquet, CSV, JSON Lines, text, or folders of pictures, sounds or videos"
_LIST = re.compile(r"\[.*?\]")


@contextlib.contextmanager
def failures(repo: str, *own: type[Exception]) -> Iterator[None]:
    """Translate what ``datasets``, the Hub's client and pyarrow raise.

    Args:
        repo: Repository id.
        own: General exceptions that are theirs here as well.

    Raises:
        InputError: The request has to change, such as the name of a configuration.
        UnavailableError: The Hub does not deliver, or a file is damaged.
    """
    try:
        yield
    except TlzooError:
        raise
    except Exception as error:
        failure = _failure(error, repo, own)
        if failure is None:
            raise
        raise failure from None


def no_configuration(repo: str, wanted: str | None, names: Sequence[str]) -> InputError:
    """The error for a configuration that is not there, or is not named where there are several."""
    shown = ", ".join(names)
    if wanted is None:
        return InputError(f"hub:{repo}: has several configurations, {shown}; name one: hub:{repo}:CONFIG")
    return InputError(f"hub:{repo}:{wanted}: no such configuration; it has: {shown}")


def _failure(error: Exception, repo: str, own: tuple[type[Exception], ...]) -> TlzooError | None:
    from datasets.exceptions import DataFilesNotFoundError, DatasetNotFoundError, DatasetsError
    from datasets.table import CastError

    where, text = f"hub:{repo}", one_line(str(error))
    if isinstance(error, TornError):
        file = error.path.rpartition(f"{repo}@")[2].partition("/")[2] or error.path
        reason = f"{file} is damaged or cut off ({text[:120]})"
        return UnavailableError(f"{where}: {reason}; another revision may be whole: {where}@REVISION")
    if (named := re.search(r"BuilderConfig '(.*?)' not found|Config name is missing", text)) is not None:
        listed = _LIST.search(text)
        return no_configuration(repo, named[1], ast.literal_eval(listed[0]) if listed else [])
    if (cause_of(error) is not error or not isinstance(error, ValueError)) and (failure := hub_error(error, where)):
        return failure
    if isinstance(error, DataFilesNotFoundError):
        return InputError(f"{where}: has no data files that can be read ({FORMATS})")
    if isinstance(error, DatasetNotFoundError) and "is a gated dataset" in text:
        return InputError(f"{where}: {GATED}{LOGIN}")
    if isinstance(error, DatasetNotFoundError):
        return UnavailableError(f"{where}: no such data set, or a private one that this token may not read")
    if isinstance(error, FileNotFoundError):
        return InputError(f"{where}: a file is not there: {text[:300]}")
    if isinstance(error, (DatasetsError, CastError, OSError, *own)):
        reason = one_line(str(error.__cause__)) if error.__cause__ else text
        return InputError(f"{where}: cannot be read by datasets: {reason[:300]}")
    return None
