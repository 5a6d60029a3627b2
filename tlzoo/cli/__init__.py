"""The command line: one file a command group; heavy imports only inside handlers."""

from __future__ import annotations

import errno
import sys
from typing import NoReturn

import typer

from tlzoo.cli import boards, cards, evaluation, models, publishing, spaces, weights
from tlzoo.errors import InputError, TlzooError

app = typer.Typer(
    name="tlzoo",
    help="A model zoo for transfer learning: which pretrained model to start from, and did it help?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for group in (cards, weights, evaluation, boards, models, spaces, publishing):
    group.register(app)


def _stop(message: str, code: int) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(code)


def main() -> None:
    """Run the command line; every expected error is one line on standard error and an exit code."""
    try:
        app()
    except InputError as error:
        _stop(f"tlzoo: {error}", 2)
    except TlzooError as error:
        from tlzoo.blobs import HashMismatchError

        _stop(f"tlzoo: {error}", 2 if isinstance(error, HashMismatchError) else 1)
    except KeyboardInterrupt:
        _stop("tlzoo: interrupted; what was finished is kept, and the same command goes on from there", 130)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            where = error.filename or "the output folder"
            _stop(f"tlzoo: {where}: the disk is full; free some space, or name another folder with --out", 2)
        raise
