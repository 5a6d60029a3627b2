"""The command line: one file a command group; heavy imports only inside handlers."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from tlzoo import __version__, terminal
from tlzoo.cli import (
    boards,
    cache,
    cards,
    check,
    evaluation,
    export,
    models,
    oracles,
    publishing,
    rerun,
    spaces,
    sweep,
    weights,
)
from tlzoo.errors import InputError, TlzooError


class _Commands(TyperGroup):
    """All commands: every expected end of one is a line on standard error and an exit code.

    It is here that they are caught, since typer ends the program by itself for an interrupt and for a closed pipe.
    """

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run the command that was given."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            _stop(str(error), 2)
        except TlzooError as error:
            from tlzoo.blobs import HashMismatchError

            _stop(str(error), 2 if isinstance(error, HashMismatchError) else 1)
        except (KeyboardInterrupt, typer.Abort) as error:
            _stop("; ".join(("interrupted", *map(str, error.args))), 130)
        except OSError as error:
            _stop_at(error)


app = typer.Typer(
    name="tlzoo",
    cls=_Commands,
    help="A model zoo for transfer learning: which pretrained model to start from, and did it help?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (
    cards,
    weights,
    cache,
    check,
    evaluation,
    sweep,
    rerun,
    oracles,
    boards,
    models,
    export,
    spaces,
    publishing,
):
    group.register(app)


def _version(is_given: bool) -> None:
    if is_given:
        terminal.put(f"tlzoo {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


def _stop(message: str, code: int) -> NoReturn:
    with suppress(OSError):
        terminal.say(f"tlzoo: {message}")
    sys.exit(code)


def _stop_at(error: OSError) -> NoReturn:
    """Name the file that could not be read or written, and why.

    A reader of standard output that has enough, such as ``head``, is no fault.
    """
    where = error.filename
    if where == terminal.OUTPUT:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is not tried again at the end
        if isinstance(error, BrokenPipeError):
            sys.exit(0)
    reason = error.strerror or str(error) or type(error).__name__
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        elsewhere = "" if where == terminal.OUTPUT else ", or name another folder with --out"
        reason = f"the disk is full; free some space{elsewhere}"
        where = where or "the output folder"
    _stop(f"{where}: {reason}" if where else reason, 2 if where else 1)


def main() -> None:
    """Run the command line."""
    app()
